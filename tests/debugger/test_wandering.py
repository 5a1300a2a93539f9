"""Whatever one does with time, in any order: the guest is where a new one comes to that was only ever run forwards.

A machine of rules: steps and runs both ways, seeks, histories, branches, edits, breakpoints and interruptions. After
each rule the whole state is held to a fresh system's with the same input; stops are held to those that a fresh debugger
finds by ``continue`` alone, and a motion neither loses input nor brings any.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.stops import Cause, StopReport
from ppcdbg.errors import UsageError
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.input import InputEvent, Moment
from ppcdbg.machine.system import Hold, Limits
from ppcdbg.session.differ import Run
from ppcdbg.session.timeline import Key, Timeline
from tests.debugger.test_branches import bare
from tests.debugger.test_edits import edit
from tests.session.systems import demo, everything, make
from tests.session.test_classes import guest

MOST_STOPS = 300
WORDS = tuple(range(0x103000, 0x103080, 4))
Stops = list[tuple[Moment, tuple[int, ...]]]


class Wandering(RuleBasedStateMachine):
    """One guest under a debugger. ``machine`` is set by ``of``."""

    machine: MachineDescription
    budget = 512 << 20

    def __init__(self) -> None:
        super().__init__()
        self.d = d = self.new(())
        ticks = [0.0]

        def clock() -> float:  # by position: checkpoints are where they were when this is run again
            ticks[0] += 0.001
            return d.system.position / 20_000 + ticks[0]

        d.past._timeline = timeline = Timeline(d.system, self.budget, clock)
        timeline.parted.append(d.past._parted)
        plain = make(self.machine)
        self.pcs: list[int] = []
        for position in range(50, 30_000, 311):
            plain.run(Limits(position))
            self.pcs.append(plain.core.state.pc)
        self.back: list[Key] = []
        self.forward: list[Key] = []
        self.lost: set[Key] = set()
        """Places where one was in another future, or with input under way."""
        self.points: dict[int, str] = {}
        self.known: dict[tuple[object, ...], Stops] = {}
        self.names = ["main"]
        self.log: list[str] = []

    def new(self, events: tuple[InputEvent, ...]) -> Debugger:
        system = make(self.machine)
        if events:
            system.input.restore(events, len(events))
        return Debugger(system, self.machine.kernel)

    # --- what is held to what ---------------------------------------------------------------------------------------
    def do(self, line: str) -> StopReport | None:
        """Carry out a command; None where it is refused, which changes nothing."""
        self.log.append(line)
        try:
            found = self.d.execute(line)
        except UsageError:
            return None
        return found if isinstance(found, StopReport) else None

    @property
    def content(self) -> list[tuple[object, ...]]:
        return [event.content for event in self.d.past.timeline.history]

    def compare(self) -> None:
        d = self.d
        if d.system.input.ready(d.position, d.system.moment()):
            return  # it comes when the guest goes on
        fresh = make(self.machine)
        history = d.past.timeline.history
        fresh.input.restore(history, len(history))
        if isinstance(d.system, KvmSystem) and d.system.held is not None:  # an exit has come, and nothing is done yet
            there = key(d.system.moment())
            fresh.run(Limits(there[0] + 1, hold=Hold(lambda number: key(fresh.moment()) == there)))
            assert isinstance(fresh, KvmSystem) and fresh.held == d.system.held, self.log
        else:
            assert Run(fresh).to(d.system.moment()), (self.log, d.system.moment(), fresh.moment())
        ours, theirs = bare(everything(d.system)), bare(everything(fresh))
        assert ours == theirs, (self.log, d.system.moment())

    def move(self, line: str) -> StopReport | None:
        """A motion: of input and the places where one was, and then of everything."""
        here, before = self.d.past.here, self.content
        report = self.do(line)
        if self.d.past.here != here and (not self.back or self.back[-1] != here):
            self.back.append(here)
            self.forward.clear()
        assert self.content == before, self.log
        self.compare()
        return report

    def stops(self) -> Stops:
        """All that a new debugger comes by with these breakpoints."""
        key = (*self.points.items(), *self.content)
        if key not in self.known:
            d = self.new(self.d.past.timeline.history)
            d.past.kept = False
            for line in self.points.values():
                d.execute(line)
            found: Stops = []
            while len(found) < MOST_STOPS:
                report = d.continue_()
                if report.cause is Cause.ENDED:
                    break
                found.append((d.system.moment(), tuple(sorted(report.breakpoints))))
            self.known[key] = found
        return self.known[key]

    def numbers(self, report: StopReport) -> tuple[int, ...]:
        """As a new debugger has them, which numbers from 1."""
        mine = list(self.points)
        return tuple(sorted(mine.index(number) + 1 for number in report.breakpoints))

    @initialize(position=st.integers(0, 30_000))
    def begin(self, position: int) -> None:
        self.move(f"run-to {position}")

    # --- forwards ---------------------------------------------------------------------------------------------------
    @rule(n=st.integers(1, 40))
    def stepi(self, n: int) -> None:
        self.move(f"stepi {n}")

    @rule(word=st.sampled_from(("next", "finish", "step-exit 2", "until")))
    def step(self, word: str) -> None:
        self.move(word if word != "finish" else f"run-to {self.d.position + 700}")

    @rule(n=st.integers(1, 6_000))
    def run_on(self, n: int) -> None:
        self.move(f"run-to {self.d.position + n}")

    @rule()
    def continue_(self) -> None:
        here, stops = self.d.system.moment(), self.stops()
        report = self.move("continue")
        if report is None or self.d.system.ended is not None and report.cause is not Cause.ENDED:
            return
        moments = [stop[0] for stop in stops]
        if here in moments:
            following = stops[moments.index(here) + 1 :]
        else:
            following = [stop for stop in stops if key(stop[0]) > key(here)]
            if any(key(moment) == key(here) for moment in moments):
                return  # before it or behind it: an interrupt that was taken has no key
        if following:
            assert self.d.system.moment() == following[0][0], (self.log, self.d.system.moment(), following[:2])
            assert self.numbers(report) == following[0][1], self.log
        elif len(stops) < MOST_STOPS:
            assert report.cause is Cause.ENDED, (self.log, report.cause)

    # --- back -------------------------------------------------------------------------------------------------------
    @rule(n=st.integers(1, 30))
    def reverse_stepi(self, n: int) -> None:
        position = self.d.position
        self.move(f"reverse-stepi {n}")
        assert self.d.position == max(position - n, 0), self.log

    @rule(n=st.integers(1, 3))
    def reverse_next(self, n: int) -> None:
        position = self.d.position
        self.move(f"reverse-nexti {n}")
        assert self.d.position < position or not position, self.log

    @rule()
    def reverse_finish(self) -> None:
        position = self.d.position
        if self.move("reverse-finish") is not None:
            assert self.d.position < position or not position, self.log

    @rule()
    def reverse_continue(self) -> None:
        here, stops = self.d.system.moment(), self.stops()
        if len(stops) == MOST_STOPS and key(here) > key(stops[-1][0]):
            return
        report = self.move("reverse-continue")
        assert report is not None
        moments = [stop[0] for stop in stops]
        if here in moments:
            earlier = stops[: moments.index(here)]
        else:
            earlier = [stop for stop in stops if key(stop[0]) < key(here)]
            if any(key(moment) == key(here) for moment in moments):
                return
        if earlier:
            assert self.d.system.moment() == earlier[-1][0], (self.log, here, self.d.system.moment(), earlier[-2:])
            assert self.numbers(report) == earlier[-1][1], self.log
        else:
            assert report.cause is Cause.BEGINNING and self.d.past.here == (0, 0), (self.log, self.d.past.here)

    @rule(word=st.sampled_from(("write", "read", "change")), address=st.sampled_from(WORDS))
    def last(self, word: str, address: int) -> None:
        self.move(f"last {word} {address:#x}")

    @rule(line=st.sampled_from(("reverse-continue", "reverse-nexti 9", "last write 0x103040", "reverse-stepi 900")),
          looks=st.integers(1, 12))  # fmt: skip
    def interrupted(self, line: str, looks: int) -> None:
        """A search that is called off ends where it began."""
        here, left = self.d.system.moment(), [looks]

        def look() -> None:
            left[0] -= 1
            if not left[0]:
                self.d.interrupt()

        self.d.runner.between = look
        report = self.move(line)
        self.d.runner.between = None
        self.d.forget_interrupt()
        if report is not None and report.cause is Cause.INTERRUPTED and not line.endswith("9"):
            assert self.d.system.moment() == here, (self.log, here, self.d.system.moment())

    # --- anywhere ---------------------------------------------------------------------------------------------------
    @rule(position=st.integers(0, 33_000))
    def seek(self, position: int) -> None:
        self.move(f"seek {position}")
        assert self.d.position == position or self.d.system.ended is not None, self.log

    @rule(where=st.sampled_from(("exit:10", "exit:700+3", "irq:1", "irq:3", "%50", "end", "start", "-1", "+1")))
    def seek_counted(self, where: str) -> None:
        self.move(f"seek {where}")

    @precondition(lambda self: self.back)
    @rule()
    def go_back(self) -> None:
        here, to = self.d.past.here, self.back.pop()
        assert self.do("back") is not None and self.d.past.here == to or to in self.lost, (self.log, to)
        self.forward.append(here)
        self.compare()

    @precondition(lambda self: self.forward)
    @rule()
    def go_forward(self) -> None:
        here, to = self.d.past.here, self.forward.pop()
        assert self.do("forward") is not None and self.d.past.here == to or to in self.lost, (self.log, to)
        self.back.append(here)
        self.compare()

    # --- what changes -----------------------------------------------------------------------------------------------
    @rule(number=st.integers(0, 1 << 20))
    def edit(self, number: int) -> None:
        """It is input, and takes none away."""
        before = self.content
        self.do(edit(random.Random(number)))
        after = self.content
        assert [c for c in after if c in before] == before, self.log
        if after != before:
            assert self.d.past.known == self.d.past.here, (self.log, self.d.past.known)
            here = self.d.past.here  # what waits for the guest to go on has come when one is here again
            self.lost.update(place for place in (here, *self.back, *self.forward) if place >= here)
        self.compare()

    @rule()
    def branch(self) -> None:
        self.names.append(f"b{len(self.names)}")
        before = self.content
        self.do(f"branch {self.names[-1]}")
        assert self.content == before
        self.compare()

    @precondition(lambda self: len(self.names) > 1)
    @rule(data=st.data())
    def switch(self, data: Any) -> None:
        name = data.draw(st.sampled_from([n for n in self.names if n != self.d.branches.current]))
        wanted = self.d.branches.get(name)
        self.do(f"branch switch {name}")
        assert self.content == [event.content for event in wanted.events], self.log
        assert self.d.past.here == wanted.place, (self.log, self.d.past.here, wanted.place)
        self.back, self.forward = [], []
        self.compare()

    @rule(data=st.data())
    def add_breakpoint(self, data: Any) -> None:
        kinds = [f"break *{data.draw(st.sampled_from(self.pcs)):#x}{data.draw(st.sampled_from(('', ' if $r3 & 1')))}",
                 f"break data *(u32 *){data.draw(st.sampled_from(WORDS)):#x} write"]  # fmt: skip
        kinds += ["break exit DTLB_MISS", "break exit PROGRAM after", "break delivered", "break queued",
                  "break exit DTLB_MISS if dear & 0x1000"] if self.d.has_exits else ["break taken"]  # fmt: skip
        line = data.draw(st.sampled_from(kinds))
        numbers = {b.number for b in self.d.breakpoints}
        self.do(line)
        for number in {b.number for b in self.d.breakpoints} - numbers:
            self.points[number] = line

    @precondition(lambda self: self.points)
    @rule(data=st.data())
    def delete(self, data: Any) -> None:
        number = data.draw(st.sampled_from(sorted(self.points)))
        self.do(f"delete {number}")
        del self.points[number]


def key(moment: Moment) -> tuple[int, int]:
    return moment.position, moment.steps


def of(machine: MachineDescription, budget: int) -> type[Wandering]:
    return type("Wandering", (Wandering,), {"machine": machine, "budget": budget})


def wander(
    monkeypatch: pytest.MonkeyPatch, number: int, examples: int, steps: int, machine: MachineDescription
) -> None:
    """Near checkpoints and memory that runs short come in runs that are as short as these, too."""
    print(f"seed={number}")
    for name, value in (("FIRST", 700), ("NEAR", 150), ("WINDOW", 300), ("GROWTH", 4)):
        monkeypatch.setattr(f"ppcdbg.session.timeline.{name}", value)
    made = seed(number)(of(machine, random.Random(number).choice([1 << 20, 512 << 20])))
    run_state_machine_as_test(made, settings=settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, database=None, print_blob=False,
        phases=[Phase.generate], suppress_health_check=[*HealthCheck],
    ))  # fmt: skip


GUESTS: list[Callable[[], MachineDescription]] = [
    lambda: demo("e500v2", "kvm", "llvm"), lambda: demo("e500mc", "kvm", "reference"),
    lambda: demo("e500v2", "none", "llvm"), lambda: guest("e500mc", "none", "llvm"),
    lambda: guest("e500v2", "kvm", "llvm"), lambda: guest("e500v2", "none", "reference"),
]  # fmt: skip


@pytest.mark.parametrize("which", [0, 2])
def test_wherever_one_wanders_the_guest_is_as_if_it_had_been_run_there(
    monkeypatch: pytest.MonkeyPatch, which: int
) -> None:
    wander(monkeypatch, 1, 4, 14, GUESTS[which]())


@pytest.mark.soak
@pytest.mark.parametrize("which", range(len(GUESTS)))
def test_wherever_one_wanders_for_long(monkeypatch: pytest.MonkeyPatch, which: int) -> None:
    """PPCDBG_ENDURANCE minutes for each guest (half a minute unless it is set), from seeds that are printed."""
    end = time.monotonic() + 60 * float(os.environ.get("PPCDBG_ENDURANCE", "0.5"))
    for number in random.Random().sample(range(1 << 30), 1 << 10):
        wander(monkeypatch, number, 5, 40, GUESTS[which]())
        if time.monotonic() > end:
            return
