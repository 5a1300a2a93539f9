"""What a paravirtual section owes to the code around it: the registers that it found, and the MSR that the instruction
it stands for would have made (facts 7.7, I5). Worked out from the guest's own instructions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ppcdbg.cpu.msr import MSR_EE
from ppcdbg.isa.flow import flow
from ppcdbg.kvm.patching import Read, patchable
from ppcdbg.kvm.sections import Section, section
from ppcdbg.kvm.walk import Role

Looks = tuple[tuple[int, ...], int]
"""Registers and MSR."""


class Passed(Protocol):
    """A boundary of a path."""

    @property
    def position(self) -> int: ...

    @property
    def pc(self) -> int: ...

    @property
    def word(self) -> int: ...

    @property
    def section(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Kept:
    """What a section finds in the registers and what it leaves in them, and in MSR; ``ends``: at which position."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    msr: int
    ends: int


def kept(boundaries: Sequence[Passed], seen: Sequence[Looks]) -> Kept | None:
    """Of the section that a path passes whole; None where it does not."""
    first = next((i for i, b in enumerate(boundaries) if b.section), None)
    if first is None:
        return None
    end = next((i for i in range(first, len(boundaries)) if not boundaries[i].section), None)
    if end is None:
        return None
    return Kept(seen[max(first - 1, 0)][0], *seen[end], boundaries[end].position)


def stands_in(boundaries: Sequence[Passed]) -> bool:
    """Whether a path goes through a template's copy: a branch leads there, and one leads to behind the first."""
    patched, last = boundaries[0], boundaries[-1]
    back = patched.pc + 4
    into = len(boundaries) > 1 and flow(patched.word, patched.pc).target == boundaries[1].pc
    return into and (last.pc == back or flow(last.word, last.pc).target == back)


def misleads(read: Read, page: int, boundaries: Sequence[Passed], seen: Sequence[Looks]) -> bool:
    """Whether a template's copy, gone through undisturbed, leaves another MSR than its instruction."""
    registers, msr = seen[0]
    wanted = _meant(section(read, boundaries[1].pc, page), registers, msr)
    return wanted is not None and wanted != seen[-1][1]


def _meant(found: Section, registers: tuple[int, ...], msr: int) -> int | None:
    """The MSR that the instruction behind a section makes. That of ``wrteei 0`` has none: nothing needs to exit."""
    words = {step.word for step in found.steps if step.role is Role.REAL}
    if len(words) > 1:
        return None
    if not words:
        return msr & ~MSR_EE if any(s.role is Role.WRITE and s.field == "msr+4" for s in found.steps) else None
    (word,) = words
    known = patchable(word)
    name = "" if known is None else known.name
    operand = registers[word >> 21 & 31]
    if name == "mtmsr":
        return operand
    if name.startswith("wrtee"):
        return msr & ~MSR_EE | (operand if name == "wrtee" else word) & MSR_EE
    return None
