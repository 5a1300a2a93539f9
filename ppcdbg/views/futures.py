"""Two futures side by side: where they part, in what, and what differs in the end; and the list of branches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ppcdbg.debugger.branches import BranchList
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.futures import (
    Comparison,
    ConsolesApart,
    Ending,
    ExitsApart,
    Field,
    Flow,
    Instruction,
    Parted,
)
from ppcdbg.kvm.records import ExitRecord
from ppcdbg.views import exits
from ppcdbg.views.numbers import count, ea, plural, real
from ppcdbg.views.spans import Line, Span, clean, column, fit, line, wrap

SHOWN = 8
"""Fields of a kind that are shown; how many more there are is said."""


def comparison_rows(found: Comparison, debugger: Debugger, width: int) -> list[Line]:
    """What was found, from the first difference to the end."""
    return [fit(row, width) for row in _rows(found, debugger, width)]


def _rows(found: Comparison, debugger: Debugger, width: int) -> Iterator[Line]:
    one, two = found.names
    for edit in found.edits[:SHOWN]:
        yield line(("edit  ", "label"), clean(edit))
    if found.same:
        end = found.ends[0]
        told = line(
            (f"{one} and {two} are the same", "ok"), f": {count(end.position)} instructions, ",
            f"{plural(end.exits, 'exit')}, {count(end.console)} bytes of console",
        )  # fmt: skip
        yield from wrap(told, width)
        return
    if found.parted is not None:
        yield from _parted(found.parted, found.names, width)
    else:
        yield line("No state that was compared differs, but what happened on the way does.")
    if found.flow is not None:
        yield from _flow(found.flow, found.names)
    if found.exits is not None:
        yield from _exits(found.exits, found.names, debugger, width)
    if found.console is not None:
        yield from _console(found.console, found.names, width)
    yield line(("in the end", "title"))
    for end in found.ends:
        yield from _ending(end, width)
    yield from _ends(found)


# --- where they part -----------------------------------------------------------------------------------------------
def _parted(parted: Parted, names: tuple[str, str], width: int) -> Iterator[Line]:
    d = parted.difference
    yield from wrap(
        line(
            ("The states part at ", "title"), (count(parted.position), "position"), ": ", (clean(d.name), "register"),
            " is ", (clean(d.first), "number"), f" in {names[0]} and ",
            (clean(d.second), "changed"), f" in {names[1]}.",
        ),
        width,
    )  # fmt: skip
    if parted.more:
        yield line("  also ", *_fields(parted.more))
    for i in parted.around:
        yield _instruction(i, "→ " if i.position == parted.position else "  ")


def _fields(fields: Sequence[Field]) -> Iterator[tuple[str, str] | str]:
    for f in fields[:SHOWN]:
        yield f.name + " ", "register"
        yield f"{clean(f.first)} → {clean(f.second)}  ", "changed"
    if len(fields) > SHOWN:
        yield f"and {len(fields) - SHOWN} more", "dim"


def _instruction(i: Instruction, sign: str) -> Line:
    return (
        Span(sign, "arrow"), column(count(i.position), 12, "position", True), Span("  "), Span(ea(i.pc), "address"),
        Span("  "), column(i.place, 28, "symbol"), Span(" "), Span(clean(i.text), "mnemonic"),
    )  # fmt: skip


def _flow(flow: Flow, names: tuple[str, str]) -> Iterator[Line]:
    if flow.position is None:
        yield line(f"The flow is the same for the {count(flow.compared)} instructions behind it that were compared.")
        return
    lead = "The flow parts at " if flow.exact else "The flow has parted by "
    yield line((lead, "title"), (count(flow.position), "position"), ":")
    for i in flow.before:
        yield _instruction(i, "  ")
    for name, rows in zip(names, (flow.first, flow.second)):
        yield line((f"  {name}", "label"))
        for i in rows:
            yield _instruction(i, "  ")


def _exits(apart: ExitsApart, names: tuple[str, str], debugger: Debugger, width: int) -> Iterator[Line]:
    yield line(("The first exit that differs is ", "title"), (count(apart.number), "position"), ":")
    for name, records in zip(names, (apart.first, apart.second)):
        yield line((f"  {name}", "label"))
        for record in records:
            yield (Span("→ " if record.number == apart.number else "  ", "arrow"), *_exit(record, debugger, width))


def _exit(record: ExitRecord, debugger: Debugger, width: int) -> Line:
    return exits.row(record, debugger.symbols, width - 2)


def _console(apart: ConsolesApart, names: tuple[str, str], width: int) -> Iterator[Line]:
    yield line(("The consoles part at byte ", "title"), (count(apart.at), "position"), ":")
    lead = apart.before.rsplit("\n", 1)[-1]
    for name, text in zip(names, (apart.first, apart.second)):
        first = text.replace("\r", "").split("\n", 1)[0] if text else ""
        shown = (clean(first), "changed") if text else (" (nothing more)", "dim")
        yield line((f"  {name:<12} ", "label"), (clean(lead), "dim"), shown)


# --- the end -------------------------------------------------------------------------------------------------------
def _ending(end: Ending, width: int) -> Iterator[Line]:
    where = f" in {end.place}" if end.place else ""
    what = f"{end.kind}: {clean(end.detail)}" if end.detail else "goes on" if not end.ended else end.kind
    told = line(
        (f"{end.name:<11}", "label"), " ", (count(end.position), "position"), f"  pc {ea(end.pc)}{where}, ",
        f"{plural(end.exits, 'exit')}, {count(end.console)} bytes of console; ",
        (what, "ok" if end.kind in ("reset", "poweroff") else "text"),
    )  # fmt: skip
    for row in wrap(told, width - 2, 12):
        yield line("  ", *row)


def _ends(found: Comparison) -> Iterator[Line]:
    one, two = found.names
    if found.kinds:
        cells = (f"{name} {count(a)} → {count(b)}" for name, a, b in found.kinds)
        yield line(("  exits      ", "label"), ", ".join(cells))
    if found.registers:
        yield line(("  registers  ", "label"), *_fields(found.registers))
    if found.tlb:
        more = f" and {len(found.tlb) - SHOWN} more" if len(found.tlb) > SHOWN else ""
        yield line(("  TLB        ", "label"), ", ".join(f.name for f in found.tlb[:SHOWN]) + more)
    if found.pages:
        pages = len(found.pages) + found.more_pages
        cells = (f"{real(p.real)} ({plural(p.count, 'byte')})" for p in found.pages[:SHOWN])
        more = f" and {pages - SHOWN} more" if pages > SHOWN else ""
        yield line(("  memory     ", "label"), f"{plural(pages, 'page')}: {', '.join(cells)}{more}")
    if not (found.kinds or found.registers or found.tlb or found.pages):
        yield line(f"  nothing else differs between {one} and {two}")


# --- branches ------------------------------------------------------------------------------------------------------
def branch_rows(found: BranchList, width: int) -> list[Line]:
    """A line each, and what was done in it below."""
    out: list[Line] = []
    for b in found.rows:
        began = f"from {b.parent} at {count(b.position)}" if b.parent else "the run that it began with"
        out.append(
            fit(
                line(
                    ("* " if b.current else "  ", "arrow"), column(b.name, 20, "label"),
                    f" {began}; now ", (count(b.now), "position"),
                ),
                width,
            )
        )  # fmt: skip
        out += [fit(line("      ", (clean(edit), "dim")), width) for edit in b.edits[:SHOWN]]
        if len(b.edits) > SHOWN:
            out.append(line((f"      and {len(b.edits) - SHOWN} more", "dim")))
    return out
