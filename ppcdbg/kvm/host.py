"""The host that the modelled kernel runs on: everything about it that a guest or a trace can notice, as constants.

The defaults are the oracle's host, QEMU 7.2's e500v2 with 256 MiB and 4 KiB pages behind the guest. Costs are model
time in time-base ticks, rounded from the exit timing of that host; they are booked, never waited for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum


class Backing(Enum):
    """What host memory stands behind guest memory; it decides how large shadow entries can be (facts 5.3)."""

    ANON = "anon"  # 4 KiB pages
    HUGE = "huge"  # hugetlb pages of HostModel.huge_page bytes
    DEVMEM = "devmem"  # one VM_PFNMAP mapping, cache-inhibited


@dataclass(frozen=True)
class Costs:
    """Ticks that each part of handling an exit takes."""

    world_switch: int = 800
    emulate: int = 160
    map: int = 620
    queue: int = 120
    deliver: int = 100
    userspace: int = 1450
    print: int = 12000
    """a line of the kernel's log, on a serial console"""


@dataclass(frozen=True)
class HostModel:
    """Constants of one host. ``tlbcam_index``: TLB1 entries that its kernel pins, from ESEL 0 up."""

    tlb0_entries: int = 512
    tlb0_ways: int = 4
    tlb1_entries: int = 16
    tlbcam_index: int = 1
    backing: Backing = Backing.ANON
    huge_page: int = 4 << 20
    wimg: int = 0  # MAS2 bits of the host's page-table entry; a UP host leaves M clear
    hz: int = 250
    periodic_tick: bool = False
    """Whether the host's own timer leaves a running guest ``hz`` times a second; a lost interrupt then waits for it"""
    busy: bool = False
    """Whether the clock goes on while the host handles an exit, by what that costs; else exits take no time"""
    mmucfg: int = 0
    tlb0cfg: int = 0x04110200
    tlb1cfg: int = 0x101CC010
    pvr: int = 0x80210030
    svr: int = 0
    lpid: int = 1
    costs: Costs = Costs()

    @property
    def shadow_slots(self) -> int:
        """Host TLB1 entries that shadow entries may use: one is kept for the magic page."""
        return self.tlb1_entries - self.tlbcam_index - 1


E500V2_HOST = HostModel()
E500MC_HOST = HostModel(tlb1_entries=64, tlbcam_index=3, wimg=4, mmucfg=0x064809C4, tlb1cfg=0x401BC040, pvr=0x80230020)
HOSTS: dict[str, HostModel] = {"e500v2": E500V2_HOST, "e500mc": E500MC_HOST}
_DEVMEM_WIMG = 0xA  # /dev/mem maps what is not the kernel's RAM with I and G


def backed(host: HostModel, backing: str) -> HostModel:
    """A host with other memory behind its guests, by ``Backing``'s words. With memory held back from the kernel
    (``mem=``) for one mapping, the kernel's own takes one more entry of TLB1."""
    kind = Backing(backing)
    if kind is not Backing.DEVMEM:
        return replace(host, backing=kind)
    return replace(host, backing=kind, wimg=_DEVMEM_WIMG, tlbcam_index=host.tlbcam_index + 1)
