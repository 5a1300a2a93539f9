"""What users have to say about a run as a whole: lines of text. A session file that is replayed keeps its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ppcdbg.debugger.sessionfile import SessionFile
from ppcdbg.errors import UsageError

LONGEST = 10_000
"""Characters of one note."""


@dataclass(frozen=True)
class NoteList:
    """The notes, in the order in which they were made; they are numbered from 1 on."""

    rows: tuple[str, ...]


class Notes:
    """The notes of one debugger. Each change says in words what became of it: "" where there is no file."""

    def __init__(self, file: SessionFile) -> None:
        self._file = file
        self.rows: tuple[str, ...] = tuple(file.read(lambda store: store.notes()))
        self.changed: list[Callable[[], None]] = []
        """Called after each change: whoever writes the run down elsewhere."""

    def add(self, text: str) -> str:
        """Raises UsageError for one that is too long."""
        if len(text) > LONGEST:
            raise UsageError(f"a note has {LONGEST:,} characters at most, and this one has {len(text):,}")
        return self._become((*self.rows, text))

    def delete(self, number: int) -> str:
        """Raises UsageError for a number that there is not."""
        if not 1 <= number <= len(self.rows):
            raise UsageError(f"there is no note {number}; there are {len(self.rows)}")
        return self._become(self.rows[: number - 1] + self.rows[number:])

    def _become(self, rows: tuple[str, ...]) -> str:
        self.rows = rows
        for tell in self.changed:
            tell()
        failed = self._file.write(lambda store: store.replace_notes(rows))
        return failed or ("" if self._file.path is None else f"; {self._file.path} has it so")
