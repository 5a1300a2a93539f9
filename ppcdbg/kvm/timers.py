"""The guest's decrementer and watchdog on the machine's clock (facts 4.5; emulate.c, booke.c).

Time-base ticks are the clock's ticks. The fixed-interval timer runs only without the quirk that 6.1 has none (Q16).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.cpu.msr import TCR_ARE, TCR_DIE, TCR_FIE, TCR_WIE, TCR_WRC, TSR_DIS, TSR_ENW, TSR_FIS, TSR_WIS
from ppcdbg.cpu.timers import TIMEBASE_HZ, fit_period, ticks_to_edge, watchdog_period
from ppcdbg.kvm import debug_registers
from ppcdbg.kvm.codes import REQ_PENDING_TIMER, REQ_WATCHDOG
from ppcdbg.kvm.irqprio import DECREMENTER, FIT, WATCHDOG
from ppcdbg.kvm.queueing import queue

if TYPE_CHECKING:
    from ppcdbg.kvm.vcpu import Vcpu

NEXT_TIMER_MAX_DELTA = (1 << 30) - 1  # jiffies; include/linux/timer.h


def earlier(a: int | None, b: int | None) -> int | None:
    """The earlier of two ticks, where None is never."""
    if a is None or b is None:
        return b if a is None else a
    return min(a, b)


def set_dec(v: Vcpu, value: int) -> None:
    """mtspr DEC: start counting down from ``value``; 0 stops it (kvmppc_emulate_dec)."""
    v.dec = value & 0xFFFFFFFF
    v.dec_deadline = None
    if v.dec:
        v.dec_start = v.core.now
        v.dec_deadline = v.dec_start + v.dec
    _rearmed(v)


def set_tcr(v: Vcpu, value: int) -> None:
    """kvmppc_set_tcr."""
    v.tcr = value
    arm_watchdog(v)
    _arm_fit(v)
    update_timer_ints(v)


def write_tcr(v: Vcpu, value: int) -> None:
    """mtspr TCR: WRC keeps its value once it is not zero."""
    sticky = v.tcr & TCR_WRC
    set_tcr(v, value & ~TCR_WRC | sticky if sticky else value)


def set_tsr_bits(v: Vcpu, bits: int) -> None:
    """KVM_REG_PPC_OR_TSR, and the decrementer's expiry."""
    v.tsr |= bits
    v.requests |= REQ_PENDING_TIMER


def clear_tsr_bits(v: Vcpu, bits: int) -> None:
    """mtspr TSR."""
    v.tsr &= ~bits & 0xFFFFFFFF
    if bits & (TSR_ENW | TSR_WIS):
        arm_watchdog(v)
    update_timer_ints(v)


def set_tsr(v: Vcpu, value: int) -> None:
    """KVM_REG_PPC_TSR."""
    changed = v.tsr ^ value
    v.tsr = value
    if changed & (TSR_ENW | TSR_WIS):
        arm_watchdog(v)
    update_timer_ints(v)


def update_timer_ints(v: Vcpu) -> None:
    """Level semantics: queue or dequeue DECREMENTER and WATCHDOG from TCR and TSR."""
    if v.tcr & TCR_DIE and v.tsr & TSR_DIS:
        queue(v, DECREMENTER)
    else:
        v.pending &= ~(1 << DECREMENTER)
    if v.tcr & TCR_WIE and v.tsr & TSR_WIS:
        queue(v, WATCHDOG)
    else:
        v.pending &= ~(1 << WATCHDOG)
    if not v.quirks.never_injected:
        if v.tcr & TCR_FIE and v.tsr & TSR_FIS:
            queue(v, FIT)
        else:
            v.pending &= ~(1 << FIT)


def _arm_fit(v: Vcpu) -> None:
    v.fit_deadline = None
    if v.tcr & TCR_FIE and not v.quirks.never_injected:
        v.fit_deadline = v.core.now + ticks_to_edge(v.core.time_base, fit_period(v.tcr))
    _rearmed(v)


def arm_watchdog(v: Vcpu) -> None:
    """arm_next_watchdog: run at the jiffy at or after the next 0 to 1 step of the watched time-base bit."""
    if v.tsr & (TSR_ENW | TSR_WIS) != TSR_ENW | TSR_WIS:
        v.requests &= ~REQ_WATCHDOG
    jiffy = TIMEBASE_HZ // v.vm.host.hz
    time_base = v.core.time_base
    jiffies = -(-ticks_to_edge(time_base, watchdog_period(v.tcr)) // jiffy)
    v.watchdog_deadline = None
    if jiffies < NEXT_TIMER_MAX_DELTA:
        v.watchdog_deadline = v.core.now + (time_base // jiffy + jiffies) * jiffy - time_base
    _rearmed(v)


def _watchdog(v: Vcpu) -> bool:
    """kvmppc_watchdog_func; true when it kicks the vcpu."""
    final = False
    kick = False
    if not v.tsr & TSR_ENW:
        v.tsr |= TSR_ENW
    elif v.tsr & TSR_WIS:
        final = True
    else:
        v.tsr |= TSR_WIS
    if v.tsr & TSR_WIS:
        v.requests |= REQ_PENDING_TIMER
        kick = True
    if final and v.tcr & TCR_WRC and v.watchdog_enabled:
        v.requests |= REQ_WATCHDOG
        kick = True
    v.watchdog_deadline = None
    if not final:
        arm_watchdog(v)
    _rearmed(v)
    return kick


def _rearmed(v: Vcpu) -> None:
    """A deadline changed: find the first one."""
    first = v.dec_deadline
    for other in (v.watchdog_deadline, v.fit_deadline):
        if other is not None and (first is None or other < first):
            first = other
    v.timer_deadline = first


def next_event(v: Vcpu) -> int | None:
    """Tick of the next timer event."""
    return v.timer_deadline


def expire(v: Vcpu, now: int) -> bool:
    """Run what is due at ``now``; true when a running vcpu would be kicked out of the guest."""
    kick = False
    if v.dec_deadline is not None and v.dec_deadline <= now:
        v.dec_deadline = None
        if v.tcr & TCR_ARE:
            set_dec(v, v.decar)
        _rearmed(v)
        set_tsr_bits(v, TSR_DIS)
        kick = True
    if v.watchdog_deadline is not None and v.watchdog_deadline <= now:
        kick = _watchdog(v) or kick
    if v.fit_deadline is not None and v.fit_deadline <= now:
        _arm_fit(v)
        set_tsr_bits(v, TSR_FIS)
        kick = True
    if kick and v.quirks.host_interrupt_drops_debug:
        debug_registers.host_interrupted(v.core, v.thread_debug)  # also where it comes while the host is busy
    return kick
