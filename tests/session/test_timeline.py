"""Time travel: being somewhere by going back is being there by running there."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ppcdbg.machine.description import describe
from ppcdbg.machine.input import InputKind
from ppcdbg.machine.system import Limits, Stop, StopKind, System
from ppcdbg.session.holding import weight
from ppcdbg.session.timeline import Timeline
from tests.session.systems import DEMOS, LINUX, demo, everything, linux, make

ENGINES = ("reference", "llvm")


def clocked(system: System, budget: int = 512 << 20) -> Timeline:
    """A timeline on a clock of its own: a second for each two million instructions, so that checkpoints lie close."""
    ticks = [0.0]

    def clock() -> float:
        ticks[0] += 0.002
        return system.position / 100_000 + ticks[0]

    return Timeline(system, budget, clock)


@pytest.mark.parametrize(("cpu", "hv"), DEMOS)
@pytest.mark.parametrize("engine", ENGINES)
def test_every_position_of_a_stretch_is_reached_as_by_stepping(cpu: str, hv: str, engine: str) -> None:
    first, last = 8_000, 8_060
    stepped = make(demo(cpu, hv, engine))
    expected = {}
    for position in range(first, last):
        stepped.run(Limits(position))
        expected[position] = everything(stepped)
    system = make(demo(cpu, hv, engine))
    timeline = clocked(system)
    system.run(Limits(20_000))
    order = list(range(first, last))
    random.Random(3).shuffle(order)
    for position in [*order[:30], *range(last - 1, last - 20, -1)]:
        timeline.seek(position)
        assert everything(system) == expected[position], position


@pytest.mark.parametrize(("cpu", "hv"), DEMOS)
@pytest.mark.parametrize("engine", ENGINES)
def test_going_to_and_fro_ends_where_running_ends(cpu: str, hv: str, engine: str) -> None:
    alone = make(demo(cpu, hv, engine))
    alone.run(Limits(1 << 40))
    system = make(demo(cpu, hv, engine))
    timeline = clocked(system)
    system.run(Limits(1 << 40))
    chance = random.Random(11)
    for _ in range(12):
        position = chance.randrange(alone.position)
        timeline.seek(position)
        assert system.position == position and system.ended is None
        if chance.random() < 0.3:
            system.run(Limits(position + chance.randrange(2_000)))
    assert len(timeline.checkpoints) > 5
    assert timeline.seek(1 << 40) == alone.ended == system.ended
    assert everything(system) == everything(alone)


@pytest.mark.parametrize(("name", "hv"), LINUX)
def test_linux_is_the_same_wherever_one_comes_from(shared: Path, name: str, hv: str) -> None:
    system = make(linux(shared, name, hv))
    timeline = Timeline(system)
    system.run(Limits(14_000_000))
    chance = random.Random(5)
    places = [chance.randrange(14_000_000) for _ in range(4)]
    seen = {}
    for place in [*places, *reversed(places)]:
        timeline.seek(place)
        now = everything(system)
        assert seen.setdefault(place, now) == now, place
    alone = make(linux(shared, name, hv))
    alone.run(Limits(places[1]))
    assert everything(alone) == seen[places[1]]


def test_memory_is_bounded_and_the_past_stays_reachable() -> None:
    alone = make(demo("e500v2", "kvm", "llvm"))
    alone.run(Limits(5_000))
    system = make(demo("e500v2", "kvm", "llvm"))
    timeline = clocked(system)
    least = timeline.held
    system.run(Limits(1 << 40))
    timeline = clocked(make(demo("e500v2", "kvm", "llvm")), least + 100 * 4096)
    system = timeline.system
    system.run(Limits(1 << 40))
    assert timeline.held <= least + 100 * 4096
    for _ in range(3):
        timeline.seek(5_000)
        assert everything(system) == everything(alone)
        timeline.seek(30_000)
    assert timeline.held <= least + 100 * 4096


@pytest.mark.parametrize("hv", ["none", "kvm"])
def test_states_of_a_guest_that_writes_nothing_are_counted_too(hv: str, tmp_path: Path) -> None:
    """A loop of two instructions once had a checkpoint each 0.03 s for ever: its pages were all that counted."""
    loop = tmp_path / "loop.bin"
    loop.write_bytes(bytes.fromhex("38e70001 4bfffffc"))
    system = make(describe(loop, {"load": "0x10000", "hv": hv, "engine": "llvm", "memory": "32M"}))
    budget = 4 << 20
    timeline, most = clocked(system, budget), 0
    for number in range(12):
        system.run(Limits(system.position + 100_000))
        most = max(most, len(timeline.points()))
        assert timeline.held <= budget
        if number % 3 == 2:
            assert sum(weight(point.state) for point in timeline.points()) < budget * 1.1
    assert 10 < len(timeline.points()) <= most < 200
    timeline.seek(600_001)
    assert system.position == 600_001


def test_input_of_the_past_comes_again() -> None:
    def meddle(system: System) -> None:
        for at in (6_000, 9_000, 12_000):
            system.run(Limits(at))
            system.input.console(b"%d" % at)
            system.input.add(InputKind.REGISTER, name="sprg7", value=at)
            system.run(Limits(at))

    alone = make(demo("e500v2", "kvm"))
    meddle(alone)
    alone.run(Limits(15_000))
    expected = everything(alone)
    system = make(demo("e500v2", "kvm"))
    timeline = clocked(system)
    meddle(system)
    system.run(Limits(15_000))
    for back in (5_000, 9_000, 9_001, 11_999, 14_000):
        timeline.seek(back)
        timeline.seek(15_000)
        assert everything(system) == expected


def test_a_change_of_the_past_begins_another_future() -> None:
    system = make(demo("e500v2", "kvm"))
    timeline = clocked(system)
    system.run(Limits(20_000))
    before = everything(system)
    timeline.seek(10_000)
    timeline.seek(20_000)
    assert everything(system) == before
    timeline.seek(10_000)
    system.input.add(InputKind.MEMORY, target=0x300000, data=b"other")
    assert timeline.end[0] == 10_000 and max(timeline.checkpoints)[0] <= 10_000
    timeline.seek(20_000)
    assert everything(system) != before
    assert bytes(system.board.bus.ram[0x300000:0x300005]) == b"other"
    timeline.seek(9_999)
    assert bytes(system.board.bus.ram[0x300000:0x300005]) != b"other"


def test_both_ends_are_stops() -> None:
    system = make(demo("e500v2", "kvm", "llvm"))
    timeline = clocked(system)
    end = system.run(Limits(1 << 40))
    assert timeline.seek(-5).position == 0
    assert timeline.seek(10**9) == end
    assert timeline.seek(end.position - 1).kind is StopKind.LIMIT


@pytest.mark.parametrize("engine", ENGINES)
def test_exits_are_places(engine: str) -> None:
    system = make(demo("e500v2", "kvm", engine))
    timeline = clocked(system)
    system.run(Limits(1 << 40))
    exits = list(system.kvm.exits)  # type: ignore[attr-defined]
    for number in (700, 3, 1500, 1499, 701):
        timeline.seek_exit(number)
        assert system.steps == number
        assert list(system.kvm.exits) == exits[:number]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("cpu", "hv"), DEMOS)
@pytest.mark.parametrize("engine", ENGINES)
def test_stops_backwards_are_the_stops_forwards_in_mirrored_order(cpu: str, hv: str, engine: str) -> None:
    system = make(demo(cpu, hv, engine))
    timeline = clocked(system)
    seen: dict[int, int] = {}
    for position in range(20_000, 26_000):
        system.run(Limits(position))
        seen[system.core.state.pc] = seen.get(system.core.state.pc, 0) + 1
    place = frozenset({next(pc for pc, times in seen.items() if 4 <= times <= 12)})
    timeline.seek(0)

    def search(high: int) -> Stop | None:
        stop = system.run(Limits(high, place))
        return stop if stop.kind is StopKind.BREAKPOINT else None

    forwards = []
    while len(forwards) < 40 and (stop := search(26_000)) is not None:
        forwards.append((stop.position, system.steps))
    assert len(forwards) >= 4
    backwards = []
    timeline.seek(system.position + 1)
    while timeline.last_stop(search) is not None:
        backwards.append((system.position, system.steps))
    assert backwards == forwards[::-1]
    assert system.position == 0


def test_input_at_the_very_beginning_is_of_the_history() -> None:
    """It comes as the timeline begins, and had been left out of a run that was saved."""
    system = make(demo("e500v2", "none", "llvm"))
    system.input.console(b"first", 0)
    timeline = clocked(system)
    assert [event.data for event in timeline.taken] == [b"first"] == [event.data for event in timeline.history]


def test_another_history_is_another_future_from_where_it_parts() -> None:
    system = make(demo("e500v2", "kvm", "llvm"))
    timeline = clocked(system)
    system.run(Limits(20_000))
    one, past = everything(system), timeline.history
    timeline.seek(8_000)
    system.input.add(InputKind.MEMORY, target=0x300000, data=b"other")
    system.run(Limits(20_000))
    two, other = everything(system), timeline.history
    for events, state in ((past, one), (other, two), (past, one)):
        timeline.become(events)
        assert system.position <= 8_000
        timeline.seek(20_000)
        assert timeline.history == events and everything(system) == state
