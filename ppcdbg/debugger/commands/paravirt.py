"""The paravirtual family: the magic page, patched instructions and critical sections, and what deferral costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.debugger.commands.command import Command
from ppcdbg.debugger.results import MagicPage, Patched, PatchedDetail, Table
from ppcdbg.errors import UsageError
from ppcdbg.kvm.patching import PATCHABLE

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger
    from ppcdbg.debugger.magic_writers import MagicWriters


def magic(debugger: Debugger, argument: str) -> MagicPage:
    return debugger.paravirt.magic()


def magic_writers(debugger: Debugger, argument: str) -> MagicWriters:
    from ppcdbg.debugger.magic_writers import magic_writers

    words = argument.split()
    if words and (words[0] != "from" or len(words) != 2):
        raise UsageError("info magic-writers takes from PLACE, for example: info magic-writers from start")
    debugger.paravirt.writers = found = magic_writers(debugger, words[1] if words else "")
    return found


def patched(debugger: Debugger, argument: str) -> Patched:
    return debugger.paravirt.patched(argument.strip())


def patched_at(debugger: Debugger, argument: str) -> PatchedDetail:
    """At pc where no address is given."""
    return debugger.paravirt.at(debugger.address(argument) if argument.strip() else debugger.pc)


def rewritten(debugger: Debugger, argument: str) -> Table:
    return debugger.paravirt.rewritten()


def hazards(debugger: Debugger, argument: str) -> Table:
    """It runs guests of its own; the one at hand stays where it is."""
    from ppcdbg.explore.hazards import HAZARDS, rows

    found = rows()
    cells = tuple(tuple("-" if cell is None else cell for cell in [*row.values()][:-1]) for row in found)
    notes = ["reads: loads that saw a word which the guest had not put there; the first of them is shown"]
    notes += [f"hazard-{name}: {does}" for name, does in HAZARDS.items()]
    return Table("patch hazards", tuple(found[0])[:-1], cells, tuple(notes))


def deferral(debugger: Debugger, argument: str) -> Table:
    return debugger.paravirt.deferral()


def _names(debugger: Debugger, argument: str) -> list[str]:
    return [p.name for p in PATCHABLE]


def _symbols(debugger: Debugger, argument: str) -> list[str]:
    return debugger.symbols.starting_with(argument.strip(), 150)


COMMANDS: tuple[Command, ...] = (
    Command(
        "info magic",
        magic,
        "info magic",
        "The page that KVM shares with the guest, field by field, and whether it is in a critical section.",
        "info magic",
        "paravirtual",
    ),
    Command(
        "info magic-writers",
        magic_writers,
        "info magic-writers [from PLACE]",
        "Who wrote each field of the magic page last, guest or KVM, where, and how often; the run is made again.",
        "info magic-writers",
        "paravirtual",
    ),
    Command(
        "info patched",
        patched,
        "info patched [INSTRUCTION]",
        "The instructions that the guest has patched, each with its original and what is wrong with it.",
        "info patched wrtee",
        "paravirtual",
        (),
        _names,
    ),
    Command(
        "patched",
        patched_at,
        "patched [ADDRESS]",
        "A patched instruction or a critical section, with what an interrupt at each instruction would come to.",
        "patched $pc",
        "paravirtual",
        (),
        _symbols,
    ),
    Command(
        "info rewritten",
        rewritten,
        "info rewritten",
        "The instructions that the hypervisor has rewritten unasked (--patch-by hypervisor).",
        "info rewritten",
        "paravirtual",
    ),
    Command(
        "info patch-hazards",
        hazards,
        "info patch-hazards",
        "Four guests that read their own instructions, rewritten by nobody, by the hypervisor and by themselves.",
        "info patch-hazards",
        "paravirtual",
    ),
    Command(
        "info deferral",
        deferral,
        "info deferral",
        "How interrupts in a critical section are deferred, how often, for how long, and what it cost.",
        "info deferral",
        "paravirtual",
    ),
)
