"""Embedded floating point: against the host's floats where they agree with the book, and against the book's tables."""

from __future__ import annotations

import struct
from collections.abc import Callable
from fractions import Fraction
from random import Random

import pytest

from ppcdbg.isa.softfloat_embedded import DOUBLE, SINGLE, Format
from tests.isa.spe_machine import SpeMachine, Taken, execute, word_of

FG, FX, FINV, FDBZ, FUNF, FOVF = 0x2000, 0x1000, 0x800, 0x400, 0x200, 0x100
FINXS, FINVS, FDBZS, FUNFS, FOVFS = 0x200000, 0x100000, 0x80000, 0x40000, 0x20000
FINXE, FINVE, FDBZE, FUNFE, FOVFE = 0x40, 0x20, 0x10, 0x08, 0x04
HIGH = 16
PREFIX = {SINGLE: "efs", DOUBLE: "efd"}
HOST: dict[str, Callable[[float, float], float]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
}


def single(value: float) -> int:
    return int.from_bytes(struct.pack(">f", value), "big")


def double(value: float) -> int:
    return int.from_bytes(struct.pack(">d", value), "big")


def host(form: Format, pattern: int) -> float:
    if form is SINGLE:
        return float(struct.unpack(">f", pattern.to_bytes(4, "big"))[0])
    return float(struct.unpack(">d", pattern.to_bytes(8, "big"))[0])


def normal(form: Format, chance: Random) -> int:
    """A normalized number whose sums, products and quotients are normalized too; often close to a tie."""
    exponent = form.bias + chance.randrange(-12, 13)
    fraction = chance.getrandbits(form.fraction)
    if chance.getrandbits(1):
        fraction &= -1 << chance.randrange(form.fraction)
    return chance.getrandbits(1) * form.sign | exponent << form.fraction | fraction


def result_of(m: SpeMachine, form: Format) -> int:
    return m.gpr[4] if form is SINGLE else m.wide(4)


@pytest.mark.parametrize("form", [SINGLE, DOUBLE], ids=["efs", "efd"])
@pytest.mark.parametrize("operation", HOST)
def test_arithmetic_rounds_to_nearest_as_the_host_does(form: Format, operation: str) -> None:
    """Of singles the host computes in double first, which makes no second error for these operations."""
    chance = Random(operation)
    for _ in range(400):
        a, b = normal(form, chance), normal(form, chance)
        x, y = host(form, a), host(form, b)
        m = execute(PREFIX[form] + operation, a, b)
        rounded = HOST[operation](x, y)
        assert result_of(m, form) == (single(rounded) if form is SINGLE else double(rounded)), (x, y)
        exact = {"add": Fraction(x) + Fraction(y), "sub": Fraction(x) - Fraction(y), "mul": Fraction(x) * Fraction(y)}
        wanted = exact.get(operation, Fraction(x) / Fraction(y))
        assert (
            bool(m.spefscr & (FG | FX))
            == bool(m.spefscr & FINXS)
            == (Fraction(host(form, result_of(m, form))) != wanted)
        )


@pytest.mark.parametrize("form", [SINGLE, DOUBLE], ids=["efs", "efd"])
@pytest.mark.parametrize("operation", HOST)
def test_other_modes_truncate_and_say_what_is_missing(form: Format, operation: str) -> None:
    """Guard and sticky bit bound what was cut off; toward an infinity the e500 leaves rounding to software."""
    chance = Random(operation + "z")
    for _ in range(150):
        a, b = normal(form, chance), normal(form, chance)
        x, y = Fraction(host(form, a)), Fraction(host(form, b))
        wanted = {"add": x + y, "sub": x - y, "mul": x * y, "div": x / y}[operation]
        for spefscr, always in ((1, False), (2, True), (3, True), (FINXE, False), (FINXE | 1, False)):
            m = execute(PREFIX[form] + operation, a, b, 0, spefscr)
            got = Fraction(host(form, result_of(m, form)))
            field = (result_of(m, form) >> form.fraction & (1 << form.exponent) - 1) - form.bias - form.fraction
            missing = (abs(wanted) - abs(got)) / Fraction(2) ** field if got else Fraction(0)
            assert 0 <= missing < 1 and got * wanted >= 0
            assert bool(m.spefscr & FG) == (missing >= Fraction(1, 2))
            assert bool(m.spefscr & FX) == (missing not in (0, Fraction(1, 2)))
            assert m.rounding == (always or bool(spefscr & FINXE and missing))


