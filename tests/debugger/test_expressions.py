"""Expressions mean what they mean in C, and never anything else."""

from __future__ import annotations

import ctypes
import operator
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppcdbg.debugger.expressions import Scalar, Values, compile_expression, evaluate
from ppcdbg.debugger.syntax import U32, Type, parse
from ppcdbg.errors import UsageError

MEMORY = {0x1000: 0xDEADBEEF, 0xC0000000: 5}
FIELDS: dict[str, Values] = {
    "exit": (13, "DTLB_MISS"),
    "dear": (0xC0414000,),
    "did": ("map", "queue"),
    "prio": (18, "DECREMENTER", 20, "EXTERNAL_LEVEL"),
    "cause": ("mfspr SRR0",),
    "none": (),
}


class FakeScope:
    """Registers r0..r31 hold their numbers; memory is four words."""

    def has_register(self, name: str) -> bool:
        return name in ("pc", "msr") or name[:1] == "r" and name[1:].isdigit() and int(name[1:]) < 32

    def register(self, name: str) -> int:
        return {"pc": 0xC0001000, "msr": 0x29002}.get(name) or int(name[1:])

    def register_type(self, name: str) -> Type:
        return U32

    def register_names(self) -> list[str]:
        return ["pc", "msr"]

    def symbol(self, name: str) -> int | None:
        return {"start": 0xC0000000, "counter": 0x1000, "exit": 0x4000}.get(name)

    def nearest(self, name: str) -> str:
        return {"strat": "start", "$mrs": "$msr"}.get(name, "")

    def load(self, address: int, size: int) -> int:
        if address not in MEMORY:
            raise UsageError(f"cannot read {address:#x}")
        return MEMORY[address] << 32 >> 8 * (8 - size)

    def field(self, name: str) -> Callable[[], Values] | None:
        return (lambda: FIELDS[name]) if name in FIELDS else None

    def constant(self, field: str, name: str) -> Scalar | None:
        return name if field in ("exit", "did", "prio") else None


