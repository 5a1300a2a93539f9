"""The object cache: whole or made anew, whoever writes at the same time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ppcdbg.engine.api import Stops
from ppcdbg.engine.llvm import build, cache, engine
from ppcdbg.engine.llvm.build import sources
from ppcdbg.engine.llvm.engine import LlvmEngine
from ppcdbg.engine.llvm.image import Image, flatten
from tests.engine.world import World

NAME = "object"
CODE = bytes(range(256)) * 40


def test_what_was_kept_is_recalled(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "ppcdbg"
    assert cache.recall(folder, NAME) is None
    cache.keep(folder, NAME, CODE)
    assert cache.recall(folder, NAME) == CODE
    assert [p.name for p in folder.iterdir()] == [NAME]


def test_what_killed_writers_left_goes(tmp_path: Path) -> None:
    for name, age in ((".new-old", 3600), (".new-now", 0)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    cache.keep(tmp_path, NAME, CODE)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".new-now", NAME]


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "foreign", "renamed"])
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: str) -> None:
    cache.keep(tmp_path, NAME, CODE)
    file = tmp_path / NAME
    data = bytearray(file.read_bytes())
    if damage == "empty":
        data.clear()
    elif damage == "cut":
        del data[-1]
    elif damage == "flipped":
        data[5000] ^= 1
    elif damage == "foreign":
        data = bytearray(b"\x7fELF") + data
    else:
        cache.keep(tmp_path, "other", CODE)
        data = bytearray((tmp_path / "other").read_bytes())
    file.write_bytes(data)
    assert cache.recall(tmp_path, NAME) is None
    made = []
    assert cache.recall_or_make(tmp_path, NAME, lambda: made.append(1) or CODE) == CODE
    assert made and cache.recall(tmp_path, NAME) == CODE


def test_the_oldest_objects_go(tmp_path: Path) -> None:
    for n in range(cache.KEPT + 3):
        cache.keep(tmp_path, f"object{n}", CODE)
        os.utime(tmp_path / f"object{n}", ns=(n, n))
    cache.keep(tmp_path, "last", CODE)
    assert {p.name for p in tmp_path.iterdir()} == {f"object{n}" for n in range(4, cache.KEPT + 3)} | {"last"}


def test_a_folder_that_cannot_be_used_is_no_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    assert cache.recall_or_make(blocked / "ppcdbg", NAME, lambda: CODE) == CODE
    assert cache.recall_or_make(None, NAME, lambda: CODE) == CODE


def test_the_name_changes_with_sources_library_and_host(tmp_path: Path) -> None:
    one, two = tmp_path / "a.py", tmp_path / "b.py"
    one.write_text("x")
    two.write_text("y")
    names = {
        cache.fingerprint([one, two], "llvmlite 1", "cpu"),
        cache.fingerprint([one], "llvmlite 1", "cpu"),
        cache.fingerprint([one, two], "llvmlite 2", "cpu"),
        cache.fingerprint([one, two], "llvmlite 1", "cpu +avx"),
    }
    two.write_text("z")
    names.add(cache.fingerprint([one, two], "llvmlite 1", "cpu"))
    assert len(names) == 5


def test_the_object_depends_on_table_core_and_engine() -> None:
    names = {p.name for p in sources()}
    assert {"fixed_arith.py", "forms.py", "ops.py", "models.py", "state.py", "threaded.py", "layout.py"} <= names


START = """
import sys
import time
from pathlib import Path
from ppcdbg.engine.llvm.cache import keep, recall
folder, me = Path(sys.argv[1]), int(sys.argv[2])
for turn in range(60):
    keep(folder, "object", bytes([me]) * 200_000)
    found = recall(folder, "object")
    assert found is not None and len(set(found)) == 1 and len(found) == 200_000, found and len(found)
"""


def test_many_processes_at_once_never_see_half_a_file(tmp_path: Path, root: Path) -> None:
    running = [
        subprocess.Popen([sys.executable, "-c", START, str(tmp_path), str(n)], cwd=root, stderr=subprocess.PIPE)
        for n in range(4)
    ]
    for process in running:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()
    assert [p.name for p in tmp_path.iterdir()] == ["object"]


def test_an_image_runs_as_the_object_that_llvm_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without memory that may be written and then run, LLVM links the object; both leave the same state."""
    linked = build.Tier0("e500mc", tmp_path)
    assert isinstance(linked._code, Image)
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".image"]

    def refuse(data: bytes) -> Image:
        raise OSError("not here")

    monkeypatch.setattr(build, "Image", refuse)
    by_llvm = build.Tier0("e500mc", tmp_path)
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".image", ".o"]
    assert by_llvm.symbols.keys() == linked.symbols.keys()
    ends = []
    for code in (linked, by_llvm):
        monkeypatch.setattr(engine, "tier0", lambda core, tenant, code=code: code)
        world = World("e500mc", LlvmEngine, "image")
        for _ in range(50):
            world.engine.run(world.core.retired + 40, Stops())
        ends.append(world)
    assert not ends[0].differences(ends[1])


def test_an_object_of_another_kind_is_not_flattened() -> None:
    assert flatten(b"\xcf\xfa\xed\xfe" + bytes(100), ("enter",)) is None
