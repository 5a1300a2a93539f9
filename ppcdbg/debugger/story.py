"""The facts for one plain sentence about a stop or an exit; the sentence itself is :mod:`ppcdbg.views.story`'s.

Everything is taken from the record, the symbols and, for the present only, from the guest's TLB and registers, so
that an exit of the past can be told too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ppcdbg.debugger.causes import access_of, cause_of
from ppcdbg.debugger.results import Candidate, DisassemblyRow
from ppcdbg.debugger.stops import StopReport
from ppcdbg.kvm.records import ExitRecord

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger


@dataclass(frozen=True)
class Story:
    """``report`` is None for an exit of the past. ``mapping`` is the guest's TLB entry behind the address that missed.

    ``breakpoints`` are the words of the breakpoints that hit; ``next`` is the instruction at pc.
    """

    report: StopReport | None
    record: ExitRecord | None
    place: str = ""
    access: str = ""
    cause: str = ""
    mapping: Candidate | None = None
    breakpoints: tuple[str, ...] = ()
    next: DisassemblyRow | None = None
    pending: tuple[str, ...] = ()
    user: bool = False


def story_of(debugger: Debugger, record: ExitRecord | None = None) -> Story:
    """About ``record``, or about the last stop."""
    if record is not None:
        return _about(debugger, None, record)
    report = debugger.last
    return _about(debugger, report, report.record)


def _about(debugger: Debugger, report: StopReport | None, record: ExitRecord | None) -> Story:
    pc = record.pc if record is not None else debugger.pc
    msr = record.msr if record is not None else debugger.guest.msr
    hits = report.told if report is not None else ()
    pending: tuple[str, ...] = ()
    upcoming = None
    if report is not None:
        upcoming = debugger.disassemble(debugger.pc, 1).rows[0]
        if debugger.has_exits:
            pending = tuple(f"{r.name}: {r.waits}" for r in debugger.irqprio().rows if r.pending and r.waits)
    return Story(
        report, record, debugger.symbols.name(pc), access_of(record) if record else "",
        cause_of(record) if record else "", _mapping(debugger, record), hits, upcoming, pending,
        bool(msr & 0x4000),
    )  # fmt: skip


def _mapping(debugger: Debugger, record: ExitRecord | None) -> Candidate | None:
    """The guest entry that maps the address of a miss, where that is still so."""
    ea = None if record is None else next((a.ea for a in record.actions if a.ea is not None), None)
    if ea is None:
        return None
    return next((c for c in debugger.explain(ea).candidates if not c.failed), None)
