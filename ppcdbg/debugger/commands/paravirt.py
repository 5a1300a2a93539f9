"""The paravirtual interface: what it costs to defer interrupts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.debugger import paravirt
from ppcdbg.debugger.commands.command import Command
from ppcdbg.debugger.results import Table

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger


def deferral(debugger: Debugger, argument: str) -> Table:
    """The policies, and what the chosen one did and cost."""
    return paravirt.deferral(debugger)


COMMANDS: tuple[Command, ...] = (
    Command(
        "info deferral",
        deferral,
        "info deferral",
        "How interrupts in a critical section are deferred, how often, for how long, and what it cost.",
        "info deferral",
        "info",
    ),
)
