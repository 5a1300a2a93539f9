"""A run as one HTML file that needs nothing else: what the guest was, its exits by kind and by symbol, what they cost,
its hypercalls and its console.

The tables are the debugger's (:class:`Table`), the words those of the exits list; here they become rows of HTML. There
is no script in the file and nothing is fetched, which its own policy forbids: everything in it that came from the
guest, or from a session file of somebody else, is escaped text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from html import escape

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.results import Table
from ppcdbg.debugger.symbols import SymbolTable
from ppcdbg.kvm.codes import HCALL_NAMES
from ppcdbg.kvm.records import Did, ExitRecord
from ppcdbg.machine.console import Console
from ppcdbg.views.numbers import count, ea, plural, size
from ppcdbg.views.spans import clean

SYMBOLS = 100
"""Functions that are listed; the rest is counted in one row."""
HYPERCALLS = 1_000
"""Hypercalls that are listed one by one."""
EXITS = 1_000
"""Between two looks at who waits."""
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 72em; padding: 0 1em; }
body { color: #222; background: #fff; } h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin-top: 2em; }
table { border-collapse: collapse; } th { text-align: left; color: #666; font-weight: normal; }
td, th { padding: .15em .9em .15em 0; border-bottom: 1px solid #8884; vertical-align: top; }
.n { text-align: right; font-variant-numeric: tabular-nums; } .m, pre { font-family: ui-monospace, monospace; }
.bar { background: #4a7ebb; height: .7em; } .note { color: #666; } pre { white-space: pre-wrap; }
pre i { display: inline-block; width: 9em; color: #888; font-style: normal; text-align: right; margin-right: 1em; }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #181818; } th, .note { color: #999; } }
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def pieces(
    debugger: Debugger,
    name: str,
    more: Sequence[Table] = (),
    notes: Sequence[str] = (),
    look: Callable[[], None] = lambda: None,
) -> Iterator[str]:
    """The file, in order. ``name`` is the session's; ``more`` are tables that the debugger does not count itself, and
    ``notes`` what somebody said of the run. ``look`` is called every few exits: what it raises ends the work."""

    def exits() -> Iterator[ExitRecord]:
        for number, record in enumerate(debugger.exits):
            if number % EXITS == 0:
                look()
            yield record

    title = text(f"{debugger.name} \u2013 {name}")
    yield f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n<style>{STYLE}</style></head><body>\n'
    yield f"<h1>{title}</h1>\n"
    yield from (f"<p>{text(note)}</p>\n" for note in notes)
    yield from table(Table("The run", ("", ""), facts(debugger)))
    for counted in (*debugger.model.counters(), *more):
        if counted.rows:
            yield from table(counted)
    if debugger.exits:
        yield from table(by_symbol(debugger.symbols, exits()))
        yield from table(hypercalls(exits()))
    for port, console in enumerate((debugger.system.board.console, debugger.system.board.console1)):
        if console.output:
            yield from printed(port, console)
    yield "</body></html>\n"


def facts(debugger: Debugger) -> tuple[tuple[str, str | int], ...]:
    """What was run, and how it ended."""
    system = debugger.system
    machine, end = system.description, system.ended
    made: tuple[tuple[str, str | int], ...] = ()
    if machine is not None:
        append = (("command line", machine.append),) if machine.append else ()
        made = (("core", machine.cpu), ("hypervisor", machine.hv), ("memory", size(machine.memory)), *append)
    told = "it goes on" if end is None else f"{end.kind.value} at pc {ea(end.pc)} {end.detail}".rstrip()
    return (
        *made, ("instructions", system.position), ("time base ticks", system.core.now),
        ("exits", len(debugger.exits)), ("end", told),
    )  # fmt: skip


def by_symbol(symbols: SymbolTable, records: Iterable[ExitRecord]) -> Table:
    """The functions that the guest left from: how often, by kind, and what their exits cost in model time."""
    kinds: dict[str, Counter[str]] = {}
    costs: Counter[str] = Counter()
    for record in records:
        place = symbols.place(record.pc)
        function = f"(no symbol) {ea(record.pc & ~0xFFF)}" if place is None else place.name
        kinds.setdefault(function, Counter())[record.name] += 1
        costs[function] += record.cost
    ordered = sorted(kinds, key=lambda function: (-kinds[function].total(), function))
    rows = [
        (f, kinds[f].total(), costs[f], ", ".join(f"{kind} {count(n)}" for kind, n in kinds[f].most_common()))
        for f in ordered[:SYMBOLS]
    ]
    if rest := ordered[SYMBOLS:]:
        total = sum(kinds[f].total() for f in rest)
        rows.append((f"{plural(len(rest), 'other place')}", total, sum(costs[f] for f in rest), ""))
    return Table("exits by symbol", ("function", "count", "ticks of the host", "kinds"), tuple(rows))


def hypercalls(records: Iterable[ExitRecord]) -> Table:
    """Each hypercall: where and when, which, with what, and what came of it."""
    rows = [
        (
            record.number,
            record.position,
            ea(record.pc),
            _call(action.token),
            _words(action.args),
            _words(action.results),
        )
        for record in records
        for action in record.actions
        if action.did is Did.HYPERCALL
    ]
    left = len(rows) - HYPERCALLS
    notes = (f"and {plural(left, 'hypercall')} more",) if left > 0 else ()
    columns = ("exit", "position", "pc", "hypercall", "r3 to r6", "r3, r4 after")
    return Table("hypercalls", columns, tuple(rows[:HYPERCALLS]), notes if rows else ("the guest made none",))


def _call(token: int | None) -> str:
    return HCALL_NAMES.get(token or 0, f"{token or 0:#010x}")


def _words(values: Iterable[int]) -> str:
    return " ".join(map(ea, values))


def table(shown: Table) -> Iterator[str]:
    """A heading and its rows; numbers to the right, and a bar beside shares."""
    yield f"<h2>{text(shown.title)}</h2>\n<table>\n"
    if any(shown.columns) and shown.rows:
        yield "<tr>" + "".join(f"<th>{text(c)}</th>" for c in shown.columns) + "</tr>\n"
    shares = "share" in shown.columns
    most = max((r[1] for r in shown.rows if shares and isinstance(r[1], int)), default=0)
    for row in shown.rows:
        cells = "".join(
            f'<td class="n">{count(c)}</td>' if isinstance(c, int) else f'<td class="m">{text(c)}</td>' for c in row
        )
        if most and isinstance(row[1], int):
            cells += f'<td><div class="bar" style="width:{round(300 * row[1] / most)}px"></div></td>'
        yield f"<tr>{cells}</tr>\n"
    yield "</table>\n"
    yield from (f'<p class="note">{text(note)}</p>\n' for note in shown.notes)


def printed(port: int, console: Console) -> Iterator[str]:
    """What came out of a serial port, each line with the position of its first byte."""
    yield f"<h2>console{port or ''}</h2>\n<pre>"
    at = 0
    for line in (part for whole in console.output.lines() for part in whole.splitlines(keepends=True)):
        words = line.decode("utf-8", "replace").rstrip("\r\n")
        yield f"<i>{count(console.positions[at])}</i>{text(words)}\n"
        at += len(line)
    yield "</pre>\n"


def text(words: str) -> str:
    """Words as text of HTML, whatever is in them."""
    return escape(clean(words), quote=True)
