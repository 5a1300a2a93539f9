"""When debug events are looked for, on Python numbers: before and after an instruction, and at its accesses.

All of them are seen while DBCR0[IDM] is set and EPCR[DUVD] does not suppress them. With MSR[DE]=1 an event takes the
debug interrupt before the instruction does anything (IAC, DAC, branch taken, trap; on e500mc the returns) or behind it
(instruction complete; on e500v2 the returns). With MSR[DE]=0 it is kept in DBSR with IDE, and interrupts when DE
comes on; instruction complete and branch taken are then not seen at all (e500 RM 8.4.4, 8.4.5). Which addresses match
is :mod:`ppcdbg.cpu.debug`'s. Read next: :mod:`.context`.
"""

from __future__ import annotations

from ppcdbg.cpu import debug
from ppcdbg.cpu import interrupts as I
from ppcdbg.cpu import msr as M
from ppcdbg.cpu.core import Core
from ppcdbg.cpu.debug import DBCR0, DBSR
from ppcdbg.cpu.interrupts import GuestInterrupt
from ppcdbg.cpu.mmu import Access
from ppcdbg.engine.common.watching import WatchedStorage
from ppcdbg.isa import slots
from ppcdbg.isa.bits import M32

_QEMU_EVENTS = M.DBCR0_IDM | M.DBCR0_IC | M.DBCR0_BT
_RFI, _RFCI, _RFGI = 0x4C000064, 0x4C000066, 0x4C0000CC
_FLUSHES = frozenset((86, 54, 127, 63))
"""Extended opcodes of dcbf, dcbst, dcbfep, dcbstep: loads for the MMU, but writes for DAC (III-E 8.4.2)."""


