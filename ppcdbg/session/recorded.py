"""What an opened session file knows beforehand: how far it goes, where its checkpoints are, what was logged on the way.

A timeline takes it over (:mod:`ppcdbg.session.timeline`). Nothing is read but places until somebody goes where a
checkpoint of the file is nearer than anything in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.system import System
from ppcdbg.session import checkpoints
from ppcdbg.session.checkpoints import Kept
from ppcdbg.session.format import damaged
from ppcdbg.session.pages import Pages
from ppcdbg.session.snapshots import Snapshot, put, state_hash
from ppcdbg.session.store import Store

Key = tuple[int, int]


class Recorded:
    """The past and the future of a session that is replayed. ``ended``: the guest itself ends where the file does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        store = Store.open(path)
        try:
            self.reached = store.reached()
            self.ended = store.get("end") is not None
            self.places: list[Key] = checkpoints.places(store)
            self.start: Key = self.places[0] if self.places and store.get("begin", False) else (0, 0)
            self.input = [event.content for event in store.input()]
        finally:
            store.close()

    def foretell(self, system: System) -> None:
        """Let a system know what will be logged, so that it can be looked at before it happens. Raises InputError."""
        store = Store.open(self.path)
        try:
            foretell(store, system)
        finally:
            store.close()

    @property
    def end(self) -> Key:
        return self.reached.position, self.reached.steps

    def load(self, system: System) -> Iterator[Kept]:
        """The checkpoints, with the logs that returning to them needs foretold. Raises InputError where one is none."""
        store = Store.open(self.path)
        try:
            foretell(store, system)
            yield from checkpoints.read(store)
        finally:
            store.close()


def foretell(store: Store, system: System) -> None:
    """Let a system know what a recording says will be printed and logged."""
    for kind, console in (("console0", system.board.console), ("console1", system.board.console1)):
        try:
            console.foretell(store.log(kind))
        except (ValueError, OverflowError) as error:
            raise damaged(store.path, f"the log {kind}: {error}") from None
    if isinstance(system, KvmSystem):
        system.kvm.exits.foretell([*store.log("exit")])


def begin(store: Store, system: System) -> None:
    """Bring a new system to where its recording begins, if that is not the first instruction. Raises InputError."""
    if not store.get("begin", False):
        return
    kept = next(checkpoints.read(store), None)
    if kept is None:
        raise damaged(store.path, "the state that it begins with is not in it")
    foretell(store, system)
    pages = Pages(system)
    try:
        put(system, pages, Snapshot(kept.moment.position, kept.moment.steps, kept.state, {**pages.all(), **kept.pages}))
    except checkpoints.BROKEN as error:
        raise damaged(store.path, f"the state that it begins with cannot be made: {error}") from None
    if state_hash(system, pages) != kept.hash():
        raise damaged(store.path, "the state that it begins with is not the one that was recorded")
