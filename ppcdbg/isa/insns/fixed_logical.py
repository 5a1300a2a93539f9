"""Fixed-point logical instructions (Power ISA I 3.3.11, 3.3.12)."""

from __future__ import annotations

from ppcdbg.isa.bits import M32
from ppcdbg.isa.forms import RA, RB, RC, RS, UI, UIS, D, X
from ppcdbg.isa.insn import Chapter
from ppcdbg.isa.ops import Operands, Ops, Value

chapter = Chapter()
insn = chapter.insn


def _put(m: Ops, f: Operands, value: Value) -> None:
    m.gpr[f.RA] = value
    if f.Rc:
        m.record(value)


@insn("ori", D(24, RS, RA, UI), "RA, RS, UI", book="I 3.3.11", alters={"RA"})
def ori(m: Ops, f: Operands) -> None:
    m.gpr[f.RA] = m.gpr[f.RS] | f.UI


@insn("oris", D(25, RS, RA, UIS), "RA, RS, UIS", book="I 3.3.11", alters={"RA"})
def oris(m: Ops, f: Operands) -> None:
    m.gpr[f.RA] = m.gpr[f.RS] | f.UIS


@insn("xori", D(26, RS, RA, UI), "RA, RS, UI", book="I 3.3.11", alters={"RA"})
def xori(m: Ops, f: Operands) -> None:
    m.gpr[f.RA] = m.gpr[f.RS] ^ f.UI


@insn("xoris", D(27, RS, RA, UIS), "RA, RS, UIS", book="I 3.3.11", alters={"RA"})
def xoris(m: Ops, f: Operands) -> None:
    m.gpr[f.RA] = m.gpr[f.RS] ^ f.UIS


@insn("andi.", D(28, RS, RA, UI), "RA, RS, UI", book="I 3.3.11", alters={"RA", "CR0"})
def andi_(m: Ops, f: Operands) -> None:
    value = m.gpr[f.RS] & f.UI
    m.gpr[f.RA] = value
    m.record(value)


@insn("andis.", D(29, RS, RA, UIS), "RA, RS, UIS", book="I 3.3.11", alters={"RA", "CR0"})
def andis_(m: Ops, f: Operands) -> None:
    value = m.gpr[f.RS] & f.UIS
    m.gpr[f.RA] = value
    m.record(value)


@insn("and", X(31, 28, RS, RA, RB, RC), "RA, RS, RB", book="I 3.3.11", alters={"RA", "CR0"})
def and_(m: Ops, f: Operands) -> None:
    _put(m, f, m.gpr[f.RS] & m.gpr[f.RB])


@insn("andc", X(31, 60, RS, RA, RB, RC), "RA, RS, RB", book="I 3.3.11", alters={"RA", "CR0"})
def andc(m: Ops, f: Operands) -> None:
    _put(m, f, m.gpr[f.RS] & (m.gpr[f.RB] ^ M32))


@insn("or", X(31, 444, RS, RA, RB, RC), "RA, RS, RB", book="I 3.3.11", alters={"RA", "CR0"})
def or_(m: Ops, f: Operands) -> None:
    _put(m, f, m.gpr[f.RS] | m.gpr[f.RB])


@insn("orc", X(31, 412, RS, RA, RB, RC), "RA, RS, RB", book="I 3.3.11", alters={"RA", "CR0"})
def orc(m: Ops, f: Operands) -> None:
    _put(m, f, m.gpr[f.RS] | (m.gpr[f.RB] ^ M32))


@insn("xor", X(31, 316, RS, RA, RB, RC), "RA, RS, RB", book="I 3.3.11", alters={"RA", "CR0"})
def xor(m: Ops, f: Operands) -> None:
    _put(m, f, m.gpr[f.RS] ^ m.gpr[f.RB])


@insn("nand", X(31, 476, RS, RA, RB, RC), "RA, RS, RB", book="I 3.3.11", alters={"RA", "CR0"})
def nand(m: Ops, f: Operands) -> None:
    _put(m, f, (m.gpr[f.RS] & m.gpr[f.RB]) ^ M32)


@insn("nor", X(31, 124, RS, RA, RB, RC), "RA, RS, RB", book="I 3.3.11", alters={"RA", "CR0"})
def nor(m: Ops, f: Operands) -> None:
    _put(m, f, (m.gpr[f.RS] | m.gpr[f.RB]) ^ M32)


@insn("eqv", X(31, 284, RS, RA, RB, RC), "RA, RS, RB", book="I 3.3.11", alters={"RA", "CR0"})
def eqv(m: Ops, f: Operands) -> None:
    _put(m, f, m.gpr[f.RS] ^ m.gpr[f.RB] ^ M32)


@insn("cntlzw", X(31, 26, RS, RA, RC), "RA, RS", book="I 3.3.11", alters={"RA", "CR0"})
def cntlzw(m: Ops, f: Operands) -> None:
    _put(m, f, m.clz(m.gpr[f.RS]))


@insn("extsb", X(31, 954, RS, RA, RC), "RA, RS", book="I 3.3.11", alters={"RA", "CR0"})
def extsb(m: Ops, f: Operands) -> None:
    _put(m, f, m.sext8(m.gpr[f.RS]))


@insn("extsh", X(31, 922, RS, RA, RC), "RA, RS", book="I 3.3.11", alters={"RA", "CR0"})
def extsh(m: Ops, f: Operands) -> None:
    _put(m, f, m.sext16(m.gpr[f.RS]))
