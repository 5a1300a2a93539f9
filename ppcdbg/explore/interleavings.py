"""The search over interleavings: all of them, up to a number of switches, or some that are drawn.

States are explored once. A switch is tried before each instruction that another core can notice; between those it
makes no difference when the other goes on (the instructions in between commute with everything the others do). Fewer
switches come first, so the first schedule of a failure is one with the fewest (iterative context bounding, as CHESS).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace

from ppcdbg.explore.interleaving import Course, End, Interleaving, Switch, text
from ppcdbg.explore.tale import Tale
from ppcdbg.explore.together import Broken, Judge, Rules
from ppcdbg.explore.vcpus import Moment, Vcpus

SPARSE = 8
"""Of how many places a drawn schedule switches at one."""


@dataclass(frozen=True)
class Plan:
    """``switches``: at most so many, None for all interleavings. ``steps``: instructions after which a run is given up.
    ``states``: so many at most. ``samples`` drawn with ``seed`` in place of all; ``prune``: see the module."""

    switches: int | None = None
    steps: int = 20_000
    states: int = 200_000
    samples: int = 0
    seed: int = 1
    prune: bool = True


@dataclass(frozen=True, slots=True)
class Failure:
    """``switches`` is least: with any one taken away nothing fails. ``position``: where it was clear."""

    switches: Interleaving
    broken: Broken
    position: int

    @property
    def line(self) -> str:
        return text(self.switches)


@dataclass
class Report:
    """``complete``: nothing within the plan was left out. ``runs`` were begun, ``joined`` of them came to a state that
    was known; ``places`` where a switch was possible; ``undecided`` were given up; ``deepest``: switches in a run;
    ``ran``: vCPUs that were ever let go."""

    plan: Plan
    vcpus: int
    complete: bool = True
    states: int = 0
    places: int = 0
    runs: int = 0
    joined: int = 0
    undecided: int = 0
    deepest: int = 0
    ran: int = 1
    clock: bool = False
    interrupted: bool = False
    failures: list[Failure] = field(default_factory=list)

    @property
    def decided(self) -> bool:
        """Whether nothing was given up, or left out of what was to be tried."""
        return not self.undecided and not self.interrupted and (self.complete or bool(self.plan.samples))


@dataclass(frozen=True, slots=True)
class _Node:
    """A run that is to be begun: where, and who goes on."""

    moment: Moment
    vcpu: int
    still: frozenset[int]
    switches: Interleaving


class _Again(Exception):
    """What the search took for granted does not hold of this guest: it begins anew without."""


class Interleavings:
    """The search of one guest."""

    def __init__(self, vcpus: Vcpus, rules: Rules) -> None:
        self.vcpus = vcpus
        self.judge = Judge(self.vcpus, rules)
        self._start = self.vcpus.moment()
        self._known: set[Hashable] = set()
        self._begun: set[Hashable] = set()
        self._found: dict[Broken, Failure] = {}
        self._asked: Callable[[], bool] = lambda: False

    # --- one --------------------------------------------------------------------------------------------------------
    def begin(self) -> Course:
        """A run from the start, with core 0."""
        self.vcpus.put(self._start)
        return Course(self.vcpus)

    def replay(self, switches: Interleaving, steps: int) -> tuple[Broken | None, int]:
        """One interleaving: what it breaks, and the position at which that was clear."""
        return self._follow(self.begin(), [*switches], steps, None)

    def tell(self, switches: Interleaving, steps: int) -> tuple[Broken | None, Tale]:
        """One interleaving, instruction by instruction."""
        course, tale = self.begin(), Tale()
        tale.begin(course)
        try:
            broken, _ = self._follow(course, [*switches], steps, tale)
        finally:
            tale.finish(course)
        cluster = self.vcpus.cluster
        waiting = [n for n in range(self.vcpus.count) if not cluster.held[n] and cluster.rests(n)]
        return None if broken is None else tale.explained(broken, waiting), tale

    def _follow(
        self, course: Course, coming: list[Switch], steps: int, tale: Tale | None
    ) -> tuple[Broken | None, int]:  # fmt: skip
        while True:
            end = course.settle()
            while end is None and coming and coming[0].position <= course.position:
                course.switch(coming.pop(0).vcpu)
                end = course.settle()
            if end is None and course.position >= steps:
                end = End.BOUND
            if end is not None:
                return self.judge.end(end), course.position
            if tale is not None:
                tale.before(course)
            course.advance()
            if tale is not None:
                tale.after(course)
            broken = self.judge.state()
            if broken is not None:
                return broken, course.position

    def least(self, failure: Failure, steps: int) -> Failure:
        """What is left of a failure when every switch is taken away that it does not need."""
        for leave in range(len(failure.switches)):
            rest = failure.switches[:leave] + failure.switches[leave + 1 :]
            broken, position = self.replay(rest, steps)
            if broken is not None:
                return self.least(Failure(rest, broken, position), steps)
        return failure

    # --- all --------------------------------------------------------------------------------------------------------
    def search(
        self,
        plan: Plan,
        progress: Callable[[int, int], None] = lambda states, runs: None,
        asked: Callable[[], bool] = lambda: False,
    ) -> Report:
        """Everything of a plan. ``progress``: states so far, and runs that are still to begin. ``asked``: whether to
        leave it there."""
        self._asked = asked
        clock, prune = False, plan.prune
        while True:
            report = Report(plan, self.vcpus.count, clock=clock)
            self.vcpus.clock = clock
            for engine in self.vcpus.cluster.engines:
                engine.code_written = False
            self._known.clear()
            self._begun.clear()
            self._found.clear()
            try:
                if plan.samples:
                    self._draw(report, progress)
                else:
                    self._all(report, prune, progress)
            except _Again:
                clock = self.vcpus.clock
                prune = prune and not self._code_written()
                continue
            report.states = len(self._known)
            least = [self.least(found, plan.steps) for found in self._found.values()]
            unique = {failure.line: failure for failure in least}.values()
            report.failures = [self._explained(failure, plan.steps) for failure in unique]
            return report

    def _explained(self, failure: Failure, steps: int) -> Failure:
        broken, _ = self.tell(failure.switches, steps)
        return failure if broken is None else replace(failure, broken=broken)

    def broken(self, condition: str) -> set[Broken]:
        """Every way in which a condition was broken in the last search, also those whose least schedules are one."""
        return {broken for broken in self._found if broken.condition == condition}

    def _code_written(self) -> bool:
        return any(engine.code_written for engine in self.vcpus.cluster.engines)

    def _all(self, report: Report, prune: bool, progress: Callable[[int, int], None]) -> None:
        plan = report.plan
        now, later = [_Node(self._start, 0, frozenset(), ())], list[_Node]()
        while now:
            node = now.pop()
            progress(len(self._known), len(now) + len(later))
            self._run(node, report, prune, later)
            if len(self._known) >= plan.states or self._asked():
                report.interrupted = self._asked()
                report.complete = False
                return
            if not now:
                now, later = later[::-1], []

    def _run(self, node: _Node, report: Report, prune: bool, later: list[_Node]) -> None:
        """One run by itself from a node, noting every other that begins on its way."""
        vcpus, plan, judge = self.vcpus, report.plan, self.judge
        vcpus.put(node.moment)
        course = Course(vcpus, node.vcpu, node.still)
        report.runs += 1
        report.deepest = max(report.deepest, len(node.switches))
        own: set[Hashable] = set()  # states of this very stretch: it may be about to close a circle
        current = -1
        while True:
            end = course.settle()
            if end is None and course.position >= plan.steps:
                end = End.BOUND
            if self._asked():
                return
            if end is not None:
                report.undecided += end is End.BOUND
                self._note(node, judge.end(end), course.position)
                return
            if current != course.current:
                own.clear()
            current = course.current
            if not prune or judge.visible(current) or not vcpus.local(current):
                state = vcpus.key(clock=True) if vcpus.clock else course.key()
                if (state, current) in self._known and state not in own:
                    report.joined += 1
                    return
                own.add(state)
                self._known.add((state, current))
                self._branch(node, course, state, report, later)
            course.advance()
            report.ran = max(report.ran, vcpus.count - sum(vcpus.cluster.held))
            if vcpus.clock is not report.clock or prune and self._code_written():
                raise _Again
            broken = judge.state()
            if broken is not None:
                self._note(node, broken, course.position)
                return

    def _branch(self, node: _Node, course: Course, state: Hashable, report: Report, later: list[_Node]) -> None:
        """The runs in which another core goes on from here."""
        moment: Moment | None = None
        for vcpu in range(self.vcpus.count):
            if vcpu == course.current or not course.able(vcpu):
                continue
            report.places += 1
            if report.plan.switches is not None and len(node.switches) >= report.plan.switches:
                continue
            if (state, vcpu) in self._known or (state, vcpu) in self._begun:
                continue
            self._begun.add((state, vcpu))
            moment = moment or self.vcpus.moment()
            later.append(_Node(moment, vcpu, course.still, (*node.switches, Switch(course.position, vcpu))))

    def _note(self, node: _Node, broken: Broken | None, position: int) -> None:
        if broken is not None:
            self._found.setdefault(broken, Failure(node.switches, broken, position))

    # --- some -------------------------------------------------------------------------------------------------------
    def _draw(self, report: Report, progress: Callable[[int, int], None]) -> None:
        """Schedules that are drawn: each from a seed of its own, so that any can be drawn again."""
        plan = report.plan
        for sample in range(plan.samples):
            if self._asked():
                report.interrupted = True
                break
            progress(len(self._known), plan.samples - sample)
            chance = random.Random(f"{plan.seed}:{sample}")
            course, switches = self.begin(), list[Switch]()
            report.runs += 1
            broken, end = None, None
            while broken is None and end is None:
                end = course.settle()
                if end is None and course.position >= plan.steps:
                    end = End.BOUND
                if end is not None:
                    report.undecided += end is End.BOUND
                    broken = self.judge.end(end)
                    break
                if not self.vcpus.local(course.current) or self.judge.visible(course.current):
                    self._known.add((course.key(), course.current))
                    if self._perhaps(course, switches, chance, plan):
                        continue
                course.advance()
                report.ran = max(report.ran, self.vcpus.count - sum(self.vcpus.cluster.held))
                broken = self.judge.state()
            report.deepest = max(report.deepest, len(switches))
            self._note(_Node(self._start, 0, frozenset(), tuple(switches)), broken, course.position)
        report.complete = False

    def _perhaps(self, course: Course, switches: list[Switch], chance: random.Random, plan: Plan) -> bool:
        """Whether another core goes on here, by chance."""
        others = [v for v in range(self.vcpus.count) if v != course.current and course.able(v)]
        if plan.switches is not None and len(switches) >= plan.switches or not others or chance.randrange(SPARSE):
            return False
        switches.append(Switch(course.position, chance.choice(others)))
        course.switch(switches[-1].vcpu)
        return True
