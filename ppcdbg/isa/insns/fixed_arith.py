"""Fixed-point arithmetic (Power ISA I 3.3.8, 3.3.9).

OE and Rc are static, so each combination is its own op. ``divw`` and ``mullw`` set OV from the 64-bit result.
"""

from __future__ import annotations

from ppcdbg.isa.bits import M32
from ppcdbg.isa.forms import BC, RA, RA0, RB, RT, SI, SIS, XH, XO, A, D
from ppcdbg.isa.insn import Chapter
from ppcdbg.isa.ops import Flag, Operands, Ops, Value
from ppcdbg.isa.slots import CA, OV, SO

chapter = Chapter()
insn = chapter.insn


def _overflow(m: Ops, overflow: Flag) -> None:
    m.reg[OV] = overflow
    m.reg[SO] = m.reg[SO] | overflow


def _finish(m: Ops, f: Operands, value: Value, overflow: Flag | None = None) -> None:
    """Write RT, then OV/SO and CR0 as OE and Rc ask."""
    m.gpr[f.RT] = value
    if f.OE:
        _overflow(m, overflow)
    if f.Rc:
        m.record(value)


def _sum(m: Ops, f: Operands, a: Value, b: Value, carry: Flag) -> Flag:
    """RT = a + b + carry with OV; gives the carry out."""
    total, out = m.add_carry(a, b, carry)
    _finish(m, f, total, ((a ^ total) & (b ^ total)) >> 31 if f.OE else None)
    return out


@insn("addi", D(14, RT, RA0, SI), "RT, RA0, SI", book="I 3.3.8", alters={"RT"})
def addi(m: Ops, f: Operands) -> None:
    m.gpr[f.RT] = (m.gpr[f.RA0] + f.SI) & M32


@insn("addis", D(15, RT, RA0, SIS), "RT, RA0, SIS", book="I 3.3.8", alters={"RT"})
def addis(m: Ops, f: Operands) -> None:
    m.gpr[f.RT] = (m.gpr[f.RA0] + f.SIS) & M32


@insn("addic", D(12, RT, RA, SI), "RT, RA, SI", book="I 3.3.8", alters={"RT", "CA"})
def addic(m: Ops, f: Operands) -> None:
    total, m.reg[CA] = m.add_carry(m.gpr[f.RA], f.SI, 0)
    m.gpr[f.RT] = total


@insn("addic.", D(13, RT, RA, SI), "RT, RA, SI", book="I 3.3.8", alters={"RT", "CA", "CR0"})
def addic_(m: Ops, f: Operands) -> None:
    total, m.reg[CA] = m.add_carry(m.gpr[f.RA], f.SI, 0)
    m.gpr[f.RT] = total
    m.record(total)


@insn("subfic", D(8, RT, RA, SI), "RT, RA, SI", book="I 3.3.8", alters={"RT", "CA"})
def subfic(m: Ops, f: Operands) -> None:
    total, m.reg[CA] = m.add_carry(m.gpr[f.RA] ^ M32, f.SI, 1)
    m.gpr[f.RT] = total


@insn("mulli", D(7, RT, RA, SI), "RT, RA, SI", book="I 3.3.8", alters={"RT"})
def mulli(m: Ops, f: Operands) -> None:
    m.gpr[f.RT] = (m.gpr[f.RA] * f.SI) & M32


@insn("add", XO(31, 266, RT, RA, RB), "RT, RA, RB", book="I 3.3.8", alters={"RT", "OV", "CR0"})
def add(m: Ops, f: Operands) -> None:
    _sum(m, f, m.gpr[f.RA], m.gpr[f.RB], 0)


@insn("addc", XO(31, 10, RT, RA, RB), "RT, RA, RB", book="I 3.3.8", alters={"RT", "CA", "OV", "CR0"})
def addc(m: Ops, f: Operands) -> None:
    m.reg[CA] = _sum(m, f, m.gpr[f.RA], m.gpr[f.RB], 0)


@insn("adde", XO(31, 138, RT, RA, RB), "RT, RA, RB", book="I 3.3.8", alters={"RT", "CA", "OV", "CR0"})
def adde(m: Ops, f: Operands) -> None:
    m.reg[CA] = _sum(m, f, m.gpr[f.RA], m.gpr[f.RB], m.reg[CA])


@insn("addme", XO(31, 234, RT, RA), "RT, RA", book="I 3.3.8", alters={"RT", "CA", "OV", "CR0"})
def addme(m: Ops, f: Operands) -> None:
    m.reg[CA] = _sum(m, f, m.gpr[f.RA], m.gpr[32] + M32, m.reg[CA])


