"""Checkpoints that whoever replays a session leaves in its file: right, and never at the cost of what is recorded."""

from __future__ import annotations

import gc
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
import weakref
from contextlib import suppress
from pathlib import Path

import pytest

from ppcdbg.debugger import open_guest
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.errors import InputError
from ppcdbg.machine.input import InputKind
from ppcdbg.machine.system import System
from ppcdbg.session import checkpoints
from ppcdbg.session.format import TABLES
from ppcdbg.session.store import Store
from tests.session.systems import DEMOS, comes_again, demo, everything
from tests.session.test_files import record

ROOT = Path(__file__).resolve().parents[2]
SEED = int(os.environ.get("PPCDBG_SEED", "20261127"))
LAST = 30_000


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever there is a hash: a test has no guest that runs for seconds."""
    monkeypatch.setattr("ppcdbg.session.shelf.EAGER", 0.0)
    monkeypatch.setattr("ppcdbg.session.shelf.PART", 1 << 40)
    monkeypatch.setattr("ppcdbg.session.shelf.FIRST_LOOK", 1_000)


def typed(system: System) -> None:
    for position in (3_000, 9_000, 15_000):
        system.input.console(b"%d" % position, position)
        system.input.add(InputKind.MEMORY, target=0x300000, data=b"%d" % position, position=position + 3)


def session(path: Path, cpu: str = "e500v2", hv: str = "kvm") -> Path:
    record(path, demo(cpu, hv, "llvm"), typed)
    return path


def replayed(path: Path, *commands: str, engine: str = "llvm") -> Debugger:
    """Somebody looks at a session, and leaves."""
    d = open_guest(str(path), engine=engine)
    for command in commands:
        d.execute(command)
    leave(d)
    return d


def leave(d: Debugger) -> None:
    """As at the end of a process, but for the patience."""
    shelf = d.past._shelf
    assert shelf is not None
    if shelf._writer is not None:
        with suppress(InputError):
            shelf._writer.store.settle()
    shelf.close()


def places(path: Path) -> list[int]:
    """Where the checkpoints of a file are that can be read, all of them."""
    store = Store.open(path)
    try:
        kept = [*checkpoints.read(store)]
        assert len(kept) == len(checkpoints.places(store))
        return [each.moment.position for each in kept]
    finally:
        store.close()


def recorded(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All that is in a file but its checkpoints."""
    connection = sqlite3.connect(path)
    tables = [name for name in TABLES if name != "checkpoint"]
    found = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in tables}
    connection.close()
    return found


@pytest.mark.parametrize(("cpu", "hv"), DEMOS)
def test_the_second_opening_need_not_run_through_it(tmp_path: Path, cpu: str, hv: str) -> None:
    path = session(tmp_path / "a.ppcdbg", cpu, hv)
    before = recorded(path)
    first = replayed(path, "seek end", "seek 20000", "run-to 25000", engine="reference")
    there = places(path)
    assert len(there) >= 10 and all(not position % 2_000 for position in there) and recorded(path) == before
    second = open_guest(str(path), engine="llvm")
    second.execute("seek 25000")
    assert second.past.kept_places == tuple(there)
    assert {*there} <= {key[0] for key in second.past.timeline.checkpoints}
    assert everything(second.system)[1:] == everything(first.system)[1:]
    replayed(path, "seek end", "reverse-continue", "continue")
    assert places(path)[: len(there)] == there, "what has been put in is not put in again"
    comes_again(path, before_end(path))


def before_end(path: Path) -> int:
    store = Store.open(path)
    try:
        return store.reached().position
    finally:
        store.close()


def test_who_went_half_the_way_is_followed_by_who_goes_on(tmp_path: Path) -> None:
    path = session(tmp_path / "a.ppcdbg")
    replayed(path, "run-to 11000")
    half = places(path)
    replayed(path, "seek 5000", "run-to 7000")
    assert places(path) == half and 2_000 <= half[-1] <= 11_000
    replayed(path, "seek 9000", "seek exit:1500", "seek end", engine="reference")
    assert places(path)[: len(half)] == half and places(path)[-1] > 25_000
    whole = session(tmp_path / "b.ppcdbg")
    replayed(whole, "seek end")
    assert places(path) == places(whole)
    comes_again(path, before_end(path))


def test_a_session_that_begins_later_keeps_the_state_that_it_begins_with(tmp_path: Path) -> None:
    path = tmp_path / "a.ppcdbg"
    d = open_guest("demo", engine="llvm")
    d.past.kept = False
    d.execute("run-to 5000")
    d.past.kept = True
    d.execute(f"record {path}")
    for position in range(7_000, LAST, 2_000):
        d.execute(f"run-to {position}")
        assert d.past.recording._recorder is not None
        d.past.recording._recorder._mark()
    d.execute("record stop")
    assert places(path) == [5_000]
    replayed(path, "seek end")
    assert places(path)[0] == 5_000 and len(places(path)) > 5
    comes_again(path, before_end(path))


