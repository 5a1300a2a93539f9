"""Commands that look through the past: the last and the first of something, and who wrote a range."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ppcdbg.debugger.commands.command import Command
from ppcdbg.debugger.events import Event, Verb
from ppcdbg.debugger.eventwords import completions, parse_event, split_condition, watched
from ppcdbg.debugger.positions import position_of
from ppcdbg.debugger.searches import Change, Writers
from ppcdbg.debugger.stops import Cause, StopReport
from ppcdbg.errors import UsageError

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

_ACCESSES = ("write", "read", "access", "change")
_AT = re.compile(r"(?:^|\s)at\s+(?P<address>\S.*)$")
_FROM = re.compile(r"\s+from\s+(?P<place>\S+)$")


def last(debugger: Debugger, argument: str) -> StopReport | tuple[Change, StopReport]:
    """Go back to where something happened last; ``back`` returns."""
    text, condition = split_condition(argument)
    what, _, rest = text.partition(" ")
    rest = rest.strip()
    if not text or (what in _ACCESSES and not rest):
        raise UsageError(
            "last needs an event, for example: last write 0xc0001000, last exit DTLB_MISS, last tlb TLB1[3], last $r3"
        )
    register = rest if what in ("change", "write") else text
    if register.startswith("$") and not condition:
        return debugger.searches.last_register(register)
    if what in ("tlb", "stlb") and not condition and rest not in ("", "write", "invalidate", "evict"):
        return debugger.searches.last_tlb(rest, what == "stlb")
    if what == "exit" and not condition:
        event, address = _exit(debugger, text)
        if not event.after and not event.text:
            return debugger.searches.last_exit(event.number, address)
    event = watched(debugger, rest, what) if what in _ACCESSES else parse_event(debugger, text)
    return debugger.past.last_of(event, condition)


def _exit(debugger: Debugger, text: str) -> tuple[Event, int | None]:
    found = _AT.search(text)
    if found is None:
        return parse_event(debugger, text), None
    return parse_event(debugger, text[: found.start()]), debugger.address(found["address"])


def first(debugger: Debugger, argument: str) -> StopReport:
    """The first time since the beginning."""
    text, condition = split_condition(argument)
    what, _, rest = text.partition(" ")
    if not text or (what in _ACCESSES and not rest):
        raise UsageError("first needs an event, for example: first write 0xc0001000, first exit DTLB_MISS")
    event = watched(debugger, rest, what) if what in _ACCESSES else parse_event(debugger, text)
    past = debugger.past
    here = past.here
    with past.unrecorded():
        past.seek(past.timeline.start[0])
        report = debugger.run_to_event(Verb.WAIT_FOR, event, condition)
        if report.cause not in (Cause.UNTIL, Cause.INTERRUPTED):
            past.go_to(here)
            raise UsageError(f"{event} does not happen from the beginning on")
    past.left(here)
    return report


def writers(debugger: Debugger, argument: str) -> Writers:
    """Who wrote into a range, up to here."""
    found = _FROM.search(argument)
    where, since = (argument[: found.start()], found["place"]) if found else (argument, "")
    if not where.strip():
        raise UsageError("writers needs a range, for example: writers 0xc0001000..0xc0001fff, or writers jiffies")
    if since:
        position_of(debugger, since)
    return debugger.searches.writers(where.strip(), since)


def _last_words(debugger: Debugger, argument: str) -> list[str]:
    return [*_ACCESSES, "stlb", *completions(debugger, argument), *("$" + n for n in debugger.register_file.order)]


COMMANDS: tuple[Command, ...] = (
    Command(
        "last",
        last,
        "last write|read|access|change ADDRESS | exit [NAME] at ADDRESS | tlb|stlb ENTRY | $REGISTER | EVENT [if ...]",
        "Go back to the last access to an address, exit of a kind or about an address, change of a TLB entry (by name "
        "or address) or of a register, or to the last event of any kind; `back` returns.",
        "last exit DTLB_MISS",
        "time",
        (),
        _last_words,
    ),
    Command(
        "first",
        first,
        "first write|read|access|change ADDRESS | first EVENT [if CONDITION]",
        "Go to the first access to an address, or the first event of a kind; `back` returns.",
        "first exit DTLB_MISS",
        "time",
        (),
        lambda debugger, argument: [*_ACCESSES, *completions(debugger, argument)],
    ),
    Command(
        "writers",
        writers,
        "writers ADDR[..ADDR] | ADDR,+LENGTH | SYMBOL [from PLACE]",
        "Who wrote into a range up to here: instruction, how often, where first and last.",
        "writers 0x00103000..0x001030ff",
        "time",
    ),
)
