"""Going back, through the debugger: steps, stops of every kind, places, and where the past ends."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path

import pytest

from ppcdbg.debugger import open_guest
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.stops import Cause, StopReport
from ppcdbg.errors import UsageError
from tests.debugger.rig import BLR, ENTRY, NOP, SPIN, addi, branch, debugger, elf, li, stw
from tests.session.systems import demo, linux, make


def on_demo(cpu: str = "e500v2", hv: str = "kvm", engine: str = "llvm") -> Debugger:
    machine = demo(cpu, hv, engine)
    return Debugger(make(machine), machine.kernel)


def where(d: Debugger) -> tuple[int, int, int]:
    return d.position, d.system.steps, d.pc


@pytest.mark.parametrize("hv", ["kvm", "none"])
def test_reverse_stepi_is_stepping_mirrored(hv: str) -> None:
    d = on_demo(hv=hv)
    d.execute("run-to 5000")
    seen = [where(d)]
    for _ in range(200):
        d.execute(f"run-to {d.position + 1}")
        seen.append(where(d))
    for expected in reversed(seen[:-1]):
        report = d.execute("reverse-stepi")
        assert (report.cause, where(d)) == (Cause.STEP, expected)


@pytest.mark.parametrize(
    "event",
    ["*%#x", "exit PROGRAM", "exit DTLB_MISS if dear != 0", "insn tlbwe", "mmio serial0", 'console "TLB"', "queued"],
)
def test_reverse_continue_finds_the_stops_of_continue_in_mirrored_order(event: str) -> None:
    d = on_demo()
    if "%" in event:
        d.execute("run-to 9000")
        event %= d.pc
        d.execute("seek start")
    d.execute(f"break {event}")
    forwards = []
    while len(forwards) < 12:
        report = d.execute("continue")
        if report.cause is Cause.ENDED:
            break
        forwards.append(where(d))
    assert len(forwards) >= 2, event
    hits = [b.hits for b in d.breakpoints]
    expected = forwards[:-1] if report.cause is not Cause.ENDED else forwards
    for place in reversed(expected):
        report = d.execute("reverse-continue")
        assert (report.cause, report.breakpoints, where(d)) == (Cause.BREAKPOINT, (1,), place)
    report = d.execute("reverse-continue")
    assert (report.cause, d.position) == (Cause.BEGINNING, 0)
    assert [b.hits for b in d.breakpoints] == hits
    assert [where(d) for _ in range(2) if d.execute("continue")] == forwards[:2]


def test_watchpoints_work_backwards() -> None:
    d = debugger(li(5, 0x3000), li(3, 1), stw(3, 0, 5), addi(3, 3, 1), branch(-8), SPIN)
    d.execute("run-to 40")
    d.execute("watch *0x3000")
    position = d.position
    for _ in range(3):
        report = d.execute("reverse-continue")
        assert report.breakpoints == (1,) and d.position < position
        position = d.position


def test_places_and_history() -> None:
    d = on_demo()
    d.execute("run-to 20000")
    d.execute("bookmark here a note")
    d.execute("seek exit:100")
    assert d.system.steps == 101 and d.exits[-1].number == 100
    d.execute("seek -500")
    away = where(d)
    d.execute("seek here")
    assert d.position == 20_000
    d.execute("back")
    assert where(d) == away
    d.execute("forward")
    assert d.position == 20_000
    places = d.execute("bookmark")
    assert [(p.name, p.position, p.note) for p in places.rows] == [("here", 20_000, "a note")]
    assert (places.start, places.now) == (0, 20_000)
    for bad in ("seek", "seek nowhere", "bookmark 3x", "bookmark end", "forward"):
        with pytest.raises(UsageError):
            d.execute(bad)


def test_both_ends_are_stops_that_one_can_leave() -> None:
    d = on_demo()
    assert d.execute("continue").cause is Cause.ENDED
    end = where(d)
    assert d.execute("reverse-stepi").cause is Cause.STEP
    assert d.position == end[0] - 1
    assert d.execute("seek start").cause is Cause.BEGINNING
    assert d.execute("reverse-stepi").cause is Cause.BEGINNING
    assert d.execute("reverse-continue").cause is Cause.BEGINNING
    assert d.execute("continue").cause is Cause.ENDED
    assert where(d) == end


def test_reverse_next_goes_over_a_call_and_reverse_finish_to_it(tmp_path: object) -> None:
    words = (NOP, branch(16, link=True), li(4, 4), SPIN, NOP, li(3, 7), addi(3, 3, 1), BLR)
    function = ENTRY + 20
    words = (NOP, branch(16, link=True), li(4, 4), SPIN, SPIN, li(3, 7), addi(3, 3, 1), BLR)
    image = elf([("start", ENTRY, 20, True), ("callee", function, 12, True)], tmp_path / "e")  # type: ignore[operator]
    d = debugger(*words, image=image)
    d.execute("run-to 6")
    assert d.pc == ENTRY + 12
    d.execute("reverse-next")
    assert (d.pc, d.position) == (ENTRY + 8, 5)
    d.execute("reverse-next")
    assert (d.pc, d.position) == (ENTRY + 4, 1)
    d.execute("run-to 4")
    assert d.pc == function + 8
    d.execute("reverse-finish")
    assert (d.pc, d.position) == (ENTRY + 4, 1)


def test_reverse_next_stops_in_a_call_as_next_does_and_many_of_them_end_together(tmp_path: Path) -> None:
    words = (NOP, branch(16, link=True), li(4, 4), branch(-12), SPIN, li(3, 7), addi(3, 3, 1), BLR)
    image = elf([("start", ENTRY, 20, True), ("callee", ENTRY + 20, 12, True)], tmp_path / "e")
    d = debugger(*words, image=image)
    d.execute("run-to 607")  # behind the call: a round is seven instructions long
    assert d.execute("reverse-next 3").cause is Cause.STEP
    assert (d.pc, d.position) == (ENTRY + 12, 601)
    d.execute(f"break *{ENTRY + 24:#x}")
    d.execute("seek 608")
    report = d.execute("reverse-next 3")
    assert (report.cause, report.breakpoints, d.position) == (Cause.BREAKPOINT, (1,), 605)
    d.execute("seek 607")
    d.runner.between = lambda: d.interrupt()
    assert d.execute("reverse-next 100").cause is Cause.INTERRUPTED and d.position == 607
    d.runner.between = None
    d.execute("delete")
    assert d.execute("reverse-next 1000").cause is Cause.BEGINNING and d.position == 0


def test_reverse_next_looks_so_far_back_for_a_call_and_no_farther(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody ever was before this place with this stack: it is a step then."""
    monkeypatch.setattr("ppcdbg.debugger.travel.BUDGET", 5_000)
    d = debugger(li(3, 0), addi(3, 3, 1), branch(-4), NOP, addi(1, 1, 16), SPIN)
    d.execute("run-to 9000")
    d.execute(f"set $pc = {ENTRY + 16:#x}")
    d.execute("stepi")
    sought, timeline = list[int](), d.past.timeline
    seek = timeline.seek
    monkeypatch.setattr(timeline, "seek", lambda position, asked: (sought.append(position), seek(position, asked))[1])
    d.execute("reverse-next")
    assert d.position == 9_000 and sought[0] == sought[-1] == 9_000 and min(sought) == 4_001


