"""What is put aside is there again, whatever becomes of the file it lies in."""

from __future__ import annotations

import os
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from ppcdbg.machine import aside
from ppcdbg.machine.aside import Aside


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def blocks(it: Aside) -> list[bytes]:
    return [it.get(number) for number in range(len(it))]


def test_blocks_come_again_and_the_file_has_no_name(tmp_path: Path) -> None:
    it = Aside()
    for number in range(9):
        it.add(bytes([number]) * number)
    assert blocks(it) == [bytes([n]) * n for n in range(9)]
    assert it.shelf.file is not None and not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_a_copy_goes_on_for_itself() -> None:
    it = Aside()
    it.add(b"one")
    it.add(b"two")
    other = it.copy()
    other.cut(1)
    other.add(b"three")
    it.add(b"four")
    assert (blocks(it), blocks(other)) == ([b"one", b"two", b"four"], [b"one", b"three"])


def test_where_no_file_can_be_written_the_blocks_stay_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "nameless", lambda: None)
    it = Aside()
    it.add(b"one")
    assert blocks(it) == [b"one"] and it.shelf.file is None


def test_a_disk_that_fills_loses_nothing() -> None:
    """What was begun there is taken back, and where there is room again it is used."""
    it = Aside()
    it.add(b"one")
    holder = it.shelf.file
    assert holder is not None
    file = holder.file

    class Full:
        def __init__(self) -> None:
            self.seek, self.fileno, self.truncate = file.seek, file.fileno, file.truncate

        def write(self, data: bytes) -> int:
            file.write(data[:1])
            raise OSError(28, "No space left on device")

    holder.file = Full()  # type: ignore[assignment]
    it.add(b"two")
    holder.file = file
    it.add(b"three")
    assert blocks(it) == [b"one", b"two", b"three"]
    assert [block.file is None for block in it._blocks] == [False, True, False]
    assert os.fstat(file.fileno()).st_size == len(b"onethree")


def _in_the_fork(it: Aside, begin: Event) -> None:
    begin.wait(20)
    it.add(b"theirs")
    os._exit(0 if blocks(it) == [b"one", b"theirs"] else 1)


def test_a_process_that_was_forked_off_does_not_write_over_ours() -> None:
    """The two have one file between them; a search for races forks its workers off."""
    it = Aside()
    it.add(b"one")
    begin = get_context("fork").Event()
    process = get_context("fork").Process(target=_in_the_fork, args=(it, begin))
    process.start()
    it.add(b"ours")
    begin.set()
    process.join(20)
    assert process.exitcode == 0 and blocks(it) == [b"one", b"ours"]
