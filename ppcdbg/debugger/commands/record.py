"""Commands that write the run into a session file, while it goes on or as it was up to now; with gdb's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.debugger.arguments import file_of
from ppcdbg.debugger.commands.command import Command
from ppcdbg.debugger.positions import where_of
from ppcdbg.debugger.results import Note
from ppcdbg.debugger.stops import StopReport
from ppcdbg.errors import UsageError

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

_WORDS = ("stop", "save", "goto", "full", "delete", "btrace", "instruction-history", "function-call-history")


def record(debugger: Debugger, argument: str) -> Note | StopReport:
    """Begin, end, or one of gdb's other words for it."""
    word, _, rest = argument.strip().partition(" ")
    rest = rest.strip()
    if not word:
        raise UsageError("record needs a file, for example: record bug.ppcdbg; `record stop` ends it")
    if word == "stop" and not rest:
        return _stopped(debugger)
    if word == "save":
        return save_session(debugger, rest)
    if word == "goto":
        if not rest:
            raise UsageError("record goto needs a place, for example: record goto begin, record goto end")
        return debugger.past.go(where_of(debugger, "start" if rest == "begin" else rest))
    if word in _WORDS:
        raise UsageError(f"record {word} is not known here; say record FILE, stop, save FILE, or goto PLACE")
    path = file_of(debugger, argument)
    debugger.past.recording.start(path)
    first = debugger.past.recording.begins
    whole = f"all since position {first:,}, where its history begins, is in it" if first else "all so far is in it"
    return Note(f"this run is being recorded into {path}: {whole}, and what follows will be; `record stop` ends it")


def _stopped(debugger: Debugger) -> Note:
    path, size = debugger.past.recording.stop()
    return Note(f"{path}: {size:,} bytes; `ppcdbg replay {path}` replays them")


def save_session(debugger: Debugger, argument: str) -> Note:
    """The run up to now as a file that replays: a recording that ends where it begins."""
    if not argument:
        raise UsageError("save-session needs a file, for example: save-session bug.ppcdbg")
    path, recording = file_of(debugger, argument), debugger.past.recording
    first = recording.begins
    size = recording.save(path)
    ran = f"{debugger.position - first:,} instructions" + (f" since position {first:,}" if first else "")
    return Note(f"{path}: {ran}, {size:,} bytes; `ppcdbg replay {path}` replays them")


def info_record(debugger: Debugger, argument: str) -> Note:
    """What is recorded, and what could be."""
    past = debugger.past
    start, end = past.timeline.start[0], past.known[0]
    known = f"the past is known from position {start:,} to {end:,}"
    if past.file is not None and past.parted_at is None:
        known += f", as {past.file} has it"
    elif past.file is not None:
        known += f"; from {past.parted_at:,} on this is not the run of {past.file}"
    if past.recording.path is None:
        return Note(f"nothing is being recorded; {known}")
    return Note(f"{past.recording.path} is being recorded; {known}")


COMMANDS: tuple[Command, ...] = (
    Command(
        "record", record, "record FILE | stop | save FILE | goto PLACE",
        "Record the run into a session file, from its beginning on as far as that is known, or end that.",
        "record bug.ppcdbg", "time", ("rec",), lambda debugger, argument: ["stop", "save", "goto"],
    ),
    Command(
        "save-session", save_session, "save-session FILE",
        "Write the run up to now, with its input and bookmarks, into a session file.", "save-session bug.ppcdbg",
        "time",
    ),
    Command(
        "info record", info_record, "info record", "Whether the run is being recorded, and what is known of it.",
        "info record", "time",
    ),
)  # fmt: skip
