"""Exits of a log by the block: rows as they came while they are at hand, columns once they are put away.

A block answers the same questions however it lies: a row, a column, and its *sites*. A site is all that exits have in
common which are alike in everything but when they happened and which data they were about; a million exits have some
hundred. So a question about a million of them is asked once for each site, and the rest is looking up
(:mod:`ppcdbg.debugger.selecting`, :mod:`ppcdbg.debugger.profile`).
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from struct import Struct
from typing import Any, Protocol, TypeAlias

from ppcdbg.kvm.words import NUMBERS, ROW, ROW_LONGS, ROW_WORDS

BLOCK = 4096
"""Rows of one."""
Compact: TypeAlias = tuple[Any, ...]
Kept: TypeAlias = "Compact | bytes"
"""A row, or two and more of compiled code's as it wrote them."""
RECORDED = 11
"""Numbers of a row as a recording has it: how the exit began and how it ended."""

# What an action tuple begins with; the rest depends on it (see ``log.action``).
(EMULATED, REFLECTED, MAPPED, MAPPED_MAGIC, MMIO, HYPERCALL, QUEUED, FAILED, HOST, DEBUG, FETCH, USERSPACE,
 RESCHED) = range(13)  # fmt: skip

POSITION, TICK, VECTOR, PC, MSR, DEAR, ESR, INST = range(8)
COST = -1
"""Columns by their place in a row, whoever wrote it."""
_PACKED = {POSITION: ("Q", 0), TICK: ("Q", 1), VECTOR: ("I", 4), PC: ("I", 5), MSR: ("I", 6), DEAR: ("I", 7),
           ESR: ("I", 8), INST: ("I", 9), COST: ("I", 17)}  # fmt: skip
"""Where they lie in a row of compiled code: by words of 64 bits, or of 32."""

SITE = Struct("<8IQ")
"""Exit number, pc, MSR, ESR, instruction, what was done, resume code, exit type, cost."""
_SITE_WORDS = (4, 5, 6, 8, 9, 10, 15, 16, 17)
"""The same in a row of compiled code, by words."""
_SITE_SIZE = SITE.size // 4
_EACH = Struct(f"{SITE.size}s")
HANDLED, UNTOLD = 0x100, 0x200
"""In place of what compiled code did: the rest of the site is a shape; and that a recording does not say."""
Site: TypeAlias = "bytes | tuple[bytes, Compact]"
"""A site, with the shape of what a handler in Python did: its deeds without their addresses and values, and the
interrupts it queued and delivered."""


@dataclass(frozen=True, slots=True)
class Sites:
    """``codes`` has for each exit which of ``table`` it is."""

    codes: bytes | array[int]
    table: tuple[Site, ...]

    def mark(self, marks: bytes | bytearray, first: int, end: int) -> bytes:
        """What stands for the site of each of some exits, where ``marks`` has it for each of the table."""
        codes = self.codes[first:end]
        if isinstance(codes, bytes):
            return codes.translate(bytes(marks).ljust(256, b"\0"))
        return bytes(map(marks.__getitem__, codes))


class Block(Protocol):
    """So many exits that follow each other."""

    @property
    def count(self) -> int: ...
    @property
    def untold(self) -> bool:
        """Whether there may be more to know of some: no run came through them."""

    @property
    def sites(self) -> Sites: ...
    @property
    def kinds(self) -> Mapping[int, int]:
        """How many exits there are of each number."""

    def row(self, index: int) -> Compact: ...
    def rows(self, first: int, end: int) -> list[Compact]: ...
    def column(self, place: int) -> array[int]: ...
    def number(self, index: int, place: int) -> int:
        """One number of a column."""

    def bounds(self, place: int) -> tuple[int, int]:
        """The first and the last number of ``POSITION`` or ``TICK``."""

    def kept(self, first: int, end: int) -> list[Kept]:
        """Some of the rows, as they came or as compiled code would have written them."""


def numbers(site: Site) -> tuple[int, ...]:
    """What ``SITE`` has of one."""
    return SITE.unpack(site if isinstance(site, bytes) else site[0])


def counted(table: Sequence[Site], codes: Sequence[int]) -> dict[int, int]:
    """How many exits there are of each number among some."""
    found: dict[int, int] = {}
    for code, times in Counter(codes).items():
        vector = numbers(table[code])[0]
        found[vector] = found.get(vector, 0) + times
    return found


def length(item: Kept) -> int:
    """How many exits an item is."""
    return len(item) // ROW.size if type(item) is bytes else 1


def begins(items: Sequence[Kept], starts: list[int]) -> None:
    """Put behind the numbers of the exits that some items begin with those of the rest of the items."""
    at = starts[-1] + length(items[len(starts) - 1]) if starts else 0
    for item in items[len(starts) :]:
        starts.append(at)
        at += length(item)


