"""TLB0 as a map, its changes as a list, and the last miss with the MAS registers, in words."""

from __future__ import annotations

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.misses import MissReport, TlbMap
from ppcdbg.debugger.past_events import TlbEvent
from ppcdbg.debugger.results import RegisterValue, TlbRow
from ppcdbg.views import tlb
from ppcdbg.views.numbers import count, ea, real, size
from ppcdbg.views.spans import Line, Span, column, fit, line, wrap

LABEL = 6
BAND = 16


def map_rows(found: TlbMap, width: int) -> list[Line]:
    """Bands of sets, a column each, a row for each way: ■ supervisor's, □ user's, · free; the last miss is marked."""
    sets = len(found.ways[0])
    room = max((width - LABEL - 1) // BAND * BAND, BAND)
    per_band = min(sets, room)
    valid = sum(e is not None for way in found.ways for e in way)
    whole = sets * len(found.ways)
    told = line(
        (f"{found.name}: ", "label"),
        (f"{count(valid)} of {count(whole)}", "position"),
        (f" valid, next victim way {found.victim}", "label"),
        (f", last miss in set {found.missed}" if found.missed is not None else "", "changed"),
    )
    out = [fit(told, width)]
    for first in range(0, sets, per_band):
        last = min(first + per_band, sets)
        ruler = "".join(f"{n:<{BAND}}" if n % BAND == 0 else "" for n in range(first, last))
        out.append(fit((Span("set".ljust(LABEL), "label"), Span(ruler[: last - first], "label")), width))
        for number, way in enumerate(found.ways):
            head = f"way {number}" if number != found.victim else f"way{number}▸"
            spans = [Span(head.ljust(LABEL), "pending" if number == found.victim else "label")]
            spans += [_cell(way[n], n == found.missed) for n in range(first, last)]
            out.append(fit(tuple(spans), width))
        if found.missed is not None and first <= found.missed < last:
            out.append(fit((Span(" " * (LABEL + found.missed - first) + "▲", "changed"),), width))
    out.append(fit((Span("■ supervisor's  □ user's  · free  ▲ set of the last miss  ▸ victim", "dim"),), width))
    return out


def _cell(entry: TlbRow | None, missed: bool) -> Span:
    if entry is None:
        return Span("·", "changed" if missed else "dim")
    users = any(letter in entry.permissions for letter in "RWX")
    return Span("□" if users else "■", "changed" if missed else "shadow" if users else "guest")


def event_header(width: int, shadow: bool) -> Line:
    """The names of the columns of ``event_row``."""
    names = "from        effective  size  physical    by" if shadow else "instruction"
    return fit((Span(f"{'exit':>8}{'insn':>14}  {names}", "label"),), width)


def event_row(e: TlbEvent, debugger: Debugger, width: int) -> Line:
    """One change: when, what, where from."""
    cells = [column(count(e.exit), 8, "position", True), column(count(e.position), 14, "number", True), Span("  ")]
    if e.ea is not None:
        cells += [
            column(e.slot, 12, "shadow"),
            column(ea(e.ea), 10, "address"),
            column(size(e.size or 0), 5, "number", True),
            Span("  "),
            column("" if e.gpa is None else real(e.gpa), 12, "address"),
        ]
    else:
        cells += [column(e.what, 18, "mnemonic"), column(ea(e.pc), 10, "address")]
    return fit((*cells, Span(debugger.symbols.name(e.pc), "symbol")), width)


# --- the last miss ------------------------------------------------------------------------------------------------
def miss_rows(found: MissReport, debugger: Debugger, width: int) -> list[Line]:
    """What missed, what was asked of the guest's and the shadow TLB, and the MAS registers with their fields."""
    out: list[Line] = []
    if found.record is not None and found.explanation is not None and found.ea is not None:
        r = found.record
        out += wrap(
            line((f"Exit {count(r.number)} ", "exit"), (r.name, "exit"), ": ", (found.explanation.access, "text"),
                 " of ", (ea(found.ea), "address"), " at pc ", (ea(r.pc), "address"),
                 (" " + debugger.symbols.name(r.pc), "symbol"), f"; set {found.ea >> 12 & found.sets - 1} of TLB0."),
            width,
        )  # fmt: skip
        out += [(), *tlb.explain_rows(found.explanation, width)[1:], ()]
    elif debugger.has_exits:
        out += [*wrap((Span("No TLB miss has exited yet.", "dim"),), width), ()]
    out += [mas_row(r, width) for r in found.mas]
    return out


def mas_row(r: RegisterValue, width: int) -> Line:
    """One MAS register, its fields in words: sizes as sizes, pages as addresses."""
    told = []
    for name, value in r.fields:
        if name == "TSIZE":
            told.append(f"TSIZE={size(1024 << value)}")
        elif name == "TSIZED":
            told.append(f"TSIZED={size(1024 << value)}")
        elif name in ("EPN", "RPN"):
            told.append(f"{name}={value << 12:08x}")
        else:
            told.append(f"{name}={value}")
    mark = Span("*" if r.changed else " ", "changed")
    return fit(line((f"{r.name:<5}", "register"), mark, (f"{r.value:08x}  ", "changed" if r.changed else "number"),
                    (" ".join((*r.bits, *told)), "bits")), width)  # fmt: skip