def test_another_future_is_not_put_in(tmp_path: Path) -> None:
    path = session(tmp_path / "a.ppcdbg")
    before = recorded(path)
    d = replayed(path, "run-to 9000", "set $r20 = 5", "run-to 20000")
    assert d.past.parted_at == 9_000 and places(path)[-1] <= 9_000 and recorded(path) == before
    d = replayed(path, "run-to 12000", "branch other", "set $r20 = 5", "run-to 16000", "branch switch main", "seek end")
    assert d.past.parted_at is None and places(path)[-1] > 25_000
    comes_again(path, before_end(path))


def test_a_state_that_was_not_recorded_is_not_put_in(tmp_path: Path) -> None:
    path = session(tmp_path / "a.ppcdbg")
    connection = sqlite3.connect(path)
    connection.execute("UPDATE state_hash SET core = core + 1 WHERE position = 8000")
    connection.commit()
    connection.close()
    replayed(path, "seek end")
    assert 8_000 not in places(path) and {6_000, 10_000} <= {*places(path)}


@pytest.mark.parametrize("change", [
    "UPDATE session SET value = '[40000, 0, 3000, 0]' WHERE key = 'reached'",
    "INSERT INTO input SELECT 99, position, skipped, steps, pc, kind, target, value, data, name FROM input LIMIT 1",
    "INSERT INTO checkpoint SELECT 3, position, skipped, steps, pc, x'00', x'00', x'00' FROM state_hash LIMIT 1",
])  # fmt: skip
def test_a_file_that_somebody_else_writes_is_left_alone(tmp_path: Path, change: str) -> None:
    path = session(tmp_path / "a.ppcdbg")
    d = open_guest(str(path), engine="llvm")
    d.execute("stepi")
    connection = sqlite3.connect(path)
    connection.execute(change)
    connection.commit()
    before = path.read_bytes()
    connection.close()
    d.execute("seek end")
    leave(d)
    assert path.read_bytes() == before and d.position > 30_000


def test_a_file_that_cannot_be_written_is_replayed_without_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = session(tmp_path / "a.ppcdbg")
    before = path.read_bytes()

    def refuse(store: Store, row: object) -> None:
        raise InputError("the disk is full")

    monkeypatch.setattr(Store, "put_checkpoint", refuse)  # as root there is no file that cannot be written
    d = replayed(path, "run-to 20000", "seek end", "seek 100", "seek end")
    assert d.system.ended is not None and not d.past.told() and path.read_bytes() == before


def test_what_ships_is_not_written() -> None:
    d = open_guest("demo-e500v2-kvm", engine="llvm")
    assert d.past.file is not None
    before = d.past.file.read_bytes()
    d.execute("seek end")
    assert d.past._shelf is not None and d.past.file.read_bytes() == before


def test_who_looks_at_many_sessions_keeps_none_of_them(tmp_path: Path) -> None:
    path = session(tmp_path / "a.ppcdbg")
    d = open_guest(str(path), engine="llvm")
    d.execute("run-to 9000")
    gone = weakref.ref(d.system)
    del d
    gc.collect()
    assert gone() is None and places(path), "what was about to be put in has been"


LOOKS = """
import sys
import ppcdbg.session.shelf as shelf
shelf.EAGER, shelf.PART, shelf.FIRST_LOOK = 0.0, 1 << 40, 1_000
from ppcdbg.debugger import open_guest
d = open_guest(sys.argv[1], engine="llvm")
print("ready", flush=True)
d.execute("seek end")
d.past._shelf._writer.store.settle()
"""


def killed(path: Path, chance: random.Random) -> None:
    """Killed at any moment while it replays."""
    child = subprocess.Popen([sys.executable, "-c", LOOKS, str(path)], cwd=ROOT, stdout=subprocess.PIPE)
    assert child.stdout is not None and child.stdout.readline() == b"ready\n"
    time.sleep(chance.random() * 0.3)
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()


@pytest.mark.parametrize("often", [4, pytest.param(60, marks=pytest.mark.soak)])
def test_killed_while_it_puts_them_in(tmp_path: Path, often: int) -> None:
    print(f"PPCDBG_SEED={SEED}")
    chance = random.Random(SEED)
    path = session(tmp_path / "a.ppcdbg")
    before, seen = recorded(path), [0]
    for _ in range(often):
        killed(path, chance)
        assert recorded(path) == before
        seen.append(len(places(path)))
        if seen[-1] > 15:
            store = Store.open(path)
            store.clear_checkpoints()
            store.close()
    assert max(seen) > 0
    comes_again(path, before_end(path))
