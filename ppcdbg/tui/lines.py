"""A widget that is a list of lines, each drawn once: what a pane and a bar are to the toolkit.

A line is described by its parts. Strips are kept by what they were made of, so a line that comes back, or has moved,
costs a look-up; and only lines that differ from what was painted are painted again. The toolkit's own cache is by
place and knows borders, padding and hatches, which these widgets have none of.
"""

from __future__ import annotations

from typing import NamedTuple, Self

from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from ppcdbg.tui.styles import Styles
from ppcdbg.views.spans import Line, fit

KEPT = 300
"""Strips of a widget that are kept: some screenfuls. Each takes some 6 KiB."""


class Part(NamedTuple):
    """Spans in so many cells, on a surface of the theme; ``shift`` cells are cut off at the left."""

    row: Line
    width: int
    surface: str = ""
    shift: int = 0
    fits: bool = False
    """Whether an ellipsis is to stand where the row is cut at the right."""


Parts = tuple[Part, ...]


class Lines(Widget):
    """Its lines are what ``parts`` says, whenever ``repaint`` is called."""

    def __init__(self, styles: Styles, name: str, classes: str) -> None:
        super().__init__(id=name, classes=classes)
        self.palette = styles
        self._strips: dict[Parts, Strip] = {}
        self._painted: list[Parts] = []
        self._drawn: list[Strip] = []
        self._drawn_for = Size(0, 0)
        self._stale = True

    def parts(self, y: int) -> Parts:
        """What a line consists of, from left to right."""
        raise NotImplementedError

    def repaint(self) -> None:
        """Paint the lines that are not what they were."""
        lines = [self.parts(y) for y in range(self.size.height)]
        if len(lines) != len(self._painted):
            self.refresh()
            return
        width = self.size.width
        changed = [y for y, (old, new) in enumerate(zip(self._painted, lines, strict=True)) if old != new]
        if changed:
            self.refresh(*(Region(0, y, width, 1) for y in changed))

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        self._stale = True
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def restyle(self, styles: Styles) -> None:
        """Draw with another theme."""
        self.palette = styles
        self._strips.clear()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        return self._strip(self.parts(y))

    def _strip(self, parts: Parts) -> Strip:
        strip = self._strips.get(parts)
        if strip is None:
            if len(self._strips) >= KEPT:
                self._strips = {each: self._strips[each] for each in self._painted if each in self._strips}
            draw = self.palette.strip
            drawn = [
                draw(fit(part.row, part.width) if part.fits else part.row, part.width, part.surface, part.shift)
                for part in parts
            ]
            strip = self._strips[parts] = drawn[0] if len(drawn) == 1 else Strip.join(drawn)
        return strip

    def render_lines(self, crop: Region) -> list[Strip]:
        """The toolkit's own way past borders and padding, for widgets that have none; filters (no colour, ASCII) act.

        It is called for every visible widget at each painting; what has not been touched gives what it gave."""
        if self._stale or self.size != self._drawn_for:
            self._stale, self._drawn_for = False, self.size
            self._painted = [self.parts(y) for y in range(self.size.height)]
            filters, background = self.get_line_filters(), self.background_colors[1]
            self._drawn = [self._strip(parts) for parts in self._painted]
            for one in filters:
                self._drawn = [strip.apply_filter(one, background) for strip in self._drawn]
        strips = self._drawn[crop.y : crop.bottom]
        first, last = crop.column_span
        return strips if (first, last) == (0, self.size.width) else [strip.crop(first, last) for strip in strips]
