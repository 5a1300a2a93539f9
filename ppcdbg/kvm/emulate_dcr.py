"""mfdcr and mtdcr of a guest on a 440-style core: KVM_EXIT_DCR, as KVM had it while it knew the 440 (facts 3.4, 13).

KVM advanced past the instruction before userspace answered, and put what was read into the register when it was entered
again (arch/powerpc/kvm/44x_emulate.c and powerpc.c up to Linux 3.16). The user-mode forms were never emulated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ppcdbg.kvm import codes
from ppcdbg.kvm.payloads import DcrExit

if TYPE_CHECKING:
    from ppcdbg.kvm.vcpu import Vcpu

_MFDCR, _MTDCR, _MFDCRX, _MTDCRX = 323, 451, 259, 387
_EXIT = codes.EMULATE_EXIT_USER | codes.ADVANCE


def decode(v: Vcpu, word: int, xop: int) -> Callable[[], int] | None:
    """The effect of one word; None for another instruction, and for a core without device control registers."""
    if not v.vm.dcr or xop not in (_MFDCR, _MTDCR, _MFDCRX, _MTDCRX):
        return None
    write, register = xop in (_MTDCR, _MTDCRX), word >> 21 & 31
    number = word >> 16 & 0x1F | word >> 6 & 0x3E0
    base = word >> 16 & 31 if xop in (_MFDCRX, _MTDCRX) else None

    def effect() -> int:
        dcrn = number if base is None else v.gpr[base]
        v.run.dcr = DcrExit(dcrn, v.gpr[register] if write else 0, write)
        v.run.exit_reason = codes.KVM_EXIT_DCR
        v.dcr_needed = True
        return _EXIT

    return effect


def complete(v: Vcpu) -> None:
    """The next KVM_RUN: kvmppc_complete_dcr_load."""
    v.dcr_needed = False
    if not v.run.dcr.is_write:
        v.gpr[v.last_inst >> 21 & 31] = v.run.dcr.data
