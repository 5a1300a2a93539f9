"""The ePAPR boot convention of ppce500: where things go in RAM, and the core's state at the first instruction.

The placement and the initial TLB1 entry are QEMU's, to the byte, so that consoles can be compared (facts 11). The
result is data, which is applied to a core. Source: ePAPR 1.1, 5.4; QEMU hw/ppc/e500.c.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ppcdbg.machine.devicetree import SPACE

if TYPE_CHECKING:
    from ppcdbg.cpu.core import Core

EPAPR_MAGIC = 0x45504150  # r6 on a Book III-E client
STACK = 0x00FFFFF8
DTB_PAD, DTB_ALIGN = 0x1800000, 0x100000
INITRD_PAD, INITRD_ALIGN = 0x2000000, 0x1000000
BLOBS_FROM = 0x2000000  # a boot loader has the first 32 MiB
MAS1_VALID = 0x80000000
MAS1_TSIZE_SHIFT = 7
MAS3_ALL = 0x3F  # UX SX UW SW UR SR


def dtb_place(image_end: int) -> int:
    """The real address of the device tree: in reach of the kernel's first 64 MiB."""
    return (image_end + DTB_PAD) & ~(DTB_ALIGN - 1)


def initrd_place(image_end: int) -> int:
    """The real address of the initrd."""
    return (max(image_end, BLOBS_FROM) + INITRD_PAD) & ~(INITRD_ALIGN - 1)


@dataclass(frozen=True, slots=True)
class TlbEntry:
    """One TLB entry as the MAS registers hold it."""

    mas1: int
    mas2: int
    mas3: int
    mas7: int
    mas8: int


@dataclass(frozen=True)
class BootState:
    """The core before its first instruction: ``gprs`` by number (all others are zero), ``pc``, ``msr``, TLB1[0]."""

    pc: int
    msr: int
    gprs: tuple[tuple[int, int], ...]
    tlb1: TlbEntry


def boot_core(core: Core, state: BootState) -> None:
    """Put a core into the state of its first instruction."""
    for number, value in state.gprs:
        core.state.gpr[number] = value
    e = state.tlb1
    core.tlb.write(512, e.mas1, e.mas2, e.mas3, e.mas7, e.mas8)
    core.set_msr(state.msr)
    core.state.pc = state.pc


SPIN_MAP = 64 << 20
"""Bytes that the first TLB1 entry of a core that leaves the spin table maps (QEMU hw/ppc/ppce500_spin.c)."""
_SPIN_TSIZE, _MAS2_M = 16, 4


def released_state(address: int, r3: int) -> BootState:
    """The state of a core that leaves the spin table for a real address: effective 0 is the 64 MiB around it."""
    start = address & -SPIN_MAP
    gprs = ((3, r3 & 0xFFFFFFFF), (4, 0), (5, 0), (6, 0), (7, SPIN_MAP), (8, 0), (9, 0))
    mas3 = start & 0xFFFFFFFF | MAS3_ALL
    mapping = TlbEntry(MAS1_VALID | _SPIN_TSIZE << MAS1_TSIZE_SHIFT, _MAS2_M, mas3, start >> 32, 0)
    return BootState(address & SPIN_MAP - 1, 0, gprs, mapping)


def boot_state(entry: int, dtb: int | None) -> BootState:
    """The state for a real entry address and the device tree's address (None: no tree was loaded).

    TLB1[0] maps effective 0 to real 0 with the smallest power of 4 KiB pages that strictly covers the tree, or the
    entry's page where there is no tree; r7 tells its size.
    """
    end = entry + 0x1000 if dtb is None else max(dtb + SPACE, entry + 0x1000)
    tsize = (end >> 10).bit_length()
    tsize += tsize & 1
    gprs = (
        (1, STACK),
        (3, dtb or 0),
        (4, 0),
        (5, 0),
        (6, EPAPR_MAGIC),
        (7, 1024 << tsize & 0xFFFFFFFF),
        (8, 0),
        (9, 0),
    )
    mapping = TlbEntry(MAS1_VALID | tsize << MAS1_TSIZE_SHIFT, 0, MAS3_ALL, 0, 0)
    return BootState(entry, 0, gprs, mapping)
