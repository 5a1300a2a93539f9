"""What the guest waits for and what it says: irqprio, console, statistics, the page that it shares with KVM."""

from __future__ import annotations

from ppcdbg.debugger.events import EventKind
from ppcdbg.debugger.past_events import interrupt_events
from ppcdbg.debugger.profile import ORDERS
from ppcdbg.tui.panes.drawing import Drawing
from ppcdbg.tui.panes.notice import notice
from ppcdbg.tui.scene import Filled, Follow, Need
from ppcdbg.views import breakpoints, console, irqprio, paravirt, profile
from ppcdbg.views import statistics as views
from ppcdbg.views.spans import fit, line, to_text

COUNTED = 100_000
"""Exits that are counted for one scene: the table fills while it counts, and keys are answered."""
HISTORY = 200
"""Changes that a history shows."""
CONSOLE_KEPT = 64 * 1024
"""Characters of the console that the pane can scroll back over."""
WHY = line(("Enter", "selected"), (": from where, why  ", "label"))
PARAVIRT_WIDTH = 128
"""Columns of a section's lanes; a narrower pane is shifted to read them."""
CONSOLE_WIDTH = 400
"""Columns at which the console's lines are broken: none that a guest prints; the pane is shifted to read their ends."""


def priorities(drawing: Drawing, need: Need) -> Filled:
    """The interrupt priorities; pending ones with what holds them back; or what was queued and delivered before."""
    debugger = drawing.debugger
    if need.view == "history" and debugger.has_exits:
        found = interrupt_events(debugger, HISTORY)
        shown = tuple(irqprio.event_row(e, need.width) for e in found)
        follow = tuple(Follow("exit", e.exit) for e in found)
        return Filled(shown, "irqprio", total=len(shown), head=irqprio.history_header(need.width), follow=follow)
    if need.view == "all" and debugger.has_exits:
        shown = tuple(irqprio.every(debugger.irqprio(), need.width))
        return Filled(shown, "irqprio", total=len(shown))
    rows = tuple(irqprio.rows(debugger, need.width, need.height))
    return Filled(rows, "irqprio", total=len(rows))


def printed(drawing: Drawing, need: Need) -> Filled:
    """The end of the guest's console, followed while it grows."""
    debugger = drawing.debugger
    rows = tuple(console.text_rows(debugger.console(CONSOLE_KEPT), CONSOLE_WIDTH))
    if not rows:
        return notice("Guest console", "The guest has printed nothing yet.", need)
    return Filled(rows, "Guest console", total=len(rows), tail=True)


def paravirtual(drawing: Drawing, need: Need) -> Filled:
    """Whether this is a critical section, the section instruction by instruction, the page, and what is patched."""
    debugger = drawing.debugger
    if debugger.guest.kind != "pr":
        return notice("Paravirt", "This guest shares no magic page with KVM; one on e500v2 under --hv kvm does.", need)
    places = paravirt.places(debugger, max(need.width, PARAVIRT_WIDTH), need.width)
    follow = tuple(Follow("command", name=lead) if lead else None for _, lead in places)
    return Filled(tuple(row for row, _ in places), "Paravirt", total=len(places), follow=follow)


def statistics(drawing: Drawing, need: Need) -> Filled:
    """Where the exits come from, by the view and order that are chosen; or what else is counted."""
    debugger = drawing.debugger
    if debugger.has_exits and need.view != "counters":
        found = debugger.profiler.profile(need.view, ORDERS[need.order], COUNTED)
        rows = tuple(profile.body(found, need.width))
        head, note, order = profile.header(found, need.width), profile.total(found), ORDERS[need.order]
        if need.order and need.view == "exits" and order not in to_text((head,)):  # its column has no room
            note = (*line(("by ", "label"), (f"{order}  ", "selected")), *note)
        follow: tuple[Follow | None, ...] = ()
        if need.view == "exits":
            note = (*WHY, *note) if found.kinds else note
            follow = tuple(Follow("command", name=f"most {r.name}") for r in found.kinds)
        if need.view == "symbols":
            follow = tuple(Follow("code", r.address) for r in found.symbols)
        partial = not found.whole
        return Filled(rows, "Statistics", note, total=len(rows), head=head, follow=follow, partial=partial)
    rows = tuple(fit(row, need.width) for row in views.rows(debugger, need.width))
    return Filled(rows, "Statistics", total=len(rows))


def points(drawing: Drawing, need: Need) -> Filled:
    """Breakpoints and traces."""
    every = list(drawing.debugger.breakpoints)
    if not every:
        return notice("Breakpoints", "None yet: F9 in the disassembly, or :break with a place or an event.", need)
    rows = tuple(breakpoints.table_row(b, need.width) for b in every)
    marks = tuple(b.number for b in every)
    follow = tuple(Follow("code", b.event.address) if b.event.kind is EventKind.ADDRESS else None for b in every)
    return Filled(rows, "Breakpoints", total=len(rows), marks=marks, head=breakpoints.header(need.width), follow=follow)


def output(drawing: Drawing, need: Need) -> Filled:
    """What commands said is the screen's own; the worker has nothing to add."""
    return Filled((), "Output")
