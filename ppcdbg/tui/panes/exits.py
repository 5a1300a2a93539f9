"""The exits list, and the details of the selected one. Only the rows around the window are made."""

from __future__ import annotations

from ppcdbg.debugger.exits import ExitFilter
from ppcdbg.tui.panes.drawing import Drawing
from ppcdbg.tui.panes.notice import notice
from ppcdbg.tui.scene import Filled, Follow, Need
from ppcdbg.views import exits
from ppcdbg.views.numbers import count
from ppcdbg.views.spans import Line, line

NO_EXITS = "The bare machine has no exits; --hv kvm puts the guest under KVM."


def fill(drawing: Drawing, need: Need) -> Filled:
    """A screenful before and after the window too, so that scrolling has something to show at once."""
    debugger, found, cursor = drawing.debugger, drawing.found, drawing.cursor
    total = len(found)
    if not debugger.has_exits:
        return notice("Exits", NO_EXITS, need)
    top = need.top
    if top is None:
        top = max(0, (cursor or 0) - need.height + 1)
    first = max(0, min(top, total - 1) - need.height)
    records = found.page(first, 3 * need.height)
    rows = tuple(exits.row(record, debugger.symbols, need.width) for record in records)
    marks = tuple(record.number for record in records)
    head = exits.header(need.width)
    follow = tuple(Follow("pane", name="detail") for _ in records)
    return Filled(
        rows, "Exits", _note(found, total), first, total, marks, cursor, head, cursor is not None, follow=follow
    )


def _note(found: ExitFilter, total: int) -> Line:
    if not found.text:
        return line((count(total), "label"))
    return line(("filter: ", "label"), (found.text, "match"), (f"  {count(total)} of {count(len(found.log))}", "label"))


def detail(drawing: Drawing, need: Need) -> Filled:
    """Everything that is known of one exit."""
    debugger, record = drawing.debugger, drawing.record
    if record is None:
        return notice("Exit", "No exit yet." if debugger.has_exits else NO_EXITS, need)
    rows = tuple(exits.detail(debugger, record, need.width))
    return Filled(rows, f"Exit {count(record.number)}", line((record.name, "exit")), total=len(rows))
