"""Running the system for the debugger: one loop that knows breakpoints, traces, exits and the interrupt flag.

It decides only whether the guest stands still; what a step or a finish means is :mod:`ppcdbg.debugger.steps`'s.
A place is reported once for each (position, pc): an instruction that is tried again after an exit does not hit twice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ppcdbg.debugger.breakpoints import Breakpoint, Breakpoints
from ppcdbg.debugger.events import EventKind, Verb
from ppcdbg.debugger.fields import device_fields, hit_fields
from ppcdbg.debugger.stops import Cause, TraceHit
from ppcdbg.engine.api import Hit, Watch
from ppcdbg.kvm.records import ExitRecord
from ppcdbg.machine.system import FINAL, Limits, Stop, StopKind, System

FOREVER = 1 << 62
CONSOLE_SLICE = 20_000
"""Instructions between two looks at the console on a machine without exits: how late such a stop may be."""
TRACES_KEPT = 10_000


@dataclass(frozen=True)
class Request:
    """One run. ``position`` is absolute; ``places`` are stopped at when ``accept`` agrees; ``exits`` counts exits.

    ``only`` is the number of the one breakpoint that acts (wait-for); None lets all act.
    """

    position: int = FOREVER
    places: frozenset[int] = field(default_factory=frozenset)
    accept: Callable[[], bool] | None = None
    exits: int = 0
    only: int | None = None


@dataclass(frozen=True)
class Outcome:
    """How a run ended. ``place`` says that one of the request's own places was reached."""

    stop: Stop
    cause: Cause
    record: ExitRecord | None = None
    numbers: tuple[int, ...] = ()
    place: bool = False


class ClientStops(Protocol):
    """Stops that somebody else keeps and judges, say a gdb that is attached: in force in every run, but without numbers
    and outside the user's table. Each is asked about once for each time that the guest comes there."""

    @property
    def places(self) -> frozenset[int]:
        """Effective addresses of instructions."""

    @property
    def watches(self) -> tuple[Watch, ...]: ...
    @property
    def empty(self) -> bool: ...
    def arrived(self, pc: int) -> bool:
        """Whether to stop at one of ``places``."""

    def touched(self, hit: Hit) -> bool:
        """Whether to stop at an access that one of ``watches`` is for."""


