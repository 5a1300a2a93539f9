"""Record a run while it goes on: input, hashes of the state, logs of exits, interrupts and console, into a file.

The recorder is a visitor of the run loop. It listens, changes nothing, and writes when half a second has passed or when
the run stands still for good, so that a process that is killed loses less than a second. The run waits for no more than
telling what is there: hashing, packing and writing are done behind it (``Writes``). How often it takes a hash follows
from what that costs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ppcdbg.errors import InputError
from ppcdbg.machine.input import InputEvent, Moment
from ppcdbg.machine.system import Limits, System
from ppcdbg.session.interrupts import Interrupts
from ppcdbg.session.pace import (
    COMMIT_EVERY,
    LONGEST,
    LOOK_EVERY,
    MANY,
    SHARE,
    SHARE_BEHIND,
    next_checkpoint,
    next_look,
    steady,
)
from ppcdbg.session.pages import Written

if TYPE_CHECKING:  # what writes a file is loaded by whoever does
    from ppcdbg.kvm.vcpu import Vcpu
    from ppcdbg.session.scribe import MomentData
    from ppcdbg.session.writes import Writes

FIRST_LOOK = 500_000
NEVER = 1 << 62


class Recorder:
    """Records one system into one file, from construction to ``finish``.

    ``every``: instructions between two hashes of the state; None leaves it to what they cost. A file that cannot be
    written does not end the run: ``failed`` says why, the file stays as it was at the last commit, and ``finish``
    raises.
    """

    def __init__(
        self, system: System, writes: Writes, every: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._every = every
        self.failed: InputError | None = None
        self.system = system
        self._writes = writes
        self._clock = clock = steady(clock)
        self._ram = Written(system)
        self._events: list[InputEvent] = []
        self._ended_at: Moment | None = None
        self._noted = {"input": 0, "exit": 0, "interrupt": 0, "console0": 0, "console1": 0}
        """How many entries of each log are told."""
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
        self._ran, self._shelf_due = 0.0, next_checkpoint(0.0)
        self._tell("begin")
        self.flush()
        system.visitors.append(self)
        system.visit_at = 0

    @property
    def kept(self) -> int | None:
        """The position up to which the file holds the run; None: nothing is in it yet."""
        return self._writes.kept

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
            self._due = next_look(position, done, now - self._seen, LOOK_EVERY)
            if now >= self._hash_due:
                self._mark()
                self.flush()
        self._ran += min(now - self._seen, LONGEST)
        if self._ran >= self._shelf_due:
            self._checkpoint()
        elif now - self._committed >= COMMIT_EVERY or self._many():
            self.flush()
        self._at, self._seen = self.system.position, self._clock()

    def wants(self) -> bool:
        """See ``Visitor.wants``."""
        late = self.failed is None and self._hurried == NEVER
        return late and self._clock() - self._seen >= 2 * LOOK_EVERY

    def pause(self) -> None:
        """See ``Visitor.pause``: be visited at once, for what is written must be a moment that a replay comes to."""
        self._hurried = self.system.position + 1

    def _moment(self) -> MomentData:
        moment = self.system.moment()
        return moment.position, moment.skipped, moment.steps, moment.pc

    def _mark(self) -> None:
        """Have this moment's state hashed. The first has all the images in it, the others what was written in between,
        which is what they cost."""
        begun, first = self._clock(), self._hash_due == 0.0
        self._look()
        self._tell("mark", self._moment(), self.system.save())
        cost = min(self._clock() - begun, LONGEST)
        self._hash_due = begun + cost
        if not first:
            self._hash_due += max(cost / SHARE, min(self._writes.hashing, LONGEST) / SHARE_BEHIND)

    def _checkpoint(self) -> None:
        """Have the state written into the file whole: a long run is not to be replayed to be looked at."""
        self._mark()
        self.flush()
        self._look()
        self._tell("shelve", self._moment(), self._noted["input"], self.system.save())
        self._shelf_due = next_checkpoint(self._ran)

    # --- telling ----------------------------------------------------------------------------------
    def _look(self) -> None:
        try:
            if self.failed is None:
                self._writes.look(self.system.board.bus.ram, self._ram.stretches())
        except InputError as error:
            self._fail(error)

    def _tell(self, name: str, *said: object) -> None:
        """Have something written, unless writing has failed."""
        try:
            if self.failed is None:
                self._writes.tell(name, *said)
        except InputError as error:
            self._fail(error)

    def _fail(self, error: InputError) -> None:
        end = "nothing of the run is in it" if self.kept is None else f"it holds the run up to position {self.kept:,}"
        self.failed = InputError(f"{error}; {end}")
        if self._interrupts is not None:
            self._interrupts.listens = False

    def _many(self) -> bool:
        """Whether there is much to tell already."""
        exits = 0 if self._exits is None else len(self._exits) - self._noted["exit"]
        return exits >= MANY or self._interrupts is not None and len(self._interrupts.rows) >= MANY

    def flush(self) -> None:
        """Have written and committed what there is since the last time."""
        self._note()
        self._commit()

    def _note(self) -> None:
        board, exits, first = self.system.board, self._exits, dict(self._noted)
        consoles = []
        for port, console in enumerate((board.console, board.console1)):
            at = first[f"console{port}"]
            consoles.append((bytes(console.output[at:]), [*console.positions[at:]]))
            self._noted[f"console{port}"] += len(consoles[port][0])
        interrupts = [] if self._interrupts is None else self._interrupts.rows
        events = [event.save() for event in self._events]
        rows = [] if exits is None else exits.recorded(first["exit"])
        self._tell("note", first, events, rows, interrupts, consoles)
        self._noted["input"] += len(events)
        self._noted["exit"] = 0 if exits is None else len(exits)
        self._noted["interrupt"] += len(interrupts)
        self._events = []
        if self._interrupts is not None:
            self._interrupts.rows = []

    def _commit(self) -> None:
        self._tell("commit", self._moment())
        self._committed = self._clock()

    def finish(self) -> None:
        """Recording ends here; the file can be replayed up to this moment. Raises InputError where it cannot."""
        self.system.complete()
        self.system.visitors.remove(self)
        self.system.input.taken, self.system.input.refused = self._before, self._told_refused
        if self._interrupts is not None:
            self.system.core.observer = self._interrupts.before
        self._end()
        try:
            self._writes.settle()
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
        self._note()  # first, for it is packed while the state is copied, and the end is waited for
        self._mark()
        self._tell("end", None if end is None else [end.kind.value, end.position, end.detail])
        self._commit()
