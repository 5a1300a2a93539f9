"""Bytes that came one after the other, each with a position, for as long as a guest prints.

The last ones are at hand. Of a long output the beginning is packed and put aside (:mod:`ppcdbg.machine.aside`), so that
a guest that floods its console takes disk, a tenth of a byte to two for each character, and no memory.
"""

from __future__ import annotations

import zlib
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate
from operator import sub

from ppcdbg.machine.aside import Aside

BLOCK = 1 << 14
"""Bytes that are packed together."""
AT_HAND = 1 << 16
"""Bytes that are never put away, the last ones; there are ``BLOCK`` more at most."""
_M64 = (1 << 64) - 1


def _sum(position: int, step: int) -> int:
    return position + step & _M64  # what a damaged recording foretells need not grow


class Printed:
    """An output as it grows. Numbers of bytes count from 0; an end may lie beyond the last."""

    def __init__(self) -> None:
        self._old = Aside()
        self._firsts = array("Q")
        """The position of the first byte of each block that was put away."""
        self._put_away = 0
        """How many bytes that are."""
        self.size = 0
        """How many bytes there are, all together."""
        self._full = AT_HAND + BLOCK
        """At how many some are put away."""
        self._bytes = bytearray()
        self._positions = array("Q")
        self._last: tuple[int, bytes, array[int]] = -1, b"", self._positions
        """The block that was looked at last: its number and what is in it."""

    def append(self, byte: int, position: int) -> None:
        self._bytes.append(byte)
        self._positions.append(position)
        self.size += 1
        if self.size >= self._full:
            self._tidy()

    def extend(self, data: bytes, positions: Iterable[int]) -> None:
        """As many bytes as positions."""
        self._bytes += data
        self._positions.extend(positions)
        self._tidy()

    def _tidy(self) -> None:
        blocks = max(len(self._bytes) - AT_HAND, 0) // BLOCK
        for start in range(0, blocks * BLOCK, BLOCK):
            data, positions = self._bytes[start : start + BLOCK], self._positions[start : start + BLOCK]
            steps = array("Q", map(_M64.__and__, map(sub, positions, (positions[0], *positions))))
            self._old.add(zlib.compress(data + steps.tobytes(), 1))
            self._firsts.append(positions[0])
        del self._bytes[: blocks * BLOCK], self._positions[: blocks * BLOCK]
        self._put_away += blocks * BLOCK
        self._count()

    def _count(self) -> None:
        self.size = self._put_away + len(self._bytes)
        self._full = self._put_away + AT_HAND + BLOCK

    def _block(self, number: int) -> tuple[bytes, array[int]]:
        if self._last[0] != number:
            packed, steps = zlib.decompress(self._old.get(number)), array("Q")
            steps.frombytes(packed[BLOCK:])
            positions = array("Q", accumulate(steps[1:], _sum, initial=self._firsts[number]))
            self._last = number, packed[:BLOCK], positions
        return self._last[1:]

    def cut(self, length: int) -> None:
        """Forget all but the first ``length`` bytes."""
        if length < self._put_away:
            number = length // BLOCK
            data, positions = self._block(number)
            self._bytes, self._positions = bytearray(data), array("Q", positions)
            self._put_away, self._last = number * BLOCK, (-1, b"", self._positions)
            self._old.cut(number)
            del self._firsts[number:]
        del self._bytes[length - self._put_away :], self._positions[length - self._put_away :]
        self._count()

    def copy(self) -> Printed:
        """Another one that goes on for itself."""
        made = Printed()
        made._old, made._firsts, made._put_away = self._old.copy(), self._firsts[:], self._put_away
        made._bytes, made._positions = self._bytes[:], self._positions[:]
        made._count()
        return made

    def _pieces(self, first: int, end: int) -> Iterator[tuple[bytes | bytearray, array[int]]]:
        for number in range(first // BLOCK, -(-min(end, self._put_away) // BLOCK)):
            data, positions = self._block(number)
            start = number * BLOCK
            part = slice(max(first - start, 0), end - start)
            yield data[part], positions[part]
        if end > self._put_away:
            part = slice(max(first - self._put_away, 0), end - self._put_away)
            yield self._bytes[part], self._positions[part]

    def row(self, number: int) -> tuple[int, int]:
        """One byte and its position."""
        at = number - self._put_away
        if at >= 0:
            return self._bytes[at], self._positions[at]
        data, positions = self._block(number // BLOCK)
        return data[number % BLOCK], positions[number % BLOCK]

    def data(self, first: int, end: int) -> bytes:
        """Bytes from number ``first`` up to ``end``."""
        return b"".join(data for data, _ in self._pieces(first, end))

    def positions(self, first: int, end: int) -> array[int]:
        """Where those were printed."""
        found = array("Q")
        for _, positions in self._pieces(first, end):
            found += positions
        return found

    def until(self, position: int) -> int:
        """How many bytes there were at a position; those printed there count."""
        at_hand = bisect_right(self._positions, position)
        if at_hand:
            return self._put_away + at_hand
        blocks = bisect_right(self._firsts, position)
        return (blocks - 1) * BLOCK + bisect_right(self._block(blocks - 1)[1], position) if blocks else 0
