"""Guest TLB, shadow ids, shadow entries (facts 2.5, 5)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ppcdbg.kvm import emulate_tlb
from ppcdbg.kvm.e500_mmu import ANY_AS, LEGACY, Geometry, GuestTlb
from ppcdbg.kvm.host import E500V2_HOST, Backing
from ppcdbg.kvm.shadow_ids import ShadowIds, key
from ppcdbg.kvm.shadow_tlb import REF_BITMAP, REF_TLB0, REF_VALID, shadow_permissions
from ppcdbg.kvm.singles import double_to_single, single_to_double
from tests.kvm.machines import vcpu

VALID = 0x80000000


def tlb_with(*entries: tuple[int, int, int, int, int]) -> GuestTlb:
    tlb = GuestTlb(Geometry())
    for entry in entries:
        tlb.put(*entry)
    tlb.recalculate_range()
    return tlb


def test_the_set_of_an_address() -> None:
    """facts 15: EA 0x10045000 with 512 entries, 4-way."""
    assert GuestTlb(Geometry()).set_base(0x10045000) == 0x45 * 4


def test_search_order_is_tlb0_then_tlb1() -> None:
    tlb = tlb_with((0, 0x45 * 4 + 2, VALID | 2 << 7, 0x10045000, 0x5000), (1, 3, VALID | 14 << 7, 0x10000000, 0))
    assert tlb.search(0x10045123, 0, 0) == (0, 0x45 * 4 + 2)
    assert tlb.search(0x10046123, 0, 0) == (1, 3)
    assert tlb.translate(1, 3, 0x10046123) == 0x46123


@pytest.mark.parametrize(("mas1", "pid", "space", "hit"), [
    (VALID | 7 << 16, 7, 0, True), (VALID | 7 << 16, 6, 0, False), (VALID, 9, 0, True), (VALID | 0x1000, 0, 0, False),
    (VALID | 0x1000, 0, 1, True), (VALID | 0x1000, 0, ANY_AS, True), (0, 0, 0, False),
])  # fmt: skip
def test_match_rule(mas1: int, pid: int, space: int, hit: bool) -> None:
    tlb = tlb_with((1, 0, mas1 | 2 << 7, 0x4000, 0))
    tlb.tlb1_min, tlb.tlb1_max = 0, 0xFFFFFFFF
    assert (tlb.find(0x4ABC, 1, pid, space) == 0) is hit


def test_iprot_refuses_and_the_victim_steps_round_robin() -> None:
    tlb = tlb_with((1, 0, VALID | 0x40000000 | 2 << 7, 0, 0), (1, 1, VALID | 2 << 7, 0x1000, 0))
    assert not tlb.invalidate(1, 0)
    assert tlb.invalidate(1, 1)
    assert [tlb.next_victim() for _ in range(5)] == [0, 1, 2, 3, 0]


@pytest.mark.parametrize("bad", [(512, 3, 16), (384, 4, 16), (512, 4, 65)])
def test_geometries_that_kvm_refuses(bad: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="powers of two"):
        Geometry(*bad)


def test_legacy_boot_entries_are_out_of_reach_until_the_range_is_known() -> None:
    v = vcpu()
    for stale, found in ((True, None), (False, (1, 0))):
        w = vcpu(stale_legacy_tlb1_range=stale)
        w.set_geometry(LEGACY)
        w._boot_entries()
        if not stale:
            w.gtlb.recalculate_range()
        assert w.gtlb.search(0x1000, 0, 0) == found
    assert v.gtlb.search(0x1000, 0, 0) == (1, 0)


# --- permissions (facts 15) ---------------------------------------------------------------------
@pytest.mark.parametrize(("perms", "user", "shadow"), [
    (0x05, False, 0x1F), (0x3F, True, 0x3F), (0x00, False, 0x15), (0x2A, False, 0x15), (0x15, False, 0x3F),
    (0x15, True, 0x15), (0x3C0, True, 0x3D5),
])  # fmt: skip
def test_shadow_permissions(perms: int, user: bool, shadow: int) -> None:
    assert shadow_permissions(perms, user) == shadow


# --- shadow ids ---------------------------------------------------------------------------------
def test_ids_are_handed_out_in_order_and_wrap_with_a_flush() -> None:
    flushed = []
    state = [0, 0, 0]
    ids = ShadowIds(lambda: (state[0], state[1], state[2]), lambda: flushed.append(1))
    ids.recalculate()
    assert (ids.pid0, ids.pid1) == (1, 1)
    for pid in range(1, 255):
        state[1] = pid
        ids.recalculate()
        assert ids.pid0 == pid + 1
    assert not flushed
    state[1] = 255
    ids.recalculate()
    assert flushed == [1]
    assert ids.lookup(0, 255, 0) == 1  # counting starts again
    assert ids.lookup(0, 5, 0) == 0
    assert ids.owner(1) == (0, 255, 0)


def test_reset_gives_the_current_identity_a_new_id_at_once() -> None:
    ids = ShadowIds(lambda: (0, 3, 1), lambda: None)
    ids.recalculate()
    before = ids.pid0, ids.pid1
    ids.reset_all()
    assert (ids.pid0, ids.pid1) == (before[1] + 1, before[1] + 2)
    assert {k for k, sid in enumerate(ids.table) if sid} == {key(0, 3, 1), key(0, 0, 1)}


# --- shadow entries -------------------------------------------------------------------------------
def test_a_large_entry_is_split_into_4k_shadow_entries() -> None:
    v = vcpu()
    assert v.shadow.map(0x12345, 0x12345, 1, 0) == 4096
    entry = next(iter(v.host_tlb))
    assert (entry.tlbsel, entry.start, entry.real, entry.size) == (0, 0x12000, 0x12000, 4096)
    assert entry.ts == 1
    assert entry.parent == (1, 0)
    assert v.shadow.flags[512] == REF_VALID | REF_TLB0
    assert v.shadow.splits == 1


def test_huge_pages_take_host_tlb1_slots_from_the_top_and_evict_round_robin() -> None:
    host = replace(E500V2_HOST, backing=Backing.HUGE, huge_page=1 << 20)
    v = vcpu(host=host)
    v.gtlb.put(1, 2, VALID | 10 << 7, 0x10000000, 0x3F)
    v.gtlb.recalculate_range()
    assert v.shadow.map(0x10000123, 0x123, 1, 2) == 1 << 20
    assert next(iter(v.host_tlb)).esel == 15
    assert v.shadow.g2h[2] == 1
    for n in range(host.shadow_slots):
        v.shadow.map(n << 20, n << 20, 1, 0)
    assert v.shadow.evictions == 1
    assert v.shadow.g2h[2] == 0
    assert v.shadow.flags[512] & REF_BITMAP


def test_overwriting_a_split_entry_forgets_every_id() -> None:
    v = vcpu()
    assert v.ids is not None
    v.shadow.map(0x1000, 0x1000, 1, 0)
    before = v.ids.pid0
    v.shadow.invalidate(1, 0)
    assert v.ids.pid0 == before + 1
    assert v.shadow.flags[512] == 0


def test_overwriting_a_tlb0_entry_kills_one_page() -> None:
    v = vcpu()
    assert v.ids is not None
    v.mas.mas0, v.mas.mas1, v.mas.mas2, v.mas.mas7_3 = 0, VALID | 2 << 7, 0x5000, 0x6000 | 0x15
    emulate_tlb.tlbwe(v)
    assert [e.start for e in v.host_tlb] == [0x5000]
    before = v.ids.pid0
    v.mas.mas1 = 0
    emulate_tlb.tlbwe(v)
    assert list(v.host_tlb) == []
    assert v.ids.pid0 == before


def test_hv_entries_carry_lpid_and_the_guests_own_tid() -> None:
    v = vcpu("e500mc")
    v.gtlb.put(0, v.gtlb.set_base(0x7000), VALID | 0x1000 | 5 << 16 | 2 << 7, 0x7000, 0x8000 | 0x3F)
    v.shadow.map(0x7000, 0x8000, 0, v.gtlb.set_base(0x7000))
    (entry,) = v.host_tlb
    assert (entry.tid, entry.ts, entry.mas8) == (5, 1, 0x80000000 | v.vm.host.lpid)
    assert entry.mas7_3 & 0x3FF == 0x3F


# --- emulated TLB instructions ---------------------------------------------------------------------
def test_tlbilx_by_pid() -> None:
    for quirk, left in ((True, [0, 9]), (False, [9])):
        v = vcpu(tlbilx_pid_exact=quirk)
        for way, tid in enumerate((0, 7, 9)):
            v.gtlb.put(0, way, VALID | tid << 16 | 2 << 7, 0, 0)
        v.mas.mas6 = 7 << 16
        emulate_tlb.tlbilx(v, 1, 0)
        assert [e.tid for e in v.gtlb.all() if e.valid and e.tlbsel == 0] == left
        assert (emulate_tlb.tlbilx(v, 2, 0) == 0) is quirk


def test_miss_defaults() -> None:
    v = vcpu()
    v.pid = 0x1FF
    v.mas.mas4, v.mas.mas7_3, v.mas.mas6 = 0x0000011B, 0x3FF, 0x7FFE
    emulate_tlb.deliver_miss_defaults(v, 0xABCDE123, 1)
    assert v.mas.mas1 == VALID | 0x1000 | 0x1FF << 16 | 0x100
    assert v.mas.mas2 == 0xABCDE000 | 0x03  # W, I, M are dropped
    assert v.mas.mas7_3 == 0x3C0
    assert v.mas.mas6 == 0x7FFE | 0xFF << 16 | 1


def test_miss_defaults_without_the_mask() -> None:
    v = vcpu(mas4_attributes_masked=False)
    v.mas.mas4 = 0x1F
    emulate_tlb.deliver_miss_defaults(v, 0x1000, 0)
    assert v.mas.mas2 == 0x101F


def test_msgsnd_takes_its_type_from_the_register_number() -> None:
    for quirk, priority in ((True, 21), (False, 22)):
        v = vcpu("e500mc", msgsnd_type_from_register_number=quirk)
        v.gpr[3] = 1 << 27  # a critical doorbell to PIR 0
        assert emulate_tlb.msgsnd(v, 3) == 0
        assert v.pending == 1 << priority
        v.gpr[4] = 7 << 27
        assert emulate_tlb.msgclr(v, 4) == 2


# --- conversions of MMIO floating point -------------------------------------------------------------
@pytest.mark.parametrize(("single", "double"), [
    (0x3F800000, 0x3FF0000000000000), (0x80000000, 0x8000000000000000), (0x7F800000, 0x7FF0000000000000),
    (0x00000001, 0x36A0000000000000), (0x007FFFFF, 0x380FFFFFC0000000), (0x00800000, 0x3810000000000000),
    (0x7FC12345, 0x7FF82468A0000000),
])  # fmt: skip
def test_single_and_double(single: int, double: int) -> None:
    assert single_to_double(single) == double
    assert double_to_single(double) == single