# Kinds of operands: infinity, NaN, denormalized, zero, normalized; and the results of I 9.4 in their letters.
KINDS = {SINGLE: (0x7F800000, 0x7FC00001, 0x00000007, 0, 0x40490FDB)}
KINDS[DOUBLE] = (0x7FF << 52, 0x7FF8000000000001, 7, 0, 0x400921FB54442D18)
TABLES = {
    "add": ("A A A A A", "A A A A A", "B B 0 0 b", "B B 0 z b", "B B a a *"),
    "mul": ("M M 0 0 M", "M M 0 0 M", "0 0 0 0 0", "0 0 0 z z", "M M 0 z *"),
    "div": ("0 0 M M M", "0 0 M M M", "0 0 M M 0", "0 0 M M z", "0 0 M D *"),
}


@pytest.mark.parametrize("form", [SINGLE, DOUBLE], ids=["efs", "efd"])
@pytest.mark.parametrize("operation", ["add", "sub", "mul", "div"])
def test_default_results_of_the_books_table(form: Format, operation: str) -> None:
    """A, B: the greatest number with that operand's sign; M: with both signs; 0, z: zeros; a, b: that operand."""
    rows = TABLES["add" if operation == "sub" else operation]
    for i, row in enumerate(rows):
        for j, letter in enumerate(row.split()):
            for signs in range(4):
                a = KINDS[form][i] | (signs >> 1) * form.sign
                b = KINDS[form][j] | (signs & 1) * form.sign
                m = execute(PREFIX[form] + operation, a, b)
                effective = b ^ form.sign if operation == "sub" else b
                both = (a ^ b) & form.sign
                zero = a & effective & form.sign if operation in ("add", "sub") else both
                results = {
                    "A": a & form.sign | form.greatest, "B": effective & form.sign | form.greatest, "a": a,
                    "b": effective, "M": both | form.greatest, "D": both | form.greatest, "0": zero, "z": zero,
                }  # fmt: skip
                if letter == "*":
                    assert not m.spefscr & (FINV | FDBZ | FOVF | FUNF)
                    continue
                assert result_of(m, form) == results[letter], (i, j, signs)
                invalid = 2 in (i, j) or 0 in (i, j) or 1 in (i, j) or (operation == "div" and i == j == 3)
                flags = FINV | FINVS if invalid else FDBZ | FDBZS if letter == "D" else 0
                assert m.spefscr == flags, (i, j, signs)


@pytest.mark.parametrize("form", [SINGLE, DOUBLE], ids=["efs", "efd"])
def test_overflow_and_underflow(form: Format) -> None:
    prefix, least, greatest = PREFIX[form], form.least, form.greatest
    assert greatest == {SINGLE: 0x7F7FFFFF, DOUBLE: 0x7FEFFFFFFFFFFFFF}[form], "pmax, and no infinity"
    half = form.bias - 1 << form.fraction
    m = execute(prefix + "add", greatest, greatest)
    assert (result_of(m, form), m.spefscr) == (greatest, FOVF | FOVFS | FINXS)
    m = execute(prefix + "mul", greatest | form.sign, greatest)
    assert (result_of(m, form), m.spefscr) == (greatest | form.sign, FOVF | FOVFS | FINXS)
    m = execute(prefix + "mul", least | form.sign, half)
    assert (result_of(m, form), m.spefscr) == (form.sign, FUNF | FUNFS | FINXS)
    for mode, zero in ((0, 0), (1, 0), (2, 0), (3, form.sign)):
        m = execute(prefix + "sub", least | 1, least, 0, mode)
        assert (result_of(m, form), m.spefscr) == (zero, FUNF | FUNFS | FINXS | mode), "the sum's zero follows FRMC"
        assert result_of(execute(prefix + "sub", least, least, 0, mode), form) == zero
    assert execute(prefix + "add", greatest, least).spefscr & FOVF, "more than pmax, before rounding"


