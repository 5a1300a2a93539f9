"""Which engine runs a core, by the name that users give. Only the chosen engine's room is imported.

Every engine leaves the same state at the same position, so the choice is one of speed alone.
"""

from __future__ import annotations

from collections.abc import Callable

from ppcdbg.cpu.core import Core
from ppcdbg.engine.api import Engine
from ppcdbg.errors import UsageError

EngineFactory = Callable[[Core], Engine]


def engine_factory(name: str) -> EngineFactory:
    """The maker of the engine of that name; ``auto`` is the fastest there is. UsageError for one that is not there."""
    if name in ("auto", "reference"):
        from ppcdbg.engine.reference.engine import ReferenceEngine

        return ReferenceEngine
    raise UsageError(f"there is no engine {name} yet; use --engine reference")
