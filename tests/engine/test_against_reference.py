"""Compiled engines against the reference: random programs in a world of every kind of page, stopped anywhere."""

from __future__ import annotations

import random

import pytest

from ppcdbg.engine.api import Stops, Why
from ppcdbg.engine.llvm.engine import LlvmEngine
from ppcdbg.engine.reference.engine import ReferenceEngine
from tests.engine.world import World

ROUNDS = 400
RESTART_AFTER = 60


@pytest.mark.parametrize("cpu", ["e500mc", "e500v2"])
@pytest.mark.parametrize("number", range(4))
def test_state_is_the_same_wherever_a_program_is_stopped(cpu: str, number: int) -> None:
    seed = f"{cpu}.{number}"
    run_both(cpu, seed, lambda rng: rng.choice((1, 1, 2, 3, 7, 30)))


@pytest.mark.parametrize("cpu", ["e500mc", "e500v2"])
def test_state_is_the_same_after_long_runs(cpu: str) -> None:
    run_both(cpu, f"{cpu}.long", lambda rng: rng.randrange(100, 2000))


def run_both(cpu: str, seed: str, budget) -> None:  # type: ignore[no-untyped-def]
    one, two = World(cpu, ReferenceEngine, seed), World(cpu, LlvmEngine, seed)
    rng = random.Random(seed + ".run")
    assert not one.differences(two)
    for turn in range(ROUNDS):
        if turn % RESTART_AFTER == RESTART_AFTER - 1:
            again = str(rng.random())
            one.restart(random.Random(again))
            two.restart(random.Random(again))
        count = budget(rng)
        before, pc = one.core.retired, one.core.state.pc
        stops = [w.engine.run(before + count, Stops()) for w in (one, two)]
        word = int.from_bytes(one.bus.ram[pc & 0x3FFFC : (pc & 0x3FFFC) + 4], "big")
        where = f"seed {seed}, turn {turn}, {count} from {pc:#x} ({word:#010x}), position {before}"
        assert stops[0] == stops[1], where
        found = one.differences(two)
        assert not found, f"{where}: {found[:8]}"
        if stops[0].why in (Why.CHECKSTOP, Why.STUCK, Why.WAIT):
            again = str(rng.random())
            one.restart(random.Random(again))
            two.restart(random.Random(again))