@pytest.mark.parametrize(
    ("name", "a", "b", "enable", "flag"),
    [
        ("efsadd", 0x7F800000, single(1), FINVE, FINV),
        ("efsdiv", single(1), 0, FDBZE, FDBZ),
        ("efsmul", 0x7F000000, 0x7F000000, FOVFE, FOVF),
        ("efsmul", 0x00800000, 0x00800000, FUNFE, FUNF),
        ("efddiv", double(1), 0, FDBZE, FDBZ),
        ("efdadd", 1, double(1), FINVE, FINV),
        ("efscfd", 0, 0x7FF << 52, FINVE, FINV),
        ("efsctsi", 0, single(1e10), FINVE, FINV),
    ],
)
def test_enabled_error_keeps_the_target(name: str, a: int, b: int, enable: int, flag: int) -> None:
    m = SpeMachine()
    m.set_wide(1, a)
    m.set_wide(2, b)
    m.set_wide(4, 0x123456789ABCDEF0)
    m.spefscr = enable | FG
    with pytest.raises(Taken, match="data"):
        m.run(word_of(name, RT=4, RB=2, **({} if name in ("efscfd", "efsctsi") else {"RA": 1})))
    assert m.wide(4) == 0x123456789ABCDEF0
    assert m.spefscr == enable | flag | flag << 9
    m.spefscr = (FINVE | FDBZE | FUNFE | FOVFE) & ~enable
    m.run(word_of(name, RT=4, RB=2, **({} if name in ("efscfd", "efsctsi") else {"RA": 1})))
    assert m.wide(4) != 0x123456789ABCDEF0


def test_enabled_error_of_a_comparison_keeps_the_condition() -> None:
    for name in ("efscmpgt", "efdcmpeq", "evfscmplt"):
        m = SpeMachine()
        m.set_wide(1, 0x7FF8000000000000)
        m.set_wide(2, 0x7FF8000000000000)
        m.gpr[1] = 0x7FC00000
        m.cr[2], m.spefscr = 0b1010, FINVE
        with pytest.raises(Taken, match="data"):
            m.run(word_of(name, BF=2, RA=1, RB=2))
        assert m.cr[2] == 0b1010
        m.run(word_of(name.replace("cmp", "tst"), BF=2, RA=1, RB=2))
        assert m.cr[2] != 0b1010, "a test detects nothing"


@pytest.mark.parametrize("kind", ["cmp", "tst"])
@pytest.mark.parametrize("form", [SINGLE, DOUBLE], ids=["efs", "efd"])
def test_comparisons_take_special_operands_for_normalized_ones(kind: str, form: Format) -> None:
    infinity, nan, tiny, zero, pi = KINDS[form]
    ascending = [s | x for s, xs in ((form.sign, (nan, infinity, pi, tiny)), (0, ())) for x in xs]
    ascending += [zero, tiny, pi, infinity, nan]
    for i, a in enumerate(ascending):
        for j, b in enumerate(ascending):
            for name, met in (("gt", i > j), ("lt", i < j), ("eq", i == j)):
                m = execute(PREFIX[form] + kind + name, a, b)
                assert m.cr[2] == 4 * met
                special = kind == "cmp" and not {a & ~form.sign, b & ~form.sign} <= {zero, pi}
                assert m.spefscr == (FINV | FINVS if special else 0)
    assert execute(PREFIX[form] + kind + "eq", form.sign, 0).cr[2] == 4, "the zeros are equal"


