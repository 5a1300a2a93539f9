"""The exit table: what KVM does for each interrupt that leaves the guest (facts 3.2, 3.3; kvmppc_handle_exit).

A handler takes the vcpu and returns a resume code; its docstring is what ``ppcdbg info exits`` prints of it. It decides
nothing about entering again; that is ``handle_exit``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ppcdbg.cpu import interrupts as I
from ppcdbg.cpu.msr import (
    DBCR0_IDM,
    DBSR_IDE,
    ESR_PIL,
    ESR_PPR,
    ESR_PTR,
    MSR_DE,
    MSR_DS,
    MSR_GS,
    MSR_IS,
    MSR_PR,
    MSR_SPE,
    MSR_WE,
)
from ppcdbg.isa.sprs import SLOT
from ppcdbg.kvm import booke, codes, debug_registers, fetch, irqprio, printk, queueing
from ppcdbg.kvm import magic_page as mp
from ppcdbg.kvm.blocks import DEBUG, HOST, MAPPED, MAPPED_MAGIC
from ppcdbg.kvm.codes import RESUME_GUEST, RESUME_HOST
from ppcdbg.kvm.emulate import emulate
from ppcdbg.kvm.emulate_loadstore import emulate_mmio
from ppcdbg.kvm.emulate_tlb import deliver_miss_defaults
from ppcdbg.kvm.hypercalls import kvm_pv
from ppcdbg.kvm.payloads import SPR_STATUS_OK
from ppcdbg.kvm.printk import KernelBug

if TYPE_CHECKING:
    from ppcdbg.kvm.vcpu import Vcpu

Handler = Callable[["Vcpu"], int]
_DBSR_IAC = 0x00F00000
_DBSR_DAC1R, _DBSR_DAC1W, _DBSR_DAC2R, _DBSR_DAC2W = 0x80000, 0x40000, 0x20000, 0x10000
_DBSR_TIE = 0x01000000


def _bug(number: int) -> Handler:
    def handler(v: Vcpu) -> int:
        v.host_log.print(v.core.now, printk.EMERG, f"exit_nr {number}")
        if v.quirks.unhandled_exits_bug:
            raise KernelBug(f"the host kernel has no handler for exit {number} at pc {v.pc:#x}: BUG")
        v.actions.append((HOST, "no handler"))
        return RESUME_GUEST

    handler.__doc__ = "no handler: BUG"
    return handler


# --- the host's own -------------------------------------------------------------------------------
def _machine_check(v: Vcpu) -> int:
    """logs MCSR and returns to userspace"""
    mcsr = v.reg[SLOT["MCSR"]]
    v.run.hardware_exit_reason = 0xFFFFFFFE << 32 | mcsr
    told = f"MACHINE CHECK: {mcsr:x}"
    v.host_log.print(v.core.now, printk.WARNING, told, *_dump(v))
    v.cost += v.vm.host.costs.print
    v.actions.append((HOST, told))
    return RESUME_HOST


def _dump(v: Vcpu) -> Iterator[str]:
    """kvmppc_dump_vcpu. On bookehv SRR0 and SRR1 are those of a page that nobody fills in."""
    page, gpr, read = v.shared, v.gpr, v.core.read_spr
    yield f"pc:   {v.pc:08x} msr:  {page.msr:08x}"
    yield f"lr:   {read('LR'):08x} ctr:  {read('CTR'):08x}"
    yield f"srr0: {page.get64(mp.SRR0):08x} srr1: {page.get64(mp.SRR1):08x}"
    yield f"exceptions: {v.pending:08x}"
    for i in range(0, 32, 4):
        yield f"gpr{i:02}: " + " ".join(f"{gpr[n]:08x}" for n in range(i, i + 4))


def _host(exit_type: int, stat: str, note: str, restarted: bool = True) -> Handler:
    def handler(v: Vcpu) -> int:
        if restarted and v.quirks.host_interrupt_drops_debug:
            debug_registers.host_interrupted(v.core, v.thread_debug)
        if stat:
            v.account(exit_type, stat)
        v.actions.append((HOST, note))
        return RESUME_GUEST

    handler.__doc__ = f"the host's own: {note.removeprefix('host ')}"
    return handler


# --- reflected ------------------------------------------------------------------------------------
def _data_storage(v: Vcpu) -> int:
    """queues DATA_STORAGE with DEAR and ESR"""
    if not v.shared.msr & MSR_PR and (did := v.deferral.stored(v.fault_dear)):
        v.actions.append((HOST, did))
        v.account(codes.DSI_EXITS, "dsi_exits")
        return RESUME_GUEST
    queueing.data_storage(v, v.fault_dear, v.fault_esr)
    v.account(codes.DSI_EXITS, "dsi_exits")
    return RESUME_GUEST


def _inst_storage(v: Vcpu) -> int:
    """queues INST_STORAGE with ESR"""
    queueing.inst_storage(v, v.fault_esr)
    v.account(codes.ISI_EXITS, "isi_exits")
    return RESUME_GUEST


def _alignment(v: Vcpu) -> int:
    """queues ALIGNMENT with DEAR and ESR"""
    queueing.alignment(v, v.fault_dear, v.fault_esr)
    return RESUME_GUEST


def _fp_unavail(v: Vcpu) -> int:
    """queues FP_UNAVAIL"""
    queueing.reflect(v, irqprio.FP_UNAVAIL)
    v.exit_type = codes.FP_UNAVAIL_EXITS
    return RESUME_GUEST


def _spe_unavail(v: Vcpu) -> int:
    """loads SPE if the guest has it on, else queues SPE_UNAVAIL"""
    if v.shared.msr & MSR_SPE:
        v.shadow_msr |= MSR_SPE
        v.actions.append((HOST, "SPE loaded"))
    else:
        queueing.reflect(v, irqprio.SPE_UNAVAIL)
    return RESUME_GUEST


def _reflect(priority: int) -> Handler:
    def handler(v: Vcpu) -> int:
        queueing.reflect(v, priority)
        return RESUME_GUEST

    handler.__doc__ = f"queues {irqprio.irqprios(False)[priority].name}"
    return handler


def _program(v: Vcpu) -> int:
    """emulates the instruction of a supervisor, queues PROGRAM for a user"""
    if v.guest_debug & codes.GUESTDBG_USE_SW_BP and v.last_inst == codes.SW_BREAKPOINT:
        r = _handle_debug(v)
        v.run.exit_reason = codes.KVM_EXIT_DEBUG
        v.exit_type = codes.DEBUG_EXITS
        return r
    if v.shared.msr & (MSR_PR | MSR_GS):
        queueing.program(v, v.fault_esr)
        v.exit_type = codes.USR_PR_INST
        return RESUME_GUEST
    return emulate(v)


def _syscall(v: Vcpu) -> int:
    """a hypercall if r0 says "KVM!" in supervisor state, else queues SYSCALL"""
    if not v.shared.msr & MSR_PR and v.gpr[0] == codes.SC_MAGIC_R0:
        _hypercall(v)
    else:
        queueing.reflect(v, irqprio.SYSCALL)
    v.account(codes.SYSCALL_EXITS, "syscall_exits")
    return RESUME_HOST if v.hcall_needed else RESUME_GUEST


def _hv_syscall(v: Vcpu) -> int:
    """a hypercall in supervisor state, else queues PROGRAM (privileged)"""
    if v.shared.msr & MSR_PR:
        queueing.program(v, ESR_PPR)
    else:
        _hypercall(v)
    return RESUME_HOST if v.hcall_needed else RESUME_GUEST


def _hypercall(v: Vcpu) -> None:
    """Its status comes back in r3, unless userspace is to give it."""
    status = kvm_pv(v)
    if not v.hcall_needed:
        v.gpr[3] = status


def _hv_priv(v: Vcpu) -> int:
    """emulates the instruction"""
    return emulate(v)


# --- the MMU (facts 5.5) --------------------------------------------------------------------------
def _dtlb_miss(v: Vcpu) -> int:
    """guest TLB: no entry queues DTLB_MISS; RAM is mapped; anything else is MMIO"""
    ea = v.fault_dear
    msr = v.shared.msr
    if v.deferral.page_ea and not msr & MSR_PR and (did := v.deferral.missed(ea)):
        v.actions.append((HOST, did))
        v.account(codes.DTLB_VIRT_MISS_EXITS, "dtlb_virt_miss_exits")
        return RESUME_GUEST
    if not v.hv and not msr & MSR_PR and ea & 0xFFFFF000 == v.magic_page_ea and _magic_there(v):
        only = v.quirks.magic_page_as0_only and v.rewriter is None  # whoever rewrites unasked must map it everywhere
        space = 0 if only else msr >> 4 & 1
        v.shadow.map_magic(v.shared_real, v.magic_page_ea, space)
        v.actions.append((MAPPED_MAGIC, ea & 0xFFFFF000))
        v.account(codes.DTLB_VIRT_MISS_EXITS, "dtlb_virt_miss_exits")
        return RESUME_GUEST
    found = v.gtlb.search(ea, v.guest_pid & 0xFF, 1 if msr & MSR_DS else 0)
    if found is None:
        queueing.dtlb_miss(v, ea, v.fault_esr)
        deliver_miss_defaults(v, ea, msr & MSR_DS)
        v.account(codes.DTLB_REAL_MISS_EXITS, "dtlb_real_miss_exits")
        return RESUME_GUEST
    gpa = v.gtlb.translate(*found, ea)
    if gpa < v.vm.memory_size:
        size = v.shadow.map(ea, gpa, *found)
        v.actions.append((MAPPED, ea, gpa, size, *found))
        v.account(codes.DTLB_VIRT_MISS_EXITS, "dtlb_virt_miss_exits")
        return RESUME_GUEST
    r = emulate_mmio(v, ea, gpa)
    v.account(codes.MMIO_EXITS, "mmio_exits")
    return r


def _magic_there(v: Vcpu) -> bool:
    """Before MAP_MAGIC_PAGE the page is at EA 0 (Q5)."""
    return v.magic_page_pa != 0 or v.magic_page_ea != 0 or v.quirks.magic_page_at_zero


def _itlb_miss(v: Vcpu) -> int:
    """guest TLB: no entry queues ITLB_MISS; RAM is mapped; anything else queues MACHINE_CHECK"""
    ea = v.pc
    msr = v.shared.msr
    found = v.gtlb.search(ea, v.guest_pid & 0xFF, 1 if msr & MSR_IS else 0)
    if found is None:
        queueing.reflect(v, irqprio.ITLB_MISS)
        deliver_miss_defaults(v, ea, msr & MSR_IS)
        v.account(codes.ITLB_REAL_MISS_EXITS, "itlb_real_miss_exits")
        return RESUME_GUEST
    v.account(codes.ITLB_VIRT_MISS_EXITS, "itlb_virt_miss_exits")
    gpa = v.gtlb.translate(*found, ea)
    if gpa < v.vm.memory_size:
        size = v.shadow.map(ea, gpa, *found)
        v.actions.append((MAPPED, ea, gpa, size, *found))
    else:
        queueing.reflect(v, irqprio.MACHINE_CHECK)
    return RESUME_GUEST


# --- debug (facts 3.6) ----------------------------------------------------------------------------
def _debug(v: Vcpu) -> int:
    """to userspace if it debugs the guest, else queues DEBUG where the guest asked for it"""
    v.exit_type = codes.DEBUG_EXITS
    if v.hv and v.quirks.debug_exit_takes_sprg9:
        v.reg[SLOT["SPRG9"]] = v.gpr[8]
    if v.deferral.stepped():
        v.actions.append((DEBUG, "a step in a critical section"))
        return RESUME_GUEST
    r = _handle_debug(v)
    if r == RESUME_HOST:
        v.run.exit_reason = codes.KVM_EXIT_DEBUG
    return r


def _handle_debug(v: Vcpu) -> int:
    dbsr = v.dbsr
    v.actions.append((DEBUG, f"DBSR {dbsr:#010x}"))
    if not v.guest_debug:
        dbsr &= ~DBSR_IDE
        if not dbsr:
            return RESUME_GUEST
        if v.shared.msr & MSR_DE and v.debug.dbcr0 & DBCR0_IDM:
            queueing.reflect(v, irqprio.DEBUG)
        if dbsr & _DBSR_TIE and not v.shared.msr & MSR_DE:
            queueing.program(v, ESR_PTR)
        return RESUME_GUEST
    v.dbsr = 0
    run = v.run
    run.debug_status, run.debug_address = 0, v.pc
    if dbsr & _DBSR_IAC:
        run.debug_status |= codes.DEBUG_BREAKPOINT
        return RESUME_HOST
    if dbsr & (_DBSR_DAC1W | _DBSR_DAC2W):
        run.debug_status |= codes.DEBUG_WATCH_WRITE
    elif dbsr & (_DBSR_DAC1R | _DBSR_DAC2R):
        run.debug_status |= codes.DEBUG_WATCH_READ
    if dbsr & (_DBSR_DAC1R | _DBSR_DAC1W):
        run.debug_address = v.debug.dac1
    elif dbsr & (_DBSR_DAC2R | _DBSR_DAC2W):
        run.debug_address = v.debug.dac2
    return RESUME_HOST


# --- the tables -----------------------------------------------------------------------------------
_COMMON: dict[int, Handler] = {
    I.MACHINE_CHECK: _machine_check,
    I.DATA_STORAGE: _data_storage,
    I.INST_STORAGE: _inst_storage,
    I.EXTERNAL: _host(codes.EXT_INTR_EXITS, "ext_intr_exits", "host interrupt"),
    I.ALIGNMENT: _alignment,
    I.PROGRAM: _program,
    I.FP_UNAVAIL: _fp_unavail,
    I.DECREMENTER: _host(codes.DEC_EXITS, "dec_exits", "host timer"),
    I.WATCHDOG: _host(0, "", "host watchdog", restarted=False),
    I.DTLB_MISS: _dtlb_miss,
    I.ITLB_MISS: _itlb_miss,
    I.DEBUG: _debug,
    I.PERFORMANCE_MONITOR: _host(0, "", "host performance monitor"),
}
_PR: dict[int, Handler] = {
    I.SYSCALL: _syscall,
    I.SPE_UNAVAIL: _spe_unavail,
    I.SPE_FP_DATA: _reflect(irqprio.SPE_FP_DATA),
    I.SPE_FP_ROUND: _reflect(irqprio.SPE_FP_ROUND),
}
_HV: dict[int, Handler] = {
    I.DOORBELL: _host(codes.DBELL_EXITS, "dbell_exits", "host doorbell"),
    I.GUEST_DBELL: _host(codes.GDBELL_EXITS, "gdbell_exits", "guest doorbell", restarted=False),
    I.GUEST_DBELL_CRIT: _host(codes.GDBELL_EXITS, "gdbell_exits", "guest doorbell", restarted=False),
    I.HV_SYSCALL: _hv_syscall,
    I.HV_PRIV: _hv_priv,
}


def exit_table(hv: bool) -> list[Handler]:
    """Handlers by exit number for one build; numbers without one end in BUG."""
    known = {**_COMMON, **(_HV if hv else _PR)}
    return [known.get(number) or _bug(number) for number in range(43)]


def handle_exit(v: Vcpu, table: list[Handler], number: int) -> int:
    """kvmppc_handle_exit, entry preparation included; the world switch has filled in pc, DEAR, ESR, last_inst."""
    if number == I.DEBUG:
        v.dbsr = v.reg[SLOT["DBSR"]]
        v.reg[SLOT["DBSR"]] = 0
    if v.trace is not None:
        v.trace("kvm_exit", (number, v.pc, v.shared.msr, v.fault_dear, v.last_inst))
    v.run.exit_reason = codes.KVM_EXIT_UNKNOWN
    r = fetch.failed(v, table[number]) if v.fetch_fault else table[number](v)
    return prepare(v, r)


def prepare(v: Vcpu, r: int) -> int:
    """Unless userspace is wanted, get ready to enter; merges why not into the resume code."""
    if r & codes.RESUME_FLAG_HOST:
        return r
    if v.stalled is not None:
        return codes.RESUME_FLAG_HOST | r & codes.RESUME_FLAG_NV  # EV_IDLE, and nothing will ever come
    waits = v.pending or v.requests or v.signal or v.resched
    if not waits and not v.shared.msr & MSR_WE and v.deferral.since < 0:
        v.shared.set32(mp.INT_PENDING, 0)  # all that there is to prepare
        return r
    s = booke.prepare_to_enter(v)
    return r if s > 0 else s << 2 | codes.RESUME_FLAG_HOST | r & codes.RESUME_FLAG_NV


def complete_spr(v: Vcpu) -> None:
    """The next KVM_RUN after KVM_EXIT_SPR: a failure injects Program (PIL) and does not advance."""
    v.spr_needed = False
    if v.run.spr.status != SPR_STATUS_OK:
        queueing.program(v, ESR_PIL)
        return
    if not v.run.spr.is_write:
        v.gpr[v.last_inst >> 21 & 31] = v.run.spr.data & 0xFFFFFFFF
    v.pc = v.pc + 4 & 0xFFFFFFFF
    v.core.retire()
