"""Branches and system call (Power ISA I 2.4, 3.2).

The branch target is computed before LR is written (bclrl takes the old LR). BO hints are ignored.
"""

from __future__ import annotations

from ppcdbg.isa.bits import M32
from ppcdbg.isa.forms import BI, BO, LK, SC, XL, B, I
from ppcdbg.isa.insn import Chapter
from ppcdbg.isa.ops import Flag, Operands, Ops
from ppcdbg.isa.slots import CTR, LR

chapter = Chapter()
insn = chapter.insn


def _taken(m: Ops, f: Operands) -> Flag:
    """BO and BI decide; decrements CTR when BO asks. Python's ``if`` sees BO, which is static."""
    taken: Flag = 1
    if not f.BO & 4:
        count = (m.reg[CTR] - 1) & M32
        m.reg[CTR] = count
        taken = m.eq(count, 0) if f.BO & 2 else m.ne(count, 0)
    if not f.BO & 16:
        bit = m.cr_bit(f.BI) if f.BO & 8 else m.cr_bit(f.BI) ^ 1
        taken = taken & bit
    return taken


@insn("b", I(18), "LI", book="I 2.4", alters={"LR"}, ends=True)
def b(m: Ops, f: Operands) -> None:
    if f.LK:
        m.reg[LR] = m.nia
    if f.AA:
        m.jump(f.LI)
    else:
        m.jump_relative(f.LI)


@insn("bc", B(16), "BO, BI, BD", book="I 2.4", alters={"LR", "CTR"}, ends=True)
def bc(m: Ops, f: Operands) -> None:
    taken = _taken(m, f)
    if f.LK:
        m.reg[LR] = m.nia
    if f.AA:
        m.jump(f.BD, taken)
    else:
        m.jump_relative(f.BD, taken)


@insn("bclr", XL(19, 16, BO, BI, LK), "BO, BI", book="I 2.4", alters={"LR", "CTR"}, ends=True)
def bclr(m: Ops, f: Operands) -> None:
    target = m.reg[LR] & 0xFFFFFFFC
    taken = _taken(m, f)
    if f.LK:
        m.reg[LR] = m.nia
    m.jump(target, taken)


@insn("bcctr", XL(19, 528, BO, BI, LK), "BO, BI", book="I 2.4", alters={"LR"}, ends=True)
def bcctr(m: Ops, f: Operands) -> None:
    target = m.reg[CTR] & 0xFFFFFFFC
    taken = _taken(m, f)
    if f.LK:
        m.reg[LR] = m.nia
    m.jump(target, taken)


@insn("sc", SC(17), "LEV", book="I 2.5, III-E 4.3", ends=True)
def sc(m: Ops, f: Operands) -> None:
    m.system_call(f.LEV)
