"""Session files as names in a folder: made, and taken away, without a look into them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

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
