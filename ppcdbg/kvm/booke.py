"""Delivering guest interrupts, and the loop before every entry into the guest (facts 3.5, 4.3, 4.4; booke.c).

At most one interrupt is delivered in each pass, lowest number first. Nothing here knows why an interrupt was queued.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ppcdbg.cpu.doorbell import G_DBELL, G_DBELL_CRIT, G_DBELL_MC
from ppcdbg.cpu.msr import MSR_CE, MSR_DE, MSR_EE, MSR_GS, MSR_ME, MSR_PR, MSR_SPE, MSR_WE, TSR_DIS, TSR_FIS, TSR_WIS
from ppcdbg.isa.sprs import SLOT
from ppcdbg.kvm import codes, irqprio, timers
from ppcdbg.kvm import magic_page as mp
from ppcdbg.kvm.blocks import HOST, RESCHED
from ppcdbg.kvm.irqprio import IntClass, IrqPrio

if TYPE_CHECKING:
    from ppcdbg.kvm.vcpu import Vcpu

_GSRR0, _GSRR1, _GESR, _GDEAR, _GEPR = (SLOT[n] for n in ("GSRR0", "GSRR1", "GESR", "GDEAR", "GEPR"))
_TIMER_BITS = {irqprio.DECREMENTER: TSR_DIS, irqprio.WATCHDOG: TSR_WIS, irqprio.FIT: TSR_FIS}
_ENABLE_NAMES = {MSR_EE: "MSR[EE]=0", MSR_CE: "MSR[CE]=0", MSR_ME: "MSR[ME]=0", MSR_DE: "MSR[DE]=0"}


def set_msr(v: Vcpu, value: int) -> None:
    """kvmppc_set_msr: a write to MSR that may change more than enable bits."""
    if v.hv:
        value |= MSR_GS
        if v.guest_debug:
            value |= MSR_DE
        v.shared.msr = value
        return
    v.shared.msr = value
    assert v.ids is not None
    v.ids.recalculate()
    v.shadow_msr = v.shadow_msr & ~(MSR_SPE | MSR_DE) | value & (MSR_SPE | MSR_DE)
    if v.guest_debug:
        v.shadow_msr |= MSR_DE
        v.shared.msr = value & ~MSR_DE


def critical_section(v: Vcpu) -> bool:
    """Whether the guest is in a paravirtual critical section: supervisor state, and ``critical`` equals r1."""
    if v.shared.msr & MSR_PR:
        return False
    r1 = v.gpr[1]
    if v.shared.get32(mp.CRITICAL + 4) != r1:
        return False
    return r1 != 0 or v.quirks.zero_r1_is_critical


def allowed(v: Vcpu, p: IrqPrio) -> bool:
    """Whether a pending interrupt would be delivered now, higher ones aside."""
    if p.enable is None or not v.shared.msr & p.enable:
        return p.enable == 0
    if p.number < irqprio.MACHINE_CHECK or not critical_section(v):
        return True
    return p.enable != MSR_EE and not v.quirks.critical_holds_all_classes


def held_by_section(v: Vcpu) -> int:
    """The pending interrupts that nothing holds back but the critical section that the guest is in: a bitmap."""
    pending = v.pending >> irqprio.MACHINE_CHECK << irqprio.MACHINE_CHECK
    if not pending or not critical_section(v):
        return 0
    msr, held = v.shared.msr, 0
    for p in v.prios[irqprio.MACHINE_CHECK :]:
        if pending >> p.number & 1 and p.enable and msr & p.enable and not allowed(v, p):
            held |= 1 << p.number
    return held


def _deliver(v: Vcpu, p: IrqPrio) -> None:
    """Save, vector, and change MSR for one allowed interrupt (kvmppc_booke_irqprio_deliver)."""
    msr = v.shared.msr
    _save(v, p.cls, v.pc, msr)
    external = p.number in (irqprio.EXTERNAL, irqprio.EXTERNAL_LEVEL)
    v.pc = v.ivpr | v.ivor[irqprio.EXTERNAL if external else p.number]
    if p.esr:
        set_guest_word(v, _GESR, mp.ESR, v.queued_esr)
    if p.dear:
        set_guest_double(v, _GDEAR, mp.DAR, v.queued_dear)
    if external and v.epr_flags:
        _update_epr(v)
    set_msr(v, msr & p.keeps)
    if not p.level:
        v.pending &= ~(1 << p.number)
    v.delivered = p.number
    v.delivered_counts[p.number] += 1
    v.cost += v.vm.host.costs.deliver


def _withhold(v: Vcpu, p: IrqPrio) -> None:
    """Somebody wants to see what happens without this delivery: the interrupt is gone, and a timer's bit with it."""
    v.withheld &= ~(1 << p.number)
    v.pending &= ~(1 << p.number)
    v.tsr &= ~_TIMER_BITS.get(p.number, 0)
    v.actions.append((HOST, f"{p.name} is withheld"))


