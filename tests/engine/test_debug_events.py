"""Debug events of random programs: the compiled engine takes and records what the reference does, wherever it stops."""

from __future__ import annotations

import random

import pytest

from ppcdbg.cpu import debug
from ppcdbg.cpu import msr as M
from ppcdbg.cpu.plain import Saved
from ppcdbg.engine.reference.engine import ReferenceEngine
from tests.cpu.rig import asm
from tests.engine.test_against_reference import compare, eager
from tests.engine.world import WINDOW, World

TURNS = 140
KINDS = (
    M.DBCR0_IC, M.DBCR0_BT, M.DBCR0_IRPT, M.DBCR0_TIE, M.DBCR0_RET, M.DBCR0_CIRPT, M.DBCR0_CRET, debug.IAC_EVENTS,
    debug.DAC_EVENTS,
)  # fmt: skip
TRAP = asm("tw", TO=31, RA=0, RB=0)


def arm(world: World, beginning: tuple[Saved, bytes], rng: random.Random) -> None:
    """The beginning again, but somewhere else in the program, with debug registers that will see something."""
    core = world.core
    world.bus.ram[:] = beginning[1]
    core.restore(beginning[0])
    world.engine.code_changed(0, len(world.bus.ram))
    world.engine.restored()
    world.restart(rng)
    pc = core.state.pc
    wanted = sum(set(rng.choices(KINDS, k=rng.randrange(1, 3))))
    core.write_spr("DBCR0", (M.DBCR0_IDM if rng.random() < 0.9 else 0) | wanted)
    base = rng.randrange(1, 32)
    at = pc + 4 * rng.randrange(2) & 0x3FFFF
    accesses = asm("stw", RS=5, RA0=base, D=0), asm("lwz", RT=5, RA0=base, D=0)
    world.put(at, [rng.choice((TRAP, asm("b", LI=2), *accesses, *accesses))])
    world.engine.code_changed(at, 4)
    for name in ("DBCR1", "DBCR2"):
        core.write_spr(name, (rng.choice((0, 0, 0x80, 0x220, 0x3FC, rng.getrandbits(8) << 2)) | rng.randrange(4)) << 22)
    core.write_spr("DBSR", 0xFFFFFFFF)
    core.write_spr("IAC1", pc + 4 * rng.randrange(8))
    core.write_spr("IAC2", rng.choice((pc + 4 * rng.randrange(40), 0xFFFFFF00)))
    core.write_spr("DAC1", rng.choice((WINDOW + rng.randrange(0x3000), core.state.gpr[base])))
    core.write_spr("DAC2", rng.choice((WINDOW + rng.randrange(0x8000), 0xFFFFF000, core.state.gpr[base])))
    core.set_msr(
        core.msr | (M.MSR_DE if rng.random() < 0.7 else 0) | (M.MSR_EE | M.MSR_CE if rng.random() < 0.5 else 0)
    )
    core.set_external(rng.random() < 0.2)
    core.set_critical(rng.random() < 0.1)
    world.engine.translations_changed()


@pytest.mark.parametrize("cpu", ["e500mc", "e500v2"])
def test_engines_agree_on_debug_events(cpu: str) -> None:
    seed = f"{cpu}.debug"
    worlds = World(cpu, ReferenceEngine, seed), World(cpu, eager, seed)
    rng = random.Random(seed)
    beginning = worlds[0].core.save(), bytes(worlds[0].bus.ram)
    seen = 0
    for turn in range(TURNS):
        again = str(rng.random())
        for world in worlds:
            arm(world, beginning, random.Random(again))
        for _ in range(8):
            compare(worlds, rng.choice((1, 2, 5, 30)), f"seed {seed}, turn {turn}")
            seen |= worlds[0].core.read_spr("DBSR")
            for world in worlds:
                world.core.write_spr("DBSR", 0xFFFFFFFF)  # the handlers leave it, and would come again and again
    expected = debug.EVENTS | M.DBSR_IDE
    if cpu == "e500v2":
        expected &= ~(M.DBCR0_CIRPT | M.DBCR0_CRET)
    missing = expected & ~seen
    assert not missing, f"never seen: {missing:#x}"
