"""The match rule, permissions, MAS defaults and TLB instructions (facts 2.3 to 2.5)."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from ppcdbg.cpu import interrupts as I
from ppcdbg.cpu import msr as M
from ppcdbg.cpu.core import Core
from ppcdbg.cpu.mmu import Access, Verdict
from ppcdbg.cpu.models import CORES
from ppcdbg.engine.api import Stops, Why
from ppcdbg.engine.choose import engine_factory
from tests.cpu.rig import BASE, VECTORS, asm, rig

LWZ = asm("lwz", RT=3, RA0=4, D=0)
STW = asm("stw", RS=3, RA0=4, D=0)


def access(it, word, ea, msr=0):
    """Run one load or store at ``ea`` under a tenant; the exit's vector, or None when it went through."""
    it.code(word)
    it.core.tenant = True
    it.core.set_msr(msr)
    it.core.state.gpr[4] = ea
    stop = it.run()
    return stop.vector if stop.why is Why.EXIT else None


@pytest.mark.parametrize(
    ("perms", "msr", "word", "vector"),
    [
        (0x01, 0, LWZ, None),
        (0x02, 0, LWZ, I.DATA_STORAGE),
        (0x02, M.MSR_PR, LWZ, None),
        (0x01, M.MSR_PR, LWZ, I.DATA_STORAGE),
        (0x04, 0, STW, None),
        (0x01, 0, STW, I.DATA_STORAGE),
        (0x08, M.MSR_PR, STW, None),
    ],
)
def test_permissions(perms, msr, word, vector):
    it = rig("e500v2")
    it.map(1, 0x200000, 0x5000, perms=perms)
    assert access(it, word, 0x200000, msr) == vector
    if vector:
        assert it.core.read_spr("ESR") == (M.ESR_ST if word == STW else 0)
        assert it.core.read_spr("DEAR") == 0x200000


@pytest.mark.parametrize("pid", ["PID", "PID1", "PID2"])
def test_e500v2_compares_three_pids(pid):
    it = rig("e500v2")
    it.map(1, 0x200000, 0x5000, tid=7)
    assert access(it, LWZ, 0x200000) == I.DTLB_MISS
    it.core.write_spr(pid, 7)
    assert access(it, LWZ, 0x200000) is None


@pytest.mark.parametrize(
    ("mas8", "msr", "lpid", "verdict"),
    [
        (0x80000000, 0, 0, Verdict.GUEST),
        (0, M.MSR_GS, 0, Verdict.GUEST),
        (0x80000003, M.MSR_GS, 2, Verdict.LPID),
        (0x80000003, M.MSR_GS, 3, Verdict.HIT),
        (0x80000000, M.MSR_GS, 9, Verdict.HIT),
    ],
)
def test_guest_state_and_lpid(mas8, msr, lpid, verdict):
    it = rig()
    it.map(1, 0x200000, 0x5000, mas8=mas8)
    it.core.set_msr(msr)
    it.core.write_spr("LPID", lpid)
    rows = it.core.mmu.explain(0x200000, Access.LOAD, it.core.mmu.context(fetch=False))
    assert [v for e, v in rows if e.index == 513] == [verdict]


def test_virtualization_fault_bit():
    it = rig()
    it.map(1, 0x200000, 0x5000, mas8=0xC0000000)
    it.map(2, 0, 0, tsize=10, mas8=0x80000000)
    it.core.write_spr("EPCR", M.EPCR_DSIGS)
    assert access(it, LWZ, 0x200000, M.MSR_GS) == I.DATA_STORAGE


def test_miss_loads_the_mas_registers_and_walks_the_ways():
    it = rig("e500v2")
    it.core.write_spr("MAS4", 0x00000100)
    it.core.write_spr("PID", 5)
    it.map(0, 0, 0, tsize=10)
    assert access(it, STW, 0x345678) == I.DTLB_MISS
    assert it.core.read_spr("MAS1") == 0x80050100
    assert it.core.read_spr("MAS2") == 0x345000
    assert it.core.read_spr("MAS6") == 5 << 16
    assert it.core.read_spr("ESR") == M.ESR_ST
    ways = []
    for _ in range(5):
        ways.append(it.core.read_spr("MAS0") >> 16 & 3)
        it.core.write_spr("MAS3", 0x6000 | 0x3F)
        it.core.mmu.tlbwe()
        it.core.mmu.load_miss_defaults(0x345678, 0)
    assert ways == [0, 1, 2, 3, 0]


