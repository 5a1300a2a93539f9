"""What the guest waits for and what it says: irqprio, console, statistics, the page that it shares with KVM."""

from __future__ import annotations

from ppcdbg.tui.panes.drawing import Drawing
from ppcdbg.tui.panes.notice import notice
from ppcdbg.tui.scene import Filled, Need
from ppcdbg.views import console, irqprio, paravirt
from ppcdbg.views import statistics as views
from ppcdbg.views.spans import fit

CONSOLE_KEPT = 64 * 1024
"""Characters of the console that the pane can scroll back over."""
PARAVIRT_WIDTH = 118
"""Columns of a section's lanes; a narrower pane is shifted to read them."""
CONSOLE_WIDTH = 400
"""Columns at which the console's lines are broken: none that a guest prints; the pane is shifted to read their ends."""


def priorities(drawing: Drawing, need: Need) -> Filled:
    """The interrupt priorities; pending ones with what holds them back."""
    debugger = drawing.debugger
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
    rows = tuple(paravirt.rows(debugger, max(need.width, PARAVIRT_WIDTH)))
    return Filled(rows, "Paravirt", total=len(rows))


def statistics(drawing: Drawing, need: Need) -> Filled:
    """What is counted, table after table."""
    debugger = drawing.debugger
    rows = tuple(fit(row, need.width) for row in views.rows(debugger, need.width))
    return Filled(rows, "Statistics", total=len(rows))


def output(drawing: Drawing, need: Need) -> Filled:
    """What commands said is the screen's own; the worker has nothing to add."""
    return Filled((), "Output")
