"""Running the system for the debugger: one loop that knows breakpoints, traces, exits and the interrupt flag.

It decides only whether the guest stands still; what a step or a finish means is :mod:`ppcdbg.debugger.steps`'s, and
whether an event happened :mod:`ppcdbg.debugger.judge`'s. A place is reported once for each (position, pc): an
instruction that is tried again after an exit does not hit twice.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from ppcdbg.debugger.breakpoints import Breakpoint, Breakpoints
from ppcdbg.debugger.events import EventKind, Seen, Verb
from ppcdbg.debugger.judge import Candidate, Judge
from ppcdbg.debugger.listening import Listener
from ppcdbg.debugger.model import vcpu_of
from ppcdbg.debugger.stops import Cause, TraceHit
from ppcdbg.engine.api import Hit, Watch
from ppcdbg.kvm.records import ExitRecord
from ppcdbg.machine.system import FINAL, Hold, Limits, Stop, StopKind, System

FOREVER = 1 << 62
TRACES_KEPT = 10_000
_UNDER_WAY = frozenset({StopKind.HELD, StopKind.LEFT})
"""Stops in the middle of an exit"""


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
    fields: tuple[tuple[str, int | str], ...] = ()


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

    silent: bool
    """While true, nothing is said or done but judged: the same moments are run through more than once."""

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
        self.happened: dict[str, int | str] = {}
        """Fields of the event that is being judged, beside the record's."""
        self.between: Callable[[], None] | None = None
        """Called on the running thread each time the guest pauses between slices, at an exact position: the one moment
        during a run at which a front end may look at the guest."""
        self.ceiling = FOREVER
        """No run goes beyond this position."""
        self.recorded = FOREVER
        """Where the recording that is replayed ends: a run stops there, and one that begins there goes beyond."""
        self.before_access = False
        """Whether data breakpoints stop before the access, as gdb's remote protocol wants it of a PowerPC target (its
        ``have_nonsteppable_watchpoint``: gdb steps over the access by itself); otherwise after its instruction."""
        self.client: ClientStops | None = None
        self._for_client = False
        self._judge = Judge(system, vcpu_of(system), self.breakpoints)
        self._listener: Listener | None = None
        self._pending: list[Candidate] = []
        self._request = Request()
        self._looked = self._began = 0
        self._passing: tuple[int, int] | None = None
        self.interrupted = False
        """Set by a signal's handler too: an Event would be waited for where the handler came into its own lock."""
        self._told: tuple[int, int] | None = None

    # --- from any thread -------------------------------------------------------------------------------------------
    def interrupt(self) -> None:
        """Ask the run to end; the next run ends at once when none is going on."""
        self.interrupted = True

    def called_off(self) -> bool:
        """What long work of the debugger's own asks now and then: whether to end. Whoever shows progress has a turn."""
        if self.between is not None:
            self.between()
        return self.interrupted

    # --- the loop ---------------------------------------------------------------------------------------------------
    def go(self, request: Request) -> Outcome:
        """Run until something in the request, a breakpoint, a final stop or an interrupt ends it."""
        self._request, self._looked = request, len(self.exits)
        # Behind an exit that is completed now the guest has been at no place yet.
        self._told = None if self.system.left else (self.system.position, self.system.core.state.pc)
        self._began = self.system.position
        needs = self.breakpoints.needs
        first = len(self.exits)
        with Listener(self.system, vcpu_of(self.system), needs.kinds, Seen.TAKEN in needs.numbers) as listener:
            self._listener = listener
            try:
                while True:
                    self._for_client = False
                    if self._asked() and not self._pending:
                        return Outcome(self._here(StopKind.INTERRUPTED, "interrupted"), Cause.INTERRUPTED)
                    if not self._pending:
                        stop = self.system.run(self._limits(request, len(self.exits) - first))
                    else:
                        stop = self._here(StopKind.BREAKPOINT)
                    ended = self._ended(stop, request, len(self.exits) - first)
                    if ended is not None:
                        return ended
            finally:
                self._listener = None
                self._pending.clear()

    @property
    def goal(self) -> int | None:
        """The position at which the run that is going on, or the last one, ends at the latest; None for none."""
        return None if self._request.position >= FOREVER else self._request.position

    def moved(self) -> None:
        """The guest was put to another moment: whatever it stands at has not been told there."""
        self._passing = self._told = None

    @property
    def free(self) -> bool:
        """Whether nothing that a run could come upon is waited for."""
        client = self.client
        return not len(self.breakpoints) and self.ceiling == FOREVER and (client is None or client.empty)

    def one(self) -> Stop:
        """One retired instruction, or a final stop; only while the runner is ``free``."""
        return self.system.run(Limits(self.system.position + 1))

    def _limits(self, request: Request, done: int) -> Limits:
        needs, listener = self.breakpoints.needs, self._listener
        assert listener is not None
        position = min(request.position, self.ceiling)
        if self.system.position < self.recorded:
            position = min(position, self.recorded)
        later = bisect_right(needs.positions, self.system.position)
        if later < len(needs.positions):
            position = min(position, needs.positions[later])
        hold = None
        compared = listener.around_exits and Seen.EXIT in needs.numbers
        if Seen.ARRIVAL in needs.numbers or compared:
            hold = Hold(self._arriving, None if compared else needs.vectors)
        places, watches = request.places | needs.addresses, tuple(needs.watches)
        if EventKind.REWRITTEN in needs.kinds:
            watches = tuple(dict.fromkeys(watches + self._judge.rewritten()))
        if self.client is not None:
            places |= self.client.places
            watches = tuple(dict.fromkeys(watches + self.client.watches))
        return Limits(
            position,
            places,
            max(request.exits - done, 1) if request.exits else 0,
            self._asked,
            watches,
            self.before_access,
            self._passing,
            needs.classes,
            (self.system.position, self.system.core.state.pc),
            hold,
            self._handled if self._watches_exits() else None,
            leave=self._left if Seen.LEFT in needs.numbers else None,
        )

    def _watches_exits(self) -> bool:
        """Whether every exit must be looked at when it was handled."""
        return not self.breakpoints.needs.numbers.keys().isdisjoint((Seen.EXIT, Seen.CONSOLE))

    # --- asked while the guest runs ---------------------------------------------------------------------------------
    def _asked(self) -> bool:
        """What the system asks between slices: whether to end the run."""
        called_off = self.called_off()
        if self._listener is not None and self._listener.heard:
            self._offer(self._judge.heard(self._listener.take()))
        return bool(self._pending) or called_off

    def _arriving(self, number: int) -> bool:
        """At an exit before anything is done: whether to hold it."""
        assert self._listener is not None
        self._listener.arriving()
        self._offer(self._judge.arriving(number))
        return bool(self._pending)

    def _left(self) -> bool:
        """At a return to userspace that nobody has answered: whether to stay."""
        self._offer(self._judge.leaving())
        return bool(self._pending)

    def _handled(self) -> bool:
        """After an exit: whether to stop."""
        assert self._listener is not None
        exits, self._looked = self.exits[self._looked :], len(self.exits)
        for record in exits:
            self._listener.handled(record)
            self._offer(self._judge.handled(record))
        if self._listener.heard:
            self._offer(self._judge.heard(self._listener.take(), exits[-1] if exits else None))
        return bool(self._pending) or self._judge.more_rewritten()

    def _offer(self, found: list[Candidate]) -> None:
        """Breakpoints whose event came: conditions and counts now, while the guest stands there; the rest later."""
        for c in found:
            b = c.breakpoint
            if self._request.only is not None and b.number != self._request.only and b.verb is not Verb.TRACE:
                continue
            self.current, self.happened = c.record, dict(c.fields)
            if not self.breakpoints.hit(b.number):
                continue
            if b.verb is Verb.TRACE:
                self._trace(b)
            else:
                self._pending.append(c)

    # --- what a return means ----------------------------------------------------------------------------------------
    def _ended(self, stop: Stop, request: Request, done: int) -> Outcome | None:
        """What one return of the system means, or None to go on."""
        if stop.kind in FINAL and self._watches_exits():
            self._handled()
        place = False
        if stop.kind not in FINAL and not self.system.left:
            place = self._arrived(stop, request)
        about, told, fields = self._acted()
        last = self.exits[-1] if done else None
        if stop.kind in FINAL:
            return Outcome(stop, Cause.ENDED, last, told)
        if told:
            if stop.kind in (StopKind.INTERRUPTED, StopKind.EXIT):
                stop = replace(stop, kind=StopKind.BREAKPOINT, detail="")
            return Outcome(stop, self._cause(told), about, told, place, fields)
        if self._for_client:
            return Outcome(stop, Cause.CLIENT, None, (), place)
        if place:
            return Outcome(stop, Cause.UNTIL, None, (), True)
        if request.exits and done >= request.exits:
            return Outcome(stop, Cause.STEP, last)
        if stop.kind is StopKind.INTERRUPTED and self.interrupted:
            return Outcome(stop, Cause.INTERRUPTED)
        if stop.position >= request.position and stop.kind not in _UNDER_WAY:
            return Outcome(stop, Cause.STEP, last)
        if stop.position >= self.ceiling:
            return Outcome(stop, Cause.LIMIT)
        if stop.position == self.recorded != self._began and stop.kind is StopKind.LIMIT:
            return Outcome(stop, Cause.RECORDED)
        return None

    def _acted(self) -> tuple[ExitRecord | None, tuple[int, ...], tuple[tuple[str, int | str], ...]]:
        """Ask the actions of what is pending: the exit that it is about, the numbers that stop here, and the fields."""
        stopping: list[Candidate] = []
        pending, self._pending = self._pending, []
        for c in pending:
            b = self.breakpoints.get(c.breakpoint.number)
            self.current, self.happened = c.record, dict(c.fields)
            if b.action is None or b.action(self._hit(b)):
                stopping.append(c)
        about = next((c.record for c in stopping if c.record is not None), None)
        fields = next((tuple(c.fields.items()) for c in stopping if c.fields), ())
        return about, tuple(dict.fromkeys(c.breakpoint.number for c in stopping)), fields

    def _cause(self, numbers: tuple[int, ...]) -> Cause:
        waited = any(self.breakpoints.get(n).verb in (Verb.RUN_UNTIL, Verb.WAIT_FOR) for n in numbers)
        return Cause.UNTIL if waited else Cause.BREAKPOINT

    def _arrived(self, stop: Stop, request: Request) -> bool:
        """Look at where the guest stands for breakpoints there; whether it is a place of the request."""
        here = (self.system.position, self.system.core.state.pc)
        client = self.client
        if stop.kind is StopKind.WATCH:
            self._passing = here
            self._offer(self._judge.touched(stop))
            if client is not None:
                touched = [client.touched(hit) for hit in stop.hits if hit.watch in client.watches]
                self._for_client = any(touched)
        if here == self._told:
            return False
        pc = here[1]
        if client is not None and pc in client.places:
            self._told = here
            self._for_client = client.arrived(pc) or self._for_client
        place = pc in request.places and (request.accept is None or request.accept())
        found = self._judge.at(pc) + (self._judge.of_class(pc) if stop.kind is StopKind.BREAKPOINT else [])
        found += self._judge.at_position(here[0]) if self._told is None or self._told[0] != here[0] else []
        if found:
            self._told = here
            self._offer(found)
        return place

    # --- what is told -----------------------------------------------------------------------------------------------
    def _hit(self, b: Breakpoint) -> TraceHit:
        record = self.current
        pc = self.system.core.state.pc if record is None else record.pc
        position = self.system.position if record is None else record.position
        return TraceHit(b.number, position, pc, record, str(b.event), tuple(self.happened.items()))

    def _trace(self, b: Breakpoint) -> None:
        self.traces.append(self._hit(b))
        if len(self.traces) > TRACES_KEPT:
            del self.traces[: TRACES_KEPT // 10]

    def _here(self, kind: StopKind, detail: str = "") -> Stop:
        return Stop(kind, self.system.position, self.system.core.state.pc, detail)

    def finished(self) -> None:
        """The command that ran is over: an interrupt that was asked for has been served."""
        self.interrupted = False
