"""Moves to and from device control registers (Power ISA III-E 5.4.1, category Embedded.Device Control).

Neither e500 has them: there the words are illegal instructions, unless the machine says that its core does, as a 440
would (`--dcr on`). The user-mode forms mfdcrux and mtdcrux are not there.
"""

from __future__ import annotations

from ppcdbg.isa.forms import RA, RS, RT, SPR, XFX, X
from ppcdbg.isa.insn import Chapter
from ppcdbg.isa.ops import Operands, SystemOps

chapter = Chapter()
insn = chapter.insn


@insn("mfdcr", XFX(31, 323, RT, SPR), "RT, DCR", book="III-E 5.4.1", alters={"RT"}, native=False)
def mfdcr(m: SystemOps, f: Operands) -> None:
    m.gpr[f.RT] = m.read_dcr(f.SPR)


@insn("mfdcrx", X(31, 259, RT, RA), "RT, RA", book="III-E 5.4.1", alters={"RT"}, native=False)
def mfdcrx(m: SystemOps, f: Operands) -> None:
    m.gpr[f.RT] = m.read_dcr(m.gpr[f.RA])


@insn("mtdcr", XFX(31, 451, SPR, RS), "DCR, RS", book="III-E 5.4.1", native=False)
def mtdcr(m: SystemOps, f: Operands) -> None:
    m.write_dcr(f.SPR, m.gpr[f.RS])


@insn("mtdcrx", X(31, 387, RA, RS), "RA, RS", book="III-E 5.4.1", native=False)
def mtdcrx(m: SystemOps, f: Operands) -> None:
    m.write_dcr(m.gpr[f.RA], m.gpr[f.RS])
