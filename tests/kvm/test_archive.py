"""A long log's beginning is put away: what is read is what was written, wherever it lies now."""

from __future__ import annotations

import random
from pathlib import Path
from signal import Signals

import pytest

from ppcdbg.kvm import archive, log
from ppcdbg.kvm.archive import BLOCK, Archive
from ppcdbg.kvm.log import ExitLog, KnownExits
from ppcdbg.kvm.words import NUMBERS, ROW


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(archive, "BLOCK", 16)
    monkeypatch.setattr(log, "BLOCK", 16)
    monkeypatch.setattr(log, "AT_HAND", 40)


def row(number: int) -> tuple[object, ...]:
    did = ((1, 18), (10, Signals.SIGTERM, "again", True)) if number % 3 else ()
    return number, number + 5, 13, 0x1000, 0, 4 * number, 0, 0x60000000, did, (18,), None, 1, 7, 300


def filled(count: int, rng: random.Random) -> tuple[ExitLog, list[tuple[object, ...]]]:
    """A log of rows from Python and from compiled code, and the same as a list."""
    it, rows = ExitLog(False, lambda gpa: ""), []
    while len(rows) < count:
        if rng.random() < 0.5:
            rows.append(row(len(rows)))
            it.append(rows[-1])
        else:
            some = [(len(rows) + i, 7, *[rng.getrandbits(32)] * 14) for i in range(rng.randrange(1, 9))]
            it.extend(memoryview(b"".join(ROW.pack(*r) for r in some)), len(some))
            rows += some
    return it, rows


def test_everything_is_read_as_it_was_written() -> None:
    rng = random.Random(5)
    it, rows = filled(1000, rng)
    assert len(it._old) > 800 and len(it._rows) <= 80 and len(it) == len(rows)
    assert it.rows(0) == rows and it.known() == rows
    for _ in range(300):
        a, b = rng.randrange(1000), rng.randrange(1000)
        assert it.rows(a, b) == rows[a:b] and it.row(a) == rows[a] and it.position(a) == rows[a][0]
        kept: list[object] = []
        for item in it.recorded(a):
            kept += ROW.iter_unpack(item) if isinstance(item, bytes) else [item]
        assert kept == [row if len(row) == NUMBERS else (*row[:8], *row[-3:]) for row in rows[a:]]
    assert KnownExits(it).rows(10, 990) == rows[10:990] and it.row(-1) == rows[-1]


@pytest.mark.parametrize("back", [990, 960, 500, 0])
def test_a_return_to_a_state_finds_what_was_put_away(back: int) -> None:
    it, rows = filled(1000, random.Random(6))
    known = KnownExits(it)
    it.restore({"length": back})
    assert len(it) == back and it.rows(0) == rows[:back]
    assert known.rows(0) == rows and len(known) == len(rows) and known.position(999) == rows[999][0]
    it.restore({"length": 1000})
    assert it.rows(0) == rows[:1000]
    it.restore({"length": back})
    it.forget()
    for number in range(300):
        it.append(row(number))
    assert it.rows(0) == rows[:back] + [row(n) for n in range(300)]
    it.become(7, [row(1)])
    assert it.rows(0) == [*(rows[:back] + [row(n) for n in range(300)])[:7], row(1)]


def test_one_return_after_another_each_further_back() -> None:
    """Found by a Linux guest with hardly any room at hand: a later state was forgotten."""
    it, rows = filled(1000, random.Random(9))
    for length in (995, 300, 998, 0, 1000):
        it.restore({"length": length})
        assert it.rows(0) == rows[:length] and KnownExits(it).rows(0) == rows


def test_what_cannot_be_packed_is_kept_as_it_is() -> None:
    it = ExitLog(False, lambda gpa: "")
    rows = [(*row(n)[:8], ((8, Path("x")),) if n == 5 else (), *row(n)[9:]) for n in range(300)]
    for each in rows:
        it.append(each)
    assert it.rows(0) == rows and len(it._old) > 100


def test_where_no_file_can_be_written_the_rows_stay_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_nameless", lambda: None)
    it, rows = filled(500, random.Random(7))
    assert it.rows(0) == rows and len(it._old) > 300


def test_a_disk_that_fills_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    it = Archive()
    it.add([row(n) for n in range(16)])

    class Full:
        def __init__(self, file: object) -> None:
            self.seek, self.read = file.seek, file.read  # type: ignore[attr-defined]

        def write(self, data: bytes) -> int:
            raise OSError(28, "No space left on device")

    it._file = Full(it._file)  # type: ignore[assignment]
    it.add([row(n) for n in range(16, 32)])
    it.add([row(n) for n in range(32, 48)])
    assert it.rows() == [row(n) for n in range(48)] and it._file is None


def test_the_file_has_no_name(tmp_path: Path) -> None:
    it, _ = filled(500, random.Random(8))
    assert it._old._file is not None and not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_blocks_are_no_smaller_than_what_packs_well() -> None:
    assert BLOCK >= 1024
