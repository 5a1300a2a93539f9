"""Which engine runs a core, by the name that users give. Only the chosen engine's room is imported.

Every engine leaves the same state at the same position, so the choice is one of speed alone.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from ppcdbg.cpu.core import Core
from ppcdbg.engine.api import Engine, TenantCode
from ppcdbg.errors import EngineError, UsageError

EngineFactory = Callable[[Core], Engine]
NAMES = ("auto", "reference", "llvm", "lockstep")
PREFERENCE: tuple[str, ...] = ("llvm", "reference")
"""What ``auto`` tries, in this order."""
TIER0 = "llvm-tier0"
"""The llvm engine without its region compiler: for measurements."""


def compiles() -> bool:
    """Whether llvmlite is installed; it is not imported."""
    return find_spec("llvmlite") is not None


def fallback(name: str) -> str | None:
    """What a user should be told once: that ``auto`` had to take the slow engine. None when all is well."""
    if name != "auto" or compiles():
        return None
    return "llvmlite is not installed, so the reference engine runs the guest, some hundred times slower"


def engine_factory(name: str, tenant: TenantCode | None = None) -> EngineFactory:
    """The maker of the engine of that name; ``auto`` is the fastest there is. ``tenant``: for engines that compile.

    Raises UsageError for a name that is none, EngineError for an engine that cannot be made here.
    """
    if name == "auto":
        return engine_factory(next(each for each in PREFERENCE if each != "llvm" or compiles()), tenant)
    if name in ("llvm", TIER0):
        if not compiles():
            raise EngineError("--engine llvm needs llvmlite, which is not installed; use --engine reference")
        from ppcdbg.engine.llvm.engine import LlvmEngine

        if name == TIER0:
            return lambda core: LlvmEngine(core, None, tenant)
        return lambda core: LlvmEngine(core, tenant=tenant)
    if name == "lockstep":
        from ppcdbg.engine.lockstep import LockstepEngine

        fast = engine_factory("llvm")
        return lambda core: LockstepEngine(core, fast)
    if name == "reference":
        from ppcdbg.engine.reference.engine import ReferenceEngine

        return ReferenceEngine
    raise UsageError(f"there is no engine {name!r}; the engines are {', '.join(NAMES)}")
