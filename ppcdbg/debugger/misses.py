"""The last TLB miss explained, the MAS registers as they stand, and TLB0 as a map of sets and ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ppcdbg.cpu.interrupts import ITLB_MISS
from ppcdbg.cpu.mmu import Access
from ppcdbg.debugger.model import vcpu_of
from ppcdbg.debugger.past_events import last_miss
from ppcdbg.debugger.results import Explanation, RegisterValue, TlbRow
from ppcdbg.kvm import words as W
from ppcdbg.kvm.records import ExitRecord

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

ESR_ST = 0x00800000
_MAS = ("mas0", "mas1", "mas2", "mas3", "mas4", "mas6", "mas7", "pid")


@dataclass(frozen=True)
class MissReport:
    """``record`` is the last miss, ``explanation`` how its address translates now, ``mas`` the guest's registers."""

    record: ExitRecord | None
    explanation: Explanation | None
    mas: tuple[RegisterValue, ...]
    sets: int

    @property
    def ea(self) -> int | None:
        """The effective address that missed."""
        if self.record is None:
            return None
        return self.record.pc if self.record.vector == ITLB_MISS else self.record.dar


@dataclass(frozen=True)
class TlbMap:
    """TLB0: ``ways[way][set]`` is the entry there or None; ``victim`` the way that the next miss is told to replace;
    ``missed`` the set of the last miss."""

    name: str
    ways: tuple[tuple[TlbRow | None, ...], ...]
    victim: int
    missed: int | None


def miss_report(debugger: Debugger) -> MissReport:
    """About the last miss before the present."""
    record, explanation = last_miss(debugger), None
    if record is not None:
        access = Access.FETCH if record.vector == ITLB_MISS else Access.STORE if record.esr & ESR_ST else Access.LOAD
        explanation = debugger.explain(record.pc if record.vector == ITLB_MISS else record.dar, access)
    return MissReport(record, explanation, debugger.registers(list(_MAS)).rows, debugger.tlb().sets)


def tlb_map(debugger: Debugger, shadow: bool) -> TlbMap:
    """The guest's TLB0, or the one that KVM fills for it."""
    view, vcpu = debugger.tlb(), vcpu_of(debugger.system)
    sets, ways = view.sets, view.ways
    if shadow and vcpu is not None:
        ways = vcpu.host_tlb.ways
        sets = vcpu.words[W.HOST_SET_MASK] + 1
    cells: list[list[TlbRow | None]] = [[None] * sets for _ in range(ways)]
    for row in view.shadow if shadow else view.guest:
        if row.where.startswith("TLB0") and row.index < sets * ways:
            cells[row.index % ways][row.index // ways] = row
    victim = 0
    if vcpu is not None:
        victim = vcpu.words[W.NEXT_WAY] if shadow else vcpu.gtlb.nv[0]
    record = last_miss(debugger)
    missed = None
    if record is not None:
        missed = ((record.pc if record.vector == ITLB_MISS else record.dar) >> 12) & sets - 1
    return TlbMap("shadow TLB0" if shadow else "TLB0", tuple(tuple(row) for row in cells), victim, missed)
