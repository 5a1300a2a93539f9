"""Record a run while it goes on: input, hashes of the state, logs of exits, interrupts and console, into a store.

The recorder is a visitor of the run loop. It listens, changes nothing, and writes when half a second has passed or when
the run stands still for good, so that a process that is killed loses less than a second. The run waits for no more than
taking note of what is there: hashing, packing and writing are done behind it (``Store.later``). How often it takes a
hash follows from what that costs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ppcdbg.errors import InputError
from ppcdbg.machine.input import InputEvent, Moment
from ppcdbg.machine.system import Limits, System
from ppcdbg.session.checkpoints import Writer
from ppcdbg.session.interrupts import Interrupts
from ppcdbg.session.pages import Pages
from ppcdbg.session.snapshots import StateHash, hash_later
from ppcdbg.session.store import Mark, Store

if TYPE_CHECKING:
    from ppcdbg.kvm.vcpu import Vcpu

COMMIT_EVERY = 0.25
"""Seconds between two commits."""
LOOK_EVERY = 0.05
"""Seconds between two visits, about."""
SHARE = 0.02
"""What part of the run's time the hashes may take."""
FIRST_LOOK = 500_000
LONGEST = 1.0
"""Seconds that a visit after the last one counts for at most: in a longer time the guest stood still."""
NEVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Notes:
    """What happened since the last ones: the writer's alone. ``first``: the number of the first entry of each log."""

    first: Mapping[str, int]
    events: Sequence[InputEvent]
    marks: Sequence[tuple[Moment, Callable[[], StateHash]]]
    exits: Sequence[object]
    interrupts: Sequence[tuple[int, int, int, int, int]]
    consoles: Sequence[tuple[bytes, Sequence[int]]]
    reached: Sequence[int | None]


