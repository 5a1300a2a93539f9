"""Disassembly around pc or around the selected exit's pc, and the registers."""

from __future__ import annotations

from ppcdbg.tui.panes.drawing import Drawing
from ppcdbg.tui.scene import Filled, Follow, Need
from ppcdbg.views import disassembly, registers
from ppcdbg.views.spans import line

REGISTER_VIEWS = ("overview", "all", *registers.GROUPS)
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
    found = disassembly.window(debugger, first * 4, need.height, need.width)
    rows = tuple(found.rows)
    note = line((disassembly.title(debugger, at * 4), "symbol"))
    marks = tuple(address * 4 for address in range(first, first + need.height))
    follow = tuple(None if t is None else Follow("code", t) for t in found.targets)
    return Filled(rows, "Disassembly", note, first, WORDS, marks, at, endless=True, follow=follow,
                  gutter=2)  # fmt: skip


def find(drawing: Drawing, text: str, row: int, step: int) -> int | None:
    """Where a symbol or an expression leads."""
    return drawing.debugger.address(text) // 4


def register_rows(drawing: Drawing, need: Need) -> Filled:
    """The registers that matter most, or a group of them field by field; what changed stands in the frame."""
    debugger = drawing.debugger
    if need.view and need.view != REGISTER_VIEWS[0]:
        found = registers.group_rows(debugger, need.view, need.width)
        follow = tuple(None if r is None or r.width > 32 else Follow("memory", r.value) for _, r in found)
        shown = tuple(row for row, _ in found)
        past = tuple("" if r is None else f"last ${r.name}" for _, r in found)
        return Filled(shown, "Registers", registers.title(debugger), total=len(shown), follow=follow, past=past)
    rows = tuple(registers.rows(debugger, need.width))
    return Filled(rows, "Registers", registers.title(debugger), total=len(rows))
