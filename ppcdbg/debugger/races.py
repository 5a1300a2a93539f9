"""The explorer at the guest at hand: a search from where it stands, and a failure of it brought about in the guest.

A search has a guest of its own, made from a snapshot of this one, which stands still meanwhile; an interrupt of the
user's ends it with what was found. A schedule that is put in goes through the input queue, so that a recording holds
it; what becomes of it then is the guest's and KVM's, and nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ppcdbg.debugger.positions import position_of
from ppcdbg.debugger.results import Note
from ppcdbg.debugger.work import Work, Works
from ppcdbg.errors import Interrupted, UsageError
from ppcdbg.explore.schedule import parse, text
from ppcdbg.explore.sources import inject, source
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.description import parse_count

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger
    from ppcdbg.debugger.stops import StopReport
    from ppcdbg.explore.report import Report
    from ppcdbg.explore.search import Search, UnitResult
    from ppcdbg.explore.sites import Site
    from ppcdbg.explore.strategies import Plan

REACH = 1_000_000
"""Instructions from here on in which sites are looked for."""
SITES = 8
SOURCES = ("external", "decrementer")


@dataclass(frozen=True)
class RaceFound:
    """What a search found, or has found up to now. ``done`` of ``total`` units; ``deferral``: the policy; ``data``: the
    report in plain terms, once the search has ended."""

    report: Report = field(repr=False)
    deferral: str
    done: int
    total: int
    searching: bool = False
    data: Mapping[str, object] = field(default_factory=dict)


class Races:
    """The searches of one debugger; the last one is kept."""

    def __init__(self, debugger: Debugger) -> None:
        self._debugger = debugger
        self._last: RaceFound | None = None
        self._making: _Making | None = None

    def found(self) -> RaceFound | None:
        """The search that goes on, up to now, or else the last one; None before the first."""
        return self._last if self._making is None else self._making.found(searching=True)

    def search(self, sites: int, sources: tuple[str, ...], reach: int = REACH, under: str = "") -> RaceFound:
        """Try each source at every boundary of the sections that the guest enters next; ``under`` another policy of
        deferral where one is named. Raises UsageError and Interrupted."""
        from ppcdbg.explore.strategies import Plan

        search = self._begin(under)
        for name in sources:
            source(name, search.hv)
        if search.hv:
            raise UsageError("a guest in HV mode has no paravirtual critical sections")
        plan = Plan(tuple(dict.fromkeys(sources)))
        self._making = making = _Making(search, plan, search.system.kvm.deferral.name, self._debugger.works)
        try:
            making.all(sites, reach)
            complete = True
        except Interrupted:
            complete = False
        finally:
            self._making = None
        if not making.sites and complete:
            raise UsageError(f"the guest enters no critical section in the next {reach:,} instructions; go further")
        found = making.found(searching=False)
        told = replace(found.report, complete=complete)
        self._last = replace(found, report=told, data=_data(told))
        return self._last

    def put(self, line: str) -> tuple[Note, StopReport]:
        """Go to where a schedule begins, and let its interrupts come from there. Raises UsageError."""
        schedule = parse(line, self._system.kvm.hv, _nowhere)
        stop = self._debugger.past.seek(schedule[0].position)
        return put_in(self._debugger, line), stop

    @property
    def _system(self) -> KvmSystem:
        system = self._debugger.system
        if not isinstance(system, KvmSystem):
            raise UsageError("races are between a guest and KVM; this guest has the machine for itself")
        return system

    def _begin(self, under: str) -> Search:
        """This guest once more, standing at the same moment."""
        from ppcdbg.explore.conditions import Bounds, conditions
        from ppcdbg.explore.search import Search
        from ppcdbg.session.forks import fork
        from ppcdbg.session.pages import Pages
        from ppcdbg.session.snapshots import Root, take

        system = self._system
        if system.ended is not None:
            raise UsageError("the guest has ended; go back to where it runs, for example: seek 0")
        _may_stand_under(system, under)
        root = Root(take(system, Pages(system)), 0)
        other = fork(system, root, system.input.pending(), deferral=under)
        assert isinstance(other, KvmSystem)
        return Search(other, conditions(), Bounds(), self._asked)

    def _asked(self) -> bool:
        return self._debugger.runner.called_off()


class _Making:
    """A search that goes on."""

    def __init__(self, search: Search, plan: Plan, deferral: str, works: Works) -> None:
        self._search, self._plan, self._deferral, self._works = search, plan, deferral, works
        self.sites: list[Site] = []
        self._results: list[UnitResult] = []
        self._first = 0
        """Where the site begins that is searched."""

    def all(self, sites: int, reach: int) -> None:
        from ppcdbg.explore.sites import sections
        from ppcdbg.explore.strategies import units

        search, asked, system = self._search, self._search.asked, self._search.system
        end = search.start + reach
        with self._works.doing(lambda: Work("looking for critical sections", system.position, end)):
            self.sites.extend(sections(system, end, sites, asked))
        planned = units(self._plan, len(self.sites))
        schedules = sum(self.sites[unit.site].last - self.sites[unit.site].first + 1 for unit in planned)

        def measure() -> Work:
            if system.position < self._first:
                return Work("running to a critical section", system.position, self._first)
            return Work("searching for races", search.tried, schedules, "schedules")

        with self._works.doing(measure):
            for unit in planned:
                self._first = self.sites[unit.site].first
                self._results.append(search.unit(self._plan, unit, self.sites[unit.site]))

    def found(self, searching: bool) -> RaceFound:
        from ppcdbg.explore.report import report
        from ppcdbg.explore.strategies import units

        made = report(self._plan, self._search.bounds, self._search.start, self.sites, self._results)
        return RaceFound(made, self._deferral, len(self._results), len(units(self._plan, len(self.sites))), searching)


def _data(found: Report) -> dict[str, object]:
    """A report in plain terms; ``ppcdbg race --json`` has all of it."""
    sites = [
        {"pc": f"{site.pc:#x}", "position": site.site.first, "spoiled": site.spoiled,
         "verdicts": {name: ["" if v is None else v.word for v in row] for name, row in site.verdicts.items()},
         "failures": [{"line": f.line, "condition": f.verdict.condition, "reason": f.verdict.reason}
                      for f in site.failures]}
        for site in found.sites
    ]  # fmt: skip
    return {
        "complete": found.complete, "possible": found.possible, "covered": found.covered, "tried": found.tried,
        "followed": found.followed, "joined": found.joined, "undecided": found.undecided, "sites": sites,
    }  # fmt: skip


def asked_for(argument: str) -> tuple[int, tuple[str, ...], int, str]:
    """What ``race [SITES] [SOURCE,...] [under POLICY] [within N]`` means. Raises UsageError."""
    sites, reach, under = SITES, REACH, ""
    sources: tuple[str, ...] = SOURCES
    words = argument.split()
    if len(words) >= 2 and words[-2] == "within":
        reach = parse_count(words.pop(), ("race within", UsageError))
        words.pop()
    if len(words) >= 2 and words[-2] == "under":
        under = words.pop()
        words.pop()
    for word in words:
        if word.isdecimal():
            sites = int(word)
        else:
            sources = tuple(word.split(","))
    if not sites or len(words) > 2:
        raise UsageError("race takes how many sites, which sources, and how far: race 8 external,decrementer within 1M")
    return sites, sources, reach, under


def _may_stand_under(system: KvmSystem, under: str) -> None:
    """Whether the guest as it stands can go on under a policy. Raises UsageError."""
    from ppcdbg.explore.cooperate import asks
    from ppcdbg.kvm.deferral import POLICIES

    if under in ("", system.kvm.deferral.name):
        return
    fitting = [policy.name for policy in POLICIES if not asks(policy)]
    if under not in fitting:
        said = ", ".join(fitting)
        raise UsageError(f"a guest as it is can be searched under {said}, not {under}; `race --remedies` has all")
    if system.kvm.deferral.since >= 0:
        raise UsageError("an interrupt is held back already; another policy would have acted on it: begin before that")


def put_in(debugger: Debugger, line: str) -> Note:
    """Queue the interrupts of a line for the positions that it names. Raises UsageError."""
    system = debugger.system
    if not isinstance(system, KvmSystem):
        raise UsageError("a schedule is for a guest under KVM; this one has the machine for itself")
    schedule = parse(_placed(debugger, line), system.kvm.hv, _nowhere)
    if schedule[0].position < system.position:
        raise UsageError(f"{schedule[0]} lies in the past; the guest is at position {system.position}")
    for event in schedule:
        inject(system, event.source, event.position)
    return Note(f"{text(schedule)} happens when the guest comes there")


def _placed(debugger: Debugger, line: str) -> str:
    """The line with positions in place of places such as ``exit:42+17``."""
    events: list[str] = []
    for part in line.split("+"):
        if "@" in part or not events:
            events.append(part)
        else:
            events[-1] += f"+{part}"  # instructions beyond a place
    for number, event in enumerate(events):
        name, at, place = event.partition("@")
        if at and place and not place[0].isdecimal():
            events[number] = f"{name}@{position_of(debugger, place)}"
    return "+".join(events)


def _nowhere(pc: int, time: int) -> int:
    raise UsageError(f"when pc is {pc:#x} is not known here; give a position, or run there and inject by priority")
