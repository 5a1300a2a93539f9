"""Vector loads of the SPE (Power ISA I 8.3; category SP), with a scaled displacement or indexed.

The names say what is loaded, and whether each halfword goes to the even (upper) or odd (lower) half of its word, the
latter unsigned or sign-extended; *splat* puts it into both words. e500 takes an alignment interrupt where the address
is not a multiple of 8, 4 or 2 bytes, as much as is loaded (e500 RM table 4-9). Read next: :mod:`.spe_store`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ppcdbg.isa.bits import M32
from ppcdbg.isa.forms import D_DOUBLES, D_HALVES, D_WORDS, EVX, RA0, RB, RT
from ppcdbg.isa.insn import E500V2, Chapter
from ppcdbg.isa.ops import Operands
from ppcdbg.isa.slots import GPRH

chapter = Chapter()
insn = partial(chapter.insn, cores=frozenset({E500V2}), spe=True, native=False, book="I 8.3", alters={"RT"})

Load = Callable[[Any, int], tuple[int, int]]
DISPLACEMENT = {2: D_HALVES, 4: D_WORDS, 8: D_DOUBLES}


def load(name: str, xo: int, size: int) -> Callable[[Load], Load]:
    """The function below gives both words from ``size`` bytes at an aligned address; for ``name`` and ``name``x."""

    def note(words: Load) -> Load:
        def at(m: Any, f: Operands, ea: int) -> None:
            m.require_aligned(ea, size, store=False)
            m.reg[f.RT + GPRH], m.gpr[f.RT] = words(m, ea)

        @insn(name, EVX(xo, RT, RA0, DISPLACEMENT[size]), "RT, D(RA0)")
        def displaced(m: Any, f: Operands) -> None:
            at(m, f, m.gpr[f.RA0] + f.D & M32)

        @insn(name + "x", EVX(xo - 1, RT, RA0, RB), "RT, RA0, RB")
        def indexed(m: Any, f: Operands) -> None:
            at(m, f, m.gpr[f.RA0] + m.gpr[f.RB] & M32)

        return words

    return note


@load("evldd", 769, 8)
def evldd(m: Any, ea: int) -> tuple[int, int]:
    double = m.load64(ea)
    return double >> 32, double & M32


@load("evldw", 771, 8)
def evldw(m: Any, ea: int) -> tuple[int, int]:
    return m.load(4, ea), m.load(4, ea + 4)


@load("evldh", 773, 8)
def evldh(m: Any, ea: int) -> tuple[int, int]:
    a, b, c, d = (m.load(2, ea + offset) for offset in (0, 2, 4, 6))
    return a << 16 | b, c << 16 | d


@load("evlhhesplat", 777, 2)
def evlhhesplat(m: Any, ea: int) -> tuple[int, int]:
    half = m.load(2, ea) << 16
    return half, half


@load("evlhhousplat", 781, 2)
def evlhhousplat(m: Any, ea: int) -> tuple[int, int]:
    half = m.load(2, ea)
    return half, half


@load("evlhhossplat", 783, 2)
def evlhhossplat(m: Any, ea: int) -> tuple[int, int]:
    half = m.sext16(m.load(2, ea))
    return half, half


@load("evlwhe", 785, 4)
def evlwhe(m: Any, ea: int) -> tuple[int, int]:
    return m.load(2, ea) << 16, m.load(2, ea + 2) << 16


@load("evlwhou", 789, 4)
def evlwhou(m: Any, ea: int) -> tuple[int, int]:
    return m.load(2, ea), m.load(2, ea + 2)


@load("evlwhos", 791, 4)
def evlwhos(m: Any, ea: int) -> tuple[int, int]:
    return m.sext16(m.load(2, ea)), m.sext16(m.load(2, ea + 2))


@load("evlwwsplat", 793, 4)
def evlwwsplat(m: Any, ea: int) -> tuple[int, int]:
    word = m.load(4, ea)
    return word, word


@load("evlwhsplat", 797, 4)
def evlwhsplat(m: Any, ea: int) -> tuple[int, int]:
    """Each halfword into both halves of its word."""
    return m.load(2, ea) * 0x10001, m.load(2, ea + 2) * 0x10001
