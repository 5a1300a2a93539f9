"""A fault of ppcdbg's own leaves a session file that comes to the same place again."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppcdbg.kvm import exits
from ppcdbg.session.store import Store
from tests.cli.conftest import Cli


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The model of KVM has a fault at its hundredth exit; the state folder of the user."""
    left, right = [100], exits.handle_exit

    def handle(*arguments: object) -> object:
        left[0] -= 1
        if not left[0]:
            raise ZeroDivisionError("a fault that was planted")
        return right(*arguments)  # type: ignore[arg-type]

    for place in ("ppcdbg.kvm.exits.handle_exit", "ppcdbg.kvm.run.handle_exit"):
        monkeypatch.setattr(place, handle)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "ppcdbg" / "faults"


@pytest.mark.parametrize(
    "command",
    [
        ("run", "demo", "--engine", "reference"),
        ("repl", "demo", "--engine", "reference", "-n", "-c", "continue"),
        ("record", "demo", "--engine", "reference", "-o", "own.ppcdbg"),
    ],
)
def test_the_report_comes_to_the_same_place(
    command: tuple[str, ...], broken: Path, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = cli(*command)
    report = broken / "fault-1.ppcdbg"
    assert done.status == 70 and str(report) in done.err and "a fault that was planted" in done.err
    store = Store.open(report)
    reached = store.reached().position
    assert reached > 0 and "ZeroDivisionError" in store.notes()[0]
    store.close()
    monkeypatch.undo()  # now the exit is handled, which may retire its instruction
    again = cli("repl", report, "-n", "-c", "seek end", "-c", f"check $_insn - {reached} < 2", "-c", "exits -3")
    assert again.status == 0, again.err


def test_where_no_report_can_be_written_the_fault_is_still_told(broken: Path, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where a folder belongs")
    done = cli("run", "demo", "--engine", "reference")
    assert done.status == 70 and "no report could be written" in done.err and "a fault that was planted" in done.err
