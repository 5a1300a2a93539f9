"""A comparison as data: what ``--json`` writes, and what a view makes lines of."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ppcdbg.conform.align import EXIT
from ppcdbg.conform.conform import Comparison, reader
from ppcdbg.isa.disassemble import Disassembler
from ppcdbg.isa.insn import E500V2

SCHEMA, SCHEMA_VERSION = "ppcdbg-conform", 1
_MARK = re.compile(r"user: GUESTMARK (\w+)")
NameOf = Callable[[int], str]
"""The guest's name of an address, "" for none."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the guest: ``mark`` is the last one that it set, "" before the first."""

    pc: int
    symbol: str
    instruction: str
    mark: str


@dataclass(frozen=True, slots=True)
class Context:
    """The first difference: the events before it that agree, and what each side has from there on."""

    ours_at: int
    theirs_at: int
    before: tuple[str, ...]
    ours: tuple[str, ...]
    theirs: tuple[str, ...]
    ours_place: Place
    theirs_place: Place


def context(found: Comparison, lines: int, name_of: NameOf) -> Context | None:
    """The first difference of the events with so many lines around it."""
    at = found.alignment.difference
    if at is None:
        return None
    ours, theirs = [e.text for e in found.run.events], found.trace.events
    before = theirs[max(0, at.theirs - lines) : at.theirs]
    return Context(
        at.ours, at.theirs, before, tuple(ours[at.ours : at.ours + lines]), theirs[at.theirs : at.theirs + lines],
        _place(found, ours, at.ours, name_of), _place(found, [*theirs], at.theirs, name_of),
    )  # fmt: skip


def _place(found: Comparison, events: list[str], at: int, name_of: NameOf) -> Place:
    """Where the guest was at an event: the exit that it belongs to, or the last one."""
    pc, mark = 0, ""
    for text in events[: at + 1]:
        if (m := EXIT.match(text)) is not None:
            pc = int(m[2], 16) - (4 if m[1] == "SYSCALL" else 0)  # that one saves the address behind it
        elif (m := _MARK.match(text)) is not None:
            mark = m[1]
    word = reader(found.run.image)(pc)
    shown = "" if word is None else str(Disassembler(E500V2).one(word, pc))
    return Place(pc, name_of(pc), shown, mark)


def data(found: Comparison, lines: int, name_of: NameOf) -> dict[str, object]:
    """One comparison."""
    where = context(found, lines, name_of)
    return {
        "guest": found.trace.guest,
        "backing": found.trace.backing,
        "agrees": found.agrees,
        "events": len(found.trace.events),
        "compared": len(found.alignment.pairs),
        "left_out": dict(found.alignment.left_out),
        "ended": found.stop.kind.value,
        "difference": None if where is None else {
            "ours_at": where.ours_at,
            "theirs_at": where.theirs_at,
            "before": [*where.before],
            "ours": [*where.ours],
            "theirs": [*where.theirs],
            "ours_place": _data(where.ours_place),
            "theirs_place": _data(where.theirs_place),
        },
        "findings": [{"what": f.what, "ours": f.ours, "theirs": f.theirs} for f in found.findings],
    }  # fmt: skip


def _data(place: Place) -> dict[str, object]:
    return {"pc": place.pc, "symbol": place.symbol, "instruction": place.instruction, "mark": place.mark}
