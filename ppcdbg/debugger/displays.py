"""What is shown by itself at every stop, as gdb's ``display``: expressions by number, each asked anew.

Kept as the command that shows it (``print/x`` or ``x/i``), so that there is one way to print a value. Who shows a stop
asks ``shown``; one that cannot be evaluated says why and stays.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ppcdbg.debugger.commands import registry
from ppcdbg.debugger.results import Display
from ppcdbg.errors import UsageError

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger


class Displays:
    """The displays of one debugger. Numbers are never used twice."""

    def __init__(self, debugger: Debugger) -> None:
        self.debugger = debugger
        self._all: dict[int, Display] = {}
        self._next = 1

    def add(self, text: str, command: str) -> Display:
        """Raises UsageError for what cannot be shown now, and keeps nothing."""
        shown = self._asked(Display(self._next, text, command))
        if shown.error:
            raise UsageError(shown.error)
        self._all[self._next] = Display(self._next, text, command)
        self._next += 1
        return shown

    def delete(self, number: int) -> None:
        """Raises UsageError for a number that is not there."""
        if number not in self._all:
            raise UsageError(f"there is no display {number}; there are {len(self._all)}")
        del self._all[number]

    def clear(self) -> int:
        """Delete all; how many there were."""
        count = len(self._all)
        self._all.clear()
        return count

    def all(self) -> tuple[Display, ...]:
        """What is displayed, without values."""
        return tuple(self._all.values())

    def shown(self) -> tuple[Display, ...]:
        """Every display with its value now."""
        return tuple(self._asked(d) for d in self._all.values())

    def _asked(self, display: Display) -> Display:
        before = self.debugger.last_examined
        command, rest = registry.find(display.command)
        try:
            return replace(display, value=command.run(self.debugger, rest))
        except UsageError as error:
            return replace(display, error=str(error))
        finally:
            self.debugger.last_examined = before  # an empty x goes on where the user's own ended
