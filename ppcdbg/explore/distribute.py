"""A whole search: in this process, or in pieces by workers while this one still looks for sites. No unit needs
anything of another, so that the result is the same to the byte, whoever did what, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ppcdbg.errors import Interrupted
from ppcdbg.explore import wire
from ppcdbg.explore.report import Report, report
from ppcdbg.explore.search import STOPPED, Search, UnitResult
from ppcdbg.explore.sites import Site
from ppcdbg.explore.strategies import Plan, Unit, units_of
from ppcdbg.explore.task import Task
from ppcdbg.explore.workers import POLL, Workers

Progress = Callable[[int, int], None]
"""Units done, and units known of."""
PIECE = 100
"""Schedules of a piece, at least, but for the last one: some 30 ms, twice as much of a Linux."""
LARGE = 1_000
"""Schedules of one site that are a piece by themselves; of fewer, who walks over the site does all."""
USUAL = 40
"""Boundaries of a section."""


def explored(
    task: Task, search: Search, found: Iterable[Site], workers: Workers | None, progress: Progress
) -> Report:  # fmt: skip
    """Search every site, and report; what was explored so far, where ``search.asked`` says to stop. ``search`` stands
    at the task's start and is this process's own; ``found`` may use it, site by site."""
    sites: list[Site] = []
    results: list[UnitResult] = []
    complete = True
    try:
        if workers is None:
            sites.extend(found)
            _here(task, search, sites, results, progress)
        else:
            Shared(task, search, workers, progress).all(found, sites, results)
    except Interrupted:
        complete = False
    finally:
        progress(0, 0)
        if workers is not None:
            workers.close()
    return report(task.plan, task.bounds, search.start, sites, results, complete)


def _here(task: Task, search: Search, sites: list[Site], results: list[UnitResult], progress: Progress) -> None:
    total = len(sites) * len(units_of(task.plan, 0))
    for number, site in enumerate(sites):
        for unit in units_of(task.plan, number):
            progress(len(results), total)
            results.append(search.unit(task.plan, unit, site))


class Shared:
    """The work of one search among workers. Answers are read when there is nothing better to do: who waits for a piece
    gets the next one first."""

    def __init__(self, task: Task, search: Search, workers: Workers, progress: Progress) -> None:
        self._task, self._search, self._workers, self._progress = task, search, workers, progress
        self._open: list[Unit] = []
        self._size = 0
        self._pieces: list[int] = []
        """Units of each."""
        self._known = self._done = 0
        self._asked = search.asked
        self._answers: list[bytes] = []

    def all(self, found: Iterable[Site], sites: list[Site], results: list[UnitResult]) -> None:
        """Everything. ``sites`` and ``results`` are filled as they come."""
        self._search.asked = self._tend  # while this process looks for sites, it still answers the others
        try:
            self._share(found, sites, results)
        finally:
            self._search.asked = self._asked
            while self._answers:
                self._read(results)

    def _share(self, found: Iterable[Site], sites: list[Site], results: list[UnitResult]) -> None:
        for site in found:
            sites.append(site)
            for unit in units_of(self._task.plan, len(sites) - 1):
                self._open.append(unit)
                self._known += 1
                self._size += weight(self._task.plan, unit, site)
                if self._size >= LARGE:
                    self._put(sites)
            if self._size >= PIECE:
                self._put(sites)
            if self._tend():
                raise Interrupted(STOPPED)
        if self._open:
            self._put(sites)
        self._workers.last()
        while self._workers.waiting:
            if self._tend(0 if self._answers else POLL):
                raise Interrupted(STOPPED)
            if self._answers:
                self._read(results)

    def _put(self, sites: list[Site]) -> None:
        self._workers.put(len(self._pieces), wire.piece_bytes(self._open, sites))
        self._pieces.append(len(self._open))
        self._open, self._size = [], 0

    def _tend(self, seconds: float = 0) -> bool:
        """Take what was done; whether the search is to stop."""
        if not self._known:
            self._workers.stand(self._search.system.position)
        for number, answer in self._workers.done(seconds):
            self._answers.append(answer)
            self._done += self._pieces[number]
        self._progress(self._done, self._known)
        return self._asked is not None and self._asked()

    def _read(self, results: list[UnitResult]) -> None:
        results += wire.results_of(self._answers.pop(), self._search.hv)


def weight(plan: Plan, unit: Unit, site: Site) -> int:
    """Schedules of a unit, or nearly so: what a site has that the guest is put at shows there."""
    boundaries = site.last - site.first + 1 if site.placed < 0 else USUAL
    return plan.samples if not unit.sources else boundaries * (plan.span + 1 if len(unit.sources) > 1 else 1)
