"""Help, monitor, quit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.debugger.commands.command import Command
from ppcdbg.debugger.results import Note, Quit

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger


def quit_(debugger: Debugger, argument: str) -> Quit:
    return Quit()


def echo(debugger: Debugger, argument: str) -> Note:
    return Note(argument)


COMMANDS: tuple[Command, ...] = (
    Command("quit", quit_, "quit", "Leave the debugger.", "quit", "other", ("q",)),
    Command("echo", echo, "echo TEXT", "Say a text; for scripts.", "echo booted", "other"),
)
