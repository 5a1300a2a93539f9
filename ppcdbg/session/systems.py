"""The system of a machine, of a session's too: built, and put where the recording began.

It stands apart from :mod:`ppcdbg.session.machines` because the process that writes a recording has no machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ppcdbg.kvm.build import build_system
from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.system import System
from ppcdbg.session.pages import Pages
from ppcdbg.session.store import IMPORTED, Store


def open_system(machine: MachineDescription) -> System:
    """The system of a description; a session's has the recorded input queued, and stands where recording began."""
    system = build_system(machine)
    if machine.session is not None:
        from ppcdbg.session.recorded import begin  # loads all of KVM's model, which who records a bare machine lacks

        store = Store.open(machine.session)
        try:
            if store.get(IMPORTED) is not None:
                from ppcdbg.session.viewing import show

                show(system, store)
                return system
            begin(store, system)
            queue_input(system, store)
        finally:
            store.close()
    return system


def built_pages(machine: MachineDescription) -> Mapping[int, bytes]:
    """RAM of a machine before its first instruction."""
    return Pages(build_system(replace(machine, session=None))).all()


def queue_input(system: System, store: Store) -> None:
    """Let the recorded events come again, each at its moment."""
    events = store.input()
    system.input.restore(events, len(events))
