"""Blocks of bytes that nobody looks at now: in a file without a name, so that memory stays bounded.

The file lies in the user's cache folder, or with the temporary files; the host takes it back when the process ends,
however it ends. Where no file can be written the blocks stay in memory. What is in a block is its owner's business.
"""

from __future__ import annotations

import contextlib
import os
from threading import Lock
from typing import IO

from ppcdbg.paths import user_cache


class Shelf:
    """The file: blocks are put behind each other and stay. A process that was forked off must put none in."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.owner = os.getpid()
        self._end = 0
        self._lock = Lock()

    def put(self, data: bytes) -> tuple[Shelf, int, int]:
        """Where it lies from now on. Raises OSError where the disk is full."""
        with self._lock:
            self.file.seek(self._end)
            self.file.write(data)
            self.file.flush()
            at, self._end = self._end, self._end + len(data)
        return self, at, len(data)

    def get(self, at: int, length: int) -> bytes:
        if hasattr(os, "pread"):  # a place in the file is shared with processes that were forked off
            return os.pread(self.file.fileno(), length, at)
        with self._lock:
            self.file.seek(at)
            return self.file.read(length)


class Aside:
    """Blocks by number, from 0 on."""

    def __init__(self) -> None:
        self._places: list[bytes | tuple[Shelf, int, int]] = []
        """Each block, or where it lies."""
        self._shelf: Shelf | None = None
        self._asked = 0
        """The process that last asked for a file."""

    def __len__(self) -> int:
        return len(self._places)

    def add(self, data: bytes) -> None:
        """Take one more."""
        if self._asked != os.getpid():
            self._asked, file = os.getpid(), nameless()
            self._shelf = None if file is None else Shelf(file)
        if self._shelf is not None:
            try:
                self._places.append(self._shelf.put(data))
                return
            except OSError:  # a full disk: from here on in memory
                self._shelf = None
        self._places.append(data)

    def get(self, number: int) -> bytes:
        place = self._places[number]
        return place if isinstance(place, bytes) else place[0].get(*place[1:])

    def cut(self, count: int) -> None:
        """Forget all but the first ``count``."""
        del self._places[count:]

    def copy(self) -> Aside:
        """Another one with the same blocks, which goes on for itself."""
        made = Aside()
        made._places = list(self._places)
        made._shelf, made._asked = self._shelf, self._asked
        return made


def nameless() -> IO[bytes] | None:
    """A file that has no name, in the cache folder or else where temporary files go; None where neither can be."""
    import tempfile  # a short run puts nothing away

    with contextlib.suppress(OSError):
        folder = user_cache(os.environ)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=folder)
    with contextlib.suppress(OSError):
        return tempfile.TemporaryFile()
    return None