def test_dmiuh_keeps_the_mas_registers():
    it = rig()
    it.core.write_spr("EPCR", M.EPCR_DMIUH)
    it.core.write_spr("MAS2", 0x7000)
    access(it, LWZ, 0x345678)
    assert it.core.read_spr("MAS2") == 0x7000


def test_tlbsx_hit_and_miss():
    it = rig("e500v2")
    it.map(3, 0x200000, 0x9_0000_5000, tid=4, tsize=4)
    it.core.write_spr("HID0", 0x80)
    it.core.write_spr("MAS6", 4 << 16)
    it.core.mmu.tlbsx(0x203FFC)
    assert it.core.read_spr("MAS0") == 0x10030000
    assert it.core.read_spr("MAS7") == 9
    it.core.mmu.tlbsx(0x204000)
    assert it.core.read_spr("MAS1") & 0x80000000 == 0
    assert it.core.read_spr("MAS1") >> 16 & 0xFF == 4


def test_tlbivax_spares_iprot_and_other_pages():
    it = rig("e500v2")
    it.core.tlb.write(0x200 & 127, 0x80000100, 0x200000, 0x3F, 0)
    it.core.tlb.write(514, 0xC0000100, 0x300000, 0x3F, 0)
    it.core.tlb.write(515, 0x80000100, 0x301000, 0x3F, 0)
    it.core.mmu.tlbivax(0x301000 | 8)
    it.core.mmu.tlbivax(0x300000 | 8)
    assert [it.core.entry(i).valid for i in (0, 514, 515)] == [True, True, False]
    it.core.mmu.tlbivax(4)
    it.core.mmu.tlbivax(0xC)
    assert [it.core.entry(i).valid for i in (0, 514)] == [False, True]


@pytest.mark.parametrize(("kind", "left"), [(0, [514]), (1, [513, 514]), (3, [512, 514]), (2, [512, 513, 514])])
def test_tlbilx(kind, left):
    it = rig()
    it.core.tlb.drop(512)
    it.core.tlb.write(512, 0x80050200 & ~0xF80 | 0x100, 0x10000, 0x3F, 0, 3)
    it.core.tlb.write(513, 0x80060100, 0x20000, 0x3F, 0, 3)
    it.core.tlb.write(514, 0x80050100, 0x30000, 0x3F, 0, 4)
    it.core.write_spr("MAS5", 3)
    it.core.write_spr("MAS6", (6 if kind == 3 else 5) << 16)
    it.core.mmu.tlbilx(kind, 0x20123)
    assert [i for i in (512, 513, 514) if it.core.entry(i).valid] == left


