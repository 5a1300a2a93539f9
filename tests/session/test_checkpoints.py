"""Checkpoints in session files: being somewhere by one is being there by replaying; what is wrong with one is said."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ppcdbg.cli.main import main
from ppcdbg.debugger import open_guest
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.stops import Cause
from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.input import InputKind
from ppcdbg.machine.system import Limits, System
from ppcdbg.session import checkpoints, keeping
from ppcdbg.session.differ import Run
from ppcdbg.session.keeping import Keeper
from ppcdbg.session.machines import session_machine, write_machine
from ppcdbg.session.recorded import Recorded
from ppcdbg.session.recorder import Recorder
from ppcdbg.session.replay import verify
from ppcdbg.session.store import Store
from ppcdbg.session.systems import open_system
from ppcdbg.session.timeline import Timeline
from ppcdbg.session.writes import Threaded
from tests.session.systems import DEMOS, LINUX, demo, everything, linux, make

EVERY = 4_000


def recorded(path: Path, machine: MachineDescription, until: int = 1 << 40) -> System:
    """A recording with input, and with checkpoints put in afterwards."""
    store = Store.new(path)
    write_machine(store, machine)
    system = make(machine)
    recorder = Recorder(system, Threaded(store), 2_000)
    for at in (3_000, 7_000, 9_500):
        system.run(Limits(at))
        system.input.add(InputKind.MEMORY, target=0x300000, data=b"%d" % at)
    system.run(Limits(until))
    recorder.finish()
    store.close()
    assert put_in(path, machine.engine) > 3
    return system


def put_in(path: Path, engine: str, every: int = EVERY) -> int:
    store = Store.open(path)
    keeper = Keeper(store, every, replace=True)
    assert verify(store, replace(session_machine(path, {}), engine=engine), keeper=keeper).complete
    assert keeper.writer is not None
    count = keeper.writer.count
    store.close()
    return count


def opened(path: Path, engine: str = "llvm") -> tuple[System, Timeline]:
    machine = session_machine(path, {"engine": engine})
    system = open_system(machine)
    return system, Timeline(system, recorded=Recorded(path))


def watched(system: System) -> list[int]:
    """Where runs begin: what was gone over is between two of them."""
    begun: list[int] = []
    run = system.run

    def told(limits: Limits) -> object:
        begun.append(system.position)
        return run(limits)

    system.run = told  # type: ignore[method-assign, assignment]
    return begun


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("kept") / "a.ppcdbg"
    recorded(path, demo("e500v2", "kvm", "llvm"), 28_000)
    return path.read_bytes()


@pytest.fixture
def path(tmp_path: Path, kept: bytes) -> Path:
    """A file of one's own of the same recording."""
    path = tmp_path / "a.ppcdbg"
    path.write_bytes(kept)
    return path


@pytest.mark.parametrize(("cpu", "hv"), [DEMOS[0], DEMOS[3]])
@pytest.mark.parametrize("engine", ["reference", "llvm"])
def test_a_place_by_a_checkpoint_is_the_place(tmp_path: Path, cpu: str, hv: str, engine: str) -> None:
    """Checkpoints of one engine, a machine that went nowhere before, and the other engine."""
    path = tmp_path / "a.ppcdbg"
    recorded(path, demo(cpu, hv, engine))
    other = "llvm" if engine == "reference" else "reference"
    chance = random.Random(5)
    places = [chance.randrange(12_000, 30_000), EVERY, EVERY * 3 + 2, 7_000]
    for place in places:
        system, timeline = opened(path, other)
        begun = watched(system)
        timeline.seek(place)
        alone = open_system(session_machine(path, {"engine": other}))
        alone.run(Limits(place))
        assert everything(system) == everything(alone), place
        assert not timeline.told
        assert place - min(begun) <= EVERY + 2_000 and (min(begun) > 0 or place <= EVERY)
    timeline.seek(1 << 40)
    alone.run(Limits(1 << 40))
    assert system.ended == alone.ended


@pytest.mark.parametrize("hv", ["kvm", "none"])
def test_memory_of_before_and_checkpoints_of_the_file_fit_together(tmp_path: Path, hv: str) -> None:
    """The file's are taken over late, in between those that the run has made itself."""
    path = tmp_path / "a.ppcdbg"
    recorded(path, demo("e500v2", hv, "llvm"))
    expected = {}
    alone = open_system(session_machine(path, {}))
    places = sorted(random.Random(9).sample(range(1_000, 30_000), 9))
    for place in places:
        alone.run(Limits(place))
        expected[place] = everything(alone)
    ticks = [0.0]

    def clock() -> float:
        ticks[0] += 0.002
        return system.position / 100_000 + ticks[0]

    system = open_system(session_machine(path, {}))
    timeline = Timeline(system, clock=clock, recorded=Recorded(path))
    assert timeline.end[0] > 30_000
    system.run(Limits(15_000))
    before = len(timeline.checkpoints)
    assert before > 3
    random.Random(10).shuffle(places)
    for place in [*places, *places]:
        timeline.seek(place)
        assert everything(system) == expected[place], place
    assert len(timeline.checkpoints) > before + 6 and list(timeline.checkpoints) == sorted(timeline.checkpoints)


