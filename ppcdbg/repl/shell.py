"""Carrying out command lines for someone who reads: results, the guest's console, progress, and Ctrl-C.

The guest runs on the caller's thread. Ctrl-C while it runs asks it to stop, which it does at an exact place within
200 ms; while only the debugger works, it ends that work. Read next: ``prompt.py`` (someone types), ``batch.py``
(scripts).
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

from ppcdbg.debugger.commands import registry
from ppcdbg.debugger.commands.command import Result, Statement
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.results import Quit, Text, Told
from ppcdbg.errors import PpcdbgError, UsageError
from ppcdbg.repl.guestconsole import GuestConsole
from ppcdbg.repl.output import Output
from ppcdbg.repl.progress import Progress
from ppcdbg.views import results
from ppcdbg.views.numbers import plural
from ppcdbg.views.spans import line
from ppcdbg.views.summaries import announced


class Teller(Protocol):
    """Who shows results."""

    def tell(self, statement: Statement, result: Result) -> None: ...
    def console(self, text: str, position: int) -> None: ...


class TextTeller:
    """Results as lines for people."""

    def __init__(self, debugger: Debugger, output: Output) -> None:
        self.debugger, self.output = debugger, output

    def tell(self, statement: Statement, result: Result) -> None:
        """Show one result."""
        if isinstance(result, Text):
            self.output.text(result.text)
        else:
            script = self.debugger.script
            paged = script.pagination and not script.busy
            self.output.lines(results.lines(result, self.debugger, self.output.width()), paged)

    def console(self, text: str, position: int) -> None:
        """Show what the guest printed."""
        self.output.console(text)


class Shell:
    """One debugger and where its answers go. Listens to the guest's console until ``close``."""

    def __init__(self, debugger: Debugger, output: Output, teller: Teller | None = None) -> None:
        self.debugger, self.output = debugger, output
        self.teller: Teller = teller or TextTeller(debugger, output)
        self.guest_console = GuestConsole(self.teller.console, seen=debugger.past.seen)
        self.again = ""
        self.keys: Mapping[str, str] = {}
        """Lines that stand for a command."""
        self._heard: dict[str, str] = {}
        self._asked = 0
        self._inputs = debugger.system.input.order  # those of --input can be had again
        debugger.system.board.console.listeners.append(self.guest_console)
        debugger.script.tell = self._tell

    def close(self) -> None:
        """Hear the guest no more."""
        self.debugger.system.board.console.listeners.remove(self.guest_console)
        self.debugger.script.tell = None

    def lost(self) -> str:
        """What leaving would lose: changes and input by hand, in words; the guest itself can be run again."""
        count = self.debugger.system.input.order - self._inputs
        if not count or not self.debugger.script.confirm or self.debugger.system.ended is not None:
            return ""
        return (
            f"{plural(count, 'change')} to the guest by hand (set, send) {'is' if count == 1 else 'are'} kept nowhere"
        )

    def enter(self, text: str) -> Quit | None:
        """What was typed at a prompt; an empty line repeats the last command, if that repeats. Errors are said."""
        text = text.strip() or self.again
        if not text:
            return None
        text = self.keys.get(text, text)
        self.again = repeated(text)
        try:
            return self.execute(text)
        except PpcdbgError as error:
            self.output.error(str(error))
        except KeyboardInterrupt:
            self.output.error("interrupted")
        return None

    def execute(self, text: str) -> Quit | None:
        """Carry out a command or several lines and show what comes of it; Quit is given back. Raises PpcdbgError."""
        with self.running():
            result = self.debugger.execute(text)
        if isinstance(result, Quit):
            return result
        if not isinstance(result, Told):
            self._tell(Statement(text), result)
        self.output.lines([line(text) for text in self.hear()])
        return None

    def hear(self) -> list[str]:
        """What is announced and has changed since it was last heard."""
        return announced(self.debugger, self._heard) if self.debugger.announced else []

    def _tell(self, statement: Statement, result: Result) -> None:
        self.guest_console.flush()
        self.teller.tell(statement, result)
        step = self.debugger.lessons.news()
        if step is not None:
            self.teller.tell(statement, step)

    @contextmanager
    def running(self) -> Iterator[None]:
        """While the debugger works: progress, the guest's console, and what Ctrl-C means."""
        runner = self.debugger.runner
        self.debugger.forget_interrupt()
        self._asked = 0
        progress = Progress(self.debugger, self.output)

        def between() -> None:
            self.guest_console.pause()
            progress.pause()

        runner.between = between
        try:
            with on_interrupt(self._interrupted):
                yield
        finally:
            runner.between = None
            self.guest_console.flush()

    def _interrupted(self) -> None:
        """Never leave the guest in the midst of a slice: it is asked, and answers at an exact place."""
        self.debugger.interrupt()
        self.output.disturbed()
        self._asked += 1
        if not self.debugger.running and (self._asked > 1 or not self.debugger.script.busy):
            raise KeyboardInterrupt


@contextmanager
def on_interrupt(do: Callable[[], None]) -> Iterator[None]:
    """SIGINT calls ``do`` while entered; only the main thread can be told so, another goes without."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handler(number: int, frame: FrameType | None) -> None:
        do()

    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def repeated(text: str) -> str:
    """What an empty line after this one means: x goes on where it ended, a step is done again, most do nothing."""
    if "\n" in text:
        return ""
    try:
        command, rest = registry.find(text)
    except UsageError:
        return ""
    if not command.repeats:
        return ""
    if command.name in ("x", "xp"):
        form = rest.split(None, 1)[0] if rest.startswith("/") else ""
        return command.name + form
    return text
