"""How a guest under KVM ends that ends by nobody's word: in a sentence each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.kvm.trace import exit_name
from ppcdbg.machine.system import StopKind

if TYPE_CHECKING:
    from ppcdbg.kvm.vcpu import Vcpu


def idle(v: Vcpu) -> tuple[StopKind, str]:
    """The vcpu is halted, and nothing will ever come."""
    if v.stalled == "spin":
        return StopKind.STUCK, "the vcpu waits, only masked interrupts are pending, and KVM spins"
    return StopKind.IDLE, "the guest waits, and no timer, input or interrupt can wake it"


def stuck(v: Vcpu) -> str:
    """Exits without end, and no instruction retires."""
    what = f"{exit_name(v.exits.vector(-1))} exits follow each other at {v.pc:#010x} and no instruction retires:"
    return f"{what} what KVM does there changes nothing, or the vector is not mapped, or its first instruction faults"
