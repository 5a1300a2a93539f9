"""Plain text mode: the UI's panes and commands one line after the other, for screen readers and braille."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ppcdbg.cli.guests import settings
from ppcdbg.paths import user_state

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

WIDTH = 100
"""Columns of a table at least: a line that is read out may be longer than the terminal is wide."""


def add_option(parser: argparse.ArgumentParser) -> None:
    """``--plain`` of a command that opens the UI."""
    parser.add_argument("--plain", action="store_true",
                        help="no screen: panes as sentences and tables, line by line, for screen readers")  # fmt: skip


def wanted(options: argparse.Namespace) -> bool:
    """By option or setting."""
    return bool(options.plain) or settings()["plain"] is True


def run(debugger: Debugger) -> int:
    """Plain text mode on a debugger, until the user leaves; the exit status."""
    from ppcdbg.repl.output import Output
    from ppcdbg.repl.plain import run_plain
    from ppcdbg.repl.shell import Shell

    def width() -> int:
        return max(shutil.get_terminal_size().columns, WIDTH)

    shell = Shell(debugger, Output(sys.stdout, sys.stderr, None, True, width, plain=True))
    try:
        return run_plain(shell, sys.stdin, Path(user_state(os.environ)) / "repl-history")
    finally:
        shell.close()
