"""What is typed at the guest's console, the layout of a screen, and leaving."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.debugger.commands.command import Command
from ppcdbg.debugger.printf import quoted
from ppcdbg.debugger.results import LayoutWish, Note, Quit
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


def layout(debugger: Debugger, argument: str) -> LayoutWish:
    """The screen carries it out."""
    words = argument.split()
    match words:
        case []:
            return LayoutWish("list")
        case ["save" | "delete" as verb, name]:
            return LayoutWish(verb, name)
        case ["save" | "delete" as verb]:
            raise UsageError(f"layout {verb} needs a name, for example: layout {verb} mine")
        case [name]:
            return LayoutWish("use", name)
    raise UsageError(f"layout takes a name, 'save NAME' or 'delete NAME', not {argument.strip()!r}")


def _layouts(debugger: Debugger, argument: str) -> list[str]:
    return [*debugger.layouts, *(() if " " in argument.strip() else ("save", "delete"))]


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
    Command(
        "layout",
        layout,
        "layout [NAME | save NAME | delete NAME]",
        "In the UI: arrange the panes as a layout has them, or keep this arrangement under a name.",
        "layout save mine",
        "other",
        (),
        _layouts,
    ),
)
