"""What led to a fault of ppcdbg's own, as a session file: who gets it comes to the same place again.

It holds the machine with its images, the input and how far the guest had come, and in its notes what Python said.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.input import InputEvent, Moment
from ppcdbg.session.machines import write_machine
from ppcdbg.session.store import Store


def write_fault(
    path: Path,
    machine: MachineDescription,
    events: Sequence[InputEvent],
    exits: Sequence[object],
    reached: Moment,
    told: str,
) -> None:
    """Make the file; ``exits`` as ``ExitLog.recorded`` gives them. Raises InputError where it cannot be written."""
    store = Store.new(path)
    try:
        write_machine(store, machine)
        store.add_input(events, 0)
        store.add_exits(0, exits)
        store.set("reached", [reached.position, reached.skipped, reached.steps])
        store.replace_notes([told])
    finally:
        store.close()
