"""Which SPRs KVM leaves to userspace: KVM_EXIT_SPR as proposed in 2012, its three takeovers, and its alternative.

The thread asks what happens when a later kernel begins to emulate an SPR that userspace emulated before, and answers by
cases: (a) the SPR belongs to a device, and goes where the device is; (b) some bits change what the vcpu does: they stay
in the kernel, the rest is passed on; (c) the SPR got hot: a capability has to be enabled first (facts 3.4.1). Its two
examples are DBCR0, whose RST resets the machine, and EPR, whose read acknowledges an interrupt.

Choices where the thread is silent: in case (b) the kernel's bits stand whatever userspace answers, and an exit is made
for a write that has other bits set; reads are the kernel's. What userspace knows moves with case (c) by SET_ONE_REG.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from ppcdbg.cpu.msr import DBCR0_RST
from ppcdbg.kvm import codes
from ppcdbg.kvm.payloads import EVENT_RESET, SprExit, SystemEventExit

if TYPE_CHECKING:
    from ppcdbg.kvm.vcpu import Vcpu
    from ppcdbg.kvm.vm import Vm

DBCR0, EPR = 308, 702
DBCR0_KEPT = 0x4DFF0000  # IDM IC BT TIE IAC1-4 DAC1R/W DAC2R/W: RST is dropped


class SprExits(Enum):
    """What KVM does about DBCR0, EPR and the SPRs that userspace knows; ``Vm.unknown_spr`` is for all the others."""

    OFF = "off"  # 6.1: KVM's own, DBCR0[RST] is dropped, EPR is KVM_EXIT_EPR or the in-kernel MPIC's
    ALL = "all"  # as posted: whatever the kernel has no device or use for is userspace's, DBCR0 and EPR whole
    DEVICE = "device"  # (a): EPR is where the MPIC is
    SPLIT = "split"  # (a) and (b): KVM keeps DBCR0's debug bits
    TAKEN = "taken"  # a later kernel emulates what was userspace's, and nobody asked: the surprise
    OPT_IN = "opt-in"  # (c): it could, and is not asked
    OPTED_IN = "opted-in"  # (c): the capability is enabled
    RESET = "reset"  # the alternative: an exit of its own for each need, KVM_EXIT_RESET here, KVM_EXIT_EPR there
    SYSTEM_EVENT = "system-event"  # the same by the exit that was merged since, KVM_EXIT_SYSTEM_EVENT


_WHOLE_DBCR0 = frozenset({SprExits.ALL, SprExits.DEVICE})
_SPLIT = frozenset({SprExits.SPLIT, SprExits.TAKEN, SprExits.OPT_IN, SprExits.OPTED_IN})
_ALTERNATIVES = frozenset({SprExits.RESET, SprExits.SYSTEM_EVENT})


def userspaces(vm: Vm, sprn: int) -> bool:
    """Whether all of an SPR that this KVM could emulate is left to userspace."""
    how = vm.spr_exits
    if sprn == DBCR0:
        return how in _WHOLE_DBCR0
    if sprn == EPR:
        return how is SprExits.ALL or how in (SprExits.DEVICE, *_SPLIT) and vm.mpic_in_kernel is None
    return False


def takes_over(vm: Vm) -> bool:
    """Whether KVM emulates the SPRs itself that userspace has."""
    return vm.spr_exits in (SprExits.TAKEN, SprExits.OPTED_IN)


def taken(vm: Vm) -> dict[int, int]:
    """Those SPRs as KVM begins with them: what userspace handed over, or what they are out of reset."""
    if not takes_over(vm):
        return {}
    return {sprn: value if vm.spr_exits is SprExits.OPTED_IN else 0 for sprn, value in vm.user_sprs}


def leave(v: Vcpu, sprn: int, data: int, *, write: bool) -> None:
    """KVM_EXIT_SPR: fill in struct kvm_run; the next KVM_RUN completes it."""
    v.run.spr = SprExit(sprn, data, v.shared.msr, write)
    v.run.exit_reason = codes.KVM_EXIT_SPR
    v.spr_needed = True


def rest_of_dbcr0(v: Vcpu, value: int) -> int:
    """KVM has taken its bits of a write to DBCR0; what becomes of the others, as an EMULATE_* result."""
    how = v.vm.spr_exits
    rest = value & ~DBCR0_KEPT & 0xFFFFFFFF
    if how in _SPLIT and rest:
        leave(v, DBCR0, rest, write=True)
        return codes.EMULATE_EXIT_USER | codes.NO_ADVANCE
    if how in _ALTERNATIVES and rest & DBCR0_RST:
        v.run.exit_reason = codes.KVM_EXIT_RESET
        if how is SprExits.SYSTEM_EVENT:
            v.run.exit_reason = codes.KVM_EXIT_SYSTEM_EVENT
            v.run.system_event = SystemEventExit(type=EVENT_RESET)
        return codes.EMULATE_EXIT_USER | codes.ADVANCE
    return codes.EMULATE_DONE
