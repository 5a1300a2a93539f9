"""What the makers of panes are given: one debugger at one instant, and what the screen is about there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.exits import ExitFilter
from ppcdbg.debugger.results import TlbView
from ppcdbg.kvm.records import ExitRecord


@dataclass
class Drawing:
    """``record`` is the exit that the screen is about, at place ``cursor`` of the filtered list; ``past`` is the same
    while the screen looks back at it. ``tops``: where windows stood that move only when they must."""

    debugger: Debugger
    found: ExitFilter
    cursor: int | None
    record: ExitRecord | None
    past: ExitRecord | None
    tops: dict[str, int | None]

    @cached_property
    def tlb(self) -> TlbView:
        """Both TLBs, read once for all panes."""
        return self.debugger.tlb()
