"""How to know a session file by its first bytes, without opening it: cheap to import, for every command asks."""

from __future__ import annotations

from pathlib import Path

APPLICATION_ID = 0x50504442  # "PPDB"
MAGIC = b"SQLite format 3\0"
HEAD = 100


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