class Recorder:
    """Records one system into one store, from construction to ``finish``.

    ``every``: instructions between two hashes of the state; None leaves it to what they cost. A file that cannot be
    written does not end the run: ``failed`` says why, the file stays as it was at the last commit, and ``finish``
    raises.
    """

    def __init__(
        self, system: System, store: Store, every: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._every = every
        self.failed: InputError | None = None
        self.kept: int | None = None
        """The position up to which the file holds the run; None: nothing is in it yet."""
        self.system = system
        self.store = store
        self._clock = clock
        self._pages = Pages(system)
        self._events: list[InputEvent] = []
        self._marks: list[tuple[Moment, Callable[[], StateHash]]] = []
        self._hashing = 0.0
        self._ended_at: Moment | None = None
        self._written = {"input": 0, "exit": 0, "interrupt": 0, "console0": 0, "console1": 0}
        self._before, self._told_refused = system.input.taken, system.input.refused
        system.input.taken, system.input.refused = self._taken, self._refused
        kvm: Vcpu | None = getattr(system, "kvm", None)
        self._exits = None if kvm is None else kvm.exits
        self._interrupts = None if self._exits is not None else Interrupts(system.core.observer)
        if self._interrupts is not None:
            system.core.observer = self._interrupts
        self._hurried = NEVER
        """Where a visit is wanted before it is due."""
        if system.ended is None:
            system.run(Limits(system.position))  # a vcpu that was never entered is entered now, at the same moment
        self._committed = self._seen = clock()
        self._hash_due = 0.0
        self._at = system.position
        self._due = system.position + (every or FIRST_LOOK)
        self._mark()
        self._ran, self._shelf = 0.0, Writer(store, self._pages.all())
        self._shelf_due = self._shelf.due(0.0)
        self.flush()
        system.visitors.append(self)
        system.visit_at = 0

    def _taken(self, event: InputEvent) -> None:
        self._events.append(event)
        self._before(event)

    def _refused(self, event: InputEvent) -> None:
        self._events = [each for each in self._events if each is not event]
        self._told_refused(event)

    # --- visits -----------------------------------------------------------------------------------
    def due(self) -> int:
        """See ``Visitor.due``."""
        return min(self._due, self._hurried) if self.failed is None else NEVER

    def visit(self) -> None:
        """See ``Visitor.visit``."""
        if self.failed is not None:
            return
        now, position = self._clock(), self.system.position
        early, self._hurried = position < self._due, NEVER
        if self.system.ended is not None:
            self._end()  # nobody may come back to finish
            return
        if self._every is not None and not early:
            self._due = position + self._every
            self._mark()
        elif self._every is None:
            done = max(position - self._at, 1)
            self._due = position + max(min(int(done * LOOK_EVERY / max(now - self._seen, 1e-6)), 4 * done), 1_000)
            if now >= self._hash_due:
                self._mark()
        self._ran += min(now - self._seen, LONGEST)
        if self._ran >= self._shelf_due:
            self._checkpoint()
        elif now - self._committed >= COMMIT_EVERY:
            self.flush()
        self._at, self._seen = self.system.position, self._clock()

    def wants(self) -> bool:
        """See ``Visitor.wants``."""
        late = self.failed is None and self._hurried == NEVER
        return late and self._clock() - self._committed >= 1.5 * COMMIT_EVERY

    def pause(self) -> None:
        """See ``Visitor.pause``: be visited at once, for what is written must be a moment that a replay comes to."""
        self._hurried = self.system.position + 1

    def _mark(self) -> None:
        """Take what a hash of this moment is made of. The first has all the images in it, the others what was written
        in between, which is what they cost."""
        begun = self._clock()
        first = not self._marks and self._hash_due == 0.0
        self._marks.append((self.system.moment(), hash_later(self.system, self._pages)))
        cost = self._clock() - begun
        self._hash_due = begun + cost + (0.0 if first else (cost + self._hashing) / SHARE)

    def _checkpoint(self) -> None:
        """Have the state written into the file whole: a long run is not to be replayed to be looked at."""
        self._mark()
        self.flush()
        self._pages.changed()
        total = self._pages.total_later()
        try:
            moment, taken = self.system.moment(), self._written["input"]
            self._shelf.add(moment, taken, self.system.save(), self._pages.all(), total)
        except InputError as error:
            self._fail(error)
        self._shelf_due = self._shelf.due(self._ran)

    def _hashed(self, taken: Sequence[tuple[Moment, Callable[[], StateHash]]]) -> list[Mark]:
        """Work out hashes, on the thread behind."""
        begun = self._clock()
        marks = [Mark(moment, work_out()) for moment, work_out in taken]
        if marks:
            self._hashing = (self._clock() - begun) / len(marks)
        return marks

    # --- writing ----------------------------------------------------------------------------------
    def flush(self) -> None:
        """Have written and committed what there is since the last time."""
        self._later(partial(self._write, self._taken_note()))
        self._committed = self._clock()

    def _later(self, work: Callable[[], object]) -> None:
        """Have something written, unless writing has failed."""
        try:
            if self.failed is None:
                self.store.later(work)
        except InputError as error:
            self._fail(error)

    def _fail(self, error: InputError) -> None:
        end = "nothing of the run is in it" if self.kept is None else f"it holds the run up to position {self.kept:,}"
        self.failed = InputError(f"{error}; {end}")
        if self._interrupts is not None:
            self._interrupts.listens = False

    def _taken_note(self) -> Notes:
        moment, board, exits, written = self.system.moment(), self.system.board, self._exits, self._written
        first = dict(written)
        consoles = []
        for port, console in enumerate((board.console, board.console1)):
            at = first[f"console{port}"]
            consoles.append((bytes(console.output[at:]), [*console.positions[at:]]))
            written[f"console{port}"] += len(consoles[port][0])
        notes = Notes(
            first, self._events, self._marks, [] if exits is None else exits.kept(first["exit"]),
            [] if self._interrupts is None else self._interrupts.rows, consoles,
            [moment.position, moment.skipped, moment.steps, moment.pc],
        )  # fmt: skip
        written["input"] += len(notes.events)
        written["exit"] = 0 if exits is None else len(exits)
        written["interrupt"] += len(notes.interrupts)
        self._events, self._marks = [], []
        if self._interrupts is not None:
            self._interrupts.rows = []
        return notes

    def _write(self, notes: Notes) -> None:
        """On the thread behind."""
        store, first = self.store, notes.first
        store.add_input(notes.events, first["input"])
        store.add_marks(self._hashed(notes.marks))
        store.add_exits(first["exit"], notes.exits)
        store.add_chunk("interrupt", first["interrupt"], notes.interrupts)
        for port, (output, positions) in enumerate(notes.consoles):
            store.add_chunk(f"console{port}", first[f"console{port}"], [*zip(output, positions, strict=True)])
            at = 0
            for line in output.splitlines(keepends=True):
                store.add_line(port, positions[at], line.decode("utf-8", "replace").rstrip("\r\n"))
                at += len(line)
        store.set("reached", notes.reached)
        store.commit()
        self.kept = notes.reached[0]

    def finish(self) -> None:
        """Recording ends here; the file can be replayed up to this moment. Raises InputError where it cannot."""
        self.system.visitors.remove(self)
        self.system.input.taken, self.system.input.refused = self._before, self._told_refused
        if self._interrupts is not None:
            self.system.core.observer = self._interrupts.before
        self._end()
        try:
            self.store.settle()
        except InputError as error:
            self._fail(error)
        if self.failed is not None:
            raise self.failed

    def _end(self) -> None:
        """Have written how it ends here. A guest that has ended stays as it is: the second time says nothing new."""
        end, moment = self.system.ended, self.system.moment()
        if self._ended_at == moment and not self._events:
            return
        self._ended_at = None if end is None else moment
        self._mark()
        ended = None if end is None else [end.kind.value, end.position, end.detail]
        self._later(lambda: self.store.set("end", ended))
        self.flush()
