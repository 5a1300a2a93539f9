"""How far something is that takes long: rate, and what remains where the goal is known. One line, for any door."""

from __future__ import annotations

import time
from collections.abc import Callable

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.views.numbers import count
from ppcdbg.views.spans import Line, line

AFTER = 0.5
"""Seconds after which a user wants to be told."""


class Progress:
    """One motion to a position; make it when the motion begins."""

    def __init__(self, debugger: Debugger, goal: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._debugger, self._goal, self._clock = debugger, goal, clock
        self._start = clock()
        self._from: int | None = None

    def line(self, what: str) -> Line:
        """What is done, how much of it, how fast, and how long it will take; () while nobody waits yet."""
        now, position = self._clock(), self._debugger.position
        if self._from is None or position < self._from:  # a checkpoint is where the way begins
            self._from = position
        passed = now - self._start
        if passed < AFTER:
            return ()
        done, whole = position - self._from, max(self._goal - self._from, 1)
        rate = done / passed
        left = f", {max(self._goal - position, 0) / rate:.1f} s left" if rate else ""
        return line(
            (f"{what[:1].upper()}{what[1:]}: ", "running"),
            (f"{min(100, 100 * done // whole)} % of the way", "position"),
            (f", {rate / 1e6:.1f} M instructions/s{left}. ", "label"),
            ("Esc", "selected"),
            " stops it.",
        )


def running(debugger: Debugger, start: int, seconds: float) -> Line:
    """The guest runs from ``start`` on: for how long, how fast, and how much remains where it is known where to."""
    rate, done, goal = "", debugger.position - start, debugger.goal
    if seconds >= AFTER and done > 0:
        speed = done / seconds
        rate = f"{count(done)} instructions in {seconds:.0f} s, {speed / 1e6:.1f} M/s. "
        if goal is not None and goal > debugger.position:
            left = goal - debugger.position
            rate += f"{100 * done // (done + left)} % of the way, {left / speed:.0f} s left. "
    return line(("The guest runs. ", "running"), (rate, "label"), ("Esc", "selected"), " interrupts it.")
