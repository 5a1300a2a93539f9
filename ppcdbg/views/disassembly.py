"""Disassembly with the arrow at pc, breakpoint signs, symbols, and arrows of the branches that stay in sight; ``~`` and
what the image has instead where the guest's code was changed; the source line where the debug data tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.results import DisassemblyRow
from ppcdbg.views.lexer import operand_spans
from ppcdbg.views.numbers import ea
from ppcdbg.views.spans import Line, Span, clean, fit

TEXT = 26
LANES = 4


def rows(debugger: Debugger, width: int, height: int, around: int | None = None) -> list[Line]:
    """``height`` rows with ``around`` (default pc) a third of the way down."""
    found = debugger.disassemble_around(around, height // 3, height)
    return listing(found.rows, width)


@dataclass(frozen=True)
class Window:
    """Rows, and where the branches among them lead."""

    rows: tuple[Line, ...]
    targets: tuple[int | None, ...]


def window(debugger: Debugger, first: int, count: int, width: int) -> Window:
    """``count`` rows from the address ``first`` on: for a list that is scrolled."""
    found = debugger.disassemble(first, count).rows
    return Window(tuple(listing(found, width)), tuple(r.target for r in found))


def title(debugger: Debugger, around: int | None = None) -> str:
    """The symbol at the address (default pc)."""
    at = debugger.pc if around is None else around
    return debugger.symbols.name(at) or ea(at)


def listing(found: Sequence[DisassemblyRow], width: int, arrows: bool = True) -> list[Line]:
    """The rows; branch arrows are drawn where there is room for them."""
    room = width - 11 - TEXT
    lanes = assign(found) if arrows and room >= 6 else []
    return [_row(r, i, lanes, width) for i, r in enumerate(found)]


def _row(r: DisassemblyRow, i: int, lanes: Sequence[Arrow], width: int) -> Line:
    sign = Span("▶", "pc") if r.current else Span("●", "breakpoint") if r.breakpoint else Span(" ")
    mark = Span("●", "breakpoint") if r.current and r.breakpoint else Span("~" if r.original else " ", "changed")
    spans = [sign, mark, Span(f"{ea(r.address)}  ", "address")]
    if r.word is None:
        return fit((*spans, Span("not mapped", "dim")), width)
    note = r.target_name if r.target is not None else ""
    text = [Span(f"{r.mnemonic:<7} ", "mnemonic"), *_operands(r)]
    used = sum(len(s.text) for s in text)
    spans += text
    if lanes:
        spans += [Span(" " * max(TEXT - used, 1)), *_lanes(i, lanes)]
    else:
        spans.append(Span(" "))
    if r.label:
        spans += [Span(f" <{r.label}>", "symbol")]
    elif note and not _drawn(i, lanes):
        spans += [Span(f" → {note}", "symbol")]
    if r.original:
        spans += [Span(f" was {r.original}", "dim")]
    if r.source:
        spans += [Span(f" {r.source}", "label"), Span(f" {clean(r.text)}", "dim")]
    return fit(tuple(s for s in spans if s.text), width)


def _operands(r: DisassemblyRow) -> list[Span]:
    """Operands, with the branch target as an address."""
    if r.target is None:
        return list(operand_spans(r.operands))
    head, comma, _ = r.operands.rpartition(",")
    return [*operand_spans(head + comma), Span(ea(r.target), "address")]


@dataclass(frozen=True, slots=True)
class Arrow:
    """A branch from one row to another in sight; ``lane`` 0 is nearest to the text."""

    start: int
    end: int
    lane: int

    @property
    def low(self) -> int:
        return min(self.start, self.end)

    @property
    def high(self) -> int:
        return max(self.start, self.end)


def assign(found: Sequence[DisassemblyRow]) -> list[Arrow]:
    """Arrows for the branches within the rows, short ones first; those that find no free lane are left out."""
    index = {r.address: i for i, r in enumerate(found)}
    pairs = [
        (i, index[r.target]) for i, r in enumerate(found) if r.target in index and not r.call and r.target != r.address
    ]
    pairs.sort(key=lambda p: (abs(p[0] - p[1]), p[0]))
    out: list[Arrow] = []
    for start, end in pairs:
        taken = {a.lane for a in out if a.low <= max(start, end) and min(start, end) <= a.high}
        lane = next((n for n in range(LANES) if n not in taken), None)
        if lane is not None:
            out.append(Arrow(start, end, lane))
    return out


def _drawn(i: int, lanes: Sequence[Arrow]) -> bool:
    return any(a.start == i for a in lanes)


def _lanes(i: int, lanes: Sequence[Arrow]) -> list[Span]:
    """The cells of one row: a line through, a corner, or an arrow head at the target."""
    cells = [" "] * (2 * LANES + 1)
    for a in sorted(lanes, key=lambda a: -a.lane):
        at = 2 * a.lane + 2
        if a.low < i < a.high:
            cells[at] = "│"
        elif i in (a.start, a.end):
            corner = "┐" if i == a.low else "┘"
            for n in range(at):
                cells[n] = "─"
            cells[0] = "◀" if i == a.end else "─"
            cells[at] = corner if cells[at] in " ─" else "┤"
    return [Span("".join(cells), "arrow")]


def address_column(found: Sequence[DisassemblyRow]) -> tuple[int, ...]:
    """The address that each row stands for, so that a front end can follow it."""
    return tuple(r.address for r in found)
