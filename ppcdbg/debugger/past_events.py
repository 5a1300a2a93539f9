"""What the log of exits tells of TLBs and interrupts: the last changes before the present, newest first.

It is read backwards and only as far as rows are asked for, so that a long run costs no more than a short one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ppcdbg.cpu.interrupts import DTLB_MISS, ITLB_MISS
from ppcdbg.kvm.blocks import EMULATED, MAPPED, MAPPED_MAGIC, QUEUED, REFLECTED
from ppcdbg.kvm.log import ExitLog
from ppcdbg.kvm.notes import instruction
from ppcdbg.kvm.records import Did, ExitRecord

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

LOOKED_AT = 50_000
"""Exits that one question reads at most; what lies before is not told."""
_TLB_WORDS = ("tlbwe", "tlbivax", "mtspr MMUCSR0", "tlbilx")
CHUNK = 512
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class TlbEvent:
    """One change. ``what``: ``map`` (a shadow entry was made) or the instruction of the guest's. Addresses: ``ea``
    effective, ``gpa`` guest-physical; None where the log does not say."""

    exit: int
    position: int
    pc: int
    what: str
    slot: str = ""
    ea: int | None = None
    gpa: int | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class InterruptEvent:
    """Something that happened to irqprio: priorities that an exit queued, and the one delivered on the way back."""

    exit: int
    position: int
    pc: int
    cause: str
    queued: tuple[int, ...]
    delivered: int | None


def _backwards(debugger: Debugger, wanted: Callable[[Row], object], count: int) -> list[ExitRecord]:
    """The last ``count`` exits whose rows are wanted, newest first."""
    log, found = debugger.exits, list[ExitRecord]()
    assert isinstance(log, ExitLog)
    high = len(log)
    floor = max(0, high - LOOKED_AT)
    while high > floor and len(found) < count:
        low = max(floor, high - CHUNK)
        rows = log.rows(low, high)
        found += [log[low + i] for i in range(len(rows) - 1, -1, -1) if wanted(rows[i])]
        high = low
    return found[:count]


def tlb_events(debugger: Debugger, count: int, shadow: bool) -> tuple[TlbEvent, ...]:
    """The last changes of the shadow TLB, or of the guest's. Raises UsageError on the bare machine."""
    debugger.need_exits()
    rows = []
    for record in _backwards(debugger, _maps if shadow else _writes_tlb, count):
        for a in record.actions:
            if shadow and a.did in (Did.MAPPED, Did.MAPPED_MAGIC):
                slot = a.note if a.did is Did.MAPPED else "magic page"
                rows.append(TlbEvent(record.number, record.position, record.pc, "map", slot, a.ea, a.gpa, a.size))
            elif not shadow and a.did is Did.EMULATED:
                rows.append(TlbEvent(record.number, record.position, record.pc, a.note))
    return tuple(rows)


def interrupt_events(debugger: Debugger, count: int) -> tuple[InterruptEvent, ...]:
    """The last exits that queued an interrupt or delivered one. Raises UsageError on the bare machine."""
    debugger.need_exits()
    rows = []
    for record in _backwards(debugger, _touches_irqprio, count):
        queued = (*(a.priority for a in record.actions if a.priority is not None), *record.queued)
        unique = tuple(dict.fromkeys(queued))
        rows.append(InterruptEvent(record.number, record.position, record.pc, record.name, unique, record.delivered))
    return tuple(rows)


def _maps(row: Row) -> bool:
    """Whether a shadow entry was made; a row of compiled code has the kind of its one action where others have all."""
    actions = row[8]
    if isinstance(actions, int):
        return actions == MAPPED
    return any(action[0] in (MAPPED, MAPPED_MAGIC) for action in actions)


def _writes_tlb(row: Row) -> bool:
    """Whether the guest's own TLB was written or invalidated: compiled code does neither."""
    actions = row[8]
    return not isinstance(actions, int) and any(
        action[0] == EMULATED and instruction(action[1]).startswith(_TLB_WORDS) for action in actions
    )


def _touches_irqprio(row: Row) -> bool:
    actions = row[8]
    if isinstance(actions, int):
        return False
    return bool(row[9]) or row[10] is not None or any(action[0] in (REFLECTED, QUEUED) for action in actions)


def last_miss(debugger: Debugger) -> ExitRecord | None:
    """The last TLB miss that came before the present, if the log has one near."""
    log, found = debugger.exits, None
    if isinstance(log, ExitLog):
        low = max(0, len(log) - LOOKED_AT)
        found = next((i for i in range(len(log) - 1, low - 1, -1) if log.vector(i) in (DTLB_MISS, ITLB_MISS)), None)
    return None if found is None else log[found]
