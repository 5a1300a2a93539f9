"""Going back: where the guest was, as runs of the debugger that end at an earlier moment.

The timeline (:mod:`ppcdbg.session.timeline`) brings the guest to a place; what a stop is, the runner says, by running
forwards from a checkpoint. So every kind of breakpoint and condition works backwards, and the stops are the same ones
in mirrored order. Breakpoints count no hits and ignore none on the way back, and an interrupted search ends where it
began.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ppcdbg.debugger.bookmarks import Bookmarks
from ppcdbg.debugger.events import Event, Verb
from ppcdbg.debugger.finding import Finder, Row
from ppcdbg.debugger.looking import Looking
from ppcdbg.debugger.notes import Notes
from ppcdbg.debugger.positions import Kind, Where
from ppcdbg.debugger.recording import Recording
from ppcdbg.debugger.run import FOREVER, Outcome, Request
from ppcdbg.debugger.sessionfile import SessionFile
from ppcdbg.debugger.stops import Cause, StopReport
from ppcdbg.debugger.work import Work
from ppcdbg.errors import InputError, UsageError
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.input import InputEvent, Moment
from ppcdbg.machine.system import Stop, StopKind
from ppcdbg.session.places import Key, MidKey, key_of
from ppcdbg.session.recorded import Recorded
from ppcdbg.session.shelf import Shelf
from ppcdbg.session.timeline import Timeline

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

HISTORY = 500
AT_ONCE = 200_000
"""Exits of a recording that are known as soon as it is opened; of a longer one, when a checkpoint is gone to."""
BUDGET = 5_000_000
"""Instructions that reverse-next looks back for the call that it steps over."""


class Travel:
    """The past of one debugger's guest. The timeline begins with the first run, or with the first wish to go back."""

    def __init__(self, debugger: Debugger) -> None:
        self._debugger = self.debugger = debugger
        self._timeline: Timeline | None = None
        self._shelf: Shelf | None = None
        self._back: list[Key] = []
        self._forward: list[Key] = []
        machine = debugger.system.description
        self.file: Path | None = None if machine is None else machine.session
        """The session file that is replayed."""
        self.parted_at: int | None = None
        """Where this run ceased to be the file's, if it did."""
        self._recorded = None if self.file is None else Recorded(self.file)
        self._told: list[str] = []
        if self._recorded is not None:
            self._foretell(self._recorded)
        if self._recorded is not None and not self._recorded.ended:
            debugger.runner.recorded = self._recorded.end[0]
        self.kept_in = SessionFile(self.file)
        self.bookmarks: Bookmarks = Bookmarks(self.kept_in, lambda: self.parted_at)
        self.notes = Notes(self.kept_in)
        self.kept = True
        """Whether runs can be gone back through; off, nothing is kept until somebody asks to go back."""
        self.looking = Looking(self)
        self.finder = Finder(self)
        self.recording = Recording(self)

    def _foretell(self, recorded: Recorded) -> None:
        """Know what the file has logged, unless that is too much to be read at once."""
        if recorded.reached.steps <= AT_ONCE:
            try:
                recorded.foretell(self._debugger.system)
            except InputError as error:
                self._told.append(str(error))

    @property
    def had(self) -> tuple[InputEvent, ...]:
        """The input that the guest has had and what is to come, in order."""
        taken = () if self._timeline is None else self._timeline.taken
        return *taken, *self._debugger.system.input.pending()

    @property
    def timeline(self) -> Timeline:
        if self._timeline is None:
            self._timeline = Timeline(self._debugger.system, recorded=self._recorded)
            self._timeline.parted.append(self._parted)
            if self._recorded is not None and self._timeline.start == self._recorded.start:
                self._shelf = shelf = Shelf(
                    self._recorded.path, self._debugger.system, lambda: len(self.timeline.taken)
                )
                self._timeline.leaving.append(shelf.moved)
        return self._timeline

    @property
    def end(self) -> Key:
        """The furthest moment that the guest has been at; what a recording foretells is not counted."""
        return self.here if self._timeline is None else max(self._timeline.been, self.here)

    def _parted(self) -> None:
        """The past was changed: what follows is another run than the session file's."""
        if isinstance(self._debugger.system, KvmSystem):
            position, exits = self.here
            self._debugger.system.answers.parted((position, exits))
        if self._recorded is not None and self.parted_at is None:
            self.parted_at = self._debugger.system.position
        if self._shelf is not None:
            self._shelf.resting = True
        self._debugger.runner.recorded = FOREVER
        self.finder.parted()

    @property
    def kept_places(self) -> tuple[int, ...]:
        """Positions of the checkpoints in the session file that is replayed, while the run is still the file's."""
        if self._recorded is None or self.parted_at is not None:
            return ()
        return tuple(position for position, _ in self._recorded.places)

    def tell(self, sentence: str) -> None:
        """Have something told when there is an occasion."""
        self._told.append(sentence)

    def told(self) -> list[str]:
        """What went wrong with the session file's checkpoints since this was last asked, a sentence each."""
        told, self._told = self._told, []
        if self._timeline is not None:
            told += self._timeline.told
            self._timeline.told = []
        return list(dict.fromkeys(told))

    @property
    def known(self) -> Key:
        """The furthest place that is known: run to, or recorded in the session file that is replayed."""
        if self._timeline is None:
            return self.here if self._recorded is None else max(self.here, self._recorded.end)
        return max(self._timeline.end, self.here)

    def begin(self) -> None:
        """Before a run: what follows can be gone back through."""
        if self.kept:
            assert self.timeline is not None

    def seen(self, position: int) -> bool:
        """Whether the guest was past this position before, with the same past: what it prints there was heard."""
        return self._timeline is not None and position < self._timeline.been[0]

    @property
    def here(self) -> Key:
        return key_of(self._debugger.system)

    def left(self, key: Key) -> None:
        """The guest was moved away from a place: ``back`` returns there."""
        if key != self.here and (not self._back or self._back[-1] != key):
            self._back.append(key)
            del self._back[:-HISTORY]
            self._forward.clear()

    @contextmanager
    def unrecorded(self) -> Iterator[None]:
        """Motions that ``back`` and ``forward`` know nothing of."""
        back, ahead = [*self._back], [*self._forward]
        try:
            yield
        finally:
            self._back[:], self._forward[:] = back, ahead

    # --- other futures ----------------------------------------------------------------------------------------------
    def follow(self, taken: Sequence[InputEvent]) -> None:
        """The past begins here, and this input had come before."""
        self._timeline = Timeline(self._debugger.system, taken=taken)

    def asked(self) -> bool:
        """Whether somebody wants what goes on to end; called often, so that who looks at the guest can."""
        return self._asked()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Go elsewhere for a while, and be back where one was, as if nothing had been."""
        debugger, here = self._debugger, self.here
        last, before = debugger.last, debugger.before
        with self.unrecorded():
            try:
                yield
            finally:
                if self.here != here:  # also when somebody asked for the end of what went on
                    self._move(lambda: self._arrived(self.timeline.go_to(here), here[0]))
                    debugger.stands(last, before)

    def go_on(self, events: Sequence[InputEvent], key: Key) -> StopReport:
        """Be at a place of another future, which has this input. The places where one was may not be in it."""

        def go() -> Outcome:
            self.timeline.become(events)
            if self._recorded is not None and [e.content for e in events] == self._recorded.input:
                self._come_back(self._recorded)
            return self._arrived(self.timeline.go_to(key, self._asked), key[0])

        report = self._move(go)
        self._back.clear()
        self._forward.clear()
        return report

    def _come_back(self, recorded: Recorded) -> None:
        """This is the run of the session file again."""
        self.parted_at = None
        if self._shelf is not None:
            self._shelf.resting = False
        if not recorded.ended:
            self._debugger.runner.recorded = recorded.end[0]
        self.timeline.know(recorded)
        self._foretell(recorded)

    # --- for the commands -------------------------------------------------------------------------------------------
    def seek(self, position: int) -> StopReport:
        """To a position, forwards or back; both ends of what there is are stops."""
        return self._move(lambda: self._arrived(self.timeline.seek(position, self._asked), position), position)

    def seek_exit(self, number: int, beyond: int = 0) -> StopReport:
        """To where an exit has been handled, and so many instructions on. Raises UsageError on the bare machine."""
        self._debugger.need_exits()

        def go() -> Outcome:
            stop = self.timeline.seek_exit(number + 1, self._asked)
            if beyond and self._debugger.system.steps == number + 1:
                stop = self.timeline.seek(self._debugger.system.position + beyond, self._asked)
            return self._arrived(stop, stop.position)

        return self._move(go, exits=number + 1)

    def seek_counted(self, where: Where, *, beyond_known: bool = True) -> StopReport:
        """To where something had been counted so far, for the first time. Raises UsageError where it never is."""

        def go() -> Outcome:
            here = self.here
            try:
                stop = self.finder.go(where, self._asked, beyond_known)
            except UsageError:
                self.timeline.go_to(here)
                raise
            return self._arrived(stop, stop.position)

        return self._move(go)

    def go(self, where: Where) -> StopReport:
        """To a place in time, however it was given."""
        if where.kind is Kind.EXIT:
            return self.seek_exit(where.number, where.beyond)
        if where.kind is not Kind.POSITION:
            return self.seek_counted(where)
        if where.exits is None:
            return self.seek(where.number)
        return self.go_to((where.number, where.exits))

    def go_to(self, key: Key) -> StopReport:
        """To a place where the guest was."""
        return self._move(lambda: self._arrived(self.timeline.go_to(key, self._asked), key[0]), key[0])

    def back(self) -> StopReport:
        """To the place before this one in the history of places. Raises UsageError at its beginning."""
        return self._through(self._back, self._forward, "back")

    def forward(self) -> StopReport:
        """Where ``back`` came from. Raises UsageError where it came from nowhere."""
        return self._through(self._forward, self._back, "forward")

    def _through(self, source: list[Key], other: list[Key], word: str) -> StopReport:
        if not source:
            raise UsageError(f"there is no place to go {word} to")
        here, key = self.here, source.pop()
        with self.unrecorded():
            report = self.go_to(key)
        other.append(here)
        return report

    def reverse_step(self, times: int = 1) -> StopReport:
        """To before the last ``times`` instructions; a step back is one retired instruction, in whatever context."""
        return self._move(lambda: self._step_back(self.here[0] - times), self.here[0] - times)

    def _step_back(self, position: int) -> Outcome:
        here = self._debugger.system.moment()
        outcome = self._arrived(self.timeline.seek(position, self._asked), position)
        if outcome.cause is Cause.INTERRUPTED:
            return Outcome(self.timeline.be_at(here), Cause.INTERRUPTED)
        # To the beginning itself it was a step; only from there on there is none.
        stepped = outcome.cause is Cause.BEGINNING and position == self.timeline.start[0]
        return replace(outcome, cause=Cause.STEP) if stepped else outcome

    def reverse_next(self, times: int = 1) -> StopReport:
        """As ``reverse_step``, but a call or an interrupt that came back is gone over as a whole."""

        def go() -> Outcome:
            outcome = self._next_back()
            for _ in range(times - 1):
                if outcome.cause is not Cause.STEP:
                    break
                outcome = self._next_back()
            return outcome

        return self._move(go)

    def _next_back(self) -> Outcome:
        debugger, here = self._debugger, self.here
        stepper, pc = debugger.stepper, debugger.core.state.pc
        frame = stepper.frame()
        outcome, now = self._step_back(here[0] - 1), stepper.frame()
        if outcome.cause is not Cause.STEP or (
            now.context == frame.context
            and (now.stack >= frame.stack and self._same_function(pc, debugger.core.state.pc))
        ):
            return outcome
        self.timeline.go_to(here, self._asked)
        found = self._last(
            Request(places=frozenset({pc - 4 & 0xFFFFFFFF}), accept=lambda: stepper.frame() == frame),
            here[0] - BUDGET,
        )
        if found.cause is Cause.UNTIL:
            return replace(found, cause=Cause.STEP)
        return self._step_back(here[0] - 1) if found.cause is Cause.BEGINNING else found

    def _same_function(self, first: int, second: int) -> bool:
        symbols = self._debugger.symbols
        one, two = symbols.place(first), symbols.place(second)
        if one is None or two is None:
            return abs(first - second) <= 4
        return one.name == two.name

    def reverse_finish(self) -> StopReport:
        """To the call of the function that the guest is in. Raises UsageError where no symbol says where it begins."""
        debugger = self._debugger
        state, stepper = debugger.core.state, debugger.stepper
        place = debugger.symbols.place(state.pc)
        if place is None:
            raise UsageError(f"no symbol says in which function {state.pc:#010x} lies, so its call cannot be found")
        entry, frame = state.pc - place.offset, stepper.frame()

        def entered() -> bool:
            now = stepper.frame()
            return now.context == frame.context and now.stack >= frame.stack

        def go() -> Outcome:
            if debugger.core.state.pc != entry:
                found = self._last(Request(places=frozenset({entry}), accept=entered))
                if found.cause is not Cause.UNTIL or found.numbers:
                    return found
            position = debugger.system.position - 1
            return self._arrived(self.timeline.seek(position, self._asked), position)

        return self._move(go)

    def reverse_continue(self) -> StopReport:
        """To the last stop before now, of any kind; without one, to the beginning."""
        return self._move(lambda: self._last(Request()))

    def last_of(self, event: Event, condition: str = "") -> StopReport:
        """To the last time before now that an event happened. Raises UsageError where it did not: the guest stays."""
        debugger, start = self._debugger, self.timeline.start[0]
        made = debugger.add_breakpoint(Verb.WAIT_FOR, event, condition, temporary=True)

        def go() -> Outcome:
            here = self.here
            found = self._last(Request(only=made.number))
            if found.cause is Cause.BEGINNING:
                self.timeline.go_to(here)
                raise UsageError(f"{made.event} did not happen between position {start:,} and here")
            return found

        try:
            return self._move(go)
        finally:
            if any(b.number == made.number for b in debugger.breakpoints):
                debugger.breakpoints.delete(made.number)

    # --- session files ----------------------------------------------------------------------------------------------
    def interrupts(self) -> list[Row] | None:
        """Those that a bare machine took up to now; None where looking for them was interrupted. The guest stays."""
        there, found = self._debugger.system.moment(), list[list[Row] | None]()

        def go() -> Outcome:
            found.append(self.finder.taken_before(there, self._asked))
            return Outcome(self._stop(StopKind.LIMIT), Cause.STEP)

        self._move(go)
        return found[0]

    # --- how --------------------------------------------------------------------------------------------------------
    def _asked(self) -> bool:
        return self._debugger.runner.called_off()

    def _move(self, act: Callable[[], Outcome], goal: int | None = None, exits: int = 0) -> StopReport:
        """``goal``: the position that is gone to, where it is known; or so many ``exits`` handled."""
        debugger = self._debugger
        way = "going back" if goal is not None and goal < self.here[0] else "going there"

        def measure() -> Work:
            return Work(way, debugger.system.steps, exits, "exits") if exits else Work(way, debugger.position, goal)

        with debugger.works.doing(measure):
            return debugger.travel(self._elsewhere(act), compare=True)

    def _elsewhere(self, act: Callable[[], Outcome]) -> Callable[[], Outcome]:
        def moved() -> Outcome:
            self._debugger.runner.moved()
            return act()

        return moved

    def _arrived(self, stop: Stop, wanted: int) -> Outcome:
        """What the end of a motion means: there, the beginning, the guest's end, or an interruption."""
        if self._debugger.runner.interrupted:
            return Outcome(replace(stop, kind=StopKind.INTERRUPTED), Cause.INTERRUPTED)
        if self._debugger.system.ended is not None:
            return Outcome(stop, Cause.ENDED)
        if wanted <= self.timeline.start[0] and stop.position == self.timeline.start[0]:
            return Outcome(stop, Cause.BEGINNING)
        return Outcome(stop, Cause.STEP)

    def _last(self, request: Request, floor: int = 0) -> Outcome:
        """Back to the last stop before now of the breakpoints, or of a request's places; to the beginning where there
        is none. Nothing before ``floor`` is looked for."""
        runner, here, began = self._debugger.runner, self._debugger.system.moment(), self.here
        traces, client, outcomes = len(runner.traces), runner.client, list[Outcome]()
        left: list[Key] = []
        stretch = [here.position, here.position]

        def search(high: int) -> Stop | None:
            if high != stretch[1]:
                stretch[:] = self.here[0], high
            if self.here not in left:
                runner.moved()
            outcome = runner.go(replace(request, position=high))
            left[:], outcomes[:] = [self.here], [outcome]
            stopped = outcome.cause in (Cause.UNTIL, Cause.CLIENT, Cause.BREAKPOINT, Cause.INTERRUPTED)
            return outcome.stop if stopped else None

        if client is not None:
            client.silent = True
        try:
            with runner.breakpoints.unchanged(), self._debugger.works.doing(lambda: self._looked(here, stretch)):
                found = self.timeline.last_stop(search, self._asked, floor)
        finally:
            del runner.traces[traces:]
            if client is not None:
                client.silent = False
        if self._asked():
            inside = isinstance(began, MidKey)
            return Outcome(self.timeline.go_to(began) if inside else self.timeline.be_at(here), Cause.INTERRUPTED)
        if found is None:
            runner.moved()  # the last search told of stops that lie after the beginning
            return Outcome(self._stop(StopKind.LIMIT), Cause.BEGINNING)
        return outcomes[0]

    def _looked(self, here: Moment, stretch: Sequence[int]) -> Work:
        """How much of the past before a moment was looked through, stretch by stretch; the last is not whole yet."""
        low, high = stretch
        done = here.position - high + max(self._debugger.position - low, 0)
        return Work("looking back", done, here.position - self.timeline.start[0])

    def _stop(self, kind: StopKind) -> Stop:
        return Stop(kind, self._debugger.system.position, self._debugger.core.state.pc)
