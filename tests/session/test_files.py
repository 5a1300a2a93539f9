"""Session files: recorded, replayed, verified; killed, damaged, foreign."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ppcdbg.errors import InputError, UsageError
from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.input import InputKind
from ppcdbg.machine.system import Limits, StopKind, System
from ppcdbg.session.format import FORMAT
from ppcdbg.session.machines import read_machine, session_machine, write_machine
from ppcdbg.session.queries import ask
from ppcdbg.session.recorder import Recorder
from ppcdbg.session.replay import Verified, verify
from ppcdbg.session.store import Bookmark, Store
from ppcdbg.session.systems import open_system
from ppcdbg.session.writes import Threaded
from tests.session.systems import DEMOS, LINUX, demo, everything, linux, make, whole_up_to

Meddle = Callable[[System], None]


def record(path: Path, machine: MachineDescription, meddle: Meddle | None = None, often: bool = True) -> System:
    """Record a run to its end; ``often``: hash as often as the recorder is asked."""
    store = Store.new(path)
    write_machine(store, machine)
    system = make(machine)
    recorder = Recorder(system, Threaded(store), 2_000 if often else None)
    if meddle is not None:
        meddle(system)
    system.run(Limits(1 << 40))
    recorder.finish()
    store.close()
    return system


def verified(path: Path, engine: str, build: Callable[[MachineDescription], System] = open_system) -> Verified:
    store = Store.open(path)
    try:
        return verify(store, replace(read_machine(store), engine=engine), build=build)
    finally:
        store.close()


def meddle(system: System) -> None:
    """Input in every way: ahead, at a breakpoint, on an interrupt's first instruction, by exits, into RAM."""
    chance = random.Random(7)
    system.input.console(b"ahead", 4_000)
    for at in (5_000, 9_000, 14_000):
        system.run(Limits(at))
        system.input.console(b"%d" % at)
        system.input.add(InputKind.MEMORY, target=0x300000, data=bytes(chance.randbytes(8)))
        system.run(Limits(system.position))
    for _ in range(5):
        system.run(Limits(1 << 40, exits=3))
        system.input.add(InputKind.REGISTER, name="sprg7", value=chance.randrange(1 << 32))
    system.run(Limits(1 << 40, breakpoints=frozenset({system.core.state.pc + 4})))
    system.input.add(InputKind.REGISTER, name="sprg6", value=chance.randrange(1 << 32))


@pytest.mark.parametrize(("cpu", "hv"), DEMOS)
@pytest.mark.parametrize("recorded_on", ["reference", "llvm"])
def test_a_recording_replays_on_either_engine(tmp_path: Path, cpu: str, hv: str, recorded_on: str) -> None:
    path = tmp_path / "a.ppcdbg"
    machine = demo(cpu, hv, recorded_on)
    system = record(path, machine, meddle if hv == "kvm" else None)
    for engine in ("reference", "llvm"):
        found = verified(path, engine)
        assert found.complete, str(found.divergence)
        assert (found.position, found.console) == (system.position, len(system.board.console.output))
        assert found.marks > 5
    again = open_system(session_machine(path, {"engine": "llvm"}))
    again.run(Limits(1 << 40))
    assert everything(again)[1:] == everything(system)[1:]


@pytest.mark.parametrize("cpu", ["e500v2", "e500mc"])
def test_a_recorder_that_is_always_late_takes_no_state_where_no_replay_stands(tmp_path: Path, cpu: str) -> None:
    """Under load a run was stopped for it where input or an exit was due, and the state was hashed before it came."""
    path, now = tmp_path / "a.ppcdbg", [0.0]

    def clock() -> float:
        now[0] += 1
        return now[0]

    store = Store.new(path)
    write_machine(store, demo(cpu, "kvm"))
    system = make(demo(cpu, "kvm", "llvm"))
    system.slice = 500  # type: ignore[attr-defined]
    for at in range(2_000, 36_000, 2_000):
        system.input.console(b"x", at)
    recorder = Recorder(system, Threaded(store), 2_000, clock)
    system.run(Limits(12_000))
    recorder.finish()
    assert {mark.moment.position for mark in store.marks()} >= {*range(0, 12_001, 2_000)}
    store.close()
    found = verified(path, "llvm")
    assert found.complete, str(found.divergence)


