"""When tier 1 compiles. Apart from tier 1 itself, so that an engine that never gets there does not import it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from ppcdbg.engine.llvm.layout import PAGE

Seen = dict[int, Counter[int]]
"""How often looks found the guest at an address, by page."""


@dataclass(frozen=True)
class Policy:
    """When to compile. Nothing of it shows in the guest.

    ``period`` to ``longest``: retired instructions between two looks at the guest's pc, more and more while it stays in
    regions. ``hot``: looks that must have found the same page before its busiest blocks are compiled. ``background``:
    on another thread, so that the guest goes on meanwhile. ``optimize``: LLVM's level.
    """

    period: int = 1_000_000
    longest: int = 16_000_000
    hot: int = 32
    background: bool = True
    optimize: int = 2

    def cold(self, seen: Seen, pc: int) -> bool:
        """Note a look in ``seen``; but the one that makes a page hot is not noted, and False."""
        page = seen.setdefault(pc & PAGE, Counter())
        if page.total() + 1 >= self.hot:
            return False
        page[pc] += 1
        return True


DEFAULT = Policy()
