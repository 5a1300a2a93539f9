"""External-PID accesses and cache instructions, and decorated storage (III-E 5.4.3, 5.11.3; e500mc RM 3.4.3).

The context of the access is EPLC's for loads and EPSC's for stores: EPR, EAS, EGS, ELPID, EPID in place of PR, DS,
GS, LPID, PID. Decorated accesses take the address from RB; memory ignores the decoration in RA.
"""

from __future__ import annotations

from collections.abc import Callable

from ppcdbg.isa.bits import M32
from ppcdbg.isa.forms import CT, FRS, FRT, RA, RA0, RB, RS, RT, Field, Form, X
from ppcdbg.isa.insn import E500MC, Body, Chapter, Privilege
from ppcdbg.isa.ops import Operands, Ops, SystemOps, Value

chapter = Chapter()


def _ea(m: Ops, f: Operands) -> Value:
    return (m.gpr[f.RA0] + m.gpr[f.RB]) & M32


def insn(
    name: str,
    form: Form,
    operands: str,
    *,
    book: str = "III-E 5.4.3",
    alters: set[str] | frozenset[str] = frozenset(),
    fp: bool = False,
) -> Callable[[Body], Body]:
    """As ``Chapter.insn``, with what all of this chapter have in common."""
    return chapter.insn(name, form, operands, book=book, alters=alters, fp=fp, privilege=Privilege.SUPERVISOR,
                        cores={E500MC}, native=False)  # fmt: skip


@insn("lbepx", X(31, 95, RT, RA0, RB), "RT, RA0, RB", alters={"RT"})
def lbepx(m: SystemOps, f: Operands) -> None:
    m.gpr[f.RT] = m.external_load(1, _ea(m, f))


@insn("lhepx", X(31, 287, RT, RA0, RB), "RT, RA0, RB", alters={"RT"})
def lhepx(m: SystemOps, f: Operands) -> None:
    m.gpr[f.RT] = m.external_load(2, _ea(m, f))


@insn("lwepx", X(31, 31, RT, RA0, RB), "RT, RA0, RB", alters={"RT"})
def lwepx(m: SystemOps, f: Operands) -> None:
    m.gpr[f.RT] = m.external_load(4, _ea(m, f))


@insn("lfdepx", X(31, 607, FRT, RA0, RB), "FRT, RA0, RB", alters={"FRT"}, fp=True)
def lfdepx(m: SystemOps, f: Operands) -> None:
    m.fpr[f.FRT] = m.external_load(8, _ea(m, f))


@insn("stbepx", X(31, 223, RS, RA0, RB), "RS, RA0, RB")
def stbepx(m: SystemOps, f: Operands) -> None:
    m.external_store(1, _ea(m, f), m.gpr[f.RS])


@insn("sthepx", X(31, 415, RS, RA0, RB), "RS, RA0, RB")
def sthepx(m: SystemOps, f: Operands) -> None:
    m.external_store(2, _ea(m, f), m.gpr[f.RS])


@insn("stwepx", X(31, 159, RS, RA0, RB), "RS, RA0, RB")
def stwepx(m: SystemOps, f: Operands) -> None:
    m.external_store(4, _ea(m, f), m.gpr[f.RS])


@insn("stfdepx", X(31, 735, FRS, RA0, RB), "FRS, RA0, RB", fp=True)
def stfdepx(m: SystemOps, f: Operands) -> None:
    m.external_store(8, _ea(m, f), m.fpr[f.FRS])


@insn("dcbfep", X(31, 127, RA0, RB), "RA0, RB", book="III-E 5.11.3")
def dcbfep(m: SystemOps, f: Operands) -> None:
    m.external_check(_ea(m, f), write=False)


@insn("dcbstep", X(31, 63, RA0, RB), "RA0, RB", book="III-E 5.11.3")
def dcbstep(m: SystemOps, f: Operands) -> None:
    m.external_check(_ea(m, f), write=False)


@insn("dcbtep", X(31, 319, CT, RA0, RB), "CT, RA0, RB", book="III-E 5.11.3")
def dcbtep(m: SystemOps, f: Operands) -> None:
    pass


@insn("dcbtstep", X(31, 255, CT, RA0, RB), "CT, RA0, RB", book="III-E 5.11.3")
def dcbtstep(m: SystemOps, f: Operands) -> None:
    pass


@insn("dcbzep", X(31, 1023, RA0, RB), "RA0, RB", book="III-E 5.11.3")
def dcbzep(m: SystemOps, f: Operands) -> None:
    m.external_zero(_ea(m, f))


@insn("icbiep", X(31, 991, RA0, RB), "RA0, RB", book="III-E 5.11.3")
def icbiep(m: SystemOps, f: Operands) -> None:
    m.external_check(_ea(m, f), write=False)


def _decorated(name: str, xo: int, *fields: Field, operands: str, fp: bool = False) -> Callable[[Body], Body]:
    return chapter.insn(name, X(31, xo, *fields), operands, book="e500mc RM 3.4.3.3", cores={E500MC}, fp=fp)


@_decorated("lbdx", 515, RT, RA, RB, operands="RT, RA, RB")
def lbdx(m: Ops, f: Operands) -> None:
    m.gpr[f.RT] = m.load(1, m.gpr[f.RB])


@_decorated("lhdx", 547, RT, RA, RB, operands="RT, RA, RB")
def lhdx(m: Ops, f: Operands) -> None:
    m.gpr[f.RT] = m.load(2, m.gpr[f.RB])


@_decorated("lwdx", 579, RT, RA, RB, operands="RT, RA, RB")
def lwdx(m: Ops, f: Operands) -> None:
    m.gpr[f.RT] = m.load(4, m.gpr[f.RB])


@_decorated("lfddx", 803, FRT, RA, RB, operands="FRT, RA, RB", fp=True)
def lfddx(m: Ops, f: Operands) -> None:
    m.fpr[f.FRT] = m.load64(m.gpr[f.RB])


@_decorated("stbdx", 643, RS, RA, RB, operands="RS, RA, RB")
def stbdx(m: Ops, f: Operands) -> None:
    m.store(1, m.gpr[f.RB], m.gpr[f.RS])


@_decorated("sthdx", 675, RS, RA, RB, operands="RS, RA, RB")
def sthdx(m: Ops, f: Operands) -> None:
    m.store(2, m.gpr[f.RB], m.gpr[f.RS])


@_decorated("stwdx", 707, RS, RA, RB, operands="RS, RA, RB")
def stwdx(m: Ops, f: Operands) -> None:
    m.store(4, m.gpr[f.RB], m.gpr[f.RS])


@_decorated("stfddx", 931, FRS, RA, RB, operands="FRS, RA, RB", fp=True)
def stfddx(m: Ops, f: Operands) -> None:
    m.store64(m.gpr[f.RB], m.fpr[f.FRS])


@_decorated("dsn", 483, RA, RB, operands="RA, RB")
def dsn(m: Ops, f: Operands) -> None:
    pass  # a notification to a device that ignores it
