"""What is typed: commands and filters, from the prompt to the worker. A mixin of the app, above the actions."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from ppcdbg.errors import PpcdbgError
from ppcdbg.tui.actions import Actions
from ppcdbg.tui.offers import Offers
from ppcdbg.tui.prompt import Prompt
from ppcdbg.tui.scene import Reply
from ppcdbg.views.spans import Line, Span

if TYPE_CHECKING:
    from ppcdbg.tui.bars import KeyBar


TYPING = 0.15
"""Seconds without a key after which a filter that is being typed is tried."""
FILTER = "exits "


class Typed(Actions):
    """Needs of the app: the attributes below."""

    key_bar: KeyBar
    log_rows: list[Line]
    _before: str | None = None
    """The filter that was in force when one began to type another."""
    _typed: str = ""

    def on_prompt_entered(self, message: Prompt.Entered) -> None:
        if message.sign == ":" and self.worker.running:
            self.say([Span("The guest runs. ", "running"), Span("Interrupt it first, then type the command again.")])
        elif message.sign == ":" and message.line.strip():
            self.log_rows.append((Span(": " + message.line, "label"),))
            self.worker.execute(message.line.strip())
        elif message.sign == ">":
            self.worker.do(lambda: self.source.type(message.line + "\n"))
        elif message.sign == "?":
            self.seek_text(self.desk.panes[self.desk.last], message.line.strip(), 1)
        elif message.sign == "/":
            self._filter_by(message.line.strip())

    def _filter_by(self, text: str) -> None:
        def check() -> Reply | None:
            self.source.check_filter(text)
            self.call_later(self._use_filter, text)
            return None

        self.worker.do(check)

    def on_prompt_changed(self, message: Prompt.Changed) -> None:
        """The list is filtered while one types, as soon as the text is a condition; Esc brings the old one back."""
        if message.sign == "/":
            if self._before is None:
                self._before = self.filter
            self._typed = message.line.strip()
            self.set_timer(TYPING, self._preview)

    def _preview(self) -> None:
        text = self._typed
        if text == self.filter or not self.prompt.display or self.worker.running:
            return

        def check() -> Reply | None:
            with suppress(PpcdbgError):  # it is still being typed
                self.source.check_filter(text)
                self.call_later(self._use_preview, text)
            return None

        self.worker.do(check)

    def _use_preview(self, text: str) -> None:
        if text == self._typed and self._before is not None:
            self._use_filter(text)

    def _use_filter(self, text: str) -> None:
        self.filter = text
        self.ask_again(keep=None if self.desk.panes["exits"].follow else self.selected)

    def on_prompt_complete(self, message: Prompt.Complete) -> None:
        def complete() -> Reply | None:
            lead = FILTER if message.sign == "/" else ""  # a filter is what this command takes
            found = self.source.complete(lead + message.text)
            placed = replace(found, start=max(0, found.start - len(lead)))
            self.call_later(self.prompt.offer, message.text, placed, message.typing)
            return None

        if message.sign in (":", "/"):
            self.worker.do(complete)

    def on_offers_taken(self, message: Offers.Taken) -> None:
        self.prompt.taken(message.index)

    def on_prompt_opened(self, message: Prompt.Opened) -> None:
        self.key_bar.display = False  # the line takes its row: no pane changes its height

    def on_prompt_left(self, message: Prompt.Left) -> None:
        before, self._before = self._before, None
        if message.sign == "/" and not message.entered and before is not None and before != self.filter:
            self._use_filter(before)
        self.key_bar.display = True
        self.screen_stack[0].set_focus(self.desk.panes[self.desk.last])
