"""What the run loops of all systems share: the horizon, input, requests of the board, and the final stop.

A run loop asks an engine to run up to the next thing that happens and lets it happen. The bare machine's is in
:mod:`ppcdbg.machine.machine`, the one with KVM in it in ``kvm.run``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from ppcdbg.cpu.core import Core
from ppcdbg.cpu.plain import Plain, Saved, items, table, whole, words
from ppcdbg.cpu.state import SKIPPED
from ppcdbg.engine.api import Engine, EngineStop, Stops, Why
from ppcdbg.isa import slots
from ppcdbg.machine.board import POWER_OFF, RESET, Board
from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.input import InputEvent, InputKind, InputQueue, Moment, RefusedError, TlbWrite
from ppcdbg.machine.schedule import FifoSchedule, Schedule
from ppcdbg.machine.system import FINAL, Limits, Stop, StopKind, Visitor

PAGE = 4096
SHORT = 1_000
"""Instructions that a run takes no time for."""
SHORT_RUNS = 256
"""Runs that end before a visitor is due, until the visitors are asked all the same."""


class RunLoop:
    """A core, an engine, a board and an input queue that run together. Implements ``machine.system.System``.

    A subclass gives ``_run`` (one request, up to its limits or a final stop) and ``_next_tick``.
    """

    def __init__(
        self, core: Core, engine: Engine, board: Board, queue: InputQueue, schedule: Schedule | None = None
    ) -> None:
        self.core = core
        self.engine = engine
        self.board = board
        self.input = queue
        self.schedule: Schedule = schedule or FifoSchedule(queue)
        self.ended: Stop | None = None
        self.description: MachineDescription | None = None
        """What it was made from, where one description made it."""
        self.visitors: list[Visitor] = []
        self.visit_at = 0
        """Before this position no visitor is due; whoever moves in time, or becomes a visitor, sets it to 0."""
        self._unasked = 0
        self._readers: list[set[int]] = []
        self.slice = engine.slice
        board.attention = board.bus.moved = core.call_machine
        queue.added = lambda event: core.call_machine()
        queue.moment = self.moment

    @property
    def position(self) -> int:
        """Retired guest instructions, emulated ones included."""
        return self.core.retired

    @property
    def steps(self) -> int:
        """Exits to a hypervisor model so far."""
        return 0

    @property
    def left(self) -> int:
        """See ``System.left``."""
        return 0

    def complete(self) -> None:
        """See ``System.complete``."""
        if self.left:
            self.run(Limits(self.position, exits=1))

    def moment(self) -> Moment:
        """Where the machine stands: what a recording needs to be here again."""
        core = self.core
        return Moment(core.retired, core.state.counters[SKIPPED], self.steps, core.state.pc)

    def save(self) -> Saved:
        """Everything but RAM as plain data (``plain.Saves``), and the input that is still to come. The guest stands
        still. Where time passed that nothing has asked for yet, it is let happen first."""
        self._settle()
        end = self.ended
        return {
            "core": self.core.save(),
            "board": self.board.save(),
            "input": {"order": self.input.order, "pending": [e.save() for e in self.input.pending()]},
            "loop": self._save(),
            "ended": None if end is None else [end.kind.value, end.position, end.pc, end.detail],
        }

    def restore(self, state: Saved) -> None:
        """Become what was saved, on this engine or another; RAM, and the engine's knowledge of it, are the caller's."""
        self.core.restore(table(state["core"]))
        self.board.restore(table(state["board"]))
        queue = table(state["input"])
        self.input.restore([InputEvent.of(e) for e in items(queue["pending"])], whole(queue["order"]))
        self._restore(table(state["loop"]))
        self.ended = None
        if state["ended"] is not None:
            kind, position, pc, detail = items(state["ended"])
            self.ended = Stop(StopKind(words(kind)), whole(position), whole(pc), words(detail))
        self.engine.restored()
        self.core.call_machine()

    def _settle(self) -> None:
        """Let happen what was put off because the guest cannot have noticed."""

    def _save(self) -> Mapping[str, Plain]:
        raise NotImplementedError

    def _restore(self, state: Saved) -> None:
        raise NotImplementedError

    def run(self, limits: Limits) -> Stop:
        """Run until a limit or a final stop; see ``System.run``."""
        if self.ended is None:
            stop = self._visited(limits) if self.visitors and self._visit(limits) else self._run(limits)
            if stop.kind in FINAL:
                self.ended = stop
                for visitor in self.visitors:
                    visitor.visit()
            return stop
        return self.ended

    def _visit(self, limits: Limits) -> bool:
        """Whether a run may come where a visitor is due; short ones, such as single steps, mostly do not."""
        self._unasked += 1
        far = limits.position - self.core.retired > SHORT
        return far or limits.position >= self.visit_at or self._unasked > SHORT_RUNS

    def page_reader(self) -> Callable[[], set[int]]:
        """A reader of the pages of RAM that may have been written: each call gives those since the one before. There
        may be several, and none takes anything from the others."""
        own: set[int] = set()
        self._readers.append(own)
        bus = self.board.bus

        def read() -> set[int]:
            written = {*self.engine.take_written(), *bus.written}
            bus.written.clear()
            for pages in self._readers:
                pages.update(written)
            found = own.copy()
            own.clear()
            for start, size in bus.written_outside:
                found.update(range(start & -PAGE, start + size, PAGE))
            return found

        return read

    def _visited(self, limits: Limits) -> Stop:
        """As ``_run``, standing still where visitors are due."""
        steps, asked, visitors = self.steps, limits.interrupted, self.visitors
        self._unasked, told = 0, False

        def interrupted() -> bool:
            nonlocal told
            told = asked is not None and asked()
            return told or any(visitor.wants() for visitor in visitors)

        ahead = 1
        while True:
            self.visit_at = due = min(max(visitor.due(), self.position + ahead) for visitor in visitors)
            position = min(limits.position, due)
            left = limits.exits and limits.exits - (self.steps - steps)
            stop = self._run(replace(limits, position=position, exits=left, interrupted=interrupted))
            for visitor in visitors:
                if visitor.wants():
                    visitor.pause()
            goes_on = stop.kind is StopKind.INTERRUPTED and not told  # it was a visitor that asked
            if not goes_on and (stop.kind is not StopKind.LIMIT or stop.position >= limits.position):
                return stop
            ahead = int(stop.kind is StopKind.LIMIT)  # elsewhere what is due at this position may not have happened yet
            for visitor in visitors if ahead else ():
                if visitor.due() <= stop.position:
                    visitor.visit()
            if stop.pc in limits.breakpoints:
                return self._stop(StopKind.BREAKPOINT)  # the next stretch would pass the one that it begins at

    def _run(self, limits: Limits) -> Stop:
        raise NotImplementedError

    def _next_tick(self) -> int | None:
        """The tick at which a timer or a device next does something by itself."""
        raise NotImplementedError

    def _horizon(self, limits: Limits) -> int:
        """The retired count up to which nothing from outside the core happens."""
        core = self.core
        retired = core.retired
        horizon = limits.position
        if limits.interrupted is not None and retired + self.slice < horizon:
            horizon = retired + self.slice
        due = self.schedule.next_position()
        if due is not None and due < horizon:
            horizon = max(due, retired + 1)  # an event of this very position that waits for its moment
        tick = self._next_tick()
        if tick is not None:
            horizon = min(horizon, retired + max(tick - core.now, 1))
        return horizon

    def _input(self) -> None:
        """Let the input happen that is due: whatever comes from outside comes in here and nowhere else."""
        due = self.schedule.next_position()
        if due is not None and due <= self.core.retired:
            found = [self._happen(event) for event in self.schedule.due(self.core.retired, self.moment())]
            for refused in filter(None, found):
                raise refused

    def _happen(self, event: InputEvent) -> RefusedError | None:
        """Let an event happen; what is wrong with one that cannot."""
        try:
            if not self.board.apply(event):
                self._apply(event)
        except (KeyError, IndexError, ValueError, TypeError, OverflowError) as error:
            self.input.refused(event)
            what = f"{event.kind.value} {event.name[:80] or event.target}"  # a forged name may be as long as a file
            return RefusedError(f"the input {what} at position {event.position:,} cannot be: {error!s:.160}")
        return None

    def _stops(self, stops: Stops) -> Stops:
        """Where the engine must stop, with the place that an event of this position waits for."""
        pc = self.schedule.next_pc()
        if pc is None or self.schedule.next_position() != self.core.retired:
            return stops
        return replace(stops, breakpoints=stops.breakpoints | {pc})

    def _apply(self, event: InputEvent) -> None:
        """An event that is not the board's."""
        if event.kind is InputKind.MEMORY:
            self.board.bus.ram[event.target : event.target + len(event.data)] = event.data
            self.engine.code_changed(event.target, len(event.data))
        elif event.kind is InputKind.REGISTER:
            self.write_register(event.name, event.value)
        elif event.kind is InputKind.TLB:
            self.write_tlb(TlbWrite.of(event))
        elif event.kind is InputKind.WITHHOLD:
            self.core.state.reg[slots.WITHHELD] |= 1 << (event.value & 31)

    def write_tlb(self, entry: TlbWrite) -> None:
        """Set an entry of the guest's TLB; of its number, bits that the TLB lacks are ignored."""
        raise NotImplementedError

    def write_register(self, name: str, value: int) -> None:
        """Set a register of the guest by its architected name."""
        raise NotImplementedError

    def _requested(self) -> Stop | None:
        """The end that the guest asked the board or the core for."""
        cause = self.core.reset_cause
        if self.board.reset_requested or cause is not None:
            return self._stop(StopKind.RESET, RESET + (f" ({cause})" if cause else ""))
        if self.board.poweroff_requested:
            return self._stop(StopKind.POWEROFF, POWER_OFF)
        return None

    def _watched(self, stop: EngineStop) -> Stop:
        kind = StopKind.WATCH if stop.why is Why.WATCH else StopKind.BREAKPOINT
        return Stop(kind, self.core.retired, self.core.state.pc, "", stop.hits)

    def _stop(self, kind: StopKind, detail: str = "") -> Stop:
        return Stop(kind, self.core.retired, self.core.state.pc, detail)
