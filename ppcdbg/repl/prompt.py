"""The prompt: one line or a block at a time, with completion, history, colours and a bar that says where the guest is.

Enter ends a line that is whole; ``if``, ``while``, ``define`` and a backslash ask for more. Ctrl-C clears the line,
Ctrl-D leaves, with a question only where changes made by hand would be lost: the same guest can always be run again.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.filters import completion_is_selected, has_focus
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import History, InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import Lexer
from prompt_toolkit.output import Output as Screen

from ppcdbg.debugger.script import Script
from ppcdbg.repl.completer import GuestCompleter
from ppcdbg.repl.look import depth_of, fragments, style_of
from ppcdbg.repl.past import Past
from ppcdbg.repl.shell import Shell
from ppcdbg.views import status
from ppcdbg.views.lexer import command_spans
from ppcdbg.views.theme import Theme

PROMPT = "(ppcdbg) "
DEFAULT_BUFFER = "DEFAULT_BUFFER"
INDENT = "  "


@dataclass(frozen=True)
class Setup:
    """How the prompt looks and edits. ``history`` None keeps nothing."""

    theme: Theme
    colours: int = 1 << 24
    ascii_only: bool = False
    vi: bool = False
    history: Path | None = None


class Prompt:
    """One prompt on one shell. ``screen`` and ``keys`` are the toolkit's, for tests."""

    def __init__(self, shell: Shell, setup: Setup, keys: Input | None = None, screen: Screen | None = None) -> None:
        self.shell, self.setup = shell, setup
        self.debugger = shell.debugger
        past: History = Past(setup.history) if setup.history is not None else InMemoryHistory()
        self.session: PromptSession[str] = PromptSession(
            [("class:prompt", PROMPT)],
            history=past,
            completer=GuestCompleter(self.debugger),
            complete_while_typing=False,
            enable_history_search=True,
            auto_suggest=AutoSuggestFromHistory(),
            lexer=CommandColours(),
            style=style_of(setup.theme),
            color_depth=depth_of(setup.colours),
            bottom_toolbar=self._bar,
            multiline=True,
            enable_suspend=True,
            enable_open_in_editor=True,
            tempfile_suffix=".gdb",
            prompt_continuation=_continuation,
            key_bindings=bindings(self.debugger.script),
            editing_mode=EditingMode.VI if setup.vi else EditingMode.EMACS,
            input=keys,
            output=screen,
        )

    def run(self) -> int:
        """Read and carry out until the user leaves; the exit status."""
        while True:
            try:
                text = self.session.prompt(pre_run=self._mind_signals)
            except KeyboardInterrupt:
                continue
            except EOFError:
                if self.may_leave():
                    return 0
                continue
            left = self.shell.enter(text)
            if left is not None and self.may_leave():
                return left.status
            self.shell.output.settle()

    def _mind_signals(self) -> None:
        """A signal that ends the process finds the terminal in the toolkit's hands: it is given back first."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._end, 128 + number)

    def _end(self, status: int) -> None:
        self.session.app.exit(exception=SystemExit(status))

    def may_leave(self) -> bool:
        """Ask where something would be lost."""
        lost = self.shell.lost()
        if not lost:
            return True
        question: PromptSession[str] = PromptSession(input=self.session.input, output=self.session.output)
        try:
            answer = question.prompt(f"{lost}. Leave? (y/n) ")
        except KeyboardInterrupt:
            return False
        except EOFError:
            return True
        return answer.strip().lower() in ("y", "yes")

    def _bar(self) -> StyleAndTextTuples:
        width = self.session.output.get_size().columns
        return fragments(status.bar(self.debugger, width), self.setup.ascii_only, "bar")


class CommandColours(Lexer):
    """The colours of what is typed, by :mod:`ppcdbg.views.lexer`."""

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        """The toolkit asks line by line."""
        rows = command_spans(document.text)
        return lambda number: fragments(rows[number]) if number < len(rows) else []


def bindings(script: Script) -> KeyBindings:
    """Enter ends what is whole; Alt-Enter always begins a line. The rest is the shell's, by the toolkit."""
    keys = KeyBindings()
    typing = has_focus(DEFAULT_BUFFER)

    @keys.add("enter", filter=typing & ~completion_is_selected)
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        dedent(buffer, script)
        if script.unfinished(buffer.text):
            buffer.newline(copy_margin=False)
            buffer.insert_text(INDENT * script.depth(buffer.document.text_before_cursor))
        else:
            buffer.validate_and_handle()

    @keys.add("enter", filter=typing & completion_is_selected)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.complete_state = None  # the first Enter takes the candidate

    @keys.add("escape", "enter", filter=typing)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.newline()

    return keys


def dedent(buffer: Buffer, script: Script) -> None:
    """``end`` and ``else``, just typed, go back to where their block began."""
    document = buffer.document
    word = document.current_line.strip()
    if word in ("end", "else") and document.is_cursor_at_the_end:
        above = document.text[: len(document.text) - len(document.current_line)]
        buffer.delete_before_cursor(len(document.current_line))
        buffer.insert_text(INDENT * max(script.depth(above) - 1, 0) + word)


def _continuation(width: int, number: int, wrapped: int) -> StyleAndTextTuples:
    return [("class:prompt-continuation", ("" if wrapped else "> ").rjust(width))]
