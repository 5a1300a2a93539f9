"""The guest's TLB0 and TLB1 as KVM keeps them: arrays shared with userspace, searched and invalidated in software.

Follows e500_mmu.c (facts 2.5, 5.1). Entries are numbered TLB0 first, set-major then way, then TLB1. What hangs on an
entry in the host's TLB is :mod:`ppcdbg.kvm.shadow_tlb`'s business.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass

from ppcdbg.cpu.plain import Saved, numbers
from ppcdbg.kvm import words as W
from ppcdbg.kvm.words import address, table

MAS1_VALID, MAS1_IPROT, MAS1_TS = 0x80000000, 0x40000000, 0x1000
MAS1_TSIZE_MASK = 0x0F80  # the 4 bits that e500 hardware has, and the lowest one that it lacks
MAS2_EPN, MAS2_ATTRIB_MASK = 0xFFFFF000, 0x63  # X0 X1 G E
MAS3_USER_BITS = 0x3C0  # U0..U3
MAS3_USER_PERM, MAS3_SUPER_PERM, MAS3_ATTRIB_MASK = 0x2A, 0x15, 0x3FF
MAS3_WRITABLE = 0x0C
MMUCSR0_TLB1FI, MMUCSR0_TLB0FI = 0x2, 0x4
TSIZE_4K, TSIZE_256M = 2, 18
ANY_AS = -1


@dataclass(frozen=True)
class Geometry:
    """Sizes of the guest's TLBs. KVM's default is 256 entries, 2-way, and 16; QEMU asks for 512, 4-way, and 16."""

    tlb0_entries: int = 512
    tlb0_ways: int = 4
    tlb1_entries: int = 16

    def __post_init__(self) -> None:
        def power_of_two(n: int) -> bool:
            return n > 0 and n & (n - 1) == 0

        sets = self.tlb0_entries // self.tlb0_ways if self.tlb0_ways else 0
        if self.tlb1_entries > 64 or not power_of_two(self.tlb0_ways) or not power_of_two(sets):
            raise ValueError("TLB0 ways and sets must be powers of two, and TLB1 at most 64 entries")

    @property
    def tlb0_sets(self) -> int:
        return self.tlb0_entries // self.tlb0_ways


LEGACY = Geometry(256, 2, 16)


class MasImage:
    """What MAS1 and MAS2 say of an entry, the guest's or a shadow: ``size`` in bytes, ``start`` effective."""

    __slots__ = ()
    mas1: int
    mas2: int

    @property
    def ts(self) -> int:
        return self.mas1 >> 12 & 1

    @property
    def size(self) -> int:
        return 1024 << (self.mas1 >> 7 & 0x1F)

    @property
    def start(self) -> int:
        return self.mas2 & MAS2_EPN


@dataclass(frozen=True, slots=True)
class GuestEntry(MasImage):
    """One guest TLB entry as data. Addresses: ``start``..``end`` effective, ``address`` guest-physical."""

    tlbsel: int
    esel: int
    mas1: int
    mas2: int
    mas7_3: int

    @property
    def valid(self) -> bool:
        return bool(self.mas1 & MAS1_VALID)

    @property
    def iprot(self) -> bool:
        return bool(self.mas1 & MAS1_IPROT)

    @property
    def tid(self) -> int:
        return self.mas1 >> 16 & 0xFF

    @property
    def end(self) -> int:
        return (self.start + self.size - 1) & 0xFFFFFFFF

    @property
    def address(self) -> int:
        return self.mas7_3 & ~0xFFF


def _word(index: int) -> property:
    def get(self: GuestTlb) -> int:
        return self.words[index]

    def put(self: GuestTlb, value: int) -> None:
        self.words[index] = value

    return property(get, put)


