"""The interrupt priorities: what is pending, who queued it, and in words why it is not delivered."""

from __future__ import annotations

from ppcdbg.debugger.causes import priority_name
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.past_events import InterruptEvent
from ppcdbg.debugger.results import Irqprio, PriorityRow
from ppcdbg.views.kinds import kind_role
from ppcdbg.views.numbers import count
from ppcdbg.views.spans import Line, Span, column, fit, length, line

NARROW = 50
"""Columns below which a pending interrupt is told in fewer words."""


def rows(debugger: Debugger, width: int, height: int = 0) -> list[Line]:
    """The pending ones, then how many are idle; all 23 where ``height`` has room for them."""
    if not debugger.has_exits:
        return [fit((Span("the bare machine has no irqprio list", "dim"),), width)]
    found = debugger.irqprio()
    if height == 0 or height > len(found.rows) + 1:
        return every(found, width)
    pending = [r for r in found.rows if r.pending]
    out = [priority_row(r, width) for r in pending]
    idle = len(found.rows) - len(pending)
    out.append(fit((Span(f"… {idle} others idle" if pending else f"all {idle} idle", "dim"),), width))
    told = section(found)
    out.append(told if length(told) <= width else fit(told[:1], width))
    return out[:height]


def every(found: Irqprio, width: int) -> list[Line]:
    """All priorities."""
    return [*(priority_row(r, width) for r in found.rows), fit(section(found), width)]


def priority_row(r: PriorityRow, width: int) -> Line:
    """One priority. Delivery takes the lowest number that may be delivered."""
    if not r.pending:
        return fit(line((f"{r.number:>2} {r.name}", "dim"), (_last(r, "  idle; last queued at "), "dim")), width)
    if width < NARROW:  # the reason is what one looks for
        reason = Span(f"  {r.waits}", "masked") if r.waits else Span("  delivered next", "ok")
        return fit((Span(f"{r.number:>2} {r.name}", "pending"), reason), width)
    cells = [
        column(f"{r.number:>2} {r.name}", 19, "pending"),
        Span(" pending", "pending"),
        Span(f"  waits: {r.waits}" if r.waits else "  delivered at the next entry", "masked" if r.waits else "ok"),
        Span(_last(r, "  queued by "), "dim"),
    ]
    return fit(tuple(s for s in cells if s.text), width)


def _last(r: PriorityRow, lead: str) -> str:
    return f"{lead}{r.queued_by}, tick {count(r.queued_at)}" if r.queued_at is not None else ""


def history_header(width: int) -> Line:
    """The names of the columns of ``event_row``."""
    return fit((Span(f"{'exit':>8}{'insn':>14}  {'cause':<13}queued and delivered", "label"),), width)


def event_row(e: InterruptEvent, width: int) -> Line:
    """One exit that queued (``+``) or delivered (``→``)."""
    cells = [column(count(e.exit), 8, "position", True), column(count(e.position), 14, "number", True), Span("  ")]
    cells.append(column(e.cause, 13, kind_role(e.cause)))
    if e.queued:
        cells.append(Span("+" + " +".join(priority_name(p) for p in e.queued) + " ", "pending"))
    if e.delivered is not None:
        cells.append(Span("→" + priority_name(e.delivered), "reflected"))
    return fit(tuple(cells), width)


def section(found: Irqprio) -> Line:
    """Whether the guest is in a paravirtual critical section, and how that is known."""
    word = "critical section: yes" if found.critical_section else "critical section: no"
    return line((word, "masked" if found.critical_section else "dim"), (f" ({found.critical_reason})", "dim"))
