"""A real terminal for a test: a tmux server of its own, keys in, the screen's text out.

tmux must be there: a test that needs a terminal fails without it and names it; it never skips.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


class Terminal:
    """One tmux session running a shell; use as a context manager."""

    def __init__(self, folder: Path, width: int, height: int, environment: Mapping[str, str] | None = None) -> None:
        self.tmux = shutil.which("tmux") or ""
        assert self.tmux, "this test drives a terminal through tmux, which is not installed: apt-get install tmux"
        self.base = [self.tmux, "-S", str(folder / "tmux.socket"), "-f", os.devnull]
        self.size = (width, height)
        # A worker of a parallel test run sets COLUMNS and LINES, which would overrule the terminal's own size.
        dropped = ("TMUX", "TMUX_PANE", "NO_COLOR", "COLORTERM", "COLUMNS", "LINES")
        kept = {k: v for k, v in os.environ.items() if k not in dropped}
        self.environment = kept | {"LC_ALL": "C.UTF-8", "TERM": "xterm-256color"} | dict(environment or {})

    def __enter__(self) -> Terminal:
        width, height = self.size
        shell = "PS1='READY$ ' exec sh"
        self._run("new-session", "-d", "-x", str(width), "-y", str(height), "-e", "TERM=tmux-256color", shell)
        self.until(lambda: "READY$" in self.text())
        return self

    def __exit__(self, *error: object) -> None:
        subprocess.run([*self.base, "kill-server"], env=self.environment, capture_output=True, timeout=20)

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self.base, *arguments], env=self.environment, capture_output=True, text=True, timeout=20, check=True
        )
        return done.stdout

    def type(self, text: str) -> None:
        """Characters as they stand, then Enter."""
        self._run("send-keys", "-l", text)
        self._run("send-keys", "Enter")

    def keys(self, *names: str) -> None:
        """Keys by tmux's names: F5, Escape, C-q, Up, or single characters."""
        for name in names:
            self._run("send-keys", *(("-l", name) if len(name) == 1 else (name,)))
            time.sleep(0.03)

    def text(self) -> str:
        """What the screen shows."""
        return self._run("capture-pane", "-p")

    def rows(self) -> list[str]:
        return self.text().split("\n")

    def colours(self) -> str:
        """What the screen shows, with escape sequences."""
        return self._run("capture-pane", "-p", "-e")

    def state(self) -> dict[str, str]:
        """What the terminal is left in: alternate screen, cursor, mouse reports (tmux tells nothing of pasting)."""
        names = ("alternate_on", "cursor_flag", "mouse_any_flag", "keypad_cursor_flag", "insert_flag", "wrap_flag")
        return dict(zip(names, self._run("display-message", "-p", " ".join(f"#{{{n}}}" for n in names)).split()))

    def until(self, condition: Callable[[], object], seconds: float = 30.0) -> None:
        """Wait; fails with what the screen shows."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"waited {seconds} s in vain; the screen:\n{self.text()}"
            time.sleep(0.05)

    def shows(self, *texts: str, seconds: float = 30.0) -> None:
        """Wait until the screen has every text."""
        self.until(lambda: all(text in self.text() for text in texts), seconds)


def command(arguments: Sequence[str]) -> str:
    """Arguments as a shell line."""
    return " ".join("'" + part.replace("'", "'\\''") + "'" for part in arguments)
