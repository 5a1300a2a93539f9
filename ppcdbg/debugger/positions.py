"""Places in time as a user writes them: the one parser of positions, for whoever takes one.

12_345_678  +1000  -5    a number of instructions, from the beginning or from here; any expression
exit:42  exit:42+17      where exit 42 had been handled, and instructions beyond it
irq:7                    where the 7th interrupt was delivered to the guest
time:5000000             the first moment at which the clock of the time base had counted so many ticks
%50                      a part of what is known
start  end               of what is known
panic                    a bookmark
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from ppcdbg.errors import UsageError

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

FORMS = "N, +N, -N, exit:N[+N], irq:N, time:TICKS, %PERCENT, start, end, or a bookmark"
WORDS = ("start", "end", "exit:", "irq:", "time:", "%")
RESERVED = ("start", "end", "list", "delete", "rename", "note")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_COUNTED = re.compile(r"(?P<kind>exit|irq|time):(?P<number>.+?)(?:\+(?P<beyond>[^+]+))?")
_PERCENT = re.compile(r"%(?P<percent>[0-9]+(?:\.[0-9]+)?)")


class Kind(Enum):
    """What the number of a place counts."""

    POSITION = "position"
    EXIT = "exit"
    IRQ = "irq"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Where:
    """A place. ``exits``: of a position, how many were handled before it, where that is known; ``beyond``:
    instructions after it."""

    kind: Kind
    number: int
    beyond: int = 0
    exits: int | None = None


def where_of(debugger: Debugger, text: str) -> Where:
    """The place that a text means. Raises UsageError, also for an interrupt before the first."""
    text, past = text.strip(), debugger.past
    if not text:
        raise UsageError(f"a place in time is missing; it is {FORMS}")
    if text in past.bookmarks:
        place = past.bookmarks[text]
        return Where(Kind.POSITION, place.position, 0, place.exits)
    if text == "start":
        return Where(Kind.POSITION, past.timeline.start[0])
    if text == "end":
        position, exits = past.known
        return Where(Kind.POSITION, position, 0, exits)
    if text[0] == "%":
        return Where(Kind.POSITION, _share(debugger, text))
    counted = _COUNTED.fullmatch(text)
    if counted is not None:
        kind, number = Kind(counted["kind"]), debugger.evaluate(counted["number"]).number
        beyond = 0 if counted["beyond"] is None else debugger.evaluate(counted["beyond"]).number
        if kind is Kind.EXIT:
            debugger.need_exits()
        if kind is Kind.IRQ and number < 1:
            raise UsageError(f"{text!r} is before the first interrupt; they count from irq:1 on")
        return Where(kind, number, beyond)
    if text[0] in "+-":
        number = debugger.evaluate(text[1:]).number
        return Where(Kind.POSITION, debugger.position + (number if text[0] == "+" else -number))
    if NAME.fullmatch(text) and not _known(debugger, text):
        raise UsageError(f"{text!r} is no place in time; it is {FORMS}")
    return Where(Kind.POSITION, debugger.evaluate(text).number)


def _known(debugger: Debugger, name: str) -> bool:
    try:
        debugger.compile(name)
    except UsageError:
        return False
    return True


def _share(debugger: Debugger, text: str) -> int:
    found = _PERCENT.fullmatch(text)
    if found is None or float(found["percent"]) > 100:
        raise UsageError(f"{text!r} is no part of what is known; say %50 for its middle")
    start, end = debugger.past.timeline.start[0], debugger.past.known[0]
    return start + round((end - start) * float(found["percent"]) / 100)


def position_of(debugger: Debugger, text: str) -> int:
    """The position of a place, for what happens or stops there. Raises UsageError where it is not known yet."""
    where, past = where_of(debugger, text), debugger.past
    if where.kind is Kind.POSITION:
        return where.number
    return past.finder.position(where)


def words(debugger: Debugger) -> list[str]:
    """What a place can begin with, for completion."""
    return [*debugger.past.bookmarks, *WORDS]
