"""Some of the exits of a log, as marks: a byte for each exit that was looked at, so that a filter on a million costs no
number for each that it lets through."""

from __future__ import annotations

from bisect import bisect_right
from itertools import compress


class Marked:
    """Numbers in order, in pieces that follow each other."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._marks: list[bytes] = []
        self._before: list[int] = []
        self._count = 0
        self._last: tuple[int, list[int]] = -1, []

    def add(self, start: int, marks: bytes) -> None:
        """A 1 for each number from ``start`` on that is one of them; pieces without any are not kept."""
        count = marks.count(1)
        if count:
            self._starts.append(start)
            self._marks.append(marks)
            self._before.append(self._count)
            self._count += count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> int:
        index = range(self._count)[index]
        piece = bisect_right(self._before, index) - 1
        if self._last[0] != piece:
            start, marks = self._starts[piece], self._marks[piece]
            self._last = piece, list(compress(range(start, start + len(marks)), marks))
        return self._last[1][index - self._before[piece]]

    def below(self, number: int) -> int:
        """How many of them are lower than a number."""
        piece = bisect_right(self._starts, number) - 1
        if piece < 0:
            return 0
        return self._before[piece] + self._marks[piece].count(1, 0, max(number - self._starts[piece], 0))
