"""What userspace can ask KVM about itself: KVM_CHECK_EXTENSION and KVM_PPC_GET_PVINFO (kvm/powerpc.c; facts 12).

"HV" in the kernel's code means book3s_hv there; both builds of Book E count as not that. The numbers are
include/uapi/linux/kvm.h's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

CAPABILITIES: Mapping[int, str] = {
    9: "NR_VCPUS", 16: "SYNC_MMU", 23: "SET_GUEST_DEBUG", 36: "IOEVENTFD", 48: "PPC_PAIRED_SINGLES", 52: "PPC_OSI",
    53: "PPC_UNSET_IRQ", 54: "ENABLE_CAP", 57: "PPC_GET_PVINFO", 58: "PPC_IRQ_LEVEL", 62: "PPC_BOOKE_SREGS",
    66: "MAX_VCPUS", 69: "SW_TLB", 70: "ONE_REG", 83: "PPC_BOOKE_WATCHDOG", 86: "PPC_EPR", 89: "DEVICE_CTRL",
    90: "IRQ_MPIC", 136: "IMMEDIATE_EXIT", 176: "PPC_GUEST_DEBUG_SSTEP",
}  # fmt: skip
"""Those of Book E that are there, less KVM_CAP_; each answers 1, MAX_VCPUS and NR_VCPUS on a host of one processor."""
EV_IDLE = 1  # KVM_PPC_PVINFO_FLAGS_EV_IDLE
HCALL_PR = (0x3C004B56, 0x60004D21, 0x44000002, 0x60000000)  # lis, ori r0 = "KVM!"; sc; nop
HCALL_HV = (0x44000022, 0x60000000, 0x60000000, 0x60000000)  # sc 1


@dataclass(frozen=True)
class PvInfo:
    """struct kvm_ppc_pvinfo: the instructions of a hypercall, and whether EV_IDLE is one."""

    flags: int
    hcall: tuple[int, int, int, int]


def check_extension(capability: int) -> int:
    """KVM_CHECK_EXTENSION on a VM; 0 for what is unknown."""
    return int(capability in CAPABILITIES)


def pvinfo(hv: bool) -> PvInfo:
    """KVM_PPC_GET_PVINFO, which always succeeds."""
    return PvInfo(EV_IDLE, HCALL_HV if hv else HCALL_PR)
