"""Recording at any moment: the file holds the run from where its history begins, whatever is done meanwhile."""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ppcdbg.debugger import open_guest
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.stops import Cause
from ppcdbg.errors import InputError, UsageError
from ppcdbg.session.machines import session_machine
from ppcdbg.session.replay import verify
from ppcdbg.session.store import Store
from ppcdbg.session.systems import open_system
from tests.debugger.test_travel import on_demo, where
from tests.session.systems import DEMOS, demo, everything, make


def replays(path: Path, engine: str = "reference", marks: int = 1) -> Store:
    """Held to everything that is in it; the store, for more questions."""
    store = Store.open(path)
    found = verify(store, session_machine(path, {"engine": engine}))
    assert found.complete and found.divergence is None, str(found.divergence)
    assert found.marks >= marks
    return store


def alike(path: Path, d: Debugger) -> None:
    """The file's run, to its end, is the debugger's up to now."""
    again = open_guest(str(path))
    again.execute("seek end")
    d.past.timeline.be_at(d.system.moment())
    one, two = everything(again.system), everything(d.system)
    assert one[0]["core"] == two[0]["core"] and one[1:3] == two[1:3]
    assert one[3] == two[3]


@pytest.mark.parametrize(("cpu", "hv"), DEMOS)
def test_a_recording_that_begins_in_the_middle_has_it_all(tmp_path: Path, cpu: str, hv: str) -> None:
    path, whole = tmp_path / "a.ppcdbg", tmp_path / "whole.ppcdbg"
    d = on_demo(cpu, hv)
    d.execute("run-to 9000")
    d.execute("set $sprg7 = 0x1234")
    d.execute("run-to 14000")
    d.execute("bookmark early @2000")
    said = d.execute(f"record {path}").text
    assert "all so far" in said
    d.execute('send "x"')
    d.execute("bookmark late")
    d.execute("continue")
    assert d.system.ended is not None
    d.execute("record stop")
    store = replays(path)
    fresh = on_demo(cpu, hv)
    fresh.execute(f"record {whole}")
    fresh.execute("run-to 9000")
    fresh.execute("set $sprg7 = 0x1234")
    fresh.execute("run-to 14000")
    fresh.execute('send "x"')
    fresh.execute("continue")
    fresh.execute("record stop")
    other = replays(whole)
    for kind in ("exit", "interrupt", "console0"):
        assert [*store.log(kind)] == [*other.log(kind)], kind
    assert store.get("end") == other.get("end") is not None
    assert [b.name for b in store.bookmarks()] == ["early", "late"]
    assert not store.get("begin")
    alike(path, d)


@pytest.mark.parametrize(("cpu", "hv"), [DEMOS[0], DEMOS[3]])
@pytest.mark.parametrize("engine", ["reference", "llvm"])
def test_without_history_it_begins_with_a_checkpoint(tmp_path: Path, cpu: str, hv: str, engine: str) -> None:
    path, again = tmp_path / "a.ppcdbg", tmp_path / "again.ppcdbg"
    machine = demo(cpu, hv, engine)
    d = Debugger(make(machine), machine.kernel)
    d.past.kept = False
    d.execute("run-to 9000")
    d.execute("set $sprg7 = 0x1234")
    assert "since position 9,000" in d.execute(f"record {path}").text
    d.execute("run-to 20000")
    d.execute("record stop")
    for other in ("reference", "llvm"):
        replays(path, other).close()
    back = open_guest(str(path))
    assert back.position == 9_000 and back.console() == d.console()[: len(back.console())] != ""
    assert back.execute("reverse-stepi").cause is Cause.BEGINNING
    back.execute("seek 15000")
    d.execute("seek 15000")
    assert where(back) == where(d) and back.core.state.block == d.core.state.block
    back.execute(f"record {again}")  # a file of a file: the same beginning
    assert back.execute("continue").cause is Cause.RECORDED
    back.execute("record stop")
    replays(again).close()
    alike(again, back)
    store = Store.open(path)
    store.clear_checkpoints()
    store.close()
    with pytest.raises(Exception, match="damaged: the state that it begins with is not in it"):
        open_system(session_machine(path, {}))


