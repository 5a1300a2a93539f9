"""Two events in one world switch: the second behind the first by a bounded number of instructions, wherever the machine
is then: in the switch, in the handler of the first, in KVM's exit.

A pair fails where it breaks a condition that neither of its events breaks alone at its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ppcdbg.cpu.interrupts import DTLB_MISS, ITLB_MISS
from ppcdbg.explore.switch_events import SwitchEvent
from ppcdbg.explore.switch_judge import SwitchVerdict, judge
from ppcdbg.explore.switch_run import Course, Run
from ppcdbg.kvm.switch.rig import RigState

SPAN = 4
"""Instructions between two events of a pair, unless somebody says other."""


@dataclass(frozen=True, slots=True)
class PairFailure:
    """``line`` replays it; ``first`` and ``second`` are names of events."""

    line: str
    first: str
    second: str
    verdict: SwitchVerdict


@dataclass(frozen=True)
class Pairs:
    """Pairs up to ``span`` instructions apart. ``tried``: runs by first and second event, in the order of the report's
    events; ``covered`` of them fail as one of their events does alone."""

    span: int
    tried: tuple[tuple[int, ...], ...]
    covered: int = 0
    failures: tuple[PairFailure, ...] = ()

    @classmethod
    def none(cls, span: int, events: int) -> Pairs:
        """Nothing was tried yet."""
        return cls(span, ((0,) * events,) * events)

    @property
    def runs(self) -> int:
        return sum(map(sum, self.tried))

    def more(self, other: Pairs) -> Pairs:
        """These, and those of later steps."""
        tried = tuple(tuple(a + b for a, b in zip(*rows)) for rows in zip(self.tried, other.tried))
        return Pairs(self.span, tried, self.covered + other.covered, self.failures + other.failures)


def pairs_at(
    course: Course, state: RigState, events: Sequence[SwitchEvent], first: Sequence[SwitchEvent], line: str, span: int
) -> Pairs:  # fmt: skip
    """All pairs whose first event comes at one step. ``state``: the machine there; ``first``: the events that come
    there and break nothing; ``line`` has a place for an event."""
    tried = [[0] * len(events) for _ in events]
    failures: list[PairFailure] = []
    covered = 0
    alone = _Alone(course, state)
    for one in first:
        course.rig.restore(state)
        run = Run(course)
        run.comes(one)
        kept = run.keep()
        for after in range(span + 1):
            if after:
                run.put(kept)
                if run.go(1):
                    break
                kept = run.keep()
            for other in events:
                if not _both(events, one, other, after):
                    continue
                run.put(kept)
                if not run.comes(other):
                    continue
                run.go()
                verdict = judge(run.observed())
                tried[events.index(one)][events.index(other)] += 1
                if verdict.condition and alone.fails(other, after):
                    covered += 1
                elif verdict.condition:
                    failures.append(PairFailure(
                        f"{line % one.name}+{other.name}@+{after}", one.name, other.name, verdict
                    ))  # fmt: skip
    return replace(Pairs.none(span, len(events)), tried=tuple(map(tuple, tried)), covered=covered,
                   failures=tuple(failures))  # fmt: skip


def _both(events: Sequence[SwitchEvent], one: SwitchEvent, other: SwitchEvent, after: int) -> bool:
    """Whether two events are a pair: one level is one interrupt, and at one instruction their order is nothing."""
    if one is other:
        return one.vector in (DTLB_MISS, ITLB_MISS) and after > 0
    return after > 0 or events.index(one) < events.index(other)


class _Alone:
    """Whether the second event of a pair fails without the first."""

    def __init__(self, course: Course, state: RigState) -> None:
        self._course, self._state = course, state
        self._known: dict[tuple[str, int], bool] = {}

    def fails(self, what: SwitchEvent, after: int) -> bool:
        key = what.name, after
        if key not in self._known:
            self._course.rig.restore(self._state)
            run = Run(self._course)
            over = run.go(after)
            come = not over and run.comes(what)
            run.go()
            self._known[key] = come and bool(judge(run.observed()).condition)
        return self._known[key]