def _save(v: Vcpu, cls: IntClass, pc: int, msr: int) -> None:
    if cls is IntClass.NONCRIT:
        set_guest_double(v, _GSRR0, mp.SRR0, pc)
        set_guest_double(v, _GSRR1, mp.SRR1, msr)
    elif cls is IntClass.CRIT:
        v.csrr0, v.csrr1 = pc, msr
    elif cls is IntClass.MC:
        v.mcsrr0, v.mcsrr1 = pc, msr
    else:
        v.dsrr0, v.dsrr1 = pc, msr


def set_guest_double(v: Vcpu, slot: int, offset: int, value: int) -> None:
    """A register that is 64 bits of the shared page (PR) or a hardware register (HV)."""
    if v.hv:
        v.reg[slot] = value
    else:
        v.shared.set64(offset, value)


def set_guest_word(v: Vcpu, slot: int, offset: int, value: int) -> None:
    if v.hv:
        v.reg[slot] = value
    else:
        v.shared.set32(offset, value)


def set_epr(v: Vcpu, value: int) -> None:
    """kvmppc_set_epr."""
    v.epr = value
    if v.hv:
        v.reg[_GEPR] = value


def _update_epr(v: Vcpu) -> None:
    if v.epr_flags & codes.EPR_USER:
        v.requests |= codes.REQ_EPR_EXIT
    elif v.epr_flags & codes.EPR_KERNEL:
        vector = v.mpic_acknowledge()
        if vector is not None:
            set_epr(v, vector)


def check_exceptions(v: Vcpu) -> bool:
    """Deliver the first allowed pending interrupt, then tell the guest whether any is left. False: a request came."""
    pending = v.pending
    while pending:
        lowest = pending & -pending
        pending ^= lowest
        priority = lowest.bit_length() - 1
        if priority >= irqprio.MAX:
            break
        p = v.prios[priority]
        done = allowed(v, p)
        if done and v.withheld >> priority & 1:
            _withhold(v, p)
            continue
        if done:
            _deliver(v, p)
        if v.hv:
            _ring(v)
        if done:
            break
    v.shared.set32(mp.INT_PENDING, 1 if v.pending else 0)
    v.deferral.looked()
    return not v.requests


def _ring(v: Vcpu) -> None:
    """HV: a guest doorbell to oneself for what stays pending, so that enabling it exits at once (facts 4.3)."""
    tag = v.vm.host.lpid << 14 | v.number
    if v.pending & irqprio.IRQMASK_EE:
        v.core.doorbell.send(G_DBELL << 27 | tag)
    if v.pending & irqprio.IRQMASK_CE:
        v.core.doorbell.send(G_DBELL_CRIT << 27 | tag)
    mask = irqprio.MACHINE_CHECK if v.quirks.machine_check_doorbell_number else 1 << irqprio.MACHINE_CHECK
    if v.pending & mask:
        v.core.doorbell.send(G_DBELL_MC << 27 | tag)


