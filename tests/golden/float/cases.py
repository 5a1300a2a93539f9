"""The operands of the golden vectors: made again from a fixed seed, so that only QEMU's answers need storing.

``getrandbits`` is the only source of chance used here: it gives the same bits in every version of Python.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from ppcdbg.isa import softfloat_fpscr as status
from ppcdbg.isa.softfloat import double_of
from tests.isa.float_machine import BY_NAME

SEED = 0x0E500
TARGET = 4  # FRT; FRA, FRB and FRC are 1, 2, 3, and BF is CR2
TARGET_BEFORE = 0x123456789ABCDEF0
_RAW = {"FRT": TARGET, "FRA": 1, "FRB": 2, "FRC": 3, "BF": 2}

BINARY = ("fadd", "fsub", "fmul", "fdiv")
FUSED = ("fmadd", "fmsub", "fnmadd", "fnmsub")
SINGLE = frozenset([name + "s" for name in BINARY + FUSED] + ["fres"])
UNARY = ("frsp", "fctiw", "fctiwz", "fres", "frsqrte", "fmr", "fneg", "fabs", "fnabs")
ALL = tuple(n + s for n in BINARY + FUSED for s in ("", "s")) + (*UNARY, "fcmpu", "fcmpo", "fsel")
MOVES = ("mffs", "mcrfs", "mtfsf", "mtfsfi", "mtfsb0", "mtfsb1")

# Magnitudes: zero, denormals, the ends of the normal range, halves around one, integers around 2**31, infinity, NaNs.
_DOUBLES = (
    0x0000000000000000, 0x0000000000000001, 0x000FFFFFFFFFFFFF, 0x0010000000000000, 0x3FE0000000000000,
    0x3FF0000000000000, 0x3FF8000000000000, 0x41DFFFFFFFDFFFFF, 0x41E0000000000000, 0x7FEFFFFFFFFFFFFF,
    0x7FF0000000000000, 0x7FF8000000000123, 0x7FF0000000000001,
)  # fmt: skip
_WORDS = (
    0x00000000, 0x00000001, 0x007FFFFF, 0x00800000, 0x3F000000, 0x3F800000, 0x3FC00000, 0x4EFFFFFF, 0x4F000000,
    0x7F7FFFFF, 0x7F800000, 0x7FC00123, 0x7F800001,
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One execution: operands in FRA, FRB, FRC."""

    name: str
    word: int
    fpscr: int
    a: int
    b: int
    c: int

    def __str__(self) -> str:
        return f"{self.name} {self.word:#010x} FPSCR={self.fpscr:#010x} A={self.a:#x} B={self.b:#x} C={self.c:#x}"


class Source:
    """Chance, and operands made of it."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self.bits = self._random.getrandbits

    def below(self, n: int) -> int:
        return self.bits(32) % n

    def of(self, items: tuple[int, ...]) -> int:
        return items[self.below(len(items))]

    def double(self) -> int:
        """A pattern that is likely to be near some edge."""
        sign = self.bits(1) << 63
        match self.below(8):
            case 0:
                return sign | self.of(_DOUBLES)
            case 1:
                return sign | self.bits(52) >> self.below(52)
            case 2:
                return sign | self.of((1, 2, 3, 0x7FC, 0x7FD, 0x7FE)) << 52 | self.bits(52)
            case 3:
                return sign | 1023 + self.below(34) << 52 | self.bits(8) << 44 - self.below(44)
            case 4 | 5:
                return sign | 1023 - 60 + self.below(120) << 52 | self.bits(52)
            case 6:
                return sign | 1023 - 3 + self.below(6) << 52 | (self.bits(1) * ((1 << 52) - 1)) ^ self.bits(2)
            case _:
                return self.bits(64)

    def single(self) -> int:
        """A double pattern that is representable in single precision."""
        sign = self.bits(1) << 31
        match self.below(6):
            case 0:
                return double_of(sign | self.of(_WORDS))
            case 1:
                return double_of(sign | self.bits(23) >> self.below(23))
            case 2:
                return double_of(sign | self.of((1, 2, 0xFD, 0xFE)) << 23 | self.bits(23))
            case 3 | 4:
                return double_of(sign | 127 - 28 + self.below(56) << 23 | self.bits(23))
            case _:
                return double_of(self.bits(32))

    def operand(self, name: str) -> int:
        if name in SINGLE:
            return self.single()
        if name == "frsp" and self.bits(1):
            return self.single() ^ self.of((0, 1, 1 << 28, (1 << 28) + 1, (1 << 28) - 1, 0x1FFFFFFF))
        return self.double()

    def case(self, name: str, fpscr: int, *operands: int) -> Case:
        insn = BY_NAME[name]
        raw = {f.name: _RAW[f.name] for f in insn.form.fields if f.name in _RAW}
        for field in insn.form.fields:
            if field.name in ("Rc", "BFA", "FLM", "U", "BT") or (field.name == "BF" and name == "mtfsfi"):
                raw[field.name] = self.bits(field.last - field.first + 1)
        a, b, c = (*operands, 0, 0, 0)[:3]
        return Case(name, insn.form.encode(**raw), fpscr, a, b, c)


def specials(name: str) -> list[int]:
    """Every special magnitude with both signs, in the precision that ``name`` works in."""
    positive = [double_of(w) for w in _WORDS] if name in SINGLE else list(_DOUBLES)
    return [s | x for x in positive for s in (0, 1 << 63)]


def _exceptions(source: Source) -> int:
    """An FPSCR with exception bits left over, as instructions before may have made it."""
    return status.summarized(source.bits(32) & source.bits(32) & ~(status.RESERVED | status.NI))


def cases() -> Iterator[Case]:
    """All golden cases, always the same ones in the same order."""
    source = Source(SEED)
    for name in [n + s for n in BINARY for s in ("", "s")] + ["fcmpu", "fcmpo"]:
        for a in specials(name):
            for b in specials(name):
                yield source.case(name, source.bits(2), a, b, b)
    for name in [n + s for n in FUSED for s in ("", "s")]:
        values = tuple(specials(name))
        for _ in range(250):
            yield source.case(name, source.bits(2), *(source.of(values) for _ in range(3)))
    for mode in range(4):
        for name in ALL:
            for _ in range(150 if name.removesuffix("s") in FUSED else 80):
                yield source.case(name, mode, *(source.operand(name) for _ in range(3)))
        for name in UNARY:
            for b in specials(name):
                yield source.case(name, mode, 0, b)
    for name in ALL:
        for _ in range(160):
            yield source.case(name, source.bits(2) | source.bits(5) << 3, *(source.operand(name) for _ in range(3)))
        for _ in range(40):
            yield source.case(name, _exceptions(source), *(source.operand(name) for _ in range(3)))
    for name in MOVES:
        for _ in range(200):
            yield source.case(name, _exceptions(source), 0, source.bits(64))
