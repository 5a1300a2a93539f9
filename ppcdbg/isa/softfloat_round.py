"""Rounding and packing of exact results: the last step of every operation (Power ISA I 4.3.4, 4.4.3 to 4.4.5, 4.6).

A result arrives exact, as ``magnitude * 2**exponent`` with an integer magnitude; where bits were cut off, the lowest
bit stands for them. Values are 64-bit patterns in double format, which is how FPRs hold singles too. No host floats.
Read next: :mod:`ppcdbg.isa.softfloat`.
"""

from __future__ import annotations

from ppcdbg.isa.softfloat_fpscr import (
    FI,
    FR,
    MINUS_DENORMAL,
    MINUS_INFINITY,
    MINUS_NORMAL,
    MINUS_ZERO,
    OE,
    OX,
    PLUS_DENORMAL,
    PLUS_INFINITY,
    PLUS_NORMAL,
    PLUS_ZERO,
    RN,
    UE,
    UX,
    XX,
)

SIGN = 1 << 63
HIDDEN = 1 << 52
FRACTION = HIDDEN - 1
QUIET = 1 << 51
INFINITY = 0x7FF << 52
DEFAULT_NAN = INFINITY | QUIET

NEAREST, TO_ZERO, TO_PLUS_INFINITY, TO_MINUS_INFINITY = range(4)  # FPSCR[RN]

# A value for the target FPR, or None where it keeps its old one; and the status of softfloat_fpscr.
Result = tuple[int | None, int]
Delivered = tuple[int, int]

# precision in bits, least exponent of a normal number, first pattern that overflows, adjustment of I 4.4.3 and 4.4.4
_DOUBLE = (53, -1022, INFINITY, 1536 << 52)
_SINGLE = (24, -126, 0x47F << 52, 192 << 52)
_NORMAL = (PLUS_NORMAL, MINUS_NORMAL)
_DENORMAL = (PLUS_DENORMAL, MINUS_DENORMAL)
_ZERO = (PLUS_ZERO, MINUS_ZERO)
_INFINITE = (PLUS_INFINITY, MINUS_INFINITY)


def rounds_up(sign: int, kept: int, rest: int, drop: int, mode: int) -> bool:
    """Whether ``kept`` grows by one when the non-zero ``rest`` of ``drop`` bits is cut off below it."""
    if mode == NEAREST:
        half = 1 << (drop - 1)
        return rest > half or (rest == half and kept & 1 != 0)
    return mode != TO_ZERO and sign == mode - TO_PLUS_INFINITY


def zero(sign: int) -> Delivered:
    return sign << 63, _ZERO[sign]


def infinity(sign: int) -> Delivered:
    return sign << 63 | INFINITY, _INFINITE[sign]


def deliver(sign: int, exponent: int, magnitude: int, single: bool, fpscr: int) -> Delivered:
    """Round the non-zero ``magnitude * 2**exponent`` once, as FPSCR's RN, OE and UE ask.

    Tininess is seen before rounding. With OE or UE an overflow or underflow delivers the adjusted exponent; should that
    not fit (operands of a single precision operation that are no singles, which leaves results undefined), it wraps.
    """
    precision, least, limit, adjustment = _SINGLE if single else _DOUBLE
    width = magnitude.bit_length()
    lead = exponent + width - 1
    drop = width - precision
    status = 0
    tiny = lead < least
    if tiny:
        if fpscr & UE:
            status = UX
        else:
            drop += least - lead
    if drop > 0:
        kept = magnitude >> drop
        rest = magnitude - (kept << drop)
        if rest:
            status |= XX | FI
            if rounds_up(sign, kept, rest, drop, fpscr & RN):
                kept += 1
                status |= FR
            if tiny:
                status |= UX
    else:
        kept = magnitude << -drop
    if tiny and not fpscr & UE:
        return _denormal(sign, kept, single, status)
    bits = (lead + 1022 << 52) + (kept << 53 - precision)  # the hidden bit and a carry count as exponent
    if tiny:
        bits = bits + adjustment & SIGN - 1
    elif bits >= limit:
        if not fpscr & OE:
            return _overflow(sign, limit, precision, fpscr & RN)
        status |= OX
        bits = bits - adjustment & SIGN - 1
    return sign << 63 | bits, status | _NORMAL[sign]


def _denormal(sign: int, kept: int, single: bool, status: int) -> Delivered:
    """``kept`` units of the least denormal. FPRF classifies in the target's own format (I 4.6.7.1, book's model)."""
    if not kept:
        return sign << 63, status | _ZERO[sign]
    if not single:
        return sign << 63 | kept, status | (_NORMAL if kept & HIDDEN else _DENORMAL)[sign]
    width = kept.bit_length()
    bits = (width + 1022 - 150 << 52) + (kept << 53 - width)
    return sign << 63 | bits, status | (_NORMAL if width == 24 else _DENORMAL)[sign]


def _overflow(sign: int, limit: int, precision: int, mode: int) -> Delivered:
    """Disabled overflow (I 4.4.3.2): infinity or the greatest number. FR is undefined there; 0, as QEMU leaves it."""
    if mode == NEAREST or (mode != TO_ZERO and sign == mode - TO_PLUS_INFINITY):
        return sign << 63 | INFINITY, OX | XX | FI | _INFINITE[sign]
    return sign << 63 | limit - (1 << 53 - precision), OX | XX | FI | _NORMAL[sign]


def negated(result: Result) -> Result:
    """The last step of fnmadd and fnmsub: after rounding, and not on a NaN or where there is no result (I 4.6.6.2)."""
    value, status = result
    if value is None or value & SIGN - 1 > INFINITY:
        return result
    return value ^ SIGN, status ^ (0x10000 if value & SIGN - 1 == 0 else 0xC000)
