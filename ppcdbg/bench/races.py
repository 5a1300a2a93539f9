"""The row of the explorer: schedules a second of an exhaustive search over 40 boundaries of paravirtual sections.

race-jobs pairs of interrupts in the same guest, some ten thousand schedules, by this process alone and by two others,
          whose start and whose results are in it; `race --jobs 1` and `--jobs 2` do no other.
race      the bundled guest `window`, forty boundaries on end that hold two sections and the window of one, the external
          interrupt and the decrementer at each. ``every schedule`` follows each to its end, with no state remembered.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace

from ppcdbg.bench import systems
from ppcdbg.bench.clock import timed
from ppcdbg.bench.results import Ask, Better, NotRun
from ppcdbg.bench.row import Row, Subject
from ppcdbg.explore.conditions import Bounds
from ppcdbg.explore.distribute import explored
from ppcdbg.explore.schedule import Event
from ppcdbg.explore.search import Search
from ppcdbg.explore.sites import Site, sections
from ppcdbg.explore.sources import source
from ppcdbg.explore.states import States
from ppcdbg.explore.strategies import Plan, units
from ppcdbg.explore.task import Task, begin
from ppcdbg.explore.workers import processes
from ppcdbg.machine.description import describe
from ppcdbg.machine.guests import guest_file

SITE = Site(0x001002DC, 63, 102)
"""From inside the section of wrteei 0 to the instruction behind that of mtmsr, by the guest's own positions."""
PLAN = Plan(("external", "decrementer"))
SCHEDULES = 80
ASKED = 5_000.0
FOUR = ("external", "level", "decrementer", "watchdog")
TWO = 1.7
"""How many times as fast two workers are asked to be."""


def prepared(engine: str) -> Search:
    """The guest at its beginning, and everything that a first search compiles."""
    search = begin(replace(describe(guest_file("window", os.environ)), engine=engine), 0, Bounds())
    found = remembered(search)
    if found != SCHEDULES:
        raise NotRun(f"the guest window has {found} schedules where {SCHEDULES} were")
    return search


def remembered(search: Search) -> int:
    """The search as a user gets it; how many schedules it tried."""
    return sum(search.unit(PLAN, unit, SITE).tried for unit in units(PLAN, 1))


def alone(search: Search) -> int:
    """Each schedule by itself."""
    path = search.path(SITE)
    states = States(path.base)
    tried = 0
    for name in PLAN.sources:
        for boundary in path.boundaries:
            search.verdict(search.outcome(path, (Event(source(name, search.hv), boundary.position),), states))
            tried += 1
    return tried


def race_row(rounds: int = 10) -> Row:
    """Schedules a second, on one core."""

    def measure(name: str, way: Callable[[Search], int]) -> Mapping[str, float]:
        search = prepared(systems.fastest())
        seconds, _ = timed(lambda: [way(search) for _ in range(rounds)])
        return {name: rounds * SCHEDULES / seconds}

    return Row(
        name="race",
        title="interrupts at 40 boundaries of critical sections, each followed to its verdict",
        unit="schedules/s",
        better=Better.HIGHER,
        subjects=(
            Subject("search", lambda: measure("search", remembered)),
            Subject("every schedule", lambda: measure("every schedule", alone)),
        ),
        asks=(Ask("search", ASKED),),
    )


def jobs_row(span: int = 60) -> Row:
    """Whole searches by one process and by two, in one round; what the second one brings. By processor time: what it
    would bring where two processors have nothing else to do and are never idle."""

    def measure() -> Mapping[str, float]:
        seconds, used = {}, {}
        for jobs in (1, 2):
            before = _processor_time()
            seconds[jobs] = timed(lambda jobs=jobs: _shared(span, jobs))[0]  # type: ignore[misc]
            used[jobs] = _processor_time() - before
        return {"two against one": seconds[1] / seconds[2], "by processor time": 2 * used[1] / used[2]}

    return Row(
        name="race-jobs",
        title="pairs of interrupts, by one worker and by two",
        unit="times",
        better=Better.HIGHER,
        subjects=(Subject("jobs", measure),),
        asks=(Ask("two against one", TWO),),
    )


def _processor_time() -> float:
    """Seconds that this process and those that it has waited for had a processor."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _shared(span: int, jobs: int) -> None:
    task = Task(describe(guest_file("window", os.environ)), 0, Plan(FOUR, span))
    search = task.begin()
    workers = None if jobs == 1 else processes(task, search, jobs)
    found = explored(task, search, sections(search.system, 2_000, None), workers, lambda done, total: None)
    if not found.complete or len(found.sites) != 3:
        raise NotRun(f"the guest window has {len(found.sites)} sites where 3 were")
