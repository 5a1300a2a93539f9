"""Every position of short runs: going there is having stepped there, from either side and in any order; and bounds."""

from __future__ import annotations

import random
import zlib

import pytest

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.stops import Cause
from ppcdbg.machine.input import InputKind
from ppcdbg.machine.system import Limits, System
from ppcdbg.session.holding import PAGE_HELD, weight
from ppcdbg.session.timeline import Timeline
from tests.debugger.rig import SPIN, addi, branch, debugger, li, stw
from tests.session.systems import demo, make

EMPTY = zlib.crc32(bytes(4096))
STRETCHES = {"kvm": ((0, 90), (13_790, 13_870)), "none": ((0, 80), (14_030, 14_110))}
"""The beginning, and a stretch in which interrupts come."""


def meddled(system: System) -> System:
    """With input of every kind within the stretches."""
    for position in (40, 70, 13_800, 14_060):
        system.input.console(b"%d" % position, position)
        system.input.add(InputKind.MEMORY, target=0x300000, data=b"%d" % position, position=position + 3)
        system.input.add(InputKind.REGISTER, name="sprg7", value=position, position=position + 5)
    return system


def whole(system: System) -> tuple[object, ...]:
    """As ``everything``, RAM by the pages that are in use: thousands of times."""
    ram = system.board.bus.ram
    pages = [(page, zlib.crc32(ram[page : page + 4096])) for page in system.board.ram.used()]
    kvm = getattr(system, "kvm", None)
    state = system.save()
    if kvm is not None:
        del state["loop"]["vcpu"]["copies"]  # type: ignore[index, union-attr, call-overload]
    exits = None if kvm is None else [(*row[:8], *row[-3:]) for row in kvm.exits.rows(0)[-30:]]
    return state, [page for page in pages if page[1] != EMPTY], bytes(system.board.console.output), exits


@pytest.mark.parametrize(("cpu", "hv", "engine"), [
    ("e500v2", "kvm", "llvm"), ("e500mc", "kvm", "llvm"), ("e500v2", "none", "llvm"), ("e500v2", "kvm", "reference"),
])  # fmt: skip
def test_seek_is_stepping_at_every_position(cpu: str, hv: str, engine: str) -> None:
    first, last = STRETCHES[hv][engine == "llvm"]
    stepped = meddled(make(demo(cpu, hv, engine)))
    expected = {}
    for position in range(first, last):
        stepped.run(Limits(position))
        expected[position] = whole(stepped)
    system = meddled(make(demo(cpu, hv, engine)))
    ticks = [0.0]

    def clock() -> float:
        ticks[0] += 0.002
        return system.position / 10_000 + ticks[0]

    timeline = Timeline(system, clock=clock)
    system.run(Limits(last + 500))
    shuffled = [*range(first, last)]
    random.Random(1).shuffle(shuffled)
    for order in (range(last - 1, first - 1, -1), range(first, last), shuffled):  # from above, from below, anyhow
        for position in order:
            timeline.seek(position)
            assert whole(system) == expected[position], position


@pytest.mark.parametrize("hv", ["kvm", "none"])
def test_stops_mirror_each_other_with_everything_on(hv: str) -> None:
    """Breakpoints, a watchpoint, conditions and exits at once: each stop on the way back is one of the way there."""
    machine = demo("e500v2", hv, "llvm")
    d = Debugger(make(machine), machine.kernel)
    d.execute("run-to 9000")
    stack, pc = d.evaluate("$r1").number & ~3, d.pc
    d.execute("seek start")
    d.execute(f"break *{pc:#x}")
    d.execute(f"break *{pc:#x} if $r3 & 1")
    d.execute(f"break data *(u32 *){stack:#x} write")
    if hv == "kvm":
        for event in ("exit DTLB_MISS if dear & 0x1000", "queued", "insn tlbwe", "delivered", 'console "TLB0"'):
            d.execute(f"break {event}")
    else:
        d.execute("break taken")
    forwards = []
    for _ in range(36):
        report = d.execute("continue")
        if report.cause is Cause.ENDED or d.position > 14_500:
            break
        forwards.append((d.position, d.system.steps, d.pc, report.breakpoints))
    assert len(forwards) > 15 and len({stop[3] for stop in forwards}) > 2
    backwards = []
    while (report := d.execute("reverse-continue")).cause is not Cause.BEGINNING:
        backwards.append((d.position, d.system.steps, d.pc, report.breakpoints))
    backwards = [stop for stop in backwards if stop in forwards or stop[0] <= forwards[-1][0]]
    assert backwards[::-1] == (
        forwards if report.cause is Cause.BEGINNING and backwards[0] == forwards[-1] else forwards[:-1]
    )


def test_memory_is_bounded_for_a_guest_that_always_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of two pages, again and again: every checkpoint has all of them, and only so many stay."""
    monkeypatch.setattr("ppcdbg.session.timeline.FIRST", 1_000)
    ori, rlwinm = 24 << 26 | 5 << 21 | 5 << 16 | 0x2000, 21 << 26 | 7 << 21 | 5 << 16 | 19 << 6 | 19 << 1
    words = (li(6, 0), li(7, 0), addi(7, 7, 4096), addi(6, 6, 1), rlwinm, ori, stw(6, 0, 5), branch(-20), SPIN)
    system = debugger(*words).system
    ticks = [0.0]

    def clock() -> float:
        ticks[0] += 0.001
        return system.position / 100_000 + ticks[0]

    each = weight(system.save()) + 2 * PAGE_HELD
    budget, most, taken = 10 * each, 0, set[object]()
    timeline = Timeline(system, budget, clock)
    for position in range(3_000, 300_000, 3_000):
        system.run(Limits(position))
        most = max(most, timeline.held)
        taken.update(timeline.checkpoints)
    assert len(taken) > 40, "more than fit"
    assert 4 < len(timeline.checkpoints) <= 10 + 1 and most <= budget + each
    alone = debugger(*words).system
    for place in (9_000, 123_456, 290_000):
        alone.run(Limits(place))
        for _ in range(2):
            timeline.seek(place)
            assert whole(system) == whole(alone)
            timeline.seek(299_000)
    assert timeline.held <= budget
