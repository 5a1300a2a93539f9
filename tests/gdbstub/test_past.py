"""Backwards for gdb: bs and bc come to the moments that going forward came to, in mirrored order."""

from __future__ import annotations

import pytest

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.gdbstub.stub import Stub
from tests.gdbstub.rig import DATA, ENTRY, ask, bare, demo

HELLO = b"qSupported:multiprocess+;swbreak+;hwbreak+;error-message+"


def recorded(d: Debugger) -> Stub:
    s = Stub(d, reverse=lambda debugger: debugger.past)
    s.greet()
    assert b"ReverseStep+;ReverseContinue+" in ask(s, HELLO)
    return s


def seen(s: Stub) -> tuple[int, int, bytes, bytes]:
    d = s.debugger
    return d.position, d.pc, ask(s, b"g"), bytes(d.core.bus.ram[DATA : DATA + 4])


def test_steps_back_undo_steps_one_by_one_and_the_beginning_is_a_stop() -> None:
    s = recorded(bare())
    forward = [seen(s)]
    for _ in range(12):
        ask(s, b"vCont;s:p1.1;c:p1.-1")
        forward.append(seen(s))
    ask(s, b"Hcp1.0")
    for there in reversed(forward[:-1]):
        assert ask(s, b"bs").startswith(b"T05thread:p1.1;") and seen(s) == there
    for packet in (b"bs", b"bc", b"bs"):
        assert ask(s, packet).startswith(b"T05replaylog:begin;") and seen(s) == forward[0]
    assert ask(s, b"s").startswith(b"T05thread") and seen(s) == forward[1]


@pytest.mark.parametrize("point", [b"0,%x,4" % (ENTRY + 12), b"2,%x,4" % DATA, b"3,%x,4" % DATA, b"4,%x,4" % DATA,
                                   b"0,%x,4;Xb,2600032a20222a2a201327" % (ENTRY + 16)])  # fmt: skip
def test_stops_backwards_are_those_forwards_mirrored(point: bytes) -> None:
    s = recorded(bare())
    ask(s, b"Z" + point)
    forward = []
    for _ in range(1 if b"X" in point else 14):  # an even number, so that the last access of a pass is the last
        reply = ask(s, b"vCont;c")
        forward.append((reply, seen(s)))
    ask(s, b"z" + point.partition(b";")[0])
    for _ in range(3):
        ask(s, b"s")
    ask(s, b"Z" + point)
    for reply, there in reversed(forward):
        assert ask(s, b"bc") == reply and seen(s) == there
    assert ask(s, b"bc").startswith(b"T05replaylog:begin;") and s.debugger.position == 0
    for reply, there in forward[:3]:
        assert ask(s, b"vCont;c") == reply and seen(s) == there


def test_breakpoints_and_watchpoints_together() -> None:
    """Each stop says what it is, though the search for it came by others."""
    s = recorded(bare())
    for point in (b"0,%x,4" % (ENTRY + 8), b"2,%x,4" % DATA, b"1,%x,4" % (ENTRY + 20)):
        ask(s, b"Z" + point)
    forward = [(ask(s, b"vCont;c"), s.debugger.position) for _ in range(13)]
    assert len({reply.partition(b"thread")[0] for reply, _ in forward}) == 3
    for reply, position in reversed(forward[:-1]):
        assert ask(s, b"bc") == reply and s.debugger.position == position


def test_the_users_breakpoints_stop_it_too_and_nothing_is_counted_or_printed_on_the_way() -> None:
    s = recorded(demo())
    d = s.debugger
    made = d.execute("break exit DTLB_MISS")
    d.execute("trace exit PROGRAM")
    d.breakpoints.set_ignore(made.number, 5)
    text = b"here\n\0"
    code = bytes.fromhex("22002200" + "3400" + f"{len(text):04x}") + text + b"\x27"
    said: list[bytes] = []
    s.output = said.append
    assert ask(s, b"vCont;c").startswith(b"T05thread")
    first = seen(s)
    assert ask(s, b"vCont;c").startswith(b"T05thread")
    hits, traces = d.breakpoints.get(made.number).hits, len(d.runner.traces)
    ask(s, b"Z0,%x,4;cmds:0,X%x,%b" % (first[1], len(code), code.hex().encode()))
    said.clear()
    assert ask(s, b"bc").startswith(b"T05thread") and seen(s) == first
    assert d.breakpoints.get(made.number).hits == hits and len(d.runner.traces) == traces
    assert not any(b"here".hex().encode() in body for body in said)


def test_a_changed_past_has_another_future() -> None:
    s = recorded(bare())
    for _ in range(20):
        ask(s, b"s")
    there = seen(s)
    for _ in range(10):
        ask(s, b"bs")
    assert ask(s, b"P3=00000064") == b"OK"
    for _ in range(10):
        ask(s, b"s")
    assert seen(s)[:2] == there[:2] and seen(s)[2] != there[2]


def test_an_interrupted_search_ends_where_it_began() -> None:
    s = recorded(bare())
    s.debugger.continue_(50_000)
    there = seen(s)
    s.debugger.runner.between = s.debugger.interrupt
    assert ask(s, b"bc").startswith(b"T02") and seen(s) == there
    s.debugger.runner.between = None
    assert ask(s, b"bs").startswith(b"T05thread")


def test_the_end_of_a_guest_can_be_left_backwards() -> None:
    s = recorded(demo())
    assert ask(s, b"c").startswith(b"T05") and s.debugger.system.ended is not None
    last = s.debugger.position
    assert ask(s, b"bs").startswith(b"T05thread") and s.debugger.position == last - 1
    assert ask(s, b"c").startswith(b"T05") and s.debugger.position == last
