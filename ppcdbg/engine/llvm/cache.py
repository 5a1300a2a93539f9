"""Compiled objects on disk: found by what they were made from, checked when read, moved into place whole.

A file that is damaged, truncated or someone else's is made anew. Losing the cache costs a second, nothing more, so no
error of the file system is ever the user's problem. It refuses to know what an object holds.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterable
from importlib.util import source_hash
from pathlib import Path

MAGIC = b"ppcdbg object 2\n"
_DIGEST = 8
"""Bytes of ``source_hash``, by which Python itself tells whether compiled code is its source's. It guards against
accidents; the folder's mode is what keeps others out. ``hashlib`` would load OpenSSL at each start."""
KEPT = 16
"""Objects that stay; when one more comes, the oldest goes."""
UNFINISHED = ".new-"


def fingerprint(sources: Iterable[Path], *facts: str) -> str:
    """A name for what is made from these files under these circumstances (library version, host CPU)."""
    parts = [MAGIC, *(fact.encode() + b"\0" for fact in facts)]
    for path in sorted(sources):
        data = path.read_bytes()
        parts += f"{path.name} {len(data)}\n".encode(), data
    return source_hash(b"".join(parts)).hex()


def recall(folder: Path | None, name: str) -> bytes | None:
    """The object kept under a name, or None where there is none that is whole, or the folder is open to others: what
    is kept is run as machine code."""
    if folder is None or not _private(folder):
        return None
    try:
        data = (folder / name).read_bytes()
    except OSError:
        return None
    start = len(MAGIC) + _DIGEST
    payload = data[start:]
    return payload if data[:start] == MAGIC + source_hash(name.encode() + payload) and payload else None


def _private(folder: Path) -> bool:
    """Whether nobody but this user and the system's can have put anything there."""
    if not hasattr(os, "geteuid"):
        return True
    try:
        found = folder.stat()
    except OSError:
        return False
    return found.st_uid in (0, os.geteuid()) and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def keep(folder: Path | None, name: str, payload: bytes) -> None:
    """Keep an object. Written beside its place and moved there at once, so several processes may do it together."""
    if folder is None:
        return
    import tempfile  # a warm start keeps nothing

    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=UNFINISHED, dir=folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(MAGIC + source_hash(name.encode() + payload) + payload)
            Path(temporary).replace(folder / name)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise
        _tidy(folder)


def _tidy(folder: Path) -> None:
    """Remove what has been there longest. Whoever wants it again makes it again."""
    objects = [path for path in folder.iterdir() if not path.name.startswith(".") and path.is_file()]
    for path in sorted(objects, key=lambda path: path.stat().st_mtime_ns)[:-KEPT]:
        path.unlink(missing_ok=True)
    newest = max((path.stat().st_mtime for path in objects), default=0.0)
    for path in folder.glob(f"{UNFINISHED}*"):
        if path.stat().st_mtime < newest - 60:  # of one that was killed; who is only slow loses an object, no more
            path.unlink(missing_ok=True)


def recall_or_make(folder: Path | None, name: str, make: Callable[[], bytes]) -> bytes:
    """The object of that name from the folder, else from ``make``, which is then kept."""
    found = recall(folder, name)
    if found is None:
        found = make()
        keep(folder, name, found)
    return found
