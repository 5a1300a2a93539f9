"""Data watchpoints of engines: every access to the byte, the same on both engines, and nothing of the guest changed."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from ppcdbg.cpu.core import Core
from ppcdbg.engine.api import Engine, Hit, Stops, Watch, WatchKind, Why
from ppcdbg.engine.llvm.engine import LlvmEngine
from ppcdbg.engine.llvm.layout import Left
from ppcdbg.engine.llvm.policy import Policy
from ppcdbg.engine.reference.engine import ReferenceEngine
from ppcdbg.isa import slots
from ppcdbg.isa.table import TABLE
from tests.cpu.rig import BASE, Rig, asm, rig
from tests.engine.world import CODE, CODE_PAGES, WINDOW, WINDOW_PAGES, World

HOT = Policy(period=100, longest=100, hot=2, background=False, optimize=0)
ENGINES: dict[str, Callable[[Core], Engine]] = {
    "reference": ReferenceEngine,
    "tier0": lambda core: LlvmEngine(core, None),
    "tier1": lambda core: LlvmEngine(core, HOT),
}
DATA = 0x400000


def watching(engine: str, *words: int, cpu: str = "e500mc") -> Rig:
    """A program, a data page at 0x400000 (RAM at 0x4000), and the next page (RAM at 0x5000) behind it."""
    it = rig(cpu)
    it.engine = ENGINES[engine](it.core)
    for i in range(2):
        it.core.tlb.write(i * 4, 0x80000100, DATA + 0x1000 * i, 0x4000 + 0x1000 * i | 0x3F, 0)
    it.code(*words)
    it.core.state.gpr[9] = DATA
    return it


def until(it: Rig, count: int, *watches: Watch, before: bool = False, passing: tuple[int, int] | None = None) -> tuple[
    Why, tuple[Hit, ...]
]:  # fmt: skip
    stop = it.engine.run(it.core.retired + count, Stops(frozenset(), watches, before, passing))
    return stop.why, stop.hits


NOP = asm("ori", RA=0, RS=0, UI=0)
LOOP = asm("b", LI=-1 & 0xFFFFFF)
STW, LWZ = asm("stw", RS=3, RA0=9, D=0x100), asm("lwz", RT=4, RA0=9, D=0x100)
EVERY = pytest.mark.parametrize("engine", ENGINES)


@EVERY
@pytest.mark.parametrize("kind, stops_at", [("read", [1]), ("write", [0]), ("access", [0, 1]), ("change", [0])])
def test_each_kind_stops_after_the_access(engine: str, kind: str, stops_at: list[int]) -> None:
    it = watching(engine, STW, LWZ, NOP, NOP, NOP, LOOP)
    it.core.state.gpr[3] = 0x11223344
    found = []
    while (told := until(it, 5 - it.core.retired, Watch(WatchKind(kind), DATA + 0x102, 1)))[0] is Why.WATCH:
        hit = told[1][0]
        assert (it.core.retired, it.core.state.pc) == (hit.position + 1, hit.pc + 4)
        assert (hit.address, hit.real, hit.size) == (DATA + 0x102, 0x4100, 4)
        assert (hit.old, hit.new) == ((0, 0x11223344) if hit.write else (0x11223344, None))
        found.append(hit.pc - BASE >> 2)
    assert found == stops_at


@EVERY
def test_a_write_that_changes_nothing_is_no_change(engine: str) -> None:
    it = watching(engine, STW, asm("addi", RT=3, RA0=3, SI=0x100), STW, NOP, LOOP)
    assert until(it, 4, Watch(WatchKind.CHANGE, DATA + 0x103, 1))[0] is Why.LIMIT
    it = watching(engine, STW, asm("addi", RT=3, RA0=3, SI=0x100), STW, NOP, LOOP)
    assert until(it, 4, Watch(WatchKind.CHANGE, DATA + 0x102, 1))[1][0].pc == BASE + 8


@EVERY
def test_a_stop_before_the_access_has_done_nothing_and_can_be_passed(engine: str) -> None:
    it = watching(engine, asm("stwu", RS=3, RA=9, D=0x100), NOP, LOOP)
    it.core.state.gpr[3] = 7
    watch = Watch(WatchKind.WRITE, 0x4100, 4, real=True)
    why, hits = until(it, 3, watch, before=True)
    assert why is Why.WATCH and (it.core.retired, it.core.state.pc) == (0, BASE)
    assert it.core.state.gpr[9] == DATA and it.bus.ram[0x4103] == 0 and hits[0].new == 7
    assert until(it, 3, watch, before=True) == (why, hits)  # again, as nothing said that it may pass
    assert until(it, 2, watch, before=True, passing=(0, BASE))[0] is Why.LIMIT
    assert it.core.state.gpr[9] == DATA + 0x100 and it.bus.ram[0x4103] == 7


@EVERY
def test_an_instruction_that_nobody_listens_to_stops_nothing(engine: str) -> None:
    it = watching(engine, STW, LWZ, asm("stw", RS=3, RA0=9, D=0x100), NOP, LOOP)
    watch = Watch(WatchKind.ACCESS, DATA + 0x100, 4)
    found = []
    for deaf in ({BASE, BASE + 8}, {BASE}, set[int](), {BASE, BASE + 4, BASE + 8}):
        it.core.state.pc, end = BASE, it.core.retired + 4
        while True:
            stop = it.engine.run(end, Stops(watches=(watch,), deaf=frozenset(deaf)))
            found += [hit.pc - BASE >> 2 for hit in stop.hits]
            if stop.why is Why.LIMIT:
                break
        found.append(-1)
    assert found == [1, -1, 1, 2, -1, 0, 1, 2, -1, -1]


def test_compiled_code_goes_on_beside_a_watched_byte() -> None:
    """Python is asked for accesses to watched bytes alone, however busy their page is."""
    beside = asm("lwz", RT=4, RA0=9, D=0x104), asm("stb", RS=3, RA0=9, D=0xFF), asm("lhz", RT=4, RA0=9, D=0xFE)
    it = watching("tier0", *beside * 5, STW, NOP, LOOP)
    engine = it.engine
    assert isinstance(engine, LlvmEngine)
    why, hits = until(it, 100, Watch(WatchKind.WRITE, DATA + 0x101, 2), Watch(WatchKind.READ, 0x4FFF, 1, real=True))
    assert why is Why.WATCH and hits[0].pc == BASE + 60 and engine.left[Left.INTERPRET] == 1
    it.core.state.pc = BASE
    why, hits = until(it, 100, Watch(WatchKind.READ, DATA + 0x107, 1))
    assert hits[0].pc == BASE and engine.left[Left.INTERPRET] == 2


@EVERY
def test_a_conditional_store_keeps_its_reservation_over_a_stop_before_it(engine: str) -> None:
    it = watching(engine, asm("lwarx", RT=4, RA0=0, RB=9), asm("stwcx.", RS=3, RA0=0, RB=9), NOP, LOOP)
    it.core.state.gpr[3] = 5
    watch = Watch(WatchKind.WRITE, DATA, 4)
    assert until(it, 3, watch, before=True)[0] is Why.WATCH
    assert it.core.state.reg[slots.RESERVED] and it.core.state.pc == BASE + 4
    assert until(it, 2, watch, before=True, passing=(1, BASE + 4))[0] is Why.LIMIT
    assert it.bus.ram[0x4003] == 5


@EVERY
def test_blocks_multiples_and_crossings_are_seen_where_they_touch(engine: str) -> None:
    words = asm("dcbz", RA0=0, RB=9), asm("stmw", RS=28, RA0=9, D=0xFF4), asm("sth", RS=3, RA0=9, D=0xFFF)
    it = watching(engine, *words, NOP, LOOP)
    for i, first in enumerate((DATA + 0x1F, DATA + 0x1000, DATA + 0x1000)):
        it.core.state.pc = BASE + 4 * i
        why, hits = until(it, 1, Watch(WatchKind.WRITE, first, 1))
        assert why is Why.WATCH and hits[-1].pc == BASE + 4 * i and hits[-1].address == first, words[i]


@EVERY
def test_external_pid_accesses_are_seen(engine: str) -> None:
    it = watching(engine, asm("stwepx", RS=3, RA0=0, RB=9), asm("lwepx", RT=3, RA0=0, RB=9), NOP, LOOP)
    watch = Watch(WatchKind.ACCESS, DATA, 4)
    assert [until(it, 1, watch)[1][0].write for _ in range(2)] == [True, False]


@EVERY
def test_a_store_before_a_fault_of_its_instruction_is_told_when_the_guest_stands_in_its_handler(engine: str) -> None:
    it = watching(engine, asm("stmw", RS=30, RA0=9, D=0x1FFC), NOP, LOOP)  # the second word faults
    it.core.state.gpr[30] = 9
    why, hits = until(it, 1, Watch(WatchKind.CHANGE, DATA + 0x1FFC, 4))
    if why is Why.LIMIT:  # a handler's instruction was the limit
        why, hits = until(it, 1, Watch(WatchKind.CHANGE, DATA + 0x1FFC, 4))
    assert why is Why.WATCH and hits[0].pc == BASE and it.bus.ram[0x5FFF] == 9


@EVERY
def test_a_hot_loop_is_left_only_for_the_watched_page(engine: str) -> None:
    it = watching(engine, asm("stw", RS=3, RA0=9, D=0x1000), asm("addi", RT=3, RA0=3, SI=1), asm("b", LI=-2 & 0xFFFFFF))
    assert until(it, 3000, Watch(WatchKind.ACCESS, DATA + 0x10))[0] is Why.LIMIT
    if engine != "reference":
        assert it.engine.left[1] < 20  # type: ignore[attr-defined]
    why, hits = until(it, 3000, Watch(WatchKind.WRITE, DATA + 0x1000))
    assert why is Why.WATCH and hits[0].new == 1000
    assert until(it, 3000)[0] is Why.LIMIT


def _storage_words(cpu: str, rng: random.Random, count: int) -> list[int]:
    """Random loads and stores near the addresses that the registers hold."""
    known = [i for i in TABLE if cpu in i.cores and i.name.startswith(("l", "st", "dcbz", "evl", "evst"))]
    words = []
    for _ in range(count):
        form = rng.choice(known).form
        raw = {f.name: rng.getrandbits(f.last - f.first + 1) for f in form.fields}
        if raw.get("D", 0) >> 5:
            raw["D"] = rng.choice((0, 4, 8, 0xFF0, rng.randrange(0x1000)))
        words.append(form.encode(**raw))
    return words


def _watches(rng: random.Random) -> tuple[Watch, ...]:
    found = []
    for _ in range(3):
        kind, length = rng.choice(list(WatchKind)), rng.choice((4, 64, 4096, 0x4000))
        page = rng.randrange(len(WINDOW_PAGES))
        real = rng.random() < 0.5
        start = WINDOW_PAGES[page][0] if real else WINDOW + 0x1000 * page
        found.append(Watch(kind, start + rng.choice((0, 0xFFC, rng.randrange(0x1000))), length, real))
    return tuple(found)


def _story(world: World, count: int, watches: tuple[Watch, ...], before: bool) -> list[tuple[object, ...]]:
    """Every stop of a run that goes on after each."""
    told: list[tuple[object, ...]] = []
    limit, passing = world.core.retired + count, None
    while True:
        stop = world.engine.run(limit, Stops(frozenset(), watches, before, passing))
        told.append((stop, world.core.retired, world.core.state.pc))
        if stop.why is not Why.WATCH or len(told) > 4 * count:
            return told
        passing = (world.core.retired, world.core.state.pc) if before else None


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("cpu", ["e500v2", "e500mc"])
@pytest.mark.parametrize("seed", range(6))
def test_random_programs_stop_alike_and_end_as_without_watches(cpu: str, before: bool, seed: int) -> None:
    """Both engines tell the same accesses in the same order, and the state at the end is that of a plain run."""
    name = f"watch {cpu} {seed} {before}"
    worlds = [World(cpu, make, name) for make in (ReferenceEngine, ENGINES["tier0"], ENGINES["tier1"], ReferenceEngine)]
    rng = random.Random(name)
    words = _storage_words(cpu, rng, 1024 * CODE_PAGES)
    for world in worlds:
        world.put(CODE, words)
        world.engine.code_changed(CODE, 4 * len(words))
    hits = 0
    for turn in range(30):
        watches, restart = _watches(rng), rng.getrandbits(32)
        for world in worlds:
            world.restart(random.Random(restart))
        stories = [_story(w, 150, watches, before) for w in worlds[:3]]
        plain = _story(worlds[3], 150, (), False)
        for other, engine in ((1, "tier0"), (2, "tier1")):
            assert stories[0] == stories[other], f"{name} turn {turn} {engine}"
            assert not worlds[0].differences(worlds[other]), f"{name} turn {turn} {engine}"
        assert stories[0][-1] == plain[-1] and not worlds[0].differences(worlds[3]), f"{name} turn {turn}"
        hits += len(stories[0]) - 1
    assert hits, "the watches of this seed hit nothing"
