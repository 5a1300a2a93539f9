"""The work of a search among processes: the same report whoever does it, and whoever dies while doing it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from ppcdbg.explore import wire
from ppcdbg.explore.conditions import Bounds
from ppcdbg.explore.distribute import explored
from ppcdbg.explore.report import Report
from ppcdbg.explore.sites import sections
from ppcdbg.explore.strategies import Plan, units
from ppcdbg.explore.task import Task
from ppcdbg.explore.workers import Processes, worker
from tests.explore.rig import machine, search, sites

PLAN = Plan(("external", "decrementer"), 2)
TASK = Task(machine(), 0, PLAN, Bounds())


def nothing(done: int, total: int) -> None:
    pass


def run(workers: Processes | None, progress: Callable[[int, int], None] = nothing) -> Report:
    searching = TASK.begin()
    return explored(TASK, searching, sections(searching.system, 2_000, None), workers, progress)


def processes(tmp_path: Path, jobs: int) -> Processes:
    return Processes(wire.task_bytes(TASK, tmp_path), jobs)


@pytest.fixture(scope="module")
def alone() -> Report:
    """What one process finds."""
    found = run(None)
    assert found.complete and found.tried > 400 and found.failures
    return found


def test_one_that_is_killed_costs_nothing_but_time(alone: Report, tmp_path: Path) -> None:
    workers, killed = processes(tmp_path, 2), []

    def kill(done: int, total: int) -> None:
        if done and not killed and workers.waiting:
            killed.append(workers.processes[0])
            os.kill(killed[0], signal.SIGKILL)

    assert run(workers, kill) == alone
    assert killed


def test_a_search_that_is_stopped_keeps_what_it_found(alone: Report) -> None:
    searching, left = search(), [100]

    def asked() -> bool:
        left[0] -= 1
        return left[0] < 0

    searching.asked = asked
    found = explored(TASK, searching, sites(search()), None, nothing)
    assert not found.complete and 0 < found.tried < alone.tried


@pytest.mark.parametrize("plan", [PLAN, Plan(("external", "level"), 3, 20, 4)])
def test_what_crosses_is_what_was_found(plan: Plan, tmp_path: Path) -> None:
    """By bytes and back: a task, a piece of it, its results."""
    task = Task(machine(), 30, plan, Bounds(1, 2, 300), ("tests.explore.own:NeverAtAll",))
    (tmp_path / "a").mkdir()
    data = wire.task_bytes(task, tmp_path / "a")
    there = wire.task_of(data, tmp_path)
    assert (there.start, there.plan, there.bounds, there.own) == (30, plan, task.bounds, task.own)
    found = sites(search())
    mine = task.begin()
    wanted = [mine.unit(plan, unit, found[unit.site]) for unit in units(plan, 3)]
    answer = worker(data, tmp_path)(wire.piece_bytes(units(plan, 3), found))
    assert wire.results_of(answer, False) == wanted and any(r.failures for r in wanted)
