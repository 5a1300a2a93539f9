"""The operands of the golden vectors: made again from a fixed seed, so that only QEMU's answers need storing.

``getrandbits`` is the only source of chance used here: it gives the same bits in every version of Python.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from tests.isa.spe_machine import SPE

SEED = 0x5BE
MEMORY_EA = 0x20800080
TARGET_BEFORE = 0x123456789ABCDEF0
_RAW = {"RT": 4, "RS": 4, "RA": 1, "RA0": 1, "RB": 2, "BF": 2, "BFA": 2}
SETTABLE = 0xFF3EFF7F  # SPEFSCR without its reserved bits and MODE

_WORDS = (0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0x80008000, 0xFFFF8000, 0xFFFFFFFF, 31, 32, 63)
_SINGLES = (
    0x00000000, 0x00000001, 0x007FFFFF, 0x00800000, 0x00800001, 0x3F000000, 0x3F800000, 0x3FC00000, 0x40200000,
    0x4EFFFFFF, 0x4F000000, 0x4F7FFFFF, 0x4F800000, 0x7F7FFFFF, 0x7F800000, 0x7FC00123, 0x7F800001,
)  # fmt: skip
_DOUBLES = (
    0x0000000000000000, 0x0000000000000001, 0x000FFFFFFFFFFFFF, 0x0010000000000000, 0x3810000000000000,
    0x3FE0000000000000, 0x3FF0000000000000, 0x4004000000000000, 0x41DFFFFFFFDFFFFF, 0x41E0000000000000,
    0x41EFFFFFFFE00000, 0x47EFFFFFE0000000, 0x47F0000000000000, 0x7FEFFFFFFFFFFFFF, 0x7FF0000000000000,
    0x7FF8000000000123, 0x7FF0000000000001,
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One execution: r4 and CR2 from r1 and r2."""

    name: str
    word: int
    spefscr: int
    cr: int
    a: int
    b: int
    acc: int
    memory: int

    def __str__(self) -> str:
        return (
            f"{self.name} {self.word:#010x} SPEFSCR={self.spefscr:#010x} CR={self.cr:#010x} A={self.a:#018x} "
            f"B={self.b:#018x} ACC={self.acc:#018x} memory={self.memory:#018x}"
        )


class Source:
    """Chance, and operands made of it."""

    def __init__(self, seed: int) -> None:
        self.bits = Random(seed).getrandbits

    def of(self, items: tuple[int, ...]) -> int:
        return items[self.bits(32) % len(items)]

    def word(self) -> int:
        return self.of(_WORDS) if self.bits(1) else self.bits(32)

    def single(self) -> int:
        sign = self.bits(1) << 31
        if not self.bits(2):
            return sign | self.of(_SINGLES)
        exponent = 127 - 14 + self.bits(32) % 50 if self.bits(2) else self.bits(8)
        return sign | exponent << 23 | self.bits(23) & -1 << self.bits(32) % 23

    def double(self) -> int:
        sign = self.bits(1) << 63
        if not self.bits(2):
            return sign | self.of(_DOUBLES)
        exponent = 1023 - 14 + self.bits(32) % 50 if self.bits(2) else self.bits(11)
        return sign | exponent << 52 | self.bits(52) & -1 << self.bits(32) % 52

    def operand(self, name: str) -> int:
        """64 bits of the kind that ``name`` works on."""
        if is_float(name):
            if name.startswith("efd") or name == "efscfd":
                if name != "efdcfs" and "dcf" not in name:
                    return self.double()
            elif "scf" in name:
                return self.word() << 32 | self.word()
            return self.single() << 32 | self.single()
        return self.word() << 32 | self.word()

    def case(self, name: str, spefscr: int) -> Case:
        insn = SPE[name]
        raw = {f.name: _RAW[f.name] for f in insn.form.fields if f.name in _RAW}
        for field in insn.form.fields:
            if field.name in ("UI", "SI", "D"):
                raw[field.name] = self.bits(5)
        a, b = self.operand(name), self.operand(name)
        if not self.bits(3):
            b = a
        elif not self.bits(2):
            b ^= 1 << 63 | 1 << 31
        if is_access(name):
            scale = insn.form.by_name["D"].scale if "D" in raw else 0
            a, b = (MEMORY_EA - (raw["D"] << scale), b) if "D" in raw else (MEMORY_EA - 0x80, 0x80)
        return Case(
            name, insn.form.encode(**raw), spefscr, self.bits(32), a, b, self.word() << 32 | self.word(), self.bits(64)
        )


def is_float(name: str) -> bool:
    return name.startswith(("efs", "efd", "evfs"))


def is_access(name: str) -> bool:
    return name.startswith(("evl", "evst"))


def cases() -> Iterator[Case]:
    """All golden cases, always the same ones in the same order."""
    source = Source(SEED)
    for name in sorted(SPE):
        for i in range(100 if is_float(name) else 16 if is_access(name) else 40):
            if is_float(name):
                yield source.case(name, i & 3 if i < 80 else source.bits(32) & SETTABLE & ~0x3C)
            else:
                yield source.case(name, source.bits(32) & SETTABLE)
