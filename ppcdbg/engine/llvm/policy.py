"""When tier 1 compiles. Apart from tier 1 itself, so that an engine that never gets there does not import it."""

from __future__ import annotations

from dataclasses import dataclass


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


DEFAULT = Policy()
