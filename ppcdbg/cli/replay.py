"""Replay a session file: in the UI; with --verify headless, held to every hash and every exit that was recorded."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from ppcdbg.cli import debug
from ppcdbg.cli.guests import description
from ppcdbg.cli.progress import Progress
from ppcdbg.cli.run import Interruption
from ppcdbg.errors import InputError, UsageError
from ppcdbg.session.magic import recordings, session_file

if TYPE_CHECKING:
    from ppcdbg.machine.description import MachineDescription
    from ppcdbg.session.keeping import Keeper
    from ppcdbg.session.store import Store

DIFFERS = 5


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of ``replay``: those of the UI, which opens it unless told otherwise."""
    debug.configure(parser)
    parser.add_argument(
        "--verify", action="store_true", help="no UI: replay to the end, or as far as --max-insns, and compare"
    )


def run(options: argparse.Namespace) -> int:
    """Open the UI, or verify and return 0 or 5."""
    if options.guest is None or session_file(options.guest, os.environ) is None:
        if options.guest is not None and os.path.isfile(options.guest):
            raise InputError(f"{options.guest} is not a session file of ppcdbg, or its beginning is damaged")
        raise UsageError(
            f"replay needs a session file, and {options.guest or 'nothing'} is none; `ppcdbg record` makes one, and "
            f"these are here: {', '.join(recordings(os.environ)) or 'none'}"
        )
    return verify(options) if options.verify else debug.run(options)


def verify(options: argparse.Namespace) -> int:
    """Replay headless, compare, say on stderr what was found."""
    from ppcdbg.session.keeping import Keeper
    from ppcdbg.session.store import Store

    machine = description(options)
    assert machine.session is not None
    store = Store.open(machine.session)
    try:
        return held(store, machine, Keeper(store))
    finally:
        store.close()


def held(store: Store, machine: MachineDescription, keeper: Keeper) -> int:
    """Replay and compare, with progress on a terminal; 0, 5 where they differ, 130 where Ctrl-C came."""
    from ppcdbg.session import replay

    with Interruption() as interruption, Progress("agree") as progress:
        found = replay.verify(
            store, machine, until=machine.max_insns, progress=progress, asked=interruption.wanted, keeper=keeper
        )
    if found.divergence is not None:
        print(f"ppcdbg: {machine.session}: {found.divergence}", file=sys.stderr)
        return DIFFERS
    if not found.complete:
        print(f"ppcdbg: interrupted; {found.position:,} instructions agree", file=sys.stderr)
        return 130
    events = f"{found.interrupts:,} interrupts" if machine.hv == "none" else f"{found.exits:,} exits"
    print(
        f"ppcdbg: {machine.session} replays: {found.position:,} instructions, {found.marks} states, "
        f"{events}, {found.console:,} bytes of console are equal",
        file=sys.stderr,
    )
    return 0
