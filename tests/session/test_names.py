"""Sessions by their bare names, from a folder of them; and recordings with hashes as dense as one asks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ppcdbg.cli.main import main
from ppcdbg.debugger import open_guest
from ppcdbg.paths import PACKAGE
from ppcdbg.session.magic import recordings, session_file
from ppcdbg.session.store import Store

NOBODY = {"XDG_DATA_HOME": os.devnull}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the recording ``own``, with a hash every 5,000 instructions."""
    path = tmp_path / "folder"
    path.mkdir()
    command = ["record", "demo", "--memory", "32M", "--hash-every", "5k", "-o", str(path / "own.ppcdbg")]
    assert main(command) == 0
    monkeypatch.setenv("PPCDBG_SESSIONS", str(path))
    return path


def test_every_door_takes_a_bare_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["replay", "own", "--verify"], ["session", "verify", "own"], ["session", "info", "own"]):
        assert main(words) == 0, words
    assert "reset" in capsys.readouterr().out
    assert main(["session", "diff", "own", "own.ppcdbg"]) == 0
    assert main(["session", "sql", "own", "SELECT count(*) FROM exits"]) == 0
    assert main(["session", "export", "own", "csv"]) == 0
    assert main(["run", "own"]) == 0
    guest = open_guest("own")
    guest.continue_()
    assert len(guest.exits) > 1_000


def test_a_name_that_is_none_is_said_with_those_that_are(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "other", "--verify"]) == 2
    assert "other is none" in (told := capsys.readouterr().err) and "own" in told.split("these are here:")[1]
    assert main(["session", "info", "other"]) == 3


def test_hashes_are_as_dense_as_asked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store.open(folder / "own.ppcdbg")
    places = [mark.moment.position for mark in store.marks()]
    store.close()
    assert places[:4] == [0, 5_000, 10_000, 15_000] and len(places) == places[-1] // 5_000 + 2
    for wrong in ("0", "often"):
        assert main(["record", "demo", "--hash-every", wrong, "-o", str(folder / "b.ppcdbg")]) == 2
        assert "--hash-every" in capsys.readouterr().err and not (folder / "b.ppcdbg").exists()


def test_files_go_first_and_then_the_users_own_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "ppcdbg" / "sessions"
    own.mkdir(parents=True)
    environment = {"XDG_DATA_HOME": str(tmp_path), "PPCDBG_SESSIONS": str(folder)}
    assert session_file("own", environment) == folder / "own.ppcdbg" and "own" in recordings(environment)
    for name in ("own", "demo"):
        (own / f"{name}.ppcdbg").write_bytes((folder / "own.ppcdbg").read_bytes())
    assert session_file("own", environment) == session_file("own.ppcdbg", environment) == own / "own.ppcdbg"
    monkeypatch.chdir(tmp_path)
    Path("own").write_text("no session")
    assert session_file("own", environment) is None
    assert session_file("demo", environment) is None and session_file(PACKAGE / "errors.py", environment) is None
    assert session_file("folder/own", NOBODY) is None and session_file("", NOBODY) is None
