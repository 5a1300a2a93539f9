"""Arithmetic against an oracle of exact fractions that shares nothing with the code: value, flags, FR, FPRF, CR1.

The host's own floats are a second oracle for round to nearest. Hypothesis prints what reproduces a failure.
"""

from __future__ import annotations

import struct
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ppcdbg.isa import softfloat as sf
from ppcdbg.isa import softfloat_fpscr as status
from tests.isa.float_machine import BY_NAME, FloatMachine, word_of

# The book's numbers, written down a second time: precision, least normal exponent, bias adjustment.
FORMATS = {False: (53, -1022, 1023, 1536), True: (24, -126, 127, 192)}
BINARY = ("fadd", "fsub", "fmul", "fdiv")
FUSED = ("fmadd", "fmsub", "fnmadd", "fnmsub")


def value(bits: int) -> Fraction:
    field, fraction = bits >> 52 & 0x7FF, bits & (1 << 52) - 1
    assert field != 0x7FF
    significand = fraction + (1 << 52) if field else fraction
    return (-1) ** (bits >> 63) * significand * Fraction(2) ** (max(field, 1) - 1075)


def binary_exponent(x: Fraction) -> int:
    """e with 2**e <= x < 2**(e+1)."""
    e = x.numerator.bit_length() - x.denominator.bit_length()
    return e if Fraction(2) ** e <= x else e - 1


def rounded(x: Fraction, unit: Fraction, negative: bool, mode: int) -> tuple[Fraction, bool]:
    """The positive ``x`` to a multiple of ``unit``; and whether its magnitude grew."""
    down = x // unit * unit
    rest = x - down
    if not rest:
        return down, False
    if mode == 0:
        up = rest > unit / 2 or (rest == unit / 2 and (down / unit) % 2 == 1)
    else:
        up = mode == 2 and not negative or mode == 3 and negative
    return (down + unit if up else down), up


def fprf(x: Fraction | None, negative: bool, least: int) -> int:
    """FPRF of a result; None is infinity."""
    if x is None:
        return 0b01001 if negative else 0b00101
    if not x:
        return 0b10010 if negative else 0b00010
    if x < Fraction(2) ** least:
        return 0b11000 if negative else 0b10100
    return 0b01000 if negative else 0b00100


def pattern(x: Fraction | None, negative: bool) -> int:
    sign = int(negative) << 63
    if x is None:
        return sign | 0x7FF << 52
    if not x:
        return sign
    e = max(binary_exponent(x), -1022)
    significand = x / Fraction(2) ** (e - 52)
    assert significand.denominator == 1
    return sign | (e + 1022 << 52) + significand.numerator if significand >= 1 << 52 else sign | significand.numerator


def expected(exact: Fraction, single: bool, fpscr: int) -> tuple[int, int, int]:
    """Pattern, exceptions with FR and FI, FPRF of a non-zero exact result (I 4.4.3 to 4.4.5)."""
    precision, least, greatest, adjustment = FORMATS[single]
    negative, x, mode = exact < 0, abs(exact), fpscr & 3
    e = binary_exponent(x)
    flags = 0
    unbounded, up = rounded(x, Fraction(2) ** (e - precision + 1), negative, mode)
    if e < least and fpscr & status.UE:
        flags |= status.UX
        result: Fraction | None = unbounded * Fraction(2) ** adjustment
        inexact = unbounded != x
    elif e < least:
        result, up = rounded(x, Fraction(2) ** (least - precision + 1), negative, mode)
        inexact = result != x
        flags |= status.UX if inexact else 0
    elif unbounded >= Fraction(2) ** (greatest + 1) and fpscr & status.OE:
        flags |= status.OX
        result, inexact = unbounded / Fraction(2) ** adjustment, unbounded != x
    elif unbounded >= Fraction(2) ** (greatest + 1):
        flags |= status.OX
        away = mode == 0 or mode == 2 and not negative or mode == 3 and negative
        result = None if away else (2 - Fraction(2) ** (1 - precision)) * Fraction(2) ** greatest
        inexact, up = True, False
    else:
        result, inexact = unbounded, unbounded != x
    flags |= (status.XX | status.FI if inexact else 0) | (status.FR if up else 0)
    adjusted = (e < least and fpscr & status.UE) or flags & status.OX and fpscr & status.OE
    return pattern(result, negative), flags, fprf(result, negative, -5000 if adjusted else least)


