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


def running(done: int, seconds: float) -> Line:
    """The guest runs, with no goal: for how long, and how fast."""
    rate = ""
    if seconds >= AFTER:
        rate = f"{count(done)} instructions in {seconds:.0f} s, {done / seconds / 1e6:.1f} M/s. "
    return line(("The guest runs. ", "running"), (rate, "label"), ("Esc", "selected"), " interrupts it.")
