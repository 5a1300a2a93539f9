"""Debug registers of a guest, and when they reach the hardware (facts 3.6; oracle note 13).

The kernel writes the hardware only when the old or the new DBCR0 has IDM, and it compares with values that it has
already replaced: a guest that clears DBCR0 leaves it live.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ppcdbg.cpu.msr import DBCR0_IDM
from ppcdbg.isa.sprs import SLOT

if TYPE_CHECKING:
    from ppcdbg.cpu.core import Core

_DBCR0, _DBCR1, _DBCR2, _IAC1, _IAC2, _DAC1, _DAC2, _DBSR = (
    SLOT[name] for name in ("DBCR0", "DBCR1", "DBCR2", "IAC1", "IAC2", "DAC1", "DAC2", "DBSR")
)


@dataclass
class DebugRegisters:
    """One set: the vcpu's, or the host's (all zero)."""

    dbcr0: int = 0
    dbcr1: int = 0
    dbcr2: int = 0
    iac1: int = 0
    iac2: int = 0
    dac1: int = 0
    dac2: int = 0

    def save(self) -> list[int]:
        """The registers in order."""
        return [self.dbcr0, self.dbcr1, self.dbcr2, self.iac1, self.iac2, self.dac1, self.dac2]

    def copy(self) -> DebugRegisters:
        return DebugRegisters(self.dbcr0, self.dbcr1, self.dbcr2, self.iac1, self.iac2, self.dac1, self.dac2)


def prime(core: Core, registers: DebugRegisters) -> None:
    """Load a set into the hardware."""
    reg, r = core.state.reg, registers
    reg[_DBCR0], reg[_DBCR1], reg[_DBCR2] = r.dbcr0, r.dbcr1, r.dbcr2
    reg[_IAC1], reg[_IAC2], reg[_DAC1], reg[_DAC2] = r.iac1, r.iac2, r.dac1, r.dac2
    core.noticed()


def switch(core: Core, current: DebugRegisters, new: DebugRegisters, always: bool) -> None:
    """switch_booke_debug_regs. ``always``: without the quirk, every change reaches the hardware."""
    if always or current.dbcr0 & DBCR0_IDM or new.dbcr0 & DBCR0_IDM:
        prime(core, new)


def host_interrupted(core: Core, thread: DebugRegisters) -> None:
    """booke_restore_dbcr0 (asm/interrupt.h): any interrupt of the host, on a 32-bit one, takes a DBCR0 with IDM for
    that of the user program it interrupts and loads the kernel's own, which is 0. Inside KVM_RUN it is the guest's, and
    nobody loads it again before the next KVM_RUN: steps, breakpoints and watchpoints are gone until then."""
    if thread.dbcr0 & DBCR0_IDM:
        core.state.reg[_DBCR0] = core.state.reg[_DBSR] = 0
        core.noticed()
