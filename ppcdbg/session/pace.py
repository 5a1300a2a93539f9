"""How often a recording and a replay stop to take note, what part of a run's time that may cost, and a clock for it."""

from __future__ import annotations

import time
from collections.abc import Callable

COMMIT_EVERY = 0.25
"""Seconds between two commits: a process that is killed loses less than a second."""
LOOK_EVERY = 0.05
"""Seconds between two visits of the run, about."""
SHARE, SHARE_BEHIND = 0.02, 0.15
"""What part of the run's time the hashes may take, and of that of the thread behind. The end waits for the last one, of
all that was written since the one before."""
MANY = 4_000
"""So many exits or interrupts are written before that time: the end waits for the last ones."""
LONGEST = 1.0
"""Seconds that a visit after the last one counts for at most: in a longer time the guest stood still."""
SPACING, PART = 10.0, 4
"""Seconds of running before the first checkpoint, and what part of the run so far lies between two: the way from a
checkpoint to any place after it takes no more than a quarter of the way from the beginning."""


def next_look(position: int, done: int, took: float, every: float, least: int = 1_000) -> int:
    """Where the next visit is due that is to come after ``every`` seconds, as it took ``took`` for the last ``done``
    instructions: not too near, and not far beyond what was seen of the guest's speed."""
    return position + max(min(int(done * every / max(took, 1e-6)), 4 * done), least)


def next_checkpoint(seconds: float, spacing: float = SPACING) -> float:
    """When the next checkpoint is to come, where ``seconds`` of running lie before the last one."""
    return seconds + max(spacing, seconds / PART)


def steady(clock: Callable[[], float] = time.monotonic) -> Callable[[], float]:
    """A clock that does not go back, whatever the host does to its own: who waits for a time would wait for ever."""
    last, lost = clock(), 0.0

    def read() -> float:
        nonlocal last, lost
        now = clock() + lost
        if now < last:
            lost += last - now
            now = last
        last = now
        return now

    return read
