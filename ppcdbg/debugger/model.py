"""What stands above the core, as the debugger's questions see it: nothing, or the KVM model.

One class each, with the same questions; everything that must know which of the two it is lives here or in the guest
views.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ppcdbg.cpu.interrupts import VECTORS
from ppcdbg.cpu.msr import MSR_BITS
from ppcdbg.cpu.tlb import TLB0_SETS, TLB0_WAYS, TlbEntry
from ppcdbg.debugger.causes import priority_name
from ppcdbg.debugger.guest import BareGuest, Guest
from ppcdbg.debugger.guest_kvm import KvmGuest, entry_name
from ppcdbg.debugger.results import Irqprio, PriorityRow, Table, TlbRow, TlbView
from ppcdbg.errors import UsageError
from ppcdbg.kvm import booke
from ppcdbg.kvm import magic_page as mp
from ppcdbg.kvm.host_tlb import HostEntry
from ppcdbg.kvm.records import ExitRecord
from ppcdbg.kvm.vcpu import Vcpu
from ppcdbg.machine.system import System


class Model(Protocol):
    """The questions that only a hypervisor model can answer in full."""

    @property
    def exits(self) -> Sequence[ExitRecord]: ...
    def tlb(self) -> TlbView: ...
    def irqprio(self) -> Irqprio: ...
    def counters(self) -> tuple[Table, ...]:
        """Exits by kind, emulated instructions, interrupts, MMIO: whatever is counted."""


def vcpu_of(system: System) -> Vcpu | None:
    """The vcpu of a system with a KVM model, or None."""
    found = getattr(system, "kvm", None)
    return found if isinstance(found, Vcpu) else None


def guest_of(system: System) -> Guest:
    vcpu = vcpu_of(system)
    return BareGuest(system.core) if vcpu is None else KvmGuest(vcpu)


def model_of(system: System) -> Model:
    vcpu = vcpu_of(system)
    return BareModel(system) if vcpu is None else KvmModel(system, vcpu)


class BareModel:
    """The machine alone: its own TLB, no exits."""

    def __init__(self, system: System) -> None:
        self.system = system

    @property
    def exits(self) -> Sequence[ExitRecord]:
        return ()

    def tlb(self) -> TlbView:
        core = self.system.core
        every = (core.tlb.entry(i) for s in (1, 0) for i in core.tlb.entries(s))
        return TlbView(tuple(hardware_row(e) for e in every if e.valid), (), TLB0_SETS, TLB0_WAYS)

    def irqprio(self) -> Irqprio:
        raise UsageError("the bare machine has no irqprio list; start the guest with --hv kvm")

    def counters(self) -> tuple[Table, ...]:
        return (mmio_table(self.system),)


class KvmModel:
    """The guest of a KVM vcpu."""

    def __init__(self, system: System, vcpu: Vcpu) -> None:
        self.system, self.vcpu = system, vcpu

    @property
    def exits(self) -> Sequence[ExitRecord]:
        return self.vcpu.exits

    def tlb(self) -> TlbView:
        """Guest TLB1 first, as it is read more often; links are indices into the other side."""
        gtlb = self.vcpu.gtlb
        ways = gtlb.ways[0]
        host = list(self.vcpu.host_tlb)
        children: dict[tuple[int, int], list[int]] = {}
        for i, entry in enumerate(host):
            if entry.parent is not None:
                children.setdefault(entry.parent, []).append(i)
        guest: list[TlbRow] = []
        place: dict[tuple[int, int], int] = {}
        for tlbsel in (1, 0):
            for esel in range(gtlb.entries[tlbsel]):
                e = gtlb.entry(tlbsel, esel)
                if not e.valid:
                    continue
                place[tlbsel, esel] = len(guest)
                name, index = entry_name(tlbsel, esel, ways), gtlb.offset[tlbsel] + esel
                links = tuple(children.get((tlbsel, esel), ()))
                guest.append(tlb_row(name, index, e.mas1, e.mas2, e.mas7_3, e.size, links))
        shadow = tuple(self._shadow_row(e, place) for e in host)
        return TlbView(tuple(guest), shadow, gtlb.geometry.tlb0_sets, ways)

    def _shadow_row(self, e: HostEntry, place: dict[tuple[int, int], int]) -> TlbRow:
        where = entry_name(1, e.esel) if e.tlbsel else entry_name(0, e.slot, self.vcpu.host_tlb.ways)
        links = (place[e.parent],) if e.parent in place and e.parent is not None else ()
        note = "" if links else "guest entry gone"
        if e.parent is None:
            notes = self.vcpu.deferral.page_ea
            note = "notification page" if notes and e.start == notes else "magic page"
        return tlb_row(where, e.slot, e.mas1, e.mas2, e.mas7_3, e.size, links, note)

    def irqprio(self) -> Irqprio:
        rows = []
        for state in booke.explain(self.vcpu):
            number, at = state.queued_at or (None, None)
            by = "" if number is None else f"exit {number}"
            waits = self._waits(state) if state.pending else ""
            rows.append(PriorityRow(state.priority.number, state.priority.name, state.pending, by, at, waits))
        inside = booke.critical_section(self.vcpu)
        r1, critical = self.vcpu.gpr[1], self.vcpu.shared.get32(mp.CRITICAL + 4)
        reason = f"critical=r1={r1:08x}" if inside else f"critical={critical:08x}, r1={r1:08x}"
        return Irqprio(tuple(rows), self.vcpu.pending, inside, reason)

    def _waits(self, state: booke.PriorityState) -> str:
        """An HV guest changes the real MSR by itself: between exits the vcpu's copy, which KVM decides by, is old."""
        enable = state.priority.enable
        if not self.vcpu.hv or not enable:
            return state.held_by
        if self.vcpu.core.msr & enable:
            return "" if state.held_by.startswith("MSR[") else state.held_by
        return next((f"MSR[{name}]=0" for name, bit in MSR_BITS if bit == enable), state.held_by)

    def counters(self) -> tuple[Table, ...]:
        v = self.vcpu
        exits = sorted(v.exit_counts.items(), key=lambda item: (-item[1], item[0]))
        total = sum(v.exit_counts.values()) or 1
        rows = tuple((_exit_name(n), c, f"{100 * c / total:.1f}%") for n, c in exits)
        queued = tuple(
            (priority_name(p), v.queue_counts[p], v.delivered_counts[p])
            for p in range(len(v.queue_counts)) if v.queue_counts[p] or v.delivered_counts[p]
        )  # fmt: skip
        stats = tuple((name, value) for name, value in v.stat.items() if value)
        return (
            Table("exits", ("exit", "count", "share"), rows),
            timing_table(v),
            Table("interrupts", ("priority", "queued", "delivered"), queued),
            Table("statistics", ("name", "value"), stats),
            mmio_table(self.system),
        )


