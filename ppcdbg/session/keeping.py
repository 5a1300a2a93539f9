"""Checkpoints for a file that exists: put in by whoever replays it, while the replay is held to the recording.

A visitor of the run loop (``machine.system.Visitor``). What was put in since the replay last agreed with the recording
is taken out again if it next differs.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from ppcdbg.session.checkpoints import Writer, places, read
from ppcdbg.session.differ import Run
from ppcdbg.session.pace import LOOK_EVERY, SPACING, next_look, steady
from ppcdbg.session.store import Mark, Store

FIRST_LOOK = 200_000


class Keeper:
    """Puts checkpoints into a store while a run replays it.

    ``every``: instructions between two; None: by what running costs. With ``replace`` those that are there go first,
    otherwise a file that has some, or is read only, stays as it is.
    """

    def __init__(
        self, store: Store, every: int | None = None, *, replace: bool = False, spacing: float = SPACING,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._store, self._every, self._spacing, self._clock = store, every, spacing, steady(clock)
        self._total = len(store.input())
        self._on = replace or not places(store) and store.writable()
        self._run: Run | None = None
        self._agreed = 0
        self.writer: Writer | None = None

    def begin(self, run: Run) -> None:
        """The run stands where the recording begins, and is about to replay it."""
        if not self._on:
            return
        first = next(read(self._store), None) if self._store.get("begin", False) else None
        self._store.clear_checkpoints()
        self._run, self.writer = run, Writer(self._store, run.pages.all(), self._spacing)
        if first is not None:
            self.writer.again(first)
        self._begun = self._seen = self._clock()
        self._at = run.system.position
        self._next = float(self._every or self._spacing)
        self._due = self._every or self._at + FIRST_LOOK
        run.system.visitors.append(self)
        run.system.visit_at = 0

    def due(self) -> int:
        """See ``Visitor.due``."""
        return self._due

    def visit(self) -> None:
        """See ``Visitor.visit``."""
        run, writer, now = self._run, self.writer, self._clock()
        assert run is not None and writer is not None
        position = run.system.position
        done = position - self._at
        at = float(position) if self._every is not None else now - self._begun
        if at >= self._next and done > 0 and run.system.ended is None:
            run.pages.changed()
            total = run.pages.total()  # now: the run that is held to the recording asks for it as well
            taken = self._total - len(run.system.input)
            writer.add(run.system.moment(), taken, run.system.save(), run.pages.all(), lambda: total)
            self._next = at // self._every * self._every + self._every if self._every is not None else writer.due(at)
        due = next_look(position, max(done, 1), now - self._seen, LOOK_EVERY)
        self._due = due if self._every is None else int(self._next)
        self._at, self._seen = position, now

    def wants(self) -> bool:
        """See ``Visitor.wants``."""
        return False

    def pause(self) -> None:
        """See ``Visitor.pause``."""

    def agreed(self, mark: Mark) -> None:
        """The replay is what was recorded, up to here."""
        self._agreed = mark.moment.position

    def finish(self, *, differs: bool) -> None:
        """The replay is over."""
        if self._run is None:
            return
        self._run.system.visitors.remove(self)
        self._store.settle()
        if differs:
            self._store.clear_checkpoints(self._agreed)