class Runner:
    """The loop, its breakpoints, and the flag that another thread may raise."""

    def __init__(self, system: System, exits: Sequence[ExitRecord]) -> None:
        self.system = system
        self.exits = exits
        self.breakpoints = Breakpoints()
        self.traces: list[TraceHit] = []
        self.current: ExitRecord | None = None
        """The record whose breakpoints are being judged: what the fields in their conditions mean."""
        self.between: Callable[[], None] | None = None
        """Called on the running thread each time the guest pauses between slices, at an exact position: the one moment
        during a run at which a front end may look at the guest."""
        self.client: ClientStops | None = None
        self._for_client = False
        self.ceiling = FOREVER
        """No run goes beyond this position."""
        self.before_access = False
        """Whether data breakpoints stop before the access, as gdb's remote protocol wants it of a PowerPC target (its
        ``have_nonsteppable_watchpoint``: gdb steps over the access by itself); otherwise after its instruction."""
        self.happened: dict[str, int | str] = {}
        """Fields of the event that is being judged, beside the record's."""
        self._passing: tuple[int, int] | None = None
        self._flag = threading.Event()
        self._told: tuple[int, int] | None = None
        self._printed = len(system.board.console.output)

    # --- from any thread -------------------------------------------------------------------------------------------
    def interrupt(self) -> None:
        """Ask the run to end; the next run ends at once when none is going on."""
        self._flag.set()

    @property
    def interrupted(self) -> bool:
        return self._flag.is_set()

    # --- the loop ---------------------------------------------------------------------------------------------------
    def go(self, request: Request) -> Outcome:
        """Run until something in the request, a breakpoint, a final stop or an interrupt ends it."""
        done = 0
        self._told = (self.system.position, self.system.core.state.pc)
        while True:
            if self._asked():
                return Outcome(self._here(StopKind.INTERRUPTED, "interrupted"), Cause.INTERRUPTED)
            first = len(self.exits)
            self._for_client = False
            stop = self.system.run(self._limits(request))
            records = self.exits[first:]
            done += len(records)
            numbers = self._judge(records, request) + self._touched(stop, request)
            ended = self._ended(stop, records, numbers, request, done)
            if ended is not None:
                return ended

    @property
    def free(self) -> bool:
        """Whether nothing that a run could come upon is waited for."""
        client = self.client
        return not len(self.breakpoints) and self.ceiling == FOREVER and (client is None or client.empty)

    def one(self) -> Stop:
        """One retired instruction, or a final stop; only while the runner is ``free``."""
        return self.system.run(Limits(self.system.position + 1))

    def _limits(self, request: Request) -> Limits:
        live = self.breakpoints
        places, watches = request.places | live.addresses, live.watches
        if self.client is not None:
            places |= self.client.places
            watches = tuple(dict.fromkeys(watches + self.client.watches))
        each = bool(request.exits) or live.watches_exits or live.watches_console
        position = min(request.position, self.ceiling)
        if live.watches_console:
            position = min(position, self.system.position + CONSOLE_SLICE)
        return Limits(
            position, places, 1 if each else 0, self._asked, watches, self.before_access, self._passing
        )  # fmt: skip

    def _asked(self) -> bool:
        """What the system asks between slices: whether to end the run."""
        if self.between is not None:
            self.between()
        return self._flag.is_set()

    def _ended(
        self, stop: Stop, records: Sequence[ExitRecord], numbers: list[int], request: Request, done: int
    ) -> Outcome | None:
        """What one return of the system means, or None to go on."""
        last = records[-1] if records else None
        place = False
        if stop.kind not in FINAL:
            here, place = self._arrived(request)
            numbers += here
        told = tuple(dict.fromkeys(numbers))
        if stop.kind in FINAL:
            return Outcome(stop, Cause.ENDED, last, told)
        if told:
            return Outcome(stop, self._cause(told), last if self._about_exit(told) else None, told, place)
        if self._for_client:
            return Outcome(stop, Cause.CLIENT, None, (), place)
        if place:
            return Outcome(stop, Cause.UNTIL, None, (), True)
        if request.exits and done >= request.exits:
            return Outcome(stop, Cause.STEP, last)
        if stop.kind is StopKind.INTERRUPTED:
            return Outcome(stop, Cause.INTERRUPTED)
        if stop.position >= request.position:
            return Outcome(stop, Cause.STEP, last)
        if stop.position >= self.ceiling:
            return Outcome(stop, Cause.LIMIT)
        if stop.kind is StopKind.LIMIT and not self.breakpoints.watches_console:
            return Outcome(stop, Cause.LIMIT)
        return None

    def _cause(self, numbers: tuple[int, ...]) -> Cause:
        waited = any(self._verb(n) in (Verb.RUN_UNTIL, Verb.WAIT_FOR) for n in numbers)
        return Cause.UNTIL if waited else Cause.BREAKPOINT

    def _verb(self, number: int) -> Verb:
        return self.breakpoints.get(number).verb

    def _about_exit(self, numbers: tuple[int, ...]) -> bool:
        kinds = {self.breakpoints.get(n).event.kind for n in numbers}
        return bool(kinds - {EventKind.ADDRESS, EventKind.CONSOLE, EventKind.DATA})

    # --- judging ----------------------------------------------------------------------------------------------------
    def _arrived(self, request: Request) -> tuple[list[int], bool]:
        """Breakpoints that act at the pc where the guest stands, and whether it is a place of the request."""
        here = (self.system.position, self.system.core.state.pc)
        if here == self._told:
            return [], False
        pc = here[1]
        place = pc in request.places and (request.accept is None or request.accept())
        client = self.client
        if client is not None and pc in client.places:
            self._told = here
            self._for_client = client.arrived(pc)
        if pc not in self.breakpoints.addresses:
            return [], place
        self._told = here
        self.current = None
        return self._act(self.breakpoints.at(pc), request), place

    def _judge(self, records: Sequence[ExitRecord], request: Request) -> list[int]:
        """Breakpoints on exits and on the console that act on what just happened."""
        numbers: list[int] = []
        if self.breakpoints.watches_exits:
            for record in records:
                self.current = record
                self.happened = device_fields(record)
                numbers += self._act(self.breakpoints.on(record), request)
        output = self.system.board.console.output
        if self.breakpoints.watches_console and len(output) != self._printed:
            self.current = records[-1] if records else None
            numbers += self._act([b for b in self.breakpoints.console() if self._spoke(b)], request)
        self._printed = len(output)
        return numbers

    def _touched(self, stop: Stop, request: Request) -> list[int]:
        """Breakpoints on data that act on the accesses of a stop."""
        if stop.kind is not StopKind.WATCH:
            return []
        if self.before_access:
            self._passing = (stop.position, stop.pc)
        numbers: list[int] = []
        self.current = None
        for hit in stop.hits:
            if self.client is not None and hit.watch in self.client.watches:
                self._for_client = self.client.touched(hit) or self._for_client
            self.happened = hit_fields(hit)
            numbers += self._act(self.breakpoints.watching(hit.watch), request)
        return numbers

    def _spoke(self, b: Breakpoint) -> bool:
        """Whether the console has printed the text with its last byte among the new ones."""
        wanted = b.event.text.encode()
        output = self.system.board.console.output
        return output.find(wanted, max(self._printed - len(wanted) + 1, 0)) >= 0

    def _act(self, found: list[Breakpoint], request: Request) -> list[int]:
        numbers: list[int] = []
        for b in found:
            if request.only is not None and b.number != request.only and b.verb is not Verb.TRACE:
                continue
            if not self.breakpoints.hit(b.number):
                continue
            if b.verb is Verb.TRACE:
                self._trace(b)
            elif b.action is None or b.action(self._hit(b)):
                numbers.append(b.number)
        return numbers

    def _hit(self, b: Breakpoint) -> TraceHit:
        record = self.current
        pc = self.system.core.state.pc if record is None else record.pc
        position = self.system.position if record is None else record.position
        return TraceHit(b.number, position, pc, record, str(b.event))

    def _trace(self, b: Breakpoint) -> None:
        self.traces.append(self._hit(b))
        if len(self.traces) > TRACES_KEPT:
            del self.traces[: TRACES_KEPT // 10]

    def _here(self, kind: StopKind, detail: str) -> Stop:
        return Stop(kind, self.system.position, self.system.core.state.pc, detail)

    def finished(self) -> None:
        """The command that ran is over: an interrupt that was asked for has been served."""
        if self._flag.is_set():
            self._flag.clear()
