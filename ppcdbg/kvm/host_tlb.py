"""The real core's TLB as the host kernel uses it for shadow entries.

Only the host writes the real TLB while a guest runs under KVM, so every valid entry is a shadow entry or the magic
page. A slot is the core's number of a TLB entry: TLB0 set-major then way, then TLB1.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from ppcdbg.cpu.plain import Saved, numbers
from ppcdbg.cpu.state import TLB_ENTRY_WORDS
from ppcdbg.cpu.tlb import Tlb
from ppcdbg.kvm import words as W
from ppcdbg.kvm.e500_mmu import MAS1_VALID, MAS2_EPN, MasImage
from ppcdbg.kvm.host import HostModel
from ppcdbg.kvm.words import address, table

MAS0_TLBSEL1 = 0x10000000
_TID = 0x3FFF0000


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

    def __init__(self, host: HostModel, tlb: Tlb, words: array[int], tlb1_slot0: int = 512) -> None:
        self.host = host
        self.tlb = tlb
        self.words = words
        self.ways = host.tlb0_ways
        self.set_mask = host.tlb0_entries // host.tlb0_ways - 1
        self.tlb1_slot0 = tlb1_slot0
        self.parents = table(tlb1_slot0 + host.tlb1_entries)
        """By slot: which guest entry it shadows, as 1 << 32 | tlbsel << 16 | esel; 0 for none."""
        words[W.HOST_SET_MASK], words[W.HOST_WAYS], words[W.PARENTS] = self.set_mask, self.ways, address(self.parents)

    def save(self) -> Saved:
        """See ``plain.Saves``: all but what the core's own TLB says of its entries."""
        return {"parents": [*self.parents]}

    def restore(self, state: Saved) -> None:
        """See ``plain.Saves``; the core's TLB is restored by itself."""
        self.parents[:] = array("Q", numbers(state["parents"]))

    # --- writing ----------------------------------------------------------------------------------
    def write0(self, mas1: int, mas2: int, mas7_3: int, mas8: int, parent: tuple[int, int] | None) -> int:
        """Write a 4 KiB entry into TLB0 at the hardware's victim hint; returns the MAS0 that did it."""
        way = self.words[W.NEXT_WAY]
        self.words[W.NEXT_WAY] = following = way + 1 if way + 1 < self.ways else 0
        self._put((mas2 >> 12 & self.set_mask) * self.ways + way, mas1, mas2, mas7_3, mas8, parent)
        return way << 16 | following

    def write1(self, esel: int, mas1: int, mas2: int, mas7_3: int, mas8: int, parent: tuple[int, int] | None) -> int:
        """Write TLB1 entry ``esel``; returns the MAS0 that did it."""
        self._put(self.tlb1_slot0 + esel, mas1, mas2, mas7_3, mas8, parent)
        return MAS0_TLBSEL1 | esel << 16

    def _put(
        self, slot: int, mas1: int, mas2: int, mas7_3: int, mas8: int, parent: tuple[int, int] | None
    ) -> None:  # fmt: skip
        self.tlb.write(slot, mas1, mas2, mas7_3 & 0xFFFFFFFF, mas7_3 >> 32, mas8)
        self.parents[slot] = 0 if parent is None else 1 << 32 | parent[0] << 16 | parent[1]

    def kill(self, slot: int) -> None:
        """Write MAS1 = 0 into a slot."""
        self.tlb.write(slot, 0, 0, 0, 0, 0)

    def flush(self) -> None:
        """Drop every entry."""
        for slot in self._valid(range(len(self.parents))):
            self.kill(slot)

    # --- reading ----------------------------------------------------------------------------------
    def _valid(self, slots: range) -> list[int]:
        words = self.tlb.words
        return [i for i in slots if words[i * TLB_ENTRY_WORDS] & MAS1_VALID]

    def entry(self, slot: int) -> HostEntry:
        """One valid entry."""
        base = slot * TLB_ENTRY_WORDS
        mas1, mas2, mas3, mas7, mas8 = self.tlb.words[base : base + 5]
        in_tlb1 = slot >= self.tlb1_slot0
        parent = self.parents[slot]
        return HostEntry(
            slot, int(in_tlb1), slot - self.tlb1_slot0 if in_tlb1 else slot % self.ways, mas1, mas2, mas7 << 32 | mas3,
            mas8, (parent >> 16 & 0xFFFF, parent & 0xFFFF) if parent else None,
        )  # fmt: skip

    def lookup(self, ea: int, space: int, pids: tuple[int, ...]) -> HostEntry | None:
        """The entry that translates ``ea``; TID 0 entries match any PID."""
        words, page = self.tlb.words, ea & MAS2_EPN
        base = (ea >> 12 & self.set_mask) * self.ways
        for slot in range(base, base + self.ways):
            at = slot * TLB_ENTRY_WORDS
            if words[at + 1] & MAS2_EPN == page:
                mas1 = words[at]
                if mas1 & MAS1_VALID and mas1 >> 12 & 1 == space and (not mas1 & _TID or mas1 >> 16 & 0x3FFF in pids):
                    return self.entry(slot)
        for slot in self._valid(range(self.tlb1_slot0, len(self.parents))):
            e = self.entry(slot)
            if e.start <= ea < e.start + e.size and e.ts == space and (e.tid == 0 or e.tid in pids):
                return e
        return None

    def __iter__(self) -> Iterator[HostEntry]:
        return iter([self.entry(slot) for slot in self._valid(range(len(self.parents)))])
