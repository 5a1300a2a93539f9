"""A hypervisor that rewrites a guest's instructions without asking it.

Linux guests rewrite themselves (facts 7.4); the other way was for the hypervisor to do it ("Re: re-writing on powerpc",
December 2010). Here KVM maps the shared page by itself, at the address that Linux asks for, tells the guest nothing of
it, and writes over each instruction that it has emulated the load or store that needs no exit. Only what one word can
replace is rewritten: mtmsr and wrtee would need room in the guest's memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ppcdbg.cpu.msr import MSR_IS
from ppcdbg.cpu.plain import Plain, items, numbers
from ppcdbg.engine.api import Watch, WatchKind
from ppcdbg.kvm.blocks import HOST
from ppcdbg.kvm.patching import patchable, replacement

if TYPE_CHECKING:
    from ppcdbg.kvm.vcpu import Vcpu

PAGE_EA = 0xFFFFF000
"""Where Linux has the page: each field is in reach of a displacement from r0 = 0."""


@dataclass(frozen=True, slots=True)
class Rewritten:
    """One instruction: its effective address when it was emulated, its real one, the word that the guest put there and
    the one that stands there since, at which position and exit."""

    address: int
    real: int
    original: int
    word: int
    position: int
    exit: int


class Rewriter:
    """Of one vcpu in PR mode."""

    def __init__(self, v: Vcpu) -> None:
        self._v = v
        self.entries: list[Rewritten] = []

    def emulated(self, pc: int, word: int) -> None:
        """An instruction was emulated: rewrite it where one word will do, and the guest's memory still has it."""
        v = self._v
        found = patchable(word)
        if found is None or v.vm.pv_2010 and found.feature:
            return
        new = replacement(word, v.magic_page_ea)
        real = self._real(pc)
        ram = v.core.bus.ram
        if new is None or real is None or int.from_bytes(ram[real : real + 4], "big") != word:
            return
        ram[real : real + 4] = new.to_bytes(4, "big")
        v.code_changed(real, 4)
        self.entries.append(Rewritten(pc, real, word, new, v.core.retired, len(v.exits)))
        v.actions.append((HOST, f"rewrote {found.name} at {pc:08x}: {word:08x} is {new:08x} now"))

    def _real(self, pc: int) -> int | None:
        v = self._v
        entry = v.gtlb.search(pc, v.guest_pid & 0xFF, 1 if v.shared.msr & MSR_IS else 0)
        if entry is None:
            return None
        gpa = v.gtlb.translate(*entry, pc)
        return gpa if v.vm.visible(gpa) else None

    # --- who reads them -------------------------------------------------------------------------------------------
    def standing(self) -> dict[int, Rewritten]:
        """By real address, the instructions that still stand there as the hypervisor wrote them."""
        ram = self._v.core.bus.ram
        return {e.real: e for e in self.entries if int.from_bytes(ram[e.real : e.real + 4], "big") == e.word}

    def watches(self) -> tuple[Watch, ...]:
        """What sees a load of one of them."""
        return tuple(Watch(WatchKind.READ, real, 4, True) for real in self.standing())

    def at(self, real: int) -> Rewritten | None:
        """The rewritten instruction that a byte belongs to; None where the guest has written since."""
        return self.standing().get(real & ~3)

    # --- state ----------------------------------------------------------------------------------------------------
    def save(self) -> Plain:
        """See ``plain.Saves``."""
        return [[e.address, e.real, e.original, e.word, e.position, e.exit] for e in self.entries]

    def restore(self, state: Plain) -> None:
        """See ``plain.Saves``."""
        self.entries[:] = [Rewritten(*numbers(row)) for row in items(state)]