def test_an_interrupt_ends_a_long_way_back() -> None:
    d = on_demo()
    d.execute("run-to 30000")
    d.execute("break *0xfffffffc")
    d.runner.between = lambda: d.interrupt()
    report = d.execute("reverse-continue")
    d.runner.between = None
    assert report.cause is Cause.INTERRUPTED
    assert d.execute("seek 30000").position == 30_000


def test_an_interrupt_ends_many_steps_over_calls_on_the_way_back() -> None:
    d = on_demo()
    d.execute("run-to 9000")
    steps = iter(range(100))
    d.runner.between = lambda: d.interrupt() if next(steps) == 3 else None
    report = d.execute("reverse-nexti 900")
    d.runner.between = None
    assert report.cause is Cause.INTERRUPTED and d.position > 8_000


@pytest.mark.parametrize("command", ["reverse-continue", "last write 0xfffffff0", "seek irq:9999999", "seek end"])
def test_a_long_motion_under_linux_stops_soon_and_where_it_says(shared: Path, command: str) -> None:
    """200 ms on a machine that has nothing else to do; then the guest goes on as if nothing had been."""
    machine = linux(shared, "linux-e500v2-pv", "kvm")
    d = Debugger(make(machine), machine.kernel)
    d.execute("run-to 30000000")
    d.execute("break exit DTLB_MISS if cost == 123456789")
    if command == "seek end":
        d.past.timeline.end = (1 << 40, 0)  # as of a recording that goes on for long
    asked: list[float] = []

    def stop() -> None:
        asked.append(time.perf_counter())
        d.interrupt()

    timer = threading.Timer(0.3, stop)
    timer.start()
    report = d.execute(command)
    took = time.perf_counter() - asked[0]
    timer.join()
    assert report.cause is Cause.INTERRUPTED and took < 1, took
    assert "seek" in command or d.position == 30_000_000
    there = d.position
    d.execute("delete")
    d.execute("seek 20000000")
    state = bytes(d.core.state.block)
    d.execute(f"seek {there}")
    d.execute("seek 20000000")
    assert d.position == 20_000_000 and bytes(d.core.state.block) == state


def test_a_write_into_the_past_changes_what_follows() -> None:
    d = on_demo()
    d.execute("run-to 20000")
    d.execute("seek 10000")
    d.execute("set $sprg7 = 0x1234")
    assert d.past.timeline.end[0] == 10_000
    d.execute("run-to 10100")
    d.execute("seek 10001")
    assert d.register("sprg7").value == 0x1234
    d.execute("seek 9999")
    assert d.register("sprg7").value != 0x1234


