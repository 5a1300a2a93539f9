"""Rotates and shifts (Power ISA I 3.3.14)."""

from __future__ import annotations

from ppcdbg.isa.bits import M32
from ppcdbg.isa.forms import MASK, RA, RB, RC, RS, SH, M, X
from ppcdbg.isa.insn import Chapter
from ppcdbg.isa.ops import Operands, Ops, Value
from ppcdbg.isa.slots import CA

chapter = Chapter()
insn = chapter.insn


def _put(m: Ops, f: Operands, value: Value) -> None:
    m.gpr[f.RA] = value
    if f.Rc:
        m.record(value)


@insn("rlwinm", M(21, RS, RA, SH, MASK), "RA, RS, SH, MASK", book="I 3.3.14.1", alters={"RA", "CR0"})
def rlwinm(m: Ops, f: Operands) -> None:
    _put(m, f, m.rotl(m.gpr[f.RS], f.SH) & f.MASK)


@insn("rlwnm", M(23, RS, RA, RB, MASK), "RA, RS, RB, MASK", book="I 3.3.14.1", alters={"RA", "CR0"})
def rlwnm(m: Ops, f: Operands) -> None:
    _put(m, f, m.rotl(m.gpr[f.RS], m.gpr[f.RB] & 31) & f.MASK)


@insn("rlwimi", M(20, RS, RA, SH, MASK), "RA, RS, SH, MASK", book="I 3.3.14.1", alters={"RA", "CR0"})
def rlwimi(m: Ops, f: Operands) -> None:
    _put(m, f, m.rotl(m.gpr[f.RS], f.SH) & f.MASK | m.gpr[f.RA] & (f.MASK ^ M32))


@insn("slw", X(31, 24, RS, RA, RB, RC), "RA, RS, RB", book="I 3.3.14.2", alters={"RA", "CR0"})
def slw(m: Ops, f: Operands) -> None:
    _put(m, f, m.shl(m.gpr[f.RS], m.gpr[f.RB] & 63))


@insn("srw", X(31, 536, RS, RA, RB, RC), "RA, RS, RB", book="I 3.3.14.2", alters={"RA", "CR0"})
def srw(m: Ops, f: Operands) -> None:
    _put(m, f, m.shr(m.gpr[f.RS], m.gpr[f.RB] & 63))


def _shift_right_algebraic(m: Ops, f: Operands, count: Value) -> None:
    """CA: the operand is negative and a 1 was shifted out."""
    source = m.gpr[f.RS]
    value = m.sar(source, count)
    m.reg[CA] = (source >> 31) & m.ne(m.shl(value, count), source)
    _put(m, f, value)


@insn("sraw", X(31, 792, RS, RA, RB, RC), "RA, RS, RB", book="I 3.3.14.2", alters={"RA", "CA", "CR0"})
def sraw(m: Ops, f: Operands) -> None:
    _shift_right_algebraic(m, f, m.gpr[f.RB] & 63)


@insn("srawi", X(31, 824, RS, RA, SH, RC), "RA, RS, SH", book="I 3.3.14.2", alters={"RA", "CA", "CR0"})
def srawi(m: Ops, f: Operands) -> None:
    _shift_right_algebraic(m, f, f.SH)
