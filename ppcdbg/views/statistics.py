"""Tables of counts: exits by kind with a bar, timing, interrupts, devices."""

from __future__ import annotations

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.results import Table
from ppcdbg.views.numbers import count
from ppcdbg.views.spans import Line, Span, clean, column, fit, wrap

_BAR = 20


def rows(debugger: Debugger, width: int, height: int = 0) -> list[Line]:
    """Every table that the system counts, one below the other."""
    out: list[Line] = []
    for table in debugger.model.counters():
        if table.rows:
            out += [*table_rows(table, width), ()]
    out = out[:-1] or [(Span("nothing was counted yet", "dim"),)]
    return out[:height] if height else out


def table_rows(table: Table, width: int) -> list[Line]:
    """A table: title, columns as wide as their cells, numbers to the right; a bar beside shares."""
    cells = [[count(c) if isinstance(c, int) else clean(c) for c in r] for r in table.rows]
    widths = [max([len(name), *(len(r[i]) for r in cells)]) for i, name in enumerate(table.columns)]
    right = [bool(table.rows) and all(isinstance(r[i], int) for r in table.rows) for i in range(len(widths))]
    out: list[Line] = [fit((Span(table.title, "title"),), width)]
    out.append(fit(_joined([column(n, w, "label", r) for n, w, r in zip(table.columns, widths, right)]), width))
    most = max((r[1] for r in table.rows if len(r) > 1 and isinstance(r[1], int)), default=0)
    for row, shown in zip(table.rows, cells):
        spans = [
            column(c, w, "number" if r else "symbol", r or c.endswith("%")) for c, w, r in zip(shown, widths, right)
        ]
        line = _joined(spans)
        if "share" in table.columns and most and isinstance(row[1], int):
            line = (*line, Span("  " + "▇" * max(round(_BAR * row[1] / most), 1), "did"))
        out.append(fit(line, width))
    for note in table.notes:
        out += wrap((Span(note, "dim"),), width)
    return out


def _joined(cells: list[Span]) -> Line:
    out: list[Span] = []
    for cell in cells:
        out += ([Span("  ")] if out else []) + [cell]
    return tuple(out)