@pytest.mark.parametrize("seed", range(6))
def test_invalidation_looks_only_where_the_page_can_be_and_misses_nothing(seed):
    """Full arrays, few pages and owners: what goes is what the rule says of every entry."""
    rng = random.Random(seed)
    it = rig()
    mmu, tlb = it.core.mmu, it.core.tlb
    pages = [rng.getrandbits(20) for _ in range(6)]
    for index in range(512 + tlb.tlb1_entries):
        page = rng.choice(pages) & ~0x7F | index >> 2 & 0x7F if index < 512 else rng.choice(pages)
        mas1 = rng.getrandbits(2) << 30 | rng.randrange(3) << 16 | rng.getrandbits(1) << 12 | rng.choice((1, 2, 5)) << 8
        tlb.write(index, mas1, page << 12, 0x3F, 0, rng.getrandbits(1) << 31 | rng.randrange(2))
    everything = [tlb.entry(i) for i in range(512 + tlb.tlb1_entries)]
    for _ in range(20):
        kind, aim = rng.choice((0, 1, 3, 3, 3)), rng.choice(everything)
        ea, lpid, spid = aim.epn | rng.getrandbits(12), rng.randrange(2), rng.randrange(3)
        it.core.write_spr("MAS5", aim.mas8 & 0x80000000 | lpid)
        it.core.write_spr("MAS6", spid << 16 | aim.ts)
        same = [e.mas8 & 0x80000000 == aim.mas8 & 0x80000000 and e.ts == aim.ts and ea & -e.size & 0xFFFFFFFF == e.epn
                for e in everything]  # fmt: skip
        wanted = [e.valid and not e.mas1 & 0x40000000 and e.mas8 & 0xFF == lpid
                  and (kind == 0 or e.tid == spid) and (kind != 3 or here)
                  for e, here in zip(everything, same)]  # fmt: skip
        before = bytes(it.core.state.block)
        mmu.tlbilx(kind, ea)
        assert [e.valid and not tlb.entry(e.index).valid for e in everything] == wanted, f"seed {seed}, T={kind}"
        it.core.state.block[:] = before
        tlb.reloaded()
        mmu.tlbivax(ea & ~0xFFF | aim.index // 512 << 3)
        gone = [e.valid and not e.mas1 & 0x40000000 and (e.index < 512) == (aim.index < 512)
                and ea & -e.size & 0xFFFFF000 == e.epn & -e.size
                for e in everything]  # fmt: skip
        assert [e.valid and not tlb.entry(e.index).valid for e in everything] == gone, f"seed {seed}, {ea:#x}"
        it.core.state.block[:] = before
        tlb.reloaded()


def test_big_page_addresses_keep_their_offset():
    it = rig("e500v2")
    it.map(1, 0x10000000, 0xF_E0000000, tsize=14)
    found = it.core.probe(0x10ABCDEF)
    assert found is not None and found.address == 0xFE0ABCDEF


def test_little_endian_page():
    it = rig("e500v2")
    it.map(1, 0x200000, 0x5000, mas2=1)
    it.bus.ram[0x5000:0x5004] = bytes([0x78, 0x56, 0x34, 0x12])
    assert access(it, LWZ, 0x200000) is None
    assert it.core.state.gpr[3] == 0x12345678


def test_translations_are_forgotten_when_an_entry_is_replaced():
    it = rig("e500v2")
    it.bus.ram[0x5000:0x5004] = b"\0\0\0\1"
    it.bus.ram[0x6000:0x6004] = b"\0\0\0\2"
    index = (0x200 & 127) * 4
    it.core.tlb.write(index, 0x80000100, 0x200000, 0x503F, 0)
    access(it, LWZ, 0x200000)
    it.core.tlb.write(index, 0x80000100, 0x200000, 0x603F, 0)
    access(it, LWZ, 0x200000)
    assert it.core.state.gpr[3] == 2


def test_access_across_pages_checks_both_before_it_writes():
    it = rig("e500v2")
    it.map(1, 0x200000, 0x5000)
    assert access(it, STW, 0x200FFE) == I.DTLB_MISS
    assert it.core.read_spr("DEAR") == 0x201000
    assert bytes(it.bus.ram[0x5FFE:0x6000]) == b"\0\0"


def test_external_pid_uses_its_own_context():
    it = rig()
    it.map(1, 0x200000, 0x5000, tid=9, ts=1, perms=0x02, mas8=0x80000002)
    it.bus.ram[0x5000:0x5004] = b"\xca\xfe\xba\xbe"
    it.core.write_spr("EPLC", 0x80000000 | 0x40000000 | 0x20000000 | 2 << 16 | 9)
    assert access(it, asm("lwepx", RT=3, RA0=0, RB=4), 0x200000) is None
    assert it.core.state.gpr[3] == 0xCAFEBABE
    it.core.write_spr("EPLC", 0)
    assert access(it, asm("lwepx", RT=3, RA0=0, RB=4), 0x200000) == I.DTLB_MISS
    assert it.core.read_spr("ESR") == M.ESR_EPID


@pytest.mark.parametrize("engine", ["reference", "llvm"])
@pytest.mark.parametrize(("qemu", "dear"), [(False, 0x40000025), (True, 0x40000020)])
def test_icbi_that_misses_gives_the_byte_and_qemus_core_the_line(engine: str, qemu: bool, dear: int) -> None:
    it = rig("e500v2")
    core = Core(replace(CORES["e500v2"], qemu=qemu), it.bus)
    core.copy_from(it.core)
    core.state.gpr[3] = 0x40000025
    it.code(asm("icbi", RB=3))
    core.state.pc = BASE
    engine_factory(engine)(core).run(1, Stops())  # the first of the handler's
    assert (core.read_spr("DEAR"), core.state.pc) == (dear, VECTORS + 0xD04)
