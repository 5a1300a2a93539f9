"""Guest TLB and shadow TLB: the valid entries, each linked to the other side."""

from __future__ import annotations

from collections.abc import Callable

from ppcdbg.debugger.misses import miss_report, tlb_map
from ppcdbg.debugger.past_events import tlb_events
from ppcdbg.debugger.results import TlbRow, TlbView
from ppcdbg.tui.panes.drawing import Drawing
from ppcdbg.tui.panes.notice import notice
from ppcdbg.tui.scene import Filled, Follow, Need
from ppcdbg.views import searches, tlb, tlbmap
from ppcdbg.views.numbers import count
from ppcdbg.views.spans import Line, Span, crop, fit, line

HISTORY = 200
"""Changes that a history shows."""
EDGES = (22, 27, 38, 45, 53, 59)
"""Where a column of the entries ends: a narrow pane leaves columns out whole."""


def guest(drawing: Drawing, need: Need) -> Filled:
    """The guest's entries, TLB1 first."""
    under_kvm = drawing.debugger.has_exits
    links = "  shadow" if under_kvm else ""
    title = "Guest TLB" if under_kvm else "TLB"
    if need.view == "map":
        return _map(drawing, need, title, shadow=False)
    if need.view == "history" and under_kvm:
        return _history(drawing, need, title, shadow=False)
    if need.view == "slot":
        return _slot(drawing, need, title, shadow=False)
    view = drawing.tlb
    return _window(view, view.guest, tlb.guest_row, need, title, links)


def shadow(drawing: Drawing, need: Need) -> Filled:
    """The entries that KVM made of them."""
    if not drawing.debugger.has_exits:
        return notice("Shadow TLB", "The bare machine has no shadow TLB.", need)
    if need.view == "map":
        return _map(drawing, need, "Shadow TLB", shadow=True)
    if need.view == "history":
        return _history(drawing, need, "Shadow TLB", shadow=True)
    if need.view == "slot":
        return _slot(drawing, need, "Shadow TLB", shadow=True)
    view = drawing.tlb
    return _window(view, view.shadow, tlb.shadow_row, need, "Shadow TLB", "  from")


def _map(drawing: Drawing, need: Need, title: str, shadow: bool) -> Filled:
    rows = tuple(tlbmap.map_rows(tlb_map(drawing.debugger, shadow), need.width))
    return Filled(rows[1:], title, total=len(rows) - 1, head=rows[0])


def _history(drawing: Drawing, need: Need, title: str, shadow: bool) -> Filled:
    found = tlb_events(drawing.debugger, HISTORY, shadow)
    rows = tuple(tlbmap.event_row(e, drawing.debugger, need.width) for e in found)
    follow = tuple(Follow("exit", e.exit) for e in found)
    return Filled(rows, title, total=len(rows), head=tlbmap.event_header(need.width, shadow), follow=follow)


NO_SLOT = "No entry was asked for yet: d on a row of the entries tells all that became of that entry."


def _slot(drawing: Drawing, need: Need, title: str, shadow: bool) -> Filled:
    """Every change of one entry; Enter goes there."""
    found = drawing.debugger.searches.slots.get(shadow)
    if found is None:
        return notice(title, NO_SLOT, need)
    rows = tuple(searches.slot_row(c, drawing.debugger.symbols, need.width) for c in found.rows)
    follow = tuple(
        Follow("command", name=f"seek {c.position + 1}") if c.exit is None else Follow("exit", c.exit)
        for c in found.rows
    )
    note, head = searches.slot_total(found), fit(searches.SLOT_HEAD, need.width)
    return Filled(rows, title, note, total=len(rows), head=head, follow=follow)


def miss(drawing: Drawing, need: Need) -> Filled:
    """The last miss explained, and the MAS registers."""
    rows = tuple(tlbmap.miss_rows(miss_report(drawing.debugger), drawing.debugger, need.width))
    return Filled(rows, "Last miss, MAS", total=len(rows))


def _window(
    view: TlbView,
    entries: tuple[TlbRow, ...],
    row: Callable[[TlbRow, TlbView, int], Line],
    need: Need,
    title: str,
    links: str,
) -> Filled:
    first = max(0, min(need.top or 0, len(entries) - 1) - need.height)
    shown = entries[first : first + 3 * need.height]
    whole = max(need.width, EDGES[-1])
    width = need.width if need.width > EDGES[-1] else max((e for e in EDGES if e <= need.width), default=need.width)
    rows = tuple(crop(row(entry, view, whole), width) for entry in shown)
    head = crop((Span(tlb.COLUMNS + links, "label"),), width)
    note = line((count(len(entries)), "label"), (" valid", "label"))
    other = "shadow" if entries is view.guest else "tlb"
    follow = tuple(Follow("row", entry.links[0], other) if entry.links else None for entry in shown)
    side = "guest" if entries is view.guest else "shadow"
    past = tuple(f"tlb-history {side} {entry.where}" for entry in shown)
    return Filled(rows, title, note, first, len(entries), head=head, follow=follow, past=past)
