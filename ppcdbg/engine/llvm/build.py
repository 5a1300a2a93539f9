"""The tier-0 object of a core model: all IR together, compiled once, kept in the cache, loaded once a process."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from ppcdbg import paths
from ppcdbg.cpu.models import CORES
from ppcdbg.engine.llvm.cache import fingerprint, recall_or_make
from ppcdbg.engine.llvm.decode import threaded_text
from ppcdbg.engine.llvm.flow import EXPORTS, flow_text
from ppcdbg.engine.llvm.interrupts import interrupts_text
from ppcdbg.engine.llvm.jit import Jit, host, version
from ppcdbg.engine.llvm.mmu import helpers_text
from ppcdbg.engine.llvm.text import PRELUDE

OPTIMIZE, GENERATE = 0, 1
"""The handlers are so short that LLVM's passes on IR gain nothing over good code generation (design/engine.md)."""
_ROOMS = ("isa", "isa/insns", "cpu", "engine/common", "engine/llvm")
"""What the object is made from."""


def tier0_text(core: str) -> str:
    """IR of the whole engine for a core model."""
    model = CORES[core]
    threaded, _ = threaded_text(model)
    return PRELUDE + helpers_text(model) + flow_text(model) + interrupts_text(model) + threaded


def sources() -> list[Path]:
    """The files that the object depends on."""
    return [path for room in _ROOMS for path in (paths.PACKAGE / room).glob("*.py")]


class Tier0:
    """The loaded object of one core model; ``symbols`` are host addresses, valid while this lives."""

    def __init__(self, core: str, folder: Path | None) -> None:
        self._jit = Jit()
        name = f"tier0-{core}-{fingerprint(sources(), core, version(), host())}.o"
        code = recall_or_make(folder, name, lambda: self._jit.compile(tier0_text(core), OPTIMIZE, GENERATE))
        self.symbols = self._jit.link(code, EXPORTS)


@cache
def tier0(core: str) -> Tier0:
    """The object of a core model, loaded: immutable, and shared by all engines of the process."""
    return Tier0(core, paths.user_cache(os.environ))
