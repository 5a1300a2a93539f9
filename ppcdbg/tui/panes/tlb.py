"""Guest TLB and shadow TLB: the valid entries, each linked to the other side."""

from __future__ import annotations

from collections.abc import Callable

from ppcdbg.debugger.results import TlbRow, TlbView
from ppcdbg.tui.panes.drawing import Drawing
from ppcdbg.tui.panes.notice import notice
from ppcdbg.tui.scene import Filled, Need
from ppcdbg.views import tlb
from ppcdbg.views.numbers import count
from ppcdbg.views.spans import Line, Span, crop, line

EDGES = (22, 27, 38, 45, 53, 59)
"""Where a column of the entries ends: a narrow pane leaves columns out whole."""


def guest(drawing: Drawing, need: Need) -> Filled:
    """The guest's entries, TLB1 first."""
    under_kvm = drawing.debugger.has_exits
    links = "  shadow" if under_kvm else ""
    title = "Guest TLB" if under_kvm else "TLB"
    view = drawing.tlb
    return _window(view, view.guest, tlb.guest_row, need, title, links)


def shadow(drawing: Drawing, need: Need) -> Filled:
    """The entries that KVM made of them."""
    if not drawing.debugger.has_exits:
        return notice("Shadow TLB", "The bare machine has no shadow TLB.", need)
    view = drawing.tlb
    return _window(view, view.shadow, tlb.shadow_row, need, "Shadow TLB", "  from")


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
    return Filled(rows, title, note, first, len(entries), head=head)
