"""Moves to and from special-purpose registers (Power ISA I 3.3.17, II 5, III-E 5.4.1), performance monitor included.

The SPR number is static, so an engine resolves a plain register when it makes the op.
"""

from __future__ import annotations

from ppcdbg.isa.forms import RS, RT, SPR, XFX, X
from ppcdbg.isa.insn import E500MC, Chapter, Privilege
from ppcdbg.isa.ops import Operands, Ops, SystemOps

chapter = Chapter()
insn = chapter.insn


@insn("mfspr", XFX(31, 339, RT, SPR), "RT, SPR", book="III-E 5.4.1", alters={"RT"})
def mfspr(m: Ops, f: Operands) -> None:
    m.gpr[f.RT] = m.read_spr(f.SPR)


@insn("mtspr", XFX(31, 467, SPR, RS), "SPR, RS", book="III-E 5.4.1", alters={"SPR"}, ends=True)
def mtspr(m: Ops, f: Operands) -> None:
    m.write_spr(f.SPR, m.gpr[f.RS])


@insn("mftb", XFX(31, 371, RT, SPR), "RT, SPR", book="II 5.2", alters={"RT"}, cores={E500MC})
def mftb(m: Ops, f: Operands) -> None:
    """e500v2 takes it for illegal; its assembler makes mfspr of it (Linux commit beb2dc0a7a84, binutils' NO371)."""
    m.gpr[f.RT] = m.read_spr(f.SPR)


@insn("mfmsr", X(31, 83, RT), "RT", book="III-E 5.4.1", alters={"RT"}, privilege=Privilege.SUPERVISOR)
def mfmsr(m: Ops, f: Operands) -> None:
    m.gpr[f.RT] = m.read_msr()


@insn("mfpmr", XFX(31, 334, RT, SPR), "RT, PMR", book="III-E D.4", alters={"RT"}, native=False)
def mfpmr(m: SystemOps, f: Operands) -> None:
    m.gpr[f.RT] = m.read_pmr(f.SPR)


@insn("mtpmr", XFX(31, 462, SPR, RS), "PMR, RS", book="III-E D.4", native=False)
def mtpmr(m: SystemOps, f: Operands) -> None:
    m.write_pmr(f.SPR, m.gpr[f.RS])
