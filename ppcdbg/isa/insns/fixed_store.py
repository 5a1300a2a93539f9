"""Fixed-point stores (Power ISA I 3.3.3, 3.3.4, 3.3.5), store multiple, and store conditional (II 4.4.2)."""

from __future__ import annotations

from ppcdbg.isa.bits import M32
from ppcdbg.isa.forms import D_ as DISP
from ppcdbg.isa.forms import RA, RA0, RB, RS, D, X
from ppcdbg.isa.insn import Chapter
from ppcdbg.isa.ops import Operands, Ops, Value
from ppcdbg.isa.slots import SO

chapter = Chapter()
insn = chapter.insn


def _d(m: Ops, f: Operands) -> Value:
    return (m.gpr[f.RA0] + f.D) & M32


def _x(m: Ops, f: Operands) -> Value:
    return (m.gpr[f.RA0] + m.gpr[f.RB]) & M32


def _store_update_d(m: Ops, f: Operands, size: int) -> None:
    ea = (m.gpr[f.RA] + f.D) & M32
    m.store(size, ea, m.gpr[f.RS])
    m.gpr[f.RA] = ea


def _store_update_x(m: Ops, f: Operands, size: int) -> None:
    ea = (m.gpr[f.RA] + m.gpr[f.RB]) & M32
    m.store(size, ea, m.gpr[f.RS])
    m.gpr[f.RA] = ea


@insn("stb", D(38, RS, RA0, DISP), "RS, D(RA0)", book="I 3.3.3")
def stb(m: Ops, f: Operands) -> None:
    m.store(1, _d(m, f), m.gpr[f.RS])


@insn("stbu", D(39, RS, RA, DISP), "RS, D(RA)", book="I 3.3.3", alters={"RA"})
def stbu(m: Ops, f: Operands) -> None:
    _store_update_d(m, f, 1)


@insn("stbx", X(31, 215, RS, RA0, RB), "RS, RA0, RB", book="I 3.3.3")
def stbx(m: Ops, f: Operands) -> None:
    m.store(1, _x(m, f), m.gpr[f.RS])


@insn("stbux", X(31, 247, RS, RA, RB), "RS, RA, RB", book="I 3.3.3", alters={"RA"})
def stbux(m: Ops, f: Operands) -> None:
    _store_update_x(m, f, 1)


@insn("sth", D(44, RS, RA0, DISP), "RS, D(RA0)", book="I 3.3.3")
def sth(m: Ops, f: Operands) -> None:
    m.store(2, _d(m, f), m.gpr[f.RS])


@insn("sthu", D(45, RS, RA, DISP), "RS, D(RA)", book="I 3.3.3", alters={"RA"})
def sthu(m: Ops, f: Operands) -> None:
    _store_update_d(m, f, 2)


@insn("sthx", X(31, 407, RS, RA0, RB), "RS, RA0, RB", book="I 3.3.3")
def sthx(m: Ops, f: Operands) -> None:
    m.store(2, _x(m, f), m.gpr[f.RS])


@insn("sthux", X(31, 439, RS, RA, RB), "RS, RA, RB", book="I 3.3.3", alters={"RA"})
def sthux(m: Ops, f: Operands) -> None:
    _store_update_x(m, f, 2)


@insn("stw", D(36, RS, RA0, DISP), "RS, D(RA0)", book="I 3.3.3")
def stw(m: Ops, f: Operands) -> None:
    m.store(4, _d(m, f), m.gpr[f.RS])


@insn("stwu", D(37, RS, RA, DISP), "RS, D(RA)", book="I 3.3.3", alters={"RA"})
def stwu(m: Ops, f: Operands) -> None:
    _store_update_d(m, f, 4)


@insn("stwx", X(31, 151, RS, RA0, RB), "RS, RA0, RB", book="I 3.3.3")
def stwx(m: Ops, f: Operands) -> None:
    m.store(4, _x(m, f), m.gpr[f.RS])


@insn("stwux", X(31, 183, RS, RA, RB), "RS, RA, RB", book="I 3.3.3", alters={"RA"})
def stwux(m: Ops, f: Operands) -> None:
    _store_update_x(m, f, 4)


@insn("sthbrx", X(31, 918, RS, RA0, RB), "RS, RA0, RB", book="I 3.3.4")
def sthbrx(m: Ops, f: Operands) -> None:
    m.store(2, _x(m, f), m.bswap16(m.gpr[f.RS]))


@insn("stwbrx", X(31, 662, RS, RA0, RB), "RS, RA0, RB", book="I 3.3.4")
def stwbrx(m: Ops, f: Operands) -> None:
    m.store(4, _x(m, f), m.bswap32(m.gpr[f.RS]))


@insn("stmw", D(47, RS, RA0, DISP), "RS, D(RA0)", book="I 3.3.5")
def stmw(m: Ops, f: Operands) -> None:
    m.store_multiple(f.RS, _d(m, f))


@insn("stwcx.", X(31, 150, RS, RA0, RB, rc=1), "RS, RA0, RB", book="II 4.4.2", alters={"CR0", "RESERVE"})
def stwcx_(m: Ops, f: Operands) -> None:
    m.cr[0] = m.store_conditional(_x(m, f), m.gpr[f.RS]) << 1 | m.reg[SO]