def value(text: str) -> Scalar:
    return evaluate(text, FakeScope()).value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("0x10 | 3", 0x13),
        ("1_000_000", 1_000_000),
        ("0b101 << 4", 0x50),
        ("10 - 3 - 2", 5),
        ("-1", -1),
        ("~0", -1),
        ("0xffffffff + 1", 0),
        ("0x80000000 >> 31", 1),
        ("(s32)0x80000000 >> 31", -1),
        ("1 << 40", 0),
        ("(u64)1 << 40", 1 << 40),
        ("-7 / 2", -3),
        ("-7 % 2", -1),
        ("'A'", 65),
        ("$r3 == 3 && $r4 == 4", 1),
        ("$r3 == 3 and not $r4 == 5", 1),
        ("!$r0 || 1 / 0", 1),
        ("0 and 1 / 0", 0),
        ("$msr & 0x8000", 0x8000),
        ("$r0 - 1", 0xFFFFFFFF),
        ("$r0 - 1 == -1", 1),
        ("(s32)($r0 - 1) < 0", 1),
        ("$r0 - 1 < 0", 0),
        ("start", 0xC0000000),
        ("&counter + 4", 0x1004),
        ("*counter", 0xDEADBEEF),
        ("*(u16*)counter", 0xDEAD),
        ("*(s8 *) 0x1000", -34),
        ("*(unsigned char*)0x1000", 0xDE),
        ("*start == 5", 1),
        ("r5", 5),
        ("dear >= 0xc0000000", 1),
        ("dear - 0xc0000000", 0x414000),
        ("exit == DTLB_MISS", 1),
        ("exit == 13 and dear >= 0xc0000000", 1),
        ("exit != DTLB_MISS", 0),
        ("DTLB_MISS == exit", 1),
        ("did == map", 1),
        ("did == queue and did == map", 1),
        ("did != reflect", 1),
        ("prio == DECREMENTER or prio == 3", 1),
        ("prio > 19", 1),
        ("prio > 20", 0),
        ('cause == "mfspr*"', 1),
        ('cause == "*srr0"', 1),
        ('cause == "mtspr*"', 0),
        ("not none", 1),
    ],
)
def test_value(text: str, expected: int) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 +", "ends where a value should follow"),
        ("(1", "ends where ')' should follow"),
        ("1 2", "an operator or the end should stand there, not '2'"),
        ("1 @ 2", "'@' does not belong"),
        ("12ab", "is not a number; write hexadecimal as 0x1f"),
        ("strat", "did you mean start?"),
        ("$mrs", "did you mean $msr?"),
        ("1 / 0", "divides by zero"),
        ("5 % $r0", "divides by zero"),
        ("*0x2000", "cannot read 0x2000"),
        ("exit == NO_SUCH + 1", "nothing is called 'NO_SUCH'"),
        ("(u32 1", "')' after the type"),
        ("0x1_0000_0000_0000_0000", "does not fit 64 bits"),
        ('"text" + 1', "is text"),
        ("((((" * 40, "nests deeper"),
        ("1+" * 300 + "1", "at most 400"),
        ("1" * 3000, "at most 2000"),
        ("", "ends where a value"),
        ("__import__('os')", "an operator or the end"),
    ],
)
def test_refused_in_one_sentence(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        value(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


OPERATIONS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "&": operator.and_, "|": operator.or_,
              "^": operator.xor, "<": operator.lt, "==": operator.eq, ">=": operator.ge}  # fmt: skip
TYPES = {"u8": ctypes.c_uint8, "s8": ctypes.c_int8, "u16": ctypes.c_uint16, "s16": ctypes.c_int16,
         "u32": ctypes.c_uint32, "s32": ctypes.c_int32, "u64": ctypes.c_uint64, "s64": ctypes.c_int64}  # fmt: skip


def c_common(a: str, b: str) -> str:
    """C's usual arithmetic conversions, written a second time."""
    a, b = (t if t[1:] in ("32", "64") else "s32" for t in (a, b))
    if a[1:] != b[1:]:
        return max(a, b, key=lambda t: int(t[1:]))
    return a if a[0] == "u" else b


@given(st.sampled_from(sorted(TYPES)), st.integers(0, (1 << 64) - 1), st.sampled_from(sorted(OPERATIONS)),
       st.sampled_from(sorted(TYPES)), st.integers(0, (1 << 64) - 1))  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_binary_operators_are_those_of_c(a: str, x: int, sign: str, b: str, y: int) -> None:
    left, right = TYPES[a](x).value, TYPES[b](y).value
    common = TYPES[c_common(a, b)]
    expected = OPERATIONS[sign](common(left).value, common(right).value)
    if isinstance(expected, bool):
        expected = int(expected)
    else:
        expected = common(expected).value
    assert value(f"({a}){x} {sign} ({b}){y}") == expected


@given(st.text(alphabet="0123456789abcxu_$()*&|!<>=+-/%^~ \"'.andorntDTLBexit", max_size=40))
@settings(max_examples=500, deadline=None)
def test_any_text_gives_a_value_or_one_sentence(text: str) -> None:
    try:
        compiled = compile_expression(text, FakeScope())
        compiled.value()
        compiled.true()
    except UsageError as error:
        assert "\n" not in str(error).replace(text, "")


@given(st.recursive(
    st.integers(0, 99).map(str),
    lambda inner: st.tuples(inner, st.sampled_from(["+", "-", "*", "<<", "<", "==", "&", "^", "|", "&&", "||"]), inner)
    .map(lambda t: f"{t[0]} {t[1]} {t[2]}"), max_leaves=8))  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_precedence_is_that_of_c(text: str) -> None:
    """A tree printed with all its parentheses means the same, and binds as the table of C 6.5 says."""

    def grouped(node) -> str:
        if hasattr(node, "left"):
            return f"({grouped(node.left)} {node.operator} {grouped(node.right)})"
        return str(node.value)

    again = grouped(parse(text))
    assert value(again) == value(text)
    levels = [("||",), ("&&",), ("|",), ("^",), ("&",), ("==",), ("<",), ("<<",), ("+", "-"), ("*",)]
    tightness = {sign: i for i, row in enumerate(levels) for sign in row}

    def check(node) -> None:
        if not hasattr(node, "left"):
            return
        own = tightness[node.operator]
        for child, strict in ((node.left, False), (node.right, True)):
            if hasattr(child, "left"):
                assert tightness[child.operator] > own or not strict and tightness[child.operator] == own
            check(child)

    check(parse(text))
