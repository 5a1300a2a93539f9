"""Write down a run that has been made: its input is known, so it is made again and recorded.

Whoever debugs need not have thought of recording. The run that is saved goes from the first instruction to a moment;
what came in meanwhile, a debugger's writes included, comes again.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ppcdbg.errors import InputError
from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.input import InputEvent, Moment
from ppcdbg.session.differ import Asked, Run
from ppcdbg.session.machines import open_system, write_machine
from ppcdbg.session.recorder import Recorder
from ppcdbg.session.store import Bookmark, Store


def save_run(
    path: Path,
    machine: MachineDescription,
    events: Iterable[InputEvent],
    until: Moment,
    bookmarks: Iterable[Bookmark] = (),
    asked: Asked | None = None,
) -> None:
    """A session file of a run up to a moment. Raises InputError where the file cannot be made, or the run cannot be
    made again; an interrupted one leaves no file."""
    system = open_system(machine)
    known = tuple(events)
    system.input.restore(known, len(known))
    store = Store.new(path)
    try:
        write_machine(store, machine)
        recorder = Recorder(system, store)
        arrived = Run(system).to(until, asked)
        recorder.finish()
        for mark in bookmarks:
            store.set_bookmark(mark)
    finally:
        store.close()
    if asked is not None and asked():
        path.unlink()
        raise InputError(f"interrupted; {path} was not written")
    if not arrived:
        path.unlink()
        raise InputError(f"the run cannot be made again up to position {until.position:,}; {path} was not written")