@pytest.mark.parametrize(("name", "hv"), LINUX[::3])
def test_linux_is_opened_at_any_place(shared: Path, tmp_path: Path, name: str, hv: str) -> None:
    path = tmp_path / "a.ppcdbg"
    machine = linux(shared, name, hv)
    store = Store.new(path)
    write_machine(store, machine)
    system = make(machine)
    recorder = Recorder(system, Threaded(store))
    system.run(Limits(12_000_000))
    recorder.finish()
    assert not checkpoints.places(store), "a short recording has none"
    store.close()
    put_in(path, "llvm", 3_000_000)
    system, timeline = opened(path)
    begun = watched(system)
    timeline.seek(10_000_000)
    assert min(at for at in begun if at) >= 9_000_000
    alone = make(machine)
    alone.run(Limits(10_000_000))
    assert everything(system) == everything(alone)


def test_a_long_recording_gets_some_by_itself_at_growing_distances(tmp_path: Path) -> None:
    path = tmp_path / "a.ppcdbg"
    machine = demo("e500v2", "kvm", "llvm")
    store = Store.new(path)
    write_machine(store, machine)
    system = make(machine)
    recorder = Recorder(system, Threaded(store), 400, clock=lambda: system.position / 400)  # 400 instructions a second
    system.run(Limits(1 << 40))
    recorder.finish()
    places = [position for position, _ in checkpoints.places(store)]
    store.close()
    steps = [after - before for before, after in zip([0, *places], places)]
    assert len(places) > 5 and 3_900 < steps[0] < 5_000 and steps[-1] > 1.3 * steps[0]
    system, timeline = opened(path)
    timeline.seek(places[3] + 5)
    assert not timeline.told


def test_what_is_in_a_file_is_bounded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = put_in(path, "llvm", 1_000)
    monkeypatch.setattr(checkpoints, "MOST_PAGES", 60)
    store = Store.open(path)
    held = sum(len(kept.pages) for kept in limited(store))
    assert held <= 60
    store.close()
    assert put_in(path, "llvm", 1_000) < full
    store = Store.open(path)
    assert sum(len(kept.pages) for kept in checkpoints.read(store)) <= 60
    store.close()


def limited(store: Store) -> list[checkpoints.Kept]:
    """What a reader takes of a file that has more than may be."""
    found = []
    with pytest.raises(checkpoints.InputError, match="is damaged"):
        for kept in checkpoints.read(store):
            found.append(kept)
    return found


Harm = Callable[[sqlite3.Connection], object]


