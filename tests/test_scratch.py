"""Folders that go with their process: closed, dropped, forked, killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ppcdbg.scratch import LOCK, Scratch, scratch

HOLDER = """
import os, sys, time
from ppcdbg.scratch import Scratch
held = Scratch("test")
(held.path / "file").write_bytes(b"x")
child = os.fork() if sys.argv[1] == "fork" else os.getpid()
if child:
    print(held.path, child, flush=True)
if sys.argv[1] == "fork" and child:
    os._exit(0)
if sys.argv[1] != "end":
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def _own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def _holder(how: str) -> tuple[subprocess.Popen[str], Path, int]:
    """One that runs, its folder, and the process that holds it."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, how], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    path, holder = process.stdout.readline().split()
    return process, Path(path), int(holder)


def test_it_goes_at_the_end_of_the_with_and_of_the_process(tmp_path: Path) -> None:
    with scratch("test") as folder:
        (folder / "deep").mkdir()
        assert folder.parent == tmp_path
    assert not folder.exists()
    process, path, _ = _holder("end")
    assert process.wait(20) == 0
    assert not path.exists()


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path: Path) -> None:
    process, path, _ = _holder("stay")
    with scratch("test"):
        assert (path / "file").exists()  # somebody is there
    process.kill()
    process.wait(20)
    with scratch("test") as folder:
        assert list(tmp_path.iterdir()) == [folder]


def test_a_fork_holds_what_its_parent_made() -> None:
    process, path, child = _holder("fork")
    assert process.wait(20) == 0
    with scratch("test"):
        assert (path / "file").exists()
    os.kill(child, signal.SIGKILL)


def test_the_end_of_a_fork_removes_nothing_of_its_parents() -> None:
    held = Scratch("test")
    child = os.fork()
    if not child:
        held.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert held.path.exists()
    held.close()


def test_a_folder_that_is_no_scratch_or_just_being_made_stays(tmp_path: Path) -> None:
    (tmp_path / "ppcdbg-notes").mkdir()
    (tmp_path / "ppcdbg-elsewhere").symlink_to(tmp_path / "ppcdbg-notes")
    (tmp_path / "ppcdbg-linked").mkdir()
    (tmp_path / "outside").touch()
    (tmp_path / "ppcdbg-linked" / LOCK).symlink_to(tmp_path / "outside")
    (tmp_path / "ppcdbg-file").touch()
    before = sorted(tmp_path.iterdir())
    with scratch("test"):
        pass
    assert sorted(tmp_path.iterdir()) == before
