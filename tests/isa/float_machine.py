"""The least ``m`` that the bodies of the float chapter need, so that they can be tested without an engine."""

from __future__ import annotations

from ppcdbg.isa import slots
from ppcdbg.isa.insn import Insn
from ppcdbg.isa.insns import float as chapter


class Operands:
    """Operand fields by name, as an engine hands them to a body."""

    def __init__(self, insn: Insn, word: int) -> None:
        for field in insn.form.fields:
            setattr(self, field.name, field.operand(word))


class FloatMachine:
    """Registers as plain lists, memory as a dictionary of bytes; ``floating`` counts enabled exceptions reported."""

    def __init__(self) -> None:
        self.gpr = [0] * 33
        self.fpr = [0] * 32
        self.cr = [0] * 8
        self.reg = [0] * slots.WORDS
        self.memory: dict[int, int] = {}
        self.floating = 0

    def shr(self, a: int, count: int) -> int:
        return (a & 0xFFFFFFFF) >> count

    def load(self, size: int, ea: int) -> int:
        return int.from_bytes(bytes(self.memory[ea + i] for i in range(size)), "big")

    def store(self, size: int, ea: int, value: int) -> None:
        for i, byte in enumerate((value & (1 << 8 * size) - 1).to_bytes(size, "big")):
            self.memory[ea + i] = byte

    def load64(self, ea: int) -> int:
        return self.load(8, ea)

    def store64(self, ea: int, value: int) -> None:
        self.store(8, ea, value)

    def float_enabled_exception(self) -> None:
        self.floating += 1

    @property
    def fpscr(self) -> int:
        return self.reg[slots.FPSCR]

    @fpscr.setter
    def fpscr(self, value: int) -> None:
        self.reg[slots.FPSCR] = value

    def run(self, word: int) -> None:
        """Execute one word by the float chapter."""
        insn = find(word)
        insn.body(self, Operands(insn, word))


def find(word: int) -> Insn:
    """The instruction of the float chapter that ``word`` is; LookupError where it has none or two."""
    found = [i for i in chapter.chapter.insns if word & i.form.mask == i.form.match]
    if len(found) != 1:
        raise LookupError(f"{word:#010x}: {[i.name for i in found]}")
    return found[0]


BY_NAME: dict[str, Insn] = {i.name: i for i in chapter.chapter.insns}


def word_of(name: str, **raw: int) -> int:
    """A word of the instruction, from raw field bits."""
    return BY_NAME[name].form.encode(**raw)
