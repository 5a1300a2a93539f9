"""Breakpoints and traces as a table: a sign for each state, the event in the words of ``break``, hits, condition."""

from __future__ import annotations

from ppcdbg.debugger.breakpoints import Breakpoint
from ppcdbg.views.numbers import count
from ppcdbg.views.spans import Line, Span, clean, column, fit


def header(width: int) -> Line:
    """The names of the columns."""
    return fit((Span("   #  ", "label"), column("verb", 7, "label"), column("hits", 8, "label", True),
                Span("  event", "label")), width)  # fmt: skip


def table_row(b: Breakpoint, width: int) -> Line:
    """One entry: ● enabled, ○ disabled."""
    more = f" if {b.condition}" if b.condition else ""
    more += f"  passes over {count(b.ignore)}" if b.ignore else ""
    more += "  once" if b.temporary else ""
    more += f"  then {'; '.join(b.commands)}" if b.commands else ""
    cells = [
        Span("● " if b.enabled else "○ ", "breakpoint" if b.enabled else "dim"),
        column(str(b.number), 3, "label", True),
        Span(" "),
        column(b.verb.value, 7, "text" if b.enabled else "dim"),
        column(count(b.hits), 8, "number", True),
        Span(f"  {clean(str(b.event))}", "symbol" if b.enabled else "dim"),
        Span(clean(more), "dim"),
        Span(f"  {clean(b.error)}" if b.error else "", "error"),
    ]
    return fit(tuple(s for s in cells if s.text), width)
