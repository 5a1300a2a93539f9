"""Interrupts: class, save pair, MSR, direction, ranking (facts 1.4, 1.8)."""

from __future__ import annotations

import pytest

from ppcdbg.cpu import interrupts as I
from ppcdbg.cpu import msr as M
from ppcdbg.engine.api import Why
from tests.cpu.rig import BASE, NOP, VECTORS, asm, rig, spr_field

SC, ILLEGAL = 0x44000002, 0x00000000


def test_system_call_saves_the_next_address_and_retires():
    it = rig().code(SC)
    it.core.set_msr(M.MSR_CE | M.MSR_EE | M.MSR_ME | M.MSR_DE | M.MSR_PR)
    it.run()
    assert it.core.read_spr("SRR0") == BASE + 4
    assert it.core.read_spr("SRR1") == M.MSR_CE | M.MSR_EE | M.MSR_ME | M.MSR_DE | M.MSR_PR
    assert it.core.msr == M.MSR_CE | M.MSR_ME | M.MSR_DE, "a base interrupt keeps CE, ME and DE only"
    assert it.core.state.pc == VECTORS + 0x800
    assert it.core.retired == 1


def test_illegal_instruction_saves_its_own_address_and_does_not_retire():
    it = rig().code(ILLEGAL)
    it.run()
    assert (it.core.read_spr("SRR0"), it.core.read_spr("ESR")) == (BASE, M.ESR_PIL)
    assert it.core.state.pc == VECTORS + 0x604, "the one instruction that retired is the handler's first"


@pytest.mark.parametrize(("cpu", "pair"), [("e500mc", "DSRR"), ("e500v2", "CSRR")])
def test_debug_interrupt_has_its_own_class_only_where_the_core_has_it(cpu, pair):
    it = rig(cpu).code(NOP, NOP)
    it.core.write_spr("DBCR0", M.DBCR0_IDM | M.DBCR0_IC)
    it.core.set_msr(M.MSR_DE)
    it.run(2)
    assert it.core.read_spr(f"{pair}0") == BASE + 4
    assert it.core.read_spr("DBSR") == M.DBCR0_IC
    assert it.core.state.pc & ~0xFF == VECTORS + 0xF00


@pytest.mark.parametrize(
    ("vector", "bit"),
    [(I.DATA_STORAGE, M.EPCR_DSIGS), (I.INST_STORAGE, M.EPCR_ISIGS), (I.EXTERNAL, M.EPCR_EXTGS),
     (I.DTLB_MISS, M.EPCR_DTLBGS), (I.ITLB_MISS, M.EPCR_ITLBGS)],
)  # fmt: skip
def test_epcr_directs_to_the_guest(vector, bit):
    for epcr, to_guest in ((0, False), (bit, True)):
        it = rig()
        it.core.write_spr("EPCR", epcr)
        it.core.write_spr("GIVPR", 0x70000)
        it.core.write_spr(f"GIVOR{vector}", 0x100)
        it.core.set_msr(M.MSR_GS | M.MSR_EE)
        assert it.core.take(vector, M.ESR_ST, 0x1234) is to_guest
        assert bool(it.core.msr & M.MSR_GS) is to_guest, (
            "GS stays 1 in the guest's handler and is 0 in the hypervisor's"
        )
        assert it.core.read_spr("GSRR1" if to_guest else "SRR1") == M.MSR_GS | M.MSR_EE
        assert it.core.state.pc == (0x70100 if to_guest else VECTORS + 0x100 * vector)
        if vector == I.DATA_STORAGE:
            assert it.core.read_spr("GDEAR" if to_guest else "DEAR") == 0x1234


def test_virtualization_fault_goes_to_the_hypervisor_whatever_epcr_says():
    it = rig()
    it.core.write_spr("EPCR", M.EPCR_DSIGS)
    it.core.set_msr(M.MSR_GS)
    assert it.core.take(I.DATA_STORAGE, vf=True) is False


def test_system_call_of_a_guest_stays_in_the_guest_and_lev_1_leaves_it():
    it = rig()
    it.map(1, 0, 0, tsize=10, mas8=0x80000000)
    it.code(SC, 0x44000022)
    it.core.write_spr("GIVPR", 0x10000)
    it.core.write_spr("GIVOR8", 0x20)
    it.core.set_msr(M.MSR_GS)
    it.run()
    assert (it.core.state.pc, it.core.read_spr("GSRR0")) == (0x10020, BASE + 4)
    it.core.state.pc = BASE + 4
    it.core.tenant = True
    stop = it.run()
    assert (stop.why, stop.vector) == (Why.EXIT, I.HV_SYSCALL)
    assert it.core.read_spr("SRR1") == M.MSR_GS


def test_tenant_is_told_of_an_exit_after_the_hardware_took_it():
    it = rig("e500v2").code(ILLEGAL)
    it.core.tenant = True
    it.core.set_msr(M.MSR_PR)
    stop = it.run(5)
    assert (stop.why, stop.vector) == (Why.EXIT, I.PROGRAM)
    assert it.core.read_spr("SRR0") == BASE and it.core.msr == 0


