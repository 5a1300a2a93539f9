"""Condition register instructions and moves (Power ISA I 2.5, 3.3.16)."""

from __future__ import annotations

from ppcdbg.isa.forms import BA, BB, BF, BFA, BT, FXM, RS, RT, XFX, XL, X
from ppcdbg.isa.insn import Chapter
from ppcdbg.isa.ops import Operands, Ops
from ppcdbg.isa.slots import CA, OV, SO

chapter = Chapter()
insn = chapter.insn


@insn("crand", XL(19, 257, BT, BA, BB), "BT, BA, BB", book="I 2.5.1", alters={"CR"})
def crand(m: Ops, f: Operands) -> None:
    m.set_cr_bit(f.BT, m.cr_bit(f.BA) & m.cr_bit(f.BB))


@insn("cror", XL(19, 449, BT, BA, BB), "BT, BA, BB", book="I 2.5.1", alters={"CR"})
def cror(m: Ops, f: Operands) -> None:
    m.set_cr_bit(f.BT, m.cr_bit(f.BA) | m.cr_bit(f.BB))


@insn("crxor", XL(19, 193, BT, BA, BB), "BT, BA, BB", book="I 2.5.1", alters={"CR"})
def crxor(m: Ops, f: Operands) -> None:
    m.set_cr_bit(f.BT, m.cr_bit(f.BA) ^ m.cr_bit(f.BB))


@insn("crnand", XL(19, 225, BT, BA, BB), "BT, BA, BB", book="I 2.5.1", alters={"CR"})
def crnand(m: Ops, f: Operands) -> None:
    m.set_cr_bit(f.BT, m.cr_bit(f.BA) & m.cr_bit(f.BB) ^ 1)


@insn("crnor", XL(19, 33, BT, BA, BB), "BT, BA, BB", book="I 2.5.1", alters={"CR"})
def crnor(m: Ops, f: Operands) -> None:
    m.set_cr_bit(f.BT, (m.cr_bit(f.BA) | m.cr_bit(f.BB)) ^ 1)


@insn("creqv", XL(19, 289, BT, BA, BB), "BT, BA, BB", book="I 2.5.1", alters={"CR"})
def creqv(m: Ops, f: Operands) -> None:
    m.set_cr_bit(f.BT, m.cr_bit(f.BA) ^ m.cr_bit(f.BB) ^ 1)


@insn("crandc", XL(19, 129, BT, BA, BB), "BT, BA, BB", book="I 2.5.1", alters={"CR"})
def crandc(m: Ops, f: Operands) -> None:
    m.set_cr_bit(f.BT, m.cr_bit(f.BA) & (m.cr_bit(f.BB) ^ 1))


@insn("crorc", XL(19, 417, BT, BA, BB), "BT, BA, BB", book="I 2.5.1", alters={"CR"})
def crorc(m: Ops, f: Operands) -> None:
    m.set_cr_bit(f.BT, m.cr_bit(f.BA) | m.cr_bit(f.BB) ^ 1)


@insn("mcrf", XL(19, 0, BF, BFA), "BF, BFA", book="I 2.5.2", alters={"CR"})
def mcrf(m: Ops, f: Operands) -> None:
    m.cr[f.BF] = m.cr[f.BFA]


@insn("mcrxr", X(31, 512, BF), "BF", book="I E.3", alters={"CR", "XER"})
def mcrxr(m: Ops, f: Operands) -> None:
    m.cr[f.BF] = m.reg[SO] << 3 | m.reg[OV] << 2 | m.reg[CA] << 1
    m.reg[SO] = m.reg[32]
    m.reg[OV] = m.reg[32]
    m.reg[CA] = m.reg[32]


@insn("mfcr", XFX(31, 19, RT, bit11=0), "RT", book="I 3.3.16", alters={"RT"})
def mfcr(m: Ops, f: Operands) -> None:
    word = m.cr[0]
    for i in range(1, 8):
        word = word << 4 | m.cr[i]
    m.gpr[f.RT] = word


@insn("mfocrf", XFX(31, 19, RT, FXM, bit11=1), "RT, FXM", book="I 3.3.16", alters={"RT"})
def mfocrf(m: Ops, f: Operands) -> None:
    # The fields that FXM does not name are undefined; they read as they are.
    word = m.cr[0]
    for i in range(1, 8):
        word = word << 4 | m.cr[i]
    m.gpr[f.RT] = word


def _to_fields(m: Ops, f: Operands) -> None:
    value = m.gpr[f.RS]
    for i in range(8):
        if f.FXM & 0x80 >> i:
            m.cr[i] = value >> (28 - 4 * i) & 15


@insn("mtcrf", XFX(31, 144, RS, FXM, bit11=0), "FXM, RS", book="I 3.3.16", alters={"CR"})
def mtcrf(m: Ops, f: Operands) -> None:
    _to_fields(m, f)


@insn("mtocrf", XFX(31, 144, RS, FXM, bit11=1), "FXM, RS", book="I 3.3.16", alters={"CR"})
def mtocrf(m: Ops, f: Operands) -> None:
    _to_fields(m, f)
