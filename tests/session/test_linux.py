"""Recordings of real Linux guests, replayed by every engine, and over and over while the machine is busy."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from ppcdbg.engine.choose import TIER0
from ppcdbg.machine.input import Moment
from ppcdbg.machine.system import Limits, StopKind
from ppcdbg.session.machines import read_machine, write_machine
from ppcdbg.session.recorder import Recorder
from ppcdbg.session.replay import Verified, verify
from ppcdbg.session.snapshots import StateHash
from ppcdbg.session.store import Store
from ppcdbg.session.writes import Threaded
from tests.session.systems import LINUX, linux, make

STRETCH = 1_500_000


def record(path: Path, shared: Path, name: str, hv: str, limit: int = 1 << 40, engine: str = "llvm") -> None:
    store = Store.new(path)
    machine = linux(shared, name, hv, {"engine": engine})
    write_machine(store, machine)
    system = make(machine)
    recorder = Recorder(system, Threaded(store), 250_000)
    system.run(Limits(limit))
    recorder.finish()
    store.close()
    if limit == 1 << 40:
        assert system.ended is not None and system.ended.kind is StopKind.RESET


def verified(path: Path, engine: str, until: int | None = None) -> Verified:
    store = Store.open(path)
    try:
        return verify(store, replace(read_machine(store), engine=engine), until=until)
    finally:
        store.close()


@pytest.mark.parametrize(("name", "hv"), LINUX)
def test_the_beginning_of_linux_replays_on_every_engine(shared: Path, tmp_path: Path, name: str, hv: str) -> None:
    path = tmp_path / "linux.ppcdbg"
    record(path, shared, name, hv, STRETCH)
    for engine in ("reference", TIER0, "llvm"):
        found = verified(path, engine, STRETCH // 3 if engine == "reference" else None)
        assert found.complete, str(found.divergence)
        assert found.marks >= 2


@pytest.mark.parametrize("name", ["linux-e500mc", "linux-e500v2-pv"])
def test_a_recording_is_the_same_however_often_it_paused(
    shared: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the guest happens to be slow the recorder has it stand still a moment: no state tells."""
    record(tmp_path / "seldom.ppcdbg", shared, name, "kvm", 6_000_000)
    chance = random.Random(1)
    monkeypatch.setattr(Recorder, "wants", lambda recorder: chance.random() < 0.3)
    record(tmp_path / "often.ppcdbg", shared, name, "kvm", 6_000_000)
    assert marks(tmp_path / "seldom.ppcdbg") == marks(tmp_path / "often.ppcdbg")


@contextmanager
def load(processes: int) -> Iterator[None]:
    """Other programs that want every processor, memory and the disk, starting and ending all the time."""
    work = "import os, random, time\nwhile True:\n    sorted(os.urandom(1 << 18)); time.sleep(random.random() / 50)"
    busy = [subprocess.Popen([sys.executable, "-c", work]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


@pytest.mark.soak
@pytest.mark.parametrize(("name", "hv"), LINUX)
def test_linux_replays_twenty_times_while_the_machine_is_busy(shared: Path, tmp_path: Path, name: str, hv: str) -> None:
    seen = []
    with load(3):
        for recording in range(4):
            path = tmp_path / f"{recording}.ppcdbg"
            record(path, shared, name, hv)
            seen.append(marks(path))
            for engine in ("llvm", "llvm", "llvm", "llvm", TIER0):
                found = verified(path, engine)
                assert found.complete, f"recording {recording}: {found.divergence}"
    for each in seen[1:]:  # a slow run has more of them: one at each checkpoint
        both = seen[0].keys() & each.keys()
        assert len(both) > 190 and all(seen[0][moment] == each[moment] for moment in both)


def marks(path: Path) -> dict[Moment, StateHash]:
    store = Store.open(path)
    try:
        return {mark.moment: mark.hash for mark in store.marks()}
    finally:
        store.close()


@pytest.mark.soak
@pytest.mark.parametrize(("name", "hv"), LINUX)
def test_a_longer_stretch_of_linux_replays_on_the_reference(shared: Path, tmp_path: Path, name: str, hv: str) -> None:
    path = tmp_path / "linux.ppcdbg"
    record(path, shared, name, hv)
    found = verified(path, "reference", 10_000_000)
    assert found.complete, str(found.divergence)
    assert found.marks > 35
