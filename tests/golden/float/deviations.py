"""Where QEMU 7.2's floating point on e500mc is not the book's, each with its reason and what may then differ.

A deviation is a condition on the case and on our outcome, so that everything else is still compared to the bit. The
test demands that each of them really occurs: a corrected QEMU shows up as a deviation to delete.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ppcdbg.isa import softfloat_fpscr as status
from ppcdbg.isa.softfloat import MAGNITUDE, is_signalling
from ppcdbg.isa.softfloat_round import INFINITY
from tests.golden.float.cases import MOVES, SINGLE, Case
from tests.golden.float.qemu import Outcome

_C = status.FPRF & ~status.FPCC
_CR1, _CR1_FX = 0x0F000000, 0x08000000
_COMPARES = ("fcmpu", "fcmpo")
_QUIET = ("fmr", "fneg", "fabs", "fnabs", "fsel", *MOVES)  # neither raise nor round
_NEGATIVE_FUSED = ("fnmadd", "fnmsub", "fnmadds", "fnmsubs")


@dataclass(frozen=True)
class Deviation:
    """``applies(case, ours)``; then the bits of FPSCR and CR given here, target or interrupt may differ."""

    name: str
    reason: str
    applies: Callable[[Case, Outcome], bool]
    fpscr: int = 0
    cr: int = 0
    target: bool = False
    interrupt: bool = False


def _exponent(pattern: int) -> int:
    return pattern >> 52 & 0x7FF


def _refused_nan(case: Case, ours: Outcome) -> bool:
    operands = (case.a, case.b, case.c)
    return bool(ours.interrupts and case.fpscr & status.VE and any(is_signalling(x) for x in operands))


def _is_nan(pattern: int) -> bool:
    return pattern & MAGNITUDE > INFINITY


def _sets_new_bit(case: Case) -> bool:
    bit = 1 << 31 - (case.word >> 21 & 31)
    return case.name == "mtfsb1" and bool(bit & status.EXCEPTIONS & ~case.fpscr)


DEVIATIONS = (
    Deviation(
        "FR",
        "QEMU does not compute FR: it clears it at best (I 4.2.2 bit 45).",
        lambda case, ours: case.name not in (*_QUIET, *_COMPARES),
        fpscr=status.FR,
    ),
    Deviation(
        "FI stays",
        "A signalling NaN with VE=1 clears FR and FI (I 4.4.1.2); QEMU leaves for the interrupt before it does.",
        lambda case, ours: case.name not in (*_QUIET, *_COMPARES) and _refused_nan(case, ours),
        fpscr=status.FI,
    ),
    Deviation(
        "FX again",
        "QEMU sets FX on every exception, the book only where an exception bit changes from 0 to 1 (I 4.2.2 bit 32).",
        lambda case, ours: (
            case.name not in _QUIET and bool(case.fpscr & status.EXCEPTIONS) and not ours.fpscr & status.FX
        ),
        fpscr=status.FX,
        cr=_CR1_FX,
    ),
    Deviation(
        "CR1 before the interrupt",
        "QEMU leaves the instruction for the Program interrupt before Rc=1 is served; CR1 is an effect like FPSCR.",
        lambda case, ours: case.name not in (*MOVES, *_COMPARES) and ours.interrupts > 0 and bool(case.word & 1),
        cr=_CR1,
    ),
    Deviation(
        "FPRF of single denormals",
        "QEMU classifies the double pattern; in single precision the result is a denormalized number (I A.1).",
        lambda case, ours: (
            case.name in (*SINGLE, "frsp") and 0 < _exponent(ours.target) < 897 and bool(ours.fpscr & _C)
        ),
        fpscr=_C,
    ),
    Deviation(
        "compare clears FI",
        "QEMU runs its status check after fcmpu and fcmpo; they alter only FPCC and the exception bits (I 4.6.8).",
        lambda case, ours: case.name in _COMPARES and bool(case.fpscr & status.FI),
        fpscr=status.FI,
    ),
    Deviation(
        "fcmpo sets C",
        "On VXVC QEMU writes all of FPRF as for a NaN result; C is not altered (I 4.4.1.2, 4.6.8).",
        lambda case, ours: case.name == "fcmpo" and (_is_nan(case.a) or _is_nan(case.b)),
        fpscr=_C,
    ),
    Deviation(
        "fcmpo VXVC with VE",
        "With VE=1 a signalling NaN raises only VXSNAN (I 4.6.8); QEMU adds VXVC.",
        lambda case, ours: (
            case.name == "fcmpo" and bool(case.fpscr & status.VE) and (is_signalling(case.a) or is_signalling(case.b))
        ),
        fpscr=status.VXVC,
    ),
    Deviation(
        "fres of zero",
        "QEMU gives one half of B's sign; the book an infinity (I 4.6.6.1).",
        lambda case, ours: case.name == "fres" and case.b << 1 & (1 << 64) - 1 == 0,
        fpscr=status.FPRF,
        target=True,
    ),
    Deviation(
        "frsp beyond single",
        "On enabled overflow or underflow of a double far outside the single range QEMU adjusts the exponent after "
        "wrapping it to single; the book's model adds or subtracts 192 and delivers that (I A.1).",
        lambda case, ours: case.name == "frsp" and ours.interrupts > 0 and not 897 <= _exponent(ours.target) <= 1150,
        target=True,
    ),
    Deviation(
        "negation before rounding",
        "QEMU rounds the negated sum of fnmadd and fnmsub, the book negates the rounded one (I 4.6.6.2): "
        "toward an infinity this is another neighbour.",
        lambda case, ours: (
            case.name in _NEGATIVE_FUSED and case.fpscr & status.RN >= 2 and bool(ours.fpscr & status.FI)
        ),
        fpscr=status.FPRF | status.OX | status.FEX,
        cr=_CR1,
        target=True,
        interrupt=True,
    ),
    Deviation(
        "VXSNAN beside VXIMZ",
        "Infinity times zero plus a signalling NaN raises both (I 4.4.1.1); QEMU only VXIMZ.",
        lambda case, ours: bool(ours.fpscr & status.VXIMZ and is_signalling(case.b)) and "m" in case.name[:3],
        fpscr=status.VXSNAN,
    ),
    Deviation(
        "mtfsb1 and FX",
        "Setting an exception bit by mtfsb1 sets FX (I 4.6.10); not in QEMU.",
        lambda case, ours: _sets_new_bit(case),
        fpscr=status.FX,
        cr=_CR1_FX,
    ),
    Deviation(
        "mtfsb1 of NI",
        "QEMU refuses to set NI by mtfsb1, though not by mtfsf; both are moves to FPSCR.",
        lambda case, ours: case.name == "mtfsb1" and case.word >> 21 & 31 == 29,
        fpscr=status.NI,
    ),
)
