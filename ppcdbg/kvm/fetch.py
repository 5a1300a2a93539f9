"""How the host reads the instruction that made a guest leave, in HV mode, and what comes of a read that fails.

Linux 6.1 looks the page up in the TLB and reads it through a mapping of its own. As first posted, KVM read it by
``lwepx``, in the guest's own context: that needs the guest's read permission, and a page may be execute-only. The load
then faults in the host, whose handlers know of no such fault: the host oopses. Two remedies were discussed in January
2012, and each leaves KVM_INST_FETCH_FAILED in place of the instruction: a marker, which tells the handler to skip the
load, and an entry in the exception table, for which the handler looks where ESR[EPID] says so (facts 8.4, H4).

The exit path reads the instruction before it reads ESR and DEAR (kvm/bookehv_interrupts.S), so that a fault which is
survived has overwritten both.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING

from ppcdbg.cpu import interrupts as I
from ppcdbg.cpu.interrupts import GuestInterrupt
from ppcdbg.cpu.mmu import Access, Context
from ppcdbg.cpu.msr import ESR_EPID, MSR_PR
from ppcdbg.isa.sprs import SLOT
from ppcdbg.kvm import codes, printk
from ppcdbg.kvm.blocks import FETCH
from ppcdbg.kvm.printk import KernelBug

if TYPE_CHECKING:
    from ppcdbg.kvm.vcpu import Vcpu

INST_FETCH_FAILED = 0xFFFFFFFF  # KVM_INST_FETCH_FAILED
PRINTER = "kvmppc_load_last_inst"
_PID = SLOT["PID"]


class InstructionFetch(Enum):
    """How the instruction is read."""

    WALK = "walk"  # 6.1: tlbsx, execute permission, a mapping of the host's own
    LWEPX = "lwepx"  # as first posted: nobody handles its fault
    MARKER = "lwepx-marker"  # a known bad value and a mark first; the handler skips the load
    FIXUP = "lwepx-fixup"  # the handler looks for it in the exception table where ESR[EPID] is set


READS = {InstructionFetch.WALK: 0x2010, InstructionFetch.LWEPX: 0x0201, InstructionFetch.MARKER: 0x0201,
         InstructionFetch.FIXUP: 0x0201}  # fmt: skip
"""The permission of MAS3 that a read needs: of a user's page << 8 | of a supervisor's."""
RECOVERS = frozenset({InstructionFetch.MARKER, InstructionFetch.FIXUP})
NEEDS_EMU = frozenset({I.DATA_STORAGE, I.PROGRAM, I.DTLB_MISS, I.HV_PRIV, I.LRAT_ERROR})
"""Exits at which the assembly makes last_inst bad, or reads the instruction itself."""
LOADED = frozenset({I.DATA_STORAGE, I.DTLB_MISS, I.HV_PRIV})
"""Exits at which 6.1's kvmppc_handle_exit reads it, whoever debugs the guest."""


def needed(v: Vcpu, number: int) -> bool:
    """Whether this exit reads the instruction."""
    if v.vm.instruction_fetch is InstructionFetch.WALK:
        breakpoints = number == I.PROGRAM and v.guest_debug & codes.GUESTDBG_USE_SW_BP
        return number in LOADED or bool(breakpoints)
    return number in NEEDS_EMU


def load(v: Vcpu, number: int, pc: int, msr: int) -> None:
    """Read the instruction at ``pc``; where that fails, ``v.fetch_fault`` is the interrupt that the read meets."""
    v.last_inst, v.fetch_fault = INST_FETCH_FAILED, 0
    if not needed(v, number):
        return
    context = Context(bool(msr & MSR_PR), msr >> 5 & 1, (v.reg[_PID],), True, v.vm.host.lpid)
    access = Access.FETCH if v.vm.instruction_fetch is InstructionFetch.WALK else Access.LOAD
    try:
        place = v.core.mmu.translate(pc & 0xFFFFFFFC, access, context).address
    except GuestInterrupt as fault:
        v.fetch_fault = fault.vector
        return
    v.last_inst = int.from_bytes(v.core.bus.ram[place : place + 4], "big")


def overwrites(v: Vcpu) -> bool:
    """Whether a fault of the host's own load leaves its ESR and DEAR where KVM then looks for the guest's."""
    return v.vm.instruction_fetch in RECOVERS and v.quirks.fetch_before_dear


def failed(v: Vcpu, handler: Callable[[Vcpu], int]) -> int:
    """The instruction could not be read. Gives the resume code; KernelBug where the host does not survive."""
    how = v.vm.instruction_fetch
    if how is InstructionFetch.WALK:
        if v.fetch_fault == I.INST_STORAGE:
            line = f"{PRINTER}: Instruction emulation from guest address {v.pc:08x} without execute permission"
            v.host_log.limited(v.core.now, PRINTER, ((printk.ERR, line),))
        v.actions.append((FETCH, v.fetch_fault, "the guest will try again"))
        return codes.RESUME_GUEST
    if how is InstructionFetch.LWEPX:
        v.actions.append((FETCH, v.fetch_fault, "the host oopses"))
        v.host_log.print(v.core.now, printk.ALERT, f"BUG: Unable to handle kernel data access on read at 0x{v.pc:08x}")
        v.host_log.print(v.core.now, printk.WARNING, "Oops: Kernel access of bad area, sig: 11 [#1]")
        raise KernelBug(
            f"the host oopses: its lwepx of the guest's instruction at {v.pc:#x} takes {I.VECTORS[v.fetch_fault].name}"
            f" with ESR {ESR_EPID:08x}, of which its handler knows nothing"
        )
    told = "the marker skips the load" if how is InstructionFetch.MARKER else "the exception table skips the load"
    v.actions.append((FETCH, v.fetch_fault, told))
    return handler(v)
