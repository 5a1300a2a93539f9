"""Guest TLB and shadow TLB: the valid entries, each linked to the other side."""

from __future__ import annotations

from collections.abc import Callable

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.results import TlbRow, TlbView
from ppcdbg.tui.scene import Filled, Need
from ppcdbg.views import tlb
from ppcdbg.views.numbers import count
from ppcdbg.views.spans import Line, Span, fit, line


def guest(debugger: Debugger, view: TlbView, need: Need) -> Filled:
    """The guest's entries, TLB1 first."""
    links = "  shadow" if debugger.has_exits else ""
    title = "Guest TLB" if debugger.has_exits else "TLB"
    return _window(view, view.guest, tlb.guest_row, need, title, links)


def shadow(debugger: Debugger, view: TlbView, need: Need) -> Filled:
    """The entries that KVM made of them."""
    if not debugger.has_exits:
        return Filled(((Span("The bare machine has no shadow TLB.", "dim"),),), "Shadow TLB", total=1)
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
    rows = tuple(row(entry, view, need.width) for entry in shown)
    head = fit((Span(tlb.COLUMNS + links, "label"),), need.width)
    note = line((count(len(entries)), "label"), (" valid", "label"))
    return Filled(rows, title, note, first, len(entries), head=head)
