"""Runs that end before each instruction of a class: wherever its word stands, also where the guest wrote it itself."""

from __future__ import annotations

import random
from functools import partial

import pytest

from ppcdbg.engine.api import Pattern, Stops, Why
from ppcdbg.engine.reference.engine import ReferenceEngine
from ppcdbg.isa.table import TABLE, by_name
from tests.cpu.rig import BASE, asm, spr_field
from tests.engine.test_watches import ENGINES, NOP, watching
from tests.engine.world import World

ADD = asm("addi", RT=3, RA0=3, SI=1)
MTSPR = asm("mtspr", RS=3, SPR=spr_field(272))
SPRG0 = Pattern(MTSPR & ~0x03E00000, 0xFC1FFFFE)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_execution_is_held_up_once(engine: str) -> None:
    it = watching(engine, ADD, MTSPR, ADD, asm("b", LI=-3 & 0xFFFFFF))
    it.engine.run(400, Stops())  # hot before anybody asks
    passing = None
    for turn in range(5):
        stop = it.engine.run(it.core.retired + 100, Stops(beginning=passing, instructions=(SPRG0,)))
        assert (stop.why, it.core.state.pc, it.core.retired) == (Why.INSTRUCTION, BASE + 4, 401 + 4 * turn)
        passing = it.core.retired, it.core.state.pc
    assert it.engine.run(it.core.retired + 2, Stops(beginning=passing, instructions=(SPRG0,))).why is Why.LIMIT
    assert it.engine.run(it.core.retired + 400, Stops()).why is Why.LIMIT


@pytest.mark.parametrize("engine", ENGINES)
def test_a_word_that_the_guest_or_a_debugger_writes_is_found(engine: str) -> None:
    it = watching(engine, asm("stw", RS=5, RA0=6, D=0), ADD, NOP, NOP, asm("b", LI=-3 & 0xFFFFFF))
    it.core.state.gpr[5], it.core.state.gpr[6] = MTSPR, BASE + 12
    stop = it.engine.run(50, Stops(instructions=(SPRG0,)))
    assert (stop.why, it.core.state.pc, it.core.retired) == (Why.INSTRUCTION, BASE + 12, 3)
    passing = (3, BASE + 12)
    assert it.engine.run(6, Stops(beginning=passing, instructions=(SPRG0,))).why is Why.LIMIT
    it.bus.ram[BASE + 8 : BASE + 12] = MTSPR.to_bytes(4, "big")
    it.engine.code_changed(BASE + 8, 4)
    assert it.engine.run(50, Stops(instructions=(SPRG0,))).why is Why.INSTRUCTION and it.core.state.pc == BASE + 8


def _story(world: World, count: int, classes: tuple[Pattern, ...]) -> list[tuple[object, ...]]:
    told: list[tuple[object, ...]] = []
    limit, passing = world.core.retired + count, None
    while True:
        stop = world.engine.run(limit, Stops(beginning=passing, instructions=classes))
        told.append((stop, world.core.retired, world.core.state.pc))
        if stop.why is not Why.INSTRUCTION:
            return told
        passing = (world.core.retired, world.core.state.pc)


@pytest.mark.parametrize("cpu", ["e500v2", "e500mc"])
@pytest.mark.parametrize("seed", range(4))
def test_random_programs_are_held_up_alike_and_end_as_ever(cpu: str, seed: int) -> None:
    name = f"class {cpu} {seed}"
    makers = [ReferenceEngine, ENGINES["tier0"], ENGINES["tier1"], ReferenceEngine]
    worlds = [World(cpu, make, name) for make in makers]
    rng = random.Random(name)
    held = 0
    for turn in range(30):
        insns = [rng.choice([i for i in TABLE if cpu in i.cores]) for _ in range(12)] + [by_name("mfspr")]
        classes = tuple(Pattern(i.form.match, i.form.mask) for i in insns)
        again = partial(random.Random, rng.getrandbits(32))
        for world in worlds:
            world.restart(again())
        stories = [_story(w, 150, classes) for w in worlds[:3]] + [_story(worlds[3], 150, ())]
        for other in (1, 2, 3):
            assert other == 3 or stories[0] == stories[other], f"{name} turn {turn} engine {other}"
            assert not worlds[0].differences(worlds[other]), f"{name} turn {turn} engine {other}"
        assert stories[0][-1] == stories[3][-1]
        held += len(stories[0]) - 1
    assert held