def test_vectors_are_two_scalars() -> None:
    """Both words as efs has them, with the high word's flags 16 bits up; a comparison gives all four bits."""
    chance = Random(6)
    pool = [*KINDS[SINGLE], 0xFF800000, 0x80000000, 0x7F7FFFFF, 0x00800000, 0xC0000000, 0x4F000000]
    for name in ("add", "sub", "mul", "div", "cmpgt", "cmplt", "cmpeq", "tstgt", "tstlt", "tsteq", "abs", "nabs", "neg",
                 "cfui", "cfsi", "cfuf", "cfsf", "ctui", "ctsi", "ctuf", "ctsf", "ctuiz", "ctsiz"):  # fmt: skip
        for _ in range(60):
            ah, al, bh, bl = (
                chance.choice(pool) if chance.getrandbits(1) else chance.getrandbits(32) for _ in range(4)
            )
            mode = chance.randrange(4)
            vector = execute("evfs" + name, ah << 32 | al, bh << 32 | bl, 0, mode)
            high, low = execute("efs" + name, ah, bh, 0, mode), execute("efs" + name, al, bl, 0, mode)
            h, l = high.cr[2] >> 2, low.cr[2] >> 2  # noqa: E741
            assert vector.wide(4) == high.gpr[4] << 32 | low.gpr[4]
            assert vector.cr[2] == h << 3 | l << 2 | (h | l) << 1 | h & l
            sticky = (high.spefscr | low.spefscr) & ~0x3F00
            assert vector.spefscr == sticky | low.spefscr & 0x3F00 | (high.spefscr & 0x3F00) << HIGH
            assert vector.rounding == (high.rounding or low.rounding)


def test_scalars_leave_the_high_word_and_its_flags() -> None:
    m = SpeMachine()
    m.set_wide(1, 0x1111111100000000 | single(1))
    m.set_wide(4, 0x2222222233333333)
    m.spefscr = 0x3F00 << HIGH
    m.run(word_of("efsadd", RT=4, RA=1, RB=1))
    assert (m.wide(4), m.spefscr) == (0x2222222200000000 | single(2), 0x3F00 << HIGH)
    m.run(word_of("efscfd", RT=4, RB=1))
    assert m.wide(4) >> 32 == 0x22222222


FIXED = {"ui": (0, 0, (1 << 32) - 1), "si": (0, -(1 << 31), (1 << 31) - 1)}
FIXED |= {"uf": (32, 0, (1 << 32) - 1), "sf": (31, -(1 << 31), (1 << 31) - 1)}


@pytest.mark.parametrize("form", [SINGLE, DOUBLE], ids=["efs", "efd"])
@pytest.mark.parametrize("to", [*FIXED, "uiz", "siz"])
def test_conversion_to_fixed_point(form: Format, to: str) -> None:
    point, low, high = FIXED[to[:2]]
    chance = Random(to)
    for _ in range(300):
        exponent = form.bias + chance.randrange(-4, 35) - point
        fraction = chance.getrandbits(form.fraction) & -1 << chance.randrange(form.fraction)
        b = chance.getrandbits(1) * form.sign | exponent << form.fraction | fraction
        m = execute(f"{PREFIX[form]}ct{to}", 0, b)
        scaled = Fraction(host(form, b)) * (1 << point)
        value = int(scaled) if to.endswith("z") else round(scaled)
        negative_fraction = point and scaled <= -(1 << 31)
        if not low <= value <= high or scaled > high + 1 or scaled < low or negative_fraction:
            assert m.gpr[4] == (low if b & form.sign else high) & 0xFFFFFFFF
            assert m.spefscr == FINV | FINVS
        else:
            assert m.gpr[4] == value & 0xFFFFFFFF
            assert bool(m.spefscr & FINXS) == (scaled.denominator != 1) and not m.spefscr & FINV
    for special, result in zip(KINDS[form][:4], (high, 0, 0, 0)):
        m = execute(f"{PREFIX[form]}ct{to}", 0, special)
        assert (m.gpr[4], m.spefscr) == (result, 0 if special == 0 else FINV | FINVS)
    assert execute(f"{PREFIX[form]}ct{to}", 0, form.sign).spefscr == 0, "minus zero is no error"


