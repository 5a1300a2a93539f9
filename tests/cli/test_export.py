"""``session export``: every format to stdout and to a file, and what is said where that cannot be."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from ppcdbg.cli.run import Interruption
from ppcdbg.cli.session import _html, _perfetto
from ppcdbg.session.exports import FORMATS
from ppcdbg.session.machines import session_machine
from ppcdbg.session.store import Store
from tests.cli.conftest import Cli


@pytest.fixture
def session(tmp_path: Path, cli: Cli) -> Path:
    path = tmp_path / "demo.ppcdbg"
    assert cli("record", "demo", "--memory", "32M", "-o", path).status == 0
    return path


def test_a_file_has_what_stdout_would_have(session: Path, tmp_path: Path, cli: Cli) -> None:
    for form in ("csv", "html"):
        out = tmp_path / form
        printed = cli("session", "export", session, form)
        assert (printed.status, cli("session", "export", session, form, "-o", out).status) == (0, 0)
        assert out.read_text(encoding="utf-8") == printed.out
    assert "<title>demo.elf \u2013 demo.ppcdbg</title>" in printed.out


def test_the_trace_for_perfetto_has_symbols(session: Path, tmp_path: Path, cli: Cli) -> None:
    pytest.importorskip("perfetto", reason="the extra ppcdbg[perfetto] is not installed")
    out = tmp_path / "demo.pftrace"
    assert cli("session", "export", session, "perfetto", "-o", out).status == 0
    assert b"demo.elf on e500v2, hv kvm" in out.read_bytes() and b"enter_miss" in out.read_bytes()


def test_what_cannot_be_exported_is_said_and_leaves_no_file(session: Path, tmp_path: Path, cli: Cli) -> None:
    found = cli("session", "export", session, "pdf")
    assert found.status == 2 and "csv, jsonl, ftrace, perfetto, html" in found.err
    assert cli("session", "export", session, "csv", "-o", tmp_path / "no" / "a.csv").status == 3
    bare, out = tmp_path / "bare.ppcdbg", tmp_path / "a.txt"
    assert cli("record", "demo", "--hv", "none", "--memory", "32M", "-o", bare).status == 0
    assert cli("session", "export", bare, "ftrace", "-o", out).status == 2 and not out.exists()


@pytest.mark.parametrize("form", ["csv", "jsonl", "ftrace", "perfetto", "html"])
def test_an_export_that_is_interrupted_leaves_no_file(
    form: str, session: Path, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    if form == "perfetto":
        pytest.importorskip("perfetto", reason="the extra ppcdbg[perfetto] is not installed")

    class Asked(Interruption):
        """Ctrl-C at once."""

        def __enter__(self) -> Interruption:
            entered = super().__enter__()
            self.asked = True
            return entered

    monkeypatch.setattr("ppcdbg.cli.run.Interruption", Asked)
    out = tmp_path / "out"
    found = cli("session", "export", session, form, "-o", out)
    assert found.status == 130 and "interrupted; " in found.err and not out.exists()
    out.write_text("of before")
    assert cli("session", "export", session, form, "-o", out).status == 130 and out.read_text() == "of before"
    assert {path for path in tmp_path.iterdir() if path.is_file()} <= {out, session}


@pytest.mark.parametrize("form", ["csv", "jsonl", "ftrace", "perfetto", "html"])
def test_an_export_looks_often_at_who_waits_and_says_how_far_it_is(form: str, session: Path) -> None:
    """200 ms of Ctrl-C: by what is done between two looks, not by this machine's clock."""
    if form == "perfetto":
        pytest.importorskip("perfetto", reason="the extra ppcdbg[perfetto] is not installed")
    store, told = Store.open(session), list[tuple[int, int]]()
    exits, end = store.count("exit"), store.reached().position
    made = {"perfetto": _perfetto, "html": _html}
    make = made[form] if form in made else FORMATS[form]
    written = 0
    for piece in make(store, session_machine(session, {}), lambda position, last: told.append((position, last))):
        assert len(piece) < 1 << 20
        written += len(piece)
    store.close()
    assert all(last == end and position <= last for position, last in told) and told == sorted(told)
    assert len(told) >= (exits // 500 if form in ("csv", "jsonl") else end // 200_000) and written > 1_000


def test_a_file_that_is_no_file_is_written_as_it_comes(session: Path, tmp_path: Path, cli: Cli) -> None:
    pipe, got = tmp_path / "pipe", list[bytes]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    assert cli("session", "export", session, "csv", "-o", pipe).status == 0
    reader.join(20)
    assert got[0].startswith(b"number,name,") and pipe.is_fifo()
    link, target = tmp_path / "link", tmp_path / "target"
    link.symlink_to(target)
    assert cli("session", "export", session, "csv", "-o", link).status == 0
    assert link.is_symlink() and target.read_bytes() == got[0]
