"""The context vocabulary of instruction bodies on Python numbers: SPRs, MSR, returns, system calls, PMRs, debug events.

Debug events follow e500 RM 13 and facts 1.7: IC, BT, IAC, DAC, TIE and RET are seen while DBCR0[IDM] is set; with
MSR[DE]=0 an event other than IC is kept in DBSR with IDE and interrupts when DE comes on.
"""

from __future__ import annotations

from ppcdbg.cpu import interrupts as I
from ppcdbg.cpu import msr as M
from ppcdbg.cpu.core import Core
from ppcdbg.cpu.interrupts import GuestInterrupt
from ppcdbg.cpu.mmu import Access, Translation
from ppcdbg.engine.common.watching import WatchedStorage
from ppcdbg.isa import slots
from ppcdbg.isa.bits import M32
from ppcdbg.isa.sprs import SLOT

DBCR0, DBSR, MSRP = SLOT["DBCR0"], SLOT["DBSR"], SLOT["MSRP"]
_DAC = M.DBCR0_DAC1R | M.DBCR0_DAC1W | M.DBCR0_DAC2R | M.DBCR0_DAC2W
_QEMU_EVENTS = M.DBCR0_IDM | M.DBCR0_IC | M.DBCR0_BT
DEBUG_EVENTS = _DAC | M.DBCR0_IC | M.DBCR0_BT | M.DBCR0_IAC1 | M.DBCR0_IAC2 | M.DBCR0_RET | M.DBCR0_TIE
FPSCR_FEX = 0x40000000


