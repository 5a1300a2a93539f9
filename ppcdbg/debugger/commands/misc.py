"""What is typed at the guest's console, and leaving."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.debugger.commands.command import Command
from ppcdbg.debugger.printf import quoted
from ppcdbg.debugger.results import Note, Quit
from ppcdbg.errors import UsageError

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger


def quit_(debugger: Debugger, argument: str) -> Quit:
    """A script may give the exit status, as in gdb."""
    status = debugger.evaluate(argument).number if argument else 0
    if not 0 <= status <= 255:
        raise UsageError(f"an exit status lies between 0 and 255; {argument!r} is {status}")
    return Quit(status)


def send(debugger: Debugger, argument: str) -> Note:
    """Type at the guest's console, through the input queue; it arrives when the guest runs on."""
    found = quoted(argument)
    if not argument or found is not None and found[1]:
        raise UsageError('send needs a text, for example: send "ls\\n"; without quotes a newline follows it')
    data = (argument + "\n" if found is None else found[0]).encode()
    debugger.send(data)
    return Note(f"{len(data)} bytes will be typed at the guest's console when it runs on")


COMMANDS: tuple[Command, ...] = (
    Command(
        "quit", quit_, "quit [STATUS]", "Leave the debugger; a script gives the exit status.", "quit", "other", ("q",)
    ),
    Command(
        "send",
        send,
        'send TEXT | "TEXT"',
        "Type at the guest's console; without quotes a newline follows the text.",
        'send "root\\n"',
        "other",
    ),
)
