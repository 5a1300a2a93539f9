"""The candidates for what is typed, in a list above the line: each word with its help beside it."""

from __future__ import annotations

from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.message import Message

from ppcdbg.tui.lines import Lines, Part, Parts
from ppcdbg.tui.styles import Styles
from ppcdbg.views.completion import Candidate
from ppcdbg.views.spans import Span, fit

ROWS = 10
"""Candidates that are seen at a time."""
LEAST = 24
"""Columns that the list has at least, however far to the right the word stands."""


class Offers(Lines):
    """Hidden unless there is something to choose from; ``chosen`` is None until one goes down into the list."""

    DEFAULT_CSS = "Offers { layer: above; dock: bottom; display: none; }"

    class Taken(Message):
        """A candidate was clicked."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, styles: Styles) -> None:
        super().__init__(styles, "offers", "")
        self.words: tuple[Candidate, ...] = ()
        self.chosen: int | None = None
        self._top = 0

    @property
    def open(self) -> bool:
        return bool(self.words)

    def offer(self, words: tuple[Candidate, ...], column: int, width: int) -> None:
        """Show these at a column of a screen so many columns wide; none hides the list."""
        self.words, self.chosen, self._top = words, None, 0
        self.display = self.open
        if not words:
            return
        about = max(len(one.about) for one in words)
        wanted = self._name_width + (about + 2 if about else 0) + 2
        left = max(0, min(column, width - max(LEAST, min(wanted, width))))
        self.styles.width = min(wanted, width - left)
        self.styles.height = min(len(words), ROWS)
        self.styles.offset = (left, -1)
        self.refresh(layout=True)

    def close(self) -> None:
        """Hide the list."""
        self.offer((), 0, 0)

    def move(self, step: int) -> Candidate:
        """Choose the next or the previous one, around at the ends."""
        count = len(self.words)
        self.chosen = (0 if step > 0 else count - 1) if self.chosen is None else (self.chosen + step) % count
        self._top = min(max(self._top, self.chosen - ROWS + 1), self.chosen)
        self.repaint()
        return self.words[self.chosen]

    @property
    def _name_width(self) -> int:
        return max(len(one.word) for one in self.words)

    def on_click(self, event: Click) -> None:
        index = self._top + event.y
        if index < len(self.words):
            self.post_message(self.Taken(index))

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        self._top = max(0, min(self._top + 3, len(self.words) - ROWS))
        self.repaint()

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        self._top = max(0, self._top - 3)
        self.repaint()

    def parts(self, y: int) -> Parts:
        index, width = self._top + y, self.size.width
        if index >= len(self.words):
            return (Part((), width, "bar"),)
        one = self.words[index]
        more = "▾" if y == ROWS - 1 and index < len(self.words) - 1 else "▴" if y == 0 and index else " "
        sign = "▸" if index == self.chosen else " "
        row = (Span(sign, "pc"), Span(one.word.ljust(self._name_width + 2), "mnemonic"), Span(one.about, "text"))
        shown = (*fit(row, width - 1, fill=True), Span(more, "dim"))
        return (Part(shown, width, "cursor" if index == self.chosen else "bar"),)
