"""A search in one process: a guest that stands where the search begins, the sites it passes, and units of schedules.

Reading order: sources, schedule, sites, walk, strategies, this; conditions say what is wrong, point and states make it
fast; :mod:`.distribute` does the same in several processes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ppcdbg.errors import Interrupted
from ppcdbg.explore.conditions import Bounds, Condition, Verdict, judge
from ppcdbg.explore.guest import Guest
from ppcdbg.explore.outcome import Outcome
from ppcdbg.explore.point import Base
from ppcdbg.explore.schedule import Schedule, text
from ppcdbg.explore.sites import Boundary, Path, Site, around
from ppcdbg.explore.states import States
from ppcdbg.explore.strategies import Plan, Unit, schedules
from ppcdbg.explore.walk import Futures, Walk
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.system import Limits
from ppcdbg.session import snapshots
from ppcdbg.session.pages import Pages


@dataclass(frozen=True, slots=True)
class Failure:
    """A schedule that breaks a condition and from which no interrupt can be taken away. ``line`` replays it."""

    line: str
    verdict: Verdict
    outcome: Outcome


@dataclass(frozen=True)
class UnitResult:
    """What a unit found. ``verdicts`` are those of its schedules that have one interrupt, by position of it."""

    unit: Unit
    boundaries: tuple[Boundary, ...]
    spoiled: tuple[str, ...]
    tried: int
    undecided: int
    followed: int
    joined: int
    verdicts: tuple[tuple[int, str, Verdict], ...]
    failures: tuple[Failure, ...]


Asked = Callable[[], bool]
"""Whether the search is to stop."""
STOPPED = "interrupted before the search began"


class Search:
    """One guest under KVM, where it stands when this is made. ``asked`` is asked several times a second, and where it
    says so any search here raises Interrupted; the guest then stands anywhere."""

    def __init__(
        self, system: KvmSystem, conditions: Sequence[Condition], bounds: Bounds, asked: Asked | None = None
    ) -> None:  # fmt: skip
        self.asked = asked
        self.system, self.conditions, self.bounds = system, conditions, bounds
        self.hv = system.kvm.hv
        self._pages = Pages(system)
        self._start = snapshots.take(system, self._pages)
        self._guest = Guest(system)
        self._path: Path | None = None
        self._on_way = False
        """The guest stands on its undisturbed way, wherever that is."""
        self.tried = 0
        """Schedules of units that were tried so far."""

    @property
    def start(self) -> int:
        """The position at which the search begins."""
        return self._start.position

    def detach(self) -> None:
        """Go on in a process that is a copy of the one that made this, from where the guest stands on its way."""
        self.asked, self._path, self._on_way = None, None, True

    def rewind(self) -> None:
        """The guest stands where the search begins."""
        snapshots.put(self.system, self._pages, self._start)

    def run_to(self, position: int) -> None:
        """Go forward; not at all where the guest is there already. Raises Interrupted."""
        while self.system.position < position and self.system.ended is None:
            self.system.run(Limits(position, interrupted=self.asked))
            self.stop_if_asked()

    def stop_if_asked(self) -> None:
        """Raises Interrupted."""
        if self.asked is not None and self.asked():
            self._path = None
            raise Interrupted(STOPPED)

    def path(self, site: Site) -> Path:
        """The guest's way over a site; the last one asked for is kept."""
        if self._path is None or self._path.site != site:
            kept = self._path
            if kept is not None and kept.site.first <= site.first and kept.site.placed < 0 and site.placed < 0:
                kept.put(kept.site.first)  # its first boundary is undisturbed, and on the way
            elif not (self._on_way and site.placed < 0 and self.system.position <= site.first):
                self.rewind()
            self._on_way = False
            self.run_to(site.first)
            self._path = Path(Base(self.system, self._pages), site)
        return self._path

    def outcome(self, path: Path, schedule: Schedule, states: States, futures: Futures | None = None) -> Outcome:
        """What becomes of one schedule."""
        self.stop_if_asked()
        path.put(schedule[0].position)
        last = path.boundaries[-1].position + 1
        placed = path.site.placed >= 0
        walk = Walk(path.base, self._guest, states, schedule, self.bounds, last, path.kept, placed)
        walk.ask = self.stop_if_asked
        return walk.go(futures)

    def verdict(self, outcome: Outcome) -> Verdict:
        """See ``conditions.judge``."""
        return judge(outcome, self.conditions, self.bounds)

    def replay(self, schedule: Schedule, put: Site | None = None) -> tuple[Outcome, tuple[Boundary, ...]]:
        """One schedule from where the search begins, with the undisturbed boundaries that it comes at. ``put``: the
        site that the guest is put at."""
        first, last = schedule[0].position, schedule[-1].position
        if put is None:
            self.rewind()
            put = around(self.system, first)
            self._path = None
        path = self.path(put or Site(0, first, last))
        return self.outcome(path, schedule, States(path.base)), path.boundaries

    def unit(self, plan: Plan, unit: Unit, site: Site) -> UnitResult:
        """Try all schedules of a unit."""
        path = self.path(site)
        futures, states = Futures(), States(path.base)
        verdicts: list[tuple[int, str, Verdict]] = []
        failures: dict[str, Failure] = {}
        tried = undecided = 0
        for schedule in schedules(plan, unit, path.boundaries, self.hv):
            outcome = self.outcome(path, schedule, states, futures)
            verdict = self.verdict(outcome)
            tried += 1
            self.tried += 1
            undecided += verdict.word == "open"
            if len(schedule) == 1:
                verdicts.append((schedule[0].position, schedule[0].source.name, verdict))
            if verdict.condition:
                failure = self._least(path, states, futures, outcome, verdict)
                failures.setdefault(failure.line, failure)
        return UnitResult(
            unit, path.boundaries, path.spoiled, tried, undecided, futures.followed, futures.joined,
            tuple(sorted(verdicts, key=lambda v: v[:2])),
            tuple(sorted(failures.values(), key=lambda f: [e.position for e in f.outcome.schedule])),
        )  # fmt: skip

    def _least(self, path: Path, states: States, futures: Futures, outcome: Outcome, verdict: Verdict) -> Failure:
        """The failure that is left when every interrupt is taken away that it does not need."""
        schedule = outcome.schedule
        for leave in range(len(schedule)):
            rest = schedule[:leave] + schedule[leave + 1 :]
            if rest:
                less = self.outcome(path, rest, states, futures)
                of_less = self.verdict(less)
                if of_less.condition:
                    return self._least(path, states, futures, less, of_less)
        return Failure(path.site.prefix + text(schedule), verdict, outcome)
