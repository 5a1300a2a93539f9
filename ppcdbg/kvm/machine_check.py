"""Machine checks of the hardware, under KVM: whose handler runs is decided by where the core was.

In guest state (MSR[GS]; in PR mode with the guest's vectors in place) the interrupt leaves the guest, whatever its
MSR[ME], and is an exit: KVM logs it and tells userspace, and the host's own handler does not run, which could have
recovered (kvmppc_restart_interrupt has a FIXME there). In the host it is the host's (kernel/traps.c). What a guest gets
as machine checks is queued by KVM for other reasons (:mod:`ppcdbg.kvm.exits`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.cpu.msr import MCSR_MCP
from ppcdbg.kvm import printk
from ppcdbg.kvm.printk import KernelBug

if TYPE_CHECKING:
    from ppcdbg.kvm.vcpu import Vcpu

_FATAL_E500MC = 0x2801E001
"""MCSR: DCPERR_MC, L2MMU_MHIT, IF, LD, ST, LDG, BSL2_ERR: what machine_check_e500mc does not recover from."""
_CAUSES = ((0x80000000, "Machine Check Signal"), (0x40000000, "Instruction Cache Parity Error"))


def arrive(v: Vcpu, mcsr: int, in_host: bool) -> None:
    """A machine check comes now. Raises KernelBug where the host dies of it."""
    if not in_host:
        v.core.machine_check(mcsr)
        return
    now, log = v.core.now, v.host_log
    log.print(now, printk.WARNING, "Machine check in kernel mode.")
    causes = " ".join(text for bit, text in _CAUSES if mcsr & bit)
    log.print(now, printk.WARNING, f"Caused by (from MCSR={mcsr:x}): {causes}".rstrip())
    if v.hv and not mcsr & _FATAL_E500MC:
        return
    log.print(now, printk.WARNING, "Oops: Machine check, sig: 7 [#1]")
    raise KernelBug(f"the host dies of a machine check of its own, MCSR {mcsr:08x}, while the vcpu is halted")


def pin(v: Vcpu, number: int, level: bool, in_host: bool) -> None:
    """An input of the core that is the host's own: 1 critical, for which no kernel has a handler; 2 machine check."""
    if number == 1:
        v.core.set_critical(level)
    elif level and number == 2:
        arrive(v, MCSR_MCP, in_host)