@pytest.mark.parametrize(("name", "hv"), LINUX)
def test_linux_is_recorded_in_little_and_replays(shared: Path, tmp_path: Path, name: str, hv: str) -> None:
    path = tmp_path / "linux.ppcdbg"
    system = record(path, linux(shared, name, hv), often=False)
    assert system.ended is not None and system.ended.kind is StopKind.RESET
    found = verified(path, "llvm")
    assert found.complete, str(found.divergence)
    assert path.stat().st_size < 3_000_000 + 2_500_000  # the images take 2.2 MB of it


def test_input_within_a_position_comes_back_at_its_moment(tmp_path: Path) -> None:
    """On the first instruction of a handler nothing has retired since the interrupt: pc is what tells it apart."""
    path = tmp_path / "a.ppcdbg"
    machine = demo("e500v2", "none", "llvm")
    places: list[tuple[int, int]] = []

    def at_a_vector(system: System) -> None:
        state = system.core.state
        ivpr, ivor = state.spr("IVPR"), state.spr("IVOR8")
        while not ivpr:
            system.run(Limits(system.position + 200))
            ivpr, ivor = state.spr("IVPR"), state.spr("IVOR8")
        stop = system.run(Limits(1 << 40, breakpoints=frozenset({ivpr | ivor})))
        assert stop.kind is StopKind.BREAKPOINT
        places.append((system.position, state.pc))
        system.input.add(InputKind.REGISTER, name="sprg7", value=state.spr("SRR0"))

    record(path, machine, at_a_vector)
    store = Store.open(path)
    (event,) = store.input()
    assert (event.position, event.pc) == places[0]
    store.close()
    for engine in ("reference", "llvm"):
        assert verified(path, engine).complete


class Wrong:
    """An engine that goes wrong at one instruction."""

    def __init__(self, system: System, position: int) -> None:
        self.__dict__["engine"], self.__dict__["position"] = system.engine, position

    def __getattr__(self, name: str) -> object:
        return getattr(self.engine, name)

    def run(self, limit: int, stops: object) -> object:
        core, engine = self.engine.core, self.engine
        if core.retired < self.position <= limit:
            stop = engine.run(self.position, stops)
            if core.retired == self.position:
                core.state.gpr[29] ^= 0x40
            return stop
        return engine.run(limit, stops)


@pytest.mark.parametrize("hv", ["kvm", "none"])
def test_a_divergence_is_named_by_position_and_field(tmp_path: Path, hv: str) -> None:
    path = tmp_path / "a.ppcdbg"
    record(path, demo("e500mc", hv, "llvm"))

    def wrong(machine: MachineDescription) -> System:
        system = open_system(machine)
        system.engine = Wrong(system, 7_777)  # type: ignore[assignment]
        return system

    found = verified(path, "llvm", wrong)
    assert not found.complete and found.divergence is not None
    assert (found.divergence.position, found.divergence.exact) == (7_777, True)
    assert found.divergence.difference.what == "r29"


def test_a_changed_input_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.ppcdbg"
    record(path, demo("e500v2", "kvm", "llvm"), meddle)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE input SET position = position + 1000 WHERE number = 1")
    db.close()
    found = verified(path, "llvm")
    assert not found.complete and found.divergence is not None
    assert "differs" in str(found.divergence)


# --- refusals ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("options", "words"),
    [({"cpu": "e500mc"}, "made with cpu e500v2; it cannot be replayed with cpu e500mc"),
     ({"memory": "128M"}, "made with memory 32M; it cannot be replayed with memory 128M"),
     ({"append": "x"}, "made with no append; it cannot be replayed with append x"), ({"pv": "off"}, "made with pv"),
     ({"hv": "none"}, "made with hv kvm"),
     ({"kernel": __file__}, "is not the kernel that"), ({"input": "x"}, "has its own input")],
)  # fmt: skip
def test_another_machine_is_refused(tmp_path: Path, options: dict[str, str], words: str) -> None:
    path = tmp_path / "a.ppcdbg"
    store = Store.new(path)
    write_machine(store, demo("e500v2", "kvm"))
    store.close()
    with pytest.raises(InputError, match=words):
        session_machine(path, options)


