"""Which schedules to try. The work comes in units that need nothing of each other, so that any number of processes does
the same units and finds the same.

exhaustive   each source at each boundary of each site
pairs        two different sources, the second at most ``span`` boundaries after the first
random       so many schedules of one or two interrupts, drawn from a seed; all of a site's are one unit
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ppcdbg.explore.schedule import Event, Schedule
from ppcdbg.explore.sites import Boundary
from ppcdbg.explore.sources import source


@dataclass(frozen=True)
class Plan:
    """What is to be tried: ``sources`` by name; ``span`` 0 for no pairs; ``samples`` drawn from ``seed`` in place of
    all schedules, 0 for all."""

    sources: tuple[str, ...]
    span: int = 0
    samples: int = 0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Unit:
    """One piece of work: a site, by its number, and the sources of its schedules; none: drawn ones."""

    site: int
    sources: tuple[str, ...]


def units(plan: Plan, sites: int) -> list[Unit]:
    """All of the work, in the order of the report."""
    return [unit for site in range(sites) for unit in units_of(plan, site)]


def units_of(plan: Plan, site: int) -> list[Unit]:
    """The work of one site, by its number."""
    if plan.samples:
        return [Unit(site, ())]
    made = [Unit(site, (name,)) for name in plan.sources]
    if plan.span:
        made += [Unit(site, (a, b)) for a in plan.sources for b in plan.sources if a != b]
    return made


def schedules(plan: Plan, unit: Unit, boundaries: Sequence[Boundary], hv: bool) -> Iterator[Schedule]:
    """The schedules of a unit. Those that interrupt early come first: later ones begin in states that these went by."""
    positions = [b.position for b in boundaries]
    if not unit.sources:
        yield from _drawn(plan, unit, positions, hv)
        return
    first, *rest = (source(name, hv) for name in unit.sources)
    for at in range(len(positions)):
        if not rest:
            yield (Event(first, positions[at]),)
            continue
        for then in positions[at : at + plan.span + 1]:
            yield Event(first, positions[at]), Event(rest[0], then)


def _drawn(plan: Plan, unit: Unit, positions: Sequence[int], hv: bool) -> Iterator[Schedule]:
    """Samples of a site, by the seed and the site's number alone."""
    chance = random.Random(plan.seed << 32 | unit.site)
    for _ in range(plan.samples):
        count = min(chance.choice((1, 2)) if plan.span else 1, len(plan.sources))
        names = chance.sample(plan.sources, count)
        at = chance.randrange(len(positions))
        events = [Event(source(names[0], hv), positions[at])]
        if count == 2:
            then = min(at + chance.randrange(plan.span + 1), len(positions) - 1)
            events.append(Event(source(names[1], hv), positions[then]))
        yield tuple(events)
