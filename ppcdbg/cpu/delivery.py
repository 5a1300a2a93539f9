"""How interrupts are taken and returned from (Power ISA III-E 7; facts 1.6, 1.8).

Direction first: in guest state some interrupts go to the guest through GIVPR, GSRR; all others leave guest state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.cpu import debug
from ppcdbg.cpu import interrupts as I
from ppcdbg.cpu import msr as M
from ppcdbg.isa import slots
from ppcdbg.isa.sprs import SLOT

if TYPE_CHECKING:
    from ppcdbg.cpu.core import Core

IVPR, GIVPR, EPCR, MSRP = SLOT["IVPR"], SLOT["GIVPR"], SLOT["EPCR"], SLOT["MSRP"]
ESR, DEAR, GESR, GDEAR = SLOT["ESR"], SLOT["DEAR"], SLOT["GESR"], SLOT["GDEAR"]
TCR, TSR, DBSR, DBCR0 = SLOT["TCR"], SLOT["TSR"], SLOT["DBSR"], SLOT["DBCR0"]

# Vector -> the EPCR bit that sends it to the guest (facts 1.4); SYSCALL always goes there.
GUEST_BIT: dict[int, int] = {
    I.DATA_STORAGE: M.EPCR_DSIGS, I.INST_STORAGE: M.EPCR_ISIGS, I.EXTERNAL: M.EPCR_EXTGS,
    I.DTLB_MISS: M.EPCR_DTLBGS, I.ITLB_MISS: M.EPCR_ITLBGS,
}  # fmt: skip
_IVOR = {n: SLOT[f"IVOR{n}"] for n in (*range(16), *range(32, 42))}
_GIVOR = {n: SLOT[f"GIVOR{n}"] for n in (2, 3, 4, 8, 13, 14)}

_KEEPS = {
    I.Class.BASE: M.MSR_CE | M.MSR_ME | M.MSR_DE,
    I.Class.GUEST: M.MSR_CE | M.MSR_ME | M.MSR_DE,
    I.Class.CRITICAL: M.MSR_ME,
    I.Class.DEBUG: M.MSR_ME | M.MSR_CE,
    I.Class.MACHINE_CHECK: 0,
}

_TAKEN = M.DBCR0_IRPT | M.DBCR0_CIRPT
_LATCHES = {
    I.MACHINE_CHECK: (slots.LINES, 4), I.CRITICAL: (slots.LINES, 2), I.EXTERNAL: (slots.LINES, 1),
    I.WATCHDOG: (TSR, M.TSR_WIS), I.FIT: (TSR, M.TSR_FIS), I.DECREMENTER: (TSR, M.TSR_DIS),
    I.DOORBELL: (slots.DOORBELLS, 0x01), I.DOORBELL_CRITICAL: (slots.DOORBELLS, 0x02),
}  # fmt: skip
"""Of an asynchronous interrupt: the register that makes it pending, and the bit."""
WITHHELD_BITS = {vector: bit for bit, vector in enumerate(_LATCHES)}
"""Which bit of ``slots.WITHHELD`` an interrupt of the bare machine has."""


class Delivery:
    """Taking interrupts on one core."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._reg = core.state.reg

    def to_guest(self, vector: int, vf: bool) -> bool:
        """Whether an interrupt taken now goes to the guest."""
        if not self._reg[slots.MSR] & M.MSR_GS:
            return False
        if vector == I.SYSCALL:
            return True
        bit = GUEST_BIT.get(vector, 0)
        return bool(self._reg[EPCR] & bit) and not vf

    def take(self, vector: int, pc: int, esr: int, dear: int, vf: bool) -> bool:
        """Save ``pc`` and MSR, set the registers of the vector, go there. True when it went to the guest."""
        core, r = self._core, self._reg
        kind = I.VECTORS[vector]
        guest = self.to_guest(vector, vf)
        msr = r[slots.MSR]
        cls = kind.cls
        if cls is I.Class.DEBUG and not core.model.has_debug_level:
            cls = I.Class.CRITICAL
        if vector in (I.DTLB_MISS, I.ITLB_MISS) and (guest or not r[EPCR] & M.EPCR_DMIUH):
            fetch = vector == I.ITLB_MISS
            if esr & M.ESR_EPID:
                core.mmu.load_external_defaults(dear, store=bool(esr & M.ESR_ST))
            else:
                core.mmu.load_miss_defaults(pc if fetch else dear, 1 if msr & (M.MSR_IS if fetch else M.MSR_DS) else 0)
        if guest:
            self._save(I.Class.GUEST, pc, msr)
            if kind.sets_esr:
                r[GESR] = esr
            if kind.sets_dear:
                r[GDEAR] = dear
            protected = self._protected() & (M.MSR_UCLE | M.MSR_PMM | M.MSR_DE)
            core.set_msr(msr & (M.MSR_GS | M.MSR_CE | M.MSR_ME | M.MSR_DE | protected))
            r[slots.PC] = (r[GIVPR] & 0xFFFF0000) | (r[_GIVOR[vector]] & 0xFFF0)
        else:
            self._save(cls, pc, msr)
            if kind.sets_esr:
                r[ESR] = esr
            if kind.sets_dear:
                r[DEAR] = dear
            keeps = _KEEPS[cls]
            if cls is I.Class.CRITICAL and core.model.has_debug_level:
                keeps |= M.MSR_DE
            core.set_msr(msr & keeps)
            r[slots.PC] = (r[IVPR] & 0xFFFF0000) | (r[_IVOR[vector]] & 0xFFF0)
        r[slots.WAITING] = 0
        if r[DBCR0] & _TAKEN and (guest or not core.tenant):
            self._taken_event(vector, I.Class.GUEST if guest else cls)
        core.observer.interrupt_taken(vector, pc, msr, guest, core.retired)
        return guest

    def _taken_event(self, vector: int, cls: I.Class) -> None:
        """IRPT of a base-class interrupt; where there is a debug level also CIRPT of a critical one (e500 RM 8.4.6;
        III-E 8.4.6). The debug interrupt comes before the handler's first instruction. Of an interrupt to the host KVM
        keeps none: on its way in it clears DBSR (booke_interrupts.S, bookehv_interrupts.S)."""
        r = self._reg
        event = M.DBCR0_IRPT if cls in (I.Class.BASE, I.Class.GUEST) else 0
        if cls is I.Class.CRITICAL and self._core.model.has_debug_level:
            event = M.DBCR0_CIRPT
        event &= r[DBCR0]
        if event and r[DBCR0] & M.DBCR0_IDM and not self._core.model.qemu and self.debug_enabled(r[slots.MSR]):
            debug.recorded(r, event, r[slots.MSR])
            self._core.timers.debug_changed()

    def unconditional_event(self) -> None:
        """UDE: somebody outside wants a debug event (e500 RM 8.4.8; A2 UM 10.4.9). With MSR[DE]=0 it waits for that."""
        r = self._reg
        if self.debug_enabled(r[slots.MSR]):
            debug.recorded(r, M.DBSR_UDE, r[slots.MSR])
            self._core.timers.debug_changed()
            self._core.noticed()

    def _save(self, cls: I.Class, pc: int, msr: int) -> None:
        first, second = cls.value
        self._reg[SLOT[first]] = pc
        self._reg[SLOT[second]] = msr

    def _protected(self) -> int:
        """MSR bits that guest state cannot change: GS, and what MSRP says."""
        msrp = self._reg[MSRP]
        bits = M.MSR_GS
        if msrp & M.MSRP_UCLEP:
            bits |= M.MSR_UCLE
        if msrp & M.MSRP_DEP:
            bits |= M.MSR_DE
        if msrp & M.MSRP_PMMP:
            bits |= M.MSR_PMM
        return bits

    def writable(self) -> int:
        """MSR bits that an instruction may change now."""
        if self._reg[slots.MSR] & M.MSR_GS:
            return self._core.model.msr_mask & ~self._protected()
        return self._core.model.msr_mask

    def return_from(self, pair: str) -> None:
        """rfi, rfci, rfdi, rfmci, rfgi; in guest state rfi is rfgi."""
        r = self._reg
        guest = bool(r[slots.MSR] & M.MSR_GS)
        if pair == "SRR" and guest:
            pair = "GSRR"
        target = r[SLOT[pair + "0"]] & 0xFFFFFFFC
        may = self.writable()
        self._core.set_msr(r[slots.MSR] & ~may | r[SLOT[pair + "1"]] & may)
        r[slots.PC] = target

    def deliverable(self) -> int | None:
        """The highest-ranking asynchronous interrupt that would be taken now (facts 1.8)."""
        r = self._reg
        msr = r[slots.MSR]
        gs = bool(msr & M.MSR_GS)
        ce, ee, me = bool(msr & M.MSR_CE), bool(msr & M.MSR_EE), bool(msr & M.MSR_ME)
        bells, lines = r[slots.DOORBELLS], r[slots.LINES]
        if lines & 4 and (me or gs):
            return I.MACHINE_CHECK
        if bells & 0x10 and gs and me:
            return I.GUEST_DBELL_CRIT
        if r[DBSR] & ~M.DBSR_MRR and msr & M.MSR_DE and r[DBCR0] & M.DBCR0_IDM and self.debug_enabled(msr):
            return I.DEBUG
        if ce or gs:
            if lines & 2:
                return I.CRITICAL
            if r[TCR] & M.TCR_WIE and r[TSR] & M.TSR_WIS:
                return I.WATCHDOG
        if bells & 0x08 and gs and ce:
            return I.GUEST_DBELL_CRIT
        if bells & 0x02 and (ce or gs):
            return I.DOORBELL_CRITICAL
        if lines & 1 and self._external(gs, ee):
            return I.EXTERNAL
        if ee or gs:
            if r[TCR] & M.TCR_FIE and r[TSR] & M.TSR_FIS:
                return I.FIT
            if r[TCR] & M.TCR_DIE and r[TSR] & M.TSR_DIS:
                return I.DECREMENTER
            if bells & 1:
                return I.DOORBELL
        if bells & 4 and gs and ee:
            return I.GUEST_DBELL
        return None

    def _external(self, gs: bool, ee: bool) -> bool:
        """EXTGS sends it to the guest, and holds it while there is none; otherwise guest state cannot mask it."""
        if self._reg[EPCR] & M.EPCR_EXTGS:
            return gs and ee
        return ee or gs

    def debug_enabled(self, msr: int) -> bool:
        """EPCR[DUVD] suppresses debug events in hypervisor state."""
        return bool(msr & (M.MSR_GS | M.MSR_PR)) or not self._reg[EPCR] & M.EPCR_DUVD

    def withheld(self, vector: int) -> bool:
        """Whether somebody wants to see what happens without an interrupt that would be taken now; then it is gone, as
        if its line had fallen or its timer's bit had been cleared. With a tenant, interrupts are the tenant's."""
        r = self._reg
        bit = 1 << WITHHELD_BITS.get(vector, 31)
        if not r[slots.WITHHELD] & bit or self._core.tenant:
            return False
        r[slots.WITHHELD] &= ~bit
        kind, gone = _LATCHES[vector]
        r[kind] &= ~gone
        return True

    def take_asynchronous(self, vector: int) -> bool:
        """Take what ``deliverable`` gave; consumes latches. True when it went to the guest."""
        core, r = self._core, self._reg
        if vector == I.MACHINE_CHECK:
            r[slots.LINES] &= ~4
        elif vector == I.DOORBELL:
            r[slots.DOORBELLS] &= ~0x01
        elif vector == I.DOORBELL_CRITICAL:
            r[slots.DOORBELLS] &= ~0x02
        elif vector == I.GUEST_DBELL:
            r[slots.DOORBELLS] &= ~0x04
        elif vector == I.GUEST_DBELL_CRIT:
            r[slots.DOORBELLS] &= ~(0x10 if r[slots.DOORBELLS] & 0x10 and r[slots.MSR] & M.MSR_ME else 0x08)
        guest = self.take(vector, r[slots.PC], 0, 0, False)
        if vector == I.EXTERNAL and core.interrupt_source is not None:
            epr = core.interrupt_source.proxy_acknowledge()
            if epr is not None:
                r[SLOT["GEPR" if guest else "EPR"]] = epr
        return guest
