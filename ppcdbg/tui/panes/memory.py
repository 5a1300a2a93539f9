"""Memory, sixteen bytes a row, and the call chain. A row of the memory pane is an address divided by sixteen."""

from __future__ import annotations

from ppcdbg.debugger.results import Space
from ppcdbg.debugger.stack import backtrace
from ppcdbg.errors import UsageError
from ppcdbg.tui.panes.drawing import Drawing
from ppcdbg.tui.scene import Filled, Follow, Need
from ppcdbg.views import memory, stack
from ppcdbg.views.numbers import ea
from ppcdbg.views.spans import line

ROW = 16
VIEWS = ("words", "bytes", "physical")
SPAN = 1 << 32
SEARCHED = 64 << 20
"""Bytes that one search looks through, from the cursor on."""


def fill(drawing: Drawing, need: Need) -> Filled:
    """From the stack pointer on, until somebody goes elsewhere."""
    debugger = drawing.debugger
    space = Space.GPA if need.view == "physical" else Space.EA
    start = debugger.value("$r1") if space is Space.EA else 0
    first = start // ROW if need.top is None else need.top
    first = max(0, min(first, SPAN // ROW - need.height))
    shown = memory.block(debugger, first * ROW, need.height, need.width, space, by_bytes=need.view == "bytes")
    marks = tuple((first + i) * ROW for i in range(need.height))
    follow = tuple(Follow("memory", value) if value is not None and space is Space.EA else None
                   for value in shown.first_words)  # fmt: skip
    note = line((debugger.symbols.name(first * ROW) if space is Space.EA else "guest-physical", "symbol"))
    head = memory.heading(need.width, by_bytes=need.view == "bytes")
    real = "--real " if space is Space.GPA else ""
    past = tuple(f"writers {real}{at:#x},+{ROW}" for at in marks)
    return Filled(shown.rows, "Memory", note, first, SPAN // ROW, marks, start // ROW if need.top is None else None,
                  head, endless=True, follow=follow, past=past)  # fmt: skip


def find(drawing: Drawing, text: str, row: int, step: int) -> int | None:
    """Where an expression leads; a text in quotes is looked for in memory, upwards from the row."""
    debugger = drawing.debugger
    if text[:1] not in ("'", '"'):
        return debugger.address(text) // ROW
    pattern = text.strip("'\"").encode()
    if not pattern:
        raise UsageError('an empty text cannot be looked for; for example: "Linux version"')
    start = (row + 1) * ROW
    found = debugger.memory.find(start, min(start + SEARCHED, SPAN), pattern, 1)
    return found[0] // ROW if found else None


def frames(drawing: Drawing, need: Need) -> Filled:
    """The call chain; Enter goes to a frame's code."""
    found = backtrace(drawing.debugger)
    rows = tuple(stack.rows(found, need.width))
    follow = tuple(Follow("code", frame.pc) for frame in found.frames)
    note = line((f"r1={ea(found.frames[0].sp)}", "label"))
    return Filled(rows, "Stack", note, total=len(rows), follow=(*follow, None))
