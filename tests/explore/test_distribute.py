"""The work of a search among processes: the same report whoever does it, and whoever dies while doing it."""

from __future__ import annotations

import inspect
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ppcdbg.explore import distribute, wire
from ppcdbg.explore.conditions import Bounds
from ppcdbg.explore.distribute import explored
from ppcdbg.explore.report import Report, data
from ppcdbg.explore.search import Search
from ppcdbg.explore.sites import sections
from ppcdbg.explore.strategies import Plan, units
from ppcdbg.explore.task import Task
from ppcdbg.explore.workers import Processes, processes, spawned, worker
from tests.explore.rig import machine, search, sites

PLAN = Plan(("external", "decrementer"), 2)
TASK = Task(machine(), 0, PLAN, Bounds())


def nothing(done: int, total: int) -> None:
    pass


def run(hire: Callable[[Search], Processes | None], progress: Callable[[int, int], None] = nothing) -> Report:
    searching = TASK.begin()
    return explored(TASK, searching, sections(searching.system, 2_000, None), hire(searching), progress)


def anew(folder: Path) -> Callable[[Search], Processes]:
    """Two new processes."""
    return lambda of: spawned(wire.task_bytes(TASK, folder), 2)


def forks(of: Search) -> Processes:
    """Two copies of this one."""
    return processes(TASK, of, 2)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each unit is a piece, so that one ends while others wait."""
    monkeypatch.setattr(distribute, "LARGE", 1)


@pytest.fixture(scope="module")
def alone() -> Report:
    """What one process finds."""
    found = run(lambda of: None)
    assert found.complete and found.tried > 400 and found.failures
    return found


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("how", ["anew", "forks"])
def test_one_that_is_killed_costs_nothing_but_time(alone: Report, tmp_path: Path, how: str) -> None:
    killed: list[int] = []
    hired: list[Processes] = []

    def hire(of: Search) -> Processes:
        hired.append(forks(of) if how == "forks" else anew(tmp_path)(of))
        return hired[0]

    def kill(done: int, total: int) -> None:
        if done and not killed and hired[0].waiting:
            killed.append(hired[0].processes[0])
            os.kill(killed[0], signal.SIGKILL)

    assert run(hire, kill) == alone
    assert killed and multiprocessing.active_children() == []


@pytest.mark.skipif(sys.platform != "linux", reason="new processes are made instead")
def test_where_no_process_gets_memory_the_search_says_so() -> None:
    done = elsewhere("""
        Search.unit = lambda *_: exec("raise MemoryError")
        try:
            run(forks)
        except Exception as error:
            print(type(error).__name__, error)
    """)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert done.stdout.startswith("InputError the host gives the processes of the search no more memory")


def elsewhere(body: str) -> subprocess.CompletedProcess[str]:
    """Python in a process that has no thread but its first, so that it forks."""
    code = "import sys\nsys.path.insert(0, '.')\nfrom tests.explore.test_distribute import *\n" + inspect.cleandoc(body)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


@pytest.mark.skipif(sys.platform != "linux", reason="new processes are made instead")
def test_forks_need_nothing_made_anew(alone: Report) -> None:
    done = elsewhere("""
        wire.task_bytes = None
        print(json.dumps(data(run(forks))))
    """)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads(json.dumps(data(alone)))


@pytest.mark.skipif(sys.platform != "linux", reason="new processes are made instead")
def test_one_that_gets_no_memory_costs_nothing_but_time(alone: Report) -> None:
    """The host's limit comes while it works; another does its piece, and nobody hears of a traceback. (A new process
    that starves before it is ready to work tells its own interpreter's.)"""
    done = elsewhere("""
        import resource
        distribute.LARGE = 1
        hired, starved = [], []
        def starve(done, total):
            if done and not starved and hired[0].waiting:
                starved.append(hired[0].processes[0])
                resource.prlimit(starved[0], resource.RLIMIT_AS, (1 << 20, 1 << 20))
                resource.prlimit(starved[0], resource.RLIMIT_DATA, (1 << 20, 1 << 20))
        found = run(lambda of: hired.append(forks(of)) or hired[0], starve)
        assert starved
        print(json.dumps(data(found)))
    """)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert json.loads(done.stdout) == json.loads(json.dumps(data(alone)))


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
def test_a_fork_ends_with_the_process_that_made_it() -> None:
    done = elsewhere("""
        kept = []
        def die(done, total):
            if done:
                print(*kept[0].processes, flush=True)
                os.kill(os.getpid(), signal.SIGKILL)
        run(lambda of: kept.append(forks(of)) or kept[0], die)
    """)
    assert done.returncode == -signal.SIGKILL, done.stderr
    left = [int(word) for word in done.stdout.split()]
    assert left
    for _ in range(200):
        left = [pid for pid in left if Path(f"/proc/{pid}/stat").exists()]
        if not left:
            return
        time.sleep(0.05)
    raise AssertionError(f"processes {left} go on")


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
