"""The least ``m`` that the bodies of the SPE's chapters need, so that they can be tested without an engine."""

from __future__ import annotations

from ppcdbg.engine.common.numbers import Numbers
from ppcdbg.isa import slots
from ppcdbg.isa.insn import E500V2, Insn
from ppcdbg.isa.sprs import SLOT
from ppcdbg.isa.table import TABLE, decoder

SPE: dict[str, Insn] = {i.name: i for i in TABLE if i.form.match >> 26 == 4}
SPEFSCR = SLOT["SPEFSCR"]


class Taken(Exception):
    """An interrupt before the target is written: "data" or "alignment"."""


class Operands:
    """Operand fields by name, as an engine hands them to a body."""

    def __init__(self, insn: Insn, word: int) -> None:
        for field in insn.form.fields:
            setattr(self, field.name, field.operand(word))


class SpeMachine(Numbers):
    """Registers as plain lists, memory as a dictionary of bytes; ``rounding`` is set by a round interrupt."""

    def __init__(self) -> None:
        self.reg = [0] * slots.WORDS
        self.gpr = self.reg
        self.cr = [0] * 8
        self.memory: dict[int, int] = {}
        self.rounding = False

    def wide(self, register: int) -> int:
        return self.reg[slots.GPRH + register] << 32 | self.gpr[register]

    def set_wide(self, register: int, value: int) -> None:
        self.reg[slots.GPRH + register], self.gpr[register] = value >> 32, value & 0xFFFFFFFF

    @property
    def acc(self) -> int:
        return self.reg[slots.ACC_HIGH] << 32 | self.reg[slots.ACC_LOW]

    @acc.setter
    def acc(self, value: int) -> None:
        self.reg[slots.ACC_HIGH], self.reg[slots.ACC_LOW] = value >> 32, value & 0xFFFFFFFF

    @property
    def spefscr(self) -> int:
        return self.reg[SPEFSCR]

    @spefscr.setter
    def spefscr(self, value: int) -> None:
        self.reg[SPEFSCR] = value

    def load(self, size: int, ea: int) -> int:
        return int.from_bytes(bytes(self.memory[ea + i] for i in range(size)), "big")

    def store(self, size: int, ea: int, value: int) -> None:
        for i, byte in enumerate(value.to_bytes(size, "big")):
            self.memory[ea + i] = byte

    def load64(self, ea: int) -> int:
        return self.load(8, ea)

    def store64(self, ea: int, value: int) -> None:
        self.store(8, ea, value)

    def require_aligned(self, ea: int, size: int, *, store: bool) -> None:
        if ea % size:
            raise Taken("alignment")

    def embedded_float_data(self) -> None:
        raise Taken("data")

    def embedded_float_round(self) -> None:
        self.rounding = True

    def run(self, word: int) -> None:
        insn = decoder(E500V2).decode(word)
        assert insn is not None, f"{word:#010x} is no instruction"
        insn.body(self, Operands(insn, word))


def word_of(name: str, **raw: int) -> int:
    """A word of the instruction, from raw field bits."""
    return SPE[name].form.encode(**raw)


def execute(name: str, a: int = 0, b: int = 0, acc: int = 0, spefscr: int = 0) -> SpeMachine:
    """RT=4 or BF=2 from RA=1 and RB=2, with all registers 64 bits wide."""
    m = SpeMachine()
    m.set_wide(1, a)
    m.set_wide(2, b)
    m.acc, m.spefscr = acc, spefscr
    raw = {"RT": 4, "RA": 1, "RB": 2, "BF": 2}
    fields = SPE[name].form.by_name
    m.run(word_of(name, **{k: v for k, v in raw.items() if k in fields}))
    return m
