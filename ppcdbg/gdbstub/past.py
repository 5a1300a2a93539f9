"""Going back for gdb (bs, bc), on a timeline of the session floor. Implements ``stub.Reverse``.

What counts as a stop on the way back is what would stop the guest on the way forward: gdb's points and the user's
breakpoints. While it is looked for, nothing is counted, logged or printed; an interrupted search ends where it began.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ppcdbg.debugger.run import Outcome, Request
from ppcdbg.debugger.stops import Cause, StopReport
from ppcdbg.machine.system import Stop, StopKind

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

_STOPS = (Cause.CLIENT, Cause.BREAKPOINT)


class Past:
    """The past of one debugger's guest, from the moment of construction on."""

    def __init__(self, debugger: Debugger) -> None:
        self.debugger = debugger
        self.runner = debugger.runner
        self.timeline = debugger.past.timeline
        self._found: Outcome | None = None
        self._left = (-1, -1)
        """Where the last search ended; elsewhere the timeline has moved the guest since."""

    @property
    def _begun(self) -> bool:
        return (self.debugger.system.position, self.debugger.system.steps) <= self.timeline.start

    def step_back(self) -> tuple[StopReport, bool]:
        """To the position before: the instruction that retired last, whether the guest's own flow or a handler's."""
        if self._begun:
            return self._stay(), True

        def act() -> Outcome:
            self.runner.moved()
            return Outcome(self.timeline.seek(self.debugger.position - 1, self._asked), Cause.STEP)

        return self.debugger.travel(act), False

    def continue_back(self) -> tuple[StopReport, bool]:
        """To the last stop before the present; true with the beginning, where there is none."""
        if self._begun:
            return self._stay(), True
        system = self.debugger.system
        here = system.position, system.steps
        nowhere = False

        def act() -> Outcome:
            nonlocal nowhere
            self._left = (-1, -1)
            with self._unnoticed():
                found = self.timeline.last_stop(self._search, self._asked)
            if found is None:
                self.runner.moved()
            if self._asked():
                return Outcome(self.timeline.go_to(here), Cause.INTERRUPTED)
            nowhere = found is None
            outcome, stop = self._found, Stop(StopKind.LIMIT, system.position, system.core.state.pc)
            return Outcome(stop, Cause.STEP) if nowhere or outcome is None else outcome

        return self.debugger.travel(act), nowhere

    def _stay(self) -> StopReport:
        system = self.debugger.system
        stop = Stop(StopKind.LIMIT, system.position, system.core.state.pc, "the beginning")
        return self.debugger.travel(lambda: Outcome(stop, Cause.STEP))

    def _search(self, position: int) -> Stop | None:
        """Forward to the next stop before a position. Raises nothing; an interrupt is a stop of its own kind."""
        system = self.debugger.system
        if (system.position, system.steps) != self._left:
            self.runner.moved()
        outcome = self.runner.go(Request(position))
        self._left = system.position, system.steps
        if outcome.cause in _STOPS:
            self._found = outcome
            return outcome.stop
        return outcome.stop if outcome.cause is Cause.INTERRUPTED else None

    def _asked(self) -> bool:
        if self.runner.between is not None:
            self.runner.between()
        return self.runner.interrupted

    @contextmanager
    def _unnoticed(self) -> Iterator[None]:
        """The same stops again and again: their counts, logs and words stay as they are."""
        runner, traced = self.runner, len(self.runner.traces)
        client = runner.client
        with runner.breakpoints.unchanged():
            if client is not None:
                client.silent = True
            try:
                yield
            finally:
                if client is not None:
                    client.silent = False
                del runner.traces[traced:]
