"""A file that another process writes: it has what was told, whole, whatever becomes of either process."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from ppcdbg.errors import InputError
from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.system import Limits
from ppcdbg.session import elsewhere
from ppcdbg.session.checkpoints import places, read
from ppcdbg.session.elsewhere import Elsewhere
from ppcdbg.session.machines import read_machine, write_machine
from ppcdbg.session.recorder import Recorder
from ppcdbg.session.replay import verify
from ppcdbg.session.store import Store
from ppcdbg.session.writes import Threaded
from tests.session.systems import demo, make, whole_up_to

ROOT = Path(__file__).resolve().parent.parent.parent


def begin(machine: MachineDescription, store: Store) -> None:
    write_machine(store, machine)


def recorded(path: Path, machine: MachineDescription, *, here: bool) -> None:
    system = make(machine)
    if here:
        store = Store.new(path)
        begin(machine, store)
        recorder = Recorder(system, Threaded(store), 1_000)
        system.run(Limits(1 << 40))
        recorder.finish()
        store.close()
        return
    file = Elsewhere(path, partial(begin, machine))
    recorder = Recorder(system, file, 1_000)
    system.run(Limits(1 << 40))
    recorder.finish()
    assert file.kept == system.position
    file.close()


def content(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All of it but how the logs are cut into chunks, which follows the clock."""
    store = Store.open(path)
    tables = ("session", "image", "input", "state_hash", "console", "bookmark")
    rows = {table: store.rows(f"SELECT * FROM {table}") for table in tables}
    logs = {kind: [*store.log(kind)] for kind in ("exit", "interrupt", "console0", "console1")}
    store.close()
    return {**rows, **logs}


@pytest.mark.parametrize("ring", [elsewhere.RING, 1 << 20])
@pytest.mark.parametrize(("cpu", "hv"), [("e500v2", "kvm"), ("e500mc", "none")])
def test_it_is_the_file_that_a_thread_writes(
    cpu: str, hv: str, ring: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the ring is so small that it is gone round often, and waited for."""
    monkeypatch.setattr(elsewhere, "RING", ring)
    monkeypatch.setattr(elsewhere, "PART", ring // 4)
    machine = demo(cpu, hv, "llvm")
    recorded(tmp_path / "a.ppcdbg", machine, here=True)
    recorded(tmp_path / "b.ppcdbg", machine, here=False)
    assert content(tmp_path / "a.ppcdbg") == content(tmp_path / "b.ppcdbg")


def test_checkpoints_are_put_in_while_the_run_goes_on(tmp_path: Path) -> None:
    """A thread of the other process hashed RAM while the next pages came in."""
    machine, path = demo("e500v2", "kvm", "llvm"), tmp_path / "a.ppcdbg"
    system = make(machine)
    file = Elsewhere(path, partial(begin, machine))
    recorder = Recorder(system, file, 400, clock=lambda: system.position / 400)  # 400 instructions a second
    system.run(Limits(1 << 40))
    recorder.finish()
    file.close()
    store = Store.open(path)
    assert len(places(store)) >= 5 and len([*read(store)]) == len(places(store))
    found = verify(store, replace(read_machine(store), engine="llvm"))
    assert found.complete, str(found.divergence)
    store.close()


def test_what_is_larger_than_the_ring_is_told_through_the_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elsewhere, "RING", 1 << 16)
    monkeypatch.setattr(elsewhere, "PART", 1 << 14)
    text = os.urandom(1 << 17).hex()
    file = Elsewhere(tmp_path / "a.ppcdbg", lambda store: None)
    file.tell("end", [text])
    file.tell("commit", (0, 0, 0, None))
    file.settle()
    file.close()
    store = Store.open(tmp_path / "a.ppcdbg")
    assert store.get("end") == [text]
    store.close()


def test_a_fault_of_the_other_process_is_raised_here(tmp_path: Path) -> None:
    file = Elsewhere(tmp_path / "a.ppcdbg", lambda store: None)
    file.tell("no such thing")
    with pytest.raises(RuntimeError, match="no such thing"):
        file.settle()
    file.close()


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    def full(store: Store) -> None:
        raise InputError("cannot write session a: the disk is full")

    file = Elsewhere(tmp_path / "a.ppcdbg", full)
    with pytest.raises(InputError, match="the disk is full"):
        file.settle()
        file.tell("end", None)
        file.settle()
    file.close()
    with pytest.raises(InputError, match="exists already"):
        Elsewhere(tmp_path / "a.ppcdbg", full)
    with pytest.raises(InputError, match="No such file or directory"):
        Elsewhere(tmp_path / "none" / "a.ppcdbg", full)


def test_a_writer_that_is_killed_ends_the_recording_and_not_the_run(tmp_path: Path) -> None:
    machine = demo("e500v2", "kvm", "llvm")
    system = make(machine)
    file = Elsewhere(tmp_path / "a.ppcdbg", partial(begin, machine))
    recorder = Recorder(system, file, 1_000)
    system.run(Limits(10_000))
    file.settle()
    os.kill(file.process, signal.SIGKILL)
    system.run(Limits(1 << 40))
    assert system.ended is not None
    with pytest.raises(InputError, match="the process that writes it has ended"):
        recorder.finish()
    file.close()


@pytest.mark.parametrize("seed", range(3))
def test_record_that_is_killed_leaves_all_that_it_told(shared: Path, tmp_path: Path, seed: int) -> None:
    """kill -9 of the run: who writes hears it, and commits what was told up to then."""
    print(f"{seed=}")
    killed(shared, tmp_path / "a.ppcdbg", random.Random(seed))


@pytest.mark.soak
def test_a_hundred_records_that_are_killed(shared: Path, tmp_path: Path) -> None:
    for seed in range(100, 200):
        print(f"{seed=}")
        killed(shared, tmp_path / f"{seed}.ppcdbg", random.Random(seed))


def killed(shared: Path, path: Path, chance: random.Random) -> None:
    linux = shared / "guests" / "linux-e500v2"
    command = [
        sys.executable, "-m", "ppcdbg", "record", "-o", str(path), "--memory", "128M", "--initrd",
        str(linux / "initrd.gz"), "--append", "console=ttyS0,115200", str(linux / "vmlinux"),
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    while not path.exists():
        time.sleep(0.01)
    time.sleep(chance.random())
    process.kill()
    process.communicate(timeout=60)  # until nobody has its output any more, who writes the file included
    whole_up_to(path)
