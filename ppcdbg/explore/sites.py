"""Where to search: stretches of the guest's own path, boundary by boundary, each with a point to come back to.

A stretch is given by positions, by addresses that the guest passes, or found: the guest runs with an eye on the shared
page's field ``critical``, and every place that enters a critical section is a site, once, the first time it does. That
finds the sections of any guest, whoever patched what.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ppcdbg.engine.api import Watch, WatchKind
from ppcdbg.errors import Interrupted, UsageError
from ppcdbg.explore.contract import Looks, kept, misleads, stands_in
from ppcdbg.explore.guest import Guest
from ppcdbg.explore.point import Base, Point
from ppcdbg.kvm import magic_page as mp
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.system import FINAL, Limits, StopKind

LEAD, TAIL = 2, 2
"""Boundaries that belong to a section's site before its first instruction and after its last: the branch that the guest
was patched with, and where it comes back to."""
LONGEST = 4096
"""Boundaries of a stretch."""
Asked = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Site:
    """``first`` to ``last`` are positions, both included. ``pc`` names it; ``whole``: it is one whole section."""

    pc: int
    first: int
    last: int
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Boundary:
    """Between two instructions: ``word`` is the one that comes next, ``section`` whether it is in a critical
    section."""

    position: int
    pc: int
    word: int
    section: bool


class Path:
    """The guest's own way over a site, undisturbed. The system stands at its first boundary, and then behind the
    last."""

    def __init__(self, base: Base, site: Site) -> None:
        self.base, self.site = base, site
        system = base.system
        guest, boundaries, points = Guest(system), [], []
        seen: list[Looks] = []
        while system.position <= site.last and system.ended is None:
            msr = guest.msr
            boundaries.append(Boundary(system.position, guest.pc, guest.word(guest.pc) or 0, guest.in_section(msr)))
            points.append(Point(base))
            seen.append((guest.registers(), msr))
            system.run(Limits(system.position + 1))
        self.boundaries: tuple[Boundary, ...] = tuple(boundaries)
        self._points = points
        self.kept = kept(self.boundaries, seen) if site.whole else None
        self.spoiled: tuple[str, ...] = ()
        """Registers that a section leaves other than it found them, where it stands for an instruction, which changes
        none; msr where it is not what that instruction makes."""
        if self.kept is not None and stands_in(self.boundaries):
            changed = guest.different(self.kept.before, self.kept.after)
            misled = misleads(guest.word, system.kvm.magic_page_ea, self.boundaries, seen)
            self.spoiled = (*changed, *(("msr",) if misled else ()))

    def put(self, position: int) -> None:
        """The guest stands at a position of the site, or at its last one before it."""
        at = min(max(position - self.site.first, 0), len(self._points) - 1)
        self._points[at].put()
        if self.base.system.position < position:
            self.base.system.run(Limits(position))


def by_addresses(system: KvmSystem, first: int, last: int, time: int, reach: int) -> Site:
    """From the ``time``-th passage of ``first`` to that of ``last`` after it; UsageError when the guest does not come
    there within ``reach`` instructions. The system runs."""
    limit = system.position + reach
    start = passage(system, first, time, limit)
    if first == last:
        return Site(first, start, start)
    end = passage(system, last, 1, min(limit, start + LONGEST))
    return Site(first, start, end)


def passage(system: KvmSystem, pc: int, time: int, limit: int) -> int:
    """Run to the ``time``-th time that the guest is about to execute at ``pc``; the position. UsageError."""
    found = 0
    while True:
        if system.core.state.pc == pc:
            found += 1
            if found == time:
                return system.position
        stop = system.run(Limits(limit, frozenset({pc})))
        if stop.kind is not StopKind.BREAKPOINT:
            raise UsageError(
                f"the guest is not at {pc:#010x} for the {time}. time before position {stop.position:,}; give a later"
                " --until, or another place"
            )


def sections(system: KvmSystem, until: int, limit: int | None, asked: Asked | None = None) -> Iterator[Site]:
    """The critical sections that the guest enters up to a position, each place once; at most ``limit``. The system
    runs. In an HV guest there are none. Raises Interrupted where ``asked`` says so."""
    v, guest = system.kvm, Guest(system)
    if v.hv:
        return
    watch = Watch(WatchKind.WRITE, v.shared_real + mp.CRITICAL + 4, 4, real=True)
    begin = system.position
    found: set[int] = set()
    entered: tuple[int, int] | None = None
    while system.position < until and (limit is None or len(found) < limit):
        stop = system.run(Limits(until, watches=(watch,), interrupted=asked))
        if asked is not None and asked():
            raise Interrupted("interrupted while it looked for sites")
        if stop.kind in FINAL or stop.kind is not StopKind.WATCH:
            break
        where = stop.hits[-1].pc, stop.hits[-1].position
        if guest.in_section(guest.msr):
            entered = entered or where
        elif entered is not None:
            pc, position = entered
            if pc not in found and stop.position - position < LONGEST:
                found.add(pc)
                yield Site(pc, max(position - LEAD + 1, begin), stop.position + TAIL - 1, True)
            entered = None
