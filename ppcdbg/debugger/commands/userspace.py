"""The userspace family: what KVM leaves to userspace, who answers it, and what else could be left to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.debugger import answering, queries
from ppcdbg.debugger.commands.command import Command
from ppcdbg.debugger.results import Note, Table
from ppcdbg.debugger.userspace import tables
from ppcdbg.errors import UsageError
from ppcdbg.kvm.payloads import PAYLOADS, SHORT_NAMES

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


def answer(debugger: Debugger, argument: str) -> Note | Table:
    """A rule; with nothing the list; ``delete`` takes rules away."""
    first, _, rest = argument.strip().partition(" ")
    if not first:
        return answers(debugger, "")
    if first == "delete":
        number = debugger.evaluate(rest).number if rest.strip() else None
        gone = answering.delete(debugger, number)
        return Note(f"{gone} answer{'s' if gone != 1 else ''} deleted")
    if debugger.system.left and answering.short_name(first) not in SHORT_NAMES:
        return Note(f"when the guest runs on: {answering.once(debugger, argument)}")
    rule = answering.add(debugger, argument)
    return Note(f"answer {rule.number}: {rule.text}")


def answers(debugger: Debugger, argument: str) -> Table:
    rows = tuple((rule.number, rule.text) for rule in answering.listing(debugger))
    return Table("answers", ("number", "answer"), rows, () if rows else ("the built-in userspace answers",))


def _answer_words(debugger: Debugger, argument: str) -> list[str]:
    words = argument.split(" ")
    if len(words) < 2:
        asked = queries.kvm_of(debugger).leaving.asked if debugger.system.left else None
        own = [] if asked is None else [*asked.answers(), answering.AT_ONCE, answering.END]
        return [*own, *sorted(SHORT_NAMES), "delete"]
    kind = PAYLOADS.get(SHORT_NAMES.get(words[0].upper(), -1))
    return [] if kind is None else [*kind().payload(), answering.AT_ONCE, answering.END, "if"]


COMMANDS: tuple[Command, ...] = (
    Command(
        "answer",
        answer,
        "answer [[REASON] [FIELD = VALUE | immediate | end KIND][, ...] [if CONDITION] | delete [NUMBER]]",
        "Answer an exit to userspace from now on, in place of the built-in userspace; conditions see its fields."
        " Without REASON: the one that the guest stands at, and it alone.",
        "answer SPR data = 0x1234 if sprn == 976",
        "userspace",
        ("info answers",),
        _answer_words,
    ),
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
