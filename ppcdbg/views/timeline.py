"""Exits over the run: how many fell into each equal part of it. Numbers, and one line of text beside them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ppcdbg.kvm.log import ExitLog, KnownExits
from ppcdbg.views.spans import Line, line

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger
    from ppcdbg.kvm.records import ExitRecord

HEIGHT = 8
"""The tallest bar."""


def counts(exits: Sequence[ExitRecord], end: int, width: int) -> tuple[int, ...]:
    """Exits in each of ``width`` equal parts of the positions 0..``end``; reads some ``width * log2`` records."""
    if end <= 0 or width <= 0:
        return ()
    places = range(len(exits))
    at = exits.position if isinstance(exits, ExitLog | KnownExits) else lambda i: exits[i].position
    edges = [bisect_left(places, end * part // width, key=at) for part in range(1, width)]
    edges = [0, *edges, len(exits)]
    return tuple(after - before for before, after in zip(edges, edges[1:]))


def heights(values: Sequence[int]) -> tuple[int, ...]:
    """Bars of 0..HEIGHT by the square root of the share, so that a quiet part still shows beside a storm; 0 is none."""
    most = max(values, default=0)
    return tuple(0 if not v else max(1, round(HEIGHT * (v / most) ** 0.5)) for v in values)


def note(debugger: Debugger, record: ExitRecord | None = None, end: int | None = None) -> Line:
    """Where the selected exit, or the guest, lies in the run, which is known up to ``end``."""
    end = debugger.position if end is None else end
    here = debugger.position if record is None else record.position
    if here == end:
        return line((f"{end:,}", "position"), (" instructions", "label"))
    return line((f"{here:,}", "position"), (" of ", "label"), (f"{end:,}", "position"))
