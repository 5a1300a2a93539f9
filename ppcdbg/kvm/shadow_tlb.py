"""Shadow entries: what KVM puts into the real TLB for entries of the guest's, and how it takes them away again.

Follows e500_mmu_host.c and the tlbil functions of e500.c and e500mc.c (facts 5.2..5.4). Guest-physical memory is real
memory at the same addresses (see :mod:`ppcdbg.kvm.vm`), so a page frame number serves as both.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from ppcdbg.cpu.plain import Saved, attributes, numbers, put_attributes
from ppcdbg.kvm import words as W
from ppcdbg.kvm.e500_mmu import (
    MAS1_TS,
    MAS1_TSIZE_MASK,
    MAS1_VALID,
    MAS2_ATTRIB_MASK,
    MAS2_EPN,
    MAS3_ATTRIB_MASK,
    MAS3_SUPER_PERM,
    MAS3_USER_PERM,
    TSIZE_4K,
    GuestTlb,
)
from ppcdbg.kvm.host import Backing
from ppcdbg.kvm.host_tlb import HostTlb
from ppcdbg.kvm.shadow_ids import ShadowIds
from ppcdbg.kvm.words import address, table

if TYPE_CHECKING:
    from ppcdbg.kvm.vcpu import Vcpu

REF_VALID, REF_BITMAP, REF_TLB0 = 0x80000000, 0x40000000, 0x20000000
REF_MAS2 = 0x7F
MAS8_TGS = 0x80000000
MAS2_M = 4
_LISTS, _COUNTS = ("pfn", "flags", "g2h", "h2g"), ("nv1", "evictions")
MAGIC_PERMISSIONS = 0x0F  # SW SR UW UR: no execute
MAGIC_READ_ONLY = 0x07  # without UW: the guest runs at real PR=1


def shadow_permissions(mas3: int, user: bool) -> int:
    """PR mode: attribute bits of a shadow MAS3. The guest runs at real PR=1, so its supervisor rights become user
    rights; the host's own access is always allowed (e500_shadow_mas3_attrib)."""
    mas3 &= MAS3_ATTRIB_MASK
    if not user:
        mas3 &= ~MAS3_USER_PERM
        mas3 |= (mas3 & MAS3_SUPER_PERM) << 1
    return mas3 | MAS3_SUPER_PERM


