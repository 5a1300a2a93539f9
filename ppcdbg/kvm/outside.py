"""What somebody outside changes of a guest that stands still: its registers, as it has them itself, and its TLB.

The run loop does it when the input queue says so (:mod:`ppcdbg.kvm.run`), and enters the guest again afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.isa.sprs import BY_NAME, Access
from ppcdbg.kvm.emulate_sprs import writers
from ppcdbg.kvm.one_reg import dirty_tlb
from ppcdbg.kvm.spr_exits import DBCR0, DBCR0_KEPT

if TYPE_CHECKING:
    from ppcdbg.kvm.vcpu import Vcpu
    from ppcdbg.machine.input import TlbWrite


def look_up(v: Vcpu) -> None:
    """Fill in what the hardware holds while the guest runs."""
    v.pc = v.core.state.pc
    if v.hv:  # the guest changes the real MSR itself
        v.shared.msr = v.core.msr


def set_register(v: Vcpu, name: str, value: int) -> None:
    """A register by its architected name; KeyError for one that cannot be set."""
    try:
        v.set_register(name, value)
    except KeyError:
        _write_as_guest(v, name.upper(), value & 0xFFFFFFFF)


def _write_as_guest(v: Vcpu, name: str, value: int) -> None:
    """An SPR as the guest's own mtspr would: what KVM emulates, or what the hardware lets it have in HV mode."""
    spr = BY_NAME[name]
    writer = writers(v).get(spr.number)
    if spr.number == DBCR0:
        value &= DBCR0_KEPT  # what KVM passes on it passes on for the guest alone
    if writer is not None:
        if writer(value):
            raise KeyError(name)
    elif spr.write is Access.USER or v.hv and spr.write is Access.SUPERVISOR:
        v.core.write_spr(name, value)
    else:
        raise KeyError(name)


def set_tlb(v: Vcpu, entry: TlbWrite) -> None:
    """An entry of the guest's TLB as userspace sets one: in the arrays that it shares with KVM, and then KVM_DIRTY_TLB,
    by which every shadow entry goes (e500_mmu.c)."""
    tlbsel = entry.tlbsel & 1
    v.gtlb.put(tlbsel, entry.esel % v.gtlb.entries[tlbsel], entry.mas1, entry.mas2, entry.mas7 << 32 | entry.mas3)
    dirty_tlb(v)
