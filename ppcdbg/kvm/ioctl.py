"""What userspace can do to a vcpu between runs: KVM_RUN's completion, registers, guest debug (facts 3.4, 3.6, 12)."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from ppcdbg.cpu.msr import DBCR0_DAC1R, DBCR0_DAC1W, DBCR0_IAC1, DBCR0_IC, DBCR0_IDM, MSR_SPE
from ppcdbg.isa.bits import M64
from ppcdbg.isa.sprs import SLOT
from ppcdbg.kvm import (
    booke,
    codes,
    debug_registers,
    emulate_dcr,
    emulate_loadstore,
    exits,
    hypercalls,
    machine_check,
    queueing,
    timers,
    words,
)
from ppcdbg.kvm.debug_registers import DebugRegisters
from ppcdbg.kvm.world_switch import MSRP_KVM

if TYPE_CHECKING:
    from ppcdbg.kvm.vcpu import Vcpu


class Cap(IntEnum):
    """KVM_CAP_PPC_..., those that act on a vcpu (include/uapi/linux/kvm.h)."""

    OSI = 52
    PAPR = 68
    BOOKE_WATCHDOG = 83
    EPR = 86


_DBCR1_PR, _DBCR2_PR = 0xCC00CC00, 0xCC000000  # user-mode events only
MSRP_DEP = 0x200


def vcpu_run(v: Vcpu) -> int:
    """KVM_RUN up to the entry: complete what userspace answered, then prepare. Returns a resume code."""
    if v.mmio_needed:
        v.mmio_needed = False
        if v.mmio_access is not None:
            emulate_loadstore.complete(v)
    elif v.dcr_needed:
        emulate_dcr.complete(v)
    elif v.hcall_needed:
        hypercalls.complete(v)
    elif v.epr_needed:
        v.epr_needed = False
        booke.set_epr(v, v.run.epr)
    elif v.spr_needed:
        exits.complete_spr(v)
    if v.run.immediate_exit:
        return -codes.EINTR << 2 | codes.RESUME_FLAG_HOST
    if not v.sane:
        v.run.exit_reason = codes.KVM_EXIT_INTERNAL_ERROR
        return -codes.EINVAL << 2 | codes.RESUME_FLAG_HOST
    r = exits.prepare(v, codes.RESUME_GUEST)
    if not r & codes.RESUME_FLAG_HOST:
        _switch_debug(v, v.debug)
    return r


def heavyweight_exit(v: Vcpu) -> None:
    """The way out to userspace: the debug registers become the host's, and so does SPE (kvmppc_core_vcpu_put_e500)."""
    _switch_debug(v, v.host_debug)
    if not v.hv:
        v.shadow_msr &= ~MSR_SPE
    v.cost += v.vm.host.costs.userspace


def _switch_debug(v: Vcpu, new: DebugRegisters) -> None:
    if v.thread_debug.dbcr0 or new.dbcr0:
        always = not v.quirks.dbcr0_clear_stays_live
        debug_registers.switch(v.core, v.thread_debug, new, always)
    v.thread_debug = new.copy() if new.dbcr0 else v.host_debug


def set_guest_debug(v: Vcpu, control: int, breakpoints: tuple[tuple[int, int], ...] = ()) -> int:
    """KVM_SET_GUEST_DEBUG; ``breakpoints``: (address, KVMPPC_DEBUG_* type). Returns 0 or -EINVAL."""
    if not control & codes.GUESTDBG_ENABLE:
        v.debug.dbcr0 = 0
        v.guest_debug = 0
        _protect_de(v, False)
        return 0
    _protect_de(v, True)
    v.guest_debug = control
    v.debug.dbcr0 = DBCR0_IDM | DBCR0_IC if control & codes.GUESTDBG_SINGLESTEP else 0
    v.debug.dbcr1, v.debug.dbcr2 = (0, 0) if v.hv else (_DBCR1_PR, _DBCR2_PR)
    result = 0
    if control & codes.GUESTDBG_USE_HW_BP:
        result = _hardware_breakpoints(v, breakpoints)
    if not v.quirks.single_step_waits_for_set_msr:
        booke.set_msr(v, v.shared.msr)
    return result


