"""Floor 1: folders that go when their process does, however that ends. The only room that makes such a folder.

Each is locked by who made it and by all its forks. What a killed process left is nobody's any more, and is removed by
whoever makes the next.
"""

from __future__ import annotations

import os
import shutil
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "ppcdbg-"
LOCK = ".held"


class Scratch:
    """A folder in the system's place for temporary files, gone when this object is. Raises OSError."""

    path: Path

    def __init__(self, purpose: str) -> None:
        import tempfile  # a guest that comes from no session needs none

        _sweep(Path(tempfile.gettempdir()))
        self.path = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{purpose}-"))
        self.close = weakref.finalize(self, _remove, self.path, _held(self.path), os.getpid())


@contextmanager
def scratch(purpose: str) -> Iterator[Path]:
    """Such a folder for the length of a ``with``."""
    made = Scratch(purpose)
    try:
        yield made.path
    finally:
        made.close()


def _held(folder: Path) -> int | None:
    """The lock of a folder that is being made: under its name it is never seen unlocked."""
    if sys.platform == "win32":
        return None
    new = folder / f"{LOCK}.new"
    descriptor = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    _lock(descriptor)
    new.rename(folder / LOCK)
    return descriptor


def _lock(descriptor: int) -> None:
    """Held until the last process that has the descriptor ends. Raises OSError where somebody holds it."""
    import fcntl

    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _remove(path: Path, lock: int | None, owner: int) -> None:
    if os.getpid() == owner:  # a fork's end is not its parent's
        shutil.rmtree(path, ignore_errors=True)
    if lock is not None:
        with suppress(OSError):
            os.close(lock)


def _sweep(where: Path) -> None:
    """Remove those of this user's that nobody holds. One that is just being made has no lock yet, and stays."""
    if sys.platform == "win32":
        return
    with suppress(OSError), os.scandir(where) as entries:
        for entry in entries:
            if entry.name.startswith(PREFIX) and entry.stat(follow_symlinks=False).st_uid == os.geteuid():
                with suppress(OSError):
                    _take(Path(entry.path))


def _take(folder: Path) -> None:
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW)
    try:
        _lock(descriptor)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)
