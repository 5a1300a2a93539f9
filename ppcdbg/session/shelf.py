"""Checkpoints that a debugger leaves in the file it replays: states of its own run that are those of the recording.

A visitor of the run loop. A checkpoint is taken only where the recording has a hash of the state, and only if the state
has that hash, so nothing need be taken out again. Each goes in by itself, all of it or nothing, behind those that are
there, and only while the file is as it was found: who still records it, or puts checkpoints in as well, is left alone.
A file that cannot be written stays as it is, without a word.
"""

from __future__ import annotations

import time
import weakref
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ppcdbg.cpu.plain import Saved
from ppcdbg.errors import InputError
from ppcdbg.machine.input import Moment
from ppcdbg.machine.system import System
from ppcdbg.paths import ships
from ppcdbg.session.checkpoints import DIGEST, Kept, Writer, places, read
from ppcdbg.session.pace import LONGEST, PART, next_look
from ppcdbg.session.pages import Pages
from ppcdbg.session.snapshots import StateHash, hash_of
from ppcdbg.session.store import Mark, Store

EAGER = 1.5
"""Seconds of running before the first checkpoint, and between two at least: what going to a place may cost."""
FIRST_LOOK = 200_000
NEVER = 1 << 62


class Shelf:
    """Puts checkpoints into a session file while a system replays it, which stands at the beginning of the recording.

    ``taken`` tells how much input has come. ``clock``: seconds that running took, whatever else the host does.
    """

    def __init__(
        self, path: Path, system: System, taken: Callable[[], int], clock: Callable[[], float] = time.thread_time
    ) -> None:
        self._system, self._taken, self._clock = system, taken, clock
        self._marks: Sequence[Mark] = ()
        self._writer: Appending | None = None
        self.resting = False
        """While the run is not that of the file."""
        self._ran, self._next = 0.0, EAGER
        self._at, self._seen, self._due = system.position, clock(), 0
        if not ships(path):
            with suppress(InputError):
                self._begin(Store.open(path))

    def _begin(self, store: Store) -> None:
        system = self._system
        try:
            self._marks = [mark for mark in store.marks() if mark.moment.position > system.position]
            self._pages = Pages(system)
            self._writer = Appending(store, self._pages.all())
        finally:
            if self._writer is None:
                store.close()
        system.visitors.append(self)
        system.visit_at = 0
        self._leave = weakref.finalize(self, self._writer.leave)  # also at the end of the process

    def close(self) -> None:
        """Put in no more."""
        if self._writer is not None:
            self._writer = None
            self._leave()

    def moved(self) -> None:
        """The guest is about to be put elsewhere in time."""
        self._due = 0

    # --- visits -----------------------------------------------------------------------------------
    def due(self) -> int:
        """See ``Visitor.due``."""
        return NEVER if self._writer is None else self._due

    def wants(self) -> bool:
        """See ``Visitor.wants``."""
        return False

    def pause(self) -> None:
        """See ``Visitor.pause``."""

    def visit(self) -> None:
        """See ``Visitor.visit``."""
        writer, system = self._writer, self._system
        if writer is None or self.resting or system.ended is not None:
            return
        now, position = self._clock(), system.position
        done, took = max(position - self._at, 1), max(now - self._seen, 1e-6)
        self._due = next_look(position, done, took, EAGER / 4, FIRST_LOOK)
        if position > self._at:
            self._ran += min(took, LONGEST)
        if (position, system.steps) <= writer.last:
            self._next = self._ran + EAGER
        elif self._ran >= self._next:
            self._due = self._take(writer)
        self._at, self._seen = position, self._clock()

    def _take(self, writer: Appending) -> int:
        """A checkpoint, if the recording has a state here and it is this one; where the next visit is due."""
        here, held = self._system.moment(), getattr(self._system, "held", None)
        place = bisect_left(self._marks, here.position, key=lambda mark: mark.moment.position)
        after = place
        while after < len(self._marks) and (mark := self._marks[after]).moment.position == here.position:
            after += 1
            if mark.moment == here and held is None and self._put(writer, mark):
                self._next = self._ran + max(EAGER, self._ran / PART)
                break
        return self._marks[after].moment.position if after < len(self._marks) else NEVER

    def _put(self, writer: Appending, mark: Mark) -> bool:
        self._pages.changed()
        state = self._system.save()
        if hash_of(state, self._pages.total()) != mark.hash:
            return False
        try:
            writer.append(mark, self._taken(), state, self._pages.all())
        except InputError:
            self.close()
        return True


class Appending(Writer):
    """Puts checkpoints behind those that a file has. ``pages``: RAM as it is where the recording begins."""

    def __init__(self, store: Store, pages: Mapping[int, bytes]) -> None:
        super().__init__(store, pages)
        self.store = store
        known = places(store)
        self.last = known[-1] if known else (-1, -1)
        """Position and exits of the last checkpoint."""
        self._count = len(known)
        self._found = self._look()
        self._resumed = False

    def _look(self) -> list[object]:
        """What changes in a file that somebody else writes."""
        ask = self.store.rows
        last = ask(f"SELECT substr(state, 1, {DIGEST}) FROM checkpoint ORDER BY number DESC LIMIT 1")
        return [*ask("SELECT count(*) FROM checkpoint"), *last, *ask("SELECT count(*) FROM input"),
                self.store.get("reached"), self.store.get("end")]  # fmt: skip

    def leave(self) -> None:
        """Put in no more, but for what is being put in, and let go of the file."""
        self.close()
        if self.store.inside():  # where memory was collected: it cannot wait for itself
            return
        with suppress(InputError):  # that it cannot be written was no reason to say anything
            self.store.close()

    def append(self, mark: Mark, taken: int, state: Saved, pages: Mapping[int, bytes]) -> None:
        """Have a state written down that has the hash of a mark. Raises InputError where an earlier one could not."""
        ram = dict(pages)
        self.last = mark.moment.position, mark.moment.steps
        self.store.later(lambda _: self._append(mark.moment, mark.hash, taken, state, ram))

    def _append(self, moment: Moment, stated: StateHash, taken: int, state: Saved, ram: Mapping[int, bytes]) -> None:
        """On the thread behind."""
        if self.full:
            return
        if not self._resumed:
            self._resume()
        self._write(Kept(moment, taken, state, self._differing(ram), lambda: stated))

    def _resume(self) -> None:
        """Go on where the last checkpoint of the file ends. Raises InputError where one of them is damaged."""
        self._resumed = True
        ram, begins = dict(self._before), self.store.get("begin", False)
        for number, kept in enumerate(read(self.store)):
            self._number, self._taken = number + 1, kept.taken
            self._room -= len(kept.pages)
            if number or not begins:  # the first is told apart from the machine as built, and is where RAM is known
                ram.update(kept.pages)
        self._before = ram
        if self._number != self._count:
            self.full = True
        rows = self.store.rows("SELECT substr(state, 1, ?), length(state) + length(addresses) + length(pages) FROM"
                               " checkpoint ORDER BY number", (DIGEST,))  # fmt: skip
        self._bytes -= sum(int(size) for _, size in rows)
        if rows:
            self._digest = bytes(rows[-1][0])

    def _keep(self, row: Sequence[object]) -> None:
        def act() -> None:
            if self._look() == self._found:
                super(Appending, self)._keep(row)
                self._found = self._look()
            else:
                self.full = True

        self.store.alone(act)
