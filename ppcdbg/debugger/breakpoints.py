"""The table of breakpoints and traces: numbers, conditions, ignore counts, hits. It never runs anything.

A breakpoint is a frozen value; each change puts a new one under the same number, so that a view can keep what it
was given. :mod:`ppcdbg.debugger.run` asks ``hit`` at every place and exit that could match.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from ppcdbg.debugger.events import Event, EventKind, Seen, Verb
from ppcdbg.debugger.expressions import Compiled
from ppcdbg.debugger.stops import TraceHit
from ppcdbg.engine.api import Pattern, Watch
from ppcdbg.errors import UsageError

Action = Callable[[TraceHit], object]


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """One entry. ``ignore`` counts down, ``hits`` counts every time the event and its condition held."""

    number: int
    verb: Verb
    event: Event
    condition: str = ""
    ignore: int = 0
    hits: int = 0
    temporary: bool = False
    enabled: bool = True
    error: str = ""
    """Why the condition could not be evaluated when it was last tried; the guest then stops, as in gdb."""
    compiled: Compiled | None = field(default=None, compare=False, repr=False)
    commands: tuple[str, ...] = ()
    """Lines that a command line carries out when it stops here."""
    action: Action | None = field(default=None, compare=False, repr=False)
    """Called with each hit: the guest stops only where it says so. Set from Python."""


@dataclass(frozen=True)
class Needs:
    """What the enabled breakpoints need of a run. ``vectors`` None: every exit must be asked at, if any."""

    places: dict[int, list[int]]
    addresses: frozenset[int]
    watches: dict[Watch, list[int]]
    classes: tuple[Pattern, ...]
    numbers: dict[Seen, list[int]]
    vectors: frozenset[int] | None
    kinds: frozenset[EventKind]
    positions: tuple[int, ...]


def _needs(enabled: list[Breakpoint]) -> Needs:
    places: dict[int, list[int]] = {}
    watches: dict[Watch, list[int]] = {}
    numbers: dict[Seen, list[int]] = {}
    vectors: set[int] | None = set()
    for b in enabled:
        event = b.event
        for how in event.seen:
            numbers.setdefault(how, []).append(b.number)
        if Seen.PLACE in event.seen:
            places.setdefault(event.address, []).append(b.number)
        for watch in event.watches:
            watches.setdefault(watch, []).append(b.number)
        if Seen.ARRIVAL in event.seen:
            vectors = None if vectors is None or event.vectors is None else vectors | event.vectors
    classes = dict.fromkeys(c for b in enabled for c in b.event.classes)
    positions = sorted(b.event.number or 0 for b in enabled if b.event.kind is EventKind.POSITION)
    return Needs(
        places, frozenset(places), watches, tuple(classes), numbers, None if vectors is None else frozenset(vectors),
        frozenset(b.event.kind for b in enabled), tuple(positions),
    )  # fmt: skip


class Breakpoints:
    """Breakpoints by number. Numbers are never used twice."""

    def __init__(self) -> None:
        self._all: dict[int, Breakpoint] = {}
        self._next = 1
        self._needs: Needs | None = None

    def __iter__(self) -> Iterator[Breakpoint]:
        return iter(list(self._all.values()))

    def __len__(self) -> int:
        return len(self._all)

    def get(self, number: int) -> Breakpoint:
        """Raises UsageError for a number that is not there, naming those that are."""
        found = self._all.get(number)
        if found is None:
            near = difflib.get_close_matches(str(number), [str(n) for n in self._all], 1)
            hint = f"; the nearest is {near[0]}" if near else f"; there are {len(self._all)}"
            raise UsageError(f"there is no breakpoint {number}{hint}")
        return found

    def add(
        self, verb: Verb, event: Event, condition: str = "", compiled: Compiled | None = None, temporary: bool = False
    ) -> Breakpoint:
        """A new entry. What a run-until or wait-for waits for is number 0: there is one at a time, and only while it
        runs."""
        own = verb in (Verb.RUN_UNTIL, Verb.WAIT_FOR)
        made = Breakpoint(0 if own else self._next, verb, event, condition, temporary=temporary, compiled=compiled)
        self._next += not own
        return self._put(made)

    def _put(self, made: Breakpoint) -> Breakpoint:
        self._all[made.number] = made
        self._needs = None
        return made

    def delete(self, number: int) -> Breakpoint:
        gone = self.get(number)
        del self._all[number]
        self._needs = None
        return gone

    def clear(self) -> int:
        """Delete all; how many there were."""
        count = len(self._all)
        self._all.clear()
        self._needs = None
        return count

    def enable(self, number: int, on: bool) -> Breakpoint:
        return self._put(replace(self.get(number), enabled=on))

    def set_condition(
        self, number: int, condition: str, compiled: Compiled | None, event: Event | None = None
    ) -> Breakpoint:
        """``event`` in place of the one there is, where the condition can only be judged elsewhere."""
        b = self.get(number)
        return self._put(replace(b, condition=condition, compiled=compiled, error="", event=event or b.event))

    def set_commands(self, number: int, commands: tuple[str, ...]) -> Breakpoint:
        return self._put(replace(self.get(number), commands=commands))

    def set_action(self, number: int, action: Action | None) -> Breakpoint:
        return self._put(replace(self.get(number), action=action))

    def set_ignore(self, number: int, count: int) -> Breakpoint:
        return self._put(replace(self.get(number), ignore=max(count, 0)))

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Within, nothing is ignored; afterwards every count is what it was before."""
        kept = dict(self._all)
        for b in kept.values():
            self._put(replace(b, ignore=0))
        try:
            yield
        finally:
            self._all.update(kept)
            self._needs = None

    # --- asked while running ---------------------------------------------------------------------------------------
    @property
    def needs(self) -> Needs:
        """What a run must look for, for the entries that are enabled now."""
        if self._needs is None:
            self._needs = _needs([b for b in self._all.values() if b.enabled])
        return self._needs

    @property
    def addresses(self) -> frozenset[int]:
        """Effective addresses with an enabled breakpoint."""
        return self.needs.addresses

    def at(self, address: int) -> list[Breakpoint]:
        """Enabled breakpoints on an address."""
        return [self._all[n] for n in self.needs.places.get(address, ())]

    def seen(self, how: Seen) -> list[Breakpoint]:
        """Enabled breakpoints whose event is noticed in this way."""
        return [self._all[n] for n in self.needs.numbers.get(how, ())]

    def watching(self, watch: Watch) -> list[Breakpoint]:
        """Enabled breakpoints for one of the watches."""
        return [self._all[n] for n in self.needs.watches.get(watch, ())]

    def hit(self, number: int) -> bool:
        """The event came: evaluate the condition, count, and say whether the breakpoint acts now.

        A condition that cannot be evaluated acts, and its error is kept in the breakpoint.
        """
        b = self.get(number)
        try:
            holds = b.compiled is None or b.compiled.true()
        except UsageError as error:
            self._all[number] = replace(b, hits=b.hits + 1, error=str(error))
            return True
        if not holds:
            return False
        if b.ignore:
            self._all[number] = replace(b, hits=b.hits + 1, ignore=b.ignore - 1)
            return False
        self._all[number] = replace(b, hits=b.hits + 1)
        return True
