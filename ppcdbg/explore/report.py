"""What a search found, put together: coverage, verdicts by site and boundary, failures; as data for views and for
JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from ppcdbg.explore.conditions import Bounds, Verdict
from ppcdbg.explore.outcome import Outcome
from ppcdbg.explore.search import Failure, UnitResult
from ppcdbg.explore.sites import Boundary, Site
from ppcdbg.explore.strategies import Plan, units_of

SCHEMA = "ppcdbg-race"
SCHEMA_VERSION = 2
_BRANCH = 18
"""Primary opcode of an unconditional branch."""


@dataclass(frozen=True)
class SiteReport:
    """One site. ``verdicts``: by source, one a boundary, None where nothing was tried."""

    site: Site
    boundaries: tuple[Boundary, ...]
    verdicts: dict[str, tuple[Verdict | None, ...]]
    failures: tuple[Failure, ...]
    spoiled: tuple[str, ...] = ()
    """Registers that the undisturbed section does not give back."""

    @property
    def pc(self) -> int:
        """The instruction that the guest was patched at, where a branch leads into the section; else the site's."""
        first = self.boundaries[0] if self.boundaries else None
        return first.pc if first is not None and first.word >> 26 == _BRANCH else self.site.pc

    def window(self, source: str) -> tuple[Boundary, ...]:
        """The boundaries at which one interrupt of a source breaks a condition."""
        found = self.verdicts.get(source, ())
        return tuple(b for b, verdict in zip(self.boundaries, found) if verdict is not None and verdict.condition)


@dataclass(frozen=True)
class Report:
    """A whole search. ``tried`` schedules of which ``followed`` were run to their end and ``joined`` came to a state
    whose future was known; ``undecided`` reached the bound; ``possible`` is how many the strategy has in all."""

    plan: Plan
    bounds: Bounds
    start: int
    sites: tuple[SiteReport, ...]
    tried: int
    undecided: int
    followed: int
    joined: int
    complete: bool = True
    """Everything was explored; False: the search was stopped before."""

    @property
    def explored(self) -> int:
        """How many of the sites something was tried at."""
        return sum(bool(site.boundaries) for site in self.sites)

    @property
    def failures(self) -> tuple[Failure, ...]:
        return tuple(failure for site in self.sites for failure in site.failures)

    @property
    def spoiled(self) -> tuple[SiteReport, ...]:
        """The sites whose section is wrong by itself."""
        return tuple(site for site in self.sites if site.spoiled)

    @property
    def boundaries(self) -> int:
        return sum(len(site.boundaries) for site in self.sites)

    @property
    def possible(self) -> int:
        """Boundaries times sources: what a search for single interrupts can try."""
        return self.boundaries * len(self.plan.sources)

    @property
    def covered(self) -> int:
        """Those of them that were tried and decided."""
        return sum(
            v is not None and v.word != "open" for site in self.sites for row in site.verdicts.values() for v in row
        )

    @property
    def factor(self) -> float:
        """How many schedules each one that was run to its end stands for."""
        return (self.followed + self.joined) / self.followed if self.followed else 1.0


def report(
    plan: Plan, bounds: Bounds, start: int, sites: Iterable[Site], results: Iterable[UnitResult], complete: bool = True
) -> Report:  # fmt: skip
    """Put the units' results together, in whatever order they come."""
    order = {unit.sources: n for n, unit in enumerate(units_of(plan, 0))}
    everything: dict[int, list[UnitResult]] = {}
    for result in sorted(results, key=lambda r: order[r.unit.sources]):
        everything.setdefault(result.unit.site, []).append(result)
    made = []
    for number, site in enumerate(sites):
        of_site = everything.get(number, [])
        boundaries = of_site[0].boundaries if of_site else ()
        at = {(position, name): verdict for r in of_site for position, name, verdict in r.verdicts}
        verdicts = {name: tuple(at.get((b.position, name)) for b in boundaries) for name in plan.sources}
        failures = {f.line: f for r in of_site for f in r.failures}
        made.append(
            SiteReport(site, boundaries, verdicts, tuple(failures.values()), of_site[0].spoiled if of_site else ())
        )

    def total(name: str) -> int:
        return sum(getattr(r, name) for of_site in everything.values() for r in of_site)

    return Report(
        plan, bounds, start, tuple(made), total("tried"), total("undecided"), total("followed"), total("joined"),
        complete,
    )  # fmt: skip


def data(found: Report) -> dict[str, object]:
    """The report as JSON can hold it."""
    return {
        "plan": asdict(found.plan), "bounds": asdict(found.bounds), "start": found.start, "complete": found.complete,
        "boundaries": found.boundaries, "possible": found.possible, "covered": found.covered, "tried": found.tried,
        "undecided": found.undecided, "followed": found.followed, "joined": found.joined,
        "sites": [_site(site) for site in found.sites],
    }  # fmt: skip


def _site(site: SiteReport) -> dict[str, object]:
    return {
        "pc": site.pc, "first": site.site.first, "last": site.site.last, "placed": site.site.placed,
        "spoiled": site.spoiled,
        "boundaries": [asdict(b) for b in site.boundaries],
        "verdicts": {name: [v and asdict(v) for v in row] for name, row in site.verdicts.items()},
        "failures": [
            {"line": f.line, **asdict(f.verdict), **outcome_data(f.outcome)} for f in site.failures
        ],
    }  # fmt: skip


def outcome_data(outcome: Outcome) -> dict[str, object]:
    """What became of one schedule."""
    return {
        "end": outcome.end.value, "position": outcome.position, "detail": outcome.detail,
        "spoiled": outcome.spoiled, "stale": outcome.stale,
        "interrupts": [
            {"source": e.source.name, **asdict(f)} for e, f in zip(outcome.schedule, outcome.fates)
        ],
    }  # fmt: skip
