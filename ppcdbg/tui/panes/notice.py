"""A pane that has nothing to show says so."""

from __future__ import annotations

from ppcdbg.tui.scene import Filled, Need
from ppcdbg.views.spans import Span, fit, wrap


def notice(title: str, sentence: str, need: Need) -> Filled:
    """One sentence in place of rows, broken at words."""
    rows = tuple(fit(row, need.width) for row in wrap((Span(sentence, "dim"),), need.width))
    return Filled(rows, title, total=len(rows))
