"""Floating-point operations of Power ISA I 4.6 on 64-bit patterns, with Python integers only.

Each takes patterns and FPSCR (for RN, VE, OE, UE, ZE) and gives a value and a status; it writes no register. ``single``
rounds once to single precision. NaNs travel in the book's operand order A, B, C (I 4.3.2). FPSCR[NI] is ignored:
results are always IEEE, which the book permits, and which QEMU does as well.
"""

from __future__ import annotations

from math import isqrt

from ppcdbg.isa.softfloat_fpscr import (
    FI,
    FR,
    QUIET_NAN,
    RN,
    VE,
    VX,
    VXCVI,
    VXIDI,
    VXIMZ,
    VXISI,
    VXSNAN,
    VXSQRT,
    VXVC,
    VXZDZ,
    XX,
    ZE,
    ZX,
)
from ppcdbg.isa.softfloat_round import (
    DEFAULT_NAN,
    FRACTION,
    HIDDEN,
    INFINITY,
    QUIET,
    SIGN,
    TO_MINUS_INFINITY,
    Result,
    deliver,
    infinity,
    negated,
    rounds_up,
    zero,
)

MAGNITUDE = SIGN - 1
_BIAS = 1075  # a finite pattern is significand * 2**(exponent field - 1075), the field counting as 1 where it is 0


def is_signalling(x: int) -> bool:
    return x & MAGNITUDE > INFINITY and not x & QUIET


def _finite(x: int) -> tuple[int, int]:
    """Exponent and significand of a finite pattern: their value is ``significand * 2**(exponent - 1075)``."""
    field = x >> 52 & 0x7FF
    return (field, x & FRACTION | HIDDEN) if field else (1, x & FRACTION)


def nan_result(fpscr: int, invalid: int, *operands: int) -> Result:
    """The result where an operand is a NaN or ``invalid`` is raised: the first NaN made quiet, else the default one."""
    value = DEFAULT_NAN
    for x in reversed(operands):
        if x & MAGNITUDE > INFINITY:
            value = x | QUIET
            if not x & QUIET:
                invalid |= VXSNAN
    if not invalid:
        return value, QUIET_NAN
    if fpscr & VE:
        return None, VX | invalid
    return value, VX | invalid | QUIET_NAN


def _sum(sx: int, ex: int, mx: int, sy: int, ey: int, my: int, single: bool, fpscr: int) -> Result:
    """Two finite numbers ``(-1)**s * m * 2**e``; a term far below the other only leaves its trace in the lowest bit."""
    if not mx or not my:
        if mx:
            return deliver(sx, ex, mx, single, fpscr)
        if my:
            return deliver(sy, ey, my, single, fpscr)
        return zero(sx if sx == sy else int(fpscr & RN == TO_MINUS_INFINITY))
    apart = ex + mx.bit_length() - ey - my.bit_length()
    if apart > 120:
        up = 120 - mx.bit_length()
        ex, mx, ey, my = ex - up, mx << up, ex - up, 1
    elif apart < -120:
        up = 120 - my.bit_length()
        ey, my, ex, mx = ey - up, my << up, ey - up, 1
    if ex > ey:
        mx <<= ex - ey
        ex = ey
    elif ey > ex:
        my <<= ey - ex
    total = (-mx if sx else mx) + (-my if sy else my)
    if total > 0:
        return deliver(0, ex, total, single, fpscr)
    if total:
        return deliver(1, ex, -total, single, fpscr)
    return zero(int(fpscr & RN == TO_MINUS_INFINITY))


def add(a: int, b: int, single: bool, fpscr: int) -> Result:
    """fadd, fadds (I 4.6.6.1)."""
    if a & INFINITY == INFINITY or b & INFINITY == INFINITY:
        if a & MAGNITUDE > INFINITY or b & MAGNITUDE > INFINITY:
            return nan_result(fpscr, 0, a, b)
        if a & b & INFINITY == INFINITY and a != b:
            return nan_result(fpscr, VXISI)
        return infinity((a if a & INFINITY == INFINITY else b) >> 63)
    ea, ma = _finite(a)
    eb, mb = _finite(b)
    return _sum(a >> 63, ea - _BIAS, ma, b >> 63, eb - _BIAS, mb, single, fpscr)


def sub(a: int, b: int, single: bool, fpscr: int) -> Result:
    """fsub, fsubs: fadd with the sign of B inverted, but a NaN in B keeps its sign."""
    return add(a, b if b & MAGNITUDE > INFINITY else b ^ SIGN, single, fpscr)


