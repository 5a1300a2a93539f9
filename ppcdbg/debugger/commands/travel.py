"""Commands that go back in time, and to places by name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ppcdbg.debugger.arguments import count_of
from ppcdbg.debugger.bookmarks import Place, Places
from ppcdbg.debugger.commands.command import Command
from ppcdbg.debugger.course import PARTS, Course, course_of
from ppcdbg.debugger.notes import NoteList
from ppcdbg.debugger.positions import Kind, position_of, where_of, words
from ppcdbg.debugger.results import Note
from ppcdbg.debugger.stops import StopReport
from ppcdbg.errors import UsageError

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger


def reverse_stepi(debugger: Debugger, argument: str) -> StopReport:
    return debugger.past.reverse_step(count_of(debugger, argument))


def reverse_nexti(debugger: Debugger, argument: str) -> StopReport:
    return debugger.past.reverse_next(count_of(debugger, argument))


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
    if not argument.strip():
        raise UsageError("seek needs a place, for example: seek 12_345_678, seek -1000, seek exit:42, seek end")
    return debugger.past.go(where_of(debugger, argument))


def back(debugger: Debugger, argument: str) -> StopReport:
    return debugger.past.back()


def forward(debugger: Debugger, argument: str) -> StopReport:
    return debugger.past.forward()


def bookmark(debugger: Debugger, argument: str) -> Places | Note:
    """Name a moment, list the names, change or delete one."""
    marks, (first, _, rest) = debugger.past.bookmarks, argument.strip().partition(" ")
    rest = rest.strip()
    if first in ("", "list"):
        past = debugger.past
        return Places(marks.rows, past.timeline.start[0], past.known[0], debugger.position)
    if first == "delete":
        said = "".join(dict.fromkeys(marks.delete(name) for name in rest.split() or [""]))
        return Note(f"deleted{said}")
    if first == "rename":
        old, _, new = rest.partition(" ")
        return Note(f"{old} is {new.strip()} now{marks.rename(old, new.strip())}")
    if first == "note":
        name, _, note = rest.partition(" ")
        return Note(f"noted{marks.set(replace(marks.find(name), note=note.strip()))}")
    where, (position, exits) = "", debugger.past.here
    if rest.startswith("@"):
        where, _, rest = rest[1:].partition(" ")
        position, exits = _key(debugger, where)
    said = marks.set(Place(first, position, exits, rest.strip()))
    return Note(
        f"bookmark {first} at position {position:,}; `seek {first}` {'goes' if where else 'returns'} there{said}"
    )


def _key(debugger: Debugger, text: str) -> tuple[int, int]:
    """The place that a text means, as a bookmark keeps it: 0 exits stand for the first moment of a position."""
    where = where_of(debugger, text)
    if where.kind is Kind.EXIT and not where.beyond:
        return position_of(debugger, text), where.number + 1
    return position_of(debugger, text), where.exits or 0


def note(debugger: Debugger, argument: str) -> NoteList | Note:
    """Say something about the run as a whole, list what was said, or take it back."""
    notes, (first, _, rest) = debugger.past.notes, argument.strip().partition(" ")
    if first in ("", "list") and not rest:
        return NoteList(notes.rows)
    if first == "delete":
        return Note(f"deleted{notes.delete(count_of(debugger, rest, 0))}")
    said = notes.add(argument.strip())
    return Note(f"note {len(notes.rows)} on this run{said}")


def _bookmark_words(debugger: Debugger, argument: str) -> list[str]:
    return ["list", "delete", "rename", "note", *debugger.past.bookmarks]


def timeline(debugger: Debugger, argument: str) -> Course:
    """The known run in parts."""
    return course_of(debugger, PARTS)


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
        "seek", seek, "seek N | +N | -N | exit:N[+N] | irq:N | time:TICKS | %PERCENT | start | end | BOOKMARK",
        "Go to a place in time, forwards or back.", "seek exit:42", "time", ("goto-position",),
        lambda debugger, argument: words(debugger),
    ),
    Command("back", back, "back", "Return to where the guest was before the last motion.", "back", "time"),
    Command("forward", forward, "forward", "Undo a back.", "forward", "time"),
    Command(
        "timeline", timeline, "timeline",
        "The known run at a glance: now, bookmarks, checkpoints, and how the exits of each kind lie in it.",
        "timeline", "time", ("info timeline",),
    ),
    Command(
        "bookmark", bookmark,
        "bookmark [NAME [@PLACE] [NOTE]] | list | delete NAME... | rename OLD NEW | note NAME [TEXT]",
        "Name this moment or another, or list, change and delete names. The session file that is replayed keeps them.",
        "bookmark before_panic r3 is still right", "time", ("info bookmarks",), _bookmark_words,
    ),
    Command(
        "note", note, "note [TEXT | list | delete N]",
        "Say something about the run as a whole, list what was said, or take it back. The session file that is "
        "replayed or recorded keeps it.", "note lost interrupt, as in the report of the 3rd", "time", ("info notes",),
        lambda debugger, argument: ["list", "delete"],
    ),
)  # fmt: skip