@pytest.mark.parametrize("way", ["reverse-stepi 9999", "reverse-continue", "seek start", "seek 0"])
def test_what_was_written_at_the_beginning_is_there_whenever_one_is_back(way: str) -> None:
    d = debugger(NOP, addi(4, 3, 1), branch(-4))
    d.execute("set $r3 = 77")
    assert d.core.state.gpr[3] == 77
    for _ in range(2):
        d.execute("run-to 500")
        assert d.core.state.gpr[4] == 78
        d.execute(way)
        assert (d.position, d.core.state.gpr[3]) == (0, 77)


def test_what_was_written_where_a_checkpoint_lies_is_there_when_one_comes_back() -> None:
    d = debugger(NOP, addi(4, 3, 1), branch(-4))
    d.execute("run-to 500")
    d.past.timeline._take()
    d.execute("set $r3 = 77")
    assert (500, 0) in d.past.timeline.checkpoints
    for way in ("run-to 900", "seek 10", "seek start"):
        d.execute(way)
        d.execute("seek 500")
        assert d.core.state.gpr[3] == 77


def test_random_motion_never_loses_the_way() -> None:
    plain = on_demo()
    plain.execute("run-to 30000")
    expected = {}
    d = on_demo()
    d.execute("run-to 30000")
    chance = random.Random(17)
    print("seed 17")
    for _ in range(60):
        word = chance.choice(["reverse-stepi 3", "stepi", f"seek {chance.randrange(30_000)}", "step-exit"])
        report = d.execute(word)
        assert isinstance(report, StopReport)
        state = (tuple(d.core.state.gpr[:32]), d.pc, d.core.now)
        if d.system.steps == 0 or "exit" not in word:
            assert expected.setdefault((d.position, d.system.steps), state) == state, word
    d.execute("seek 30000")
    assert where(d)[:1] == where(plain)[:1]
    assert bytes(d.system.board.bus.ram) == bytes(plain.system.board.bus.ram)


def test_a_run_is_saved_with_what_was_done_to_it(tmp_path: Path) -> None:
    d = on_demo()
    d.execute("run-to 9000")
    d.execute("set $sprg7 = 0x1234")
    d.execute('send "x"')
    d.execute("bookmark changed sprg7 is another")
    d.execute("continue")
    end, file = where(d), tmp_path / "saved.ppcdbg"
    d.execute(f"save-session {file}")
    again = open_guest(str(file))
    again.execute("continue")
    assert where(again) == end
    assert bytes(again.system.board.bus.ram) == bytes(d.system.board.bus.ram)
    again.execute("seek changed")
    assert again.position == 9_000 and again.past.bookmarks["changed"].note == "sprg7 is another"
    with pytest.raises(UsageError, match="exists already"):
        d.execute(f"save-session {file}")


def test_what_was_heard_is_known_until_the_past_changes() -> None:
    d = on_demo()
    d.execute("run-to 20000")
    assert not d.past.seen(20_000)
    d.execute("seek 10000")
    assert d.past.seen(15_000)
    d.execute("set $sprg7 = 1")
    assert d.past.seen(9_000) and not d.past.seen(15_000)


def test_last_write_is_the_last_stop_of_a_watchpoint() -> None:
    """Held to all the stops that a watchpoint makes on the way there; ``back`` returns."""
    d = on_demo()
    d.execute("run-to 9000")
    address = d.evaluate("$r1").number & ~3
    d.execute("seek start")
    d.execute(f"break data *(u32 *){address:#x} write")
    hits = []
    while d.execute("continue").cause is Cause.BREAKPOINT and d.position < 9000:
        hits.append(where(d))
    assert hits
    d.execute("delete")
    d.execute("seek 9000")
    here = where(d)
    report = d.execute(f"last write {address:#x}")
    assert where(d) == hits[-1] and report.hits and report.hits[-1].write
    assert not list(d.breakpoints)
    d.execute("back")
    assert where(d) == here


def test_last_of_any_event_and_of_one_that_did_not_happen() -> None:
    d = on_demo()
    d.execute("run-to 20000")
    for event, number in (("DTLB_MISS", 13), ("PROGRAM", 6)):
        d.execute("seek 20000")
        wanted = [r for r in d.exits if r.vector == number][-1]
        report = d.execute(f"last exit {event}")
        assert d.position == wanted.position and report.record is not None and report.record.number == wanted.number
    here = where(d)
    with pytest.raises(UsageError, match="did not happen between position 0 and here"):
        d.execute("last exit WATCHDOG")
    with pytest.raises(UsageError, match="last needs an event"):
        d.execute("last write")
    assert where(d) == here and not list(d.breakpoints)


def test_an_interrupted_way_back_of_the_bare_machine_ends_in_the_handler_where_it_began() -> None:
    """An interrupt that was taken moves pc and nothing else: the position alone does not say where one was."""
    d = on_demo(hv="none")
    d.execute("break taken DECREMENTER")
    d.execute("continue")
    here = d.system.moment()
    d.execute("seek start")
    d.execute("continue")
    assert d.system.moment() == here
    d.execute("delete")
    d.execute("break *0xfffffffc")
    d.runner.between = lambda: d.interrupt()
    assert d.execute("reverse-continue").cause is Cause.INTERRUPTED
    d.runner.between = None
    assert d.system.moment() == here
