"""Open the terminal UI on a guest, stopped at its first instruction."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ppcdbg.cli import plain
from ppcdbg.cli.faults import reported
from ppcdbg.cli.guests import add_options, description, settings
from ppcdbg.config import Settings
from ppcdbg.errors import UsageError
from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.guests import symbol_file


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of ``debug``."""
    add_options(parser)
    parser.add_argument("--theme", metavar="NAME", help="colours of the UI (default: by the terminal)")
    parser.add_argument("--ascii", action="store_true", help="draw with ASCII only (default: by the locale)")
    plain.add_option(parser)
    parser.add_argument("--snapshot", metavar="FILE", type=Path,
                        help="write the screen into FILE (.svg: a picture, else text); needs no terminal")  # fmt: skip
    parser.add_argument("--size", metavar="WxH", type=size, default=(120, 36), help="of the snapshot (default: 120x36)")
    parser.add_argument("-c", dest="commands", action="append", default=[], metavar="CMD",
                        help="carry out a command first, such as 'continue'; may be repeated")  # fmt: skip
    parser.add_argument("--keys", metavar="KEY...", default="", help="keys to press before the snapshot, as in "
                        "keymap.toml: '4 v down'")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Build the machine first: what is wrong with settings or a guest is said on an ordinary terminal."""
    chosen = settings()
    machine = description(options, looking=True)
    if options.snapshot is not None:
        return snapshot(machine, options, chosen)
    in_lines = plain.wanted(options)
    if not in_lines and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the UI needs a terminal on stdin and stdout; without one use `ppcdbg run GUEST`")
    from ppcdbg.debugger.debugger import Debugger
    from ppcdbg.session.systems import open_system

    system = open_system(machine)
    debugger = Debugger(system, symbols(machine), name_of(machine))
    with reported(system, lambda: debugger.past.had):
        for command in options.commands:
            debugger.execute(command)
        if in_lines:
            return plain.run(debugger)
        from ppcdbg.tui.opening import run_app

        plain_signs = options.ascii or chosen["ascii"] is True or None
        return run_app(debugger, theme=options.theme, ascii_only=plain_signs, usual=chosen.text("theme"))


def snapshot(machine: MachineDescription, options: argparse.Namespace, chosen: Settings) -> int:
    """The screen into a file, after the commands and keys that were given."""
    from ppcdbg.debugger.debugger import Debugger
    from ppcdbg.session.systems import open_system
    from ppcdbg.tui.opening import picture

    debugger = Debugger(open_system(machine), symbols(machine), name_of(machine))
    for command in options.commands:
        debugger.execute(command)
    picture(debugger, options.snapshot, options.size, options.keys.split(), theme=options.theme,
            ascii_only=options.ascii, usual=chosen.text("theme"))  # fmt: skip
    return 0


def size(text: str) -> tuple[int, int]:
    """``120x36`` as columns and rows."""
    columns, _, rows = text.partition("x")
    if not (columns.isdecimal() and rows.isdecimal() and 20 <= int(columns) <= 1000 and 6 <= int(rows) <= 400):
        raise argparse.ArgumentTypeError(f"{text!r} is no size; columns and rows are, such as 120x36")
    return int(columns), int(rows)


def name_of(machine: MachineDescription) -> str:
    """What the title calls the guest: a session by its file, else the image's own name."""
    return machine.session.stem if machine.session is not None else ""


def symbols(machine: MachineDescription) -> Path | None:
    """The ELF file that symbols come from."""
    return symbol_file(machine)
