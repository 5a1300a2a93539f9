"""ASCII only, at the end of drawing: frames, palette and footer are covered too."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from ppcdbg.views.glyphs import to_ascii


class AsciiOnly(LineFilter):
    """Textual's hook on every drawn line."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments with their text in ASCII; styles stay."""
        return [Segment(to_ascii(text), style, control) for text, style, control in segments]
