"""What somebody says of a run: kept by the file that is replayed and by the one that is recorded, and seen wherever a
session is looked at; those that ship stay as they are."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from ppcdbg.cli.main import main
from ppcdbg.debugger import open_guest
from ppcdbg.errors import UsageError
from ppcdbg.paths import CHECKOUT, ships
from ppcdbg.session.store import Store
from ppcdbg.views.results import lines
from ppcdbg.views.spans import to_text
from tests.session.systems import comes_again

SHIPPED = CHECKOUT / "sessions" / "demo-e500v2-kvm.ppcdbg"


@pytest.fixture
def session(tmp_path: Path) -> Path:
    path = tmp_path / "a.ppcdbg"
    shutil.copyfile(SHIPPED, path)
    return path


def test_a_file_that_is_replayed_keeps_its_notes(session: Path) -> None:
    d = open_guest(str(session), engine="reference")
    assert d.execute("note").rows == () and str(session) in d.execute("note lost interrupt, see the 3rd").text
    d.execute("note list of suspects: the timer")
    d.execute("note a third")
    d.execute("note delete 3")
    again = open_guest(str(session), engine="reference")
    assert again.past.notes.rows == ("lost interrupt, see the 3rd", "list of suspects: the timer")
    shown = to_text(lines(again.execute("note list"), again, 80))
    assert shown == "1  lost interrupt, see the 3rd\n2  list of suspects: the timer"
    for bad in ("note delete 3", "note delete 0", "note " + "x" * 10_001):
        with pytest.raises(UsageError):
            again.execute(bad)
    comes_again(session, 36_493)


def test_a_recording_keeps_those_of_before_and_of_after(tmp_path: Path) -> None:
    path = tmp_path / "r.ppcdbg"
    d = open_guest("demo", engine="reference")
    d.execute("note before")
    d.execute(f"record {path}")
    d.execute("run-to 3000")
    d.execute("note after")
    d.execute("record stop")
    d.execute("note elsewhere")
    store = Store.open(path)
    assert store.notes() == ["before", "after"]
    store.close()


def test_the_command_line_takes_notes_and_every_view_of_a_session_shows_them(
    session: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for text in ("<b>seen</b> on the 3rd", "for nobody", "two\nlines"):
        assert main(["session", "note", str(session), text]) == 0
    assert main(["session", "note", str(session), "2", "--drop"]) == 0
    capsys.readouterr()
    assert main(["session", "note", str(session)]) == 0
    assert capsys.readouterr().out == "1  <b>seen</b> on the 3rd\n2  two lines\n"
    assert main(["session", "info", str(session)]) == 0
    assert "\nnote         <b>seen</b> on the 3rd\nnote         two lines\n" in capsys.readouterr().out
    assert main(["session", "info", str(session), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["note"] == ["<b>seen</b> on the 3rd", "two\nlines"]
    assert main(["session", "sql", str(session), "SELECT text FROM note ORDER BY number LIMIT 1"]) == 0
    assert capsys.readouterr().out == "text\n<b>seen</b> on the 3rd\n"
    assert main(["session", "export", str(session), "html", "-o", str(tmp_path / "a.html")]) == 0
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "<p>&lt;b&gt;seen&lt;/b&gt; on the 3rd</p>" in page and "<b>" not in page
    for words in (["7", "--drop"], ["x", "--drop"], ["--drop"], ["a", "b"]):
        assert main(["session", "note", str(session), *words]) == 2, words


def test_what_ships_stays_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    before = SHIPPED.read_bytes()
    assert ships(SHIPPED) and main(["session", "note", "demo-e500v2-kvm", "mine"]) == 3
    assert "ships with ppcdbg and stays as it is" in capsys.readouterr().err
    d = open_guest("demo-e500v2-kvm", engine="reference")
    for command in ("note mine", "bookmark here", "branch mine"):
        assert "for now only" in d.execute(command).text
    assert d.past.notes.rows == ("mine",) and SHIPPED.read_bytes() == before


def test_a_file_that_another_has_taken_the_place_of_is_left_alone(session: Path) -> None:
    d = open_guest(str(session), engine="reference")
    shutil.copyfile(CHECKOUT / "sessions" / "demo-e500mc-none.ppcdbg", session)
    before = session.read_bytes()
    for command in ("note mine", "bookmark here", "branch mine"):
        assert f"for now only: {session} is another session by now" in d.execute(command).text
    assert session.read_bytes() == before


def older(session: Path) -> None:
    """As the format before had it."""
    connection = sqlite3.connect(session)
    for table in ("note", "branch", "branch_input"):
        connection.execute(f"DROP TABLE {table}")
    connection.execute("PRAGMA user_version = 2")
    connection.commit()
    connection.close()


def test_an_older_file_that_cannot_be_written_is_looked_at_and_replayed(
    session: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    older(session)
    before, connect = session.read_bytes(), sqlite3.connect

    def unwritable(where: str, **how: Any) -> sqlite3.Connection:  # as root there is no file that cannot be written
        return connect(where.replace("mode=rw", "mode=ro") if session.name in where else where, **how)

    monkeypatch.setattr("ppcdbg.session.format.sqlite3.connect", unwritable)
    for words in (["info"], ["verify"], ["sql", "SELECT count(*) FROM exits"], ["note"]):
        assert main(["session", words[0], str(session), *words[1:]]) == 0, words
    d = open_guest(str(session), engine="reference")
    d.execute("seek end")
    assert "for now only: cannot write session" in d.execute("note more").text
    capsys.readouterr()
    assert main(["session", "note", str(session), "more"]) == 3
    assert "the file or its folder is read only" in capsys.readouterr().err and session.read_bytes() == before


def test_a_file_of_the_format_before_gets_room_for_notes(session: Path) -> None:
    """The one place of all migrations: what it had stays."""
    older(session)
    assert main(["session", "note", str(session), "later"]) == 0
    store = Store.open(session)
    assert store.notes() == ["later"] and store.futures() == [] and len(store.marks()) > 30
    store.close()
    comes_again(session, 36_493)
