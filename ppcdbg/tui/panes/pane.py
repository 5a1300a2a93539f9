"""What every pane is: a window onto a list of rows that may be far longer than memory would like.

A pane holds only the rows around its window; it says which row is at its top and is fed the rows there. It draws its
own frame: a title rule above, one frame line at the right that doubles as the scroll bar. The selected row has a
background and, in the frame's own column, a sign. It refuses to know what its rows mean.
"""

from __future__ import annotations

import re

from textual.binding import Binding
from textual.events import Blur, Click, Focus, MouseDown, MouseScrollDown, MouseScrollUp, MouseUp
from textual.message import Message

from ppcdbg.tui.layout import Box
from ppcdbg.tui.lines import Lines, Part, Parts
from ppcdbg.tui.panes.table import PaneKind
from ppcdbg.tui.scene import Filled, Follow, Need
from ppcdbg.tui.styles import Styles
from ppcdbg.views.spans import Line, Span, fit, length, to_text

_ADDRESS = re.compile(r"(?<![0-9a-f])[0-9a-f]{8}(?![0-9a-f])")
_EMPTY = Filled((), "")


class Pane(Lines, can_focus=True):
    """One pane of a kind; the kind says what it is for and what it can do."""

    DEFAULT_CSS = "Pane { width: 1fr; height: 1fr; }"

    BINDINGS = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup,ctrl+u", "page(-1)", "Page up", show=False),
        Binding("pagedown,ctrl+d,space", "page(1)", "Page down", show=False),
        Binding("home,g", "first", "First row", show=False),
        Binding("end,G", "last", "Last row", show=False),
        Binding("left,h", "shift(-8)", "Left", show=False),
        Binding("right,l", "shift(8)", "Right", show=False),
    ]  # fmt: skip

    class Wants(Message):
        """The pane shows other rows than before, or its cursor moved: a new scene is needed."""

        def __init__(self, pane: Pane, moved: bool) -> None:
            super().__init__()
            self.pane = pane
            self.moved = moved

    class Wanted(Message):
        """An action was asked for with the mouse: zoom, view, order, breakpoint."""

        def __init__(self, pane: Pane, action: str) -> None:
            super().__init__()
            self.pane = pane
            self.action = action

    class Dragged(Message):
        """The pane is to be larger by so many cells, or smaller."""

        def __init__(self, pane: Pane, wider: int, higher: int) -> None:
            super().__init__()
            self.pane = pane
            self.wider = wider
            self.higher = higher

    class Scrubbed(Message):
        """The pane shows the run, and one goes to a position of it."""

        def __init__(self, position: int) -> None:
            super().__init__()
            self.position = position

    class Followed(Message):
        """An address, or a row that leads somewhere, was clicked twice."""

        def __init__(self, follow: Follow) -> None:
            super().__init__()
            self.follow = follow

    def __init__(self, about: PaneKind, styles: Styles) -> None:
        super().__init__(styles, about.name, "pane")
        self.about = about
        self.kind = about.name
        self.selects = about.selects
        self.view = about.views[0] if about.views else ""
        self.order = 0
        self.filled = _EMPTY
        self.box = Box(0, 0, 0, 0)
        self.top = 0
        self.cursor: int | None = None
        self.follow = True
        self.shift = 0
        self._dragged: tuple[int, int, bool] | None = None
        self.sought = ""
        """What was searched for here."""

    # What the scene brings.

    def need(self) -> Need:
        """What this pane asks of the next scene."""
        top = None if self.follow else self.top
        return Need(max(1, self.box.width - 2), self.height_of_rows, top, self.view, self.order)

    def feed(self, filled: Filled) -> None:
        """Show these rows; while following, the window goes where the interesting row is."""
        if filled == self.filled and not self.follow:
            return
        changed = filled != self.filled
        self.filled = filled
        if self.follow:
            self.cursor = filled.cursor
            changed |= self._settle()
        elif not filled.endless and filled.total:
            self.top = max(0, min(self.top, filled.total - 1))
        if changed:
            self.repaint()

    def _settle(self) -> bool:
        """Put the followed row into the window, the tail at its lower end."""
        before = self.top
        if self.filled.cursor is None:
            last = max(0, self.filled.total - self.height_of_rows)
            self.top = last if self.filled.tail else min(self.top, last)
            if self.starved():  # the guest went back to before the first row, and the list begins there
                self.top = self.filled.first
        elif self.filled.endless:
            self.top = self.filled.first
        else:
            if self.filled.ahead:
                self._into_sight(min(self.filled.cursor + self.filled.ahead, self.filled.total - 1))
            self._into_sight(self.filled.cursor)
        return self.top != before

    @property
    def height_of_rows(self) -> int:
        return max(1, self.box.height - 1 - self._head_rows)

    @property
    def _head_rows(self) -> int:
        return 1 if self.filled.head and self.box.height >= 6 else 0

    def mark(self) -> int | None:
        """What the cursor's row stands for, or where there is none the row at the top: an exit's number, an address."""
        index = (self.top if self.cursor is None else self.cursor) - self.filled.first
        return self.filled.marks[index] if 0 <= index < len(self.filled.marks) else None

    def followed(self) -> Follow | None:
        """Where Enter on the cursor's row leads; the row at the top where there is no cursor."""
        index = (self.top if self.cursor is None else self.cursor) - self.filled.first
        return self.filled.follow[index] if 0 <= index < len(self.filled.follow) else None

    def past(self) -> str:
        """The command that tells the history of the cursor's row; empty where it has none."""
        index = (self.top if self.cursor is None else self.cursor) - self.filled.first
        return self.filled.past[index] if 0 <= index < len(self.filled.past) else ""

    def address_at(self, x: int, y: int) -> Follow | None:
        """The address that is written at a cell of the pane."""
        text = "".join(span.text for span in self._row(self.top + y - 1 - self._head_rows))
        at = x - 1 + self.shift
        found = next((m for m in _ADDRESS.finditer(text) if m.start() <= at < m.end()), None)
        return None if found is None else Follow("address", int(found[0], 16))

    def starved(self) -> bool:
        """True when a visible row was not among those that the last scene brought."""
        last = min(self.top + self.height_of_rows, self.filled.total) if not self.filled.endless else 0
        return self.top < self.filled.first or last > self.filled.first + len(self.filled.rows)

    def row_text(self) -> str:
        """The cursor's row, or every row that is visible, as plain text for the clipboard."""
        return self.rows_text() if self.cursor is None else to_text((self._row(self.cursor),))

    def rows_text(self) -> str:
        """Every row that is visible as plain text."""
        return to_text(self._row(self.top + i) for i in range(self.height_of_rows)).rstrip()

    def release(self) -> None:
        """Follow the interesting row again."""
        self.follow = True
        self.cursor = self.filled.cursor
        if self.cursor is None and not self.filled.tail:
            self.top = 0  # where a pane that is asked for no row begins
        self._settle()
        self.repaint()

    def turn(self, view: str) -> None:
        """Show another of the pane's views, from its beginning; the same one where none is named."""
        if view and view != self.view:
            self.view, self.top = view, 0
            self.release()

    # Moving.

    def go(self, row: int) -> None:
        """Put the cursor on a row and have it in sight."""
        if not self.filled.endless:
            row = max(0, min(row, self.filled.total - 1))
        self.follow = False
        self.cursor = row
        self._into_sight(row)
        self.repaint()
        self.post_message(self.Wants(self, moved=True))

    def lead(self, row: int) -> None:
        """Go to a row that something else led to: in the middle, unless it is in sight."""
        if not self.top <= row < self.top + self.height_of_rows:
            self.top = max(0, row - self.height_of_rows // 3)
        self.go(row)

    def _into_sight(self, row: int) -> None:
        rows = self.height_of_rows
        if row < self.top:
            self.top = max(0, row)
        elif row >= self.top + rows:
            self.top = row - rows + 1
        if not self.filled.endless:
            self.top = max(0, min(self.top, self.filled.total - rows))

    def scroll_rows(self, rows: int) -> None:
        """Move the window, not the cursor."""
        top = self.top + rows
        if not self.filled.endless:
            top = max(0, min(top, self.filled.total - self.height_of_rows))
        if top != self.top:
            self.follow = False
            self.top = top
            self.repaint()
            self.post_message(self.Wants(self, moved=False))

    def action_move(self, rows: int) -> None:
        if self.cursor is None and not self.selects and not self.filled.follow:
            self.scroll_rows(rows)
        else:
            self.go((self.cursor if self.cursor is not None else self.top) + rows)

    def action_page(self, pages: int) -> None:
        rows = pages * max(1, self.height_of_rows - 1)
        if self.cursor is not None or self.selects:
            here = self.top if self.cursor is None else self.cursor
            self.top = max(0, self.top + rows) if not self.filled.endless else self.top + rows
            self.go(here + rows)
        else:
            self.scroll_rows(rows)

    def action_first(self) -> None:
        if self.filled.endless:
            self.release()
        elif self.cursor is None:
            self.scroll_rows(-self.filled.total)
        else:
            self.go(0)

    def action_last(self) -> None:
        if self.cursor is None and not self.filled.tail:
            self.scroll_rows(self.filled.total)
            return
        self.release()
        self.post_message(self.Wants(self, moved=True))

    def action_shift(self, cells: int) -> None:
        scale = self.filled.scale
        if scale is not None:
            self.post_message(self.Scrubbed(scale.beside(1 if cells > 0 else -1)))
            return
        widest = max((length(row) for row in self.filled.rows), default=0)
        self.shift = max(0, min(self.shift + cells, widest - self.box.width + 2))
        self.repaint()

    def on_click(self, event: Click) -> None:
        if event.y > self._head_rows and (self.selects or self.filled.endless or self.filled.follow):
            self.go(self.top + event.y - 1 - self._head_rows)
        if self._clicked(event) or event.chain < 2:
            return
        if event.y == 0:
            self.post_message(self.Wanted(self, "zoom" if event.button == 1 else "view"))
            return
        follow = self.address_at(event.x, event.y) or self.followed()
        if follow is not None:
            self.post_message(self.Followed(follow))

    def _clicked(self, event: Click) -> bool:
        """What one click means here and there: a place in time, the gutter, the names of columns that order rows."""
        row, scale = event.y > self._head_rows, self.filled.scale
        if row and scale is not None and scale.column <= event.x - 1 < scale.column + scale.parts:
            self.post_message(self.Scrubbed(scale.position(event.x - 1 - scale.column)))
        elif row and 0 < event.x <= self.filled.gutter:
            self.post_message(self.Wanted(self, "breakpoint"))
        elif event.y == 1 and self._head_rows and self.about.orders:
            self.post_message(self.Wanted(self, "order"))
        else:
            return False
        return True

    def on_mouse_down(self, event: MouseDown) -> None:
        if event.y == 0 or event.x == self.size.width - 1 and not self.box.edge:
            self._dragged = (event.screen_x, event.screen_y, event.y == 0)
            self.capture_mouse()

    def on_mouse_up(self, event: MouseUp) -> None:
        """A rule that was dragged up makes its pane higher; the line at the right makes it wider."""
        if self._dragged is None:
            return
        self.release_mouse()
        (x, y, rule), self._dragged = self._dragged, None
        wider, higher = (0, y - event.screen_y) if rule else (event.screen_x - x, 0)
        if wider or higher:
            self.post_message(self.Dragged(self, wider, higher))

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        event.stop()
        self.scroll_rows(3)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        event.stop()
        self.scroll_rows(-3)

    def on_focus(self, event: Focus) -> None:
        self.repaint()

    def on_blur(self, event: Blur) -> None:
        self.repaint()

    # Drawing.

    def parts(self, y: int) -> Parts:
        """The title rule, or one row and the frame beside it."""
        if y == 0:
            return (Part(self._rule(), self.size.width),)
        edge = self._edge(y)
        if y <= self._head_rows:
            return self._framed(self.filled.head, " ", "", edge)
        row = self.top + y - 1 - self._head_rows
        shown = self._row(row)
        surface, sign = "", " "
        if row == self.cursor and (self.selects or self.has_focus):
            surface = "cursor" if self.has_focus else "cursor-idle"
            sign = " " if to_text((shown,)).startswith("▶") else "▸"
        return self._framed(shown, sign, surface, edge)

    def _framed(self, row: Line, sign: str, surface: str, edge: Part | None) -> Parts:
        width = self.size.width - (2 if edge else 1)
        margin = Part((Span(sign, "pc"),), 1, surface)
        part = Part(row, width, surface, self.shift, fits=not self.shift)
        return (margin, part, edge) if edge else (margin, part)

    def _row(self, row: int) -> Line:
        index = row - self.filled.first
        return self.filled.rows[index] if 0 <= index < len(self.filled.rows) else ()

    def _rule(self) -> Line:
        """``── 1 Exits ── filter: … ──────── 4,211 ─┐``; heavy where the focus is."""
        dash = "━" if self.has_focus else "─"
        rule, name = ("rule-focus", "title-focus") if self.has_focus else ("rule", "title")
        width = self.size.width
        left: list[Span] = [Span(dash, rule), Span(f" {self.about.key} ", "key"), Span(self.filled.title + " ", name)]
        if self.view and self.view != self.about.views[0]:
            left.append(Span(f"· {self.view} ", name))
        note = self.filled.note
        tail = "" if self.box.edge else ("┬" if self.box.y == 0 else ("┼" if 0 in self.box.joins else "┤"))
        room = width - length(tuple(left)) - len(tail) - 1
        right: list[Span] = []
        if note and room >= 8:
            note = fit(note, room - 2)
            right = [Span(" ", rule), *note, Span(" ", rule)]
            room -= length(note) + 2
        left.append(Span(dash * max(0, room), rule))
        return (*left, *right, Span(dash, rule), Span(tail, "rule"))

    def _edge(self, y: int) -> Part | None:
        """The frame at the right of a row: a line, a joint, or the thumb that shows how far one has scrolled."""
        rows, total = self.height_of_rows, self.filled.total
        scrolls = not self.filled.endless and total > rows
        if self.box.edge and not scrolls:
            return None
        if scrolls:
            size = max(1, round(rows * rows / total))
            start = round((rows - size) * self.top / max(1, total - rows))
            if start <= y - 1 - self._head_rows < start + size:
                return Part((Span("┃", "rule-focus" if self.has_focus else "title"),), 1)
        sign = " " if self.box.edge else ("├" if y in self.box.joins else "│")
        return Part((Span(sign, "rule"),), 1)
