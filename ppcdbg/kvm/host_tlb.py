"""The real core's TLB as the host kernel uses it for shadow entries, with a mirror that answers in Python's own terms.

Only the host writes the real TLB while a guest runs under KVM, so the mirror is exact. A slot is the core's number of a
TLB entry: TLB0 set-major then way, then TLB1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from ppcdbg.kvm.e500_mmu import MAS1_VALID, MAS2_EPN, MasImage
from ppcdbg.kvm.host import HostModel

MAS0_TLBSEL1 = 0x10000000


class TlbWriter(Protocol):
    """What this room needs of the core's TLB (:class:`ppcdbg.cpu.tlb.Tlb`)."""

    def write(self, index: int, mas1: int, mas2: int, mas3: int, mas7: int, mas8: int) -> None: ...


@dataclass(frozen=True, slots=True)
class HostEntry(MasImage):
    """One valid entry of the real TLB. ``parent``: (tlbsel, esel) of the guest entry it shadows, None for the magic
    page. ``real``: the real address of the page."""

    slot: int
    tlbsel: int
    esel: int
    mas1: int
    mas2: int
    mas7_3: int
    mas8: int
    parent: tuple[int, int] | None

    @property
    def tid(self) -> int:
        return self.mas1 >> 16 & 0x3FFF

    @property
    def real(self) -> int:
        return self.mas7_3 & ~0xFFF


class HostTlb:
    """TLB0 and TLB1 of the real core. ``tlb1_slot0``: the core's slot of TLB1 entry 0."""

    def __init__(self, host: HostModel, writer: TlbWriter, tlb1_slot0: int = 512) -> None:
        self.host = host
        self.writer = writer
        self.ways = host.tlb0_ways
        self.set_mask = host.tlb0_entries // host.tlb0_ways - 1
        self.tlb1_slot0 = tlb1_slot0
        self.slots: dict[int, HostEntry] = {}
        self.next_way = 0
        self._fetched: dict[tuple[int, int, int], HostEntry | None] = {}
        self._tlb1: list[HostEntry] = []

    # --- writing ----------------------------------------------------------------------------------
    def write0(self, mas1: int, mas2: int, mas7_3: int, mas8: int, parent: tuple[int, int] | None) -> int:
        """Write a 4 KiB entry into TLB0 at the hardware's victim hint; returns the MAS0 that did it."""
        way = self.next_way
        self.next_way = way + 1 if way + 1 < self.ways else 0
        self._put((mas2 >> 12 & self.set_mask) * self.ways + way, 0, way, mas1, mas2, mas7_3, mas8, parent)
        return way << 16 | self.next_way

    def write1(self, esel: int, mas1: int, mas2: int, mas7_3: int, mas8: int, parent: tuple[int, int] | None) -> int:
        """Write TLB1 entry ``esel``; returns the MAS0 that did it."""
        self._put(self.tlb1_slot0 + esel, 1, esel, mas1, mas2, mas7_3, mas8, parent)
        return MAS0_TLBSEL1 | esel << 16

    def _put(
        self, slot: int, tlbsel: int, esel: int, mas1: int, mas2: int, mas7_3: int, mas8: int,
        parent: tuple[int, int] | None,
    ) -> None:  # fmt: skip
        self.writer.write(slot, mas1, mas2, mas7_3 & 0xFFFFFFFF, mas7_3 >> 32, mas8)
        if mas1 & MAS1_VALID:
            self.slots[slot] = HostEntry(slot, tlbsel, esel, mas1, mas2, mas7_3, mas8, parent)
        else:
            self.slots.pop(slot, None)
        self._changed(slot)

    def kill(self, slot: int) -> None:
        """Write MAS1 = 0 into a slot."""
        self.writer.write(slot, 0, 0, 0, 0, 0)
        self.slots.pop(slot, None)
        self._changed(slot)

    def _changed(self, slot: int) -> None:
        self._fetched.clear()
        first = self.tlb1_slot0
        if slot >= first:
            every = (self.slots.get(n) for n in range(first, first + self.host.tlb1_entries))
            self._tlb1 = [entry for entry in every if entry is not None]

    def flush(self) -> None:
        """Drop every entry that is not the host's own (nothing of the host's is in the mirror)."""
        for slot in list(self.slots):
            self.kill(slot)

    # --- reading ----------------------------------------------------------------------------------
    def lookup(self, ea: int, space: int, pids: tuple[int, ...]) -> HostEntry | None:
        """The entry that translates ``ea``; TID 0 entries match any PID."""
        base, page, entries = (ea >> 12 & self.set_mask) * self.ways, ea & MAS2_EPN, self.slots
        for slot in range(base, base + self.ways):
            e = entries.get(slot)
            if e is not None and e.mas2 & MAS2_EPN == page:
                mas1 = e.mas1
                if mas1 >> 12 & 1 == space and (not mas1 & 0x3FFF0000 or mas1 >> 16 & 0x3FFF in pids):
                    return e
        for e in self._tlb1:
            if e.start <= ea < e.start + e.size and e.ts == space and (e.tid == 0 or e.tid in pids):
                return e
        return None

    def fetched(self, ea: int, space: int, pid0: int, pid1: int) -> HostEntry | None:
        """The entry that ``ea`` is fetched through, remembered until the TLB changes."""
        k = (ea & MAS2_EPN | space, pid0, pid1)
        if k in self._fetched:
            return self._fetched[k]
        entry = self._fetched[k] = self.lookup(ea, space, (pid0, pid1))
        return entry

    def __iter__(self) -> Iterator[HostEntry]:
        return iter([self.slots[s] for s in sorted(self.slots)])