class GuestTlb:
    """The arrays, their search, and the victim hints. ``words``: the vcpu's, which holds TLB1's range."""

    def __init__(self, geometry: Geometry, words: array[int] | None = None) -> None:
        self.words = words = table(W.COUNT) if words is None else words
        self.geometry = geometry
        self.ways = (geometry.tlb0_ways, geometry.tlb1_entries)
        self.entries = (geometry.tlb0_entries, geometry.tlb1_entries)
        self.offset = (0, geometry.tlb0_entries)
        total = sum(self.entries)
        self.mas1, self.mas2, self.mas7_3 = table(total), table(total), table(total)
        self.nv = [0, 0]
        self.set_mask = geometry.tlb0_sets - 1
        words[W.SET_MASK], words[W.WAYS], words[W.TLB1_ENTRIES] = self.set_mask, self.ways[0], self.entries[1]
        for place, held in ((W.GUEST_MAS1, self.mas1), (W.GUEST_MAS2, self.mas2), (W.GUEST_MAS7_3, self.mas7_3)):
            words[place] = address(held)
        self.tlb1_min, self.tlb1_max = 0xFFFFFFFF, 0
        self._tlb1: list[tuple[int, int, int, int, int]] | None = None

    tlb1_min, tlb1_max = _word(W.TLB1_MIN), _word(W.TLB1_MAX)
    """The addresses that valid entries of TLB1 span: a filter before its search."""

    def save(self) -> Saved:
        """See ``plain.Saves``; the geometry is the vcpu's."""
        return {
            "mas1": [*self.mas1], "mas2": [*self.mas2], "mas7_3": [*self.mas7_3], "nv": [*self.nv],
        }  # fmt: skip

    def restore(self, state: Saved) -> None:
        """See ``plain.Saves``. The arrays stay the same objects, for the model holds them."""
        for name in ("mas1", "mas2", "mas7_3"):
            getattr(self, name)[:] = array("Q", numbers(state[name]))
        self.nv[:] = numbers(state["nv"])
        self._tlb1 = None

    # --- reading ----------------------------------------------------------------------------------
    def entry(self, tlbsel: int, esel: int) -> GuestEntry:
        i = self.offset[tlbsel] + esel
        return GuestEntry(tlbsel, esel, self.mas1[i], self.mas2[i], self.mas7_3[i])

    def all(self) -> list[GuestEntry]:
        """Every entry, valid or not, TLB0 first."""
        return [self.entry(t, e) for t in (0, 1) for e in range(self.entries[t])]

    def set_base(self, ea: int) -> int:
        return (ea >> 12 & self.set_mask) * self.ways[0]

    def esel_of(self, mas0: int, mas2: int, tlbsel: int) -> int:
        """The entry that MAS0 (and MAS2 for TLB0's set) select; unimplemented ESEL bits are ignored."""
        esel = mas0 >> 16 & 0xFFF
        if tlbsel == 0:
            return (esel & (self.ways[0] - 1)) + self.set_base(mas2)
        return esel & (self.entries[1] - 1)

    def next_victim(self) -> int:
        """TLB0's round-robin way; the hint steps."""
        victim = self.nv[0]
        self.nv[0] = victim + 1 if victim + 1 < self.ways[0] else 0
        return victim

    # --- search -----------------------------------------------------------------------------------
    def find(self, ea: int, tlbsel: int, pid: int, space: int) -> int:
        """ESEL of the first entry of one TLB that matches, or -1. ``space``: AS 0 or 1, or ANY_AS."""
        if tlbsel:
            return self._find1(ea, pid, space)
        base = self.set_base(ea)
        mas1, mas2 = self.mas1, self.mas2
        for i in range(base, base + self.ways[0]):
            m1 = mas1[i]
            if not m1 & MAS1_VALID:
                continue
            start = mas2[i] & MAS2_EPN
            if not start <= ea <= start + (1024 << (m1 >> 7 & 0x1F)) - 1:
                continue
            tid = m1 >> 16 & 0xFF
            if (tid == 0 or tid == pid) and (space < 0 or m1 >> 12 & 1 == space):
                return i
        return -1

    def _find1(self, ea: int, pid: int, space: int) -> int:
        if not self.tlb1_min <= ea <= self.tlb1_max:
            return -1
        if self._tlb1 is None:
            self._tlb1 = [
                (e.start, e.end, e.tid, e.ts, e.esel)
                for e in (self.entry(1, n) for n in range(self.entries[1]))
                if e.valid
            ]
        for start, end, tid, ts, esel in self._tlb1:
            if start <= ea <= end and (tid == 0 or tid == pid) and (space < 0 or ts == space):
                return esel
        return -1

    def search(self, ea: int, pid: int, space: int) -> tuple[int, int] | None:
        """(tlbsel, esel) of the first match, TLB0 before TLB1."""
        esel = self.find(ea, 0, pid, space)
        if esel >= 0:
            return 0, esel
        esel = self._find1(ea, pid, space)
        return (1, esel) if esel >= 0 else None

    def translate(self, tlbsel: int, esel: int, ea: int) -> int:
        """Guest-physical address of ``ea`` through an entry (kvmppc_mmu_xlate: the page number is not masked)."""
        i = self.offset[tlbsel] + esel
        return (self.mas7_3[i] & ~0xFFF) | (ea & ((1024 << (self.mas1[i] >> 7 & 0x1F)) - 1))

    # --- writing ----------------------------------------------------------------------------------
    def put(self, tlbsel: int, esel: int, mas1: int, mas2: int, mas7_3: int) -> None:
        """Store an entry as userspace does: no shadow is touched and TLB1's range is not recomputed."""
        i = self.offset[tlbsel] + esel
        self.mas1[i], self.mas2[i], self.mas7_3[i] = mas1, mas2, mas7_3
        self._tlb1 = None

    def invalidate(self, tlbsel: int, esel: int) -> bool:
        """Clear MAS1 of one entry; an IPROT entry refuses."""
        i = self.offset[tlbsel] + esel
        if self.mas1[i] & MAS1_IPROT:
            return False
        if tlbsel == 1 and self.at_range_edge(self.entry(1, esel)):
            self.recalculate_range()
        self.mas1[i] = 0
        if tlbsel:
            self._tlb1 = None
        return True

    # --- TLB1's address range, a filter before its search -----------------------------------------
    def recalculate_range(self) -> None:
        self.tlb1_min, self.tlb1_max = 0xFFFFFFFF, 0
        self._tlb1 = None
        for esel in range(self.entries[1]):
            e = self.entry(1, esel)
            if e.valid:
                self.tlb1_min = min(self.tlb1_min, e.start)
                self.tlb1_max = max(self.tlb1_max, e.end)

    def at_range_edge(self, entry: GuestEntry) -> bool:
        start = entry.start & ~(entry.size - 1)
        return start == self.words[W.TLB1_MIN] or start + entry.size - 1 == self.words[W.TLB1_MAX]

    def extend_range(self, entry: GuestEntry) -> None:
        if entry.valid:
            start = entry.start & ~(entry.size - 1)
            self.tlb1_min = min(self.tlb1_min, start)
            self.tlb1_max = max(self.tlb1_max, min(start + entry.size - 1, 0xFFFFFFFF))
