"""``ppcdbg race FILE``, where FILE is a session that holds a schedule: replayed, told, and held to how it ended."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ppcdbg.explore.scheduled import Scheduled
    from ppcdbg.machine.description import MachineDescription


def kept_in(options: argparse.Namespace) -> Path | None:
    """The session file that is named as the guest, if it holds a schedule."""
    from ppcdbg.session.magic import session_file

    path = None if options.guest is None else session_file(options.guest, os.environ)
    if path is None:
        return None
    from ppcdbg.session.store import SCHEDULE, Store

    store = Store.open(path)
    try:
        return None if store.get(SCHEDULE) is None else path
    finally:
        store.close()


def run(options: argparse.Namespace, path: Path) -> int:
    """Replay what the file holds, print it, and return the status: 5 where it ends in another way."""
    from ppcdbg.cli import race_vcpus, world_switch
    from ppcdbg.cli.race_places import symbols_of
    from ppcdbg.errors import UsageError
    from ppcdbg.explore.scheduled import WORLD_SWITCH

    if options.replay is not None:
        raise UsageError(f"{path} holds the schedule that it replays; leave out --replay {options.replay}")
    kept, machine = _read(path, options.engine)
    options.replay = kept.line
    if kept.subject == WORLD_SWITCH:
        return world_switch.replay(options, kept)
    assert machine is not None
    options.vcpus, options.steps = kept.vcpus, kept.steps
    options.final, options.exclusive = [*kept.finals], [*kept.exclusive]
    return race_vcpus.replay(options, machine, symbols_of(options, machine), kept)


def _read(path: Path, engine: str | None) -> tuple[Scheduled, MachineDescription | None]:
    from ppcdbg.explore.scheduled import VCPUS, read
    from ppcdbg.session.machines import read_machine
    from ppcdbg.session.store import Store

    store = Store.open(path)
    try:
        kept = read(store)
        assert kept is not None
        machine = read_machine(store, scheduled=True) if kept.subject == VCPUS else None
    finally:
        store.close()
    return kept, machine if machine is None or engine is None else replace(machine, engine=engine)


def held(kept: Scheduled, found: Scheduled) -> int | None:
    """None where a replay ended as the file says; else a sentence on stderr, and the status."""
    from ppcdbg.cli.status import Status

    for name in ("condition", "reason", "state"):
        was, now = getattr(kept, name), getattr(found, name)
        if was != now:
            print(f"ppcdbg: {kept.line}: {name} is {now or 'none'}, and {was or 'none'} in the file", file=sys.stderr)
            return Status.DIVERGENCE
    return None
