"""Rows of a long log that nobody looks at now: packed, in a file without a name, so that memory stays bounded.

A guest makes exits for as long as it runs, 200,000 a second if it means to. The file lies in the user's cache folder,
or with the temporary files; the host takes it back when the process ends, however it ends. Where no file can be
written the packed rows stay in memory.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Iterator
from typing import IO, Any

from ppcdbg.paths import user_cache

BLOCK = 4096
"""Rows that are packed together."""
Row = tuple[Any, ...]


class Archive:
    """The first rows of a log, ``len`` of them, in blocks."""

    def __init__(self) -> None:
        self._places: list[tuple[int, int]] = []
        self._file: IO[bytes] | None = None
        self._asked = False
        self._held: dict[int, bytes] = {}
        """Blocks by number, where no file can be written."""
        self._whole: dict[int, list[Row]] = {}
        """Those with something in them that cannot be packed: the last words of a run, of which there are few."""
        self._last: tuple[int, list[Row]] = -1, []

    def __len__(self) -> int:
        return len(self._places) * BLOCK

    def add(self, rows: list[Row]) -> None:
        """Take ``BLOCK`` more rows."""
        assert len(rows) == BLOCK
        packed = _packed(rows)
        if packed is None:
            self._whole[len(self._places)] = rows
            self._places.append((0, 0))
            return
        if not self._asked:
            self._asked, self._file = True, _nameless()
        if self._file is not None:
            try:
                at = self._file.seek(0, os.SEEK_END)
                self._file.write(packed)
                self._file.flush()
                self._places.append((at, len(packed)))
                return
            except OSError:  # a full disk: from here on in memory
                self._held = {i: self._bytes(i) for i in range(len(self._places)) if i not in self._whole}
                self._file = None
        self._held[len(self._places)] = packed
        self._places.append((0, len(packed)))

    def _bytes(self, block: int) -> bytes:
        if self._file is None:
            return self._held[block]
        at, length = self._places[block]
        self._file.seek(at)
        return self._file.read(length)

    def _block(self, block: int) -> list[Row]:
        if block in self._whole:
            return self._whole[block]
        if self._last[0] != block:
            import json

            rows: list[Row] = [_tuple(row) for row in json.loads(zlib.decompress(self._bytes(block)))]
            self._last = block, rows
        return self._last[1]

    def row(self, index: int) -> Row:
        return self._block(index // BLOCK)[index % BLOCK]

    def pieces(self, first: int, end: int) -> Iterator[list[Row]]:
        """Rows from ``first`` up to ``end``, all of which are here, as they were packed together."""
        for block in range(first // BLOCK, -(-end // BLOCK)):
            start = block * BLOCK
            yield self._block(block)[max(first - start, 0) : end - start]

    def rows(self) -> list[Row]:
        """All of them."""
        return [row for piece in self.pieces(0, len(self)) for row in piece]


def _packed(rows: list[Row]) -> bytes | None:
    """The rows in fewer bytes, numbers that have names as plain ones; None where something in them is no value."""
    try:
        import json  # only a run of very many exits packs any

        return zlib.compress(json.dumps(rows, separators=(",", ":")).encode(), 1)
    except TypeError:
        return None


def _tuple(value: Any) -> Any:
    return tuple(map(_tuple, value)) if isinstance(value, list) else value


def _nameless() -> IO[bytes] | None:
    """A file that has no name, in the cache folder or else where temporary files go; None where neither can be."""
    import tempfile  # a short run puts nothing away

    with contextlib.suppress(OSError):
        folder = user_cache(os.environ)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=folder)
    with contextlib.suppress(OSError):
        return tempfile.TemporaryFile()
    return None
