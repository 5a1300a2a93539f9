"""Classic floating point of e500mc (Power ISA I 4.6); e500v2 has none of it and takes these for illegal instructions.

What e500mc lacks is not here: fsqrt, fsqrts, fre, frsqrtes, fctid, fctidz, fcfid, fcpsgn, lfiwax, frin and its kin, and
everything newer (e500mc reference manual, instruction set listing; QEMU's e500mc has the same set). FPSCR has 32 bits
there, so the W and L bits of mtfsf and mtfsfi are reserved, and ignored like all reserved bits.

A body writes target, FPSCR and CR1 and then, where the operation itself causes an enabled exception, calls
``m.float_enabled_exception()``: the Program interrupt at this instruction, if MSR[FE0,FE1] ask for it (III-E 7.6.7).
A Move To FPSCR does so where it leaves FEX=1. The arithmetic is :mod:`ppcdbg.isa.softfloat`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ppcdbg.isa import softfloat as sf
from ppcdbg.isa import softfloat_fpscr as status
from ppcdbg.isa.bits import M32
from ppcdbg.isa.forms import BF, BFA, BT, FLM, FRA, FRB, FRC, FRS, FRT, RA, RA0, RB, RC, U4, A, D, Form, X
from ppcdbg.isa.forms import D_ as DISP
from ppcdbg.isa.insn import E500MC, Chapter
from ppcdbg.isa.ops import Operands, Ops, Value
from ppcdbg.isa.slots import FPSCR
from ppcdbg.isa.softfloat_round import SIGN, TO_ZERO, Result

chapter = Chapter()
insn = partial(chapter.insn, cores=frozenset({E500MC}), fp=True)

_ARITH = frozenset({"FRT", "FPSCR", "CR"})
_XFL_MTFSF = Form("XFL", 63 << 26 | 711 << 1, 0xFC0007FE, (FLM, FRB, RC))


def _d(m: Ops, f: Operands) -> Value:
    return (m.gpr[f.RA0] + f.D) & M32


def _du(m: Ops, f: Operands) -> Value:
    return (m.gpr[f.RA] + f.D) & M32


def _x(m: Ops, f: Operands) -> Value:
    return (m.gpr[f.RA0] + m.gpr[f.RB]) & M32


def _xu(m: Ops, f: Operands) -> Value:
    return (m.gpr[f.RA] + m.gpr[f.RB]) & M32


def _record(m: Ops, f: Operands) -> None:
    """CR1 gets FX FEX VX OX (I 4.6.1)."""
    if f.Rc:
        m.cr[1] = m.shr(m.reg[FPSCR], 28)


def _finish(m: Any, f: Operands, result: Result) -> None:
    """Target, FPSCR, CR1, and the interrupt of an arithmetic or conversion instruction."""
    value, outcome = result
    before = m.reg[FPSCR]
    m.reg[FPSCR] = after = status.settled(before, outcome)
    if value is not None:
        m.fpr[f.FRT] = value
    if f.Rc:
        m.cr[1] = after >> 28
    if status.enabled(before, outcome):
        m.float_enabled_exception()


def _moved(m: Any, f: Operands, after: int) -> None:
    """FPSCR and CR1 after a Move To FPSCR, and its interrupt."""
    m.reg[FPSCR] = after
    if f.Rc:
        m.cr[1] = after >> 28
    if after & status.FEX:
        m.float_enabled_exception()


@insn("lfs", D(48, FRT, RA0, DISP), "FRT, D(RA0)", book="I 4.6.2", alters={"FRT"}, native=False)
def lfs(m: Ops, f: Operands) -> None:
    m.fpr[f.FRT] = sf.double_of(m.load(4, _d(m, f)))


@insn("lfsu", D(49, FRT, RA, DISP), "FRT, D(RA)", book="I 4.6.2", alters={"FRT", "RA"}, native=False)
def lfsu(m: Ops, f: Operands) -> None:
    ea = _du(m, f)
    m.fpr[f.FRT] = sf.double_of(m.load(4, ea))
    m.gpr[f.RA] = ea


@insn("lfsx", X(31, 535, FRT, RA0, RB), "FRT, RA0, RB", book="I 4.6.2", alters={"FRT"}, native=False)
def lfsx(m: Ops, f: Operands) -> None:
    m.fpr[f.FRT] = sf.double_of(m.load(4, _x(m, f)))


@insn("lfsux", X(31, 567, FRT, RA, RB), "FRT, RA, RB", book="I 4.6.2", alters={"FRT", "RA"}, native=False)
def lfsux(m: Ops, f: Operands) -> None:
    ea = _xu(m, f)
    m.fpr[f.FRT] = sf.double_of(m.load(4, ea))
    m.gpr[f.RA] = ea


@insn("lfd", D(50, FRT, RA0, DISP), "FRT, D(RA0)", book="I 4.6.2", alters={"FRT"})
def lfd(m: Ops, f: Operands) -> None:
    m.fpr[f.FRT] = m.load64(_d(m, f))


@insn("lfdu", D(51, FRT, RA, DISP), "FRT, D(RA)", book="I 4.6.2", alters={"FRT", "RA"})
def lfdu(m: Ops, f: Operands) -> None:
    ea = _du(m, f)
    m.fpr[f.FRT] = m.load64(ea)
    m.gpr[f.RA] = ea


@insn("lfdx", X(31, 599, FRT, RA0, RB), "FRT, RA0, RB", book="I 4.6.2", alters={"FRT"})
def lfdx(m: Ops, f: Operands) -> None:
    m.fpr[f.FRT] = m.load64(_x(m, f))


@insn("lfdux", X(31, 631, FRT, RA, RB), "FRT, RA, RB", book="I 4.6.2", alters={"FRT", "RA"})
def lfdux(m: Ops, f: Operands) -> None:
    ea = _xu(m, f)
    m.fpr[f.FRT] = m.load64(ea)
    m.gpr[f.RA] = ea


@insn("stfs", D(52, FRS, RA0, DISP), "FRS, D(RA0)", book="I 4.6.3", native=False)
def stfs(m: Ops, f: Operands) -> None:
    m.store(4, _d(m, f), sf.single_of(m.fpr[f.FRS]))


@insn("stfsu", D(53, FRS, RA, DISP), "FRS, D(RA)", book="I 4.6.3", alters={"RA"}, native=False)
def stfsu(m: Ops, f: Operands) -> None:
    ea = _du(m, f)
    m.store(4, ea, sf.single_of(m.fpr[f.FRS]))
    m.gpr[f.RA] = ea


@insn("stfsx", X(31, 663, FRS, RA0, RB), "FRS, RA0, RB", book="I 4.6.3", native=False)
def stfsx(m: Ops, f: Operands) -> None:
    m.store(4, _x(m, f), sf.single_of(m.fpr[f.FRS]))


@insn("stfsux", X(31, 695, FRS, RA, RB), "FRS, RA, RB", book="I 4.6.3", alters={"RA"}, native=False)
def stfsux(m: Ops, f: Operands) -> None:
    ea = _xu(m, f)
    m.store(4, ea, sf.single_of(m.fpr[f.FRS]))
    m.gpr[f.RA] = ea


@insn("stfd", D(54, FRS, RA0, DISP), "FRS, D(RA0)", book="I 4.6.3")
def stfd(m: Ops, f: Operands) -> None:
    m.store64(_d(m, f), m.fpr[f.FRS])


@insn("stfdu", D(55, FRS, RA, DISP), "FRS, D(RA)", book="I 4.6.3", alters={"RA"})
def stfdu(m: Ops, f: Operands) -> None:
    ea = _du(m, f)
    m.store64(ea, m.fpr[f.FRS])
    m.gpr[f.RA] = ea


@insn("stfdx", X(31, 727, FRS, RA0, RB), "FRS, RA0, RB", book="I 4.6.3")
def stfdx(m: Ops, f: Operands) -> None:
    m.store64(_x(m, f), m.fpr[f.FRS])


@insn("stfdux", X(31, 759, FRS, RA, RB), "FRS, RA, RB", book="I 4.6.3", alters={"RA"})
def stfdux(m: Ops, f: Operands) -> None:
    ea = _xu(m, f)
    m.store64(ea, m.fpr[f.FRS])
    m.gpr[f.RA] = ea


@insn("stfiwx", X(31, 983, FRS, RA0, RB), "FRS, RA0, RB", book="I 4.6.3", native=False)
def stfiwx(m: Ops, f: Operands) -> None:
    m.store(4, _x(m, f), m.fpr[f.FRS] & M32)


@insn("fmr", X(63, 72, FRT, FRB, RC), "FRT, FRB", book="I 4.6.5", alters={"FRT", "CR"})
def fmr(m: Ops, f: Operands) -> None:
    m.fpr[f.FRT] = m.fpr[f.FRB]
    _record(m, f)


@insn("fneg", X(63, 40, FRT, FRB, RC), "FRT, FRB", book="I 4.6.5", alters={"FRT", "CR"})
def fneg(m: Ops, f: Operands) -> None:
    m.fpr[f.FRT] = m.fpr[f.FRB] ^ SIGN
    _record(m, f)


@insn("fabs", X(63, 264, FRT, FRB, RC), "FRT, FRB", book="I 4.6.5", alters={"FRT", "CR"})
def fabs(m: Ops, f: Operands) -> None:
    m.fpr[f.FRT] = m.fpr[f.FRB] & sf.MAGNITUDE
    _record(m, f)


@insn("fnabs", X(63, 136, FRT, FRB, RC), "FRT, FRB", book="I 4.6.5", alters={"FRT", "CR"})
def fnabs(m: Ops, f: Operands) -> None:
    m.fpr[f.FRT] = m.fpr[f.FRB] | SIGN
    _record(m, f)


@insn("fadd", A(63, 21, FRT, FRA, FRB, RC), "FRT, FRA, FRB", book="I 4.6.6.1", alters=_ARITH, native=False)
def fadd(m: Ops, f: Operands) -> None:
    _finish(m, f, sf.add(m.fpr[f.FRA], m.fpr[f.FRB], False, m.reg[FPSCR]))


@insn("fadds", A(59, 21, FRT, FRA, FRB, RC), "FRT, FRA, FRB", book="I 4.6.6.1", alters=_ARITH, native=False)
def fadds(m: Ops, f: Operands) -> None:
    _finish(m, f, sf.add(m.fpr[f.FRA], m.fpr[f.FRB], True, m.reg[FPSCR]))


@insn("fsub", A(63, 20, FRT, FRA, FRB, RC), "FRT, FRA, FRB", book="I 4.6.6.1", alters=_ARITH, native=False)
def fsub(m: Ops, f: Operands) -> None:
    _finish(m, f, sf.sub(m.fpr[f.FRA], m.fpr[f.FRB], False, m.reg[FPSCR]))


@insn("fsubs", A(59, 20, FRT, FRA, FRB, RC), "FRT, FRA, FRB", book="I 4.6.6.1", alters=_ARITH, native=False)
def fsubs(m: Ops, f: Operands) -> None:
    _finish(m, f, sf.sub(m.fpr[f.FRA], m.fpr[f.FRB], True, m.reg[FPSCR]))


@insn("fdiv", A(63, 18, FRT, FRA, FRB, RC), "FRT, FRA, FRB", book="I 4.6.6.1", alters=_ARITH, native=False)
def fdiv(m: Ops, f: Operands) -> None:
    _finish(m, f, sf.div(m.fpr[f.FRA], m.fpr[f.FRB], False, m.reg[FPSCR]))


@insn("fdivs", A(59, 18, FRT, FRA, FRB, RC), "FRT, FRA, FRB", book="I 4.6.6.1", alters=_ARITH, native=False)
def fdivs(m: Ops, f: Operands) -> None:
    _finish(m, f, sf.div(m.fpr[f.FRA], m.fpr[f.FRB], True, m.reg[FPSCR]))


@insn("fmul", A(63, 25, FRT, FRA, FRC, RC), "FRT, FRA, FRC", book="I 4.6.6.1", alters=_ARITH, native=False)
def fmul(m: Ops, f: Operands) -> None:
    _finish(m, f, sf.mul(m.fpr[f.FRA], m.fpr[f.FRC], False, m.reg[FPSCR]))


@insn("fmuls", A(59, 25, FRT, FRA, FRC, RC), "FRT, FRA, FRC", book="I 4.6.6.1", alters=_ARITH, native=False)
def fmuls(m: Ops, f: Operands) -> None:
    _finish(m, f, sf.mul(m.fpr[f.FRA], m.fpr[f.FRC], True, m.reg[FPSCR]))


@insn("fres", A(59, 24, FRT, FRB, RC), "FRT, FRB", book="I 4.6.6.1", alters=_ARITH, native=False)
def fres(m: Ops, f: Operands) -> None:
    _finish(m, f, sf.reciprocal_estimate(m.fpr[f.FRB], m.reg[FPSCR]))


@insn("frsqrte", A(63, 26, FRT, FRB, RC), "FRT, FRB", book="I 4.6.6.1", alters=_ARITH, native=False)
def frsqrte(m: Ops, f: Operands) -> None:
    _finish(m, f, sf.reciprocal_root_estimate(m.fpr[f.FRB], m.reg[FPSCR]))


@insn("fmadd", A(63, 29, FRT, FRA, FRC, FRB, RC), "FRT, FRA, FRC, FRB", book="I 4.6.6.2", alters=_ARITH, native=False)
def fmadd(m: Ops, f: Operands) -> None:
    _finish(m, f, sf.multiply_add(m.fpr[f.FRA], m.fpr[f.FRC], m.fpr[f.FRB], False, m.reg[FPSCR]))


@insn("fmadds", A(59, 29, FRT, FRA, FRC, FRB, RC), "FRT, FRA, FRC, FRB", book="I 4.6.6.2", alters=_ARITH, native=False)
def fmadds(m: Ops, f: Operands) -> None:
    _finish(m, f, sf.multiply_add(m.fpr[f.FRA], m.fpr[f.FRC], m.fpr[f.FRB], True, m.reg[FPSCR]))


@insn("fmsub", A(63, 28, FRT, FRA, FRC, FRB, RC), "FRT, FRA, FRC, FRB", book="I 4.6.6.2", alters=_ARITH, native=False)
def fmsub(m: Ops, f: Operands) -> None:
    _finish(m, f, sf.multiply_add(m.fpr[f.FRA], m.fpr[f.FRC], m.fpr[f.FRB], False, m.reg[FPSCR], True))


@insn("fmsubs", A(59, 28, FRT, FRA, FRC, FRB, RC), "FRT, FRA, FRC, FRB", book="I 4.6.6.2", alters=_ARITH, native=False)
def fmsubs(m: Ops, f: Operands) -> None:
    _finish(m, f, sf.multiply_add(m.fpr[f.FRA], m.fpr[f.FRC], m.fpr[f.FRB], True, m.reg[FPSCR], True))


@insn("fnmadd", A(63, 31, FRT, FRA, FRC, FRB, RC), "FRT, FRA, FRC, FRB", book="I 4.6.6.2", alters=_ARITH, native=False)
def fnmadd(m: Ops, f: Operands) -> None:
    _finish(m, f, sf.negative_multiply_add(m.fpr[f.FRA], m.fpr[f.FRC], m.fpr[f.FRB], False, m.reg[FPSCR]))


@insn("fnmadds", A(59, 31, FRT, FRA, FRC, FRB, RC), "FRT, FRA, FRC, FRB", book="I 4.6.6.2", alters=_ARITH, native=False)
def fnmadds(m: Ops, f: Operands) -> None:
    _finish(m, f, sf.negative_multiply_add(m.fpr[f.FRA], m.fpr[f.FRC], m.fpr[f.FRB], True, m.reg[FPSCR]))


@insn("fnmsub", A(63, 30, FRT, FRA, FRC, FRB, RC), "FRT, FRA, FRC, FRB", book="I 4.6.6.2", alters=_ARITH, native=False)
def fnmsub(m: Ops, f: Operands) -> None:
    _finish(m, f, sf.negative_multiply_add(m.fpr[f.FRA], m.fpr[f.FRC], m.fpr[f.FRB], False, m.reg[FPSCR], True))


@insn("fnmsubs", A(59, 30, FRT, FRA, FRC, FRB, RC), "FRT, FRA, FRC, FRB", book="I 4.6.6.2", alters=_ARITH, native=False)
def fnmsubs(m: Ops, f: Operands) -> None:
    _finish(m, f, sf.negative_multiply_add(m.fpr[f.FRA], m.fpr[f.FRC], m.fpr[f.FRB], True, m.reg[FPSCR], True))


@insn("frsp", X(63, 12, FRT, FRB, RC), "FRT, FRB", book="I 4.6.7.1", alters=_ARITH, native=False)
def frsp(m: Ops, f: Operands) -> None:
    _finish(m, f, sf.round_to_single(m.fpr[f.FRB], m.reg[FPSCR]))


@insn("fctiw", X(63, 14, FRT, FRB, RC), "FRT, FRB", book="I 4.6.7.2", alters=_ARITH, native=False)
def fctiw(m: Ops, f: Operands) -> None:
    _finish(m, f, sf.to_word(m.fpr[f.FRB], m.reg[FPSCR] & status.RN, m.reg[FPSCR]))


@insn("fctiwz", X(63, 15, FRT, FRB, RC), "FRT, FRB", book="I 4.6.7.2", alters=_ARITH, native=False)
def fctiwz(m: Ops, f: Operands) -> None:
    _finish(m, f, sf.to_word(m.fpr[f.FRB], TO_ZERO, m.reg[FPSCR]))


def _compare(m: Any, f: Operands, ordered: bool) -> None:
    before = m.reg[FPSCR]
    condition, outcome = sf.compare(m.fpr[f.FRA], m.fpr[f.FRB], ordered, before)
    m.reg[FPSCR] = status.compared(before, condition, outcome)
    m.cr[f.BF] = condition
    if status.enabled(before, outcome):
        m.float_enabled_exception()


@insn("fcmpu", X(63, 0, BF, FRA, FRB), "BF, FRA, FRB", book="I 4.6.8", alters={"CR", "FPSCR"}, native=False)
def fcmpu(m: Ops, f: Operands) -> None:
    _compare(m, f, False)


@insn("fcmpo", X(63, 32, BF, FRA, FRB), "BF, FRA, FRB", book="I 4.6.8", alters={"CR", "FPSCR"}, native=False)
def fcmpo(m: Ops, f: Operands) -> None:
    _compare(m, f, True)


@insn(
    "fsel", A(63, 23, FRT, FRA, FRC, FRB, RC), "FRT, FRA, FRC, FRB", book="I 4.6.9", alters={"FRT", "CR"}, native=False
)
def fsel(m: Ops, f: Operands) -> None:
    m.fpr[f.FRT] = sf.select(m.fpr[f.FRA], m.fpr[f.FRC], m.fpr[f.FRB])
    _record(m, f)


@insn("mffs", X(63, 583, FRT, RC), "FRT", book="I 4.6.10", alters={"FRT", "CR"}, native=False)
def mffs(m: Ops, f: Operands) -> None:
    """The high half of FRT is undefined by the book; 0, as in QEMU."""
    m.fpr[f.FRT] = m.reg[FPSCR]
    _record(m, f)


@insn("mcrfs", X(63, 64, BF, BFA), "BF, BFA", book="I 4.6.10", alters={"CR", "FPSCR"}, native=False)
def mcrfs(m: Ops, f: Operands) -> None:
    m.cr[f.BF], m.reg[FPSCR] = status.field_moved(m.reg[FPSCR], f.BFA)


@insn("mtfsfi", X(63, 134, BF, U4, RC), "BF, U", book="I 4.6.10", alters={"FPSCR", "CR"}, native=False)
def mtfsfi(m: Ops, f: Operands) -> None:
    shift = 28 - 4 * f.BF
    _moved(m, f, status.written(m.reg[FPSCR], f.U << shift, 15 << shift))


@insn("mtfsf", _XFL_MTFSF, "FLM, FRB", book="I 4.6.10", alters={"FPSCR", "CR"}, native=False)
def mtfsf(m: Ops, f: Operands) -> None:
    mask = sum(15 << 4 * i for i in range(8) if f.FLM >> i & 1)
    _moved(m, f, status.written(m.reg[FPSCR], m.fpr[f.FRB], mask))


@insn("mtfsb0", X(63, 70, BT, RC), "BT", book="I 4.6.10", alters={"FPSCR", "CR"}, native=False)
def mtfsb0(m: Ops, f: Operands) -> None:
    m.reg[FPSCR] = status.written(m.reg[FPSCR], 0, 1 << 31 - f.BT)
    _record(m, f)


@insn("mtfsb1", X(63, 38, BT, RC), "BT", book="I 4.6.10", alters={"FPSCR", "CR"}, native=False)
def mtfsb1(m: Ops, f: Operands) -> None:
    _moved(m, f, status.bit_set(m.reg[FPSCR], 1 << 31 - f.BT))
