"""The userspace family: what KVM leaves to userspace, who answers it, and what else could be left to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.debugger.commands.command import Command
from ppcdbg.debugger.results import Table
from ppcdbg.debugger.userspace import tables
from ppcdbg.errors import UsageError

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

CORES = ("e500v2", "e500mc")


def userspace(debugger: Debugger, argument: str) -> tuple[Table, ...]:
    return tables(debugger)


def spr_exits(debugger: Debugger, argument: str) -> Table:
    """It runs a guest of its own; the one at hand stays where it is."""
    from ppcdbg.explore.spr_exits import NOTES, rows

    core = argument.strip()
    if core not in ("", *CORES):
        raise UsageError(f"there is no core {core!r}; {' and '.join(CORES)} can be named")
    found = rows(core or None)
    cells = tuple(tuple("-" if cell is None else cell for cell in row.values()) for row in found)
    return Table("SPR exits", tuple(found[0]), cells, NOTES)


COMMANDS: tuple[Command, ...] = (
    Command(
        "info userspace",
        userspace,
        "info userspace",
        "What KVM has left to userspace: how often, who answers, the last payload; and who has which register.",
        "info userspace",
        "userspace",
    ),
    Command(
        "info spr-exits",
        spr_exits,
        "info spr-exits [CORE]",
        "A guest that uses an unknown SPR, DBCR0 and EPR, in every configuration of KVM_EXIT_SPR; runs it.",
        "info spr-exits e500v2",
        "userspace",
        (),
        lambda debugger, argument: list(CORES),
    ),
)
