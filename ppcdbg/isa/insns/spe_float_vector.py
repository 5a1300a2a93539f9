"""Vectors of two single precision numbers on e500v2 (Power ISA I 9.3.2; category SP.FV), in 64-bit GPRs.

Sign operations and tests detect no errors, as the book permits. The arithmetic is
:mod:`ppcdbg.isa.softfloat_embedded`; an error in one word keeps both words of the target where its enable is set.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ppcdbg.isa import softfloat_embedded as ef
from ppcdbg.isa.forms import BF, EVX, RA, RB, RT
from ppcdbg.isa.insn import E500V2, Chapter
from ppcdbg.isa.ops import Operands
from ppcdbg.isa.slots import GPRH
from ppcdbg.isa.softfloat_embedded import SF, SI, SINGLE, UF, UI, Element, Fixed, Format
from ppcdbg.isa.spe_float import SPEFSCR, finish_vector, finish_vector_compare, vector_condition

chapter = Chapter()
insn = partial(chapter.insn, cores=frozenset({E500V2}), spe=True, native=False, book="I 9.3.2")
RESULT = frozenset({"RT", "SPEFSCR"})
CONDITION = frozenset({"CR", "SPEFSCR"})


def _signs(m: Any, f: Operands, change: Callable[[int], int]) -> None:
    m.reg[f.RT + GPRH], m.gpr[f.RT] = change(m.reg[f.RA + GPRH]), change(m.gpr[f.RA])


@insn("evfsabs", EVX(644, RT, RA), "RT, RA", alters={"RT"})
def evfsabs(m: Any, f: Operands) -> None:
    _signs(m, f, lambda a: a & 0x7FFFFFFF)


@insn("evfsnabs", EVX(645, RT, RA), "RT, RA", alters={"RT"})
def evfsnabs(m: Any, f: Operands) -> None:
    _signs(m, f, lambda a: a | 0x80000000)


@insn("evfsneg", EVX(646, RT, RA), "RT, RA", alters={"RT"})
def evfsneg(m: Any, f: Operands) -> None:
    _signs(m, f, lambda a: a ^ 0x80000000)


def _arithmetic(m: Any, f: Operands, operation: Callable[[Format, int, int, int], Element]) -> None:
    spefscr = m.reg[SPEFSCR]
    high = operation(SINGLE, m.reg[f.RA + GPRH], m.reg[f.RB + GPRH], spefscr)
    finish_vector(m, f.RT, high, operation(SINGLE, m.gpr[f.RA], m.gpr[f.RB], spefscr))


@insn("evfsadd", EVX(640, RT, RA, RB), "RT, RA, RB", alters=RESULT)
def evfsadd(m: Any, f: Operands) -> None:
    _arithmetic(m, f, ef.add)


@insn("evfssub", EVX(641, RT, RA, RB), "RT, RA, RB", alters=RESULT)
def evfssub(m: Any, f: Operands) -> None:
    _arithmetic(m, f, ef.sub)


@insn("evfsmul", EVX(648, RT, RA, RB), "RT, RA, RB", alters=RESULT)
def evfsmul(m: Any, f: Operands) -> None:
    _arithmetic(m, f, ef.mul)


@insn("evfsdiv", EVX(649, RT, RA, RB), "RT, RA, RB", alters=RESULT)
def evfsdiv(m: Any, f: Operands) -> None:
    _arithmetic(m, f, ef.div)


def _orders(m: Any, f: Operands) -> tuple[tuple[int, int], tuple[int, int]]:
    """How the words of RA and RB compare, and their errors."""
    high = ef.compare(SINGLE, m.reg[f.RA + GPRH], m.reg[f.RB + GPRH])
    return high, ef.compare(SINGLE, m.gpr[f.RA], m.gpr[f.RB])


def _compare(m: Any, f: Operands, wanted: int) -> None:
    (high, high_flags), (low, low_flags) = _orders(m, f)
    finish_vector_compare(m, f.BF, (high == wanted, high_flags), (low == wanted, low_flags))


def _test(m: Any, f: Operands, wanted: int) -> None:
    (high, _), (low, _) = _orders(m, f)
    m.cr[f.BF] = vector_condition(high == wanted, low == wanted)


@insn("evfscmpgt", EVX(652, BF, RA, RB), "BF, RA, RB", alters=CONDITION)
def evfscmpgt(m: Any, f: Operands) -> None:
    _compare(m, f, 1)


@insn("evfscmplt", EVX(653, BF, RA, RB), "BF, RA, RB", alters=CONDITION)
def evfscmplt(m: Any, f: Operands) -> None:
    _compare(m, f, -1)


@insn("evfscmpeq", EVX(654, BF, RA, RB), "BF, RA, RB", alters=CONDITION)
def evfscmpeq(m: Any, f: Operands) -> None:
    _compare(m, f, 0)


@insn("evfststgt", EVX(668, BF, RA, RB), "BF, RA, RB", alters={"CR"})
def evfststgt(m: Any, f: Operands) -> None:
    _test(m, f, 1)


@insn("evfststlt", EVX(669, BF, RA, RB), "BF, RA, RB", alters={"CR"})
def evfststlt(m: Any, f: Operands) -> None:
    _test(m, f, -1)


@insn("evfststeq", EVX(670, BF, RA, RB), "BF, RA, RB", alters={"CR"})
def evfststeq(m: Any, f: Operands) -> None:
    _test(m, f, 0)


def _from_fixed(m: Any, f: Operands, fixed: Fixed) -> None:
    spefscr = m.reg[SPEFSCR]
    high = ef.from_fixed(SINGLE, m.reg[f.RB + GPRH], fixed, spefscr)
    finish_vector(m, f.RT, high, ef.from_fixed(SINGLE, m.gpr[f.RB], fixed, spefscr))


def _to_fixed(m: Any, f: Operands, fixed: Fixed, truncate: bool = False) -> None:
    spefscr = m.reg[SPEFSCR]
    high = ef.to_fixed(SINGLE, m.reg[f.RB + GPRH], fixed, spefscr, truncate=truncate)
    low = ef.to_fixed(SINGLE, m.gpr[f.RB], fixed, spefscr, truncate=truncate)
    finish_vector(m, f.RT, high, low, truncating=truncate)


@insn("evfscfui", EVX(656, RT, RB), "RT, RB", alters=RESULT)
def evfscfui(m: Any, f: Operands) -> None:
    _from_fixed(m, f, UI)


@insn("evfscfsi", EVX(657, RT, RB), "RT, RB", alters=RESULT)
def evfscfsi(m: Any, f: Operands) -> None:
    _from_fixed(m, f, SI)


@insn("evfscfuf", EVX(658, RT, RB), "RT, RB", alters=RESULT)
def evfscfuf(m: Any, f: Operands) -> None:
    _from_fixed(m, f, UF)


@insn("evfscfsf", EVX(659, RT, RB), "RT, RB", alters=RESULT)
def evfscfsf(m: Any, f: Operands) -> None:
    _from_fixed(m, f, SF)


@insn("evfsctui", EVX(660, RT, RB), "RT, RB", alters=RESULT)
def evfsctui(m: Any, f: Operands) -> None:
    _to_fixed(m, f, UI)


@insn("evfsctsi", EVX(661, RT, RB), "RT, RB", alters=RESULT)
def evfsctsi(m: Any, f: Operands) -> None:
    _to_fixed(m, f, SI)


@insn("evfsctuf", EVX(662, RT, RB), "RT, RB", alters=RESULT)
def evfsctuf(m: Any, f: Operands) -> None:
    _to_fixed(m, f, UF)


@insn("evfsctsf", EVX(663, RT, RB), "RT, RB", alters=RESULT)
def evfsctsf(m: Any, f: Operands) -> None:
    _to_fixed(m, f, SF)


@insn("evfsctuiz", EVX(664, RT, RB), "RT, RB", alters=RESULT)
def evfsctuiz(m: Any, f: Operands) -> None:
    _to_fixed(m, f, UI, truncate=True)


@insn("evfsctsiz", EVX(666, RT, RB), "RT, RB", alters=RESULT)
def evfsctsiz(m: Any, f: Operands) -> None:
    _to_fixed(m, f, SI, truncate=True)
