"""Which session file a name means, and how to know one by its first bytes: cheap to import, for every command asks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ppcdbg.machine.guests import bundled
from ppcdbg.paths import Kind, find, listing, named

SUFFIX = ".ppcdbg"

APPLICATION_ID = 0x50504442  # "PPDB"
MAGIC = b"SQLite format 3\0"
HEAD = 100


def session_file(name: str | Path, environment: Mapping[str, str]) -> Path | None:
    """The session file that a name means: a path, or else the bare name of a recording in a folder of them: the
    user's own, one that PPCDBG_SESSIONS names, the one that ships.

    None where it means neither, which is no error yet: it may be a guest. A bundled guest's name is always the guest's.
    """
    path = named(name)
    if path.exists():
        return path if is_session(path) else None
    if str(name) in bundled(environment):
        return None
    found = find(Kind.SESSIONS, str(name).removesuffix(SUFFIX) + SUFFIX, environment)
    return found if found is not None and is_session(found) else None


def recordings(environment: Mapping[str, str]) -> list[str]:
    """The bare names of those recordings."""
    return [name.removesuffix(SUFFIX) for name in listing(Kind.SESSIONS, environment, f"*{SUFFIX}")]


def is_session(path: Path) -> bool:
    """Whether a file begins as a session file does: SQLite's first bytes and our application id."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError:
        return False
    return has_magic(head)


def has_magic(head: bytes) -> bool:
    """Whether a file of ours can begin so."""
    return head[:16] == MAGIC and int.from_bytes(head[68:72], "big") == APPLICATION_ID