@pytest.mark.parametrize("hv", ["kvm", "none"])
@pytest.mark.parametrize("seed", range(3))
def test_a_guest_that_is_moved_about_is_recorded_once(tmp_path: Path, hv: str, seed: int) -> None:
    """Back and forth, with other futures begun on the way: the file is the run as it is in the end."""
    print(f"{seed=}")
    chance, path = random.Random(seed), tmp_path / "a.ppcdbg"
    d = on_demo(hv=hv)
    d.execute(f"run-to {chance.randrange(500, 9_000)}")
    d.execute(f"record {path}")
    for _ in range(14):
        match chance.randrange(6):
            case 0 | 1:
                d.execute(f"run-to +{chance.randrange(1, 4_000)}")
            case 2:
                d.execute(f"seek {chance.randrange(d.position + 1)}")
            case 3:
                d.execute("reverse-stepi 3")
            case 4:
                d.execute(f"set $sprg{4 + chance.randrange(4)} = {chance.randrange(1 << 32)}")
                d.execute("stepi")
            case 5:
                d.execute(f"seek %{chance.randrange(100)}")
    d.execute("seek end")
    d.execute("record stop")
    store = replays(path)
    alike(path, d)
    if hv == "none":
        taken = [row[4] for row in store.log("interrupt")]
        position = d.position
        d.execute("seek start")
        rows = d.past.finder.taken_before(replace(d.system.moment(), position=position), lambda: False)
        assert rows is not None and taken[: len(rows)] == [row[4] for row in rows] and len(taken) - len(rows) in (0, 1)


def test_a_recording_that_stops_before_an_exit_is_handled_replays(tmp_path: Path) -> None:
    for number, event in enumerate(("exit DTLB_MISS", "exit PROGRAM", "queued", "console TLB")):
        path = tmp_path / f"{number}.ppcdbg"
        d = on_demo()
        d.execute(f"break {event}")
        d.execute("continue")
        d.execute(f"record {path}")
        d.execute("continue")
        d.execute("continue")
        d.execute("record stop")
        replays(path).close()
        again = open_guest(str(path))
        again.execute("seek end")
        assert again.system.steps == d.system.steps


def test_stopping_in_the_past_keeps_what_was_run(tmp_path: Path) -> None:
    path = tmp_path / "a.ppcdbg"
    d = on_demo()
    d.execute(f"record {path}")
    d.execute("run-to 12000")
    d.execute("seek 3000")
    d.execute("record stop")
    store = replays(path)
    assert store.reached().position == 12_000


def test_what_is_known_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.ppcdbg"
    d = on_demo()
    d.execute("run-to 5000")
    assert "nothing is being recorded" in d.execute("info record").text
    d.execute(f"record {path}")
    assert str(path) in d.execute("info record").text
    with pytest.raises(UsageError, match="record stop"):
        d.execute(f"record {tmp_path / 'b'}")
    d.execute(f"save-session {tmp_path / 'c.ppcdbg'}")  # meanwhile
    replays(tmp_path / "c.ppcdbg").close()
    d.execute("run-to 7000")
    d.execute("record goto begin")
    assert d.position == 0
    d.execute("record goto end")
    assert d.position == 7_000
    d.execute(f"record save {tmp_path / 'd.ppcdbg'}")
    replays(tmp_path / "d.ppcdbg").close()
    d.execute("record stop")
    replays(path).close()
    for bad, words in (
        ("record", "needs a file"), ("record stop", "nothing is being recorded"), ("record btrace", "not known here"),
        (f"record {path}", "exists already"), ("record goto", "needs a place"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=words):
            d.execute(bad)
    with pytest.raises(InputError, match="cannot write"):
        d.execute("record /nowhere/x")
    assert not Path("/nowhere/x").exists()
    d.files = False
    with pytest.raises(UsageError, match="may not name files"):
        d.execute(f"record {tmp_path / 'e'}")


def test_who_leaves_without_a_word_has_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "a.ppcdbg"
    command = [sys.executable, "-m", "ppcdbg", "repl", "demo", "-n", "-c", "run-to 5000", "-c", f"record {path}"]
    subprocess.run([*command, "-c", "continue"], check=True, capture_output=True, timeout=120)
    store = replays(path)
    assert store.get("end")[0] == "reset"


def test_a_file_that_is_removed_meanwhile_is_missed_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.ppcdbg"
    d = on_demo()
    d.execute(f"record {path}")
    path.unlink()
    d.execute("run-to 5000")
    with pytest.raises(UsageError, match="not there any more"):
        d.execute("record stop")
    d.execute(f"record {path}")
    d.execute("record stop")
    replays(path).close()
