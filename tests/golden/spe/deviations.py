"""Where QEMU 7.2's SPE on e500v2 is not the book's, each with its reason and the bits that may then differ.

A deviation gives a mask for a case and our outcome, so that everything else is still compared to the bit. The test
demands that each of them really occurs: a corrected QEMU shows up as a deviation to delete. Not to be seen here: QEMU
takes no alignment interrupt for vector accesses, sets no ESR[SPV], wants MSR[SPE] for scalar single precision
arithmetic but for no conversion, and has the 64-bit conversions (efdcfsid and its kin) that e500v2 lacks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ppcdbg.isa import spe_status as status
from ppcdbg.isa.softfloat_embedded import DOUBLE, SINGLE
from tests.golden.spe.cases import Case, is_float
from tests.golden.spe.qemu import Outcome

HIGH, LOW, ALL, NONE = 0xFFFFFFFF00000000, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF, 0
CR2, CR1_CR2 = 0x00F00000, 0x0FF00000
ABSENT = re.compile(r"evm(h.*|w[hl].*|w[us]mian|ws[ms]f.*)|ev(add|subf)[us][ms]iaaw|evdivw[us]")
_ERRORS = status.FINV | status.FDBZ | status.FOVF | status.FUNF


@dataclass(frozen=True)
class Deviation:
    """``mask(case, ours)``: the bits that may differ; all zeros where it does not apply."""

    name: str
    reason: str
    mask: Callable[[Case, Outcome], Outcome]


def _bits(
    target: int = 0, acc: int = 0, memory: int = 0, spefscr: int = 0, cr: int = 0, interrupts: int = 0
) -> Outcome:
    return Outcome(target, acc, memory, spefscr, cr, interrupts)


def _target_of(*names: str, mask: int = ALL) -> Callable[[Case, Outcome], Outcome]:
    return lambda case, ours: _bits(mask if case.name in names else 0)


def is_compare(case: Case) -> bool:
    return is_float(case.name) and ("cmp" in case.name or "tst" in case.name)


def _elements(case: Case, ours: Outcome) -> Iterator[tuple[int, int]]:
    """Where each result lies in the target, and its flags."""
    if not is_float(case.name) or is_compare(case):
        return
    if case.name.startswith("evfs"):
        yield HIGH, ours.spefscr >> status.TO_HIGH & status.ELEMENT
    narrow = not case.name.startswith("efd") or "ct" in case.name
    yield LOW if narrow else ALL, ours.spefscr & status.ELEMENT


def _absent(case: Case, ours: Outcome) -> Outcome:
    return _bits(ALL, ALL, 0, LOW, 0, 1) if ABSENT.fullmatch(case.name) else _bits()


def _ieee(case: Case, ours: Outcome) -> Outcome:
    return _bits(sum(mask for mask, flags in _elements(case, ours) if flags & _ERRORS))


def _nearest(case: Case, ours: Outcome) -> Outcome:
    if not case.spefscr & (status.FRMC | status.FINXE):
        return _bits()
    inexact = sum(mask for mask, flags in _elements(case, ours) if flags & (status.FG | status.FX))
    if case.name.endswith(("add", "sub")) and case.spefscr & status.FRMC == status.TO_MINUS_INFINITY:
        for mask, _ in _elements(case, ours):
            sign = mask & ~(mask >> 1)
            inexact |= sign if ours.target & mask == sign else 0
    return _bits(inexact)


def _signed_fractions(case: Case, ours: Outcome) -> Outcome:
    return _bits(sum(mask for mask, _ in _elements(case, ours)) if case.name.endswith(("cfsf", "ctsf")) else 0)


def _special_comparison(case: Case, ours: Outcome) -> Outcome:
    if not is_compare(case) or case.name.startswith("evfs"):
        return _bits()
    form, mask = (DOUBLE, ALL) if case.name.startswith("efd") else (SINGLE, LOW)
    return _bits(cr=CR2 if form.is_error(case.a & mask) or form.is_error(case.b & mask) else 0)


def _vector_comparison(case: Case, ours: Outcome) -> Outcome:
    return _bits(cr=CR1_CR2 if is_compare(case) and case.name.startswith("evfs") else 0)


def _spread_sign(case: Case, ours: Outcome) -> Outcome:
    return _bits(HIGH if case.name == "evfsctsi" and ours.target >> 31 & 1 else 0)


DEVIATIONS = (
    Deviation(
        "absent",
        "Most multiplies, the divides and the sums with ACC are illegal instructions in QEMU.",
        _absent,
    ),
    Deviation(
        "SPEFSCR",
        "QEMU's embedded floating point leaves SPEFSCR alone: no flags, no sticky bits, no interrupts.",
        lambda case, ours: _bits(spefscr=LOW if is_float(case.name) else 0),
    ),
    Deviation(
        "IEEE results",
        "Input errors, overflow, underflow and zero divides give IEEE results in QEMU, the defaults of I 9.4 here.",
        _ieee,
    ),
    Deviation("FRMC", "QEMU rounds to nearest whatever FRMC and FINXE say.", _nearest),
    Deviation(
        "signed fractions",
        "QEMU scales by 2**32 as for unsigned fractions; a signed one has 31 bits behind the point (I 9.3.3).",
        _signed_fractions,
    ),
    Deviation(
        "comparing special operands",
        "Infinities, NaNs and denormalized numbers count as normalized ones (I 9.3.3); QEMU compares as IEEE.",
        _special_comparison,
    ),
    Deviation(
        "vector comparisons",
        "QEMU puts high and low result together at the wrong places, and one even into the field before BF.",
        _vector_comparison,
    ),
    Deviation("evfsctsi", "The sign of QEMU's low result spreads over the high one.", _spread_sign),
    Deviation("evrndw", "QEMU keeps the lower halfword instead of the upper one.", _target_of("evrndw")),
    Deviation(
        "shifts by registers",
        "QEMU's evslw, evsrwu and evsrws give the count.",
        _target_of("evslw", "evsrwu", "evsrws"),
    ),
    Deviation("evldh", "QEMU mixes up the halfwords of the two words.", _target_of("evldh", "evldhx")),
    Deviation(
        "evlwhsplat", "QEMU ORs the upper word into the lower.", _target_of("evlwhsplat", "evlwhsplatx", mask=LOW)
    ),
    Deviation(
        "brinc",
        "The mask has as many bits as the implementation likes; 16 in QEMU, 32 here.",
        _target_of("brinc", mask=LOW),
    ),
)
