"""The units of a search over processes of this host. Each makes its own machine and does whole units, so the result is
the same to the byte, whatever the number of processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ppcdbg.errors import UsageError
from ppcdbg.explore.conditions import Bounds, conditions
from ppcdbg.explore.search import Search, UnitResult
from ppcdbg.explore.sites import Site
from ppcdbg.explore.strategies import Plan, Unit, units
from ppcdbg.kvm.build import build_system
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.system import FINAL, Limits


@dataclass(frozen=True)
class Task:
    """What any process needs to do any unit."""

    machine: MachineDescription
    start: int
    plan: Plan
    sites: tuple[Site, ...]
    bounds: Bounds = Bounds()
    own: tuple[str, ...] = ()
    """Conditions of the user's, ``MODULE:CLASS``."""


def begin(machine: MachineDescription, start: int, bounds: Bounds, own: tuple[str, ...] = ()) -> Search:
    """A guest that stands at a position, ready to be searched. Raises UsageError where that cannot be."""
    system = build_system(machine)
    if not isinstance(system, KvmSystem):
        raise UsageError("races are between a guest and KVM; leave out --hv none")
    if start:
        stop = system.run(Limits(start))
        if stop.kind in FINAL:
            raise UsageError(f"the guest ends at position {stop.position:,}, before --from {start:,}: {stop.detail}")
    return Search(system, conditions(own), bounds)


def results(task: Task, search: Search, jobs: int, progress: Callable[[int, int], None]) -> Iterator[UnitResult]:
    """The results of all units, in their order. ``search`` is this process's own, ``jobs`` how many are to work."""
    todo = units(task.plan, len(task.sites))
    if jobs <= 1 or len(todo) == 1:
        for done, unit in enumerate(todo):
            progress(done, len(todo))
            yield search.unit(task.plan, unit, task.sites[unit.site])
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # A forked child would share the compiled code's threads and files; a new one makes everything anew.
    with ProcessPoolExecutor(min(jobs, len(todo)), get_context("spawn")) as pool:
        share = -(-len(task.sites) // jobs)  # neighbours share a path, which takes longer than most units
        pieces = [[u for u in todo if u.site // share == piece] for piece in range(-(-len(task.sites) // share))]
        if len(task.sites) < jobs:
            pieces = [todo[i::jobs] for i in range(min(jobs, len(todo)))]
        futures = [pool.submit(_piece, task, piece) for piece in pieces]
        found: dict[Unit, UnitResult] = {}
        for future in futures:
            progress(len(found), len(todo))
            found.update((result.unit, result) for result in future.result())
    yield from (found[unit] for unit in todo)


def _piece(task: Task, piece: list[Unit]) -> list[UnitResult]:
    """Some units, in a process of their own."""
    search = begin(task.machine, task.start, task.bounds, task.own)
    return [search.unit(task.plan, unit, task.sites[unit.site]) for unit in piece]
