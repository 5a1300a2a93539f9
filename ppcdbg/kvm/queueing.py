"""Queueing and dequeueing of guest interrupts (facts 4.2). Delivery is :mod:`ppcdbg.kvm.booke`'s."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.kvm.blocks import QUEUED, REFLECTED
from ppcdbg.kvm.codes import KVM_INTERRUPT_SET_LEVEL, KVM_INTERRUPT_UNSET
from ppcdbg.kvm.irqprio import ALIGNMENT, DATA_STORAGE, DTLB_MISS, EXTERNAL, EXTERNAL_LEVEL, INST_STORAGE, PROGRAM

if TYPE_CHECKING:
    from ppcdbg.kvm.vcpu import Vcpu


def queue(v: Vcpu, priority: int) -> None:
    """kvmppc_booke_queue_irqprio: trace with the bitmap as it was, then set the bit."""
    if v.trace is not None:
        v.trace("kvm_booke_queue_irqprio", (v.number, priority, v.pending))
    v.pending |= 1 << priority
    v.queued.append(priority)
    v.queued_by[priority] = (len(v.exits), v.core.now)
    v.queue_counts[priority] += 1
    v.cost += v.vm.host.costs.queue


def reflect(v: Vcpu, priority: int) -> None:
    """Queue the interrupt that is the cause of this exit."""
    queue(v, priority)
    v.actions.append((REFLECTED, priority))


def program(v: Vcpu, esr: int) -> None:
    v.queued_esr = esr
    reflect(v, PROGRAM)


def queue_program(v: Vcpu, esr: int) -> None:
    """A Program interrupt that is not the reflection of one."""
    v.queued_esr = esr
    queue(v, PROGRAM)


def data_storage(v: Vcpu, dear: int, esr: int) -> None:
    v.queued_dear, v.queued_esr = dear, esr
    reflect(v, DATA_STORAGE)


def inst_storage(v: Vcpu, esr: int) -> None:
    v.queued_esr = esr
    reflect(v, INST_STORAGE)


def alignment(v: Vcpu, dear: int, esr: int) -> None:
    v.queued_dear, v.queued_esr = dear, esr
    reflect(v, ALIGNMENT)


def dtlb_miss(v: Vcpu, dear: int, esr: int) -> None:
    v.queued_dear, v.queued_esr = dear, esr
    reflect(v, DTLB_MISS)


def interrupt(v: Vcpu, irq: int) -> None:
    """KVM_INTERRUPT: UNSET clears edge and level, SET_LEVEL queues a level, any other number an edge."""
    if irq == KVM_INTERRUPT_UNSET:
        v.pending &= ~(1 << EXTERNAL | 1 << EXTERNAL_LEVEL)
        return
    priority = EXTERNAL_LEVEL if irq == KVM_INTERRUPT_SET_LEVEL else EXTERNAL
    queue(v, priority)
    v.actions.append((QUEUED, priority))
