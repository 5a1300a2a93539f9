"""Blocks of bytes that nobody looks at now: in a file without a name, so that memory stays bounded.

The file lies in the user's cache folder, or with the temporary files; the host takes it back when the process ends,
however it ends. Where no file can be written the blocks stay in memory. What is in a block is its owner's business.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from threading import Lock
from typing import IO

from ppcdbg.paths import user_cache


class _File:
    """Blocks are put behind each other and stay."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self._end = 0
        self._lock = Lock()

    def put(self, data: bytes) -> int:
        """Where it lies from now on. Raises OSError where the disk is full."""
        with self._lock:
            self.file.seek(self._end)
            try:
                self.file.write(data)
                self.file.flush()
            except OSError:
                with contextlib.suppress(OSError):
                    self.file.truncate(self._end)
                raise
            at, self._end = self._end, self._end + len(data)
        return at

    def get(self, at: int, length: int) -> bytes:
        if hasattr(os, "pread"):  # a place in the file is shared with processes that were forked off
            return os.pread(self.file.fileno(), length, at)
        with self._lock:
            self.file.seek(at)
            return self.file.read(length)


@dataclass(frozen=True, slots=True)
class Stored:
    """One block: in a file at a place, or, without a file, ``data``."""

    file: _File | None
    at: int
    size: int
    data: bytes = b""

    def get(self, first: int = 0, end: int | None = None) -> bytes:
        """The block, or a part of it."""
        end = self.size if end is None else end
        return self.data[first:end] if self.file is None else self.file.get(self.at + first, end - first)


class Shelf:
    """Where blocks are put. A process that was forked off puts its own into a file of its own."""

    def __init__(self) -> None:
        self.file: _File | None = None
        self._asked = 0
        """The process that last asked for a file."""

    def put(self, data: bytes) -> Stored:
        """Take a block."""
        if self._asked != os.getpid():
            self._asked, file = os.getpid(), nameless()
            self.file = None if file is None else _File(file)
        if self.file is not None:
            with contextlib.suppress(OSError):  # a full disk: in memory
                return Stored(self.file, self.file.put(data), len(data))
        return Stored(None, 0, len(data), data)


class Aside:
    """Blocks by number, from 0 on."""

    def __init__(self, shelf: Shelf | None = None) -> None:
        self.shelf = Shelf() if shelf is None else shelf
        self._blocks: list[Stored] = []

    def __len__(self) -> int:
        return len(self._blocks)

    def add(self, data: bytes) -> None:
        """Take one more."""
        self._blocks.append(self.shelf.put(data))

    def get(self, number: int) -> bytes:
        return self._blocks[number].get()

    def cut(self, count: int) -> None:
        """Forget all but the first ``count``."""
        del self._blocks[count:]

    def copy(self) -> Aside:
        """Another one with the same blocks, which goes on for itself."""
        made = Aside(self.shelf)
        made._blocks = list(self._blocks)
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
