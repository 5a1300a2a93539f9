"""The table of breakpoints and traces: numbers, conditions, ignore counts, hits. It never runs anything.

A breakpoint is a frozen value; each change puts a new one under the same number, so that a view can keep what it
was given. :mod:`ppcdbg.debugger.run` asks ``hit`` at every place and exit that could match.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from ppcdbg.debugger.events import Event, EventKind, Verb, matches
from ppcdbg.debugger.expressions import Compiled
from ppcdbg.debugger.stops import TraceHit
from ppcdbg.engine.api import Watch
from ppcdbg.errors import UsageError
from ppcdbg.kvm.records import ExitRecord

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
    action: Action | None = field(default=None, compare=False, repr=False)
    """Called with each hit: the guest stops only where it says so. Set from Python."""


class Breakpoints:
    """Breakpoints by number. Numbers are never used twice."""

    def __init__(self) -> None:
        self._all: dict[int, Breakpoint] = {}
        self._next = 1
        self._places: dict[int, list[int]] | None = None
        self._addresses: frozenset[int] = frozenset()
        self._on_records: list[int] = []
        self._on_console: list[int] = []
        self._on_data: dict[Watch, list[int]] = {}

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
        self._places = None
        return made

    def delete(self, number: int) -> Breakpoint:
        gone = self.get(number)
        del self._all[number]
        self._places = None
        return gone

    def clear(self) -> int:
        """Delete all; how many there were."""
        count = len(self._all)
        self._all.clear()
        self._places = None
        return count

    def enable(self, number: int, on: bool) -> Breakpoint:
        return self._put(replace(self.get(number), enabled=on))

    def set_condition(self, number: int, condition: str, compiled: Compiled | None) -> Breakpoint:
        return self._put(replace(self.get(number), condition=condition, compiled=compiled, error=""))

    def set_action(self, number: int, action: Action | None) -> Breakpoint:
        return self._put(replace(self.get(number), action=action))

    def set_ignore(self, number: int, count: int) -> Breakpoint:
        return self._put(replace(self.get(number), ignore=max(count, 0)))

    # --- asked while running ---------------------------------------------------------------------------------------
    def _index(self) -> dict[int, list[int]]:
        if self._places is None:
            self._places, self._on_records, self._on_console, self._on_data = {}, [], [], {}
            for b in self._all.values():
                if not b.enabled:
                    continue
                if b.event.kind is EventKind.ADDRESS:
                    self._places.setdefault(b.event.address, []).append(b.number)
                elif b.event.kind is EventKind.CONSOLE:
                    self._on_console.append(b.number)
                elif b.event.kind is EventKind.DATA:
                    self._on_data.setdefault(b.event.watch, []).append(b.number)
                    if b.event.device:
                        self._on_records.append(b.number)
                else:
                    self._on_records.append(b.number)
            self._addresses = frozenset(self._places)
        return self._places

    @property
    def addresses(self) -> frozenset[int]:
        """Effective addresses with an enabled breakpoint."""
        self._index()
        return self._addresses

    @property
    def watches_exits(self) -> bool:
        """Whether an enabled breakpoint must see every exit record."""
        self._index()
        return bool(self._on_records)

    @property
    def watches_console(self) -> bool:
        self._index()
        return bool(self._on_console)

    @property
    def watches(self) -> tuple[Watch, ...]:
        """What an engine must look for in storage accesses."""
        self._index()
        return tuple(self._on_data)

    def watching(self, watch: Watch) -> list[Breakpoint]:
        """Enabled breakpoints for one of ``watches``."""
        self._index()
        return [self._all[n] for n in self._on_data.get(watch, ())]

    def at(self, address: int) -> list[Breakpoint]:
        """Enabled breakpoints on an address."""
        return [self._all[n] for n in self._index().get(address, ())]

    def on(self, record: ExitRecord) -> list[Breakpoint]:
        """Enabled breakpoints whose event happened in this exit; conditions are not looked at."""
        self._index()
        return [b for n in self._on_records if matches((b := self._all[n]).event, record)]

    def console(self) -> list[Breakpoint]:
        self._index()
        return [self._all[n] for n in self._on_console]

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
