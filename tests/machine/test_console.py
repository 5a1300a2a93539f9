"""What was printed, at hand or put away, back in time and forward again, against a list that keeps everything."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest

from ppcdbg.machine import console as rooms
from ppcdbg.machine import printed
from ppcdbg.machine.console import Console


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(printed, "BLOCK", 16)
    monkeypatch.setattr(rooms, "BLOCK", 16)
    monkeypatch.setattr(printed, "AT_HAND", 40)


class Model:
    """A port and what it must say; time goes on by itself."""

    def __init__(self, rng: random.Random) -> None:
        self.rng, self.now = rng, 0
        self.console = Console(lambda: self.now)
        self.rows: list[tuple[int, int]] = []
        self.known: list[tuple[int, int]] = []

    def print(self, count: int) -> None:
        """What is known comes again; behind it anything."""
        late: list[tuple[int, int]] = []
        for _ in range(count):
            if len(self.rows) < len(self.known):
                row = self.known[len(self.rows)]
            else:
                row = self.rng.choice(b"ab\r\n\xc3\xa9"), (self.rows[-1][1] if self.rows else 0) + self.rng.randrange(3)
                self.known.append(row)
            self.rows.append(row)
            late.append(row)
        if self.rng.random() < 0.5:
            self.console.put_late(bytes(byte for byte, _ in late), [at for _, at in late])
        else:
            for byte, self.now in late:
                self.console.put(byte)

    def part(self, length: int) -> None:
        """Go back, and let something else happen there."""
        self.console.restore({"length": length})
        if self.rng.random() < 0.5:
            self.console.forget()
        else:  # nobody said so: it is seen by what comes
            self.now = self.known[length][1] + 7 if length < len(self.known) else 7 + (length and self.known[-1][1])
            self.console.put(ord("z"))
            self.known[length:] = [(ord("z"), self.now)]
            length += 1
        del self.known[length:]
        self.rows = self.known[:length]

    def check(self) -> None:
        console, rows, rng = self.console, self.rows, self.rng
        data, positions = bytes(byte for byte, _ in rows), [at for _, at in rows]
        assert len(console.output) == len(console.positions) == len(rows)
        a, b = sorted(rng.randrange(len(rows) + 3) for _ in range(2))
        assert console.output[a:b] == data[a:b] and [*console.positions[a:b]] == positions[a:b]
        assert console.output[-5:] == data[-5:] and console.output[-1:] == data[-1:]
        if rng.random() < 0.1:
            assert bytes(console.output) == data and [*console.positions] == positions and [*console.output] == [*data]
            assert b"".join(console.output.lines()) == data
            assert [*console.output.lines()] == io.BytesIO(data).readlines()
            text = data.decode("utf-8", "replace").replace("\r\n", "\n")
            assert console.text == text and console.tail(9) == text[-9:] and console.tail(1 << 20) == text
        if rows:
            at = rng.choice(positions) + rng.randrange(-1, 2)
            said = bytes(byte for byte, position in rows if position <= at)
            assert console.text_at(at) == said.decode("utf-8", "replace").replace("\r\n", "\n")
            assert console.output[a % len(rows)] == data[a % len(rows)]


@pytest.mark.parametrize("seed", range(6))
def test_it_says_what_a_list_says(seed: int) -> None:
    rng = random.Random(seed)
    model, most = Model(rng), 0
    for _ in range(400):
        match rng.randrange(6):
            case 0:
                length = rng.randrange(len(model.known) + 1)
                model.console.restore({"length": length})
                model.rows = model.known[:length]
            case 1 if rng.random() < 0.2:
                model.part(rng.randrange(len(model.known) + 1))
            case 2:
                length = max(len(model.rows) - rng.randrange(60), 0)
                last = model.rows[length - 1][1] if length else 0
                more = [(65, last + 1), (66, last + 1)][: rng.randrange(3)]
                model.console.become(length, bytes(byte for byte, _ in more), [at for _, at in more])
                model.known = model.rows[:length] + more
                model.rows = model.known[:]
            case _:
                model.print(rng.choice((1, 1, 3, 20, 90)))
        model.check()
        most = max(most, len(model.console._log._old))
    assert most > 10


def test_what_is_foretold_is_known_and_not_printed() -> None:
    rows = [(n & 0x7F, 3 * n) for n in range(500)]
    console = Console(lambda: 0)
    console.foretell(iter(rows[:300]))
    console.foretell(iter(rows))
    assert len(console.output) == 0 and console.text_at(1 << 40) == ""
    console.restore({"length": 450})
    assert [*zip(console.output, console.positions)] == rows[:450]
    with pytest.raises(TypeError, match="ends at byte 500"):
        console.restore({"length": 501})
    other = Console(lambda: 0)
    other.as_of(console)
    other.restore({"length": 500})
    other.become(100, b"x", [1000])
    assert [*zip(other.output, other.positions)] == [*rows[:100], (ord("x"), 1000)]
    assert [*zip(console.output, console.positions)] == rows[:450]


@pytest.mark.parametrize(("row", "error"), [((256, 0), ValueError), ((-1, 0), ValueError), ((1, -1), OverflowError)])
def test_a_damaged_recording_foretells_nothing_that_cannot_be(row: tuple[int, int], error: type[Exception]) -> None:
    with pytest.raises(error):
        Console(lambda: 0).foretell([(1, 1), row])


def test_positions_that_do_not_grow_come_again_as_they_were() -> None:
    """Of a damaged recording: no run prints so."""
    rows = [(n & 1, (n * 0x9E3779B97F4A7C15) & (1 << 64) - 1) for n in range(200)]
    console = Console(lambda: 0)
    console.foretell(rows)
    console.restore({"length": 200})
    assert [*zip(console.output, console.positions)] == rows
