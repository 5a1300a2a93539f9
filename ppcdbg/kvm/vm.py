"""One virtual machine: its memory, its host, its policies. Vcpus hang on it.

Memory layout: guest-physical address g is real address g, for all of the guest's RAM. The host's own pages, of which
the guest can see one (the shared page), lie in real memory behind it, from ``memory_size`` on; the guest's memory slot
ends where its RAM ends, so they are not guest-physical addresses.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from ppcdbg.kvm.fetch import InstructionFetch
from ppcdbg.kvm.host import HostModel
from ppcdbg.kvm.quirks import Quirks
from ppcdbg.kvm.spr_exits import SprExits
from ppcdbg.machine.memory import Ram

if TYPE_CHECKING:
    from ppcdbg.kvm.vcpu import Vcpu

HOST_PAGES = 64 << 10
"""Bytes of real memory behind the guest's RAM that are the host's."""


class FailurePolicy(Enum):
    """What happens when an instruction cannot be emulated (facts 3.3)."""

    EXIT = "exit"  # userspace sees UNKNOWN, the guest nothing: booke as first merged
    INJECT = "inject"  # the guest gets Program (PIL), userspace nothing
    BOTH = "both"  # 6.1


class UnknownSpr(Enum):
    """What happens when the guest uses an SPR that KVM does not know."""

    FAIL = "fail"  # emulation fails: 6.1
    IGNORE = "ignore"  # writes do nothing, reads give 0
    EXIT = "exit"  # KVM_EXIT_SPR as proposed (facts 3.4.1)


@dataclass
class Vm:
    """``memory_size``: bytes of guest RAM. ``mpic_in_kernel``: (guest-physical address, size) of an in-kernel MPIC."""

    memory_size: int
    hv: bool
    host: HostModel
    quirks: Quirks = field(default_factory=Quirks)
    on_failure: FailurePolicy = FailurePolicy.BOTH
    unknown_spr: UnknownSpr = UnknownSpr.FAIL
    instruction_fetch: InstructionFetch = InstructionFetch.WALK
    """HV: how the host reads the instruction that a guest left by."""
    magic_page: bool = True
    pv_2010: bool = False
    """The interface as first posted: it is known by what mfpvr leaves alone, and its page ends at int_pending."""
    deferral: str = "stock"
    """The policy of :mod:`ppcdbg.kvm.deferral`."""
    rewrites: bool = False
    """It rewrites the guest's instructions itself (:mod:`ppcdbg.kvm.rewriting`)."""
    mpic_in_kernel: tuple[int, int] | None = None
    spr_exits: SprExits = SprExits.OFF
    user_sprs: tuple[tuple[int, int], ...] = ()
    """SPRs that KVM does not know and userspace does, as plain storage: number, and value out of reset."""
    dcr: bool = False
    """The guest is on a 440-style core: mfdcr and mtdcr are userspace's."""
    hcall_exits: bool = False
    """Hypercalls that KVM does not know are userspace's (KVM_EXIT_EPAPR_HCALL)."""
    vcpus: list[Vcpu] = field(default_factory=list, compare=False, repr=False)
    """In the order of their numbers."""

    def visible(self, gpa: int) -> bool:
        """kvm_is_visible_gfn: a memory slot covers the page."""
        return gpa < self.memory_size


class RamWindow(Ram):
    """The first ``size`` bytes of real memory: what a loader of guest images may see and fill."""

    def __init__(self, ram: Ram, size: int) -> None:
        self.size = size
        self.view = ram.view[:size]
        self.loaded = ram.loaded
