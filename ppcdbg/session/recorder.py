"""Record a run while it goes on: input, hashes of the state, logs of exits, interrupts and console, into a store.

The recorder is a visitor of the run loop. It listens, changes nothing, and writes when half a second has passed or when
the run stands still for good, so that a process that is killed loses less than a second. How often it takes a hash
follows from what that costs.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ppcdbg.cpu.observe import Observer
from ppcdbg.machine.console import Console
from ppcdbg.machine.input import InputEvent
from ppcdbg.machine.system import Limits, System
from ppcdbg.session.pages import Pages
from ppcdbg.session.snapshots import state_hash
from ppcdbg.session.store import Mark, Store

if TYPE_CHECKING:
    from ppcdbg.kvm.vcpu import Vcpu

COMMIT_EVERY = 0.25
"""Seconds between two commits."""
LOOK_EVERY = 0.05
"""Seconds between two visits, about."""
SHARE = 0.04
"""What part of the run's time the hashes may take."""
FIRST_LOOK = 500_000


class Interrupts(Observer):
    """Writes down every interrupt that the bare machine's core takes, and tells whoever listened before."""

    def __init__(self, before: Observer) -> None:
        self.before = before
        self.deferrable = before.deferrable or type(before) is Observer
        self.rows: list[tuple[int, int, int, int, int]] = []

    def interrupt_taken(self, vector: int, pc: int, msr: int, guest: bool, position: int) -> None:
        self.rows.append((vector, pc, msr, guest, position))
        self.before.interrupt_taken(vector, pc, msr, guest, position)

    def tlb_written(self, index: int) -> None:
        self.before.tlb_written(index)

    def tlb_invalidated(self, index: int) -> None:
        self.before.tlb_invalidated(index)


class Recorder:
    """Records one system into one store, from construction to ``finish``.

    ``every``: instructions between two hashes of the state; None leaves it to what they cost.
    """

    def __init__(
        self, system: System, store: Store, every: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._every = every
        self.system = system
        self.store = store
        if system.ended is None:
            system.run(Limits(system.position))  # a vcpu that was never entered is entered now, at the same moment
        self._clock = clock
        self._pages = Pages(system)
        self._events: list[InputEvent] = []
        self._marks: list[Mark] = []
        self._written = {"input": 0, "exit": 0, "interrupt": 0, "console0": 0, "console1": 0}
        self._before = system.input.taken
        system.input.taken = self._taken
        kvm: Vcpu | None = getattr(system, "kvm", None)
        self._exits = None if kvm is None else kvm.exits
        self._interrupts = None if self._exits is not None else Interrupts(system.core.observer)
        if self._interrupts is not None:
            system.core.observer = self._interrupts
        self._committed = self._seen = clock()
        self._hash_due = 0.0
        self._at = system.position
        self._due = system.position + (every or FIRST_LOOK)
        self._mark()
        self.flush()
        system.visitors.append(self)
        system.visit_at = 0

    def _taken(self, event: InputEvent) -> None:
        self._events.append(event)
        self._before(event)

    # --- visits -----------------------------------------------------------------------------------
    def due(self) -> int:
        """See ``Visitor.due``."""
        return self._due

    def visit(self) -> None:
        """See ``Visitor.visit``."""
        now, position = self._clock(), self.system.position
        done = max(position - self._at, 1)
        self._due = position + max(min(int(done * LOOK_EVERY / max(now - self._seen, 1e-6)), 4 * done), 1_000)
        if self._every is not None:
            self._due = position + self._every
        if self.system.ended is not None:
            self.flush()  # nobody may come back to finish
            return
        if now >= self._hash_due or self._every is not None:
            self._mark()
        if now - self._committed >= COMMIT_EVERY:
            self.flush()
        self._at, self._seen = self.system.position, self._clock()

    def wants(self) -> bool:
        """See ``Visitor.wants``."""
        return self._clock() - self._committed >= 1.5 * COMMIT_EVERY

    def pause(self) -> None:
        """See ``Visitor.pause``."""
        self.flush()

    def _mark(self) -> None:
        begun = self._clock()
        self._marks.append(Mark(self.system.moment(), state_hash(self.system, self._pages)))
        cost = self._clock() - begun
        # the first hash has all the images in it, the others what was written in between
        self._hash_due = begun + cost + (0.0 if len(self._marks) == 1 else cost / SHARE)

    # --- writing ----------------------------------------------------------------------------------
    def flush(self) -> None:
        """Write what there is since the last time, and commit."""
        collecting = gc.isenabled()
        gc.disable()  # the rows of a log are a hundred thousand new objects, and no cycles
        try:
            self._flush(self.store)
        finally:
            if collecting:
                gc.enable()

    def _flush(self, store: Store) -> None:
        store.add_input(self._events, self._written["input"])
        self._written["input"] += len(self._events)
        self._events.clear()
        store.add_marks(self._marks)
        self._marks.clear()
        if self._exits is not None:
            first = self._written["exit"]
            self._written["exit"] += store.add_exits(first, self._exits.kept(first))
        if self._interrupts is not None:
            self._chunk("interrupt", self._interrupts.rows)
            self._interrupts.rows = []
        board = self.system.board
        self._console(0, board.console)
        self._console(1, board.console1)
        moment = self.system.moment()
        store.set("reached", [moment.position, moment.skipped, moment.steps, moment.pc])
        store.commit()
        self._committed = self._clock()

    def _chunk(self, kind: str, rows: Sequence[tuple[int, ...]]) -> None:
        self.store.add_chunk(kind, self._written[kind], rows)
        self._written[kind] += len(rows)

    def _console(self, port: int, console: Console) -> None:
        kind = f"console{port}"
        first = self._written[kind]
        output, positions = bytes(console.output[first:]), console.positions[first:]
        self._chunk(kind, [*zip(output, positions, strict=True)])
        at = 0
        for line in output.splitlines(keepends=True):
            self.store.add_line(port, positions[at], line.decode("utf-8", "replace").rstrip("\r\n"))
            at += len(line)

    def finish(self) -> None:
        """Recording ends here; the file can be replayed up to this moment."""
        self.system.visitors.remove(self)
        self.system.input.taken = self._before
        if self._interrupts is not None:
            self.system.core.observer = self._interrupts.before
        self._marks.append(Mark(self.system.moment(), state_hash(self.system, self._pages)))
        end = self.system.ended
        self.store.set("end", None if end is None else [end.kind.value, end.position, end.detail])
        self.flush()
