"""Blocks of a long log that are not at hand: by column, packed, in a file without a name, so that memory stays bounded.

A guest makes exits for as long as it runs, 200,000 a second if it means to. The file lies in the user's cache folder,
or with the temporary files; the host takes it back when the process ends, however it ends. Where no file can be
written the packed columns stay in memory. A column is read without the others, and a block is some 40 us from being
read, so that what goes through the whole log need not care where it lies.
"""

from __future__ import annotations

import struct
import zlib
from array import array
from itertools import accumulate
from typing import Any

from ppcdbg.kvm.blocks import (
    BLOCK,
    COST,
    HANDLED,
    POSITION,
    RECORDED,
    SITE,
    TICK,
    UNTOLD,
    Block,
    Compact,
    Kept,
    Part,
    Sites,
    single,
)  # fmt: skip
from ppcdbg.kvm.words import NUMBERS, ROW, ROW_LONGS, ROW_WORDS
from ppcdbg.machine.aside import Shelf, Stored

_LONGS = 2
"""Columns of 64 bits, the first; then those of 32."""
_COLUMNS = ROW_WORDS - _LONGS
_KIND, _DEED = 8, 9
"""The columns of what was done, and of the word after it: of a handler in Python where its deeds lie."""
_CODES, _TABLE, _SHAPES, _DEEDS = range(_COLUMNS, _COLUMNS + 4)
"""What a block has beside its columns."""
_AT_HAND = 128
"""Columns that stay unpacked, the last that were read."""


