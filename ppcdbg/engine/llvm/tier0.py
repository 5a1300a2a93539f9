"""All IR of tier 0 together."""

from __future__ import annotations

from ppcdbg.cpu.models import CORES
from ppcdbg.engine.api import TenantCode
from ppcdbg.engine.llvm.decode import threaded_text
from ppcdbg.engine.llvm.devices import devices_text
from ppcdbg.engine.llvm.flow import flow_text
from ppcdbg.engine.llvm.interrupts import interrupts_text, no_tenant
from ppcdbg.engine.llvm.mmu import helpers_text
from ppcdbg.engine.llvm.text import PRELUDE


def tier0_text(core: str, tenant: TenantCode | None = None) -> str:
    """Handlers, decoder, and helpers for storage, devices, control and interrupts, for a core and who lives on it."""
    model = CORES[core]
    threaded, _ = threaded_text(model)
    resident = no_tenant(model) if tenant is None else tenant.text(model)
    parts = (helpers_text, devices_text, flow_text, interrupts_text)
    return PRELUDE + "".join(part(model) for part in parts) + resident + threaded
