"""Disassembly around pc or around the selected exit's pc, and the registers."""

from __future__ import annotations

from ppcdbg.tui.panes.drawing import Drawing
from ppcdbg.tui.scene import Filled, Need
from ppcdbg.views import disassembly, registers
from ppcdbg.views.numbers import count
from ppcdbg.views.spans import line

WORDS = 1 << 30
"""Instructions in 32 bits of address space: a row of the pane is an address divided by four."""


def fill(drawing: Drawing, need: Need) -> Filled:
    """The window moves only when the interesting instruction would leave it: the one at pc, or where an exit of the
    past came."""
    debugger, past, top = drawing.debugger, drawing.past, drawing.tops.get("disassembly")
    at = (debugger.pc if past is None else past.pc) // 4
    first = need.top
    if first is None:
        margin = min(2, need.height // 4)
        stays = top is not None and top + margin <= at < top + need.height - margin
        first = top if stays and top is not None else at - need.height // 3
    first = max(0, min(first, WORDS - need.height))
    drawing.tops["disassembly"] = first
    rows = tuple(disassembly.window(debugger, first * 4, need.height, need.width))
    note = line((disassembly.title(debugger, at * 4), "symbol"))
    if past is not None:
        note = (*note, *line((f"  exit {count(past.number)}", "label")))
    marks = tuple(address * 4 for address in range(first, first + need.height))
    return Filled(rows, "Disassembly", note, first, WORDS, marks, at, endless=True)


def register_rows(drawing: Drawing, need: Need) -> Filled:
    """All registers; what changed since the last stop stands in the frame."""
    debugger = drawing.debugger
    rows = tuple(registers.rows(debugger, need.width))
    return Filled(rows, "Registers", registers.title(debugger), total=len(rows))
