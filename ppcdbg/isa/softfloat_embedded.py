"""Embedded floating point of Power ISA I 9 (SPFP, DPFP) on bit patterns, with Python integers only.

It is not IEEE: infinities, NaNs and denormalized numbers are input errors with default results (I 9.4), an overflow
gives the greatest number and an underflow zero. Each operation takes patterns and SPEFSCR (for FRMC and FINXE) and
gives a pattern and the bits of :mod:`ppcdbg.isa.spe_status`; it writes no register. No host floats.
"""

from __future__ import annotations

from dataclasses import dataclass

from ppcdbg.isa.bits import M32
from ppcdbg.isa.spe_status import FDBZ, FG, FINV, FINXE, FOVF, FRMC, FUNF, FX, NEAREST, TO_MINUS_INFINITY

Element = tuple[int, int]


@dataclass(frozen=True)
class Format:
    """A floating-point format by the widths of its fields."""

    fraction: int
    exponent: int

    @property
    def sign(self) -> int:
        return 1 << self.fraction + self.exponent

    @property
    def bias(self) -> int:
        return (1 << self.exponent - 1) - 1

    @property
    def greatest(self) -> int:
        """pmax: the greatest normalized number."""
        return (1 << self.fraction + self.exponent) - (1 << self.fraction) - 1

    @property
    def least(self) -> int:
        """pmin: the least normalized number."""
        return 1 << self.fraction

    def field(self, x: int) -> int:
        """The biased exponent."""
        return x >> self.fraction & (1 << self.exponent) - 1

    def is_huge(self, x: int) -> bool:
        """Infinity or NaN."""
        return self.field(x) == (1 << self.exponent) - 1

    def is_nan(self, x: int) -> bool:
        return self.is_huge(x) and x & self.least - 1 != 0

    def is_tiny(self, x: int) -> bool:
        """Zero or a denormalized number, which counts as zero."""
        return self.field(x) == 0

    def is_zero(self, x: int) -> bool:
        return x & self.sign - 1 == 0

    def is_error(self, x: int) -> bool:
        """Infinity, NaN or denormalized: the operands that set FINV."""
        return self.is_huge(x) or (self.is_tiny(x) and not self.is_zero(x))

    def split(self, x: int) -> tuple[int, int]:
        """Exponent and significand of a normalized number: its magnitude is ``significand * 2**exponent``."""
        return self.field(x) - self.bias - self.fraction, x & self.least - 1 | self.least


SINGLE = Format(23, 8)
DOUBLE = Format(52, 11)


def _cut(magnitude: int, drop: int, spefscr: int, *, truncate: bool = False) -> Element:
    """``magnitude`` without its ``drop`` lowest bits, rounded as FRMC and FINXE ask, and FG FX for what was cut off."""
    if drop <= 0:
        return magnitude << -drop, 0
    kept = magnitude >> drop
    guard = magnitude >> drop - 1 & 1
    sticky = magnitude & (1 << drop - 1) - 1 != 0
    flags = (FG if guard else 0) | (FX if sticky else 0)
    if guard and (sticky or kept & 1) and not truncate and spefscr & (FINXE | FRMC) == NEAREST:
        kept += 1
    return kept, flags


def _deliver(form: Format, sign: int, exponent: int, magnitude: int, spefscr: int, vanished: int) -> Element:
    """Round the non-zero ``magnitude * 2**exponent``; ``vanished`` is the zero that an underflow gives.

    The unrounded number decides on overflow and underflow (I 9.2.3.2).
    """
    lead = exponent + magnitude.bit_length() - 1
    if lead < 1 - form.bias:
        return vanished, FUNF
    scale = form.bias - form.fraction  # pmax is (2**(fraction + 1) - 1) * 2**scale
    top = (1 << form.fraction + 1) - 1
    beyond = magnitude << exponent - scale > top if exponent >= scale else magnitude > top << scale - exponent
    if beyond:
        return sign | form.greatest, FOVF
    kept, flags = _cut(magnitude, magnitude.bit_length() - 1 - form.fraction, spefscr)
    return sign | (lead + form.bias - 1 << form.fraction) + kept, flags  # the hidden bit counts as exponent


def _zero_sum(form: Format, spefscr: int) -> int:
    """The zero of an add or subtract whose operands have different signs, and of one that underflows (I 9.4)."""
    return form.sign if spefscr & FRMC == TO_MINUS_INFINITY else 0


def add(form: Format, a: int, b: int, spefscr: int) -> Element:
    if form.is_huge(a):
        return a & form.sign | form.greatest, FINV
    if form.is_huge(b):
        return b & form.sign | form.greatest, FINV
    flags = FINV if form.is_error(a) or form.is_error(b) else 0
    if form.is_tiny(a):
        if not form.is_tiny(b):
            return b, flags
        return (a & form.sign if (a ^ b) & form.sign == 0 else _zero_sum(form, spefscr)), flags
    if form.is_tiny(b):
        return a, flags
    ea, ma = form.split(a)
    eb, mb = form.split(b)
    exponent = min(ea, eb)
    total = (ma << ea - exponent) * (-1 if a & form.sign else 1) + (mb << eb - exponent) * (-1 if b & form.sign else 1)
    if not total:
        return _zero_sum(form, spefscr), 0
    sign = form.sign if total < 0 else 0
    return _deliver(form, sign, exponent, abs(total), spefscr, _zero_sum(form, spefscr))


def sub(form: Format, a: int, b: int, spefscr: int) -> Element:
    return add(form, a, b ^ form.sign, spefscr)


