"""The interrupts of a bare machine: a replay is held to each that was recorded, and the first that differs is named."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ppcdbg.cli.main import main
from ppcdbg.cpu import interrupts as I
from ppcdbg.paths import CHECKOUT
from ppcdbg.session.machines import read_machine
from ppcdbg.session.replay import verify
from ppcdbg.session.store import Store

Rows = list[tuple[int, ...]]
WHICH = 20


def forged(path: Path, change: Callable[[Rows], None]) -> Rows:
    """A recording that ships, with another log of interrupts; what the log was."""
    shutil.copyfile(CHECKOUT / "sessions" / "demo-e500mc-none.ppcdbg", path)
    store = Store.open(path)
    rows = [*store.log("interrupt")]
    other = [*rows]
    change(other)
    store.alone(lambda: store.cut({"input": 0, "interrupt": 0}, (1 << 40, 0)))
    store.alone(lambda: store.add_chunk("interrupt", 0, other))
    store.close()
    return rows


def set_field(place: int, value: int) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        row = [*rows[WHICH]]
        row[place] = value
        rows[WHICH] = tuple(row)

    return change


@pytest.mark.parametrize("engine", ["reference", "llvm"])
@pytest.mark.parametrize(("change", "what", "was"), [
    (set_field(0, I.DECREMENTER), "vector", "DECREMENTER"), (set_field(1, 0x1234), "pc", "0x1234"),
    (set_field(2, 0x5678), "msr", "0x5678"), (set_field(3, 1), "guest", "0x1"),
    (lambda rows: rows.insert(WHICH, (I.ALIGNMENT, *rows[WHICH][1:])), "vector", "ALIGNMENT"),
    (lambda rows: rows.__delitem__(slice(WHICH, None)), "", "none"),
])  # fmt: skip
def test_the_first_interrupt_that_differs_is_named(
    tmp_path: Path, engine: str, change: Callable[[Rows], None], what: str, was: str
) -> None:
    path = tmp_path / "a.ppcdbg"
    rows = forged(path, change)
    store = Store.open(path)
    try:
        found = verify(store, replace(read_machine(store), engine=engine))
    finally:
        store.close()
    assert not found.complete and found.divergence is not None
    told = found.divergence.difference
    assert told.what == (f"{what} of interrupt {WHICH}" if what else f"interrupt {WHICH}") and told.first == was
    assert found.divergence.position == rows[WHICH][4] and not found.divergence.exact


def test_a_replay_says_how_many_interrupts_are_equal(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "a.ppcdbg"
    count = len(forged(path, lambda rows: None))
    assert count > 50 and main(["session", "verify", str(path)]) == 0
    assert f" {count} interrupts, " in capsys.readouterr().err
    forged(path, lambda rows: rows.__delitem__(0))
    assert main(["session", "verify", str(path)]) == 5
    assert "of interrupt 0 is " in capsys.readouterr().err
