"""The prompt of a terminal that can do nothing: no colours, no keys, one line after the other."""

from __future__ import annotations

from typing import TextIO

from ppcdbg.repl.shell import Shell, on_interrupt

PROMPT = "(ppcdbg) "
MORE = "> "


def run(shell: Shell, lines: TextIO) -> int:
    """Read and carry out until the end of input or ``quit``; the exit status."""
    kept: list[str] = []
    while True:
        shell.output.settle()
        shell.output.text(MORE if kept else PROMPT)
        try:
            with on_interrupt(_interrupt):
                line = lines.readline()
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


def _interrupt() -> None:
    raise KeyboardInterrupt
