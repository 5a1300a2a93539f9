"""What doctor says of this machine, and of one where something is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ppcdbg.cli import doctor
from ppcdbg.cli.doctor import How
from tests.cli.conftest import Cli


def test_all_is_told_and_as_data(cli: Cli, tmp_path: Path) -> None:
    done = cli("doctor", "--json", tmp_path / "d.json")
    found = json.loads((tmp_path / "d.json").read_text())
    assert [line.split()[1] for line in done.out.splitlines() if line[:1] != " "] == [each["name"] for each in found]
    assert {each["how"] for each in found} <= {how.value for how in How}
    told = {each["name"]: each for each in found}
    assert told["demo"]["how"] in ("ok", "slow") and "6 themes, 4 recordings" in told["files"]["told"]
    assert done.status == (1 if any(each["how"] == "wrong" for each in found) else 0)


def test_what_is_wrong_is_said_with_what_would_be_right(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = cli("doctor", "--json", tmp_path / "d.json")
    told = {each["name"]: each for each in json.loads((tmp_path / "d.json").read_text())}
    assert done.status == 1 and told["state"]["how"] == "wrong" and "no history" in told["state"]["told"]
    assert told["gdb"]["how"] == told["qemu"]["how"] == told["perfetto"]["how"] == "missing"
    assert "gdb-multiarch" in told["gdb"]["advice"]


def test_a_demo_that_does_not_run_is_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "demo.elf").write_bytes(b"no guest")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ppcdbg.machine.guests.DEMO", "demo.elf")
    assert doctor.demo().how is How.WRONG
