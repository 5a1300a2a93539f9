"""Commands that go back in time, and to places by name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ppcdbg.debugger.arguments import count_of, file_of
from ppcdbg.debugger.commands.command import Command
from ppcdbg.debugger.eventwords import completions, parse_event, split_condition, watched
from ppcdbg.debugger.results import Note
from ppcdbg.debugger.stops import StopReport
from ppcdbg.debugger.travel import Place, Places
from ppcdbg.errors import UsageError

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

_ACCESSES = ("write", "read", "access", "change")
EXIT = re.compile(r"exit:(?P<number>[0-9_]+)(?:\+(?P<beyond>[0-9_]+))?")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def reverse_stepi(debugger: Debugger, argument: str) -> StopReport:
    return debugger.past.reverse_step(count_of(debugger, argument))


def reverse_nexti(debugger: Debugger, argument: str) -> StopReport:
    report = debugger.past.reverse_next()
    for _ in range(count_of(debugger, argument) - 1):
        report = debugger.past.reverse_next()
    return report


def reverse_continue(debugger: Debugger, argument: str) -> StopReport:
    return debugger.past.reverse_continue()


def reverse_finish(debugger: Debugger, argument: str) -> StopReport:
    return debugger.past.reverse_finish()


def seek(debugger: Debugger, argument: str) -> StopReport | tuple[Note, StopReport]:
    """By position, relative to here, by exit, by bookmark, or to an end."""
    report = _sought(debugger, argument)
    told = debugger.past.told()
    return (Note("; ".join(told)), report) if told else report


def _sought(debugger: Debugger, argument: str) -> StopReport:
    past, text = debugger.past, argument.strip()
    if not text:
        raise UsageError("seek needs a place, for example: seek 12_345_678, seek -1000, seek exit:42, seek end")
    found = EXIT.fullmatch(text)
    if found is not None:
        return past.seek_exit(int(found["number"]), int(found["beyond"] or 0))
    if text in past.bookmarks:
        place = past.bookmarks[text]
        return past.go_to((place.position, place.exits))
    if text == "start":
        return past.seek(past.timeline.start[0])
    if text == "end":
        return past.go_to(past.known)
    relative = text[0] in "+-"
    number = debugger.evaluate(text.lstrip("+-")).number
    if relative:
        number = debugger.position + (number if text[0] == "+" else -number)
    return past.seek(number)


def back(debugger: Debugger, argument: str) -> StopReport:
    return debugger.past.back()


def forward(debugger: Debugger, argument: str) -> StopReport:
    return debugger.past.forward()


def bookmark(debugger: Debugger, argument: str) -> Places | Note:
    """Without a name, the bookmarks there are."""
    past = debugger.past
    name, _, note = argument.strip().partition(" ")
    if not name:
        rows = sorted(past.bookmarks.values(), key=lambda place: (place.position, place.exits))
        start, end = past.timeline.start[0], past.known[0]
        return Places(tuple(rows), start, end, debugger.position)
    if not NAME.fullmatch(name) or name in ("start", "end"):
        raise UsageError(f"a bookmark's name is a word such as before_panic, and neither start nor end; not {name!r}")
    position, exits = past.here
    past.bookmarks[name] = Place(name, position, exits, note.strip())
    return Note(f"bookmark {name} at position {position:,}; `seek {name}` returns here")


def last(debugger: Debugger, argument: str) -> StopReport:
    """Go back to where something happened last; ``back`` returns."""
    text, condition = split_condition(argument)
    what, _, rest = text.partition(" ")
    if not text or (what in _ACCESSES and not rest):
        raise UsageError("last needs an event, for example: last write 0xc0001000, last exit DTLB_MISS, last tlb write")
    event = watched(debugger, rest, what) if what in _ACCESSES else parse_event(debugger, text)
    return debugger.past.last_of(event, condition)


def save_session(debugger: Debugger, argument: str) -> Note:
    """The run up to now as a file that replays."""
    if not argument:
        raise UsageError("save-session needs a file, for example: save-session bug.ppcdbg")
    path = file_of(debugger, argument)
    size = debugger.past.save(path)
    return Note(f"{path}: {debugger.position:,} instructions, {size:,} bytes; `ppcdbg replay {path}` replays them")


def _names(debugger: Debugger, argument: str) -> list[str]:
    return [*debugger.past.bookmarks, "start", "end", "exit:"]


COMMANDS: tuple[Command, ...] = (
    Command(
        "reverse-stepi", reverse_stepi, "reverse-stepi [N]", "Go back N instructions (default 1).", "reverse-stepi 10",
        "time", ("rsi", "reverse-step", "rs"), None, True,
    ),
    Command(
        "reverse-nexti", reverse_nexti, "reverse-nexti [N]", "As reverse-stepi, but go back over calls as a whole.",
        "reverse-nexti", "time", ("rni", "reverse-next", "rn"), None, True,
    ),
    Command(
        "reverse-continue", reverse_continue, "reverse-continue", "Go back to the last stop, or to the beginning.",
        "reverse-continue", "time", ("rc",), None, True,
    ),
    Command(
        "reverse-finish", reverse_finish, "reverse-finish", "Go back to the call of this function.", "reverse-finish",
        "time", (), None, True,
    ),
    Command(
        "seek", seek, "seek POSITION | +N | -N | exit:N[+N] | BOOKMARK | start | end",
        "Go to a place in time, forwards or back.", "seek exit:42", "time", ("goto-position",), _names,
    ),
    Command("back", back, "back", "Return to where the guest was before the last motion.", "back", "time"),
    Command("forward", forward, "forward", "Undo a back.", "forward", "time"),
    Command(
        "last",
        last,
        "last write|read|access|change ADDRESS | last EVENT [if CONDITION]",
        "Go back to the last access to an address, or to the last event of a kind; `back` returns.",
        "last exit DTLB_MISS",
        "time",
        (),
        lambda debugger, argument: [*_ACCESSES, *completions(debugger, argument)],
    ),
    Command(
        "save-session", save_session, "save-session FILE",
        "Write the run up to now, with its input and bookmarks, into a session file.", "save-session bug.ppcdbg",
        "time",
    ),
    Command(
        "bookmark", bookmark, "bookmark [NAME [NOTE]]", "Name this moment, or list the names.",
        "bookmark before_panic r3 is still right", "time", (),
    ),
)  # fmt: skip
