"""The line that is typed on: commands after ``:``, a filter after ``/``. History, and completion by Tab: a list opens
above it, Tab and the arrows go through it, Enter takes a candidate, Escape closes the list.

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
from ppcdbg.tui.offers import Offers
from ppcdbg.views.completion import Candidates, after

SIGN = 2
"""Columns of the sign."""
TALK = ">"
"""The sign of the line whose texts go to the guest's console."""


class _Line(Input):
    """The input; its keys that mean something else here."""

    BINDINGS = [
        Binding("up", "history(-1)", "Older line", show=False),
        Binding("down", "history(1)", "Newer line", show=False),
        Binding("tab", "complete(1)", "Complete", show=False, priority=True),
        Binding("shift+tab", "complete(-1)", "Complete", show=False, priority=True),
        Binding("escape", "leave", "Leave", show=False, priority=True),
        Binding("ctrl+c", "leave", "Leave", show=False, priority=True),
    ]

    @property
    def prompt(self) -> Prompt:
        parent = self.parent
        assert isinstance(parent, Prompt)
        return parent

    def action_history(self, step: int) -> None:
        if self.prompt.offers.open:
            self.prompt.choose(step)
            return
        self.value = self.prompt.history.move(step, self.value)
        self.cursor_position = len(self.value)

    def action_complete(self, step: int) -> None:
        if self.prompt.offers.open:
            self.prompt.choose(step)
        else:
            self.prompt.ask()

    async def action_submit(self) -> None:
        if self.prompt.offers.chosen is not None:  # the first Enter takes the candidate
            self.prompt.take()
            return
        self.prompt.offers.close()
        await super().action_submit()

    def action_leave(self) -> None:
        if self.prompt.offers.open:
            self.prompt.untake()
        else:
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
        """Candidates are wanted for the end of ``text``; ``typing``: the list is open and is to be narrowed."""

        def __init__(self, sign: str, text: str, typing: bool) -> None:
            super().__init__()
            self.sign = sign
            self.text = text
            self.typing = typing

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

    def __init__(self, histories: dict[str, History], offers: Offers) -> None:
        super().__init__(id="prompt")
        self.sign = ":"
        self.histories = histories
        self.offers = offers
        self._typed = ("", 0)
        """What was typed when the list opened, and where the word that is completed begins."""
        self._placed = ""
        self.line = _Line(id="line", compact=True, select_on_focus=False)

    @property
    def history(self) -> History:
        return self.histories[self.sign]

    def compose(self) -> ComposeResult:
        yield Static(":", id="sign", markup=False)
        yield self.line

    def open(self, sign: str, text: str = "", complete: bool = False) -> None:
        """Show the line and type there; ``complete`` opens the list of what may follow."""
        self.sign = sign
        self.query_one("#sign", Static).update(sign)
        self._place(text)
        self.display = True
        self.post_message(self.Opened())
        self.screen.set_focus(self.line)  # now: what is typed next must not reach a pane
        if complete:
            self.ask()

    def leave(self) -> None:
        """Close without entering."""
        self.offers.close()
        self.display = False
        self.post_message(self.Left(self.sign, entered=False))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if not self.display:
            return
        if self.offers.open and event.value != self._placed:
            self.ask(typing=True)
        self.post_message(self.Changed(self.sign, event.value))

    # Candidates.

    def ask(self, typing: bool = False) -> None:
        """Ask for what the text before the cursor may become."""
        self.post_message(self.Complete(self.sign, self.line.value[: self.line.cursor_position], typing))

    def offer(self, text: str, found: Candidates, typing: bool = False) -> None:
        """Extend ``text`` by what all candidates share, a blank behind the only one, and show what there is to choose
        from. While one types the list is only narrowed."""
        if not self.display or not self.line.value.startswith(text):
            return
        words = [one.word for one in found.words]
        head, rest = text[: found.start], self.line.value[len(text) :]
        if words and not typing:
            shared = os.path.commonprefix(words) + (after(words[0]) if len(words) == 1 else "")
            self._place(head + shared, rest)
            text = head + shared
        many = len(words) > 1 or typing and bool(words) and text[found.start :] != words[0]
        self._typed = text, found.start
        self.offers.offer(found.words if many else (), found.start + SIGN - 1, self.screen.size.width)

    def choose(self, step: int) -> None:
        """Go to the next candidate of the list, or the one before, and put it on the line."""
        one = self.offers.move(step)
        text, start = self._typed
        self._place(text[:start] + one.word)

    def take(self) -> None:
        """Keep the candidate that was chosen, and close the list."""
        index = self.offers.chosen
        if index is not None:
            text, start = self._typed
            word = self.offers.words[index].word
            self._place(text[:start] + word + after(word))
        self.offers.close()

    def untake(self) -> None:
        """Close the list; what was typed stands there again."""
        if self.offers.chosen is not None:
            self._place(self._typed[0])
        self.offers.close()

    def taken(self, index: int) -> None:
        """A candidate was clicked."""
        self.offers.chosen = index
        self.take()
        self.screen.set_focus(self.line)

    def _place(self, text: str, rest: str = "") -> None:
        self._placed = self.line.value = text + rest
        self.line.cursor_position = len(text)

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
