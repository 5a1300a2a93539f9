"""The lines that were typed before, kept in a file between sessions. A file that cannot be written is no error."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from ppcdbg.session.files import write_whole

KEPT = 1000
"""Lines kept in the file."""


class History:
    """Lines oldest first; ``path`` None keeps nothing."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.lines: list[str] = []
        self.at = 0
        self.draft = ""
        if path is not None:
            with suppress(OSError, UnicodeDecodeError):
                self.lines = path.read_text(encoding="utf-8").splitlines()[-KEPT:]
        self.at = len(self.lines)

    def add(self, line: str) -> None:
        """Remember a line; the same line twice in a row is one."""
        if line.strip() and (not self.lines or self.lines[-1] != line):
            self.lines.append(line)
            if self.path is not None:
                with suppress(OSError):
                    self.path.parent.mkdir(parents=True, exist_ok=True)
                    write_whole(self.path, "\n".join(self.lines[-KEPT:]) + "\n")
        self.at = len(self.lines)
        self.draft = ""

    def move(self, step: int, current: str) -> str:
        """The line before (-1) or after (1) the one shown; past the newest is what was being typed."""
        if self.at == len(self.lines):
            self.draft = current
        self.at = max(0, min(self.at + step, len(self.lines)))
        return self.draft if self.at == len(self.lines) else self.lines[self.at]
