"""The recordings that ship: found by name, small, and replayed and verified on both engines.

Where one of them fails after a change of the model that is meant, it is to be made again: ``AGAIN`` says how.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ppcdbg.cli.main import main
from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.system import System
from ppcdbg.paths import CHECKOUT
from ppcdbg.session.format import FORMAT
from ppcdbg.session.machines import read_machine
from ppcdbg.session.magic import recordings, session_file
from ppcdbg.session.replay import verify
from ppcdbg.session.store import Store
from ppcdbg.session.systems import open_system

README = CHECKOUT / "sessions" / "README.md"
COMMANDS = [line.split() for line in README.read_text(encoding="utf-8").splitlines() if "ppcdbg record" in line]
AGAIN = {Path(words[-1]).stem: " ".join(words) for words in COMMANDS}
NAMES = sorted(AGAIN)
LARGEST = 100_000


def shipped(name: str) -> Path:
    """As a user without folders of his own finds it."""
    found = session_file(name, {"XDG_DATA_HOME": os.devnull})
    assert found is not None and found.parent == CHECKOUT / "sessions"
    return found


def hold(name: str, engine: str, build: Callable[[MachineDescription], System] = open_system) -> None:
    """Replay and compare; fails with what differs first, and how to make the recording again."""
    path = shipped(name)
    store = Store.open(path)
    try:
        found = verify(store, replace(read_machine(store), engine=engine), build=build)
        whole = found.complete and found.marks == len(store.marks()) > 30
    finally:
        store.close()
    if not whole:
        pytest.fail(
            f"{name} no longer verifies on {engine}: {found.divergence or found}. If the model is meant to do "
            f"something else now, make it again: rm {path.relative_to(CHECKOUT)}; {AGAIN[name]}"
        )


def test_what_the_readme_lists_is_what_there_is() -> None:
    assert [name for name in recordings({"XDG_DATA_HOME": os.devnull}) if shipped(name)] == NAMES
    assert sorted(f"demo-{cpu}-{hv}" for cpu in ("e500v2", "e500mc") for hv in ("kvm", "none")) == NAMES
    assert all(f"| `{name}` |" in README.read_text(encoding="utf-8") for name in NAMES)


@pytest.mark.parametrize("engine", ["reference", "llvm"])
@pytest.mark.parametrize("name", NAMES)
def test_a_recording_that_ships_verifies(name: str, engine: str) -> None:
    before = shipped(name).read_bytes()
    hold(name, engine)
    assert shipped(name).read_bytes() == before, "replaying has changed a file that ships"


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_that_ships_is_small_and_of_the_present_format(name: str) -> None:
    """Of an older one it would be migrated in place, which an installed package's folder does not allow."""
    path = shipped(name)
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    assert version == FORMAT, f"{name} has format {version}, not {FORMAT}; make it again: {AGAIN[name]}"
    assert path.stat().st_size <= LARGEST


@pytest.mark.parametrize("name", NAMES)
def test_the_command_in_the_readme_makes_it_again(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "again.ppcdbg"
    _, *words, _ = AGAIN[name].split()
    assert main([*words, str(out)]) == 0
    stores = [Store.open(path) for path in (shipped(name), out)]
    try:
        for kind in ("exit", "interrupt", "console0", "console1"):
            old, new = ([*store.log(kind)] for store in stores)
            assert old == new, f"other rows of {kind} than in {name}; make it again: {AGAIN[name]}"
        assert stores[0].marks() == stores[1].marks()
        assert stores[0].get("end") == stores[1].get("end") is not None
    finally:
        for store in stores:
            store.close()


def test_a_changed_model_is_told_with_how_to_make_it_again() -> None:
    """A model without the paravirtual interface, in place of a change of the code."""
    with pytest.raises(pytest.fail.Exception, match=r"(?s)no longer verifies.*make it again: rm .* ppcdbg record demo"):
        hold("demo-e500v2-kvm", "llvm", lambda machine: open_system(replace(machine, pv="off")))
