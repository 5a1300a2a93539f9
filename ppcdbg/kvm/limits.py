"""What the model of KVM leaves out or cannot say: data for ``ppcdbg info limits``, nothing that acts.

What looks wrong in 6.1 and is modelled is :mod:`ppcdbg.kvm.quirks`'s; here is where a run here and one of the real
kernel may part.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """``part`` of the model, what it ``leaves out``, and what is there ``instead``."""

    part: str
    leaves_out: str
    instead: str


LIMITS: tuple[Limit, ...] = (
    Limit("time", "how long the host takes for an exit",
          "exits take no time; in `conform` they take what was measured of that host (HostModel.costs)"),
    Limit("time", "the host's timers and interrupts that are not the guest's (exits EXTERNAL and DECREMENTER)",
          "those that a timer, a device or an injection of the guest's makes; `conform` leaves both out"),
    Limit("time", "preemption, halt polling, steal time", "kvm_vcpu_wakeup alone"),
    Limit("host TLB", "the host's own entries in TLB0, which push shadow entries out",
          "shadow entries push out one another; `conform` leaves the extra misses out and counts them"),
    Limit("host memory", "MMU notifiers, swapping, dirty logging, changes of memory slots",
          "one slot that stays; --backing says what is behind it"),
    Limit("vcpus", "other guests on the core, migration between cores; a second vcpu, but for `race --vcpus`",
          "one vcpu on one core, whose shadow ids nobody else uses"),
    Limit("host registers", "SPRG3, HID0 and others of the host's that a guest in PR mode can read for itself",
          "zero, or what the core has out of reset"),
    Limit("ONE_REG", "VRSAVE, AltiVec and e6500 registers", "those of e500v2 and e500mc"),
    Limit("ioctls", "KVM_SET_SREGS, KVM_TRANSLATE, KVM_GET_PVINFO, IRQFD, coalesced MMIO",
          "KVM_RUN, KVM_INTERRUPT, KVM_SET_GUEST_DEBUG, KVM_ENABLE_CAP, SW_TLB, ONE_REG by their effects"),
    Limit("userspace exits", "nothing that Linux 6.1 makes on Book E; OSI, PAPR_HCALL and HLT never come there"
          " (info userspace-exits)",
          "KVM_EXIT_SPR, RESET and EPAPR_HCALL are there as they were proposed"),
    Limit("440", "all of that core but mfdcr and mtdcr: its MMU and its SPRs; the DCRs of CPR0, which KVM itself used",
          "--dcr on adds them to an e500v2, and every number goes to userspace"),
    Limit("in-kernel MPIC", "FSL_MPIC_20, MSI routing, more than one CPU", "FSL_MPIC_42 at the board's address"),
    Limit("hypervisor hosts", "e6500: LRAT, threads, 40-bit real addresses", "e500mc, 32-bit guests"),
    Limit("host's faults", "machine checks of the hardware by themselves, other MCSR bits than those injected, MCAR",
          "`inject HARDWARE_MACHINE_CHECK`, an MCP"),
    Limit("host's faults", "what the host's TLB handler does for an lwepx that misses (--instruction-fetch lwepx-...)",
          "the same as where it may not read: oops or remedy; no page is evicted meanwhile"),
    Limit("scheduling", "other tasks, but for their time and what a vcpu_put takes from the guest (SPE)",
          "`inject RESCHED` has one run for a jiffy at the reschedule point; nobody comes by himself"),
    Limit("errors", "what happens when host memory runs out or a page cannot be found", "it is always there"),
    Limit("debug facilities", "an external debugger (DBCR0[EDM], which no software can set); under KVM unconditional"
          " events, which are the host's",
          "`inject UDE` on the bare machine; KVM drops DBCR0[FT] of a guest's; real addresses are not compared, as by"
          " silicon"),
    Limit("QEMU's core", "encodings with reserved bits set, which QEMU takes for illegal",
          "they are ignored, as by silicon"),
    Limit("QEMU's core", "SPE floating point on denormals, which QEMU does as IEEE", "they count as zero"),
    Limit("QEMU's core", "values that silicon does not have: SPRs that QEMU alone defines", "silicon's"),
)  # fmt: skip
