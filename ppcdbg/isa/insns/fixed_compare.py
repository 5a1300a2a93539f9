"""Fixed-point compares (Power ISA I 3.3.10). L=1 is invalid on a 32-bit implementation and ignored."""

from __future__ import annotations

from ppcdbg.isa.forms import BF, RA, RB, SI, UI, D, X
from ppcdbg.isa.insn import Chapter
from ppcdbg.isa.ops import Operands, Ops, Value
from ppcdbg.isa.slots import SO

chapter = Chapter()
insn = chapter.insn


def _signed(m: Ops, field: Value, a: Value, b: Value) -> None:
    m.cr[field] = m.select(m.lts(a, b), 8, m.select(m.eq(a, b), 2, 4)) | m.reg[SO]


def _unsigned(m: Ops, field: Value, a: Value, b: Value) -> None:
    m.cr[field] = m.select(m.ltu(a, b), 8, m.select(m.eq(a, b), 2, 4)) | m.reg[SO]


@insn("cmpi", D(11, BF, RA, SI), "BF, RA, SI", book="I 3.3.10", alters={"CR"})
def cmpi(m: Ops, f: Operands) -> None:
    _signed(m, f.BF, m.gpr[f.RA], f.SI)


@insn("cmp", X(31, 0, BF, RA, RB), "BF, RA, RB", book="I 3.3.10", alters={"CR"})
def cmp(m: Ops, f: Operands) -> None:
    _signed(m, f.BF, m.gpr[f.RA], m.gpr[f.RB])


@insn("cmpli", D(10, BF, RA, UI), "BF, RA, UI", book="I 3.3.10", alters={"CR"})
def cmpli(m: Ops, f: Operands) -> None:
    _unsigned(m, f.BF, m.gpr[f.RA], f.UI)


@insn("cmpl", X(31, 32, BF, RA, RB), "BF, RA, RB", book="I 3.3.10", alters={"CR"})
def cmpl(m: Ops, f: Operands) -> None:
    _unsigned(m, f.BF, m.gpr[f.RA], m.gpr[f.RB])