def test_a_newer_format_and_foreign_objects_are_refused(tmp_path: Path) -> None:
    for number, (statement, words) in enumerate([
        (f"PRAGMA user_version = {FORMAT + 1}", "take a newer"),
        ("CREATE TRIGGER t AFTER INSERT ON input BEGIN SELECT 1; END", "holds a trigger t"),
        ("CREATE VIEW v AS SELECT 1", "holds a view v"),
    ]):  # fmt: skip
        path = tmp_path / f"{number}.ppcdbg"
        Store.new(path).close()
        with sqlite3.connect(path) as db:
            db.execute(statement)
        db.close()
        with pytest.raises(InputError, match=words):
            Store.open(path)
    with pytest.raises(InputError, match="exists already"):
        Store.new(path)


def test_a_session_without_images_needs_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "a.ppcdbg"
    machine = demo("e500v2", "kvm")
    store = Store.new(path)
    write_machine(store, machine, images=False)
    store.close()
    with pytest.raises(InputError, match="holds no kernel demo.elf; name the file by --kernel"):
        session_machine(path, {})
    assert session_machine(path, {"kernel": machine.kernel}).kernel == machine.kernel


# --- killed recorders; damage: test_damage.py ---
KILLED = """
import sys, time
from pathlib import Path
from ppcdbg.machine.system import Limits
from ppcdbg.session.recorder import Recorder
from ppcdbg.session.machines import write_machine
from ppcdbg.session.writes import Threaded
from ppcdbg.session.store import Store
from tests.session.systems import linux, make
path, shared = Path(sys.argv[1]), Path(sys.argv[2])
machine = linux(shared, "linux-e500v2-pv", "kvm")
store = Store.new(path)
write_machine(store, machine)
system = make(machine)
recorder = Recorder(system, Threaded(store))
while system.ended is None:
    system.run(Limits(system.position + 1_000_000))
    print(system.position, time.process_time(), flush=True)
"""


@pytest.mark.parametrize("seed", range(5))
def test_a_killed_recorder_leaves_a_file_that_replays(shared: Path, tmp_path: Path, seed: int) -> None:
    """kill -9 at a random moment: what is in the file was the run's, and no more than a second is missing."""
    print(f"{seed=}")
    killed_mid_run(shared, tmp_path / "killed.ppcdbg", random.Random(seed))


@pytest.mark.soak
def test_a_hundred_killed_recorders(shared: Path, tmp_path: Path) -> None:
    for seed in range(100, 200):
        print(f"{seed=}")
        killed_mid_run(shared, tmp_path / f"{seed}.ppcdbg", random.Random(seed))


def killed_mid_run(shared: Path, path: Path, chance: random.Random) -> None:
    """A second is one of the recorder's processor time, which others may keep it from having."""
    command = [sys.executable, "-c", KILLED, str(path), str(shared)]
    root = Path(__file__).resolve().parent.parent.parent
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root)
    assert process.stdout is not None
    told = [process.stdout.readline().split()]
    until = time.monotonic() + chance.random() * 1.5
    while time.monotonic() < until and (line := process.stdout.readline()):
        told.append(line.split())
    process.send_signal(signal.SIGKILL)
    process.wait()
    told += [line.split() for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    process.stdout.close()
    killed = float(told[-1][1])
    owed = max((int(position) for position, at in told if float(at) <= killed - 1), default=0)
    assert whole_up_to(path) >= owed


# --- queries -------------------------------------------------------------------------------------
def test_questions_see_every_exit_and_change_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.ppcdbg"
    system = record(path, demo("e500v2", "kvm", "llvm"))
    names, rows = ask(path, "SELECT number, position, vector, pc FROM exits ORDER BY number")
    assert names == ["number", "position", "vector", "pc"]
    exits = system.kvm.exits  # type: ignore[attr-defined]
    assert rows == [(e.number, e.position, e.vector, e.pc) for e in exits]
    text = "\n".join(row[0] for row in ask(path, "SELECT text FROM console ORDER BY number")[1])
    assert text.strip() == system.board.console.text.strip()
    for statement in (
        "DELETE FROM input",
        "ATTACH 'x' AS y",
        "PRAGMA user_version = 3",
        "SELECT",
        "SELECT 1; SELECT 2",
    ):
        with pytest.raises(UsageError):
            ask(path, statement)


def test_bookmarks_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.ppcdbg"
    store = Store.new(path)
    store.set_bookmark(Bookmark("late", 20, 3, ""))
    store.set_bookmark(Bookmark("early", 10, 0, "a note"))
    store.close()
    store = Store.open(path)
    assert store.bookmarks() == [Bookmark("early", 10, 0, "a note"), Bookmark("late", 20, 3, "")]
    store.close()