@pytest.mark.parametrize("form", [SINGLE, DOUBLE], ids=["efs", "efd"])
@pytest.mark.parametrize("kind", FIXED)
def test_conversion_from_fixed_point(form: Format, kind: str) -> None:
    point, low, _ = FIXED[kind]
    chance = Random(kind)
    for word in (0, 1, 0x80000000, 0x7FFFFFFF, 0xFFFFFFFF, *(chance.getrandbits(32) for _ in range(200))):
        m = execute(f"{PREFIX[form]}cf{kind}", 0, word)
        value = word - (word >> 31 << 32) if low else word
        exact = value / (1 << point)  # the host's doubles hold it
        assert result_of(m, form) == (single(exact) if form is SINGLE else double(exact))
        assert bool(m.spefscr & FINXS) == (host(form, result_of(m, form)) != exact)


def test_truncating_conversions_round_up_in_no_mode() -> None:
    for mode in range(4):
        m = execute("efsctsiz", 0, single(2.75), 0, mode)
        assert (m.gpr[4], m.rounding) == (2, False)
        assert execute("efsctsi", 0, single(2.75), 0, mode).rounding == (mode >= 2)
    assert execute("efsctuiz", 0, single(2.75), 0, FINXE).rounding


@pytest.mark.parametrize(
    ("pattern", "result", "flags"),
    [
        (double(1.5), single(1.5), 0),
        (double(-0.0), 0x80000000, 0),
        (double(1 + 2**-24), single(1.0), FG | FINXS),
        (double(1 + 3 * 2**-24), single(1 + 2**-22), FG | FINXS),
        (double(1e300), 0x7F7FFFFF, FOVF | FOVFS | FINXS),
        (double(-1e-300), 0x80800000, FUNF | FUNFS | FINXS),
        (double(float("inf")), 0x7F7FFFFF, FINV | FINVS),
        (0xFFF0000000000001, 0xFF7FFFFF, FINV | FINVS),
        (0x8000000000000001, 0x80000000, FINV | FINVS),
    ],
)
def test_double_to_single(pattern: int, result: int, flags: int) -> None:
    m = execute("efscfd", 0, pattern)
    assert (m.gpr[4], m.spefscr) == (result, flags)


def test_toward_an_infinity_every_instruction_that_could_round_asks_for_it() -> None:
    """Kernel commit 28414a6def9d: exact results take the round interrupt too, "empirically the hardware does"."""
    for mode in range(4):
        for name in ("efsadd", "efdmul", "evfssub", "efscfsi", "efdctui", "efscfd"):
            assert execute(name, 0, 0, 0, mode).rounding == (mode >= 2), name
        for name in ("efsabs", "efsneg", "efscmpeq", "efststgt", "efsctsiz", "efdctuiz", "evfsctsiz", "efdcfs"):
            assert not execute(name, 0, 0, 0, mode).rounding, name


def test_single_to_double() -> None:
    for value in (1.5, -0.0, 3.4e38, -1.2e-38):
        rounded = struct.unpack(">f", struct.pack(">f", value))[0]
        m = execute("efdcfs", 0, single(value))
        assert (m.wide(4), m.spefscr) == (double(rounded), 0)
    for word, result in ((0x7F800000, 0x7FEFFFFFFFFFFFFF), (0xFFC00000, 0xFFEFFFFFFFFFFFFF), (0x80000001, 1 << 63)):
        m = execute("efdcfs", 0, word)
        assert (m.wide(4), m.spefscr) == (result, FINV | FINVS)