def mul(a: int, c: int, single: bool, fpscr: int) -> Result:
    """fmul, fmuls: A times C."""
    sign = (a ^ c) >> 63
    if a & INFINITY == INFINITY or c & INFINITY == INFINITY:
        if a & MAGNITUDE > INFINITY or c & MAGNITUDE > INFINITY:
            return nan_result(fpscr, 0, a, c)
        if not a & MAGNITUDE or not c & MAGNITUDE:
            return nan_result(fpscr, VXIMZ)
        return infinity(sign)
    ea, ma = _finite(a)
    ec, mc = _finite(c)
    if not ma or not mc:
        return zero(sign)
    return deliver(sign, ea + ec - 2 * _BIAS, ma * mc, single, fpscr)


def div(a: int, b: int, single: bool, fpscr: int) -> Result:
    """fdiv, fdivs: A by B."""
    sign = (a ^ b) >> 63
    if a & INFINITY == INFINITY or b & INFINITY == INFINITY:
        if a & MAGNITUDE > INFINITY or b & MAGNITUDE > INFINITY:
            return nan_result(fpscr, 0, a, b)
        if a & INFINITY != INFINITY:
            return zero(sign)
        return nan_result(fpscr, VXIDI) if b & INFINITY == INFINITY else infinity(sign)
    ea, ma = _finite(a)
    eb, mb = _finite(b)
    if not mb:
        return zero_divide(sign, fpscr) if ma else nan_result(fpscr, VXZDZ)
    if not ma:
        return zero(sign)
    up = 56 + mb.bit_length() - ma.bit_length()
    quotient, rest = divmod(ma << up, mb)
    return deliver(sign, ea - eb - up, quotient | (rest != 0), single, fpscr)


def zero_divide(sign: int, fpscr: int) -> Result:
    """I 4.4.2: an infinity, or with ZE nothing."""
    if fpscr & ZE:
        return None, ZX
    value, status = infinity(sign)
    return value, status | ZX


def multiply_add(a: int, c: int, b: int, single: bool, fpscr: int, subtract: bool = False) -> Result:
    """fmadd, fmsub and their singles: A times C plus or minus B, rounded once (I 4.6.6.2)."""
    sp = (a ^ c) >> 63
    sb = b >> 63 ^ subtract
    if a & INFINITY == INFINITY or b & INFINITY == INFINITY or c & INFINITY == INFINITY:
        return _multiply_add_special(a, c, b, sp, sb, fpscr)
    ea, ma = _finite(a)
    ec, mc = _finite(c)
    eb, mb = _finite(b)
    return _sum(sp, ea + ec - 2 * _BIAS, ma * mc, sb, eb - _BIAS, mb, single, fpscr)


def _multiply_add_special(a: int, c: int, b: int, sp: int, sb: int, fpscr: int) -> Result:
    ma, mb, mc = a & MAGNITUDE, b & MAGNITUDE, c & MAGNITUDE
    if (ma == INFINITY and not mc) or (mc == INFINITY and not ma):
        return nan_result(fpscr, VXIMZ, a, b, c)
    if ma > INFINITY or mb > INFINITY or mc > INFINITY:
        return nan_result(fpscr, 0, a, b, c)
    if ma != INFINITY and mc != INFINITY:
        return infinity(sb)
    return nan_result(fpscr, VXISI) if mb == INFINITY and sp != sb else infinity(sp)


def negative_multiply_add(a: int, c: int, b: int, single: bool, fpscr: int, subtract: bool = False) -> Result:
    """fnmadd, fnmsub: the rounded result of fmadd or fmsub with its sign inverted, unless it is a NaN."""
    return negated(multiply_add(a, c, b, single, fpscr, subtract))


def round_to_single(b: int, fpscr: int) -> Result:
    """frsp (I 4.6.7.1). A NaN loses the 29 low bits of its fraction (I 4.3.2)."""
    if b & INFINITY == INFINITY:
        if b & FRACTION:
            value, status = nan_result(fpscr, 0, b)
            return None if value is None else value & ~0x1FFFFFFF, status
        return infinity(b >> 63)
    eb, mb = _finite(b)
    return deliver(b >> 63, eb - _BIAS, mb, True, fpscr) if mb else zero(b >> 63)


def reciprocal_estimate(b: int, fpscr: int) -> Result:
    """fres (I 4.6.6.1), within 1/256 of 1/B: here the quotient rounded to single, as QEMU's helper_fres computes it.

    FR, FI and XX are undefined by the book; they are those of the division.
    """
    if b & MAGNITUDE > INFINITY:
        return nan_result(fpscr, 0, b)
    return div(1023 << 52, b, True, fpscr)