def operands(single: bool) -> st.SearchStrategy[int]:
    """Finite patterns, crowded around the edges of the format."""
    if single:
        word = st.one_of(
            st.integers(0, (1 << 32) - 1),
            st.builds(lambda s, e, f: s << 31 | e << 23 | f, *_parts(8, 23, (0, 1, 2, 126, 127, 128, 150, 253, 254))),
        )
        return word.map(sf.double_of).filter(lambda x: x >> 52 & 0x7FF != 0x7FF)
    double = st.one_of(
        st.integers(0, (1 << 64) - 1),
        st.builds(
            lambda s, e, f: s << 63 | e << 52 | f, *_parts(11, 52, (0, 1, 2, 1022, 1023, 1024, 1075, 2045, 2046))
        ),
    )
    return double.filter(lambda x: x >> 52 & 0x7FF != 0x7FF)


def _parts(exponent: int, fraction: int, edges: tuple[int, ...]) -> list[st.SearchStrategy[int]]:
    bits = st.one_of(
        st.sampled_from([0, 1, (1 << fraction) - 1, 1 << fraction - 1, (1 << fraction - 1) - 1]),
        st.integers(0, (1 << fraction) - 1),
        st.builds(lambda a, n: a << n & (1 << fraction) - 1, st.integers(0, 255), st.integers(0, fraction)),
    )
    exponents = st.one_of(st.sampled_from(edges), st.integers((1 << exponent - 1) - 30, (1 << exponent - 1) + 30))
    return [st.integers(0, 1), exponents, bits]


def run(name: str, fpscr: int, a: int = 0, b: int = 0, c: int = 0) -> FloatMachine:
    """One recording instruction: FRT is f4."""
    m = FloatMachine()
    m.fpr[1:5] = a, b, c, 0xDEAD
    m.fpscr = fpscr
    raw = {"FRT": 4, "FRA": 1, "FRB": 2, "FRC": 3, "Rc": 1}
    m.run(word_of(name, **{k: v for k, v in raw.items() if k in BY_NAME[name].form.by_name}))
    return m


def check(name: str, exact: Fraction, zero_sign: int, single: bool, fpscr: int, m: FloatMachine, negate: bool) -> None:
    if exact:
        bits, flags, classed = expected(exact, single, fpscr)
    else:
        bits, flags, classed = zero_sign << 63, 0, 0b10010 if zero_sign else 0b00010
    if negate:
        bits ^= 1 << 63
        classed = {0b00010: 0b10010, 0b10010: 0b00010}.get(classed, classed ^ 0b01100)
    summary = status.FEX if flags >> 22 & fpscr & 0x78 else 0
    fx = status.FX if flags & (status.OX | status.UX | status.XX) else 0
    if flags & status.OX and not fpscr & status.OE:
        m.fpscr &= ~status.FR  # undefined there
    assert m.fpr[4] == bits, name
    assert m.fpscr == fpscr | flags | classed << 12 | summary | fx, f"{name} {m.fpscr:#x}"
    assert m.cr[1] == m.fpscr >> 28
    assert m.floating == (1 if summary else 0)


controls = st.builds(lambda rn, e: rn | e << 3, st.integers(0, 3), st.integers(0, 31))


@pytest.mark.parametrize("single", [False, True], ids=["double", "single"])
@pytest.mark.parametrize("name", BINARY)
@settings(max_examples=50, deadline=None, print_blob=True)
@given(data=st.data(), fpscr=controls)
def test_binary(name: str, single: bool, data: st.DataObject, fpscr: int) -> None:
    a, b = data.draw(operands(single)), data.draw(operands(single))
    x, y = value(a), value(b)
    assume(name != "fdiv" or y)
    exact = {"fadd": x + y, "fsub": x - y, "fmul": x * y, "fdiv": x / (y or 1)}[name]
    if name in ("fmul", "fdiv"):
        zero = a >> 63 ^ b >> 63
    else:
        other = b >> 63 ^ (name == "fsub")
        zero = a >> 63 if a >> 63 == other and not x else int(fpscr & 3 == 3)
    m = run(name + "s" * single, fpscr, a, *((0, b) if name == "fmul" else (b, 0)))
    check(name, exact, zero, single, fpscr, m, False)


@pytest.mark.parametrize("single", [False, True], ids=["double", "single"])
@pytest.mark.parametrize("name", FUSED)
@settings(max_examples=50, deadline=None, print_blob=True)
@given(data=st.data(), fpscr=controls)
def test_fused(name: str, single: bool, data: st.DataObject, fpscr: int) -> None:
    a, b, c = (data.draw(operands(single)) for _ in range(3))
    addend = -value(b) if "sub" in name else value(b)
    exact = value(a) * value(c) + addend
    product, other = a >> 63 ^ c >> 63, b >> 63 ^ ("sub" in name)
    zero = product if product == other and not addend else int(fpscr & 3 == 3)
    check(name, exact, zero, single, fpscr, run(name + "s" * single, fpscr, a, b, c), name.startswith("fn"))


