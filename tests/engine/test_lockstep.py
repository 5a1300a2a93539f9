"""The lockstep engine: silent where two engines agree, exact where they do not."""

from __future__ import annotations

import random

import pytest

from ppcdbg.engine.api import Engine, EngineStop, Stops, Why
from ppcdbg.engine.llvm.engine import LlvmEngine
from ppcdbg.engine.lockstep import LockstepEngine
from ppcdbg.engine.reference.engine import ReferenceEngine
from ppcdbg.errors import LockstepError
from tests.cpu.rig import asm
from tests.engine.world import CODE, World

R5_OF = 1234


class Faulty(ReferenceEngine):
    """Gets one instruction wrong: the one that the tests put at ``CODE + 4 * R5_OF``."""

    name = "faulty"

    def run(self, limit: int, stops: Stops) -> EngineStop:
        before = self.core.retired
        stop = super().run(limit, stops)
        if before <= R5_OF < self.core.retired:
            self.core.state.gpr[5] ^= 0x100
        return stop


class Scribbler(ReferenceEngine):
    """Stores one byte wrongly."""

    name = "scribbler"

    def store(self, size: int, ea: int, value: int) -> None:
        super().store(size, ea, value ^ 1 if ea == 0x30100 else value)


def counting(make: type[Engine]) -> World:
    """A world that counts in r5 in a straight line, on a lockstep engine."""
    world = World("e500mc", lambda core: LockstepEngine(core, make), "lockstep")
    world.put(CODE, [asm("addi", RT=5, RA0=5, SI=1)] * 2500)
    world.core.set_msr(0x1000)
    world.core.state.gpr[5] = 0
    return world


def test_a_wrong_register_is_named_with_its_instruction() -> None:
    world = counting(Faulty)  # type: ignore[type-abstract]
    with pytest.raises(LockstepError) as caught:
        world.engine.run(2400, Stops())
    address = CODE + 4 * R5_OF
    assert str(caught.value) == (
        f"faulty and reference differ after instruction {R5_OF + 1:,} at {address:#010x}, addi (0x38a50001): "
        f"r5 is {R5_OF + 1 ^ 0x100:#010x} and should be {R5_OF + 1:#010x}"
    )


def test_a_wrong_byte_of_memory_is_found() -> None:
    world = counting(Scribbler)  # type: ignore[type-abstract]
    world.put(CODE + 4 * 99, [asm("stw", RS=5, RA0=0, D=0x0100)])
    world.put(CODE + 4 * 98, [asm("addis", RT=6, RA0=0, SIS=3), asm("stw", RS=5, RA0=6, D=0x0100)])
    with pytest.raises(LockstepError, match=r"after instruction 100 at 0x0001018c, stw .*real address 0x30103 is 0x63"):
        world.engine.run(2400, Stops())


@pytest.mark.parametrize("cpu", ["e500mc", "e500v2"])
def test_agreement_is_silent_devices_and_interrupts_included(cpu: str) -> None:
    world = World(cpu, lambda core: LockstepEngine(core, LlvmEngine), f"{cpu}.agree")
    rng = random.Random(cpu)
    for _ in range(100):
        before = world.core.retired
        stop = world.engine.run(before + rng.randrange(1, 300), Stops())
        if stop.why in (Why.STUCK, Why.CHECKSTOP, Why.WAIT):
            world.restart(rng)


def test_breakpoints_stop_between_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ppcdbg.engine.lockstep.STRETCH", 50)
    world = counting(LlvmEngine)  # type: ignore[type-abstract]
    for offset in (50, 120):
        stop = world.engine.run(2400, Stops(frozenset({CODE + 4 * offset})))
        assert (stop.why, world.core.retired) == (Why.BREAKPOINT, offset)