def flip(column: str, number: int) -> Harm:
    def harm(db: sqlite3.Connection) -> None:
        data = bytearray(db.execute(f"SELECT {column} FROM checkpoint WHERE number = ?", (number,)).fetchone()[0])
        data[len(data) // 2] ^= 4
        db.execute(f"UPDATE checkpoint SET {column} = ? WHERE number = ?", (bytes(data), number))

    return harm


HARMS: dict[str, Harm] = {
    "state": flip("state", 1),
    "addresses": flip("addresses", 0),
    "pages": flip("pages", 2),
    "moment": lambda db: db.execute("UPDATE checkpoint SET skipped = skipped + 1 WHERE number = 1"),
    "kind": lambda db: db.execute("UPDATE checkpoint SET state = 'text' WHERE number = 1"),
    "input": lambda db: db.execute("UPDATE input SET data = x'30' WHERE number = 0"),
    "hole": lambda db: db.execute("DELETE FROM checkpoint WHERE number = 1"),
    "log": lambda db: db.execute("UPDATE chunk SET data = x'00' WHERE kind = 'console0'"),
}


@pytest.mark.parametrize("harm", sorted(HARMS))
def test_a_damaged_checkpoint_is_said_and_replaced_by_replaying(path: Path, harm: str) -> None:
    db = sqlite3.connect(path)
    HARMS[harm](db)
    db.commit()
    db.close()
    system, timeline = opened(path)
    timeline.seek(26_000)
    alone = open_system(session_machine(path, {}))
    alone.run(Limits(26_000))
    assert everything(system) == everything(alone)
    assert len(timeline.told) == 1 and str(path) in timeline.told[0], timeline.told
    debugger = Debugger(open_system(session_machine(path, {})))
    notes, report = debugger.execute("seek 26000")
    assert timeline.told[0] in str(notes) and report.position == 26_000


@pytest.mark.parametrize("forged", ["state", "ram"])
def test_a_forged_checkpoint_is_found_by_its_hash(path: Path, monkeypatch: pytest.MonkeyPatch, forged: str) -> None:
    """One whose digests are all right, from a run that is another."""
    add = checkpoints.Writer.add

    def forge(self, moment, taken, state, pages, total):  # type: ignore[no-untyped-def]
        if forged == "state":
            state = {**state, "core": {**state["core"], "reset": ["no"]}}
        else:
            pages = {**pages, 0x300000: b"other" + bytes(4091)}
        monkeypatch.setattr(checkpoints, "hash_of", lambda state, ram: Run(make(demo("e500v2", "kvm"))).hash())
        add(self, moment, taken, state, pages, total)
        self._store.settle()
        monkeypatch.undo()
        monkeypatch.setattr(checkpoints.Writer, "add", forge)

    monkeypatch.setattr(checkpoints.Writer, "add", forge)
    put_in(path, "llvm", 20_000)
    system, timeline = opened(path)
    timeline.seek(26_000)
    alone = open_system(session_machine(path, {}))
    alone.run(Limits(26_000))
    assert everything(system) == everything(alone) and len(timeline.told) == 1
    assert "of no use" in timeline.told[0]
    timeline.seek(24_000)
    timeline.seek(26_000)
    assert everything(system) == everything(alone) and len(timeline.told) == 1


def test_checkpoints_of_another_session_are_foreign(tmp_path: Path, kept: bytes) -> None:
    one, two = tmp_path / "one.ppcdbg", tmp_path / "two.ppcdbg"
    one.write_bytes(kept)
    recorded(two, replace(demo("e500v2", "kvm", "llvm"), memory=64 << 20), 28_000)
    db = sqlite3.connect(one)
    db.execute("ATTACH ? AS other", (str(two),))
    db.execute("DELETE FROM checkpoint")
    db.execute("INSERT INTO checkpoint SELECT * FROM other.checkpoint")
    db.commit()
    db.close()
    system, timeline = opened(one)
    timeline.seek(26_000)
    assert system.position == 26_000 and "another run" in timeline.told[0]


def test_a_replay_that_differs_leaves_none_behind(path: Path) -> None:
    store = Store.open(path)
    db = sqlite3.connect(path)
    db.execute("UPDATE state_hash SET core = core + 1 WHERE position > 14000")
    db.commit()
    db.close()
    keeper = Keeper(store, 1_000, replace=True)
    found = verify(store, session_machine(path, {}), keeper=keeper)
    assert found.divergence is not None
    places = [position for position, _ in checkpoints.places(store)]
    assert 10_000 < max(places) <= 14_000
    store.close()


def test_a_replay_of_a_long_file_puts_them_in_unless_it_may_not(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "FIRST_LOOK", 500)

    def again(mode: int) -> int:
        store = Store.open(path)
        store.clear_checkpoints()
        store.close()
        path.chmod(mode)
        store = Store.open(path)
        writable = store.writable()
        run: list[Run] = []
        keeper = Keeper(store, clock=lambda: run[0].system.position / 400 if run else 0.0)
        begin = keeper.begin
        keeper.begin = lambda given: (run.append(given), begin(given))[1]  # type: ignore[method-assign, func-returns-value]
        assert verify(store, session_machine(path, {}), keeper=keeper).complete
        found = len(checkpoints.places(store))
        store.close()
        assert found if writable else not found
        return found

    assert again(0o644) > 2


def test_the_command_puts_them_in(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["session", "checkpoint", str(path), "--every", "5k"]) == 0
    assert "5 checkpoints" in capsys.readouterr().out
    assert main(["session", "info", str(path)]) == 0
    assert "checkpoints  5" in capsys.readouterr().out
    assert main(["session", "checkpoint", str(path), "--every", "0"]) == 2


def test_the_length_is_known_and_its_end_is_a_stop_that_can_be_left(path: Path) -> None:
    d = open_guest(str(path))
    assert (d.position, d.past.known[0]) == (0, 28_000)
    assert d.execute("seek end").position == 28_000
    d.execute("seek 1000")
    assert d.execute("continue").cause is Cause.RECORDED
    assert d.position == 28_000
    assert d.execute("continue").cause is Cause.ENDED
    d.execute("seek 5000")
    d.execute("set $sprg7 = 1")  # another future: the file's end is nothing to it
    assert d.past.known[0] == 5_000 and d.past.parted_at == 5_000
    assert d.execute("continue").cause is Cause.ENDED
