"""Fixed-point loads (Power ISA I 3.3.2, 3.3.4, 3.3.5), load multiple, and load and reserve (II 4.4.2).

An update form writes RA before RT, so that RT wins where the book calls the form invalid (RA = RT). Misaligned
scalar accesses are carried out by these cores; lmw and lwarx take alignment interrupts.
"""

from __future__ import annotations

from ppcdbg.isa.bits import M32
from ppcdbg.isa.forms import D_ as DISP
from ppcdbg.isa.forms import RA, RA0, RB, RT, D, X
from ppcdbg.isa.insn import Chapter
from ppcdbg.isa.ops import Operands, Ops, Value

chapter = Chapter()
insn = chapter.insn


def _d(m: Ops, f: Operands) -> Value:
    return (m.gpr[f.RA0] + f.D) & M32


def _du(m: Ops, f: Operands) -> Value:
    return (m.gpr[f.RA] + f.D) & M32


def _x(m: Ops, f: Operands) -> Value:
    return (m.gpr[f.RA0] + m.gpr[f.RB]) & M32


def _xu(m: Ops, f: Operands) -> Value:
    return (m.gpr[f.RA] + m.gpr[f.RB]) & M32


def _update(m: Ops, f: Operands, ea: Value, value: Value) -> None:
    m.gpr[f.RA] = ea
    m.gpr[f.RT] = value


@insn("lbz", D(34, RT, RA0, DISP), "RT, D(RA0)", book="I 3.3.2", alters={"RT"})
def lbz(m: Ops, f: Operands) -> None:
    m.gpr[f.RT] = m.load(1, _d(m, f))


@insn("lbzu", D(35, RT, RA, DISP), "RT, D(RA)", book="I 3.3.2", alters={"RT", "RA"})
def lbzu(m: Ops, f: Operands) -> None:
    ea = _du(m, f)
    _update(m, f, ea, m.load(1, ea))


@insn("lbzx", X(31, 87, RT, RA0, RB), "RT, RA0, RB", book="I 3.3.2", alters={"RT"})
def lbzx(m: Ops, f: Operands) -> None:
    m.gpr[f.RT] = m.load(1, _x(m, f))


@insn("lbzux", X(31, 119, RT, RA, RB), "RT, RA, RB", book="I 3.3.2", alters={"RT", "RA"})
def lbzux(m: Ops, f: Operands) -> None:
    ea = _xu(m, f)
    _update(m, f, ea, m.load(1, ea))


@insn("lhz", D(40, RT, RA0, DISP), "RT, D(RA0)", book="I 3.3.2", alters={"RT"})
def lhz(m: Ops, f: Operands) -> None:
    m.gpr[f.RT] = m.load(2, _d(m, f))


@insn("lhzu", D(41, RT, RA, DISP), "RT, D(RA)", book="I 3.3.2", alters={"RT", "RA"})
def lhzu(m: Ops, f: Operands) -> None:
    ea = _du(m, f)
    _update(m, f, ea, m.load(2, ea))


@insn("lhzx", X(31, 279, RT, RA0, RB), "RT, RA0, RB", book="I 3.3.2", alters={"RT"})
def lhzx(m: Ops, f: Operands) -> None:
    m.gpr[f.RT] = m.load(2, _x(m, f))


@insn("lhzux", X(31, 311, RT, RA, RB), "RT, RA, RB", book="I 3.3.2", alters={"RT", "RA"})
def lhzux(m: Ops, f: Operands) -> None:
    ea = _xu(m, f)
    _update(m, f, ea, m.load(2, ea))


@insn("lha", D(42, RT, RA0, DISP), "RT, D(RA0)", book="I 3.3.2", alters={"RT"})
def lha(m: Ops, f: Operands) -> None:
    m.gpr[f.RT] = m.sext16(m.load(2, _d(m, f)))


@insn("lhau", D(43, RT, RA, DISP), "RT, D(RA)", book="I 3.3.2", alters={"RT", "RA"})
def lhau(m: Ops, f: Operands) -> None:
    ea = _du(m, f)
    _update(m, f, ea, m.sext16(m.load(2, ea)))


@insn("lhax", X(31, 343, RT, RA0, RB), "RT, RA0, RB", book="I 3.3.2", alters={"RT"})
def lhax(m: Ops, f: Operands) -> None:
    m.gpr[f.RT] = m.sext16(m.load(2, _x(m, f)))


@insn("lhaux", X(31, 375, RT, RA, RB), "RT, RA, RB", book="I 3.3.2", alters={"RT", "RA"})
def lhaux(m: Ops, f: Operands) -> None:
    ea = _xu(m, f)
    _update(m, f, ea, m.sext16(m.load(2, ea)))


@insn("lwz", D(32, RT, RA0, DISP), "RT, D(RA0)", book="I 3.3.2", alters={"RT"})
def lwz(m: Ops, f: Operands) -> None:
    m.gpr[f.RT] = m.load(4, _d(m, f))


@insn("lwzu", D(33, RT, RA, DISP), "RT, D(RA)", book="I 3.3.2", alters={"RT", "RA"})
def lwzu(m: Ops, f: Operands) -> None:
    ea = _du(m, f)
    _update(m, f, ea, m.load(4, ea))


@insn("lwzx", X(31, 23, RT, RA0, RB), "RT, RA0, RB", book="I 3.3.2", alters={"RT"})
def lwzx(m: Ops, f: Operands) -> None:
    m.gpr[f.RT] = m.load(4, _x(m, f))


@insn("lwzux", X(31, 55, RT, RA, RB), "RT, RA, RB", book="I 3.3.2", alters={"RT", "RA"})
def lwzux(m: Ops, f: Operands) -> None:
    ea = _xu(m, f)
    _update(m, f, ea, m.load(4, ea))


@insn("lhbrx", X(31, 790, RT, RA0, RB), "RT, RA0, RB", book="I 3.3.4", alters={"RT"})
def lhbrx(m: Ops, f: Operands) -> None:
    m.gpr[f.RT] = m.bswap16(m.load(2, _x(m, f)))


@insn("lwbrx", X(31, 534, RT, RA0, RB), "RT, RA0, RB", book="I 3.3.4", alters={"RT"})
def lwbrx(m: Ops, f: Operands) -> None:
    m.gpr[f.RT] = m.bswap32(m.load(4, _x(m, f)))


@insn("lmw", D(46, RT, RA0, DISP), "RT, D(RA0)", book="I 3.3.5", alters={"RT"})
def lmw(m: Ops, f: Operands) -> None:
    m.load_multiple(f.RT, _d(m, f))


@insn("lwarx", X(31, 20, RT, RA0, RB), "RT, RA0, RB", book="II 4.4.2", alters={"RT", "RESERVE"})
def lwarx(m: Ops, f: Operands) -> None:
    m.gpr[f.RT] = m.load_reserve(_x(m, f))
