"""A point brings everything back: state by ``System.save``, every byte of RAM, console, exits, whatever was tried."""

from __future__ import annotations

import os
import random

import pytest

from ppcdbg.engine.choose import compiles
from ppcdbg.explore.point import Base, Point
from ppcdbg.explore.sources import inject, names, source
from ppcdbg.kvm.build import build_system
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.description import describe
from ppcdbg.machine.guests import guest_file
from ppcdbg.machine.input import InputKind
from ppcdbg.machine.system import Limits
from ppcdbg.session.pages import Pages
from ppcdbg.session.snapshots import hash_of
from tests.explore.rig import whole

SEED = 20101214


@pytest.mark.parametrize("engine", ["reference", "llvm"])
@pytest.mark.parametrize(("guest", "cpu", "start", "apart", "then"), [
    ("window", "e500v2", 30, 1, 60), ("demo", "e500v2", 2_000, 97, 900), ("demo", "e500mc", 12_000, 131, 900),
])  # fmt: skip
def test_everything_is_as_it_was(guest: str, cpu: str, start: int, apart: int, then: int, engine: str) -> None:
    """Points along a run, come back to in any order, after interrupts and instructions."""
    if engine == "llvm" and not compiles():
        pytest.skip("llvmlite is not installed")
    options = {"cpu": cpu, "engine": engine, "memory": "64M"}
    system = build_system(describe(guest_file(guest, os.environ), options))
    assert isinstance(system, KvmSystem)
    system.run(Limits(start))
    base, points = Base(system, Pages(system)), []
    for n in range(24):
        points.append((Point(base, points[-1][0] if points and n % 3 else None), whole(system)))
        system.run(Limits(system.position + apart))
    chance = random.Random(SEED)
    print("seed", SEED)
    for _ in range(50):
        point, wanted = chance.choice(points)
        point.put()
        assert whole(system) == wanted
        chosen = source(chance.choice([*names(system.kvm.hv), "irq:42"]), system.kvm.hv)
        base.touched |= chosen.kind is not InputKind.KVM
        inject(system, chosen)
        system.run(Limits(system.position + chance.randrange(1, then)))


def test_a_run_from_a_point_is_the_run_that_was() -> None:
    system = build_system(describe(guest_file("demo", os.environ)))
    assert isinstance(system, KvmSystem)
    system.run(Limits(3_000))
    base = Base(system, Pages(system))
    point = Point(base)
    system.run(Limits(1 << 40))
    wanted = _seen(system)
    for _ in range(2):
        point.put()
        system.run(Limits(1 << 40))
        assert _seen(system) == wanted


def _seen(system: KvmSystem) -> object:
    """What a run leaves: its state's hash, RAM, console, exits. Which exits compiled code handled is none of it."""
    state, ram, console, _ = whole(system)
    return hash_of(state, ram), console, [*system.kvm.exits]
