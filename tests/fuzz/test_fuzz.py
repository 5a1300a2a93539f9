"""Damaged inputs for everything that reads what comes from outside: no traceback, no hang, little memory, no stray.

    PPCDBG_FUZZ_SEED=TEXT    another seed
    PPCDBG_FUZZ_COUNT=N      inputs of each kind (a few hundred here; a million packets and 100,000 of the others in
                             ``make soak``)
    PPCDBG_FUZZ_JOBS=N       processes that share them in ``make soak`` (two)

What failed once is kept in ``corpus/TARGET/`` and read again by the ordinary tests.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from ppcdbg.errors import PpcdbgError
from tests.fuzz.harness import GROWTH
from tests.fuzz.runs import CORPUS, ROOT, row, told, tried
from tests.fuzz.targets import TARGETS, one_sentence

SHORT = 150


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_damaged_inputs(name: str, tmp_path: Path) -> None:
    count = int(os.environ.get("PPCDBG_FUZZ_COUNT", SHORT))
    found = tried(name, os.environ.get("PPCDBG_FUZZ_SEED", "0"), count, tmp_path)
    assert not told(found, keep=False)
    assert found["tried"] == count


@pytest.mark.soak
@pytest.mark.parametrize("name", sorted(TARGETS))
def test_many_damaged_inputs(
    name: str, tmp_path: Path, figure: Callable[[str, str], None], capfd: pytest.CaptureFixture[str]
) -> None:
    count = int(os.environ.get("PPCDBG_FUZZ_COUNT", TARGETS[name].many))
    jobs = int(os.environ.get("PPCDBG_FUZZ_JOBS", min(os.cpu_count() or 1, 2)))
    with capfd.disabled():  # how far it is
        found = tried(name, os.environ.get("PPCDBG_FUZZ_SEED", "soak"), count, tmp_path, jobs)
    figure("fuzz", row(found))
    wrongs = told(found, keep=True)
    assert not wrongs, wrongs
    assert found["tried"] == count


KEPT = sorted(p for p in CORPUS.glob("*/*") if p.is_file())


@pytest.mark.parametrize("path", KEPT, ids=lambda p: f"{p.parent.name}-{p.name}")
def test_what_failed_once(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = next(t for t in TARGETS.values() if t.name.replace(" ", "-") == path.parent.name)
    monkeypatch.chdir(tmp_path)
    read = target.prepare(tmp_path).read
    tracemalloc.start()
    try:
        read(path.read_bytes(), 0)
    except PpcdbgError as error:
        one_sentence(error)
    finally:
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < GROWTH << 20, f"{most >> 20} MiB of memory"


# --- the harness itself ---------------------------------------------------------------------------------------------
WRONG = """
import sys
import tracemalloc
from pathlib import Path
from tests.fuzz import harness, targets
from tests.fuzz.mutate import TEXT

def prepare(folder):
    turn = iter(range(99))
    def read(data, number):
        match next(turn):
            case 1: raise KeyError("a")
            case 2: bytearray(4 << 30)
            case 3:
                while True: pass
            case 4: Path("/tmp-of-nobody").write_text("x")
        return ""
    return targets.Reading([b"x"], read)

harness.PATIENCE = 0.2
targets.TARGETS["wrong"] = targets.Target("wrong", TEXT, prepare)
print(__import__("json").dumps(harness.run("wrong", "0", 0, 20, Path(sys.argv[1]))))
"""


def test_each_kind_of_fault_is_found(tmp_path: Path) -> None:
    for name in ("state", "cache", "home"):
        (tmp_path / name).mkdir()
    (tmp_path / "home/stray").write_text("x")
    done = subprocess.run(
        [sys.executable, "-c", WRONG, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    kinds = [what.split(":")[0] for _, what, _ in found["findings"]]
    assert kinds == ["KeyError", "MemoryError", "TooLong", "Outside"]
    assert found["strays"] == ["home/stray"]
