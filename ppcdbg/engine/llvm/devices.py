"""Device accesses that compiled code serves by itself, from the slots of ``cpu.shortcuts``; all others go to Python.

It knows keys and values, no device. What it served stands in the log until Python lets the bus settle it.
"""

from __future__ import annotations

from ppcdbg.cpu import shortcuts as S
from ppcdbg.cpu.models import CoreModel
from ppcdbg.engine.llvm import layout as L
from ppcdbg.engine.llvm.flow import counting
from ppcdbg.engine.llvm.mmu import Helper
from ppcdbg.engine.llvm.text import ENGINE, Value


def _serve(model: CoreModel) -> str:
    """Whether the access with this key was done; VALUE is what was read, or what is to be written."""
    h = Helper(model).of_engine()
    key, position = Value(h, "%key", 64), Value(h, "%position", 64)
    block = h.pointer_of(h.variable(L.SHORTCUTS))
    with h.when(h.eq(h.number_of(block), 0), rare=True):
        h.answer(32, 0)
    count = h.get(64, h.at(block, S.COUNT), ENGINE)
    with h.when(h.eq(count, S.LOG_LENGTH), rare=True):
        h.answer(32, 0)
    with counting(h, S.SLOTS) as slot:
        place = h.at(block, slot * S.SLOT_SIZE + S.SLOT)
        with h.when(h.eq(h.get(64, place, ENGINE), key)):
            value = h.choose(h.ne(key >> 48, 0), h.variable(L.VALUE), h.get(64, h.at(place, 8), ENGINE))
            h.set_variable(L.VALUE, value)
            entry = h.at(block, count * S.ENTRY_SIZE + S.LOG)
            h.put(32, entry, h.word(slot), ENGINE)
            h.put(32, h.at(entry, 4), h.word(value), ENGINE)
            h.put(64, h.at(entry, 8), position, ENGINE)
            h.put(64, h.at(block, S.COUNT), count + 1, ENGINE)
            h.answer(32, 1)
    h.answer(32, 0)
    assert S.key(1, write=True) >> 48 and not S.key(4, write=False) >> 48
    return h.function("@serve", "internal i32", "ptr %e, i64 %key, i64 %position", "noinline nounwind")


def devices_text(model: CoreModel) -> str:
    """IR of what the helpers for storage call for devices."""
    return _serve(model)
