"""The deferral policies side by side: the same sites under each, what they lose, and what each deferral costs.

Every policy runs on a guest of its own from the first instruction, and finds the places again, because positions move
with it. A policy that asks something of the guest runs on one that does it (:mod:`.cooperate`), where that can be made.
Costs are the policy's own counts (``kvm.deferral.Costs``) over schedules of one interrupt, each followed to its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ppcdbg.errors import Interrupted
from ppcdbg.explore.cooperate import PATIENCE, Cooperation, asks, cooperation
from ppcdbg.explore.distribute import Progress, explored
from ppcdbg.explore.report import Report
from ppcdbg.explore.report import data as report_data
from ppcdbg.explore.schedule import Event
from ppcdbg.explore.search import Asked, Search
from ppcdbg.explore.sites import Site
from ppcdbg.explore.sources import source
from ppcdbg.explore.states import States
from ppcdbg.explore.task import Task
from ppcdbg.explore.workers import Workers
from ppcdbg.kvm.deferral import POLICIES, Counts, Deferral

COUNTED = 12
"""Sites at which costs are counted: the first that have a window under Linux 6.1, or else the first."""
Find = Callable[[Search], Iterable[Site]]
AS_IT_IS = "as it is"


@dataclass(frozen=True)
class Remedy:
    """One policy. ``guest``: on which guest; ``why`` it does not do what it must, if so. ``counts`` are sums over all
    schedules at ``counted`` sites, by the names of ``Counts``; ``longest`` is the greatest. ``standing``: exits that
    the policy costs where no interrupt is put in, in so many ``instructions``."""

    policy: str
    about: str
    guest_must: str
    guest: str
    why: str
    report: Report
    counts: dict[str, int]
    counted: int
    standing: int
    instructions: int


@dataclass(frozen=True)
class Means:
    """What a comparison needs from outside. ``find``: the sites of a guest; ``room``: see ``cooperation``; ``workers``
    for a task, if others share the work."""

    find: Find
    room: int | None
    workers: Callable[[Task, Search], Workers | None]
    progress: Progress
    asked: Asked | None = None


def remedies(task: Task, means: Means) -> Iterator[Remedy]:
    """Every policy, one after the other; Linux's own comes first and says which places there are."""
    stock: Report | None = None
    for policy in POLICIES:
        try:
            found = _one(task, means, policy, stock)
        except Interrupted:
            return
        stock = stock or found.report
        yield found
        if not found.report.complete:
            return


def cooperating(
    task: Task, policy: type[Deferral], sites: Sequence[Site], room: int | None
) -> tuple[Task, Cooperation]:  # fmt: skip
    """A task on a guest that does what a policy asks, from the first of its sections on; an interrupt may wait for
    that."""
    start = max(task.start, min((site.first for site in sites), default=0))
    patience = max(task.bounds.patience, PATIENCE)
    moved = replace(task, start=start, bounds=replace(task.bounds, patience=patience))
    made = cooperation(moved.begin().system, policy, [site.pc for site in sites if site.whole], room)
    return (replace(moved, changes=made.changes), made) if made.about else (task, made)


def _one(task: Task, means: Means, policy: type[Deferral], stock: Report | None) -> Remedy:
    mine = replace(task, machine=replace(task.machine, deferral=policy.name))
    made = Cooperation()
    if asks(policy) and stock is not None:
        mine, made = cooperating(mine, policy, [site.site for site in stock.sites], means.room)
    search = mine.begin(means.asked)
    sites: list[Site] = []

    def finding() -> Iterator[Site]:
        for site in _same(means.find(search), stock):
            sites.append(site)
            yield site

    before = search.system.kvm.deferral.costs().exits
    report = explored(mine, search, finding(), means.workers(mine, search), means.progress)
    end = max((site.last for site in sites), default=search.start)
    search.rewind()
    search.run_to(end)
    standing = search.system.kvm.deferral.costs().exits - before
    counted = _counted_sites(sites, stock or report)
    counts = _count(search, mine, counted) if report.complete else dict.fromkeys(Counts.NAMES, 0)
    about = " ".join((policy.__doc__ or "").split())
    return Remedy(policy.name, about, policy.guest_must, made.about or AS_IT_IS, made.why, report, counts, len(counted),
                  standing, end - search.start)  # fmt: skip


def _same(found: Iterable[Site], stock: Report | None) -> Iterator[Site]:
    """The places that Linux's own run has passed; all, where it is that run."""
    if stock is None:
        yield from found
        return
    wanted = {site.site.pc for site in stock.sites}
    for site in found:
        if site.pc in wanted:
            wanted.discard(site.pc)
            yield site
        if not wanted:
            return


def _counted_sites(sites: Sequence[Site], stock: Report) -> list[Site]:
    lose = {site.site.pc for site in stock.sites if any(site.window(name) for name in site.verdicts)}
    return [site for site in sites if site.pc in lose][:COUNTED] or [*sites][:COUNTED]


def _count(search: Search, task: Task, sites: Sequence[Site]) -> dict[str, int]:
    """What the policy did in all schedules of one interrupt."""
    total = dict.fromkeys(Counts.NAMES, 0)
    policy = search.system.kvm.deferral
    for site in sites:
        path = search.path(site)
        states = States(path.base)
        for name in task.plan.sources:
            for boundary in path.boundaries:
                path.put(boundary.position)
                before = policy.costs()
                search.outcome(path, (Event(source(name, search.hv), boundary.position),), states)
                now = policy.costs()
                for key in Counts.NAMES:
                    was, here = getattr(before, key), getattr(now, key)
                    total[key] = max(total[key], here) if key == "longest" else total[key] + here - was
    return total


def data(r: Remedy) -> dict[str, object]:
    """One policy as JSON can hold it."""
    return {
        "deferral": r.policy, "guest_must": r.guest_must, "guest": r.guest, "why": r.why, "counts": r.counts,
        "counted": r.counted, "standing": r.standing, "instructions": r.instructions, **report_data(r.report),
    }  # fmt: skip
