"""A row and how its rounds are run: every figure once a round, one after the other, so that noise falls on all alike.

A measurement may give several figures at once. One that raises NotRun is not asked again, and its reason stands in
the report. What is measured is the rows' business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ppcdbg.bench.results import Ask, Better, Figure, NotRun, RowResult

Measure = Callable[[], Mapping[str, float]]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Subject:
    """Something that is measured once a round. ``name`` stands in the report if it gives no figure."""

    name: str
    measure: Measure
    peer: bool = False


@dataclass(frozen=True)
class Row:
    """``warm`` is done once before the first round, unmeasured: caches, counts, files; NotRun ends the row."""

    name: str
    title: str
    unit: str
    better: Better
    subjects: tuple[Subject, ...]
    asks: tuple[Ask, ...] = ()
    note: str = ""
    warm: Callable[[], object] = field(default=lambda: None)


class _Samples:
    """The samples of one subject while the rounds are run."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.reason = ""
        self.values: dict[str, list[float | None]] = {}

    def take(self, number: int) -> None:
        """One round; ``number`` counts from 0."""
        try:
            figures = self.subject.measure()
        except NotRun as reason:
            self.reason = str(reason)
            return
        for name, value in figures.items():
            samples = self.values.setdefault(name, [])
            samples += [None] * (number - len(samples)) + [value]

    def figures(self, runs: int) -> list[Figure]:
        """What was measured; without any, one empty figure with the reason."""
        values = self.values or {self.subject.name: []}
        return [
            Figure(name, (*samples, *[None] * (runs - len(samples))), self.subject.peer, self.reason)
            for name, samples in values.items()
        ]


def measure(rows: Sequence[Row], runs: int, peers: bool, progress: Progress) -> tuple[RowResult, ...]:
    """Run ``runs`` rounds of every row, peers too if asked for, and give a result for each row in the given order."""
    results = []
    for row in rows:
        progress(f"{row.name}: warming up")
        try:
            row.warm()
        except NotRun as reason:
            results.append(RowResult(row.name, row.title, row.unit, row.better, (), row.asks, f"not run: {reason}"))
            continue
        samples = [_Samples(subject) for subject in row.subjects if peers or not subject.peer]
        for number in range(runs):
            for each in samples:
                if not each.reason:
                    progress(f"{row.name}: {each.subject.name}, run {number + 1}")
                    each.take(number)
        figures = tuple(figure for each in samples for figure in each.figures(runs))
        results.append(RowResult(row.name, row.title, row.unit, row.better, figures, row.asks, row.note))
    return tuple(results)
