"""Loops of a guest that only wait: where in one an interrupt lands says nothing of the host.

Two instructions, the second a branch to the first, neither of which leaves the guest.
"""

from __future__ import annotations

from collections.abc import Callable

from ppcdbg.isa.flow import To, flow


def waiting_loops(read: Callable[[int], int | None]) -> Callable[[int, int], bool]:
    """Whether two addresses are the two instructions of such a loop; ``read`` gives a word of the guest's image."""

    def waits(a: int, b: int) -> bool:
        first, second = min(a, b), max(a, b)
        if second - first != 4:
            return False
        word = read(second)
        if word is None or read(first) is None:
            return False
        way = flow(word, second)
        return way.to is To.TARGET and not way.link and way.target == first

    return waits