@settings(max_examples=100, deadline=None, print_blob=True)
@given(b=operands(False), fpscr=controls)
def test_round_to_single(b: int, fpscr: int) -> None:
    check("frsp", value(b), b >> 63, True, fpscr, run("frsp", fpscr, b=b), False)


@settings(max_examples=100, deadline=None, print_blob=True)
@given(b=st.one_of(operands(False), st.integers(-(1 << 33), 1 << 33).map(lambda n: _bits(n / 4))), rn=st.integers(0, 3))
def test_convert_to_integer(b: int, rn: int) -> None:
    for name, mode in (("fctiw", rn), ("fctiwz", 1)):
        m = run(name, rn, b=b)
        x = value(b)
        magnitude, up = rounded(abs(x), Fraction(1), x < 0, mode)
        n = int(-magnitude if x < 0 else magnitude)
        if -(1 << 31) <= n < 1 << 31:
            flags = (status.XX | status.FI | status.FX if n != x else 0) | (status.FR if up else 0)
            assert (m.fpr[4] & 0xFFFFFFFF, m.fpscr) == (n & 0xFFFFFFFF, rn | flags)
        else:
            assert m.fpr[4] & 0xFFFFFFFF == (0x80000000 if x < 0 else 0x7FFFFFFF)
            assert m.fpscr & ~status.FPRF == rn | status.FX | status.VX | status.VXCVI


@settings(max_examples=100, deadline=None, print_blob=True)
@given(a=st.floats(), b=st.floats())
def test_host_agrees_in_round_to_nearest(a: float, b: float) -> None:
    """Infinities and NaNs included, up to the NaN's bits."""
    ops = [("fadd", lambda: a + b), ("fsub", lambda: a - b), ("fmul", lambda: a * b)]
    if b:
        ops.append(("fdiv", lambda: a / b))
    for name, host in ops:
        m = run(name, 0, _bits(a), *((0, _bits(b)) if name == "fmul" else (_bits(b), 0)))
        got, want = struct.unpack(">d", m.fpr[4].to_bytes(8, "big"))[0], host()
        assert got == want and m.fpr[4] == _bits(want) or (got != got and want != want), name


def _bits(x: float) -> int:
    return int.from_bytes(struct.pack(">d", x), "big")


@settings(max_examples=100, deadline=None, print_blob=True)
@given(b=operands(True))
def test_reciprocal_estimate_is_within_the_books_bound(b: int) -> None:
    assume(b << 1 & (1 << 64) - 1)
    exact = 1 / value(b)
    assume(Fraction(2) ** -126 <= abs(exact) < Fraction(2) ** 127)
    assert abs(value(run("fres", 0, b=b).fpr[4]) / exact - 1) <= Fraction(1, 256)


@settings(max_examples=100, deadline=None, print_blob=True)
@given(b=operands(False), rn=st.integers(0, 3))
def test_reciprocal_root_estimate_is_within_the_books_bound(b: int, rn: int) -> None:
    b &= sf.MAGNITUDE
    assume(b)
    estimate = value(run("frsqrte", rn, b=b).fpr[4])
    assert (Fraction(31, 32)) ** 2 <= estimate * estimate * value(b) <= (Fraction(33, 32)) ** 2


@settings(max_examples=100, deadline=None, print_blob=True)
@given(word=st.integers(0, (1 << 32) - 1))
def test_single_loads_and_stores_keep_every_word(word: int) -> None:
    double = sf.double_of(word)
    assert sf.single_of(double) == word
    if word >> 23 & 0xFF != 0xFF:
        assert double == _bits(struct.unpack(">f", word.to_bytes(4, "big"))[0])


@settings(max_examples=100, deadline=None, print_blob=True)
@given(x=operands(False))
def test_single_store_truncates_within_the_range_that_the_book_defines(x: int) -> None:
    """Exponents 874 up: the fraction bits that a single has room for, no rounding (I 4.6.3)."""
    assume(874 <= x >> 52 & 0x7FF <= 1150)
    unit = Fraction(2) ** (max((x >> 52 & 0x7FF) - 1023, -126) - 23)
    assert abs(value(sf.double_of(sf.single_of(x)))) == abs(value(x)) // unit * unit
