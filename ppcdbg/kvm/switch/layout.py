"""Where everything of the small host lies: pages, structures, and the names that its programs use for them.

The host is what Linux is on these cores, as far as a world switch can see it: vectors at IVPR, a per-CPU block that
SPRG3 points at, memory pinned by TLB1 (lowmem) and memory whose translations come and go (vmalloc, ioremap).
Structures are of our own layout, but the shared page, which is KVM's.
"""

from __future__ import annotations

from ppcdbg.cpu.msr import MSR_CE, MSR_DE, MSR_DS, MSR_EE, MSR_GS, MSR_IS, MSR_ME, MSR_PR, MSR_RI
from ppcdbg.kvm import magic_page as mp

RAM = 0x40000
LOWMEM = 0xC0000000  # PAGE_OFFSET: real address 0, pinned
VMALLOC = 0xC1000000  # the same pages once more, by entries of TLB0
IO = 0xF003F000  # the device's page, ioremapped
DEVICE = 0xFE0040000  # real address of the device

VECTORS = LOWMEM  # IVPR of the host
KVM_VECTORS = LOWMEM + 0x10000  # IVPR while a guest runs, where IVPR is rewritten
TEXT = 0x4000  # offsets into RAM from here on: handlers of the host
SWITCH = 0xC000  # the switch itself
CPU = 0x20000  # the per-CPU block
PAGE_TABLE = 0x21000
VCPU = 0x22000
SHARED = 0x23000
STACK = 0x24000
GUEST_TEXT = 0x30000
GUEST_DATA = 0x31000
OTHER_DATA = 0x32000  # what another vcpu of the guest has at the same address
GUEST_EA, GUEST_DATA_EA = 0x00010000, 0x00011000  # as the guest has them mapped

HOST_MSR = MSR_CE | MSR_ME | MSR_RI  # MSR_KERNEL, with MSR[EE] off as the switch runs; e500v2 has no RI
GUEST_MSR = MSR_GS | MSR_CE | MSR_EE | MSR_ME | MSR_DE | MSR_RI
SHADOW_MSR = MSR_CE | MSR_EE | MSR_PR | MSR_ME | MSR_DE | MSR_IS | MSR_DS  # PR mode, while userspace debugs the guest
SHADOW_PID, SHADOW_PID1 = 7, 8
HOST_PID, GUEST_PID, LPID = 3, 5, 1
HOST_R2, HOST_MAS4 = 0xC0029000, 0x00000100  # MAS4: TSIZED = 4 KiB
EPCR_VCPU = 0x14800000  # shadow_epcr: DSIGS DUVD DGTMI (facts 1.4)
MSRP_VCPU = 0x04000004  # UCLEP PMMP

VECTOR_NUMBERS = (*range(16), *range(32, 42))


def ivor(number: int) -> int:
    """Offset of a vector: 0x100 bytes each."""
    return 0x100 * (number if number < 16 else number - 16)


# The per-CPU block. SAVE is the base class's, by its nature not reentrant; each level has one of its own.
SAVE, MISS_SAVE, EXIT_SAVE = 0x000, 0x040, 0x080
LEVEL_SAVE = {"SRR": 0x100, "CSRR": 0x180, "DSRR": 0x200, "MCSRR": 0x280}
HANDLED, EXITS, EXIT_COUNT, CURRENT, LAST_VCPU, RESCHEDULE = 0x400, 0x600, 0x5F0, 0x5F4, 0x5F8, 0x5FC
EXIT_ROOM = 32

_CPU = {"SAVE": SAVE, "MISS_SAVE": MISS_SAVE, "EXIT_SAVE": EXIT_SAVE, "HANDLED": HANDLED, "EXITS": EXITS,
        "EXIT_COUNT": EXIT_COUNT, "CURRENT": CURRENT, "LAST_VCPU": LAST_VCPU, "RESCHEDULE": RESCHEDULE}  # fmt: skip
_VCPU = ("CR", "LR", "CTR", "XER", "PC", "GUEST_PID", "HOST_PID", "HOST_STACK", "HOST_MAS4", "HOST_MAS6", "SHARED",
         "VRSAVE", "SPRG9", "LAST_INST", "FAULT_ESR", "FAULT_DEAR", "LPID", "EPCR", "GPIR", "MSRP", "EPC", "GIVPR",
         "GIVOR2", "GIVOR8", "GEPR", "SHADOW_PID", "SHADOW_PID1", "SHADOW_MSR",
         "OLDPIR")  # fmt: skip
VCPU_FIELDS: dict[str, int] = {
    **{f"R{n}": 4 * n for n in range(32)},
    **{name: 0x80 + 4 * n for n, name in enumerate(_VCPU)},
}
"""Offsets in the vcpu, by name."""
SHARED_FIELDS: dict[str, int] = {
    "MSR": mp.MSR + 4, "MAS0": mp.MAS0, "MAS1": mp.MAS1, "MAS2": mp.MAS2 + 4, "MAS3": mp.MAS7_3 + 4,
    "MAS7": mp.MAS7_3, "MAS4": mp.MAS4, "MAS6": mp.MAS6, "SPRG4": mp.SPRG4 + 4, "SPRG5": mp.SPRG5 + 4,
    "SPRG6": mp.SPRG6 + 4, "SPRG7": mp.SPRG7 + 4, "SPRG0": mp.SPRG0 + 4, "SPRG1": mp.SPRG1 + 4,
    "SPRG2": mp.SPRG2 + 4, "SPRG3": mp.SPRG3 + 4, "SRR0": mp.SRR0 + 4, "SRR1": mp.SRR1 + 4, "DAR": mp.DAR + 4,
    "ESR": mp.ESR,
}  # fmt: skip
"""Offsets in the shared page: a 64-bit field's low word."""
HOST_R2_SLOT, FRAME = 8, 64

NAMES: dict[str, int] = {
    **_CPU,
    **{f"V_{name}": offset for name, offset in VCPU_FIELDS.items()},
    **{f"S_{name}": offset for name, offset in SHARED_FIELDS.items()},
    "HOST_R2_SLOT": HOST_R2_SLOT, "IO": IO, "PAGE_TABLE": LOWMEM + PAGE_TABLE, "CPU": LOWMEM + CPU,
    "VECTORS": VECTORS, "KVM_VECTORS": KVM_VECTORS, "VMALLOC": VMALLOC, "LOWMEM": LOWMEM,
}  # fmt: skip
