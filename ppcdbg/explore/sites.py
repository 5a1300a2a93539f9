"""Where to search: stretches of the guest's own path, boundary by boundary, each with a point to come back to.

A stretch is given by positions, by addresses that the guest passes, or found: the guest runs with an eye on the shared
page's field ``critical``, and every place that enters a critical section is a site, once, the first time it does. That
finds the sections of any guest, whoever patched what.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from ppcdbg.engine.api import Watch, WatchKind
from ppcdbg.errors import Interrupted, UsageError
from ppcdbg.explore.contract import Looks, kept, misleads, stands_in
from ppcdbg.explore.guest import Guest
from ppcdbg.explore.point import Base, Point
from ppcdbg.kvm import magic_page as mp
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.input import InputKind
from ppcdbg.machine.system import FINAL, Limits, StopKind

LEAD, TAIL = 2, 2
"""Boundaries that belong to a section's site before its first instruction and after its last: the branch that the guest
was patched with, and where it comes back to."""
LONGEST = 4096
"""Boundaries of a stretch."""
OFTEN = 4
"""Times that a place must be seen to end sections before it is not looked at any more while sections are found."""
LONGEST_SECTION = 128
"""Boundaries of a section that the guest is put at."""
_NOBODY = frozenset[int]()
Asked = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Site:
    """``first`` to ``last`` are positions, both included. ``pc`` names it; ``whole``: it is one whole section.

    ``placed``: the address of the patched instruction that the guest is put at, at ``first``; -1: it comes there by
    itself, or never mind how. ``operand``: the register that is given the guest's MSR there; -1: none.
    """

    pc: int
    first: int
    last: int
    whole: bool = False
    placed: int = -1
    operand: int = -1

    @property
    def prefix(self) -> str:
        """What goes before the line of a schedule here."""
        if self.placed < 0:
            return ""
        return f"put@{self.placed:#010x}" + (f":r{self.operand}" if self.operand >= 0 else "") + "+"

    def put(self, system: KvmSystem) -> None:
        """Put the guest there, if the site says so."""
        if self.placed < 0:
            return
        if self.operand >= 0:
            system.input.add(InputKind.REGISTER, name=f"r{self.operand}", value=Guest(system).msr)
        system.input.add(InputKind.REGISTER, name="pc", value=self.placed)
        system.run(Limits(system.position))


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
        guest, points = Guest(system), list[Point]()
        boundaries: list[Boundary] = []
        seen: list[Looks] = []
        site.put(system)
        while not self._over(boundaries) and system.ended is None:
            msr = guest.msr
            boundaries.append(Boundary(system.position, guest.pc, guest.word(guest.pc) or 0, guest.in_section(msr)))
            points.append(Point(base, points[-1] if points else None))
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

    def _over(self, boundaries: list[Boundary]) -> bool:
        """Whether the site's last boundary has been passed; where the guest was put, that shows on the way."""
        if self.site.placed < 0:
            return self.base.system.position > self.site.last
        sections = [n for n, b in enumerate(boundaries) if b.section]
        over = bool(sections) and len(boundaries) > sections[-1] + TAIL
        return over or len(boundaries) > LONGEST_SECTION

    def put(self, position: int) -> None:
        """The guest stands at a position of the site, or at its last one before it."""
        at = min(max(position - self.site.first, 0), len(self._points) - 1)
        self._points[at].put()
        if self.base.system.position < position:
            self.base.system.run(Limits(position))


def by_addresses(
    system: KvmSystem, first: int, last: int, time: int, reach: int, asked: Asked | None = None
) -> Site:  # fmt: skip
    """From the ``time``-th passage of ``first`` to that of ``last`` after it; UsageError when the guest does not come
    there within ``reach`` instructions. The system runs."""
    limit = system.position + reach
    start = passage(system, first, time, limit, asked)
    if first == last:
        return Site(first, start, start)
    end = passage(system, last, 1, min(limit, start + LONGEST))
    return Site(first, start, end)


def passage(system: KvmSystem, pc: int, time: int, limit: int, asked: Asked | None = None) -> int:
    """Run to the ``time``-th time that the guest is about to execute at ``pc``; the position. UsageError, Interrupted
    where ``asked`` says so."""
    found = 0
    while True:
        if system.core.state.pc == pc:
            found += 1
            if found == time:
                return system.position
        stop = system.run(Limits(limit, frozenset({pc}), interrupted=asked))
        if asked is not None and asked():
            raise Interrupted(f"interrupted on the way to {pc:#010x}")
        if stop.kind is not StopKind.BREAKPOINT:
            raise UsageError(
                f"the guest is not at {pc:#010x} for the {time}. time before position {stop.position:,}; give a later"
                " --until, or another place"
            )


def sections(system: KvmSystem, until: int, limit: int | None, asked: Asked | None = None) -> Iterator[Site]:
    """The critical sections that the guest enters up to a position, each place once; at most ``limit``. The system
    runs. In an HV guest there are none. Raises Interrupted where ``asked`` says so."""
    if system.kvm.hv or limit == 0:
        return
    begin = system.position
    found: set[int] = set()
    for pc, entered, left in _passed(system, until, asked, found):
        if pc not in found and left - entered < LONGEST:
            found.add(pc)
            yield Site(pc, max(entered - LEAD + 1, begin), left + TAIL - 1, True)
            if limit is not None and len(found) >= limit:
                return


def around(system: KvmSystem, position: int) -> Site | None:
    """The section that has a position, which the guest does not stand behind. The system runs."""
    if system.kvm.hv:
        return None
    begin = max(system.position, position - LONGEST)
    system.run(Limits(begin))
    for pc, entered, left in _passed(system, position + LONGEST, None):
        site = Site(pc, max(entered - LEAD + 1, begin), left + TAIL - 1, True)
        if site.first > position:
            return None
        if position <= site.last:
            return site
    return None


def _passed(
    system: KvmSystem, until: int, asked: Asked | None, known: Collection[int] = ()
) -> Iterator[tuple[int, int, int]]:  # fmt: skip
    """Each section that the guest goes through: where it is entered, and the positions of that and of its end. Those
    that are entered at a ``known`` place may be left out; more may become known meanwhile."""
    guest = Guest(system)
    watch = Watch(WatchKind.WRITE, system.kvm.shared_real + mp.CRITICAL + 4, 4, real=True)
    entered: tuple[int, int] | None = None
    ends: Counter[int] = Counter()
    deaf = frozenset[int]()
    while system.position < until:
        stop = system.run(Limits(until, watches=(watch,), deaf=_NOBODY if entered else deaf, interrupted=asked))
        if asked is not None and asked():
            raise Interrupted("interrupted while it looked for sites")
        if stop.kind in FINAL or stop.kind is not StopKind.WATCH:
            return
        pc = stop.hits[-1].pc
        if guest.in_section(guest.msr):
            entered = entered or (pc, stop.hits[-1].position)
            continue
        ends[pc] += 1
        if entered is not None:
            yield *entered, stop.position
            entered = None
        if known and len(deaf) != len(known) + sum(n >= OFTEN for n in ends.values()):
            deaf = frozenset((*known, *(at for at, n in ends.items() if n >= OFTEN)))