def load_debug(v: Vcpu) -> None:
    """KVM_RUN is called again: the hardware gets the guest's debug registers."""
    _switch_debug(v, v.debug)


def _protect_de(v: Vcpu, protect: bool) -> None:
    if v.hv:
        v.reg[SLOT["MSRP"]] = MSRP_KVM | (MSRP_DEP if protect else 0)


def _hardware_breakpoints(v: Vcpu, breakpoints: tuple[tuple[int, int], ...]) -> int:
    breaks = watches = 0
    for address, kind in breakpoints:
        if kind & ~14:
            return -codes.EINVAL
        if kind & codes.DEBUG_BREAKPOINT:
            if breaks == 2:
                return -codes.EINVAL
            setattr(v.debug, f"iac{breaks + 1}", address)
            v.debug.dbcr0 |= DBCR0_IDM | DBCR0_IAC1 >> breaks
            breaks += 1
        elif kind:
            if watches == 2:
                return -codes.EINVAL
            setattr(v.debug, f"dac{watches + 1}", address)
            reads, writes = kind & codes.DEBUG_WATCH_READ, kind & codes.DEBUG_WATCH_WRITE
            bits = (DBCR0_DAC1R if reads else 0) | (DBCR0_DAC1W if writes else 0)
            v.debug.dbcr0 |= DBCR0_IDM | bits >> 2 * watches
            watches += 1
    return 0


def enable_cap(v: Vcpu, cap: int, argument: int = 1) -> int:
    """KVM_ENABLE_CAP for the vcpu capabilities that a Book E kernel takes; -EINVAL for others. OSI changes nothing,
    and PAPR leaves a vcpu that is never run again: only Book III-S has it (kvmppc_sanity_check)."""
    match cap:
        case Cap.EPR:
            v.epr_flags = v.epr_flags | codes.EPR_USER if argument else v.epr_flags & ~codes.EPR_USER
        case Cap.BOOKE_WATCHDOG:
            v.watchdog_enabled = True
        case Cap.PAPR:
            v.papr_enabled = True
        case Cap.OSI:
            pass
        case _:
            return -codes.EINVAL
    return 0 if v.sane else -codes.EINVAL


def set_regs(v: Vcpu, pc: int, msr: int) -> None:
    """The part of KVM_SET_REGS that acts: pc and MSR."""
    v.pc = pc
    booke.set_msr(v, msr)


def clear_timing(v: Vcpu) -> None:
    """kvmppc_init_timing_stats: what is under way is not booked either."""
    v.timing.reset()
    v.exit_type = v.words[words.LAST_TYPE] = codes.NO_EXIT_TYPE
    v.words[words.LAST_COST] = M64


def request(v: Vcpu, name: str, value: int, in_host: bool = True) -> bool:
    """What reaches a running vcpu from outside, by name: ``interrupt`` is KVM_INTERRUPT; ``or-tsr`` what a timer's
    expiry does (KVM_REG_PPC_OR_TSR); ``queue`` a priority: another vcpu's doorbell, or what a debugger wants to see
    delivered; ``notify-page``: the guest's MAP_MAGIC_PAGE had flag 2; ``signal``: one for the process that calls
    KVM_RUN; ``resched``: another task wants the processor for so many ticks; ``enable-cap``: KVM_ENABLE_CAP;
    ``clear-timing``: a c is written to the file of exit times; ``machine-check``: the hardware's, with an MCSR; these
    two need no kick. Gives whether it kicks the vcpu. Raises ValueError."""
    match name:
        case "" | "interrupt":
            queueing.interrupt(v, value)
        case "or-tsr":
            timers.set_tsr_bits(v, value)
        case "queue":
            queueing.queue(v, value)
        case "notify-page":
            hypercalls.ask_for_notification(v)
        case "signal":
            v.signal = True
        case "resched":
            v.resched = value
        case "enable-cap":
            enable_cap(v, value)
            v.signal = True  # between two calls of KVM_RUN
        case "clear-timing":
            clear_timing(v)
            return False
        case "machine-check":
            machine_check.arrive(v, value, in_host)
            return False
        case _:
            raise ValueError(f"there is no request {name!r} to KVM")
    return True
