"""TLB0 and TLB1 of one core: storage, search, invalidation (e500 RM 12; facts 2.2, 2.3).

Entries live in the state block as MAS images, so that copying the block copies the TLB. Nothing here knows which
access is made; permissions and contexts are :mod:`ppcdbg.cpu.mmu`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ppcdbg.cpu.state import TLB0_ENTRIES, TLB_ENTRY_WORDS, State

TLB0_WAYS = 4
TLB0_SETS = TLB0_ENTRIES // TLB0_WAYS

MAS1_V, MAS1_IPROT, MAS1_TS = 0x80000000, 0x40000000, 0x1000
MAS1_TID, MAS1_TID_SHIFT = 0xFF0000, 16
MAS8_TGS, MAS8_VF = 0x80000000, 0x40000000


def page_bytes(mas1: int) -> int:
    """Page size in bytes of a MAS1 image: 1 KiB << TSIZE; v1 hardware implements even TSIZE only."""
    return 1024 << (mas1 >> 7 & 0x1E)


@dataclass(frozen=True, slots=True)
class TlbEntry:
    """One entry as MAS images; ``index`` 0..511 is TLB0 (set*4 + way), 512 and up TLB1."""

    index: int
    mas1: int
    mas2: int
    mas3: int
    mas7: int
    mas8: int

    @property
    def valid(self) -> bool:
        return bool(self.mas1 & MAS1_V)

    @property
    def size(self) -> int:
        """Bytes; TLB0 holds 4 KiB pages whatever TSIZE says."""
        return 4096 if self.index < TLB0_ENTRIES else page_bytes(self.mas1)

    @property
    def epn(self) -> int:
        return self.mas2 & 0xFFFFF000 & -self.size

    @property
    def rpn(self) -> int:
        """Real address of the page, 36 bits."""
        return ((self.mas7 & 0xF) << 32 | self.mas3 & 0xFFFFF000) & -self.size

    @property
    def tid(self) -> int:
        return self.mas1 >> 16 & 0xFF

    @property
    def ts(self) -> int:
        return self.mas1 >> 12 & 1

    @property
    def where(self) -> str:
        """``TLB0[set,way]`` or ``TLB1[n]``."""
        if self.index < TLB0_ENTRIES:
            return f"TLB0[{self.index // TLB0_WAYS},{self.index % TLB0_WAYS}]"
        return f"TLB1[{self.index - TLB0_ENTRIES}]"


class Tlb:
    """The arrays. ``changed`` is called with a page number, or None for everything, after each change.

    ``words``: the MAS images as they lie in the state block, ``TLB_ENTRY_WORDS`` for each entry.
    """

    def __init__(self, state: State, tlb1_entries: int) -> None:
        self.words = state.tlb
        self.tlb1_entries = tlb1_entries
        self.changed: Callable[[int | None], None] = lambda page: None
        self._tlb1: list[TlbEntry] | None = None

    def entry(self, index: int) -> TlbEntry:
        base = index * TLB_ENTRY_WORDS
        return TlbEntry(index, *self.words[base : base + 5])

    def write(self, index: int, mas1: int, mas2: int, mas3: int, mas7: int, mas8: int = 0) -> None:
        """Replace an entry; TLB0 ignores TSIZE and IPROT."""
        words = self.words
        base = index * TLB_ENTRY_WORDS
        old_valid, old_page = words[base] & MAS1_V, words[base + 1] >> 12
        if index < TLB0_ENTRIES:
            mas1 = mas1 & ~(MAS1_IPROT | 0xF80) | 0x100
        words[base], words[base + 1], words[base + 2] = mas1, mas2, mas3
        words[base + 3], words[base + 4] = mas7, mas8
        if index >= TLB0_ENTRIES:
            self._tlb1 = None
            self.changed(None)
            return
        if old_valid:
            self.changed(old_page)
        self.changed(mas2 >> 12)

    def drop(self, index: int) -> None:
        """Clear the V bit of one entry."""
        base = index * TLB_ENTRY_WORDS
        self.words[base] &= ~MAS1_V & 0xFFFFFFFF
        if index >= TLB0_ENTRIES:
            self._tlb1 = None
            self.changed(None)
        else:
            self.changed(self.words[base + 1] >> 12)

    def reloaded(self) -> None:
        """The state block was replaced from outside (a snapshot, or compiled code wrote entries)."""
        self._tlb1 = None
        self.changed(None)

    def tlb1(self) -> list[TlbEntry]:
        """The valid entries of TLB1."""
        if self._tlb1 is None:
            every = (self.entry(TLB0_ENTRIES + i) for i in range(self.tlb1_entries))
            self._tlb1 = [e for e in every if e.valid]
        return self._tlb1

    def candidates(self, ea: int) -> Iterator[TlbEntry]:
        """Valid entries whose page holds ``ea``, TLB0 first; context is not looked at."""
        words = self.words
        page = ea >> 12
        first = (page & (TLB0_SETS - 1)) * TLB0_WAYS
        for index in range(first, first + TLB0_WAYS):
            base = index * TLB_ENTRY_WORDS
            if words[base] & MAS1_V and words[base + 1] >> 12 == page:
                yield self.entry(index)
        for e in self.tlb1():
            if ea & -e.size & 0xFFFFFFFF == e.epn:
                yield e

    def entries(self, tlbsel: int) -> range:
        """Indexes of one array."""
        return range(TLB0_ENTRIES) if tlbsel == 0 else range(TLB0_ENTRIES, TLB0_ENTRIES + self.tlb1_entries)

    def flush(
        self,
        tlbsel: int,
        which: Callable[[TlbEntry], bool] | None = None,
        *,
        page: int | None = None,
        tid: int | None = None,
    ) -> list[int]:
        """Drop valid entries of one array without IPROT that ``which`` accepts; the indexes dropped.

        ``page`` and ``tid`` say that it accepts no others: the set of a page of TLB0 is four entries of 512.
        """
        indexes = self.entries(tlbsel)
        if page is not None and tlbsel == 0:
            first = (page & (TLB0_SETS - 1)) * TLB0_WAYS
            indexes = range(first, first + TLB0_WAYS)
        mask, wanted = MAS1_V | MAS1_IPROT, MAS1_V
        if tid is not None:
            mask, wanted = mask | MAS1_TID, wanted | tid << MAS1_TID_SHIFT
        start, stop = indexes.start * TLB_ENTRY_WORDS, indexes.stop * TLB_ENTRY_WORDS
        images = self.words[start:stop:TLB_ENTRY_WORDS].tolist()
        found = [index for index, mas1 in zip(indexes, images) if mas1 & mask == wanted]
        dropped = found if which is None else [index for index in found if which(self.entry(index))]
        for index in dropped:
            self.drop(index)
        return dropped
