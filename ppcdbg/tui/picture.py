"""The screen as an SVG picture that loads nothing from anywhere."""

from __future__ import annotations

import re

from textual.app import App

_FOREIGN = re.compile(r',\s*url\("https?://[^;]*;')
"""Textual names a font on a server behind the one that the reader may have."""


def picture(app: App[int]) -> str:
    """The screen as it is drawn now; where its font is missing the reader's own monospace one stands in."""
    drawn = _FOREIGN.sub(";", app.export_screenshot(title="ppcdbg"))
    # Some that draw pictures, librsvg among them, trim even hard blanks: columns of numbers stood at the left.
    return drawn.replace('<svg class="rich-terminal"', '<svg xml:space="preserve" class="rich-terminal"', 1)
