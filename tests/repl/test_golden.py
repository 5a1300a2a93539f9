"""A session at the prompt as text, typed lines and answers; PPCDBG_GOLDEN=write writes the file anew."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from ppcdbg.repl import plain
from ppcdbg.repl.output import Output
from ppcdbg.repl.shell import Shell
from tests.repl.rig import demo

FOLDER = Path(__file__).with_name("golden")


class Echoing:
    """Typed lines, each echoed where the terminal would echo it."""

    def __init__(self, lines: list[str], screen: io.StringIO) -> None:
        self.lines, self.screen = iter(lines), screen

    def readline(self) -> str:
        line = next(self.lines, "")
        self.screen.write(line)
        return line


@pytest.mark.parametrize("name", ["session"])
def test_a_session_reads_as_it_did(name: str) -> None:
    screen = io.StringIO()
    typed = (FOLDER / f"{name}.in").read_text(encoding="utf-8").splitlines(keepends=True)
    shell = Shell(demo(), Output(screen, screen, width=lambda: 80))
    assert plain.run(shell, Echoing(typed, screen)) == 3  # type: ignore[arg-type]
    text, path = screen.getvalue(), FOLDER / f"{name}.txt"
    if os.environ.get("PPCDBG_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"the session differs from {path}"
