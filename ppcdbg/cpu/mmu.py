"""The Book E MMU of e500v2 and e500mc: translation, MAS defaults, TLB instructions (e500 RM 12; facts 2.3 to 2.5).

Contexts are explicit, so that external-PID accesses and a debugger's questions use the same search as the guest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from ppcdbg.cpu import msr as M
from ppcdbg.cpu.interrupts import DATA_STORAGE, DTLB_MISS, INST_STORAGE, ITLB_MISS, GuestInterrupt
from ppcdbg.cpu.state import TLB0_ENTRIES
from ppcdbg.cpu.tlb import MAS1_V, MAS8_TGS, MAS8_VF, TLB0_SETS, TLB0_WAYS, TlbEntry
from ppcdbg.isa import slots
from ppcdbg.isa.sprs import SLOT

if TYPE_CHECKING:
    from ppcdbg.cpu.core import Core

MAS0, MAS1, MAS2, MAS3, MAS4, MAS6, MAS7 = (SLOT[f"MAS{n}"] for n in (0, 1, 2, 3, 4, 6, 7))
MAS5, MAS8, PID, PID1, PID2 = SLOT["MAS5"], SLOT["MAS8"], SLOT["PID"], SLOT["PID1"], SLOT["PID2"]
EPCR, LPID, EPLC, EPSC = SLOT["EPCR"], SLOT["LPID"], SLOT["EPLC"], SLOT["EPSC"]


class Access(Enum):
    """What an access is; the value is (user permission, supervisor permission) of MAS3."""

    FETCH = (0x20, 0x10)
    STORE = (0x08, 0x04)
    LOAD = (0x02, 0x01)


@dataclass(frozen=True, slots=True)
class Context:
    """What an access is matched with: address space, process ids, and on E.HV guest state and LPID."""

    pr: bool
    space: int
    pids: tuple[int, ...]
    gs: bool = False
    lpid: int = 0


class Verdict(Enum):
    """The first test that an entry failed, in the order of facts 2.3; HIT when none."""

    HIT = "hit"
    INVALID = "valid"
    RANGE = "range"
    SPACE = "address space"
    PID = "PID"
    GUEST = "guest state"
    LPID = "LPID"
    PERMISSION = "permission"


@dataclass(frozen=True, slots=True)
class Translation:
    """A hit: the entry and the real address (36 bits) of the byte asked for."""

    entry: TlbEntry
    address: int

    @property
    def little_endian(self) -> bool:
        return bool(self.entry.mas2 & 1)


def match(entry: TlbEntry, ea: int, context: Context) -> Verdict:
    """The match rule of facts 2.3, without permissions."""
    if not entry.valid:
        return Verdict.INVALID
    if ea & -entry.size & 0xFFFFFFFF != entry.epn:
        return Verdict.RANGE
    if entry.ts != context.space:
        return Verdict.SPACE
    if entry.tid and entry.tid not in context.pids:
        return Verdict.PID
    if bool(entry.mas8 & MAS8_TGS) != context.gs:
        return Verdict.GUEST
    if entry.mas8 & 0xFF and entry.mas8 & 0xFF != context.lpid:
        return Verdict.LPID
    return Verdict.HIT


def permits(entry: TlbEntry, access: Access, pr: bool) -> bool:
    user, supervisor = access.value
    return bool(entry.mas3 & (user if pr else supervisor))


class Mmu:
    """Translation and TLB instructions of one core."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._reg = core.state.reg
        self._tlb = core.tlb
        self._v2 = core.model.pids == 3

    # --- contexts ---------------------------------------------------------------------------------
    def _pids(self) -> tuple[int, ...]:
        r = self._reg
        return (r[PID], r[PID1], r[PID2]) if self._v2 else (r[PID],)

    def context(self, *, fetch: bool) -> Context:
        """The context of an ordinary access now."""
        r = self._reg
        msr = r[slots.MSR]
        space = 1 if msr & (M.MSR_IS if fetch else M.MSR_DS) else 0
        return Context(bool(msr & M.MSR_PR), space, self._pids(), bool(msr & M.MSR_GS), r[LPID])

    def external(self, *, store: bool) -> Context:
        """The context of an external-PID access: EPSC for stores, EPLC for loads."""
        ep = self._reg[EPSC if store else EPLC]
        return Context(bool(ep & 0x80000000), ep >> 30 & 1, (ep & 0x3FFF,), bool(ep & 0x20000000), ep >> 16 & 0xFF)

    # --- translation ------------------------------------------------------------------------------
    def find(self, ea: int, context: Context) -> TlbEntry | None:
        for entry in self._tlb.candidates(ea):
            if match(entry, ea, context) is Verdict.HIT:
                return entry
        return None

    def translate(self, ea: int, access: Access, context: Context, esr: int = 0) -> Translation:
        """Where an access goes, or the interrupt that it takes (``esr`` is added, for ESR[EPID])."""
        entry = self.find(ea, context)
        if access is Access.STORE:
            esr |= M.ESR_ST
        if entry is None:
            if access is Access.FETCH:
                raise GuestInterrupt(ITLB_MISS)
            raise GuestInterrupt(DTLB_MISS, esr, ea)
        if not permits(entry, access, context.pr):
            if access is Access.FETCH:
                raise GuestInterrupt(INST_STORAGE, 0)
            raise GuestInterrupt(DATA_STORAGE, esr, ea)
        if entry.mas8 & MAS8_VF and access is not Access.FETCH:
            raise GuestInterrupt(DATA_STORAGE, esr, ea, vf=True)
        address = entry.rpn | ea & (entry.size - 1)
        if entry.mas2 & 1 and self._core.model.qemu:
            entry = replace(entry, mas2=entry.mas2 & ~1)  # it knows no little-endian pages
        return Translation(entry, address)

    def explain(self, ea: int, access: Access, context: Context) -> list[tuple[TlbEntry, Verdict]]:
        """Every valid entry near ``ea`` with the first test that it fails: TLB0's set, and all of TLB1."""
        first = ((ea >> 12) & (TLB0_SETS - 1)) * TLB0_WAYS
        near = [self._tlb.entry(i) for i in range(first, first + TLB0_WAYS)] + self._tlb.tlb1()
        rows = []
        for entry in near:
            verdict = match(entry, ea, context)
            if verdict is Verdict.HIT and not permits(entry, access, context.pr):
                verdict = Verdict.PERMISSION
            rows.append((entry, verdict))
        return rows

    # --- MAS registers ----------------------------------------------------------------------------
    def _miss_defaults(self, ea: int, space: int, pid: int, valid: int) -> None:
        """MAS0..3 and 7 as a miss leaves them (facts 2.4)."""
        r = self._reg
        mas4 = r[MAS4]
        tlbsel = mas4 >> 28 & 3
        way = r[slots.NV] if tlbsel == 0 else 0
        r[MAS0] = tlbsel << 28 | way << 16 | (way + 1 & TLB0_WAYS - 1 if tlbsel == 0 else 0)
        r[MAS1] = valid | pid << 16 | space << 12 | mas4 & 0xF80
        r[MAS2] = ea & 0xFFFFF000 | mas4 & 0x7F
        r[MAS3] = 0
        r[MAS7] = 0

    def load_miss_defaults(self, ea: int, space: int) -> None:
        """What a TLB error interrupt writes into the MAS registers."""
        r = self._reg
        tidseld = r[MAS4] >> 16 & 0xF
        pids = self._pids()
        pid = pids[tidseld] if tidseld < len(pids) else 0
        self._miss_defaults(ea, space, pid, MAS1_V)
        r[MAS6] = r[PID] << 16 | space

    def load_external_defaults(self, ea: int, *, store: bool) -> None:
        """The same after an external-PID access: its context stands in place of MSR[DS] and PID (e500mc RM 6.4)."""
        context = self.external(store=store)
        self._miss_defaults(ea, context.space, context.pids[0], MAS1_V)
        self._reg[MAS6] = context.pids[0] << 16 | context.space

    def _load(self, entry: TlbEntry) -> None:
        r = self._reg
        if entry.index < TLB0_ENTRIES:
            r[MAS0] = entry.index % TLB0_WAYS << 16 | r[slots.NV]
        else:
            r[MAS0] = 1 << 28 | entry.index - TLB0_ENTRIES << 16
        self._read(entry)

    def _read(self, entry: TlbEntry) -> None:
        r = self._reg
        r[MAS1], r[MAS2], r[MAS3] = entry.mas1, entry.mas2, entry.mas3
        if not self._v2 or r[SLOT["HID0"]] & 0x80:  # HID0[ENMAS7] gates MAS7 on e500v2
            r[MAS7] = entry.mas7
        if self._core.model.has_hv:
            r[MAS8] = entry.mas8

    # --- instructions -----------------------------------------------------------------------------
    def _selected(self) -> int:
        """Index of the entry that MAS0 (and MAS2 for TLB0's set) select."""
        mas0 = self._reg[MAS0]
        esel = mas0 >> 16 & 0xFFF
        if mas0 >> 28 & 1:
            return TLB0_ENTRIES + esel % self._tlb.tlb1_entries
        return (self._reg[MAS2] >> 12 & TLB0_SETS - 1) * TLB0_WAYS + esel % TLB0_WAYS

    def tlbwe(self) -> None:
        r = self._reg
        index = self._selected()
        mas8 = r[MAS8] if self._core.model.has_hv else 0
        self._tlb.write(index, r[MAS1], r[MAS2], r[MAS3], r[MAS7], mas8)
        if index < TLB0_ENTRIES:
            r[slots.NV] = r[MAS0] & TLB0_WAYS - 1
        self._core.observer.tlb_written(index)

    def tlbre(self) -> None:
        index = self._selected()
        self._read(self._tlb.entry(index))
        if index < TLB0_ENTRIES:
            r = self._reg
            r[MAS0] = r[MAS0] & ~0xFFF | r[slots.NV]

    def tlbsx(self, ea: int) -> None:
        r = self._reg
        spid, sas = r[MAS6] >> 16 & 0xFF, r[MAS6] & 1
        mas5 = r[MAS5] if self._core.model.has_hv else 0
        context = Context(False, sas, (spid,), bool(mas5 & 0x80000000), mas5 & 0xFF)
        entry = self.find(ea, context)
        if entry is None:
            self._miss_defaults(r[MAS2], sas, spid, 0)  # EPN stays (e500 RM table 12-15)
        else:
            self._load(entry)

    def _flushed(self, indexes: list[int]) -> None:
        for index in indexes:
            self._core.observer.tlb_invalidated(index)

    def tlbivax(self, ea: int) -> None:
        """In every core of the coherence domain, at once (III-E 6.11.4.4)."""
        self.invalidate(ea)
        for core in self._core.peers:
            core.mmu.invalidate(ea)

    def invalidate(self, ea: int) -> None:
        """EA bit 0x8 selects TLB1, 0x4 all of it; IPROT entries stay (facts 2.5)."""
        tlbsel = ea >> 3 & 1
        if ea & 4:
            self._flushed(self._tlb.flush(tlbsel))
        else:
            self._flushed(self._tlb.flush(tlbsel, lambda e: ea & -e.size & 0xFFFFFFFF == e.epn, page=ea >> 12))

    def tlbilx(self, kind: int, ea: int) -> None:
        """T=0 all of MAS5's LPID, 1 those of MAS6[SPID], 3 the page of EA; T=2 does nothing (facts 2.5)."""
        r = self._reg
        lpid, gs, spid, sas = r[MAS5] & 0xFF, bool(r[MAS5] & 0x80000000), r[MAS6] >> 16 & 0xFF, r[MAS6] & 1

        def wanted(e: TlbEntry) -> bool:
            if e.mas8 & 0xFF != lpid:
                return False
            if kind == 0:
                return True
            if e.tid != spid:
                return False
            if kind == 1:
                return True
            return bool(e.mas8 & MAS8_TGS) == gs and e.ts == sas and ea & -e.size & 0xFFFFFFFF == e.epn

        if kind in (0, 1, 3):
            page, tid = ea >> 12 if kind == 3 else None, spid if kind else None
            self._flushed([i for n in (0, 1) for i in self._tlb.flush(n, wanted, page=page, tid=tid)])

    def flash_invalidate(self, mmucsr0: int) -> None:
        """MMUCSR0: TLB1FI 0x2, TLB0FI 0x4. The next instruction may be fetched by an entry that is gone."""
        self._core.noticed()
        if mmucsr0 & 4:
            self._flushed(self._tlb.flush(0))
        if mmucsr0 & 2:
            self._flushed(self._tlb.flush(1))
