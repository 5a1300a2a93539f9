"""Scalar double precision of e500v2 (Power ISA I 9.3.4; category SP.FD), in 64-bit GPRs.

The conversions from and to 64-bit integers (efdcfsid and its kin) belong to 64-bit implementations and are not here.
Sign operations and tests detect no errors, as the book permits. The arithmetic is
:mod:`ppcdbg.isa.softfloat_embedded`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ppcdbg.isa import softfloat_embedded as ef
from ppcdbg.isa.forms import BF, EVX, RA, RB, RT
from ppcdbg.isa.insn import E500V2, Chapter
from ppcdbg.isa.ops import Operands
from ppcdbg.isa.softfloat_embedded import DOUBLE, SF, SI, UF, UI
from ppcdbg.isa.spe_float import SPEFSCR, double, finish_compare, finish_double, finish_single, set_double

chapter = Chapter()
insn = partial(chapter.insn, cores=frozenset({E500V2}), spe=True, native=False, book="I 9.3.4")
RESULT = frozenset({"RT", "SPEFSCR"})
CONDITION = frozenset({"CR", "SPEFSCR"})


@insn("efdabs", EVX(740, RT, RA), "RT, RA", alters={"RT"})
def efdabs(m: Any, f: Operands) -> None:
    set_double(m, f.RT, double(m, f.RA) & (1 << 63) - 1)


@insn("efdnabs", EVX(741, RT, RA), "RT, RA", alters={"RT"})
def efdnabs(m: Any, f: Operands) -> None:
    set_double(m, f.RT, double(m, f.RA) | 1 << 63)


@insn("efdneg", EVX(742, RT, RA), "RT, RA", alters={"RT"})
def efdneg(m: Any, f: Operands) -> None:
    set_double(m, f.RT, double(m, f.RA) ^ 1 << 63)


@insn("efdadd", EVX(736, RT, RA, RB), "RT, RA, RB", alters=RESULT)
def efdadd(m: Any, f: Operands) -> None:
    finish_double(m, f.RT, ef.add(DOUBLE, double(m, f.RA), double(m, f.RB), m.reg[SPEFSCR]))


@insn("efdsub", EVX(737, RT, RA, RB), "RT, RA, RB", alters=RESULT)
def efdsub(m: Any, f: Operands) -> None:
    finish_double(m, f.RT, ef.sub(DOUBLE, double(m, f.RA), double(m, f.RB), m.reg[SPEFSCR]))


@insn("efdmul", EVX(744, RT, RA, RB), "RT, RA, RB", alters=RESULT)
def efdmul(m: Any, f: Operands) -> None:
    finish_double(m, f.RT, ef.mul(DOUBLE, double(m, f.RA), double(m, f.RB), m.reg[SPEFSCR]))


@insn("efddiv", EVX(745, RT, RA, RB), "RT, RA, RB", alters=RESULT)
def efddiv(m: Any, f: Operands) -> None:
    finish_double(m, f.RT, ef.div(DOUBLE, double(m, f.RA), double(m, f.RB), m.reg[SPEFSCR]))


@insn("efdcmpgt", EVX(748, BF, RA, RB), "BF, RA, RB", alters=CONDITION)
def efdcmpgt(m: Any, f: Operands) -> None:
    order, flags = ef.compare(DOUBLE, double(m, f.RA), double(m, f.RB))
    finish_compare(m, f.BF, order > 0, flags)


@insn("efdcmplt", EVX(749, BF, RA, RB), "BF, RA, RB", alters=CONDITION)
def efdcmplt(m: Any, f: Operands) -> None:
    order, flags = ef.compare(DOUBLE, double(m, f.RA), double(m, f.RB))
    finish_compare(m, f.BF, order < 0, flags)


@insn("efdcmpeq", EVX(750, BF, RA, RB), "BF, RA, RB", alters=CONDITION)
def efdcmpeq(m: Any, f: Operands) -> None:
    order, flags = ef.compare(DOUBLE, double(m, f.RA), double(m, f.RB))
    finish_compare(m, f.BF, order == 0, flags)


@insn("efdtstgt", EVX(764, BF, RA, RB), "BF, RA, RB", alters={"CR"})
def efdtstgt(m: Any, f: Operands) -> None:
    m.cr[f.BF] = 4 if ef.compare(DOUBLE, double(m, f.RA), double(m, f.RB))[0] > 0 else 0


@insn("efdtstlt", EVX(765, BF, RA, RB), "BF, RA, RB", alters={"CR"})
def efdtstlt(m: Any, f: Operands) -> None:
    m.cr[f.BF] = 4 if ef.compare(DOUBLE, double(m, f.RA), double(m, f.RB))[0] < 0 else 0


@insn("efdtsteq", EVX(766, BF, RA, RB), "BF, RA, RB", alters={"CR"})
def efdtsteq(m: Any, f: Operands) -> None:
    m.cr[f.BF] = 4 if ef.compare(DOUBLE, double(m, f.RA), double(m, f.RB))[0] == 0 else 0


@insn("efdcfui", EVX(752, RT, RB), "RT, RB", alters=RESULT)
def efdcfui(m: Any, f: Operands) -> None:
    finish_double(m, f.RT, ef.from_fixed(DOUBLE, m.gpr[f.RB], UI, m.reg[SPEFSCR]))


@insn("efdcfsi", EVX(753, RT, RB), "RT, RB", alters=RESULT)
def efdcfsi(m: Any, f: Operands) -> None:
    finish_double(m, f.RT, ef.from_fixed(DOUBLE, m.gpr[f.RB], SI, m.reg[SPEFSCR]))


@insn("efdcfuf", EVX(754, RT, RB), "RT, RB", alters=RESULT)
def efdcfuf(m: Any, f: Operands) -> None:
    finish_double(m, f.RT, ef.from_fixed(DOUBLE, m.gpr[f.RB], UF, m.reg[SPEFSCR]))


@insn("efdcfsf", EVX(755, RT, RB), "RT, RB", alters=RESULT)
def efdcfsf(m: Any, f: Operands) -> None:
    finish_double(m, f.RT, ef.from_fixed(DOUBLE, m.gpr[f.RB], SF, m.reg[SPEFSCR]))


@insn("efdctui", EVX(756, RT, RB), "RT, RB", alters=RESULT)
def efdctui(m: Any, f: Operands) -> None:
    finish_single(m, f.RT, ef.to_fixed(DOUBLE, double(m, f.RB), UI, m.reg[SPEFSCR]))


@insn("efdctsi", EVX(757, RT, RB), "RT, RB", alters=RESULT)
def efdctsi(m: Any, f: Operands) -> None:
    finish_single(m, f.RT, ef.to_fixed(DOUBLE, double(m, f.RB), SI, m.reg[SPEFSCR]))


@insn("efdctuf", EVX(758, RT, RB), "RT, RB", alters=RESULT)
def efdctuf(m: Any, f: Operands) -> None:
    finish_single(m, f.RT, ef.to_fixed(DOUBLE, double(m, f.RB), UF, m.reg[SPEFSCR]))


@insn("efdctsf", EVX(759, RT, RB), "RT, RB", alters=RESULT)
def efdctsf(m: Any, f: Operands) -> None:
    finish_single(m, f.RT, ef.to_fixed(DOUBLE, double(m, f.RB), SF, m.reg[SPEFSCR]))


@insn("efdctuiz", EVX(760, RT, RB), "RT, RB", alters=RESULT)
def efdctuiz(m: Any, f: Operands) -> None:
    result = ef.to_fixed(DOUBLE, double(m, f.RB), UI, m.reg[SPEFSCR], truncate=True)
    finish_single(m, f.RT, result, truncating=True)


@insn("efdctsiz", EVX(762, RT, RB), "RT, RB", alters=RESULT)
def efdctsiz(m: Any, f: Operands) -> None:
    result = ef.to_fixed(DOUBLE, double(m, f.RB), SI, m.reg[SPEFSCR], truncate=True)
    finish_single(m, f.RT, result, truncating=True)


@insn("efdcfs", EVX(751, RT, RB), "RT, RB", alters=RESULT)
def efdcfs(m: Any, f: Operands) -> None:
    finish_double(m, f.RT, ef.double_from_single(m.gpr[f.RB]), truncating=True)  # nothing to round
