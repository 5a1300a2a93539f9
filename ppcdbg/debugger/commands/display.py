"""What is shown at every stop: display, undisplay, info display."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.debugger.arguments import format_of, numbers_of
from ppcdbg.debugger.commands.command import Command
from ppcdbg.debugger.results import Display, Note, Table
from ppcdbg.errors import UsageError

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger


def display(debugger: Debugger, argument: str) -> tuple[Display, ...]:
    """With an expression one more, shown now; without one all of them."""
    if not argument:
        return debugger.displays.shown()
    form, text = format_of(argument)
    if not text:
        raise UsageError("display needs an expression after the format, for example: display/i $pc")
    examines = form.letter in ("i", "s") or form.count > 1 or bool(form.size)
    return (
        debugger.displays.add(
            argument, ("x" if examines else "print") + (argument if form.letter or examines else f" {text}")
        ),
    )


def undisplay(debugger: Debugger, argument: str) -> Note:
    if not argument:
        count = debugger.displays.clear()
        return Note(f"deleted {count} display{'s' * (count != 1)}")
    numbers = numbers_of(argument, "display")
    for number in numbers:
        debugger.displays.delete(number)
    return Note("")


def displays(debugger: Debugger, argument: str) -> Table:
    rows = tuple((d.number, d.text) for d in debugger.displays.all())
    return Table("displays", ("number", "expression"), rows, () if rows else ("there is none",))


def _words(debugger: Debugger, argument: str) -> list[str]:
    return ["$" + n for n in debugger.register_file.order]


def _numbers(debugger: Debugger, argument: str) -> list[str]:
    return [str(d.number) for d in debugger.displays.all()]


COMMANDS: tuple[Command, ...] = (
    Command(
        "display",
        display,
        "display[/FORMAT] [EXPRESSION]",
        "Show the value of an expression now and at every stop; formats as of print and x.",
        "display/i $pc",
        "data",
        (),
        _words,
    ),
    Command(
        "undisplay",
        undisplay,
        "undisplay [NUMBER...]",
        "Show it no more; without a number, nothing any more.",
        "undisplay",
        "data",
        ("undisp",),
        _numbers,
    ),
    Command("info display", displays, "info display", "What is shown at every stop.", "info display", "data"),
)
