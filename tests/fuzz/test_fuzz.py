"""Damaged inputs for everything that reads what comes from outside: no traceback, no hang, little memory, no stray.

    PPCDBG_FUZZ_SEED=TEXT    another seed
    PPCDBG_FUZZ_COUNT=N      inputs of each kind (a few hundred here; a million packets and 100,000 of the others in
                             ``make soak``)

What failed once is kept in ``corpus/TARGET/`` and read again by the ordinary tests.
"""

from __future__ import annotations

import hashlib
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
from tests.fuzz.targets import TARGETS, one_sentence

CORPUS = Path(__file__).parent / "corpus"
SHORT = 150
ROOT = Path(__file__).resolve().parents[2]


def tried(name: str, seed: str, count: int, folder: Path) -> dict[str, object]:
    """The figures of one target in a process of its own."""
    home = {key: str(folder / where) for key, where in (
        ("HOME", "home"), ("XDG_CONFIG_HOME", "config"), ("XDG_DATA_HOME", "data"), ("XDG_STATE_HOME", "state"),
        ("XDG_CACHE_HOME", "cache"), ("TMPDIR", "tmp"),
    )}  # fmt: skip
    for path in home.values():
        Path(path).mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.harness", name, seed, str(count), str(folder)],
        cwd=ROOT, env={**os.environ, **home, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, f"the process died with {done.returncode}: {done.stderr[-2000:]}"
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def told(found: dict[str, object], keep: bool) -> str:
    """What is wrong, with the inputs kept; empty where nothing is."""
    name = str(found["target"])
    lines = [f"stray files: {found['strays']}"] if found["strays"] else []
    if int(str(found["grown"])) > GROWTH:
        lines.append(f"memory grew by {found['grown']} MiB")
    for number, what, data in found["findings"]:  # type: ignore[attr-defined]
        lines.append(f"{name}, seed {found['seed']}, number {number}: {what}\n    {data[:400]}")
        if keep:
            folder = CORPUS / name.replace(" ", "-")
            folder.mkdir(parents=True, exist_ok=True)
            raw = bytes.fromhex(data)
            (folder / hashlib.sha256(raw).hexdigest()[:12]).write_bytes(raw)
    return "\n".join(lines)


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_damaged_inputs(name: str, tmp_path: Path) -> None:
    count = int(os.environ.get("PPCDBG_FUZZ_COUNT", SHORT))
    found = tried(name, os.environ.get("PPCDBG_FUZZ_SEED", "0"), count, tmp_path)
    assert not told(found, keep=False)
    assert found["tried"] == count


@pytest.mark.soak
@pytest.mark.parametrize("name", sorted(TARGETS))
def test_many_damaged_inputs(name: str, tmp_path: Path, figure: Callable[[str, str], None]) -> None:
    count = int(os.environ.get("PPCDBG_FUZZ_COUNT", TARGETS[name].many))
    found = tried(name, os.environ.get("PPCDBG_FUZZ_SEED", "soak"), count, tmp_path)
    wrong = len(found["findings"])  # type: ignore[arg-type]
    figure("fuzz", f"{name}: {found['tried']:,} tried, {found['refused']:,} refused, {wrong} findings, slowest "
                   f"{found['slowest']} s, memory grown by {found['grown']} MiB; seed {found['seed']}")  # fmt: skip
    wrongs = told(found, keep=True)
    assert not wrongs, wrongs


KEPT = sorted(p for p in CORPUS.glob("*/*") if p.is_file())


@pytest.mark.parametrize("path", KEPT, ids=lambda p: f"{p.parent.name}-{p.name}")
def test_what_failed_once(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = next(t for t in TARGETS.values() if t.name.replace(" ", "-") == path.parent.name)
    monkeypatch.chdir(tmp_path)
    _, read = target.prepare(tmp_path)
    tracemalloc.start()
    try:
        read(path.read_bytes())
    except PpcdbgError as error:
        one_sentence(error, path.read_bytes())
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
    def read(data):
        match next(turn):
            case 1: raise KeyError("a")
            case 2: bytearray(4 << 30)
            case 3:
                while True: pass
            case 4: Path("/tmp-of-nobody").write_text("x")
    return [b"x"], read

harness.PATIENCE = 0.2
targets.TARGETS["wrong"] = targets.Target("wrong", TEXT, prepare)
print(__import__("json").dumps(harness.run("wrong", "0", 20, Path(sys.argv[1]))))
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
