"""The guest under a search, as its invariants need it: registers, critical section, instructions. It changes nothing.

What is asked here is worked out from the guest's own state, and not from what the model under test says of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ppcdbg.cpu.mmu import Access
from ppcdbg.cpu.msr import MSR_PR
from ppcdbg.isa import slots
from ppcdbg.isa.sprs import SLOT
from ppcdbg.kvm import magic_page as mp
from ppcdbg.kvm.irqprio import IntClass
from ppcdbg.kvm.run import KvmSystem

_NAMES = (*(f"r{n}" for n in range(32)), *(f"cr{n}" for n in range(8)), "lr", "ctr", "ca", "ov", "so", "xer")
PAGE = 4096
_GSRR0, _GSRR1 = SLOT["GSRR0"], SLOT["GSRR1"]


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Where the guest was when an interrupt was delivered to it."""

    pc: int
    msr: int
    registers: tuple[int, ...]

    @property
    def r1(self) -> int:
        return self.registers[1]


class Guest:
    """Of one system."""

    def __init__(self, system: KvmSystem) -> None:
        self.system = system
        self._v = system.kvm
        self._reg = system.core.state.reg

    @property
    def pc(self) -> int:
        return self._reg[slots.PC]

    @property
    def r1(self) -> int:
        return self._reg[1]

    @property
    def msr(self) -> int:
        """The guest's own MSR, now: in PR mode what it stored in the shared page, in HV mode the real one."""
        return self._reg[slots.MSR] if self._v.hv else self._v.shared.msr

    def in_section(self, msr: int) -> bool:
        """Whether it is in a paravirtual critical section (facts 4.4), with an MSR."""
        r1 = self._reg[1]
        if msr & MSR_PR or self._v.shared.get32(mp.CRITICAL + 4) != r1:
            return False
        return r1 != 0 or self._v.quirks.zero_r1_is_critical

    def registers(self) -> tuple[int, ...]:
        """Everything that an interrupt must leave alone, MSR and pc aside."""
        r = self._reg
        xer = r[slots.CA], r[slots.OV], r[slots.SO], r[slots.XER_COUNT]
        return (*r[0:32], *r[slots.CR : slots.CR + 8], r[slots.LR], r[slots.CTR], *xer)

    def interrupted(self, priority: int) -> Interrupted:
        """At the first instruction of a handler: what the interrupt saved, and the registers."""
        v = self._v
        cls = v.prios[priority].cls
        if cls is IntClass.CRIT:
            pc, msr = v.csrr0, v.csrr1
        elif cls is IntClass.MC:
            pc, msr = v.mcsrr0, v.mcsrr1
        elif cls is IntClass.DBG:
            pc, msr = v.dsrr0, v.dsrr1
        elif v.hv:
            pc, msr = self._reg[_GSRR0], self._reg[_GSRR1]
        else:
            pc, msr = v.shared.get64(mp.SRR0) & 0xFFFFFFFF, v.shared.get64(mp.SRR1) & 0xFFFFFFFF
        return Interrupted(pc, msr, self.registers())

    def changed(self, before: Interrupted) -> tuple[str, ...]:
        """Names of the registers that are other than at an interrupt that has returned."""
        names = self.different(before.registers, self.registers())
        return (*names, "msr") if self.msr != before.msr else names

    @staticmethod
    def different(before: tuple[int, ...], after: tuple[int, ...]) -> tuple[str, ...]:
        """Names of the registers that differ between two looks."""
        return tuple(name for name, a, b in zip(_NAMES, before, after) if a != b)

    def word(self, pc: int) -> int | None:
        """The instruction at an address; None where there is no RAM."""
        real, ram = self.real(pc), self.system.board.bus.ram
        if real is None or real + 4 > len(ram):
            return None
        return int.from_bytes(ram[real : real + 4], "big")

    def prefix(self, start: int, length: int) -> bytes:
        """The bytes at an address, up to the first page that is not RAM."""
        found, ram = bytearray(), self.system.board.bus.ram
        while len(found) < length:
            at = start + len(found)
            real, size = self.real(at), min(length - len(found), PAGE - at % PAGE)
            if real is None or real + size > len(ram):
                break
            found += ram[real : real + size]
        return bytes(found)

    def real(self, pc: int) -> int | None:
        """Where an instruction lies: through the real TLB, or the guest's own where KVM has not filled that in."""
        found = self.system.core.probe(pc, Access.FETCH)
        if found is not None:
            return found.address
        v = self._v
        entry = v.gtlb.search(pc, v.guest_pid & 0xFF, self.msr >> 5 & 1)
        return None if entry is None else v.gtlb.translate(*entry, pc)
