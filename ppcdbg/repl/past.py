"""The lines typed before, in the user's state folder: oldest first, entries of several lines too.

A file that cannot be read or written is no error: the prompt goes without.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from prompt_toolkit.history import FileHistory

from ppcdbg.session.files import write_whole

KEPT = 5000
"""Entries kept in the file when it is read; older ones go."""


class Past(FileHistory):
    """The toolkit's file of entries, with a bound, and quiet where there is no file to be had."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(str(path))

    def load_history_strings(self) -> Iterable[str]:
        """Newest first."""
        try:
            entries = list(super().load_history_strings())
        except OSError:
            return []
        if len(entries) > KEPT:
            entries = entries[:KEPT]
            self._rewrite(entries)
        return entries

    def store_string(self, string: str) -> None:
        """Append one entry."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            super().store_string(string)
        except OSError:
            return

    def _rewrite(self, entries: list[str]) -> None:
        text = "".join("\n" + "".join(f"+{line}\n" for line in entry.split("\n")) for entry in reversed(entries))
        try:
            write_whole(self.path, text)
        except OSError:
            return
