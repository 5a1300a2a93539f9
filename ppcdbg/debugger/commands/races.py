"""The races family: a search over interrupts from where the guest stands, and its failures brought about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.debugger.commands.command import Command
from ppcdbg.debugger.races import RaceFound, asked_for
from ppcdbg.debugger.results import Note
from ppcdbg.errors import UsageError
from ppcdbg.explore.sources import names

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger
    from ppcdbg.debugger.stops import StopReport


def race(debugger: Debugger, argument: str) -> RaceFound:
    return debugger.races.search(*asked_for(argument))


def race_put(debugger: Debugger, argument: str) -> tuple[Note, StopReport]:
    if not argument.strip():
        raise UsageError("race-put needs the line of a failure, for example: race-put external@96")
    return debugger.races.put(argument.strip())


def info_race(debugger: Debugger, argument: str) -> RaceFound | Note:
    found = debugger.races.found()
    return Note("nothing was searched yet; race begins where the guest stands") if found is None else found


def _sources(debugger: Debugger, argument: str) -> list[str]:
    return [*names(debugger.guest.kind == "hv")]


COMMANDS: tuple[Command, ...] = (
    Command(
        "race",
        race,
        "race [SITES] [SOURCE,...] [under POLICY] [within INSTRUCTIONS]",
        "An interrupt at every boundary of the critical sections that the guest enters next: which are lost, and why.",
        "race 8 external,decrementer within 1M",
        "races",
        (),
        _sources,
    ),
    Command(
        "race-put",
        race_put,
        "race-put SOURCE@POSITION[+...]",
        "Go to where a schedule begins, and let its interrupts come there: the line of a failure shows it.",
        "race-put external@96",
        "races",
    ),
    Command(
        "info race",
        info_race,
        "info race",
        "What the last search for races found.",
        "info race",
        "races",
    ),
)
