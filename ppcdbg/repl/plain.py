"""The prompt of a terminal that can do nothing, and the plain text mode for screen readers: one line after the other.

In plain text mode nothing is drawn and nothing comes twice: answers in order, no colours, bars or rules; a digit is
the pane of that key, in a sentence and as a table; what was asked for by ``announce`` is said when a command changed
it. Where Python has readline, it edits the line and completes it (Tab Tab lists).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.topics import TOPICS
from ppcdbg.errors import PpcdbgError
from ppcdbg.repl.shell import Shell, on_interrupt
from ppcdbg.views import story
from ppcdbg.views.spans import line

PROMPT = "(ppcdbg) "
MORE = "> "
KEYS = {"]": "step-exit", "[": "last exit"} | {
    topic.key: f"pane {topic.key}" for topic in TOPICS if topic.key.isdecimal()
}
"""Lines of one sign that mean what the key does in the UI, where they mean nothing to gdb."""
ANNOUNCED = ("irqprio", "paravirt")
"""What plain text mode announces until it is told otherwise."""
WELCOME = (
    "Plain text mode. help lists the commands, pane the panes; a digit from 1 to 9 is the pane of that key.",
    "A closing bracket goes to the next exit, an opening one to the one before; tell says every pane in a sentence.",
)

Read = Callable[[str], str]
"""A line with its end, asked for by a prompt; empty at the end of input."""


def run(shell: Shell, lines: TextIO, read: Read | None = None) -> int:
    """Read and carry out until the end of input or ``quit``; the exit status."""
    kept: list[str] = []
    while True:
        shell.output.settle()
        prompt = MORE if kept else PROMPT
        try:
            with on_interrupt(_interrupt):
                if read is None:
                    shell.output.text(prompt)
                    line = lines.readline()
                else:
                    line = read(prompt)
        except KeyboardInterrupt:
            kept = []
            continue
        shell.output.echoed()
        if not line:
            shell.output.lines([()])
            return 0
        kept.append(line.rstrip("\n"))
        text = "\n".join(kept)
        if shell.debugger.script.unfinished(text):
            continue
        kept = []
        left = shell.enter(text)
        if left is not None:
            return left.status


def run_plain(shell: Shell, lines: TextIO, history: Path | None = None) -> int:
    """Plain text mode on a shell whose output was made ``plain``."""
    debugger = shell.debugger
    debugger.announced = debugger.announced or ANNOUNCED
    shell.keys = KEYS
    shell.output.lines([line(text) for text in WELCOME])
    if debugger.lessons.on:
        shell.enter("tutorial")
    shell.output.lines([story.line_of(debugger, None)])
    shell.hear()
    with _editing(debugger, history if lines.isatty() else None) as read:
        return run(shell, lines, read)


@contextmanager
def _editing(debugger: Debugger, history: Path | None) -> Iterator[Read | None]:
    """Reading lines with readline, which screen readers know; None without a terminal, or without readline."""
    if history is None:
        yield None
        return
    try:
        import readline
    except ImportError:
        yield None
        return
    with suppress(OSError):
        readline.read_history_file(history)
    readline.set_completer_delims(" \t")
    readline.set_completer(Candidates(debugger, readline.get_line_buffer, readline.get_begidx, readline.get_endidx))
    readline.parse_and_bind("tab: complete")
    try:
        yield _input
    finally:
        readline.set_completer(None)
        with suppress(OSError):
            history.parent.mkdir(parents=True, exist_ok=True)
            readline.write_history_file(history)


def _input(prompt: str) -> str:
    try:
        return input(prompt) + "\n"
    except EOFError:
        return ""


class Candidates:
    """What readline asks: candidate number ``state`` for the word that begins at ``begin``."""

    def __init__(
        self, debugger: Debugger, line: Callable[[], str], begin: Callable[[], int], end: Callable[[], int]
    ) -> None:
        self.debugger, self._line, self._begin, self._end = debugger, line, begin, end
        self._words: list[str] = []

    def __call__(self, text: str, state: int) -> str | None:
        if state == 0:
            begin, typed = self._begin(), self._line()[: self._end()]
            try:
                found = self.debugger.complete(typed)
            except PpcdbgError:
                return None
            self._words = [(typed[: found.start] + word)[begin:] for word in found.words]
        return self._words[state] if state < len(self._words) else None


def _interrupt() -> None:
    raise KeyboardInterrupt