class ContextOps(WatchedStorage):
    """What bodies of system instructions call."""

    def __init__(self, core: Core) -> None:
        super().__init__(core)
        self.gpr = core.state.gpr
        self.fpr = core.state.fpr
        self.cr = core.state.cr
        self.nia = 0
        self._returned = False
        self._branched = False

    # --- SPR, MSR, PMR -------------------------------------------------------------------------------------------
    def read_spr(self, number: int) -> int:
        return self.core.sprs.mfspr(number)

    def write_spr(self, number: int, value: int) -> None:
        self.core.sprs.mtspr(number, value)

    def read_msr(self) -> int:
        return self.reg[slots.MSR]

    def write_msr(self, value: int, mask: int = M32) -> None:
        mask &= self.core.delivery.writable()
        self.core.set_msr(self.reg[slots.MSR] & ~mask | value & mask)

    def return_from(self, pair: str) -> None:
        self.core.delivery.return_from(pair)
        self.nia = self.reg[slots.PC]
        self._returned = True

    def _pmr(self, number: int) -> int | None:
        """Slot of a PMR after privilege; None where guest user code reads zeros (MSRP[PMMP])."""
        msr = self.reg[slots.MSR]
        user = bool(msr & M.MSR_PR)
        if user and number & 0x10:
            raise GuestInterrupt(I.PROGRAM, M.ESR_PPR)
        slot = slots.PMRS.get(number | 0x10)
        if slot is None:
            raise GuestInterrupt(I.PROGRAM, M.ESR_PIL)
        if msr & M.MSR_GS and self.reg[MSRP] & M.MSRP_PMMP:
            if not user:
                raise GuestInterrupt(I.HV_PRIV)
            return None
        return slot

    def read_pmr(self, number: int) -> int:
        slot = self._pmr(number)
        return 0 if slot is None else self.reg[slot]

    def write_pmr(self, number: int, value: int) -> None:
        slot = self._pmr(number)
        if slot is None or not number & 0x10:
            raise GuestInterrupt(I.PROGRAM, M.ESR_PIL)
        self.reg[slot] = value

    # --- control -------------------------------------------------------------------------------------------------
    def system_call(self, level: int) -> None:
        """LEV=1 goes to the hypervisor where there is one; a core without E.HV ignores LEV."""
        hypercall = level & 1 and self.core.model.has_hv
        raise GuestInterrupt(I.HV_SYSCALL if hypercall else I.SYSCALL, completed=True)

    def hypervisor_privilege(self) -> None:
        raise GuestInterrupt(I.HV_PRIV)

    def float_enabled_exception(self) -> None:
        enabled = self.reg[slots.MSR] & (M.MSR_FE0 | M.MSR_FE1)
        if enabled and self.reg[slots.FPSCR] & FPSCR_FEX:
            raise GuestInterrupt(I.PROGRAM, M.ESR_FP)

    def embedded_float_data(self) -> None:
        raise GuestInterrupt(I.SPE_FP_DATA, M.ESR_SPV)

    def embedded_float_round(self) -> None:
        raise GuestInterrupt(I.SPE_FP_ROUND, M.ESR_SPV, completed=True)

    def synchronize(self) -> None:
        self.core.attention = True

    def instruction_sync(self) -> None:
        """Decoded ops are dropped when their words are written, so there is nothing left to do."""

    def wait(self) -> None:
        self.reg[slots.WAITING] = 1
        self.core.attention = True

    # --- debug events ----------------------------------------------------------------------------------------------
    def _watched(self) -> int:
        """DBCR0 as far as the core heeds it."""
        dbcr0 = self.reg[DBCR0]
        return dbcr0 & _QEMU_EVENTS if self.core.model.qemu else dbcr0

    def debugging(self) -> bool:
        """Whether instructions must be watched for debug events now."""
        dbcr0 = self._watched()
        wanted = dbcr0 & M.DBCR0_IDM and dbcr0 & DEBUG_EVENTS
        on = bool(wanted and self.core.delivery.debug_enabled(self.reg[slots.MSR]))
        if on and dbcr0 & _DAC:
            self._reads, self._writes = {}, {}
        return on

    def _event(self, bit: int, *, completed: bool = False) -> None:
        """Record one event in DBSR; interrupt at once when MSR[DE] allows it."""
        if self.reg[slots.MSR] & M.MSR_DE:
            self.reg[DBSR] |= bit
            raise GuestInterrupt(I.DEBUG, completed=completed)
        self.reg[DBSR] |= bit | M.DBSR_IDE

    def debug_trap(self) -> None:
        if self._watched() & M.DBCR0_TIE and self.debugging():
            self._event(M.DBCR0_TIE)

    def debug_before(self, real: int) -> None:
        """IAC and BT: before the instruction at ``cia`` runs."""
        dbcr0 = self._watched()
        for bit, register in ((M.DBCR0_IAC1, "IAC1"), (M.DBCR0_IAC2, "IAC2")):
            if dbcr0 & bit and self.reg[SLOT[register]] == self.cia:
                self._event(bit)
        self._returned = False
        if dbcr0 & M.DBCR0_BT and self.reg[slots.MSR] & M.MSR_DE:
            word = int.from_bytes(self._ram[real : real + 4], "big")
            if self._will_branch(word):
                if self.core.model.qemu:
                    self._branched = True  # which takes the branch first
                else:
                    self._event(M.DBCR0_BT)

    def _will_branch(self, word: int) -> bool:
        opcode, xo = word >> 26, word >> 1 & 0x3FF
        if opcode == 18:
            return True
        if opcode != 16 and not (opcode == 19 and xo in (16, 528)):
            return False
        bo, bi = word >> 21 & 31, word >> 16 & 31
        counted = True
        if not bo & 4:
            counted = (self.reg[slots.CTR] - 1 & M32 == 0) == bool(bo & 2)
        bit = self.cr[bi >> 2] >> (3 - (bi & 3)) & 1
        return counted and bool(bo & 16 or bit == (bo >> 3 & 1))

    def debug_after(self) -> None:
        """RET and IC: after the instruction retired; the address saved is the next one's."""
        dbcr0 = self._watched()
        self.cia = self.nia
        if self._branched:
            self._branched = False
            self._event(M.DBCR0_BT)
        if self._returned and dbcr0 & M.DBCR0_RET:
            self._event(M.DBCR0_RET)
        if dbcr0 & M.DBCR0_IC and self.reg[slots.MSR] & M.MSR_DE:
            self._event(M.DBCR0_IC)

    def _translate(self, ea: int, access: Access) -> Translation:
        found = super()._translate(ea, access)
        dbcr0 = self._watched()
        if dbcr0 & _DAC and access is not Access.FETCH and dbcr0 & M.DBCR0_IDM:
            self._check_dac(ea, access, dbcr0)
            self._reads.pop(ea >> 12, None)
            self._writes.pop(ea >> 12, None)
        return found

    def _check_dac(self, ea: int, access: Access, dbcr0: int) -> None:
        for register, read, write in (("DAC1", M.DBCR0_DAC1R, M.DBCR0_DAC1W), ("DAC2", M.DBCR0_DAC2R, M.DBCR0_DAC2W)):
            bit = write if access is Access.STORE else read
            if dbcr0 & bit and self.reg[SLOT[register]] == ea:
                self._event(bit)
