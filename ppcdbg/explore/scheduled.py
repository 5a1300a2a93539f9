"""A schedule as a session file, where no input queue can hold it: an order of several cores, or a run of the world
switch. The file says what was run, its line, what it broke, and a hash of the state in which it ended; a replay is held
to both. The machine and its images are in it where there is a guest. ``ppcdbg race FILE`` replays it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from pathlib import Path

from ppcdbg.cpu.state import State
from ppcdbg.machine.description import MachineDescription
from ppcdbg.session.format import damaged
from ppcdbg.session.machines import write_machine
from ppcdbg.session.store import SCHEDULE, Store

WORLD_SWITCH, VCPUS = "world switch", "vcpus"


@dataclass(frozen=True)
class Scheduled:
    """``subject``: what was run; ``line`` replays it; ``condition`` and ``reason``: what it broke, empty for nothing;
    ``state``: a hash of the end. ``vcpus`` and ``steps`` as ``race`` takes them, and ``rules``: words that must hold
    something in the end and exclusive sections, as its options --final and --exclusive name them."""

    subject: str
    line: str
    condition: str
    reason: str
    state: str
    vcpus: int = 1
    steps: int = 0
    finals: tuple[str, ...] = ()
    exclusive: tuple[str, ...] = ()


def state_hash(core: Iterable[State], ram: memoryview) -> str:
    """The hash of registers, counters and TLBs of cores, and of RAM; whatever no instruction can see left out."""
    made = sha256()
    for state in core:
        made.update(state.visible())
    made.update(ram)
    return made.hexdigest()


def write(path: Path, kept: Scheduled, machine: MachineDescription | None = None) -> None:
    """A new file. Raises InputError, also where there is one."""
    store = Store.new(path)
    done = False
    try:
        if machine is not None:
            write_machine(store, machine)
        store.set(SCHEDULE, asdict(kept))
        store.set("reached", [0, 0, 0])
        done = True
    finally:
        store.close(keep=done)
        if not done:
            store.remove()


def read(store: Store) -> Scheduled | None:
    """The schedule of a session; None where it has none. Raises InputError for a damaged one."""
    held = store.get(SCHEDULE)
    if held is None:
        return None
    if not isinstance(held, dict) or held.keys() != {field.name for field in fields(Scheduled)}:
        raise damaged(store.path, "what it says of its schedule is no schedule")
    for field in fields(Scheduled):
        value = held[field.name]
        if field.name in ("finals", "exclusive"):
            good = isinstance(value, list) and all(isinstance(one, str) for one in value)
        else:
            good = type(value) is (int if field.name in ("vcpus", "steps") else str)
        if not good:
            raise damaged(store.path, f"the {field.name} of its schedule is {json.dumps(value)[:80]}")
    if held["subject"] not in (WORLD_SWITCH, VCPUS):
        raise damaged(store.path, f"its schedule is one of {held['subject'][:80]!r}, which nobody knows")
    return Scheduled(**{**held, "finals": (*held["finals"],), "exclusive": (*held["exclusive"],)})
