"""The context vocabulary of instruction bodies on Python numbers: SPRs, MSR, returns, system calls, PMRs."""

from __future__ import annotations

from contextlib import suppress

from ppcdbg.cpu import interrupts as I
from ppcdbg.cpu import msr as M
from ppcdbg.cpu.bus import DCR_SPACE, BusFault
from ppcdbg.cpu.core import Core
from ppcdbg.cpu.interrupts import GuestInterrupt
from ppcdbg.engine.common.debug_events import DebugOps
from ppcdbg.isa import slots
from ppcdbg.isa.bits import M32
from ppcdbg.isa.sprs import SLOT

MSRP = SLOT["MSRP"]
FPSCR_FEX = 0x40000000


class ContextOps(DebugOps):
    """What bodies of system instructions call."""

    def __init__(self, core: Core) -> None:
        super().__init__(core)
        self.gpr = core.state.gpr
        self.fpr = core.state.fpr

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

    def _dcr(self, number: int) -> int:
        """Where the bus has one, after privilege."""
        if not self.core.model.has_dcr:
            raise GuestInterrupt(I.PROGRAM, M.ESR_PIL)
        if self.reg[slots.MSR] & M.MSR_PR:
            raise GuestInterrupt(I.PROGRAM, M.ESR_PPR)
        return DCR_SPACE + 4 * number

    def read_dcr(self, number: int) -> int:
        try:
            return self.core.bus.read(self._dcr(number), 4)
        except BusFault:  # nobody has this one
            return 0

    def write_dcr(self, number: int, value: int) -> None:
        with suppress(BusFault):
            self.core.bus.write(self._dcr(number), 4, value)

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
