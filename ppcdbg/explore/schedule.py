"""A schedule: which interrupts come from outside, and at which instruction boundaries. As a line, it can be replayed.

    external@1234                    an external interrupt when 1234 instructions have retired
    external@1234+decrementer@1240   and the decrementer's expiry six instructions later
    external@0xc0001234              when pc is there for the first time from the start of the search on
    external@0xc0001234#3            for the third time
    put@0xc0001234:r9+external@1234  with the guest put there where the search begins, and its MSR in r9

A position is absolute; a decimal number is one, an address begins with 0x.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ppcdbg.errors import UsageError
from ppcdbg.explore.sources import Source, source

_EVENT = re.compile(
    r"(?P<source>[a-z:0-9-]+)@(?:(?P<pc>0x[0-9a-fA-F]+)(?:#(?P<time>[1-9][0-9]*))?|(?P<at>[0-9][0-9_]*))"
)
_PUT = re.compile(r"put@(?P<pc>0x[0-9a-fA-F]+)(?::r(?P<register>[0-9]|[12][0-9]|3[01]))?\+")
Place = Callable[[int, int], int]
"""The position at which pc is at an address for the n-th time; raises UsageError where it never is."""


@dataclass(frozen=True, slots=True)
class Event:
    """One interrupt at one boundary: ``position`` instructions have retired before it."""

    source: Source
    position: int

    def __str__(self) -> str:
        return f"{self.source.name}@{self.position}"


Schedule = tuple[Event, ...]
"""In order of position."""


def text(schedule: Schedule) -> str:
    """The line that replays a schedule."""
    return "+".join(map(str, schedule))


def put_at(line: str) -> tuple[int, int, str] | None:
    """The address that a line says to put the guest at, the register for its operand (-1: none), and the rest."""
    match = _PUT.match(line.strip())
    if match is None:
        return None
    return int(match["pc"], 16), int(match["register"] or -1), line.strip()[match.end() :]


def parse(line: str, hv: bool, place: Place) -> Schedule:
    """The schedule that a line means. Raises UsageError."""
    events = []
    for part in line.strip().split("+"):
        match = _EVENT.fullmatch(part)
        if match is None:
            raise UsageError(f"{part!r} is no event of a schedule; one is SOURCE@POSITION or SOURCE@0xADDRESS#TIME")
        if match["pc"] is None:
            position = int(match["at"])
        else:
            position = place(int(match["pc"], 16), int(match["time"] or 1))
        events.append(Event(source(match["source"], hv), position))
    return tuple(sorted(events, key=lambda e: e.position))
