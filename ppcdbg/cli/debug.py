"""Open the terminal UI on a guest, stopped at its first instruction."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ppcdbg.cli.guests import add_options, description, settings
from ppcdbg.errors import UsageError
from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.guests import symbol_file


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of ``debug``."""
    add_options(parser)
    parser.add_argument("--theme", metavar="NAME", help="colours of the UI (default: by the terminal)")
    parser.add_argument("--ascii", action="store_true", help="draw with ASCII only (default: by the locale)")


def run(options: argparse.Namespace) -> int:
    """Build the machine first: what is wrong with a guest is said on an ordinary terminal."""
    machine = description(options)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the UI needs a terminal on stdin and stdout; without one use `ppcdbg run GUEST`")
    from ppcdbg.debugger.debugger import Debugger
    from ppcdbg.session.machines import open_system
    from ppcdbg.tui.app import run_app

    system = open_system(machine)
    debugger = Debugger(system, symbols(machine))
    chosen = settings()
    theme = options.theme or chosen.text("theme") or None
    return run_app(debugger, theme=theme, ascii_only=options.ascii or chosen["ascii"] is True or None)


def symbols(machine: MachineDescription) -> Path | None:
    """The ELF file that symbols come from."""
    return symbol_file(machine)