def check_requests(v: Vcpu) -> int:
    """kvmppc_core_check_requests: 1 to go on, 0 to leave for userspace."""
    if v.trace is not None:
        v.trace("kvm_check_requests", (v.number, 0 if v.quirks.requests_print_zero and not v.hv else v.requests))
    r = 1
    if v.requests & codes.REQ_PENDING_TIMER:
        v.requests &= ~codes.REQ_PENDING_TIMER
        timers.update_timer_ints(v)
    if v.requests & codes.REQ_TLB_FLUSH:
        v.requests &= ~codes.REQ_TLB_FLUSH
        v.shadow.flush()
    if v.requests & codes.REQ_WATCHDOG:
        v.requests &= ~codes.REQ_WATCHDOG
        v.run.exit_reason = codes.KVM_EXIT_WATCHDOG
        r = 0
    if v.requests & codes.REQ_EPR_EXIT:
        v.requests &= ~codes.REQ_EPR_EXIT
        v.run.epr = 0
        v.epr_needed = True
        v.run.exit_reason = codes.KVM_EXIT_EPR
        r = 0
    return r


def prepare_to_enter(v: Vcpu) -> int:
    """kvmppc_prepare_to_enter: 1 to enter, 0 or an errno to leave for userspace. ``v.stalled`` set: neither."""
    while True:
        if v.resched:
            _reschedule(v)
            continue
        if v.signal:
            v.signal = False
            v.account(codes.SIGNAL_EXITS, "signal_exits")
            v.run.exit_reason = codes.KVM_EXIT_INTR
            return -codes.EINTR
        while v.requests:
            r = check_requests(v)
            if r <= 0:
                return r
        if not check_exceptions(v):
            continue  # delivering one raised a request
        if not v.shared.msr & MSR_WE:
            return 1
        if v.runnable and not _spin(v):
            return 0
        v.halt()
        if v.stalled is not None:
            return 0
        v.exit_type = codes.EMULATED_MTMSRWE_EXITS


def _reschedule(v: Vcpu) -> None:
    """cond_resched: another task runs, which comes as a kvm_arch_vcpu_put and a vcpu_load of the guest; SPE is given up
    by that (kvmppc_core_vcpu_put_e500), in HV mode everything stays where it is."""
    ticks, v.resched = v.resched, 0
    v.actions.append((RESCHED, ticks))
    if not v.hv:
        v.shadow_msr &= ~MSR_SPE
    v.give_away(ticks)


def _spin(v: Vcpu) -> bool:
    """WE with only masked interrupts pending: the halt returns at once and the loop burns time until something
    changes (Q9). Without the quirk, masked interrupts do not end the halt. False when nothing will ever change."""
    before = v.pending, v.requests, v.signal
    while v.wait_for_event():
        if (v.pending, v.requests, v.signal) != before:
            return True
    v.stalled = "spin" if v.quirks.masked_pending_spins else "idle"
    return False


@dataclass(frozen=True, slots=True)
class PriorityState:
    """One row of the irqprio pane. ``held_by`` is empty for an interrupt that would be delivered at the next entry."""

    priority: IrqPrio
    pending: bool
    queued_at: tuple[int, int] | None
    queued: int
    delivered: int
    held_by: str


def explain(v: Vcpu) -> list[PriorityState]:
    """Every priority: pending or not, who queued it last (exit number, tick), and why it is not delivered now."""
    rows = []
    first: str | None = None
    for p in v.prios:
        pending = bool(v.pending >> p.number & 1)
        reason = "not pending"
        if pending:
            reason = _held(v, p) or (f"{first} goes first" if first else "")
            if not reason:
                first = p.name
        rows.append(
            PriorityState(
                p, pending, v.queued_by.get(p.number), v.queue_counts[p.number], v.delivered_counts[p.number], reason
            )
        )
    return rows


def _held(v: Vcpu, p: IrqPrio) -> str:
    if p.enable is None:
        return "never delivered by KVM"
    if p.enable and not v.shared.msr & p.enable:
        return _ENABLE_NAMES[p.enable]
    return "" if allowed(v, p) else "critical section (critical == r1)"
