"""The tables of gdb's ``info os``: gdb prints whatever columns it is given (facts: T10)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape as quoted
from typing import TYPE_CHECKING, NamedTuple

from ppcdbg.errors import UsageError
from ppcdbg.gdbstub.replies import Refused
from ppcdbg.views.numbers import ea, real

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger
    from ppcdbg.debugger.results import TlbRow

Row = tuple[str, ...]


class Kind(NamedTuple):
    """One table: what gdb lists of it, its columns, and where its rows come from."""

    about: str
    columns: Row
    rows: Callable[[Debugger], Sequence[Row]]


def osdata(debugger: Debugger, name: str) -> str:
    """One table as XML; the list of tables for an empty name. Raises Refused for an unknown one."""
    if not name:
        columns = ("Type", "Description", "Title")
        return _xml("types", columns, [(n, kind.about, n) for n, kind in TABLES.items()])
    kind = TABLES.get(name)
    if kind is None:
        raise Refused(0, f"there is no table {name!r}; the tables are {', '.join(TABLES)}")
    try:
        return _xml(name, kind.columns, kind.rows(debugger))
    except UsageError as error:
        return _xml(name, ("note",), [(str(error),)])


def _xml(name: str, columns: Row, rows: Sequence[Row]) -> str:
    out = ['<?xml version="1.0"?>\n<!DOCTYPE osdata SYSTEM "osdata.dtd">\n', f'<osdata type="{quoted(name)}">\n']
    for row in rows:
        cells = "".join(f'<column name="{quoted(c)}">{quoted(v)}</column>' for c, v in zip(columns, row, strict=True))
        out.append(f"<item>{cells}</item>\n")
    return "".join([*out, "</osdata>\n"])


def _exits(debugger: Debugger) -> list[Row]:
    debugger.need_exits()
    return [tuple(map(str, row[:2])) for row in debugger.model.counters()[0].rows]


def _guest_tlb(which: str) -> Callable[[Debugger], list[Row]]:
    return lambda debugger: [_entry(row) for row in debugger.tlb().guest if row.where.startswith(which)]


def _shadow(debugger: Debugger) -> list[Row]:
    debugger.need_exits()
    return [(*_entry(row), row.note) for row in debugger.tlb().shadow]


def _entry(row: TlbRow) -> Row:
    size = f"{row.size >> 20}M" if row.size >= 1 << 20 else f"{row.size >> 10}K"
    flags = row.attributes + (" IPROT" if row.iprot else "")
    return row.where, ea(row.ea), size, real(row.physical), str(row.tid), str(row.ts), row.permissions, flags


def _irqprio(debugger: Debugger) -> list[Row]:
    rows = debugger.irqprio().rows
    return [(str(r.number), r.name, "yes" if r.pending else "no", r.queued_by, r.waits) for r in rows]


def _magic(debugger: Debugger) -> list[Row]:
    rows = debugger.magic()
    if not rows:
        raise UsageError("this guest shares no magic page with KVM; a guest on e500v2 under --hv kvm does")
    return [(f.name, f"{f.offset:#05x}", str(f.size), f"{f.value:#0{2 + 2 * f.size}x}") for f in rows]


_TLB = ("entry", "effective", "size", "physical", "tid", "ts", "permissions", "attributes")
TABLES: dict[str, Kind] = {
    "exits": Kind("Exits to KVM by kind", ("reason", "count"), _exits),
    "tlb0": Kind("The guest's TLB0", _TLB, _guest_tlb("TLB0")),
    "tlb1": Kind("The guest's TLB1", _TLB, _guest_tlb("TLB1")),
    "stlb": Kind("The shadow TLB that KVM keeps", (*_TLB, "note"), _shadow),
    "irqprio": Kind("Interrupt priorities", ("priority", "name", "pending", "queued by", "waits"), _irqprio),
    "magic": Kind("The page shared with KVM", ("field", "offset", "size", "value"), _magic),
}
