"""Scalar single precision of e500v2 (Power ISA I 9.3.3; category SP.FS), in the lower words of GPRs.

It needs no MSR[SPE], since it knows no upper word (III-E 7.6, SPE Unavailable, names the other three categories);
efscfd reads one and does. Sign operations and tests detect no errors, as the book permits. The arithmetic is
:mod:`ppcdbg.isa.softfloat_embedded`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ppcdbg.isa import softfloat_embedded as ef
from ppcdbg.isa.forms import BF, EVX, RA, RB, RT
from ppcdbg.isa.insn import E500V2, Chapter
from ppcdbg.isa.ops import Operands
from ppcdbg.isa.softfloat_embedded import SF, SI, SINGLE, UF, UI
from ppcdbg.isa.spe_float import SPEFSCR, double, finish_compare, finish_single

chapter = Chapter()
insn = partial(chapter.insn, cores=frozenset({E500V2}), native=False, book="I 9.3.3")
RESULT = frozenset({"RT", "SPEFSCR"})
CONDITION = frozenset({"CR", "SPEFSCR"})


@insn("efsabs", EVX(708, RT, RA), "RT, RA", alters={"RT"})
def efsabs(m: Any, f: Operands) -> None:
    m.gpr[f.RT] = m.gpr[f.RA] & 0x7FFFFFFF


@insn("efsnabs", EVX(709, RT, RA), "RT, RA", alters={"RT"})
def efsnabs(m: Any, f: Operands) -> None:
    m.gpr[f.RT] = m.gpr[f.RA] | 0x80000000


@insn("efsneg", EVX(710, RT, RA), "RT, RA", alters={"RT"})
def efsneg(m: Any, f: Operands) -> None:
    m.gpr[f.RT] = m.gpr[f.RA] ^ 0x80000000


@insn("efsadd", EVX(704, RT, RA, RB), "RT, RA, RB", alters=RESULT)
def efsadd(m: Any, f: Operands) -> None:
    finish_single(m, f.RT, ef.add(SINGLE, m.gpr[f.RA], m.gpr[f.RB], m.reg[SPEFSCR]))


@insn("efssub", EVX(705, RT, RA, RB), "RT, RA, RB", alters=RESULT)
def efssub(m: Any, f: Operands) -> None:
    finish_single(m, f.RT, ef.sub(SINGLE, m.gpr[f.RA], m.gpr[f.RB], m.reg[SPEFSCR]))


@insn("efsmul", EVX(712, RT, RA, RB), "RT, RA, RB", alters=RESULT)
def efsmul(m: Any, f: Operands) -> None:
    finish_single(m, f.RT, ef.mul(SINGLE, m.gpr[f.RA], m.gpr[f.RB], m.reg[SPEFSCR]))


@insn("efsdiv", EVX(713, RT, RA, RB), "RT, RA, RB", alters=RESULT)
def efsdiv(m: Any, f: Operands) -> None:
    finish_single(m, f.RT, ef.div(SINGLE, m.gpr[f.RA], m.gpr[f.RB], m.reg[SPEFSCR]))


@insn("efscmpgt", EVX(716, BF, RA, RB), "BF, RA, RB", alters=CONDITION)
def efscmpgt(m: Any, f: Operands) -> None:
    order, flags = ef.compare(SINGLE, m.gpr[f.RA], m.gpr[f.RB])
    finish_compare(m, f.BF, order > 0, flags)


@insn("efscmplt", EVX(717, BF, RA, RB), "BF, RA, RB", alters=CONDITION)
def efscmplt(m: Any, f: Operands) -> None:
    order, flags = ef.compare(SINGLE, m.gpr[f.RA], m.gpr[f.RB])
    finish_compare(m, f.BF, order < 0, flags)


@insn("efscmpeq", EVX(718, BF, RA, RB), "BF, RA, RB", alters=CONDITION)
def efscmpeq(m: Any, f: Operands) -> None:
    order, flags = ef.compare(SINGLE, m.gpr[f.RA], m.gpr[f.RB])
    finish_compare(m, f.BF, order == 0, flags)


@insn("efststgt", EVX(732, BF, RA, RB), "BF, RA, RB", alters={"CR"})
def efststgt(m: Any, f: Operands) -> None:
    m.cr[f.BF] = 4 if ef.compare(SINGLE, m.gpr[f.RA], m.gpr[f.RB])[0] > 0 else 0


@insn("efststlt", EVX(733, BF, RA, RB), "BF, RA, RB", alters={"CR"})
def efststlt(m: Any, f: Operands) -> None:
    m.cr[f.BF] = 4 if ef.compare(SINGLE, m.gpr[f.RA], m.gpr[f.RB])[0] < 0 else 0


@insn("efststeq", EVX(734, BF, RA, RB), "BF, RA, RB", alters={"CR"})
def efststeq(m: Any, f: Operands) -> None:
    m.cr[f.BF] = 4 if ef.compare(SINGLE, m.gpr[f.RA], m.gpr[f.RB])[0] == 0 else 0


@insn("efscfui", EVX(720, RT, RB), "RT, RB", alters=RESULT)
def efscfui(m: Any, f: Operands) -> None:
    finish_single(m, f.RT, ef.from_fixed(SINGLE, m.gpr[f.RB], UI, m.reg[SPEFSCR]))


@insn("efscfsi", EVX(721, RT, RB), "RT, RB", alters=RESULT)
def efscfsi(m: Any, f: Operands) -> None:
    finish_single(m, f.RT, ef.from_fixed(SINGLE, m.gpr[f.RB], SI, m.reg[SPEFSCR]))


@insn("efscfuf", EVX(722, RT, RB), "RT, RB", alters=RESULT)
def efscfuf(m: Any, f: Operands) -> None:
    finish_single(m, f.RT, ef.from_fixed(SINGLE, m.gpr[f.RB], UF, m.reg[SPEFSCR]))


@insn("efscfsf", EVX(723, RT, RB), "RT, RB", alters=RESULT)
def efscfsf(m: Any, f: Operands) -> None:
    finish_single(m, f.RT, ef.from_fixed(SINGLE, m.gpr[f.RB], SF, m.reg[SPEFSCR]))


@insn("efsctui", EVX(724, RT, RB), "RT, RB", alters=RESULT)
def efsctui(m: Any, f: Operands) -> None:
    finish_single(m, f.RT, ef.to_fixed(SINGLE, m.gpr[f.RB], UI, m.reg[SPEFSCR]))


@insn("efsctsi", EVX(725, RT, RB), "RT, RB", alters=RESULT)
def efsctsi(m: Any, f: Operands) -> None:
    finish_single(m, f.RT, ef.to_fixed(SINGLE, m.gpr[f.RB], SI, m.reg[SPEFSCR]))


@insn("efsctuf", EVX(726, RT, RB), "RT, RB", alters=RESULT)
def efsctuf(m: Any, f: Operands) -> None:
    finish_single(m, f.RT, ef.to_fixed(SINGLE, m.gpr[f.RB], UF, m.reg[SPEFSCR]))


@insn("efsctsf", EVX(727, RT, RB), "RT, RB", alters=RESULT)
def efsctsf(m: Any, f: Operands) -> None:
    finish_single(m, f.RT, ef.to_fixed(SINGLE, m.gpr[f.RB], SF, m.reg[SPEFSCR]))


@insn("efsctuiz", EVX(728, RT, RB), "RT, RB", alters=RESULT)
def efsctuiz(m: Any, f: Operands) -> None:
    result = ef.to_fixed(SINGLE, m.gpr[f.RB], UI, m.reg[SPEFSCR], truncate=True)
    finish_single(m, f.RT, result, truncating=True)


@insn("efsctsiz", EVX(730, RT, RB), "RT, RB", alters=RESULT)
def efsctsiz(m: Any, f: Operands) -> None:
    result = ef.to_fixed(SINGLE, m.gpr[f.RB], SI, m.reg[SPEFSCR], truncate=True)
    finish_single(m, f.RT, result, truncating=True)


@insn("efscfd", EVX(719, RT, RB), "RT, RB", alters=RESULT, spe=True)
def efscfd(m: Any, f: Operands) -> None:
    finish_single(m, f.RT, ef.single_from_double(double(m, f.RB), m.reg[SPEFSCR]))