def mul(form: Format, a: int, b: int, spefscr: int) -> Element:
    sign = (a ^ b) & form.sign
    flags = FINV if form.is_error(a) or form.is_error(b) else 0
    if form.is_tiny(a) or form.is_tiny(b):
        return sign, flags
    if flags:
        return sign | form.greatest, flags
    ea, ma = form.split(a)
    eb, mb = form.split(b)
    return _deliver(form, sign, ea + eb, ma * mb, spefscr, sign)


def div(form: Format, a: int, b: int, spefscr: int) -> Element:
    sign = (a ^ b) & form.sign
    flags = 0
    if form.is_error(a) or form.is_error(b) or (form.is_tiny(a) and form.is_tiny(b)):
        flags = FINV
    elif form.is_zero(b):
        flags = FDBZ
    if form.is_huge(b):
        return sign, flags
    if form.is_tiny(b) or form.is_huge(a):
        return sign | form.greatest, flags
    if form.is_tiny(a):
        return sign, flags
    ea, ma = form.split(a)
    eb, mb = form.split(b)
    up = form.fraction + 4
    quotient, rest = divmod(ma << up, mb)
    return _deliver(form, sign, ea - eb - up - 1, quotient << 1 | (rest != 0), spefscr, sign)


def compare(form: Format, a: int, b: int) -> tuple[int, int]:
    """-1, 0 or 1 as ``a`` is less than, equal to or greater than ``b``, and FINV for an input error.

    Infinities, NaNs and denormalized numbers are compared as if they were normalized; the zeros are equal.
    """
    x, y = a & form.sign - 1, b & form.sign - 1
    x, y = (-x if a & form.sign else x), (-y if b & form.sign else y)
    return (x > y) - (x < y), FINV if form.is_error(a) or form.is_error(b) else 0


def single_from_double(b: int, spefscr: int) -> Element:
    """efscfd: an underflow gives pmin, and the exponent alone decides on overflow and underflow (e500 RM 10.4.3)."""
    sign = b >> 32 & SINGLE.sign
    if DOUBLE.is_huge(b):
        return sign | SINGLE.greatest, FINV
    if DOUBLE.is_tiny(b):
        return sign, 0 if DOUBLE.is_zero(b) else FINV
    exponent = DOUBLE.field(b) - DOUBLE.bias
    if exponent > 127:
        return sign | SINGLE.greatest, FOVF
    if exponent < -126:
        return sign | SINGLE.least, FUNF
    kept, flags = _cut(DOUBLE.split(b)[1], DOUBLE.fraction - SINGLE.fraction, spefscr)
    pattern = (exponent + SINGLE.bias - 1 << SINGLE.fraction) + kept
    return sign | min(pattern, SINGLE.greatest), flags


def double_from_single(b: int) -> Element:
    """efdcfs: exact."""
    sign = (b & SINGLE.sign) << 32
    if SINGLE.is_huge(b):
        return sign | DOUBLE.greatest, FINV
    if SINGLE.is_tiny(b):
        return sign, 0 if SINGLE.is_zero(b) else FINV
    exponent = SINGLE.field(b) - SINGLE.bias + DOUBLE.bias
    return sign | exponent << DOUBLE.fraction | (b & SINGLE.least - 1) << DOUBLE.fraction - SINGLE.fraction, 0


@dataclass(frozen=True)
class Fixed:
    """A 32-bit fixed-point operand: signed or not, an integer or a fraction."""

    signed: bool
    fractional: bool

    @property
    def low(self) -> int:
        """The least value, as a Python number of units."""
        return -(1 << 31) if self.signed else 0

    @property
    def high(self) -> int:
        return (1 << 31) - 1 if self.signed else M32

    @property
    def point(self) -> int:
        """Bits behind the binary point."""
        return (31 if self.signed else 32) if self.fractional else 0


UI, SI, UF, SF = Fixed(False, False), Fixed(True, False), Fixed(False, True), Fixed(True, True)


def to_fixed(form: Format, b: int, fixed: Fixed, spefscr: int, *, truncate: bool = False) -> Element:
    """Round to 32 bits fixed-point, saturating; what does not fit is an input error (I 9.3.3, conversion model).

    Magnitudes of 1 and more do not fit a fraction, -1 included. A zero is never an error.
    """
    negative = b & form.sign != 0
    if form.is_nan(b):
        return 0, FINV
    if form.is_tiny(b):
        return 0, 0 if form.is_zero(b) else FINV
    limit = (fixed.low if negative else fixed.high) & M32
    if form.is_huge(b) or (negative and not fixed.signed):
        return limit, FINV
    exponent, magnitude = form.split(b)
    exponent += fixed.point
    lead = exponent + magnitude.bit_length() - 1
    exact_low = negative and not fixed.fractional and lead == 31 and magnitude == form.least
    if lead > (30 if fixed.signed else 31) and not exact_low:
        return limit, FINV
    kept, flags = _cut(magnitude, -exponent, spefscr, truncate=truncate)
    value = -kept if negative else kept
    return (value & M32, flags) if fixed.low <= value <= fixed.high else (limit, FINV)


def from_fixed(form: Format, word: int, fixed: Fixed, spefscr: int) -> Element:
    """A 32-bit fixed-point number in floating point; only FG and FX can be raised."""
    if not word:
        return 0, 0
    negative = fixed.signed and word >> 31 != 0
    magnitude = (1 << 32) - word if negative else word
    return _deliver(form, form.sign if negative else 0, -fixed.point, magnitude, spefscr, 0)
