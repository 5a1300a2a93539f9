"""A whole search: in this process, or in pieces by workers while this one still looks for sites. No unit needs
anything of another, so that the result is the same to the byte, whoever did what, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ppcdbg.errors import Interrupted
from ppcdbg.explore import wire
from ppcdbg.explore.report import Report, report
from ppcdbg.explore.search import STOPPED, Search, UnitResult
from ppcdbg.explore.sites import Site
from ppcdbg.explore.strategies import Unit, units_of
from ppcdbg.explore.task import Task
from ppcdbg.explore.workers import Workers

Progress = Callable[[int, int], None]
"""Units done, and units known of."""
PIECE = 4
"""Units of a piece: a tenth of a second, half a second of a Linux."""
POLL = 0.05
"""Seconds between two looks at whether the search is to stop."""


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
    """The work of one search among workers."""

    def __init__(self, task: Task, search: Search, workers: Workers, progress: Progress) -> None:
        self._task, self._search, self._workers, self._progress = task, search, workers, progress
        self._open: list[Unit] = []
        self._pieces = 0
        self._known = 0
        self._asked = search.asked
        self._results: list[UnitResult] = []

    def all(self, found: Iterable[Site], sites: list[Site], results: list[UnitResult]) -> None:
        """Everything. ``sites`` and ``results`` are filled as they come."""
        self._results = results
        self._search.asked = self._tend  # while this process looks for sites, it still answers the others
        try:
            self._share(found, sites)
        finally:
            self._search.asked = self._asked

    def _share(self, found: Iterable[Site], sites: list[Site]) -> None:
        for site in found:
            units = units_of(self._task.plan, len(sites))
            sites.append(site)
            self._open += units
            self._known += len(units)
            while len(self._open) >= PIECE:
                self._put(sites)
            if self._tend():
                raise Interrupted(STOPPED)
        while self._open:
            self._put(sites)
        while self._workers.waiting:
            if self._tend(POLL):
                raise Interrupted(STOPPED)

    def _put(self, sites: list[Site]) -> None:
        piece, self._open = self._open[:PIECE], self._open[PIECE:]
        self._workers.put(self._pieces, wire.piece_bytes(piece, sites))
        self._pieces += 1

    def _tend(self, seconds: float = 0) -> bool:
        """Take what was done; whether the search is to stop."""
        for _, answer in self._workers.done(seconds):
            self._results += wire.results_of(answer, self._search.hv)
        self._progress(len(self._results), self._known)
        return self._asked is not None and self._asked()
