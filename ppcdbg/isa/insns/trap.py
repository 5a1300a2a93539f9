"""Traps (Power ISA I 3.3.13)."""

from __future__ import annotations

from ppcdbg.isa.forms import RA, RB, SI, TO, D, X
from ppcdbg.isa.insn import Chapter
from ppcdbg.isa.ops import Operands, Ops, Value

chapter = Chapter()
insn = chapter.insn

ESR_PTR = 0x02000000


def _trap(m: Ops, to: Value, a: Value, b: Value) -> None:
    hit = (
        to >> 4 & m.lts(a, b) | to >> 3 & m.lts(b, a) | to >> 2 & m.eq(a, b) | to >> 1 & m.ltu(a, b) | to & m.ltu(b, a)
    )
    m.program(ESR_PTR, hit & 1)


@insn("twi", D(3, TO, RA, SI), "TO, RA, SI", book="I 3.3.13")
def twi(m: Ops, f: Operands) -> None:
    _trap(m, f.TO, m.gpr[f.RA], f.SI)


@insn("tw", X(31, 4, TO, RA, RB), "TO, RA, RB", book="I 3.3.13")
def tw(m: Ops, f: Operands) -> None:
    _trap(m, f.TO, m.gpr[f.RA], m.gpr[f.RB])
