"""The lines around the desk: state of the guest above; timeline, story and keys below."""

from __future__ import annotations

from collections.abc import Sequence

from textual.events import Click, MouseDown, MouseMove, MouseUp
from textual.geometry import Size
from textual.message import Message

from ppcdbg.tui.keys import Key, show
from ppcdbg.tui.lines import Lines, Part, Parts
from ppcdbg.tui.scene import Timeline
from ppcdbg.tui.styles import Styles
from ppcdbg.views.spans import Line, Span, fit, length, wrap
from ppcdbg.views.spark import BARS

LEAD = 3
"""Columns before the first bar of the timeline."""
NOTE_ROOM = 44
"""Columns of the timeline's row that its note may take."""


class Bar(Lines):
    """One or a few lines of spans, on a surface of the theme."""

    DEFAULT_CSS = "Bar { height: 1; width: 1fr; }"

    class Chosen(Message):
        """A bar was clicked."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def on_click(self, event: Click) -> None:
        self.clicked(event.x)

    def clicked(self, x: int) -> None:
        """What a click on a cell of this bar means."""
        self.post_message(Bar.Chosen(self.id or ""))

    def __init__(self, styles: Styles, name: str, surface: str = "") -> None:
        super().__init__(styles, name, "bar")
        self.surface = surface
        self.rows: tuple[Line, ...] = ()

    def show_rows(self, rows: tuple[Line, ...]) -> None:
        """Show these lines."""
        if rows != self.rows:
            self.rows = rows
            self.repaint()

    def parts(self, y: int) -> Parts:
        row = self.rows[y] if y < len(self.rows) else ()
        return (Part(row, self.size.width, self.surface, fits=True),)


class Story(Bar):
    """The sentence on what just happened, or the answer of a short command until the next stop."""

    def __init__(self, styles: Styles) -> None:
        super().__init__(styles, "story")
        self.spans: Sequence[Span] = ()

    def tell(self, spans: Sequence[Span]) -> None:
        """Show this text, wrapped at words; what does not fit ends in an ellipsis."""
        self.spans = spans
        self._wrap(self.size)

    def on_resize(self) -> None:
        self._wrap(self.size)

    def _wrap(self, size: Size) -> None:
        width = max(1, size.width - 2)
        lines = wrap(self.spans, width)
        if len(lines) > size.height > 0:
            kept = lines[: size.height]
            kept[-1] = (*fit(kept[-1], width - 2), Span(" …", "dim"))
            lines = kept
        self.show_rows(tuple((Span(" "), *row) for row in lines))


class TimelineBar(Bar):
    """Exits over the run as a row of bars that separates desk and story; the note stands at its right."""

    class Chosen(Message):
        """A position was clicked, or dragged over."""

        def __init__(self, position: int) -> None:
            super().__init__()
            self.position = position

    def __init__(self, styles: Styles) -> None:
        super().__init__(styles, "timeline")
        self.timeline = Timeline()
        self._dragging = False
        self._went: int | None = None

    def clicked(self, x: int) -> None:
        """It was said as the button went down."""

    def on_mouse_down(self, event: MouseDown) -> None:
        self._dragging = 0 <= event.x - LEAD < len(self.timeline.bars)
        if self._dragging:
            self.capture_mouse()
            self._went = None
            self._go(event.x)

    def on_mouse_move(self, event: MouseMove) -> None:
        if self._dragging:
            self._go(event.x)

    def on_mouse_up(self, event: MouseUp) -> None:
        if self._dragging:
            self._dragging = False
            self.release_mouse()

    def _go(self, x: int) -> None:
        position = self.timeline.position(x - LEAD)
        if self.timeline.end and position != self._went:
            self._went = position
            self.post_message(self.Chosen(position))

    def feed(self, timeline: Timeline) -> None:
        """Show this timeline."""
        if timeline != self.timeline:
            self.timeline = timeline
            self.repaint()

    def room(self, width: int) -> int:
        """How many bars a screen of this width has."""
        return max(8, width - NOTE_ROOM)

    def parts(self, y: int) -> Parts:
        width = self.size.width
        row: list[Span] = [Span("── ", "rule")]
        for index, height in enumerate(self.timeline.bars):
            role = "changed" if index == self.timeline.here else "exit"
            row.append(Span(BARS[min(height, 8) - 1] if height else "─", role if height else "rule"))
        note = self.timeline.note
        gap = width - length(tuple(row)) - length(note) - 4
        if gap < 0:
            return (Part(tuple(row), width),)
        row.append(Span(" " + "─" * gap + " ", "rule"))
        return (Part((*row, *note, Span(" ─", "rule")), width),)


class KeyBar(Bar):
    """The keys at the right of the last line; what does not fit is left out from the right, help and quit never."""

    def __init__(self, styles: Styles, keys: tuple[Key, ...]) -> None:
        super().__init__(styles, "keys", "bar")
        self.keys = keys
        self.running = False

    class Chosen(Message):
        """A key was clicked; ``action`` is what pressing it does."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    def clicked(self, x: int) -> None:
        column = 0
        for name, word in self._fitting():
            width = len(name) + len(word) + 3
            if column <= x < column + width:
                keys = [key for key in self.keys if key.short == word]
                if name == "Esc":
                    self.post_message(self.Chosen("halt"))
                elif keys:  # of two that share a word, the one that is shown where the click was
                    chosen = next((key for key in keys if name.find(show(key.keys)) >= x - column - 1), keys[0])
                    self.post_message(self.Chosen(chosen.action))
                return
            column += width

    def set_running(self, running: bool) -> None:
        """While the guest runs the first key is the one that interrupts it."""
        if running != self.running:
            self.running = running
            self.repaint()

    def shown(self) -> list[tuple[str, str]]:
        """Keys and their words; keys that share a word stand together: ``[ ] exit``."""
        words: dict[str, str] = {}
        for key in self.keys:
            if key.short:
                before = words.get(key.short)
                words[key.short] = show(key.keys) if before is None else f"{show(key.keys)} {before}"
        pairs = [(keys, word) for word, keys in words.items()]
        if self.running:
            pairs = [("Esc", "interrupt")] + [pair for pair in pairs if pair[1] in ("filter", "pane", "help", "quit")]
        return pairs

    def _fitting(self) -> list[tuple[str, str]]:
        width = self.size.width
        shown = self.shown()
        last = [pair for pair in shown if pair[1] in ("help", "quit")]
        rest = [pair for pair in shown if pair not in last]
        while rest and sum(len(k) + len(t) + 3 for k, t in rest + last) > width:
            rest.pop()
        return rest + last

    def parts(self, y: int) -> Parts:
        row: list[Span] = []
        for name, text in self._fitting():
            row += [Span(" " + name, "key"), Span(" " + text + " ", "text")]
        return (Part(tuple(row), self.size.width, self.surface),)
