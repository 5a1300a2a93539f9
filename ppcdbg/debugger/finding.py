"""Finding a moment by what has been counted up to it: the n-th interrupt, a tick of the clock.

Counts grow with time, and saved states have them: the last checkpoint before the moment is found without moving, and
the rest is run through. Interrupts of a bare machine are counted by nobody; they are noted while its past is run
through once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ppcdbg.cpu.observe import Observer
from ppcdbg.cpu.plain import Saved, numbers, table
from ppcdbg.cpu.state import RETIRED, SKIPPED
from ppcdbg.debugger.positions import Kind, Where
from ppcdbg.debugger.run import FOREVER
from ppcdbg.debugger.stops import Cause
from ppcdbg.errors import UsageError
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.input import Moment
from ppcdbg.machine.system import Limits, Stop, System
from ppcdbg.session.interrupts import Interrupts
from ppcdbg.session.snapshots import registers_of

if TYPE_CHECKING:
    from ppcdbg.debugger.travel import Travel

Asked = Callable[[], bool]
Row = tuple[int, int, int, int, int]
"""An interrupt that was taken, as ``session.columns.INTERRUPT_COLUMNS``."""


def ticks_of(state: Saved) -> int:
    """The clock of a saved state."""
    counters = registers_of(state).counters
    return int(counters[RETIRED] + counters[SKIPPED])


def delivered_of(state: Saved) -> int:
    """Interrupts that KVM had delivered in a saved state."""
    vcpu = table(table(state["loop"])["vcpu"])
    return sum(numbers(table(vcpu["lists"])["delivered_counts"]))


class Finder:
    """Finds moments of one debugger's guest."""

    def __init__(self, travel: Travel) -> None:
        self._travel = travel
        self._taken: list[Row] = []
        self._upto = -1

    @property
    def _system(self) -> System:
        return self._travel.debugger.system

    def position(self, where: Where) -> int:
        """The position of a counted place, found by going there and coming back. Raises UsageError where it lies after
        everything that is known."""
        travel, debugger = self._travel, self._travel.debugger
        here, last, before, count = travel.here, debugger.last, debugger.before, travel.known[1]
        if where.kind is Kind.EXIT and not 0 <= where.number < count:
            raise UsageError(f"exit {where.number:,} is not known yet, only {count:,} are; seek or run there first")
        with travel.unrecorded():
            report = travel.go(where) if where.kind is Kind.EXIT else travel.seek_counted(where, beyond_known=False)
            found = debugger.position
            travel.go_to(here)
        debugger.stands(last, before)
        if report.cause is not Cause.STEP:
            raise UsageError(f"{where.kind.value}:{where.number} was not found in what is known")
        return found

    # --- motion, for Travel ---------------------------------------------------------------------------------------
    def go(self, where: Where, asked: Asked, beyond_known: bool) -> Stop:
        """Be at the moment. Raises UsageError where it lies after what is known and that is to be the limit."""
        self._travel.timeline.take_over()
        if where.kind is Kind.TIME:
            stop = self._to_tick(where.number, asked, beyond_known)
        elif isinstance(self._system, KvmSystem):
            stop = self._to_delivery(self._system, where.number, asked, beyond_known)
        else:
            stop = self._to_taken(where.number, asked, beyond_known)
        if where.beyond and not asked():
            stop = self._travel.timeline.seek(self._system.position + where.beyond, asked)
        return stop

    def _nearest(self, before: Callable[[Saved], bool], asked: Asked) -> None:
        """Be at the last checkpoint of which something is still true."""
        timeline = self._travel.timeline
        timeline.go_to(timeline.last_point(before), asked)

    def _limit(self, beyond_known: bool) -> int:
        return FOREVER if beyond_known else self._travel.known[0]

    def _to_delivery(self, system: KvmSystem, number: int, asked: Asked, beyond_known: bool) -> Stop:
        limit, counts = self._limit(beyond_known), system.kvm.delivered_counts
        self._nearest(lambda state: delivered_of(state) < number, asked)
        stop = system.run(Limits(limit, interrupted=asked, after_exit=lambda: sum(counts) >= number))
        if sum(counts) < number and not asked():
            raise UsageError(
                f"irq:{number} is not there: up to position {system.position:,} {sum(counts):,} were delivered"
            )
        return stop

    def _to_tick(self, tick: int, asked: Asked, beyond_known: bool) -> Stop:
        system, timeline, limit = self._system, self._travel.timeline, self._limit(beyond_known)
        self._nearest(lambda state: ticks_of(state) < tick, asked)
        low, stop = system.position, timeline.seek(system.position, asked)
        while system.core.now < tick and system.ended is None and system.position < limit and not asked():
            low = system.position
            stop = system.run(Limits(min(limit, low + tick - system.core.now), interrupted=asked))
        if asked():
            return stop
        if system.core.now < tick:
            raise UsageError(
                f"time:{tick} is not there: at position {system.position:,} the clock is at {system.core.now:,}"
            )
        high = system.position
        while high - low > 1 and not asked():  # the guest was idle on the way
            middle = (low + high) // 2
            timeline.seek(middle, asked)
            low, high = (low, middle) if system.core.now >= tick else (middle, high)
        return timeline.seek(high, asked)

    def _to_taken(self, number: int, asked: Asked, beyond_known: bool) -> Stop:
        limit = self._limit(beyond_known)
        while len(self._taken) < number and self._upto < limit and not asked():
            self._note(min(limit, max(self._travel.known[0], self._upto + 10_000_000)), asked)
            if self._system.ended is not None:
                break
        if asked():
            return self._travel.timeline.seek(self._system.position)
        if len(self._taken) < number:
            raise UsageError(
                f"irq:{number} is not there: up to position {self._upto:,} {len(self._taken):,} were taken"
            )
        return self._travel.timeline.seek(self._taken[number - 1][4], asked)

    def _note(self, upto: int, asked: Asked) -> None:
        """Run through a stretch whose interrupts are not noted yet, and note them."""
        system, timeline = self._system, self._travel.timeline
        first = max(self._upto, timeline.start[0])
        timeline.seek(first, asked)
        counting = _Counting(system.core.observer, first if self._upto >= 0 else -1)
        system.core.observer = counting
        try:
            system.run(Limits(upto, interrupted=asked))
        finally:
            system.core.observer = counting.before
        self._taken += [row for row in counting.rows if row[4] < system.position or system.ended]
        self._upto = system.position

    def taken_before(self, moment: Moment, asked: Asked) -> list[Row] | None:
        """The interrupts that a bare machine took before a moment where it was, and be there again; None where that was
        interrupted."""
        system, timeline, position = self._system, self._travel.timeline, moment.position
        while self._upto < position and system.ended is None and not asked():
            self._note(position, asked)
        timeline.seek(position)
        counting = system.core.observer = _Counting(system.core.observer, position)
        timeline.be_at(moment)
        system.core.observer = counting.before
        return None if asked() else [row for row in self._taken if row[4] < position] + counting.rows

    def parted(self) -> None:
        """The past was changed: what came later will not come again."""
        here = self._system.position
        self._upto = min(self._upto, here)
        self._taken = [row for row in self._taken if row[4] < here]


class _Counting(Interrupts):
    """Those that are taken at or after ``first``."""

    def __init__(self, before: Observer, first: int) -> None:
        super().__init__(before)
        self.first = first

    def interrupt_taken(self, vector: int, pc: int, msr: int, guest: bool, position: int) -> None:
        """See ``Observer``."""
        self.listens = position >= self.first
        super().interrupt_taken(vector, pc, msr, guest, position)
