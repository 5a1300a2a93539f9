"""Agent expressions: gdb's own bytecode means what gdb means, and any bytes come to an end."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ppcdbg.gdbstub.agent import M64, MOST_STEPS, OPERATIONS, AgentError, Machine, command, evaluate, printf, signed


class Memory:
    """Register n is 0x100 + n; each byte of memory below 0x1000 is the low byte of its address."""

    def register(self, number: int) -> int:
        if number > 100:
            raise AgentError("no such register")
        return 0x100 + number

    def load(self, address: int, size: int) -> int:
        if address + size > 0x1000:
            raise AgentError("unreadable")
        return int.from_bytes(bytes((address + i) & 0xFF for i in range(size)), "big")


TARGET = Memory()


def run(code: str) -> int:
    return evaluate(bytes.fromhex(code), TARGET)


def test_gdbs_bytecode_for_r3_equals_42() -> None:
    """What gdb 13 sends for ``break *0x1010 if $r3 == 42`` (facts: T5)."""
    code = "2600032a2022052a201327"
    assert run(code) == 0 and run(code.replace("22052a20", "2301032a20")) == 1  # register 3 is 0x103


def number(value: int) -> str:
    return f"25{value & M64:016x}"


NUMBERS = st.integers(-(1 << 63), (1 << 64) - 1)


@given(NUMBERS, NUMBERS)
@example(-7, 2)
@example(7, -2)
@example(-(1 << 63), -1)
def test_arithmetic_is_64_bits_and_c(a: int, b: int) -> None:
    ua, ub, sa, sb = a & M64, b & M64, signed(a), signed(b)

    def both(op: str) -> int:
        return run(number(a) + number(b) + op + "27")

    assert both("02") == (a + b) & M64 and both("03") == (a - b) & M64 and both("04") == (a * b) & M64
    assert both("0f") == ua & ub and both("10") == ua | ub and both("11") == ua ^ ub
    assert both("13") == (ua == ub) and both("14") == (sa < sb) and both("15") == (ua < ub)
    if ub:
        assert both("06") == ua // ub and both("08") == ua % ub
        quotient, remainder = signed(both("05")), signed(both("07"))
        assert signed(quotient * sb + remainder) == sa
        assert abs(remainder) < abs(sb) and (remainder == 0 or (remainder < 0) == (sa < 0))


@given(NUMBERS, st.integers(0, 70))
def test_shifts_and_extensions(a: int, n: int) -> None:
    ua = a & M64
    assert run(number(a) + number(n) + "0927") == ua << n & M64
    assert run(number(a) + number(n) + "0b27") == ua >> n
    assert run(number(a) + number(n) + "0a27") == signed(a) >> n & M64
    if 0 < n < 64:
        assert run(number(a) + f"16{n:02x}27") == signed(a, n) & M64
        assert run(number(a) + f"2a{n:02x}27") == ua & (1 << n) - 1


def test_memory_stack_and_jumps() -> None:
    assert run("2210" + "1927") == 0x10111213 and run("2210" + "1a27") == 0x1011121314151617
    assert run("2201" + "2202" + "2b" + "0327") == 1  # swap: 2 - 1
    assert run("2207" + "28" + "0227") == 14
    assert run("2201" + "2202" + "2203" + "3202" + "27") == 1  # pick the third
    assert run("2201" + "2202" + "2203" + "33" + "27") == 2  # rot: 3 1 2
    assert run("2201" + "200008" + "220927" + "220527") == 5 and run("2200" + "200008" + "220927" + "220527") == 9


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("", "ends"), ("22", "ends within"), ("0227", "empty stack"), ("220022000527", "divides by zero"),
        ("21ffff", "behind its end"), ("210000", "come to an end"), ("280027", "empty stack"),
        ("2200210002", "fills|end"), ("ff27", "unknown operation"), ("1d27", "unknown operation"),
        ("26ffff27", "no such register"), ("25ffffffffffffffff1927", "unreadable"), ("220032ff27", "below the stack"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(code: str, said: str) -> None:
    with pytest.raises(AgentError, match=said):
        run(code)


CODES = st.lists(
    st.sampled_from([bytes((op,)) for op in OPERATIONS]) | st.binary(min_size=1, max_size=3), max_size=60
).map(b"".join)


@settings(max_examples=400, deadline=None)
@given(CODES)
def test_any_bytes_give_a_number_or_a_reason(code: bytes) -> None:
    machine = Machine(code, TARGET)
    with contextlib.suppress(AgentError):
        assert 0 <= machine.run() <= M64
    assert len(machine.stack) <= 256


def test_a_loop_is_bounded() -> None:
    with pytest.raises(AgentError, match="come to an end"):
        run("2200" + "29" + "210000")
    assert MOST_STEPS < 100_000


def test_printf_is_cs() -> None:
    assert printf("%d %u %x %#x %5d|%-5d|%05d %c %%", [M64, 5, 255, 255, 7, 7, 7, 65], TARGET) == (
        "-1 5 ff 0xff     7|7    |00007 A %"
    )
    assert printf("%s!", [0x41], TARGET).startswith("ABCDEFG")
    assert printf("%lld %d %q %", [1 << 40], TARGET) == "1099511627776 %d %q %"
    assert printf(r"a\n\t\q", [], TARGET) == "a\n\t\\q"
    assert printf("%*d", [1], TARGET) == "%*d"


def test_a_dprintf_of_style_agent() -> None:
    text = b"r3=%x\n\0"
    code = bytes.fromhex("260003" + "2200" + "2200" + "3401" + f"{len(text):04x}") + text + b"\x27"
    assert command(code, TARGET) == "r3=103\n"