def test_asynchronous_ranking_and_masks():
    it = rig()
    core = it.core
    core.set_external(True)
    core.set_critical(True)
    core.machine_check(M.MCSR_MCP)
    core.write_spr("TCR", M.TCR_DIE)
    core.set_msr(0)
    assert core.deliverable() is None
    core.set_msr(M.MSR_EE)
    assert core.deliverable() == I.EXTERNAL
    core.set_msr(M.MSR_EE | M.MSR_CE)
    assert core.deliverable() == I.CRITICAL
    core.set_msr(M.MSR_EE | M.MSR_CE | M.MSR_ME)
    assert core.deliverable() == I.MACHINE_CHECK
    core.delivery.take_asynchronous(I.MACHINE_CHECK)
    assert core.msr == 0, "a machine check clears everything, ME included"
    core.set_msr(M.MSR_GS)
    assert core.deliverable() == I.CRITICAL, "guest state cannot mask what goes to the hypervisor"


def test_machine_check_with_me_off_stops_the_core():
    it = rig("e500v2").code(asm("lwz", RT=3, RA0=0, D=0x4000))
    it.map(1, 0x4000, 0x7F0000000)
    it.core.tlb.drop(512)
    it.map(0, 0, 0)
    it.map(2, 0x1000, 0x1000)
    assert it.run().why is Why.CHECKSTOP
    it.core.set_msr(M.MSR_ME)
    it.core.state.pc = BASE
    it.map(3, 0x8000, 0x8000)
    it.run()
    assert it.core.read_spr("MCSRR0") == BASE and it.core.read_spr("MCSR") == M.MCSR_BUS_RBERR


def test_a_vector_that_is_not_mapped_is_noticed():
    it = rig().code(ILLEGAL)
    it.core.write_spr("IVPR", 0x70000000)
    stop = it.run(10)
    assert stop.why is Why.STUCK and stop.vector == I.ITLB_MISS


def test_return_from_guest_state_cannot_leave_it():
    it = rig()
    it.map(1, 0, 0, tsize=10, mas8=0x80000000)
    it.code(asm("rfi"))
    it.core.write_spr("GSRR0", BASE + 0x40)
    it.core.write_spr("GSRR1", M.MSR_EE)
    it.core.write_spr("MSRP", M.MSRP_DEP)
    it.core.set_msr(M.MSR_GS | M.MSR_DE)
    it.run()
    assert it.core.state.pc == BASE + 0x40
    assert it.core.msr == M.MSR_GS | M.MSR_EE | M.MSR_DE, "GS cannot change, DE is protected by MSRP[DEP]"


@pytest.mark.parametrize(
    ("number", "gs", "pr", "vector", "esr"),
    [
        (22, True, False, I.HV_PRIV, None),  # DEC belongs to the hypervisor
        (338, True, False, I.HV_PRIV, None),  # LPID
        (338, False, True, I.PROGRAM, M.ESR_PPR),
        (26, False, True, I.PROGRAM, M.ESR_PPR),  # SRR0 is privileged
        (1000, False, False, I.PROGRAM, M.ESR_PIL),  # no such register
        (1000, False, True, I.PROGRAM, M.ESR_PIL),
        (1016, False, True, I.PROGRAM, M.ESR_PPR),  # no such register, privileged number
    ],
)
def test_spr_privilege(number, gs, pr, vector, esr):
    it = rig()
    it.map(1, 0, 0, tsize=10, mas8=0x80000000)
    it.code(asm("mfspr", RT=3, SPR=spr_field(number)))
    it.core.tenant = True
    it.core.set_msr((M.MSR_GS if gs else 0) | (M.MSR_PR if pr else 0))
    stop = it.run()
    assert stop.why is Why.EXIT and stop.vector == vector
    if esr is not None:
        assert it.core.read_spr("ESR") == esr


@pytest.mark.parametrize("name", ["SRR0", "SPRG0", "SPRG3", "DEAR", "ESR"])
def test_guest_names_reach_guest_registers(name):
    numbers = {"SRR0": 26, "SPRG0": 272, "SPRG3": 275, "DEAR": 61, "ESR": 62}
    it = rig()
    it.map(1, 0, 0, tsize=10, mas8=0x80000000)
    it.code(asm("mtspr", SPR=spr_field(numbers[name]), RS=5), asm("mfspr", SPR=spr_field(numbers[name]), RT=6))
    it.core.state.gpr[5] = 0x40
    it.core.write_spr(name, 0x11110000)
    it.core.set_msr(M.MSR_GS)
    it.run(2)
    assert it.core.state.gpr[6] == 0x40
    assert (it.core.read_spr("G" + name), it.core.read_spr(name)) == (0x40, 0x11110000)
