"""The line that is typed on: commands after ``:``, a filter after ``/``. History, and completion by Tab.

It knows no command: candidates come from whoever answers :class:`Prompt.Complete`.
"""

from __future__ import annotations

import os

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from ppcdbg.tui.history import History

TALK = ">"
"""The sign of the line whose texts go to the guest's console."""


class _Line(Input):
    """The input; its keys that mean something else here."""

    BINDINGS = [
        Binding("up", "history(-1)", "Older line", show=False),
        Binding("down", "history(1)", "Newer line", show=False),
        Binding("tab", "complete", "Complete", show=False, priority=True),
        Binding("escape", "leave", "Leave", show=False, priority=True),
        Binding("ctrl+c", "leave", "Leave", show=False, priority=True),
    ]

    @property
    def prompt(self) -> Prompt:
        parent = self.parent
        assert isinstance(parent, Prompt)
        return parent

    def action_history(self, step: int) -> None:
        self.value = self.prompt.history.move(step, self.value)
        self.cursor_position = len(self.value)

    def action_complete(self) -> None:
        self.post_message(Prompt.Complete(self.prompt.sign, self.value[: self.cursor_position]))

    def action_leave(self) -> None:
        self.prompt.leave()

    def key_backspace(self) -> None:
        if not self.value:
            self.prompt.leave()


class Prompt(Horizontal):
    """Hidden until asked for. ``history`` is that of the sign it was opened with."""

    DEFAULT_CSS = """
    Prompt { height: 1; width: 1fr; display: none; }
    Prompt Static { width: 2; height: 1; padding: 0 0 0 1; text-style: bold; }
    Prompt Input, Prompt Input:focus { border: none; height: 1; padding: 0; width: 1fr; background: $background; }
    """

    class Entered(Message):
        """A line was entered after ``sign``."""

        def __init__(self, sign: str, line: str) -> None:
            super().__init__()
            self.sign = sign
            self.line = line

    class Complete(Message):
        """Tab was pressed after ``text``."""

        def __init__(self, sign: str, text: str) -> None:
            super().__init__()
            self.sign = sign
            self.text = text

    class Changed(Message):
        """What stands on the line is another text now."""

        def __init__(self, sign: str, line: str) -> None:
            super().__init__()
            self.sign = sign
            self.line = line

    class Opened(Message):
        """The line was opened."""

    class Left(Message):
        """The line was closed; ``entered`` says whether by Enter."""

        def __init__(self, sign: str, entered: bool) -> None:
            super().__init__()
            self.sign = sign
            self.entered = entered

    def __init__(self, histories: dict[str, History]) -> None:
        super().__init__(id="prompt")
        self.sign = ":"
        self.histories = histories
        self.line = _Line(id="line", compact=True, select_on_focus=False)

    @property
    def history(self) -> History:
        return self.histories[self.sign]

    def compose(self) -> ComposeResult:
        yield Static(":", id="sign", markup=False)
        yield self.line

    def open(self, sign: str, text: str = "") -> None:
        """Show the line and type there."""
        self.sign = sign
        self.query_one("#sign", Static).update(sign)
        self.line.value = text
        self.line.cursor_position = len(text)
        self.display = True
        self.post_message(self.Opened())
        self.screen.set_focus(self.line)  # now: what is typed next must not reach a pane

    def leave(self) -> None:
        """Close without entering."""
        self.display = False
        self.post_message(self.Left(self.sign, entered=False))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.display:
            self.post_message(self.Changed(self.sign, event.value))

    def offer(self, text: str, start: int, candidates: tuple[str, ...]) -> None:
        """Extend ``text`` from ``start`` on by what all candidates share; a blank follows when there is one only."""
        if not candidates or not self.line.value.startswith(text):
            return
        head = text[:start]
        shared = os.path.commonprefix(candidates)
        if len(candidates) == 1:
            shared += " "
        rest = self.line.value[len(text) :]
        self.line.value = head + shared + rest
        self.line.cursor_position = len(head + shared)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        line = event.value
        self.history.add(line)
        if self.sign == TALK:  # until Esc, so that a talk with a shell is one
            self.line.value = ""
            self.post_message(self.Entered(self.sign, line))
            return
        self.display = False
        self.post_message(self.Entered(self.sign, line))
        self.post_message(self.Left(self.sign, entered=True))