def pick(items: Sequence[Kept], starts: list[int], index: int) -> Compact:
    """The row of one exit."""
    at = bisect_right(starts, index) - 1
    item = items[at]
    return ROW.unpack_from(item, (index - starts[at]) * ROW.size) if isinstance(item, bytes) else item


def cut(items: list[Kept], starts: list[int], first: int, end: int) -> list[Kept]:
    """The items of the exits from ``first`` up to ``end``, which are there."""
    if first >= end:
        return []
    low, high = bisect_right(starts, first) - 1, bisect_right(starts, end - 1)
    found = items[low:high]
    last = found[-1]
    if isinstance(last, bytes):
        found[-1] = single(last[: (end - starts[high - 1]) * ROW.size])
    head = found[0]
    if isinstance(head, bytes):
        found[0] = single(head[(first - starts[low]) * ROW.size :])
    return found


def single(rows: bytes) -> Kept:
    """Rows as they are kept: one is no bytes."""
    return ROW.unpack(rows) if len(rows) == ROW.size else rows


class Part:
    """Rows at hand. Whoever makes one gives it its items for good."""

    def __init__(self, items: list[Kept], count: int) -> None:
        self.items, self.count = items, count
        self._columns: dict[int, array[int]] = {}

    @cached_property
    def _starts(self) -> list[int]:
        """The number of the exit that each item begins with."""
        starts: list[int] = []
        begins(self.items, starts)
        return starts

    @cached_property
    def untold(self) -> bool:
        return any(len(item) == RECORDED for item in self.items if type(item) is not bytes)

    def row(self, index: int) -> Compact:
        return pick(self.items, self._starts, index)

    def kept(self, first: int, end: int) -> list[Kept]:
        first, end = max(first, 0), min(end, self.count)
        if len(self.items) == self.count:
            return self.items[first:end]
        return cut(self.items, self._starts, first, end)

    def rows(self, first: int, end: int) -> list[Compact]:
        found: list[Compact] = []
        for item in self.kept(first, end):
            if type(item) is bytes:
                found += ROW.iter_unpack(item)
            else:
                found.append(item)  # type: ignore[arg-type]  # no bytes: a row
        return found

    def column(self, place: int) -> array[int]:
        made = self._columns.get(place)
        if made is None:
            kind, at = _PACKED[place]
            made = self._columns[place] = array("Q" if place == COST else kind)
            single: list[int] = []
            for item in self.items:
                if type(item) is not bytes:
                    single.append(item[place])
                    continue
                if single:
                    made.extend(single)
                    single.clear()
                words = memoryview(item).cast(kind)[at :: ROW_WORDS if kind == "I" else ROW_LONGS]  # type: ignore[call-overload]
                if made.typecode == kind:
                    made.frombytes(words.tobytes())
                else:
                    made.extend(words.tolist())
            made.extend(single)
        return made

    def number(self, index: int, place: int) -> int:
        number: int = self.row(index)[place]
        return number

    def bounds(self, place: int) -> tuple[int, int]:
        return self.row(0)[place], self.row(self.count - 1)[place]

    @cached_property
    def sites(self) -> Sites:
        places: dict[Site, int] = {}
        codes: list[int] = []
        code = places.setdefault
        for item in self.items:
            if type(item) is bytes:
                codes += [code(key, len(places)) for (key,) in _EACH.iter_unpack(_keys(item))]
            else:
                codes.append(code(_site(item), len(places)))  # type: ignore[arg-type]  # no bytes: a row
        return Sites(bytes(codes) if len(places) <= 256 else array("H", codes), tuple(places))

    @cached_property
    def kinds(self) -> Mapping[int, int]:
        return Counter(self.column(VECTOR))


def _keys(rows: bytes) -> bytearray:
    """The sites of rows of compiled code, one behind the other."""
    words = memoryview(rows).cast("I")
    made = bytearray(len(rows) // ROW.size * SITE.size)
    out = memoryview(made).cast("I")
    for at, word in enumerate(_SITE_WORDS):
        out[at::_SITE_SIZE] = words[word::ROW_WORDS]
    return made


_first = itemgetter(2, 3, 4, 6, 7)


def _site(row: Compact) -> Site:
    resume, accounted, cost = row[-3:]
    kind = row[8] if len(row) == NUMBERS else UNTOLD if len(row) == RECORDED else HANDLED
    site = SITE.pack(*_first(row), kind, resume & 0xFFFFFFFF, accounted, cost)
    return (site, shape(row)) if kind == HANDLED else site


def shape(row: Compact) -> Compact:
    """What a handler in Python did, without its addresses and values; interrupts queued, and the one delivered."""
    did = tuple((a[0], a[1] if a[0] in (EMULATED, MMIO, FAILED, HYPERCALL) else None) for a in row[8])
    return did, tuple(row[9]), row[10]