TIMING_COLUMNS = ("type", "count", "min", "max", "avg", "stddev", "sum", "sum_squared")


def timing_table(v: Vcpu) -> Table:
    """CONFIG_KVM_EXIT_TIMING in ticks: the types that came, by the kernel's names, four of which are a null string."""
    rows = tuple(
        (r.name or "(null)", r.count, r.minimum, r.maximum, round(r.mean), round(r.deviation), r.total, r.squares)
        for r in v.timing.rows() if r.count
    )  # fmt: skip
    return Table("exit timing (ticks)", TIMING_COLUMNS, rows)


def _exit_name(number: int) -> str:
    found = VECTORS.get(number)
    return found.name if found is not None else f"{number:#x}"


def mmio_table(system: System) -> Table:
    rows = tuple((name, reads, writes) for name, (reads, writes) in sorted(system.board.mmio_count.items()))
    return Table("devices", ("device", "reads", "writes"), rows)


def hardware_row(e: TlbEntry) -> TlbRow:
    return tlb_row(e.where, e.index, e.mas1, e.mas2, e.mas7 << 32 | e.mas3, e.size, ())


def tlb_row(
    where: str, index: int, mas1: int, mas2: int, mas7_3: int, size: int, links: tuple[int, ...], note: str = ""
) -> TlbRow:
    """One entry from its MAS images; ``size`` in bytes, ``mas7_3`` with the upper address bits from bit 32 up."""
    permissions = "".join(
        letter if mas7_3 & bit else "-"
        for letter, bit in (("r", 1), ("w", 4), ("x", 0x10), ("R", 2), ("W", 8), ("X", 0x20))
    )
    attributes = "".join(letter for letter, bit in (("W", 16), ("I", 8), ("M", 4), ("G", 2), ("E", 1)) if mas2 & bit)
    physical = mas7_3 & 0xFFFFFF000 & -size
    return TlbRow(
        where, index, mas2 & 0xFFFFF000 & -size, size, physical, mas1 >> 16 & 0xFF, mas1 >> 12 & 1, permissions,
        attributes, bool(mas1 & 0x40000000), links, note,
    )  # fmt: skip
