"""What a search over interleavings found: how much was tried, failures as lines, and one of them in columns.

In a column stand pc, instruction, and behind `=` what it loaded, behind `:` what it stored.
"""

from __future__ import annotations

from collections.abc import Callable

from ppcdbg.explore.interleavings import Failure, Report
from ppcdbg.explore.tale import Row, Tale
from ppcdbg.explore.together import ABOUT, Broken, Rules
from ppcdbg.isa.disassemble import Disassembler
from ppcdbg.views.numbers import count
from ppcdbg.views.spans import Line, Span, column, line

Named = Callable[[int], str]
BEFORE = 6
"""Instructions that are told before the first switch."""
LONGEST = 100
"""Instructions that are told in all; of more, the first and the last."""
_POSITION, _COLUMN = 7, 36


def title(found: Report) -> list[Line]:
    """How much was tried."""
    plan = found.plan
    if plan.samples:
        how = f"{count(plan.samples)} schedules drawn with seed {plan.seed}"
    else:
        limit = "all interleavings" if plan.switches is None else f"all interleavings of up to {plan.switches} switches"
        how = limit if found.complete or found.interrupted else f"stopped after {count(plan.states)} states (--states)"
    if found.interrupted:
        how += ", interrupted" if plan.samples else f" asked for, interrupted after {count(found.states)} states"
    undecided = f", {count(found.undecided)} of them undecided" if found.undecided else ""
    return [
        line((f"{found.vcpus} vCPUs: {how}{undecided}", "title")),
        line((f"{count(found.states)} states, {count(found.places)} places for a switch, {count(found.runs)} runs of up"
              f" to {found.deepest} switches; {count(found.joined)} came to a known state", "dim")),
    ]  # fmt: skip


def rules(held: Rules, named: Named) -> list[Line]:
    """What was held to."""
    parts = [f"never two in {named(a) or hex(a)}..{named(b) or hex(b)}" for a, b in held.exclusive]
    parts += [f"{final.name} is {final.expected} in the end" for final in held.finals]
    parts.append("every vCPU comes to " + (", ".join(named(at) or hex(at) for at in held.done) or "a branch to itself"))
    return [line(("rules: " + "; ".join(parts), "dim"))]


def clean(found: Report) -> list[Line]:
    """That no failure was found, and what that is worth."""
    rows = [line(("all rules hold", "ok") if found.decided else ("no rule was broken in what was tried", "warning"))]
    if found.ran < found.vcpus:
        names = ", ".join(f"vCPU {n}" for n in range(found.ran, found.vcpus))
        rows.append(line((f"{names} never ran: the guest did not release it from the spin table", "warning")))
    return rows


def failures(found: list[Failure], most: int) -> list[Line]:
    """The lines that replay them."""
    rows = [
        line((f"{f.line:<24} ", "cause"), (f"{f.broken.condition}: ", "failed"), f.broken.reason) for f in found[:most]
    ]
    if len(found) > most:
        rows.append(line((f"... {len(found) - most} more in --json", "dim")))
    return rows


def verdict(broken: Broken | None) -> list[Line]:
    """The end of a replay."""
    if broken is None:
        return [line(("all rules hold", "ok"))]
    return [
        line((f"{broken.condition}: ", "failed"), broken.reason),
        line((f"the rule: {ABOUT[broken.condition]}", "dim")),
    ]


def table(tale: Tale, vcpus: int, named: Named, core: str) -> list[Line]:
    """A run in columns."""
    first = next((i for i, row in enumerate(tale.rows) if row.vcpu != tale.rows[0].vcpu), len(tale.rows))
    told = tale.rows[max(0, first - BEFORE) :]
    heads = [column(f"vCPU {n}", _COLUMN, "label") for n in range(vcpus)]
    rows: list[Line] = [(column("", _POSITION), *heads)]
    if len(told) < len(tale.rows):
        rows.append(line((f"{'...':>{_POSITION - 1}} {count(len(tale.rows) - len(told))} before", "dim")))
    disassembler = Disassembler(core)
    skipped = len(told) - LONGEST
    for i, row in enumerate(told):
        if skipped > 0 and LONGEST // 2 <= i < LONGEST // 2 + skipped:
            if i == LONGEST // 2:
                rows.append(line((f"{'...':>{_POSITION - 1}} {count(skipped)} more", "dim")))
            continue
        rows += _row(row, vcpus, named, disassembler)
    return rows


def _row(row: Row, vcpus: int, named: Named, disassembler: Disassembler) -> list[Line]:
    at = column(f"{row.position} ", _POSITION, "position", right=True)
    rows = [
        (Span(" " * _POSITION), *_beside(vcpu, (column(f"  {text}", _COLUMN, "story"),)))
        for vcpu, text in row.notes
        if _first(text)
    ]
    insn = "?" if row.word is None else str(disassembler.one(row.word, row.pc))
    symbol = named(row.pc)
    if symbol and "+" not in symbol:
        rows.append((Span(" " * _POSITION), *_beside(row.vcpu, (column(f"{symbol}:", _COLUMN, "symbol"),))))
    touched = "".join(f" {':' if t.write else '='}{t.value:x}" for t in row.touches[:2])
    width = _COLUMN - 10 - len(touched)
    cells = (column(f"{row.pc:08x} ", 9, "address"), column(insn, width, "mnemonic"), Span(f"{touched} ", "number"))
    rows.append((at, *_beside(row.vcpu, cells)))
    for vcpu, text in row.notes:
        if not _first(text):
            rows.append((Span(" " * _POSITION), *_beside(vcpu, (column(f"  {text}", _COLUMN, "story"),))))
    return rows


def _first(note: str) -> bool:
    """Whether it came before the instruction."""
    return note.startswith(("takes", "exits"))


def _beside(vcpu: int, cells: tuple[Span, ...]) -> tuple[Span, ...]:
    """The cells in their core's column."""
    return (Span(" " * (_COLUMN * vcpu)), *cells) if vcpu else cells
