"""A pane that has nothing to show says so."""

from __future__ import annotations

from ppcdbg.tui.scene import Filled, Need
from ppcdbg.views.spans import Span, wrap


def notice(title: str, sentence: str, need: Need) -> Filled:
    """One sentence in place of rows, broken at words."""
    rows = tuple(wrap((Span(sentence, "dim"),), need.width))
    return Filled(rows, title, total=len(rows))
