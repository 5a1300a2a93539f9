"""How far something is that takes long: what is done, how much of it, how fast, and how long still. One line, for any
door; a user who does not wait yet is told nothing."""

from __future__ import annotations

import time
from collections.abc import Callable

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.work import Work
from ppcdbg.session.pace import steady
from ppcdbg.views.numbers import count
from ppcdbg.views.spans import Line, line

AFTER = 0.5
"""Seconds after which a user wants to be told."""


class Progress:
    """One thing that somebody waits for; make it when that begins. ``key``: what the user can press to end it."""

    def __init__(self, debugger: Debugger, key: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._debugger, self._key, self._clock = debugger, key, steady(clock)
        self._start = self._clock()
        self._due = self._start + AFTER
        self._begun: dict[str, tuple[int, float]] = {}
        """Of each thing that went on: where it was at first, and when."""
        self._look(self._start)

    def _look(self, now: float) -> Work:
        """What goes on now. A motion begins where a checkpoint is."""
        work = self._debugger.work
        begun = self._begun.get(work.what)
        if begun is None or work.at < begun[0]:
            self._begun[work.what] = work.at, now
        return work

    def due(self, period: float) -> bool:
        """Whether it is time to tell, ``period`` seconds after the last time; then the next time is set."""
        now = self._clock()
        self._look(now)
        if now < self._due:
            return False
        self._due = now + period
        return True

    def line(self) -> Line:
        """How far it is; () while nobody waits yet."""
        now = self._clock()
        work = self._look(now)
        if now - self._start < AFTER:
            return ()
        begun, since = self._begun[work.what]
        told = _told(work, begun, now - since)
        what = f"{work.what[:1].upper()}{work.what[1:]}: "
        exits = f", exit {count(len(self._debugger.exits))}" if work.goal is None and self._debugger.has_exits else ""
        return line(
            (what, "running"), (told, "position"), (f"{exits}. ", "label"), (self._key, "selected"), " stops it."
        )


def _told(work: Work, begun: int, passed: float) -> str:
    """How much is done since ``begun``, ``passed`` seconds ago, and what that means for the rest."""
    done = work.at - begun
    rate = done / passed if passed > 0 else 0.0
    speed = f"{_thousands(rate)}{work.unit}/s"
    if work.goal is None:
        return f"{count(done)} {work.unit} in {passed:.0f} s, {speed}"
    whole = max(work.goal - begun, 1)
    left = f", {_time(max(work.goal - work.at, 0) / rate)} left" if rate else ""
    return f"{max(0, min(100, 100 * done // whole))} % of {count(whole)} {work.unit}, {speed}{left}"


def _thousands(rate: float) -> str:
    for size, unit in ((1e6, "M"), (1e3, "K")):
        if rate >= size / 10:
            return f"{rate / size:.1f} {unit} "
    return f"{rate:.0f} "


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:,.0f} min"
