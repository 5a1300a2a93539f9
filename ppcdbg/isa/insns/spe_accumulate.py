"""The SPE's accumulator and divides (Power ISA I 8.3; category SP): evmra, sums with ACC, evdivws, evdivwu."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ppcdbg.isa.bits import M32
from ppcdbg.isa.forms import EVX, RA, RB, RT
from ppcdbg.isa.insn import E500V2, Chapter
from ppcdbg.isa.ops import Operands
from ppcdbg.isa.slots import ACC_HIGH, ACC_LOW, GPRH
from ppcdbg.isa.spe_products import number, saturated_signed, saturated_unsigned
from ppcdbg.isa.spe_status import overflowed
from ppcdbg.isa.sprs import SLOT

chapter = Chapter()
insn = partial(chapter.insn, cores=frozenset({E500V2}), spe=True, native=False, book="I 8.3")
SPEFSCR = SLOT["SPEFSCR"]

Word = Callable[[int, int], tuple[int, bool]]


@insn("evmra", EVX(1220, RT, RA), "RT, RA", alters={"RT", "ACC"})
def evmra(m: Any, f: Operands) -> None:
    high, low = m.reg[f.RA + GPRH], m.gpr[f.RA]
    m.reg[f.RT + GPRH], m.gpr[f.RT] = high, low
    m.reg[ACC_HIGH], m.reg[ACC_LOW] = high, low


def accumulation(name: str, xo: int, *, records: bool) -> Callable[[Word], Word]:
    """The function below gives the new word of ACC and RT from ACC's and RA's, and whether it was saturated."""

    def note(word: Word) -> Word:
        alters = {"RT", "ACC", "SPEFSCR"} if records else {"RT", "ACC"}

        @insn(name, EVX(xo, RT, RA), "RT, RA", alters=alters)
        def body(m: Any, f: Operands) -> None:
            high, high_over = word(m.reg[ACC_HIGH], m.reg[f.RA + GPRH])
            low, low_over = word(m.reg[ACC_LOW], m.gpr[f.RA])
            m.reg[f.RT + GPRH], m.gpr[f.RT] = high, low
            m.reg[ACC_HIGH], m.reg[ACC_LOW] = high, low
            if records:
                m.reg[SPEFSCR] = overflowed(m.reg[SPEFSCR], high_over, low_over)

        return word

    return note


@accumulation("evaddusiaaw", 1216, records=True)
def evaddusiaaw(acc: int, a: int) -> tuple[int, bool]:
    return saturated_unsigned(acc + a)


@accumulation("evaddssiaaw", 1217, records=True)
def evaddssiaaw(acc: int, a: int) -> tuple[int, bool]:
    return saturated_signed(number(acc, 32) + number(a, 32))


@accumulation("evsubfusiaaw", 1218, records=True)
def evsubfusiaaw(acc: int, a: int) -> tuple[int, bool]:
    return saturated_unsigned(acc - a)


@accumulation("evsubfssiaaw", 1219, records=True)
def evsubfssiaaw(acc: int, a: int) -> tuple[int, bool]:
    return saturated_signed(number(acc, 32) - number(a, 32))


def _added(acc: int, a: int) -> tuple[int, bool]:
    return acc + a & M32, False


def _subtracted(acc: int, a: int) -> tuple[int, bool]:
    return acc - a & M32, False


evaddumiaaw = accumulation("evaddumiaaw", 1224, records=False)(_added)
evaddsmiaaw = accumulation("evaddsmiaaw", 1225, records=False)(_added)
evsubfumiaaw = accumulation("evsubfumiaaw", 1226, records=False)(_subtracted)
evsubfsmiaaw = accumulation("evsubfsmiaaw", 1227, records=False)(_subtracted)


def division(name: str, xo: int) -> Callable[[Word], Word]:
    """The function below divides one word by another, and says whether the quotient does not exist."""

    def note(word: Word) -> Word:
        @insn(name, EVX(xo, RT, RA, RB), "RT, RA, RB", alters={"RT", "SPEFSCR"})
        def body(m: Any, f: Operands) -> None:
            high, high_over = word(m.reg[f.RA + GPRH], m.reg[f.RB + GPRH])
            low, low_over = word(m.gpr[f.RA], m.gpr[f.RB])
            m.reg[f.RT + GPRH], m.gpr[f.RT] = high, low
            m.reg[SPEFSCR] = overflowed(m.reg[SPEFSCR], high_over, low_over)

        return word

    return note


@division("evdivws", 1222)
def evdivws(a: int, b: int) -> tuple[int, bool]:
    """By zero: the extreme of A's sign; the most negative number by -1: the greatest."""
    x, y = number(a, 32), number(b, 32)
    if not y:
        return (0x80000000 if x < 0 else 0x7FFFFFFF), True
    quotient = abs(x) // abs(y)
    return saturated_signed(quotient if (x < 0) == (y < 0) else -quotient)


@division("evdivwu", 1223)
def evdivwu(a: int, b: int) -> tuple[int, bool]:
    return (a // b, False) if b else (M32, True)