def reciprocal_root_estimate(b: int, fpscr: int) -> Result:
    """frsqrte, within 1/32 of 1/sqrt(B): here the rounded quotient of the rounded root, as QEMU's helper_frsqrte.

    FR, FI and XX are undefined by the book; they are those of the root and the division.
    """
    if b & MAGNITUDE > INFINITY:
        return nan_result(fpscr, 0, b)
    if not b & MAGNITUDE:
        return zero_divide(b >> 63, fpscr)
    if b >> 63:
        return nan_result(fpscr, VXSQRT)
    if b == INFINITY:
        return zero(0)
    root, inexact = _square_root(b, fpscr)
    value, status = div(1023 << 52, root, False, fpscr)
    return value, status | inexact & (XX | FI)


def _square_root(b: int, fpscr: int) -> tuple[int, int]:
    """The root of a positive finite number, rounded to double. No instruction of these cores by itself."""
    exponent, magnitude = _finite(b)
    exponent -= _BIAS
    up = 112 - magnitude.bit_length()
    up += exponent - up & 1
    magnitude <<= up
    root = isqrt(magnitude)
    return deliver(0, exponent - up >> 1, root | (root * root != magnitude), False, fpscr)


def to_word(b: int, mode: int, fpscr: int) -> Result:
    """fctiw, fctiwz (I 4.6.7.2): round to an integer by ``mode`` (an RN value) and saturate to 32 bits.

    The high half of the value and FPRF are undefined by the book. Both are as QEMU has them: the sign extended (but 0
    for a NaN), and FPRF untouched, but for the class of a NaN where the conversion is invalid.
    """
    sign = b >> 63
    if b & INFINITY == INFINITY:
        return _no_word(sign, b, fpscr)
    exponent, magnitude = _finite(b)
    exponent -= _BIAS
    status = 0
    if exponent >= 0:
        if exponent > 32:
            return _no_word(sign, b, fpscr)
        kept = magnitude << exponent
    else:
        drop = -exponent
        kept = magnitude >> drop
        rest = magnitude - (kept << drop)
        if rest:
            status = XX | FI
            if rounds_up(sign, kept, rest, drop, mode):
                kept += 1
                status |= FR
    if kept > 0x7FFFFFFF + sign:
        return _no_word(sign, b, fpscr)
    return (-kept if sign else kept) & 0xFFFFFFFFFFFFFFFF, status


def _no_word(negative: int, b: int, fpscr: int) -> Result:
    """An invalid conversion (I 4.4.1.2)."""
    invalid = VX | VXCVI | (VXSNAN if is_signalling(b) else 0)
    if fpscr & VE:
        return None, invalid
    if b & MAGNITUDE > INFINITY:
        return 0x80000000, invalid | QUIET_NAN
    return (0xFFFFFFFF80000000 if negative else 0x7FFFFFFF), invalid | QUIET_NAN


def compare(a: int, b: int, ordered: bool, fpscr: int) -> tuple[int, int]:
    """fcmpu, fcmpo (I 4.6.8): the four bits LT GT EQ UN, and the exceptions raised."""
    ma, mb = a & MAGNITUDE, b & MAGNITUDE
    if ma > INFINITY or mb > INFINITY:
        invalid = 0
        if is_signalling(a) or is_signalling(b):
            invalid = VX | VXSNAN
            if ordered and not fpscr & VE:
                invalid |= VXVC
        elif ordered:
            invalid = VX | VXVC
        return 1, invalid
    va, vb = (-ma if a >> 63 else ma), (-mb if b >> 63 else mb)
    return (8 if va < vb else 4 if va > vb else 2), 0


def select(a: int, c: int, b: int) -> int:
    """fsel: C where A is not below zero (-0 is not), B where it is or where it is a NaN."""
    return b if a & MAGNITUDE > INFINITY or (a >> 63 and a & MAGNITUDE) else c


def double_of(word: int) -> int:
    """DOUBLE(WORD) of I 4.6.2: what lfs puts into an FPR. No exception, a signalling NaN stays one."""
    sign = (word & 0x80000000) << 32
    field, fraction = word >> 23 & 0xFF, word & 0x7FFFFF
    if field == 0xFF:
        return sign | INFINITY | fraction << 29
    if field:
        return sign | field + 896 << 52 | fraction << 29
    if not fraction:
        return sign
    width = fraction.bit_length()
    return sign | (width + 872 << 52) + (fraction << 53 - width)


def single_of(x: int) -> int:
    """SINGLE(FRS) of I 4.6.3: the word that stfs stores. Below the denormals the book leaves it undefined; 0 here."""
    field = x >> 52 & 0x7FF
    if field > 896:
        return x >> 32 & 0xC0000000 | x >> 29 & 0x3FFFFFFF
    sign = x >> 32 & 0x80000000
    return sign | (x & FRACTION | HIDDEN) >> 926 - field if field >= 874 else sign
