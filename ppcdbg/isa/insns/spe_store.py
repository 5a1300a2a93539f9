"""Vector stores of the SPE (Power ISA I 8.3; category SP), with a scaled displacement or indexed.

As :mod:`.spe_load`: even halfwords are the upper ones of their words, the even word is the upper one of the register,
and an address must be aligned to as much as is stored (e500 RM table 4-9).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ppcdbg.isa.bits import M32
from ppcdbg.isa.forms import EVX, RA0, RB, RS
from ppcdbg.isa.insn import E500V2, Chapter
from ppcdbg.isa.insns.spe_load import DISPLACEMENT
from ppcdbg.isa.ops import Operands
from ppcdbg.isa.slots import GPRH

chapter = Chapter()
insn = partial(chapter.insn, cores=frozenset({E500V2}), spe=True, native=False, book="I 8.3")

Store = Callable[[Any, int, int, int], None]


def store(name: str, xo: int, size: int) -> Callable[[Store], Store]:
    """The function below stores ``size`` bytes of the two words of RS at an aligned address."""

    def note(words: Store) -> Store:
        def at(m: Any, f: Operands, ea: int) -> None:
            m.require_aligned(ea, size, store=True)
            words(m, ea, m.reg[f.RS + GPRH], m.gpr[f.RS])

        @insn(name, EVX(xo, RS, RA0, DISPLACEMENT[size]), "RS, D(RA0)")
        def displaced(m: Any, f: Operands) -> None:
            at(m, f, m.gpr[f.RA0] + f.D & M32)

        @insn(name + "x", EVX(xo - 1, RS, RA0, RB), "RS, RA0, RB")
        def indexed(m: Any, f: Operands) -> None:
            at(m, f, m.gpr[f.RA0] + m.gpr[f.RB] & M32)

        return words

    return note


@store("evstdd", 801, 8)
def evstdd(m: Any, ea: int, high: int, low: int) -> None:
    m.store64(ea, high << 32 | low)


@store("evstdw", 803, 8)
def evstdw(m: Any, ea: int, high: int, low: int) -> None:
    m.store(4, ea, high)
    m.store(4, ea + 4, low)


@store("evstdh", 805, 8)
def evstdh(m: Any, ea: int, high: int, low: int) -> None:
    m.store(2, ea, high >> 16)
    m.store(2, ea + 2, high & 0xFFFF)
    m.store(2, ea + 4, low >> 16)
    m.store(2, ea + 6, low & 0xFFFF)


@store("evstwhe", 817, 4)
def evstwhe(m: Any, ea: int, high: int, low: int) -> None:
    m.store(2, ea, high >> 16)
    m.store(2, ea + 2, low >> 16)


@store("evstwho", 821, 4)
def evstwho(m: Any, ea: int, high: int, low: int) -> None:
    m.store(2, ea, high & 0xFFFF)
    m.store(2, ea + 2, low & 0xFFFF)


@store("evstwwe", 825, 4)
def evstwwe(m: Any, ea: int, high: int, low: int) -> None:
    m.store(4, ea, high)


@store("evstwwo", 829, 4)
def evstwwo(m: Any, ea: int, high: int, low: int) -> None:
    m.store(4, ea, low)
