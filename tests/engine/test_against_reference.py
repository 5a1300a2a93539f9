"""Compiled engines against the reference: random programs in a world of every kind of page, stopped anywhere."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest

from ppcdbg.cpu.core import Core
from ppcdbg.engine.api import EngineStop, Pattern, Stops, Watch, WatchKind, Why
from ppcdbg.engine.llvm import memory
from ppcdbg.engine.llvm.engine import LlvmEngine
from ppcdbg.engine.llvm.policy import Policy
from ppcdbg.engine.reference.engine import ReferenceEngine
from ppcdbg.isa.table import by_name
from tests.cpu.rig import asm
from tests.engine.looping import FUNCTION, START, load, refresh
from tests.engine.world import WINDOW, World

ROUNDS = 400
RESTART_AFTER = 60
EAGER = Policy(period=300, longest=300, hot=2, background=False, optimize=1)
LATE = Policy(period=300, longest=300, hot=2, background=True, optimize=1)


def tier0(core: Core) -> LlvmEngine:
    return LlvmEngine(core, None)


def eager(core: Core) -> LlvmEngine:
    return LlvmEngine(core, EAGER)


def late(core: Core) -> LlvmEngine:
    return LlvmEngine(core, LATE)


@pytest.mark.parametrize("cpu", ["e500mc", "e500v2"])
@pytest.mark.parametrize("number", range(4))
def test_state_is_the_same_wherever_a_program_is_stopped(cpu: str, number: int) -> None:
    run_both(cpu, tier0, f"{cpu}.{number}", lambda rng: rng.choice((1, 1, 2, 3, 7, 30)))


@pytest.mark.parametrize("cpu", ["e500mc", "e500v2"])
@pytest.mark.parametrize("make", [tier0, eager, late])
def test_state_is_the_same_after_long_runs(cpu: str, make: Callable[[Core], LlvmEngine]) -> None:
    run_both(cpu, make, f"{cpu}.long", lambda rng: rng.randrange(100, 2000))


@pytest.mark.parametrize("cpu", ["e500mc", "e500v2"])
@pytest.mark.parametrize("make", [eager, late])
@pytest.mark.parametrize("number", range(3))
def test_loops_that_regions_are_made_of(cpu: str, make: Callable[[Core], LlvmEngine], number: int) -> None:
    """Calls, page boundaries, faults now and then, and code that rewrites itself or is rewritten from outside."""
    seed = f"{cpu}.loops.{number}"
    worlds = World(cpu, ReferenceEngine, seed), World(cpu, make, seed)
    rng = random.Random(seed + ".run")
    for world in worlds:
        load(world, seed)
    regions = 0
    for turn in range(250):
        changes = turn % 50 > 44
        if changes or turn % 50 == 0:
            again = str(rng.random())
            for world in worlds:
                refresh(world, random.Random(again), tame=not changes)
        if turn % 60 == 59:
            word = asm("addi", RT=rng.randrange(16), RA0=rng.randrange(16), SI=rng.getrandbits(16))
            for world in worlds:
                world.put(START + 12, [word])
                world.engine.code_changed(START + 12, 4)
        compare(worlds, rng.choice((1, 3, 20, 500, rng.randrange(1, 3000))), f"seed {seed}, turn {turn}")
        tier1 = worlds[1].engine.tier1  # type: ignore[attr-defined]
        regions = max(regions, len(tier1.installed) if tier1 else 0)
    if make is eager:
        assert regions >= 1


@pytest.mark.parametrize("make", [tier0, eager])
def test_hardly_any_room_for_ops_and_contexts(
    make: Callable[[Core], LlvmEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Op pages and sets of translations are dropped and made again all the time."""
    monkeypatch.setattr(memory, "OP_PAGES", 3)
    monkeypatch.setattr(memory, "SET_LIMIT", 2)
    run_both("e500mc", make, "crowded", lambda rng: rng.randrange(1, 400))
    seed = "crowded.loops"
    worlds = World("e500mc", ReferenceEngine, seed), World("e500mc", make, seed)
    for world in worlds:
        load(world, seed)
    for turn in range(60):
        compare(worlds, 200 + turn, f"{seed}, turn {turn}")


@pytest.mark.parametrize("cpu", ["e500mc", "e500v2"])
@pytest.mark.parametrize("make", [tier0, eager, late])
@pytest.mark.parametrize("number", range(2))
def test_breakpoints_that_come_and_go(cpu: str, make: Callable[[Core], LlvmEngine], number: int) -> None:
    """In code that is hot already, or gets hot while they stand in it: no region runs over one. Watches and classes of
    instructions too."""
    seed = f"{cpu}.breakpoints.{number}"
    worlds = World(cpu, ReferenceEngine, seed), World(cpu, make, seed)
    rng = random.Random(seed + ".run")
    for world in worlds:
        load(world, seed)
    stops, found = Stops(), Counter[Why]()
    for turn in range(250):
        if turn % 50 == 0:
            again = str(rng.random())
            for world in worlds:
                refresh(world, random.Random(again), tame=True)
        if turn % 30 == 29:
            word = asm("addi", RT=rng.randrange(16), RA0=rng.randrange(16), SI=rng.getrandbits(16))
            for world in worlds:
                world.put(START + 12, [word])
                world.engine.code_changed(START + 12, 4)
        if rng.random() < 0.3:
            places = [rng.choice((START, FUNCTION)) + 4 * rng.randrange(60) for _ in range(rng.choice((0, 0, 1, 1, 3)))]
            form = by_name(rng.choice(("bclr", "mtspr", "addi", "stw"))).form
            classes = (Pattern(form.match, form.mask),) if rng.random() < 0.2 else ()
            kind, at = rng.choice(list(WatchKind)), WINDOW + rng.randrange(0x2000)
            watches = (Watch(kind, at, rng.choice((4, 64, 0x1000))),) if rng.random() < 0.3 else ()
            stops = Stops(frozenset(places), watches, rng.random() < 0.3, instructions=classes)
        stop = compare(worlds, rng.choice((1, 20, 500, 5_000)), f"seed {seed}, turn {turn}", stops)
        found[stop.why] += 1
    assert found[Why.BREAKPOINT] > 10 and found[Why.INSTRUCTION] and found[Why.WATCH], found


def compare(worlds: tuple[World, World], count: int, where: str, asked: Stops | None = None) -> EngineStop:
    """Run both as far and expect the same stop and the same state."""
    one, two = worlds
    before, pc = one.core.retired, one.core.state.pc
    stops = [w.engine.run(before + count, asked or Stops()) for w in worlds]
    where = f"{where}, {count} from {pc:#x}, position {before}"
    assert stops[0] == stops[1], where
    found = one.differences(two)
    assert not found, f"{where}: {found[:8]}"
    return stops[0]


def run_both(cpu: str, make: Callable[[Core], LlvmEngine], seed: str, budget: Callable[[random.Random], int]) -> World:
    """Run a program on the reference and on another engine, compare at every stop; the world of the other."""
    one, two = World(cpu, ReferenceEngine, seed), World(cpu, make, seed)
    rng = random.Random(seed + ".run")
    assert not one.differences(two)
    for turn in range(ROUNDS):
        if turn % RESTART_AFTER == RESTART_AFTER - 1:
            again = str(rng.random())
            one.restart(random.Random(again))
            two.restart(random.Random(again))
        stop = compare((one, two), budget(rng), f"seed {seed}, turn {turn}")
        if stop.why in (Why.CHECKSTOP, Why.STUCK, Why.WAIT):
            again = str(rng.random())
            one.restart(random.Random(again))
            two.restart(random.Random(again))
    return two