class Archive:
    """The first blocks of a log."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._shelf = Shelf()
        self._read: dict[tuple[int, int], bytes] = {}
        self._loaded: dict[int, tuple[int, list[Compact]]] = {}

    def __len__(self) -> int:
        """Exits."""
        return len(self.blocks) * BLOCK

    def add(self, part: Part) -> None:
        """Take one block more; one with something in it that cannot be packed, the last words of a run, stays as it
        is."""
        self.blocks.append(self._put(part, len(self.blocks)))

    def replace(self, number: int, part: Part) -> None:
        """Take a block in place of one that was untold."""
        self._forget(number)
        self.blocks[number] = self._put(part, number)

    def cut(self, count: int) -> None:
        """Keep only so many blocks. Their places are left alone: a process that was forked off may still read there."""
        for number in range(count, len(self.blocks)):
            self._forget(number)
        del self.blocks[count:]

    def _forget(self, number: int) -> None:
        self._loaded.clear()
        for key in [key for key in self._read if key[0] == number]:
            del self._read[key]

    def _put(self, part: Part, number: int) -> Block:
        pieces = _packed(part)
        if pieces is None:
            return part
        ends = array("I", accumulate(map(len, pieces), initial=0))
        return Packed(self, number, ends, self._shelf.put(b"".join(pieces)), part)

    def piece(self, block: Packed, which: int) -> bytes:
        """One column of a block, or another piece of it."""
        key = block.at, which
        found = self._read.pop(key, None)
        if found is None:
            found = zlib.decompress(block.stored.get(*block.ends[which : which + 2]))
            if which < _COLUMNS:
                found = _numbers(found, 8 if which < _LONGS else 4)
            if len(self._read) >= _AT_HAND:
                del self._read[next(iter(self._read))]
        self._read[key] = found
        return found

    def loaded(self, block: Packed, which: int) -> list[Compact]:
        """Of a piece that is text the values: of the block that was asked about last they stay at hand."""
        at, values = self._loaded.get(which, (-1, []))
        if at != block.at:
            import json

            values = [_tuple(each) for each in json.loads(self.piece(block, which))]
            self._loaded[which] = block.at, values
        return values


class Packed:
    """Block number ``at``, which was put away. ``ends``: where its pieces end in what is stored, behind a 0."""

    def __init__(self, archive: Archive, number: int, ends: array[int], stored: Stored, part: Part) -> None:
        self._archive, self.at, self.ends, self.stored = archive, number, ends, stored
        self.count, self.kinds, self.untold = part.count, part.kinds, part.untold
        self._bounds = part.bounds(POSITION), part.bounds(TICK)

    def _column(self, at: int) -> memoryview:
        return memoryview(self._archive.piece(self, at)).cast("Q" if at < _LONGS else "I")

    def column(self, place: int) -> array[int]:
        at = _COLUMNS - 1 if place == COST else place
        assert POSITION <= place < _KIND or place == COST
        return array("Q" if at < _LONGS else "I", self._archive.piece(self, at))  # which is gone through twice as fast

    def number(self, index: int, place: int) -> int:
        return self._column(_COLUMNS - 1 if place == COST else place)[index]

    def bounds(self, place: int) -> tuple[int, int]:
        return self._bounds[place]

    @property
    def sites(self) -> Sites:
        codes = self._archive.piece(self, _CODES)
        shapes: dict[int, Compact] = dict(self._archive.loaded(self, _SHAPES))
        keys = struct.iter_unpack(f"{SITE.size}s", self._archive.piece(self, _TABLE))
        table = tuple((key, shapes[at]) if at in shapes else key for at, (key,) in enumerate(keys))
        return Sites(codes if len(codes) == self.count else array("H", codes), table)

    def _deeds(self) -> list[Compact]:
        return self._archive.loaded(self, _DEEDS)

    def row(self, index: int) -> Compact:
        row = tuple(self._column(at)[index] for at in range(_COLUMNS))
        return _whole(row, self._deeds() if row[_KIND] == HANDLED else [])

    def rows(self, first: int, end: int) -> list[Compact]:
        rows = zip(*(self._column(at)[first:end] for at in range(_COLUMNS)))
        deeds = self._deeds()
        return [_whole(row, deeds) for row in rows]

    def kept(self, first: int, end: int) -> list[Kept]:
        first, end = max(first, 0), min(end, self.count)
        if first >= end:
            return []
        made = bytearray((end - first) * ROW.size)
        longs, words = memoryview(made).cast("Q"), memoryview(made).cast("I")
        for at in range(_COLUMNS):
            if at < _LONGS:
                longs[at::ROW_LONGS] = self._column(at)[first:end]
            else:
                words[at + _LONGS :: ROW_WORDS] = self._column(at)[first:end]
        others = [i for i, kind in enumerate(self._column(_KIND)[first:end]) if kind >= HANDLED]
        found: list[Kept] = []
        deeds, at = self._deeds(), 0
        for i in (*others, end - first):
            if i > at:
                found.append(single(bytes(made[at * ROW.size : i * ROW.size])))
            if i < end - first:
                found.append(_whole(ROW.unpack_from(made, i * ROW.size), deeds))
            at = i + 1
        return found


def _whole(row: Compact, deeds: list[Compact]) -> Compact:
    """A row as it was."""
    kind = row[_KIND]
    if kind < HANDLED:
        return row
    return (*row[:8], *row[-3:]) if kind == UNTOLD else (*row[:8], *deeds[row[_DEED]], *row[-3:])


def _packed(part: Part) -> list[bytes] | None:
    """Each column in fewer bytes, numbers that have names as plain ones, and what a block has beside; None where
    something in it is no value or does not fit."""
    import json  # only a run of very many exits packs any

    deeds: list[Compact] = []
    made = bytearray()
    try:
        for item in part.items:
            if type(item) is bytes:
                made += item
            elif len(item) == NUMBERS:
                made += ROW.pack(*item)
            elif len(item) == RECORDED:
                made += ROW.pack(*item[:8], UNTOLD, 0, 0, 0, 0, *item[8:])
            else:
                made += ROW.pack(*item[:8], HANDLED, len(deeds), 0, 0, 0, *item[-3:])
                deeds.append(item[8:11])  # type: ignore[arg-type]  # no bytes: a row
        sites = part.sites
        table = b"".join(site if isinstance(site, bytes) else site[0] for site in sites.table)
        shapes = [(at, site[1]) for at, site in enumerate(sites.table) if not isinstance(site, bytes)]
        told = [json.dumps(each, separators=(",", ":")).encode() for each in (shapes, deeds)]
    except (TypeError, struct.error):
        return None
    longs, words = memoryview(made).cast("Q"), memoryview(made).cast("I")
    columns = [longs[at::ROW_LONGS].tobytes() for at in (POSITION, TICK)]
    columns += [words[at::ROW_WORDS].tobytes() for at in range(2 * _LONGS, ROW_WORDS)]
    split = [_planes(each, 8 if at < _LONGS else 4) for at, each in enumerate(columns)]
    return [zlib.compress(each, 1) for each in (*split, bytes(sites.codes), table, *told)]


def _planes(column: bytes, size: int) -> bytes:
    """The lowest bytes of all numbers, then the next: what hardly changes lies together, and unpacks much faster."""
    return b"".join(column[at::size] for at in range(size))


def _numbers(planes: bytes, size: int) -> bytes:
    """The same as numbers again."""
    made, count = bytearray(len(planes)), len(planes) // size
    for at in range(size):
        made[at::size] = planes[at * count : (at + 1) * count]
    return bytes(made)


def _tuple(value: Any) -> Any:
    return tuple(map(_tuple, value)) if isinstance(value, list) else value
