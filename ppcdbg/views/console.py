"""The guest's console: its last lines, with control characters shown and escape sequences taken out."""

from __future__ import annotations

import re

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.views.spans import Line, Span, clean

# CSI, OSC and two-character escape sequences (ECMA-48 5.4, 8.3.89): a terminal's business, not a pane's.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_a-z0-9=>])")
TAIL = 64


def rows(debugger: Debugger, width: int, height: int, first: int | None = None) -> list[Line]:
    """The last ``height`` rows, long lines broken at ``width``; ``first`` gives a window counted from the top."""
    if first is None:
        text = debugger.console(max(width * height, TAIL) * 2)
        return text_rows(text, width)[-height:]
    return text_rows(debugger.console(), width)[first : first + height]


def text_rows(text: str, width: int) -> list[Line]:
    """Any console text as rows of at most ``width`` columns."""
    out: list[Line] = []
    for line in _ESCAPES.sub("", text).replace("\r\n", "\n").split("\n"):
        shown = clean(_overwritten(line).expandtabs(8))
        parts = [shown[i : i + width] for i in range(0, len(shown), max(width, 1))] or [""]
        out += [(Span(part, "console"),) if part else () for part in parts]
    if out and out[-1] == ():
        out.pop()
    return out


def _overwritten(line: str) -> str:
    """What a line shows after its carriage returns: each starts again at the left."""
    if "\r" not in line:
        return line
    shown = ""
    for part in line.split("\r"):
        shown = part + shown[len(part) :]
    return shown