class DebugOps(WatchedStorage):
    """Debug events of one core. Engines call ``debug_before`` and ``debug_after`` around instructions while
    ``debugging()`` holds."""

    def __init__(self, core: Core) -> None:
        super().__init__(core)
        self.cr = core.state.cr
        self.nia = 0
        self._word = 0
        self._was_on = False
        self._comparing = True

    # --- whether to look ---------------------------------------------------------------------------------------------
    def _watched(self) -> int:
        """DBCR0 as far as the core heeds it; 0 while no event can be seen."""
        dbcr0: int = self.reg[DBCR0]
        if not dbcr0 & M.DBCR0_IDM or not self.core.delivery.debug_enabled(self.reg[slots.MSR]):
            return 0
        return dbcr0 & _QEMU_EVENTS if self.core.model.qemu else dbcr0

    def debugging(self) -> bool:
        """Whether instructions must be watched for debug events now."""
        dbcr0 = self._watched()
        if dbcr0 & debug.DAC_EVENTS:
            self._reads, self._writes = {}, {}
        return bool(dbcr0 & debug.EVENTS)

    def _event(self, events: int) -> None:
        """Record events, and interrupt at once when MSR[DE] allows it."""
        msr = self.reg[slots.MSR]
        debug.recorded(self.reg, events, msr)
        self.core.timers.debug_changed()
        if msr & M.MSR_DE:
            raise GuestInterrupt(I.DEBUG)

    # --- instructions ------------------------------------------------------------------------------------------------
    def debug_before(self, real: int) -> None:
        """IAC, BT and e500mc's returns: before the instruction at ``cia``, fetched from ``real``, runs."""
        dbcr0 = self._watched()
        on = self._was_on = bool(self.reg[slots.MSR] & M.MSR_DE)
        word = self._word = int.from_bytes(self._ram[real : real + 4], "big")
        if dbcr0 & debug.IAC_EVENTS:
            found = debug.instruction_events(self.reg, dbcr0, self.cia)
            if found:
                self._event(found)
        if dbcr0 & M.DBCR0_BT and on and not self.core.model.qemu and self._will_branch(word):
            self._event(M.DBCR0_BT)
        if self.core.model.has_debug_level and (returns := self._return_event(word, dbcr0)):
            self._event(returns)

    def debug_after(self) -> None:
        """IC and e500v2's returns: after the instruction retired; the address saved is the next one's."""
        dbcr0 = self._watched()
        self.cia = self.nia
        if self.core.model.qemu:
            self._as_qemu(dbcr0)
            return
        found = dbcr0 & M.DBCR0_IC if self._was_on else 0
        if not self.core.model.has_debug_level:
            found |= self._return_event(self._word, dbcr0)
        if found:
            # What DE was when the instruction began decides whether it is imprecise (e500 RM 8.4.7).
            self.reg[DBSR] |= found if self._was_on else found | M.DBSR_IDE
            self.core.timers.debug_changed()
            if self.reg[slots.MSR] & M.MSR_DE:
                raise GuestInterrupt(I.DEBUG)

    def _as_qemu(self, dbcr0: int) -> None:
        """QEMU 7.2: one event, and at once; a branch counts whether it is taken or not (translate.c)."""
        found = dbcr0 & M.DBCR0_IC or (dbcr0 & M.DBCR0_BT if self._is_branch(self._word) else 0)
        if self._was_on and found:
            self.reg[DBSR] |= found
            raise GuestInterrupt(I.DEBUG)

    def debug_interrupted(self, guest: bool) -> None:
        """A completed instruction took an interrupt (sc): it is complete none the less (e500 RM 8.4.5), and the debug
        interrupt comes at the handler's first instruction."""
        kept = guest or not self.core.tenant  # see Delivery: KVM clears DBSR on its way in
        if self._was_on and kept and not self.core.model.qemu and self._watched() & M.DBCR0_IC:
            self.reg[DBSR] |= M.DBCR0_IC
            self.core.timers.debug_changed()
            self.core.attention = True

    def _return_event(self, word: int, dbcr0: int) -> int:
        """RET of rfi. Of rfci e500mc has CRET; on e500v2 it is a RET that is not logged while MSR[DE]=0 (e500 RM
        8.2.4), or no debug handler could return."""
        if word in (_RFI, _RFGI):
            return dbcr0 & M.DBCR0_RET
        if word != _RFCI:
            return 0
        if self.core.model.has_debug_level:
            return dbcr0 & M.DBCR0_CRET
        return dbcr0 & M.DBCR0_RET if self._was_on else 0

    def debug_trap(self) -> None:
        """TIE: a trap whose condition holds. With MSR[DE]=1 the debug interrupt takes the place of Program."""
        if self._watched() & M.DBCR0_TIE:
            self._event(M.DBCR0_TIE)

    @staticmethod
    def _is_branch(word: int) -> bool:
        opcode, xo = word >> 26, word >> 1 & 0x3FF
        return opcode in (16, 18) or opcode == 19 and xo in (16, 528)

    def _will_branch(self, word: int) -> bool:
        if word >> 26 == 18 or not self._is_branch(word):
            return word >> 26 == 18
        bo, bi = word >> 21 & 31, word >> 16 & 31
        counted = True
        if not bo & 4:
            counted = (self.reg[slots.CTR] - 1 & M32 == 0) == bool(bo & 2)
        bit = self.cr[bi >> 2] >> (3 - (bi & 3)) & 1
        return counted and bool(bo & 16 or bit == (bo >> 3 & 1))

    # --- accesses ----------------------------------------------------------------------------------------------------
    def _compare(
        self, ea: int, size: int, access: Access, *, write: bool | None = None, external: bool = False
    ) -> None:
        """The DAC events of one access; the interrupts of its translation come first (III-E 7.9). ``write``: what it
        is for DAC, where that differs."""
        dbcr0 = self._watched()
        if not dbcr0 & debug.DAC_EVENTS:
            return
        mmu = self.core.mmu
        context = mmu.external(store=access is Access.STORE) if external else mmu.context(fetch=False)
        for part in (ea, (ea | 0xFFF) + 1 & M32) if (ea & 0xFFF) + size > 0x1000 else (ea,):
            mmu.translate(part, access, context, M.ESR_EPID if external else 0)
        found = debug.data_events(self.reg, dbcr0, ea, write=access is Access.STORE if write is None else write)
        if found:
            self._event(found)

    def _remember(self, page: int, real: int, access: Access) -> None:
        if access is Access.FETCH or not self._watched() & debug.DAC_EVENTS:
            super()._remember(page, real, access)

    def _load_slowly(self, size: int, ea: int) -> int:
        if not self._comparing:
            return super()._load_slowly(size, ea)
        self._compare(ea, size, Access.LOAD)
        self._comparing = False
        try:
            return super()._load_slowly(size, ea)
        finally:
            self._comparing = True

    def _store_slowly(self, size: int, ea: int, value: int) -> None:
        if not self._comparing:
            super()._store_slowly(size, ea, value)
            return
        self._compare(ea, size, Access.STORE)
        self._comparing = False
        try:
            super()._store_slowly(size, ea, value)
        finally:
            self._comparing = True

    def store_conditional(self, ea: int, value: int) -> int:
        if self.reg[slots.RESERVED] and not ea & 3:
            self._compare(ea, 4, Access.STORE)  # before the reservation is lost, for the instruction comes again
        self._comparing = False
        try:
            return super().store_conditional(ea, value)
        finally:
            self._comparing = True

    def zero_block(self, ea: int) -> None:
        self._compare(ea, 1, Access.STORE)
        self._comparing = False
        try:
            super().zero_block(ea)
        finally:
            self._comparing = True

    def check_block(self, ea: int, *, write: bool) -> None:
        self._compare(ea, 1, Access.STORE if write else Access.LOAD, write=write or self._flushes())
        super().check_block(ea, write=write)

    def _flushes(self) -> bool:
        return self._word >> 26 == 31 and self._word >> 1 & 0x3FF in _FLUSHES

    def external_load(self, size: int, ea: int) -> int:
        self._compare(ea, size, Access.LOAD, external=True)
        return super().external_load(size, ea)

    def external_store(self, size: int, ea: int, value: int) -> None:
        if self._comparing:
            self._compare(ea, size, Access.STORE, external=True)
        super().external_store(size, ea, value)

    def external_check(self, ea: int, *, write: bool) -> None:
        access = Access.STORE if write else Access.LOAD
        self._compare(ea, 1, access, write=write or self._flushes(), external=True)
        super().external_check(ea, write=write)

    def external_zero(self, ea: int) -> None:
        self._compare(ea, 1, Access.STORE, external=True)
        self._comparing = False
        try:
            super().external_zero(ea)
        finally:
            self._comparing = True
