"""The deferral policies side by side: the same schedules under each, what they lose, and what each deferral costs.

Costs are the policy's own counts (``kvm.deferral.Costs``) over schedules of one interrupt, each followed to its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ppcdbg.explore.report import Report, report
from ppcdbg.explore.schedule import Event
from ppcdbg.explore.search import Search
from ppcdbg.explore.sites import Site
from ppcdbg.explore.sources import source
from ppcdbg.explore.states import States
from ppcdbg.explore.strategies import units
from ppcdbg.explore.task import Task
from ppcdbg.kvm.deferral import POLICIES, Counts


@dataclass(frozen=True)
class Remedy:
    """One policy. ``counts`` are sums over all schedules, by the names of ``Counts``; ``longest`` is the greatest."""

    policy: str
    about: str
    guest_must: str
    report: Report
    counts: dict[str, int]


def remedies(task: Task, sites: Sequence[Site]) -> Iterator[Remedy]:
    """Every policy on the sites of a task, one after the other."""
    for policy in POLICIES:
        search = replace(task, machine=replace(task.machine, deferral=policy.name)).begin()
        results = [search.unit(task.plan, unit, sites[unit.site]) for unit in units(task.plan, len(sites))]
        found = report(task.plan, task.bounds, task.start, sites, results)
        about = " ".join((policy.__doc__ or "").split())
        yield Remedy(policy.name, about, policy.guest_must, found, _counted(search, task, sites))


def _counted(search: Search, task: Task, sites: Sequence[Site]) -> dict[str, int]:
    """What the policy did in all schedules of one interrupt."""
    total = dict.fromkeys(Counts.NAMES, 0)
    counts = search.system.kvm.deferral_counts
    for site in sites:
        path = search.path(site)
        states = States(path.base)
        for name in task.plan.sources:
            for boundary in path.boundaries:
                path.put(boundary.position)
                before = counts.save()
                search.outcome(path, (Event(source(name, search.hv), boundary.position),), states)
                for key in Counts.NAMES:
                    now = getattr(counts, key)
                    total[key] = max(total[key], now) if key == "longest" else total[key] + now - int(str(before[key]))
    return total
