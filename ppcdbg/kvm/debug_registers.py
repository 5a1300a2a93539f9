"""Debug registers of a guest, and when they reach the hardware (facts 3.6; oracle note 13).

The kernel writes the hardware only when the old or the new DBCR0 has IDM, and it compares with values that it has
already replaced: a guest that clears DBCR0 leaves it live.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ppcdbg.cpu.msr import DBCR0_IDM
from ppcdbg.isa.sprs import SLOT

if TYPE_CHECKING:
    from ppcdbg.cpu.core import Core

NAMES = ("dbcr0", "dbcr1", "dbcr2", "iac1", "iac2", "dac1", "dac2")


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

    def copy(self) -> DebugRegisters:
        return replace(self)


def prime(core: Core, registers: DebugRegisters) -> None:
    """Load a set into the hardware."""
    for name in NAMES:
        core.state.reg[SLOT[name.upper()]] = getattr(registers, name)
    core.noticed()


def switch(core: Core, current: DebugRegisters, new: DebugRegisters, always: bool) -> None:
    """switch_booke_debug_regs. ``always``: without the quirk, every change reaches the hardware."""
    if always or current.dbcr0 & DBCR0_IDM or new.dbcr0 & DBCR0_IDM:
        prime(core, new)