class ShadowTlb:
    """References from guest entries to host entries, and the operations on both."""

    def __init__(self, vcpu: Vcpu, guest: GuestTlb, hosttlb: HostTlb, ids: ShadowIds | None) -> None:
        self.vcpu = vcpu
        self.guest = guest
        self.host = hosttlb
        self.ids = ids
        self.words = words = vcpu.words
        self.pfn, self.flags = table(len(guest.mas1)), table(len(guest.mas1))
        words[W.PFNS], words[W.REFERENCES] = address(self.pfn), address(self.flags)
        self.g2h = [0] * guest.entries[1]
        self.h2g = [0] * hosttlb.host.tlb1_entries
        self.nv1 = 0
        words[W.FILLS] = words[W.SPLITS] = 0
        self.evictions = 0

    @property
    def fills(self) -> int:
        """Shadow entries that were made."""
        return self.words[W.FILLS]

    @property
    def splits(self) -> int:
        """Those of 4 KiB that were made for a larger guest entry."""
        return self.words[W.SPLITS]

    def save(self) -> Saved:
        """See ``plain.Saves``."""
        lists = {name: [*getattr(self, name)] for name in _LISTS}
        return {**lists, **attributes(self, _COUNTS)}

    def restore(self, state: Saved) -> None:
        """See ``plain.Saves``."""
        for name in _LISTS:
            held = getattr(self, name)
            values = numbers(state[name])
            held[:] = array(held.typecode, values) if isinstance(held, array) else values
        put_attributes(self, _COUNTS, state)

    # --- making entries ---------------------------------------------------------------------------
    def map(self, ea: int, gpa: int, tlbsel: int, esel: int) -> int:
        """kvmppc_mmu_map: shadow the page at ``ea`` through a guest entry. Returns the size that was mapped."""
        guest, i = self.guest, self.guest.offset[tlbsel] + esel
        if tlbsel == 0:
            page = ea & MAS2_EPN
            if not self.flags[i] & REF_VALID:
                page = guest.mas2[i] & MAS2_EPN
                self._reference(i, guest.mas7_3[i] >> 12, self.vcpu.vm.host.wimg)
            self._write0(i, (0, esel), page)
            return 4096
        tsize, pfn, page = self._extent(i, ea, gpa >> 12)
        self._reference(i, pfn, self.vcpu.vm.host.wimg)
        if tsize == TSIZE_4K:
            self.flags[i] |= REF_TLB0
            if guest.mas1[i] & MAS1_TSIZE_MASK != TSIZE_4K << 7:
                self.words[W.SPLITS] += 1
            self._write0(i, (1, esel), page)
        else:
            self._write1(i, esel, tsize, page, self._slot(i, esel))
        return 1024 << tsize

    def _extent(self, i: int, ea: int, gfn: int) -> tuple[int, int, int]:
        """(tsize, first page frame, first EA) that one host entry can cover (kvmppc_e500_shadow_map)."""
        host, wanted = self.vcpu.vm.host, self.guest.mas1[i] >> 7 & 0x1F
        if host.backing is Backing.ANON:
            return TSIZE_4K, gfn, ea & MAS2_EPN
        if host.backing is Backing.HUGE:
            tsize = max(TSIZE_4K, min(host.huge_page.bit_length() - 1 - 10, wanted) & ~1)
        else:
            tsize = max(TSIZE_4K, wanted & ~1)
            end = self.vcpu.vm.memory_size >> 12
            while tsize > TSIZE_4K and (gfn & -(1 << tsize - 2)) + (1 << tsize - 2) > end:
                tsize -= 2
        pages = 1 << tsize - 2
        return tsize, gfn & -pages, ea & ~((pages << 12) - 1) & 0xFFFFFFFF

    def _reference(self, i: int, pfn: int, wimg: int) -> None:
        self.pfn[i] = pfn
        self.flags[i] = REF_VALID | self.guest.mas2[i] & MAS2_ATTRIB_MASK | wimg

    def _slot(self, i: int, esel: int) -> int:
        """Take the next host TLB1 slot, round robin; whoever had it loses it."""
        slot = self.nv1
        self.nv1 = slot + 1 if slot + 1 < self.vcpu.vm.host.shadow_slots else 0
        if self.h2g[slot]:
            self.g2h[self.h2g[slot] - 1] &= ~(1 << slot)
            self.evictions += 1
        self.flags[i] |= REF_BITMAP
        self.g2h[esel] |= 1 << slot
        self.h2g[slot] = esel + 1
        return slot

    def _entry(self, i: int, tsize: int, page: int) -> tuple[int, int, int, int]:
        """MAS1, MAS2, MAS7_3, MAS8 of a shadow entry; allocating a shadow id may move the hardware PIDs."""
        guest = self.guest
        mas1 = guest.mas1[i]
        mas2 = page | self.flags[i] & REF_MAS2
        if self.ids is None:
            perms, ts, tid = guest.mas7_3[i] & MAS3_ATTRIB_MASK, mas1 & MAS1_TS, mas1 >> 16 & 0xFF
            mas8 = MAS8_TGS | self.vcpu.vm.host.lpid
        else:
            user = self.vcpu.shared.msr >> 14 & 1
            perms, ts, mas8 = shadow_permissions(guest.mas7_3[i], bool(user)), MAS1_TS, 0
            tid = self.ids.get(mas1 >> 12 & 1, mas1 >> 16 & 0xFF, user)
        return MAS1_VALID | ts | tid << 16 | tsize << 7, mas2, self.pfn[i] << 12 | perms, mas8

    def _write0(self, i: int, parent: tuple[int, int], page: int) -> None:
        mas1, mas2, mas7_3, mas8 = self._entry(i, TSIZE_4K, page)
        mas0 = self.host.write0(mas1, mas2, mas7_3, mas8, parent)
        self._traced(mas0, mas8, mas1, mas2, mas7_3)

    def _write1(self, i: int, esel: int, tsize: int, page: int, slot: int) -> None:
        mas1, mas2, mas7_3, mas8 = self._entry(i, tsize, page)
        mas0 = self.host.write1(self.hardware_esel(slot), mas1, mas2, mas7_3, mas8, (1, esel))
        self._traced(mas0, mas8, mas1, mas2, mas7_3)

    def _traced(self, mas0: int, mas8: int, mas1: int, mas2: int, mas7_3: int) -> None:
        self.words[W.FILLS] += 1
        self.vcpu.cost += self.vcpu.vm.host.costs.map
        if self.vcpu.trace is not None:
            self.vcpu.trace("kvm_booke206_stlb_write", (mas0, mas8, mas1, mas2, mas7_3))

    def hardware_esel(self, slot: int) -> int:
        """Shadow slots count from the top of host TLB1 down."""
        return self.vcpu.vm.host.tlb1_entries - 1 - slot

    def map_magic(self, real: int, ea: int, space: int) -> None:
        """Map the shared page at ``ea`` with host TLB1's reserved entry (kvmppc_map_magic)."""
        assert self.ids is not None
        mas1 = MAS1_VALID | MAS1_TS | self.ids.get(space, 0, 0) << 16 | TSIZE_4K << 7
        mas2, mas7_3 = ea | MAS2_M, real | self.vcpu.deferral.permissions
        mas0 = self.host.write1(self.vcpu.vm.host.tlbcam_index, mas1, mas2, mas7_3, 0, None)
        self._traced(mas0, 0, mas1, mas2, mas7_3)

    def remap_magic(self, permissions: int) -> int:
        """Rewrite the magic page's entry with other rights. Returns how many entries were: 0 where it is not mapped."""
        index = self.vcpu.vm.host.tlbcam_index
        e = self.host.entry(self.host.tlb1_slot0 + index)
        if not e.mas1 & MAS1_VALID:
            return 0
        mas7_3 = e.mas7_3 & ~MAS3_ATTRIB_MASK | permissions
        mas0 = self.host.write1(index, e.mas1, e.mas2, mas7_3, 0, None)
        self._traced(mas0, 0, e.mas1, e.mas2, mas7_3)
        return 1

    def map_host_page(self, real: int, ea: int, permissions: int) -> None:
        """Map another page of the host's for a supervisor in address space 0, in host TLB0."""
        assert self.ids is not None
        mas1 = MAS1_VALID | MAS1_TS | self.ids.get(0, 0, 0) << 16 | TSIZE_4K << 7
        mas0 = self.host.write0(mas1, ea | MAS2_M, real | permissions, 0, None)
        self._traced(mas0, 0, mas1, ea | MAS2_M, real | permissions)

    # --- taking entries away ----------------------------------------------------------------------
    def invalidate(self, tlbsel: int, esel: int) -> None:
        """inval_gtlbe_on_host: drop what shadows one guest entry."""
        i = self.guest.offset[tlbsel] + esel
        if tlbsel == 1 and self.flags[i] & REF_BITMAP:
            for slot in range(self.vcpu.vm.host.shadow_slots):
                if self.g2h[esel] >> slot & 1:
                    self.host.kill(self.host.tlb1_slot0 + self.hardware_esel(slot))
                    self.h2g[slot] = 0
            self.g2h[esel] = 0
            self.flags[i] &= ~(REF_BITMAP | REF_VALID)
        if tlbsel == 1 and self.flags[i] & REF_TLB0:
            self.flush_host()
            self.flags[i] &= ~(REF_TLB0 | REF_VALID)
        if self.flags[i] & REF_VALID:
            self._invalidate_page(i)
        self.flags[i] = 0

    def _invalidate_page(self, i: int) -> None:
        mas1, ea = self.guest.mas1[i], self.guest.mas2[i] & MAS2_EPN
        ts, tid = mas1 >> 12 & 1, mas1 >> 16 & 0xFF
        if self.ids is None:
            self._kill_page(ea, ts, tid)
            return
        for pr in (0, 1):
            sid = self.ids.lookup(ts, tid, pr)
            if sid:
                self._kill_page(ea, 1, sid)
            else:
                self.ids.reset_one(ts, tid, pr)

    def _kill_page(self, ea: int, space: int, pid: int) -> None:
        entry = self.host.lookup(ea, space, (pid,))
        if entry is not None:
            self.host.kill(entry.slot)

    def flush_host(self) -> None:
        """kvmppc_e500_tlbil_all: PR forgets its ids, HV invalidates by LPID."""
        if self.ids is not None:
            self.ids.reset_all()
        else:
            self.host.flush()

    def flush(self) -> None:
        """kvmppc_core_flush_tlb: everything of the vcpu, references and bitmaps included."""
        self.flush_host()
        trace = self.vcpu.trace
        for i, flags in enumerate(self.flags):
            if flags & REF_VALID:
                if trace is not None:
                    trace("kvm_booke206_ref_release", (self.pfn[i], flags))
                self.flags[i] = 0
        self.g2h = [0] * len(self.g2h)
        self.h2g = [0] * len(self.h2g)
