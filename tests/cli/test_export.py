"""``session export``: every format to stdout and to a file, and what is said where that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppcdbg.cli.run import Interruption
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
