"""Whole-state snapshots: what a snapshot forgets shows up when the same stretch is run again from it."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from ppcdbg.machine.description import describe
from ppcdbg.machine.system import Limits, StopKind, System
from ppcdbg.session.pages import PAGE, Pages
from ppcdbg.session.snapshots import hash_of, put, state_hash, take
from tests.debugger.rig import ENTRY, machine
from tests.guests.expected import SECTIONS
from tests.session.systems import DEMOS, LINUX, demo, everything, linux, make

SEED = int(os.environ.get("PPCDBG_SEED", "20261127"))


def compare_stretches(system: System, most: int, times: int) -> None:
    """Run to a random place, snapshot, run on, go back, run on again: nothing may differ."""
    chance = random.Random(SEED)
    print(f"PPCDBG_SEED={SEED}")
    pages = Pages(system)
    start = take(system, pages)
    for _ in range(times):
        first = chance.randrange(most)
        second = first + chance.randrange(1, most // 4)
        if first < system.position:
            put(system, pages, start)
        system.run(Limits(first))
        snapshot = take(system, pages)
        before = everything(system)
        system.run(Limits(second))
        ahead, hashed = everything(system), state_hash(system, pages)
        put(system, pages, snapshot)
        assert everything(system) == before
        system.run(Limits(second))
        assert everything(system) == ahead, f"from {first} to {second}"
        assert state_hash(system, pages) == hashed


@pytest.mark.parametrize(("cpu", "hv"), DEMOS)
@pytest.mark.parametrize("engine", ["reference", "llvm", "lockstep"])
def test_the_demo_runs_on_from_a_snapshot_as_it_did(cpu: str, hv: str, engine: str) -> None:
    compare_stretches(make(demo(cpu, hv, engine)), 40_000, 5)


@pytest.mark.parametrize(("name", "hv"), LINUX)
def test_linux_runs_on_from_a_snapshot_as_it_did(shared: Path, name: str, hv: str) -> None:
    compare_stretches(make(linux(shared, name, hv)), 12_000_000, 3)


@pytest.mark.parametrize("policy", ["single-step", "read-only", "ordered", "notify-unmapped"])
def test_an_interrupt_that_is_being_deferred_is_in_the_snapshot(policy: str) -> None:
    """Most of these stretches begin or end in a critical section; see ``guests/sections``."""
    compare_stretches(make(describe(SECTIONS, {"deferral": policy, "engine": "llvm", "memory": "64M"})), 9_000, 8)


@pytest.mark.parametrize(("cpu", "hv"), DEMOS)
def test_a_snapshot_goes_on_on_the_other_engine(cpu: str, hv: str) -> None:
    one, other = make(demo(cpu, hv, "llvm")), make(demo(cpu, hv, "reference"))
    pages, others = Pages(one), Pages(other)
    one.run(Limits(9_000))
    snapshot = take(one, pages)
    other.board.console.foretell(zip(one.board.console.output, one.board.console.positions))
    if hv == "kvm":
        other.kvm.exits.foretell(one.kvm.exits.rows(0))  # type: ignore[attr-defined]
    put(other, others, snapshot)
    for system in (one, other):
        system.run(Limits(20_000))
    assert everything(other) == everything(one)
    assert state_hash(other, others) == state_hash(one, pages)


@pytest.mark.parametrize(("first", "second"), [("reference", "llvm"), ("llvm", "reference"), ("lockstep", "lockstep")])
def test_how_long_a_guest_was_stuck_already_is_in_the_snapshot(first: str, second: str) -> None:
    """A vector whose first instruction is illegal: from a snapshot it is given up where it was without one."""
    systems = []
    for name in (first, second):
        system = machine(0, 0, 0, 0, 0, engine=name)
        for spr, value in (("IVPR", 0), ("IVOR6", ENTRY + 16)):
            system.core.write_spr(spr, value)
        systems.append((system, Pages(system)))
    (one, pages), (other, others) = systems
    again = Limits(1 << 40, breakpoints=frozenset({ENTRY + 16}))
    hashes = set()
    for _ in range(10):
        assert one.run(again).kind is StopKind.BREAKPOINT and one.position == 0
        hashes.add(state_hash(one, pages))
    assert len(hashes) == 10, "states that go on otherwise are others"
    snapshot = take(one, pages)
    stops = [one.run(again) for _ in range(80)]
    assert stops[-1].kind is StopKind.STUCK
    for system, known in ((one, pages), (other, others)):
        put(system, known, snapshot)
        assert [system.run(again) for _ in range(80)] == stops


def test_the_hash_of_ram_follows_every_page() -> None:
    """Kept up to date from what the engine says, it equals the hash made from nothing."""
    system = make(demo("e500v2", "kvm", "llvm"))
    pages = Pages(system)
    for at in range(1_000, 30_000, 1_000):
        system.run(Limits(at))
        pages.changed()
    ram = system.board.bus.ram
    everywhere = {at: bytes(ram[at : at + PAGE]) for at in range(0, len(ram), PAGE) if any(ram[at : at + PAGE])}
    known = {at: page for at, page in pages.all().items() if any(page)}
    assert known == everywhere


def test_each_part_of_the_state_is_hashed_by_itself() -> None:
    system = make(demo("e500v2", "kvm"))
    pages = Pages(system)
    system.run(Limits(5_000))
    hashed = state_hash(system, pages)
    system.core.state.gpr[7] ^= 1
    assert state_hash(system, pages).differing(hashed) == ("core",)
    system.core.state.gpr[7] ^= 1
    system.kvm.tsr ^= 1  # type: ignore[attr-defined]
    assert state_hash(system, pages).differing(hashed) == ("kvm",)
    system.kvm.tsr ^= 1  # type: ignore[attr-defined]
    system.board.bus.ram[0x123456] ^= 1
    system.engine.code_changed(0x123456, 1)
    assert state_hash(system, pages).differing(hashed) == ("ram",)
    assert hash_of(system.save(), pages.total()) == state_hash(system, pages)


def test_a_hash_is_the_same_however_a_run_came_to_a_moment() -> None:
    """A run that is ended by an exit stands where one to that position does."""
    one, two = make(demo("e500v2", "kvm", "llvm")), make(demo("e500v2", "kvm", "llvm"))
    met = 0
    while one.ended is None and met < 20:
        one.run(Limits(1 << 40, exits=1))
        two.run(Limits(one.position))
        if one.moment() == two.moment() and one.ended is None:
            met += 1
            assert state_hash(one, Pages(one)) == state_hash(two, Pages(two))
        two.run(Limits(one.position + 1, exits=max(one.steps - two.steps, 0)))
    assert met > 3
