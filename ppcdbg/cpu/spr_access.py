"""Reading and writing SPRs: privilege, guest remapping, and the registers whose access acts (facts 1.5, 1.6).

``read``/``write`` are the raw hardware access that a debugger or a hypervisor model uses; ``mfspr``/``mtspr`` are the
instructions, with their interrupts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ppcdbg.cpu import msr as M
from ppcdbg.cpu.interrupts import HV_PRIV, PROGRAM, GuestInterrupt
from ppcdbg.isa import slots
from ppcdbg.isa.bits import M32
from ppcdbg.isa.sprs import BY_NAME, GUEST_ALIAS, Access, Spr, sprs_of

if TYPE_CHECKING:
    from ppcdbg.cpu.core import Core

Writer = Callable[[int], None]

SELF_CLEARING = {
    "BUCSR": 0x200,  # BBFI
    "L1CSR0": 0x102,  # DCFI, DCLFR
    "L1CSR1": 0x102,  # ICFI, ICLFR
    "L2CSR0": 0x00200C00,  # L2FI, L2FL, L2LFC
}
"""Bits that start an operation which is over at once, by register."""
_SPRG_READ = {f"SPRG{n}R": f"SPRG{n}" for n in range(3, 8)}


def _in_qemu(spr: Spr, access: Access, write: bool) -> Access:
    """Who may use a register where QEMU's core is not the silicon (target/ppc/cpu_init.c)."""
    if spr.name in ("TBWL", "TBWU") and not write:
        return Access.USER
    return Access.NONE if spr.name in ("BBEAR", "BBTAR") else access


class SprAccess:
    """The SPR file of one core."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._reg = core.state.reg
        self._known = sprs_of(core.model.name)
        self._readers = {
            "XER": lambda: core.state.xer,
            "DEC": lambda: core.timers.dec,
            "TBRL": lambda: core.timers.time_base & M32,
            "TBRU": lambda: core.timers.time_base >> 32,
            "ATBL": lambda: core.timers.time_base & M32,
            "ATBU": lambda: core.timers.time_base >> 32,
            "TSR": self._read_tsr,
        }
        self._writers = {
            "XER": self._write_xer,
            "DEC": core.timers.set_dec,
            "TBWL": lambda v: core.timers.set_time_base(core.timers.time_base & ~M32 | v),
            "TBWU": lambda v: core.timers.set_time_base(core.timers.time_base & M32 | v << 32),
            "TSR": self._clear_bits("TSR"),
            "DBSR": self._clear_bits("DBSR"),
            "MCSR": self._clear_bits("MCSR"),
            "TCR": self._write_tcr,
            "DBCR0": self._write_dbcr0,
            "MMUCSR0": core.mmu.flash_invalidate,
            "EPLC": self._write_external_context("EPLC"),
            "EPSC": self._write_external_context("EPSC"),
        }
        for name, bits in SELF_CLEARING.items():
            self._writers[name] = self._write_without(name, bits)
        for name in ("PID", "PID1", "PID2", "LPID", "EPCR"):
            self._writers[name] = self._write_context(name)

    # --- raw --------------------------------------------------------------------------------------
    def read(self, spr: Spr) -> int:
        """The value of a register, whoever asks."""
        name = _SPRG_READ.get(spr.name, spr.name)
        reader = self._readers.get(name)
        return reader() if reader else self._reg[BY_NAME[name].slot]

    def write(self, spr: Spr, value: int) -> None:
        """Write the bits that exist, with what the write does."""
        writer = self._writers.get(spr.name)
        if writer:
            writer(value & (spr.mask if spr.mask else M32))
        else:
            slot = spr.slot
            self._reg[slot] = value & spr.mask | self._reg[slot] & ~spr.mask & M32

    # --- instructions -----------------------------------------------------------------------------
    def _check(self, number: int, write: bool) -> Spr:
        """The register that an instruction reaches, after privilege and remapping; or its interrupt."""
        msr = self._reg[slots.MSR]
        user = bool(msr & M.MSR_PR)
        spr = self._known.get(number)
        access = Access.NONE if spr is None else spr.write if write else spr.read
        if spr is not None and self._core.model.qemu:
            access = _in_qemu(spr, access, write)
        if user and access is not Access.USER and number & 0x10:
            raise GuestInterrupt(PROGRAM, M.ESR_PPR)
        if spr is None or access is Access.NONE or user and access is not Access.USER:
            raise GuestInterrupt(PROGRAM, M.ESR_PPR if user and self._core.model.qemu else M.ESR_PIL)
        if msr & M.MSR_GS and not user:
            if access is Access.HYPERVISOR:
                raise GuestInterrupt(HV_PRIV)
            alias = GUEST_ALIAS.get(spr.name)
            if alias is not None:
                return BY_NAME[alias]
        if spr.name == "SPRG3R" and msr & M.MSR_GS:
            return BY_NAME["GSPRG3"]
        return spr

    def mfspr(self, number: int) -> int:
        return self.read(self._check(number, write=False))

    def mtspr(self, number: int, value: int) -> None:
        self.write(self._check(number, write=True), value)

    # --- what acts --------------------------------------------------------------------------------
    def _store(self, name: str, value: int) -> None:
        self._reg[BY_NAME[name].slot] = value

    def _read_tsr(self) -> int:
        self._core.timers.advance()
        return self._reg[BY_NAME["TSR"].slot]

    def _write_xer(self, value: int) -> None:
        self._core.state.xer = value

    def _clear_bits(self, name: str) -> Writer:
        slot = BY_NAME[name].slot

        def clear(value: int) -> None:
            if name == "TSR":
                self._core.timers.advance()
            self._reg[slot] &= ~value & M32
            if name == "DBSR":
                self._core.timers.debug_changed()

        return clear

    def _write_tcr(self, value: int) -> None:
        """WRC is sticky: once non-zero it cannot change until reset."""
        slot = BY_NAME["TCR"].slot
        self._core.timers.advance()
        wrc = self._reg[slot] & M.TCR_WRC
        self._reg[slot] = value & ~M.TCR_WRC | wrc if wrc else value
        self._core.timers.rearm()
        self._core.noticed()

    def _write_dbcr0(self, value: int) -> None:
        """EDM is an external debugger's; software reads it (of an e200: RM0046 table 459). QEMU stores it."""
        self._store("DBCR0", value if self._core.model.qemu else value & ~M.DBCR0_EDM)
        self._core.timers.debug_changed()
        if value & M.DBCR0_RST:
            self._core.request_reset("DBCR0[RST]")
        self._core.noticed()

    def _write_without(self, name: str, bits: int) -> Callable[[int], None]:
        return lambda value: self._store(name, value & ~bits)

    def _write_context(self, name: str) -> Writer:
        spr = BY_NAME[name]

        def write(value: int) -> None:
            self._reg[spr.slot] = value & spr.mask
            self._core.context_changed()

        return write

    def _write_external_context(self, name: str) -> Writer:
        """EGS and ELPID are written in hypervisor state only (facts 1.6)."""
        slot = BY_NAME[name].slot

        def write(value: int) -> None:
            if self._reg[slots.MSR] & M.MSR_GS:
                value = value & ~0x20FF0000 | self._reg[slot] & 0x20FF0000
            self._reg[slot] = value

        return write
