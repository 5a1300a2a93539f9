"""All IR of tier 0 together."""

from __future__ import annotations

from ppcdbg.cpu.models import CORES
from ppcdbg.engine.llvm.decode import threaded_text
from ppcdbg.engine.llvm.flow import flow_text
from ppcdbg.engine.llvm.interrupts import interrupts_text
from ppcdbg.engine.llvm.mmu import helpers_text
from ppcdbg.engine.llvm.text import PRELUDE


def tier0_text(core: str) -> str:
    """Handlers, decoder, and helpers for storage, control and interrupts, for a core model."""
    model = CORES[core]
    threaded, _ = threaded_text(model)
    return PRELUDE + helpers_text(model) + flow_text(model) + interrupts_text(model) + threaded
