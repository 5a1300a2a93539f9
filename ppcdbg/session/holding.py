"""What a timeline holds in memory, and how much that is.

Where the checkpoints lie and which of them go is :mod:`ppcdbg.session.timeline`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from sys import getsizeof

from ppcdbg.cpu.plain import Plain, Saved
from ppcdbg.session.pages import PAGE
from ppcdbg.session.places import Key
from ppcdbg.session.snapshots import StateHash

PAGE_HELD = PAGE + 128
"""Bytes of a page, and of what knows of it."""
AGAIN = 64
"""Checkpoints that are taken to be as heavy as one that was weighed, which takes a millisecond."""
SHARED = 256
"""Numbers up to this one exist once, whoever uses them (CPython's small integers)."""


@dataclass
class Checkpoint:
    """``pages``: those that differ from the checkpoint before, as they are here. ``weight``: bytes of all else.
    ``unproved``: of one from a file, until it was put into the system, the hash that the recording has of it."""

    key: Key
    state: Saved
    taken: int
    pages: dict[int, bytes] = field(default_factory=dict)
    unproved: StateHash | None = None
    weight: int = 0


class Scale:
    """Tells how heavy states of one system are, of which most are as heavy as the one before."""

    def __init__(self) -> None:
        self._last = self._left = 0

    def weigh(self, state: Saved) -> int:
        """About the bytes that a saved state takes."""
        if not self._left:
            self._last, self._left = weight(state), AGAIN
        self._left -= 1
        return self._last


def weight(value: Plain) -> int:
    """Bytes of plain data, each part counted where it is met, but for what all share: names, and small numbers."""
    if isinstance(value, Mapping):
        return getsizeof(value) + sum(map(weight, value.values()))
    if isinstance(value, int):
        return getsizeof(value) if value > SHARED else 0
    if value is None or isinstance(value, str):
        return 0
    if isinstance(value, bytes):
        return getsizeof(value)
    assert isinstance(value, Sequence)
    return getsizeof(value) + sum(map(weight, value))
