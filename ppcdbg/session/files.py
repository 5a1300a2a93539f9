"""Files as names in a folder: those of sessions made and taken away without a look into them, others written whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ppcdbg.errors import InputError


def claim(path: Path) -> None:
    """An empty file of our own. Raises InputError where there is one, or none can be made."""
    try:
        path.open("xb").close()
    except FileExistsError:
        raise InputError(f"{path} exists already; name another file, or remove it") from None
    except OSError as error:
        raise InputError(f"cannot write session {path}: {error.strerror or error}") from None


def remove(path: Path) -> None:
    """Take away a session file that nothing is in, and what SQLite keeps beside one that it writes."""
    for name in (path, journal(path)):
        with suppress(OSError):
            name.unlink()


def journal(path: Path) -> Path:
    """Where SQLite keeps what it needs to take a write back."""
    return path.with_name(path.name + "-journal")


def write_whole(path: Path, text: str) -> None:
    """Write a text as ``whole`` does."""
    with whole(path) as file:
        file.write(text.encode())


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """A file that gets its name when all of it is written, whatever had that name before; else that stays. It lies
    beside its place first, as a disk may be full. What is no plain file (a pipe, /dev/stdout), or lies where no other
    can be made, is written as it stands. Raises OSError."""
    place = path.resolve()
    beside = place.with_name(f".{place.name}-{os.getpid()}")
    try:
        if place.exists() and not place.is_file():
            raise PermissionError
        file = beside.open("xb")
    except (PermissionError, FileExistsError):
        with path.open("wb") as file:
            yield file
        return
    try:
        with file:
            yield file
        if place.exists():
            beside.chmod(place.stat().st_mode & 0o7777)
        beside.replace(place)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise
