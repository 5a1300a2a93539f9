"""The frequent exits of a guest, handled without Python: LLVM IR of ``@tenant``, where the engine goes with an exit.

What is here has a model in Python, which decides: ``world_switch`` and ``exits`` (leaving, entering, preparing),
``emulate`` (moves between a GPR and the shared page), ``e500_mmu`` and ``shadow_tlb`` (a guest entry found, RAM behind
it, a 4 KiB shadow entry made), ``emulate_loadstore`` (an access to a device, up to the device). Each exit leaves a row
for the exit log and books its time. Whatever is not plain goes on in Python with nothing done. Memory shared with
Python: :mod:`ppcdbg.kvm.words`.
"""

from __future__ import annotations

from pathlib import Path

from ppcdbg import paths
from ppcdbg.cpu.models import CoreModel


class KvmCode:
    """Implements ``engine.api.TenantCode``."""

    name = "kvm"

    def sources(self) -> list[Path]:
        """The files that the text depends on."""
        room = paths.PACKAGE / "kvm"
        return [*(room / "native").glob("*.py"), room / "words.py", room / "codes.py", room / "magic_page.py",
                room / "e500_mmu.py", room / "shadow_tlb.py", room / "log.py",
                room / "timing.py"]  # fmt: skip

    def text(self, model: CoreModel) -> str:
        """IR of ``@tenant`` and what it calls. Imports the emitter, so it is asked only when nothing is cached."""
        from ppcdbg.kvm.native.handlers import handlers_text

        return handlers_text(model)


KVM_CODE = KvmCode()
