"""Recording that begins at any moment, and follows a guest that is moved about in time.

The file holds the run from where its history begins: the timeline has the input, the exits and the console are kept, so
nothing is run again. Where that is not the first instruction, the file begins with a checkpoint. While the guest is in
the past nothing is written, for it is in the file; who changes the past takes back what the file has of the future.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from ppcdbg.cpu.observe import Observer
from ppcdbg.cpu.plain import Saved
from ppcdbg.cpu.state import RETIRED, SKIPPED
from ppcdbg.errors import InputError
from ppcdbg.machine.input import InputEvent, Moment
from ppcdbg.machine.system import System
from ppcdbg.session.checkpoints import Writer
from ppcdbg.session.interrupts import Interrupts
from ppcdbg.session.machines import write_machine
from ppcdbg.session.pages import ram_totals
from ppcdbg.session.places import Key
from ppcdbg.session.recorder import FIRST_LOOK, NEVER, Recorder
from ppcdbg.session.snapshots import hash_of, registers_of
from ppcdbg.session.store import Bookmark, Future, Mark, Store, Work
from ppcdbg.session.systems import built_pages
from ppcdbg.session.timeline import Timeline
from ppcdbg.session.writes import Threaded

Row = tuple[int, int, int, int, int]


def moment_of(state: Saved, steps: int) -> Moment:
    """The moment of a saved state that has so many exits before it."""
    core = registers_of(state)
    return Moment(int(core.counters[RETIRED]), int(core.counters[SKIPPED]), steps, core.pc)


class Following(Recorder):
    """Records one system, with all that its timeline knows. ``interrupts``: those that a bare machine has taken."""

    def __init__(self, system: System, store: Store, timeline: Timeline, interrupts: Sequence[Row] = ()) -> None:
        self._timeline = timeline
        self._earlier = timeline.points()[0].taken
        """Input that had come before the timeline begins: it is in the state that the file begins with."""
        self._flushed: Key = (-1, -1)
        self._marked: Key = (-1, -1)
        self._begins = True
        machine = system.description
        assert machine is not None
        write_machine(store, machine)
        state, pages = timeline.first()
        begin = timeline.start != (0, 0)
        store.set("begin", begin)
        self.store, writes = store, Threaded(store)
        self._scribe = writes.scribe
        self._shelf = self._scribe.shelf = Writer(store, built_pages(machine) if begin else pages)
        if begin:
            total = ram_totals([pages])
            self._shelf.add(moment_of(state, timeline.start[1]), 0, state, pages, lambda: next(total))
        super().__init__(system, writes)
        if self._interrupts is not None:
            before = self._interrupts.before
            self._interrupts = system.core.observer = Once(before, interrupts)
        timeline.leaving.append(self._leaving)
        timeline.parted.append(self._parted)
        self.flush()

    def _key(self) -> Key:
        return self.system.position, self.system.steps

    @property
    def behind(self) -> bool:
        """Whether the guest is where the file was before."""
        return self._key() < self._flushed

    # --- what a recorder does ---------------------------------------------------------------------
    def _taken(self, event: InputEvent) -> None:
        self._before(event)  # the timeline keeps it
        if self._marked == self._key():  # a replay has taken it when it is compared
            position, steps = self._marked
            self._marked = (position, steps - 1)
            self._later(lambda store: store.unmark(position, steps))

    def visit(self) -> None:
        """See ``Visitor.visit``."""
        if self.behind:
            self._due, self._hurried = self.system.position + FIRST_LOOK, NEVER
        else:
            super().visit()

    def wants(self) -> bool:
        """See ``Visitor.wants``."""
        return not self.behind and super().wants()

    def _mark(self) -> None:
        """See ``Recorder._mark``: once for each moment, and not where an exit is held, which no replay comes to."""
        if self._begins:
            self._begins = False
            self._mark_past()
        elif self._key() > self._marked and getattr(self.system, "held", None) is None:
            super()._mark()
            self._marked = self._key()

    def _mark_past(self) -> None:
        """Marks of the timeline's checkpoints, but where input came: a replay has taken it when it is compared."""
        taken = [(event.position, event.steps) for event in self._timeline.taken]
        points = [point for point in self._timeline.points() if point.key <= self._key()]
        self._marked = points[-1].key
        totals = ram_totals([point.pages for point in points])
        unfit = {point.key for point in points if point.key in taken[point.taken : point.taken + 1]}

        def add(store: Store) -> None:
            hashed = [(p, hash_of(p.state, total)) for p, total in zip(points, totals, strict=True)]
            store.add_marks([Mark(moment_of(p.state, p.key[1]), found) for p, found in hashed if p.key not in unfit])

        self._later(add)

    def flush(self) -> None:
        """See ``Recorder.flush``."""
        if not self.behind:
            super().flush()

    def _note(self) -> None:
        self._events = [*self._timeline.taken[self._earlier + self._noted["input"] :]]
        super()._note()

    def _commit(self) -> None:
        super()._commit()
        self._flushed = self._key()

    def _leaving(self) -> None:
        """The guest is about to be moved elsewhere in time: what it did here is to be in the file."""
        if not self.behind:
            self._mark()
        self.flush()
        if isinstance(self._interrupts, Once):
            self._interrupts.elsewhere()

    def finish(self) -> None:
        """See ``Recorder.finish``."""
        self._timeline.leaving.remove(self._leaving)
        self._timeline.parted.remove(self._parted)
        super().finish()

    def _end(self) -> None:
        if not self.behind:
            super()._end()

    def _later(self, work: Work) -> None:
        """Have something done to the file, unless writing has failed."""
        try:
            if self.failed is None:
                self.store.later(work)
        except InputError as error:
            self._fail(error)

    # --- another future ---------------------------------------------------------------------------
    def _parted(self) -> None:
        """The past was changed: the file ends here, and goes on from here."""
        here, board = self._key(), self.system.board
        if here >= self._flushed:
            return
        written = self._noted
        if isinstance(self._interrupts, Once):
            written["interrupt"] = self._interrupts.back_to(here[0])
        written["input"] = len(self._timeline.taken) - self._earlier
        written["exit"] = 0 if self._exits is None else len(self._exits)
        written["console0"], written["console1"] = len(board.console.output), len(board.console1.output)
        upto = dict(written)
        self._flushed = self._marked = here
        self._ended_at = None
        self._later(lambda store: store.cut(upto, here))
        self._later(lambda store: store.set("end", None))
        self._later(lambda _: self._scribe.lines.clear())
        self._shelf.close()
        self.flush()

    def keep(self, bookmarks: Sequence[Bookmark], notes: Sequence[str], futures: Sequence[Future]) -> None:
        """Have what users said of the run written, and which others they tried."""
        self._later(lambda store: store.replace_bookmarks(bookmarks))
        self._later(lambda store: store.replace_notes(notes))
        self._later(lambda store: store.replace_futures(futures))


class Once(Interrupts):
    """Each interrupt once, however often it is run through. ``rows`` has those that are new."""

    def __init__(self, before: Observer, known: Sequence[Row]) -> None:
        super().__init__(before)
        self.rows = [*known]
        self._positions = [row[4] for row in known]
        """Where every interrupt was taken."""
        self._pass, self._at = -1, 0
        """Position of the last one heard, and how many were heard there in this pass."""

    def interrupt_taken(self, vector: int, pc: int, msr: int, guest: bool, position: int) -> None:
        self._at = self._at + 1 if position == self._pass else 1
        self._pass = position
        last = self._positions[-1] if self._positions else -1
        if position > last or position == last and self._at > self._positions.count(position):
            self._positions.append(position)
            self.rows.append((vector, pc, msr, guest, position))
        self.before.interrupt_taken(vector, pc, msr, guest, position)

    def elsewhere(self) -> None:
        """The guest was moved: what comes next is another pass."""
        self._pass = -1

    def back_to(self, position: int) -> int:
        """Forget those after the present, which has this position; how many are left."""
        before = bisect_left(self._positions, position)
        del self._positions[before + (self._at if self._pass == position else 0) :]
        return len(self._positions)