@insn("addze", XO(31, 202, RT, RA), "RT, RA", book="I 3.3.8", alters={"RT", "CA", "OV", "CR0"})
def addze(m: Ops, f: Operands) -> None:
    m.reg[CA] = _sum(m, f, m.gpr[f.RA], m.gpr[32], m.reg[CA])


@insn("subf", XO(31, 40, RT, RA, RB), "RT, RA, RB", book="I 3.3.8", alters={"RT", "OV", "CR0"})
def subf(m: Ops, f: Operands) -> None:
    _sum(m, f, m.gpr[f.RA] ^ M32, m.gpr[f.RB], 1)


@insn("subfc", XO(31, 8, RT, RA, RB), "RT, RA, RB", book="I 3.3.8", alters={"RT", "CA", "OV", "CR0"})
def subfc(m: Ops, f: Operands) -> None:
    m.reg[CA] = _sum(m, f, m.gpr[f.RA] ^ M32, m.gpr[f.RB], 1)


@insn("subfe", XO(31, 136, RT, RA, RB), "RT, RA, RB", book="I 3.3.8", alters={"RT", "CA", "OV", "CR0"})
def subfe(m: Ops, f: Operands) -> None:
    m.reg[CA] = _sum(m, f, m.gpr[f.RA] ^ M32, m.gpr[f.RB], m.reg[CA])


@insn("subfme", XO(31, 232, RT, RA), "RT, RA", book="I 3.3.8", alters={"RT", "CA", "OV", "CR0"})
def subfme(m: Ops, f: Operands) -> None:
    m.reg[CA] = _sum(m, f, m.gpr[f.RA] ^ M32, m.gpr[32] + M32, m.reg[CA])


@insn("subfze", XO(31, 200, RT, RA), "RT, RA", book="I 3.3.8", alters={"RT", "CA", "OV", "CR0"})
def subfze(m: Ops, f: Operands) -> None:
    m.reg[CA] = _sum(m, f, m.gpr[f.RA] ^ M32, m.gpr[32], m.reg[CA])


@insn("neg", XO(31, 104, RT, RA), "RT, RA", book="I 3.3.8", alters={"RT", "OV", "CR0"})
def neg(m: Ops, f: Operands) -> None:
    _sum(m, f, m.gpr[f.RA] ^ M32, m.gpr[32], 1)


@insn("mullw", XO(31, 235, RT, RA, RB), "RT, RA, RB", book="I 3.3.8", alters={"RT", "OV", "CR0"})
def mullw(m: Ops, f: Operands) -> None:
    a, b = m.gpr[f.RA], m.gpr[f.RB]
    low = (a * b) & M32
    _finish(m, f, low, m.ne(m.mulhs(a, b), m.sar(low, 31)) if f.OE else None)


@insn("mulhw", XH(31, 75, RT, RA, RB), "RT, RA, RB", book="I 3.3.8", alters={"RT", "CR0"})
def mulhw(m: Ops, f: Operands) -> None:
    value = m.mulhs(m.gpr[f.RA], m.gpr[f.RB])
    m.gpr[f.RT] = value
    if f.Rc:
        m.record(value)


@insn("mulhwu", XH(31, 11, RT, RA, RB), "RT, RA, RB", book="I 3.3.8", alters={"RT", "CR0"})
def mulhwu(m: Ops, f: Operands) -> None:
    value = m.mulhu(m.gpr[f.RA], m.gpr[f.RB])
    m.gpr[f.RT] = value
    if f.Rc:
        m.record(value)


@insn("divw", XO(31, 491, RT, RA, RB), "RT, RA, RB", book="I 3.3.8", alters={"RT", "OV", "CR0"})
def divw(m: Ops, f: Operands) -> None:
    a, b = m.gpr[f.RA], m.gpr[f.RB]
    undefined = m.eq(b, 0) | m.eq(a, 0x80000000) & m.eq(b, M32) if f.OE else None
    _finish(m, f, m.divs(a, b), undefined)


@insn("divwu", XO(31, 459, RT, RA, RB), "RT, RA, RB", book="I 3.3.8", alters={"RT", "OV", "CR0"})
def divwu(m: Ops, f: Operands) -> None:
    a, b = m.gpr[f.RA], m.gpr[f.RB]
    _finish(m, f, m.divu(a, b), m.eq(b, 0) if f.OE else None)


@insn("isel", A(31, 15, RT, RA0, RB, BC), "RT, RA0, RB, BC", book="I 3.3.17", alters={"RT"})
def isel(m: Ops, f: Operands) -> None:
    m.gpr[f.RT] = m.select(m.cr_bit(f.BC), m.gpr[f.RA0], m.gpr[f.RB])
