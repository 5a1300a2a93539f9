"""All IR of tier 0 together."""

from __future__ import annotations

from ppcdbg.cpu.models import CORES
from ppcdbg.engine.llvm.decode import threaded_text
from ppcdbg.engine.llvm.devices import devices_text
from ppcdbg.engine.llvm.flow import flow_text
from ppcdbg.engine.llvm.interrupts import interrupts_text
from ppcdbg.engine.llvm.mmu import helpers_text
from ppcdbg.engine.llvm.text import PRELUDE


def tier0_text(core: str) -> str:
    """Handlers, decoder, and helpers for storage, devices, control and interrupts, for a core model."""
    model = CORES[core]
    threaded, _ = threaded_text(model)
    parts = (helpers_text, devices_text, flow_text, interrupts_text)
    return PRELUDE + "".join(part(model) for part in parts) + threaded
