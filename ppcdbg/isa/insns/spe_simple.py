"""Simple instructions of the SPE (Power ISA I 8.3; category SP): add, logic, shift, compare, merge, splat, select.

Each works on both words of 64-bit GPRs: bits 0:31 lie in the slots from GPRH on, bits 32:63 in the GPRs that every
other instruction knows. Only e500v2 has them. Read next: :mod:`.spe_load`, :mod:`.spe_multiply_half`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ppcdbg.isa.bits import M32
from ppcdbg.isa.forms import BF, EVS, EVX, RA, RB, RT, SI_A, UI_A, UI_B
from ppcdbg.isa.insn import E500V2, Chapter
from ppcdbg.isa.ops import Flag, Operands, Ops, Value
from ppcdbg.isa.slots import GPRH

chapter = Chapter()
insn = partial(chapter.insn, cores=frozenset({E500V2}), spe=True)
BOOK = "I 8.3"

One = Callable[[Ops, Value], Value]
Two = Callable[[Ops, Value, Value], Value]
Test = Callable[[Ops, Value, Value], Flag]


def _set(m: Ops, f: Operands, high: Value, low: Value) -> None:
    m.reg[f.RT + GPRH] = high
    m.gpr[f.RT] = low


def words_of_a(name: str, xo: int) -> Callable[[One], One]:
    """The function below is applied to each word of RA."""

    def note(word: One) -> One:
        @insn(name, EVX(xo, RT, RA), "RT, RA", book=BOOK, alters={"RT"})
        def body(m: Ops, f: Operands) -> None:
            _set(m, f, word(m, m.reg[f.RA + GPRH]), word(m, m.gpr[f.RA]))

        return word

    return note


def words_of_ab(name: str, xo: int) -> Callable[[Two], Two]:
    """The function below is applied to each word of RA and its neighbour in RB."""

    def note(word: Two) -> Two:
        @insn(name, EVX(xo, RT, RA, RB), "RT, RA, RB", book=BOOK, alters={"RT"})
        def body(m: Ops, f: Operands) -> None:
            high = word(m, m.reg[f.RA + GPRH], m.reg[f.RB + GPRH])
            _set(m, f, high, word(m, m.gpr[f.RA], m.gpr[f.RB]))

        return word

    return note


def words_by_immediate(name: str, xo: int) -> Callable[[Two], Two]:
    """The function below is applied to each word of RA and to UI."""

    def note(word: Two) -> Two:
        @insn(name, EVX(xo, RT, RA, UI_B), "RT, RA, UI", book=BOOK, alters={"RT"})
        def body(m: Ops, f: Operands) -> None:
            _set(m, f, word(m, m.reg[f.RA + GPRH], f.UI), word(m, m.gpr[f.RA], f.UI))

        return word

    return note


def comparison(name: str, xo: int) -> Callable[[Test], Test]:
    """The function below tests each word of RA and RB; BF gets high, low, either, both."""

    def note(test: Test) -> Test:
        @insn(name, EVX(xo, BF, RA, RB), "BF, RA, RB", book=BOOK, alters={"CR"})
        def body(m: Ops, f: Operands) -> None:
            high = test(m, m.reg[f.RA + GPRH], m.reg[f.RB + GPRH])
            low = test(m, m.gpr[f.RA], m.gpr[f.RB])
            m.cr[f.BF] = m.select(high, 10, 0) ^ m.select(low, 6, 0) ^ m.select(high & low, 3, 0)

        return test

    return note


# --- arithmetic -------------------------------------------------------------------------------------------------------
@words_of_ab("evaddw", 512)
def evaddw(m: Ops, a: Value, b: Value) -> Value:
    return a + b & M32


@words_of_ab("evsubfw", 516)
def evsubfw(m: Ops, a: Value, b: Value) -> Value:
    return b - a & M32


@insn("evaddiw", EVX(514, RT, RB, UI_A), "RT, RB, UI", book=BOOK, alters={"RT"})
def evaddiw(m: Ops, f: Operands) -> None:
    _set(m, f, m.reg[f.RB + GPRH] + f.UI & M32, m.gpr[f.RB] + f.UI & M32)


@insn("evsubifw", EVX(518, RT, UI_A, RB), "RT, UI, RB", book=BOOK, alters={"RT"})
def evsubifw(m: Ops, f: Operands) -> None:
    _set(m, f, m.reg[f.RB + GPRH] - f.UI & M32, m.gpr[f.RB] - f.UI & M32)


@words_of_a("evabs", 520)
def evabs(m: Ops, a: Value) -> Value:
    """The most negative number stays what it is."""
    sign = m.sar(a, 31)
    return (a ^ sign) - sign & M32


@words_of_a("evneg", 521)
def evneg(m: Ops, a: Value) -> Value:
    return 0 - a & M32


@words_of_a("evextsb", 522)
def evextsb(m: Ops, a: Value) -> Value:
    return m.sext8(a & 0xFF)


@words_of_a("evextsh", 523)
def evextsh(m: Ops, a: Value) -> Value:
    return m.sext16(a & 0xFFFF)


@words_of_a("evrndw", 524)
def evrndw(m: Ops, a: Value) -> Value:
    """Round to the upper halfword."""
    return a + 0x8000 & 0xFFFF0000


@words_of_a("evcntlzw", 525)
def evcntlzw(m: Ops, a: Value) -> Value:
    return m.clz(a)


@words_of_a("evcntlsw", 526)
def evcntlsw(m: Ops, a: Value) -> Value:
    """Leading bits equal to the sign, which counts."""
    return m.clz(a ^ m.sar(a, 31))


# --- logic ------------------------------------------------------------------------------------------------------------
@words_of_ab("evand", 529)
def evand(m: Ops, a: Value, b: Value) -> Value:
    return a & b


@words_of_ab("evandc", 530)
def evandc(m: Ops, a: Value, b: Value) -> Value:
    return a & (b ^ M32)


@words_of_ab("evxor", 534)
def evxor(m: Ops, a: Value, b: Value) -> Value:
    return a ^ b


@words_of_ab("evor", 535)
def evor(m: Ops, a: Value, b: Value) -> Value:
    return a | b


@words_of_ab("evnor", 536)
def evnor(m: Ops, a: Value, b: Value) -> Value:
    return (a | b) ^ M32


@words_of_ab("eveqv", 537)
def eveqv(m: Ops, a: Value, b: Value) -> Value:
    return a ^ b ^ M32


@words_of_ab("evorc", 539)
def evorc(m: Ops, a: Value, b: Value) -> Value:
    return a | b ^ M32


@words_of_ab("evnand", 542)
def evnand(m: Ops, a: Value, b: Value) -> Value:
    return a & b ^ M32


# --- shift and rotate: a shift counts with six bits, a rotation with five ---------------------------------------------
@words_of_ab("evsrwu", 544)
def evsrwu(m: Ops, a: Value, b: Value) -> Value:
    return m.shr(a, b & 63)


@words_of_ab("evsrws", 545)
def evsrws(m: Ops, a: Value, b: Value) -> Value:
    return m.sar(a, b & 63)


@words_of_ab("evslw", 548)
def evslw(m: Ops, a: Value, b: Value) -> Value:
    return m.shl(a, b & 63)


@words_of_ab("evrlw", 552)
def evrlw(m: Ops, a: Value, b: Value) -> Value:
    return m.rotl(a, b & 31)


@words_by_immediate("evsrwiu", 546)
def evsrwiu(m: Ops, a: Value, count: Value) -> Value:
    return m.shr(a, count)


@words_by_immediate("evsrwis", 547)
def evsrwis(m: Ops, a: Value, count: Value) -> Value:
    return m.sar(a, count)


@words_by_immediate("evslwi", 550)
def evslwi(m: Ops, a: Value, count: Value) -> Value:
    return m.shl(a, count)


@words_by_immediate("evrlwi", 554)
def evrlwi(m: Ops, a: Value, count: Value) -> Value:
    return m.rotl(a, count)


# --- splat and merge --------------------------------------------------------------------------------------------------
@insn("evsplati", EVX(553, RT, SI_A), "RT, SI", book=BOOK, alters={"RT"})
def evsplati(m: Ops, f: Operands) -> None:
    _set(m, f, f.SI, f.SI)


@insn("evsplatfi", EVX(555, RT, SI_A), "RT, SI", book=BOOK, alters={"RT"})
def evsplatfi(m: Ops, f: Operands) -> None:
    """SI in the five highest bits."""
    value = f.SI << 27 & M32
    _set(m, f, value, value)


@insn("evmergehi", EVX(556, RT, RA, RB), "RT, RA, RB", book=BOOK, alters={"RT"})
def evmergehi(m: Ops, f: Operands) -> None:
    _set(m, f, m.reg[f.RA + GPRH], m.reg[f.RB + GPRH])


@insn("evmergelo", EVX(557, RT, RA, RB), "RT, RA, RB", book=BOOK, alters={"RT"})
def evmergelo(m: Ops, f: Operands) -> None:
    _set(m, f, m.gpr[f.RA], m.gpr[f.RB])


@insn("evmergehilo", EVX(558, RT, RA, RB), "RT, RA, RB", book=BOOK, alters={"RT"})
def evmergehilo(m: Ops, f: Operands) -> None:
    _set(m, f, m.reg[f.RA + GPRH], m.gpr[f.RB])


@insn("evmergelohi", EVX(559, RT, RA, RB), "RT, RA, RB", book=BOOK, alters={"RT"})
def evmergelohi(m: Ops, f: Operands) -> None:
    _set(m, f, m.gpr[f.RA], m.reg[f.RB + GPRH])


# --- compare and select -----------------------------------------------------------------------------------------------
@comparison("evcmpgtu", 560)
def evcmpgtu(m: Ops, a: Value, b: Value) -> Flag:
    return m.ltu(b, a)


@comparison("evcmpgts", 561)
def evcmpgts(m: Ops, a: Value, b: Value) -> Flag:
    return m.lts(b, a)


@comparison("evcmpltu", 562)
def evcmpltu(m: Ops, a: Value, b: Value) -> Flag:
    return m.ltu(a, b)


@comparison("evcmplts", 563)
def evcmplts(m: Ops, a: Value, b: Value) -> Flag:
    return m.lts(a, b)


@comparison("evcmpeq", 564)
def evcmpeq(m: Ops, a: Value, b: Value) -> Flag:
    return m.eq(a, b)


@insn("evsel", EVS(79, RT, RA, RB), "RT, RA, RB, BFA", book=BOOK, alters={"RT"})
def evsel(m: Ops, f: Operands) -> None:
    """The first two bits of the CR field choose RA's word, the upper and the lower one."""
    chosen = m.cr[f.BFA]
    high = m.select(m.ne(chosen & 8, 0), m.reg[f.RA + GPRH], m.reg[f.RB + GPRH])
    _set(m, f, high, m.select(m.ne(chosen & 4, 0), m.gpr[f.RA], m.gpr[f.RB]))


@chapter.insn(
    "brinc", EVX(527, RT, RA, RB), "RT, RA, RB", book=BOOK, alters={"RT"}, cores={E500V2}, native=False
)  # fmt: skip
def brinc(m: Any, f: Operands) -> None:
    """Increment, with the bits in reverse order, where RB has ones. Needs no MSR[SPE] and knows no upper word.

    The number of mask bits is the implementation's; all 32 here.
    """
    mask = m.gpr[f.RB]
    counted = _reversed(_reversed(m.gpr[f.RA] | mask ^ M32) + 1 & M32)
    m.gpr[f.RT] = counted & mask


def _reversed(word: int) -> int:
    return int(f"{word:032b}"[::-1], 2)
