"""Instruction emulation, its failures and policies, SPRs and their quirks (facts 3.3, 6)."""

from __future__ import annotations

import pytest

from ppcdbg.kvm import booke, codes, emulate, emulate_sprs, ioctl, one_reg
from ppcdbg.kvm.emulate import PRINTER
from ppcdbg.kvm.hypercalls import magic_features
from ppcdbg.kvm.printk import LEVELS
from ppcdbg.kvm.quirks import Quirks, listing
from ppcdbg.kvm.records import Did
from ppcdbg.kvm.vcpu import Vcpu
from ppcdbg.kvm.vm import FailurePolicy, UnknownSpr
from ppcdbg.machine.system import Limits, StopKind
from tests.kvm.machines import BRANCH_SELF, ENTRY, NOP, li, lis, mfspr, mtspr, system, vcpu


def do(v: Vcpu, word: int) -> int:
    v.last_inst = word
    v.pc = 0x1000
    return emulate.emulate(v)


def test_every_quirk_has_an_identifier_and_the_fatal_ones_are_off() -> None:
    table = listing()
    assert len({q.ident for q in table}) == len(table)
    assert {f"Q{n}" for n in range(1, 26)} - {q.ident for q in table} == {"Q18"}  # the guest kernel's
    assert [q.ident for q in table if not q.default] == ["Q24", "O1", "O2"]
    assert Quirks() == Quirks()


# --- SPRs ---------------------------------------------------------------------------------------
STORED = [272, 273, 274, 275, 26, 27, 58, 59, 61, 62, 54, 48, 624, 625, 626, 627, 628, 630, 944, 1008, 1009, 63, 574,
          575, 309, 310, 312, 316, *range(400, 416), 528, 529, 530, 531]  # fmt: skip


@pytest.mark.parametrize("spr", STORED)
def test_stored_sprs_read_back_on_e500v2(spr: int) -> None:
    v = vcpu()
    v.gpr[3] = 0x12345678
    assert do(v, mtspr(spr, 3)) == codes.RESUME_GUEST_NV
    assert do(v, mfspr(spr, 4)) == codes.RESUME_GUEST_NV
    assert v.gpr[4] == 0x12345678
    assert v.pc == 0x1004


@pytest.mark.parametrize(("spr", "written", "read"), [
    (308, 0xFFFFFFFF, 0x4DFF0000), (1010, 0x10103, 0x10001), (1011, 0x10103, 0x10001), (336, 0xFFFFFFFF, 0),
    (572, 0xFFFFFFFF, 0), (1012, 0, 0), (286, 55, 0), (633, 0, 0),
])  # fmt: skip
def test_sprs_that_keep_only_some_bits(spr: int, written: int, read: int) -> None:
    v = vcpu()
    v.gpr[3] = written
    do(v, mtspr(spr, 3))
    do(v, mfspr(spr, 4))
    assert v.gpr[4] == read


@pytest.mark.parametrize("word", [
    mfspr(276, 3), mfspr(1013, 3), mtspr(287, 3), mtspr(1015, 3), mfspr(570, 3), mfspr(314, 3), mtspr(702, 3),
    mfspr(344, 3), mfspr(307, 3), mfspr(1000, 3), 0x4C00004C, 0x4C0000CC, 0x7C00007C, 0x7C00019C, 0x7C00021C, 0,
    0x7C0007FF,
])  # fmt: skip
def test_what_6_1_cannot_emulate(word: int) -> None:
    v = vcpu()
    v.gpr[3] = 1
    assert do(v, word) == codes.RESUME_HOST
    assert v.run.hardware_exit_reason == 0xFFFFFFFF << 32 | word
    assert v.pc == 0x1000
    assert v.core.retired == 0


def test_hv_has_no_mas_and_pid_in_its_tables_but_doorbell_vectors() -> None:
    pr, hv = emulate_sprs.readers(vcpu()), emulate_sprs.readers(vcpu("e500mc"))
    assert {48, 624, 625, 626, 627, 628, 630, 944, 528, 529, 530} <= set(pr) - set(hv)
    assert set(hv) - set(pr) == {532, 533}


@pytest.mark.parametrize(("name", "spr"), [("sprg4_7_read_fails", 277), ("rfmci_missing", 570)])
def test_reads_that_a_quirk_forbids(name: str, spr: int) -> None:
    assert do(vcpu(), mfspr(spr, 3)) == codes.RESUME_HOST
    assert do(vcpu(**{name: False}), mfspr(spr, 3)) == codes.RESUME_GUEST_NV


def test_rfmci_without_the_quirk() -> None:
    v = vcpu(rfmci_missing=False)
    v.mcsrr0, v.mcsrr1 = 0x2000, 0x1000
    do(v, 0x4C00004C)
    assert (v.pc, v.guest_msr, v.core.retired) == (0x2000, 0x1000, 1)


def test_time_base_by_its_write_names_is_swapped() -> None:
    for quirk in (True, False):
        v = vcpu(tbw_reads_swapped=quirk)
        v.core.timers.set_time_base(0x1_0000_0002)
        do(v, mfspr(284, 3))
        assert v.gpr[3] == (1 if quirk else 2)


def test_pid_keeps_all_bits_and_the_lookup_uses_eight() -> None:
    for quirk, stored in ((True, 0x1FF), (False, 0xFF)):
        v = vcpu(pid_stored_unmasked=quirk)
        v.gpr[3] = 0x1FF
        do(v, mtspr(48, 3))
        assert v.pid == stored
        assert v.ids is not None
        assert v.ids.pid0 == v.ids.lookup(0, 0xFF, 0)


# --- MSR ----------------------------------------------------------------------------------------
def test_wrtee_changes_ee_only_and_mtmsr_everything() -> None:
    v = vcpu()
    v.gpr[3] = 0xFFFFFFFF
    do(v, 0x7C600106)
    assert v.guest_msr == 0x8000
    do(v, 0x7C000146)
    assert v.guest_msr == 0
    v.gpr[3] = 0x06021204
    do(v, 0x7C600124)
    assert v.guest_msr == 0x06021204
    assert v.shadow_msr & 0x02000200 == 0x02000200  # SPE and DE follow
    v.gpr[3] = 0
    do(v, 0x7C600124)
    assert v.shadow_msr & 0x02000200 == 0


def test_trap_adds_to_the_old_esr() -> None:
    v = vcpu()
    v.set_register("ESR", 0x00800000)
    assert do(v, 0x7C800008) == codes.RESUME_GUEST_NV
    assert v.queued_esr == 0x02800000
    assert (v.pc, v.core.retired) == (0x1000, 0)


# --- failure policies -----------------------------------------------------------------------------
BAD = 0x7C0007FF


@pytest.mark.parametrize(("policy", "resume", "queued"), [
    (FailurePolicy.EXIT, codes.RESUME_HOST, 0), (FailurePolicy.INJECT, codes.RESUME_GUEST, 8),
    (FailurePolicy.BOTH, codes.RESUME_HOST, 8),
])  # fmt: skip
def test_policies(policy: FailurePolicy, resume: int, queued: int) -> None:
    v = vcpu(on_failure=policy)
    assert do(v, BAD) == resume
    assert v.pending == queued
    assert v.host_log.asked(PRINTER).total == 1


def test_without_the_quirk_a_failure_is_the_guests_alone() -> None:
    v = vcpu(failure_injects_and_exits=False)
    assert (do(v, BAD), v.pending) == (codes.RESUME_GUEST, 8)


def test_a_failure_ends_the_run_only_under_the_exit_policy() -> None:
    ended = system(vcpu(on_failure=FailurePolicy.EXIT), [BAD]).run(Limits(100))
    assert ended.kind is StopKind.CRASH
    assert "7c0007ff at pc 0x1000" in ended.detail
    v = vcpu()
    v.ivpr = 0
    v.ivor[3] = 0x1000 + 8
    going = system(v, [BAD, NOP, BRANCH_SELF]).run(Limits(100))
    assert going.kind is StopKind.LIMIT
    assert v.guest_spr("ESR") == 0x08000000
    record = v.exits[1]
    assert [a.did for a in record.actions] == [Did.EMULATED, Did.FAILED, Did.USERSPACE]
    assert record.delivered == 3


def test_a_failure_prints_the_kernels_three_lines() -> None:
    v = vcpu()
    do(v, mfspr(307, 3))
    assert [(LEVELS[line.level], line.text) for line in v.host_log.lines] == [
        ("info", "mfspr: unknown spr 0x133"),
        ("err", "Couldn't emulate instruction 0x7c734aa6 (op 31 xop 339)"),
        ("crit", "emulation_exit: emulation at 1000 failed (7c734aa6)"),
    ]
    do(v, 0x4C000064 | 38 << 1)  # rfmci
    assert [line.text for line in v.host_log.lines][3:] == [
        "Couldn't emulate instruction 0x4c00006c (op 19 xop 54)", "emulation_exit: emulation at 1000 failed (4c00006c)"
    ]  # fmt: skip


def test_a_guest_cannot_fill_the_hosts_log_but_under_a_kernel_that_prints_each() -> None:
    for unlimited, failures in ((False, 10), (True, 50)):
        v = vcpu(failure_log_unlimited=unlimited)
        for _ in range(50):
            do(v, BAD)
        assert (len(v.host_log.lines), v.host_log.asked(PRINTER).total) == (2 * failures, 50)
        assert v.cost == 50 * (160 + 120) + failures * 12000


# --- unknown SPRs -----------------------------------------------------------------------------------
def test_unknown_spr_ignored() -> None:
    v = vcpu(unknown_spr=UnknownSpr.IGNORE)
    v.gpr[3] = 5
    assert do(v, mtspr(1000, 3)) == codes.RESUME_GUEST_NV
    assert do(v, mfspr(1000, 3)) == codes.RESUME_GUEST_NV
    assert v.gpr[3] == 0


def test_unknown_spr_goes_to_userspace_and_completes_on_entry() -> None:
    v = vcpu(unknown_spr=UnknownSpr.EXIT)
    v.ivpr, v.ivor[3] = 0, 0x1000 + 16
    s = system(v, [li(3, 7), mtspr(1000, 3), mfspr(1000, 4), mfspr(1001, 5), BRANCH_SELF])
    s.userspace.spr_values[1000] = 0  # type: ignore[attr-defined]
    s.run(Limits(20))
    assert v.gpr[4] == 7
    assert v.guest_spr("SRR0") == 0x1000 + 12  # the unknown one: Program, pc unchanged
    assert v.guest_spr("ESR") == 0x08000000


# --- ONE_REG ------------------------------------------------------------------------------------------
def test_set_one_reg_of_the_mmu_changes_nothing_on_e500v2() -> None:
    for quirk, value in ((True, 0), (False, 0x55)):
        v = vcpu(v2_set_one_reg_reads=quirk)
        assert one_reg.set_one_reg(v, "MAS0", 0x55) == 0
        assert one_reg.get_one_reg(v, "MAS0") == value
    v = vcpu("e500mc")
    assert one_reg.set_one_reg(v, "MMUCFG", 1) == -codes.EINVAL
    assert one_reg.set_one_reg(v, "TLB1CFG", v.tlbcfg[1]) == 0
    assert one_reg.get_one_reg(v, "NONE") == one_reg.set_one_reg(v, "NONE", 0) == -codes.EINVAL


def test_configuration_registers_that_a_guest_reads() -> None:
    assert vcpu().tlbcfg == [0x04110200, 0x101CC010]
    assert vcpu("e500mc").mmucfg == 0x004809C4  # the host's without LPIDSIZE


# --- guest debug ----------------------------------------------------------------------------------------
def test_a_debug_exit_leaves_r8_in_sprg9() -> None:
    """The debug vector of a 32-bit host needs a register and keeps r8 in SPRG9, which E.HV does not remap."""
    for quirk in (True, False):
        v = vcpu("e500mc", debug_exit_takes_sprg9=quirk)
        s = system(v, [li(8, 0x88), li(9, 0x99), mtspr(605, 9), NOP, BRANCH_SELF], msr=0x00021002)
        ioctl.set_guest_debug(v, codes.GUESTDBG_ENABLE | codes.GUESTDBG_USE_HW_BP, ((ENTRY + 12, 2),))
        booke.set_msr(v, v.shared.msr)  # SET_GUEST_DEBUG takes effect here
        s.run(Limits(10))
        assert (15, ENTRY + 12) in [(r.vector, r.pc) for r in v.exits]
        assert v.core.read_spr("SPRG9") == (0x88 if quirk else 0x99)


def test_guest_debug_owns_the_debug_registers() -> None:
    v = vcpu()
    ioctl.set_guest_debug(v, codes.GUESTDBG_ENABLE | codes.GUESTDBG_SINGLESTEP)
    v.gpr[3] = 0
    do(v, mtspr(308, 3))
    do(v, mfspr(308, 4))
    assert v.gpr[4] == 0xC8000000  # EDM, IDM, IC
    assert not v.shadow_msr & 0x200
    w = vcpu(single_step_waits_for_set_msr=False)
    ioctl.set_guest_debug(w, codes.GUESTDBG_ENABLE | codes.GUESTDBG_SINGLESTEP)
    assert w.shadow_msr & 0x200


def test_hardware_breakpoints_of_userspace() -> None:
    v = vcpu()
    control = codes.GUESTDBG_ENABLE | codes.GUESTDBG_USE_HW_BP
    assert ioctl.set_guest_debug(v, control, ((0x1000, 2), (0x2000, 2), (0x3000, 4), (0x4000, 8))) == 0
    assert v.debug.dbcr0 == 0x40000000 | 0x00C00000 | 0x40000 | 0x20000
    assert (v.debug.iac1, v.debug.iac2, v.debug.dac1, v.debug.dac2) == (0x1000, 0x2000, 0x3000, 0x4000)
    assert ioctl.set_guest_debug(v, control, ((1, 2),) * 3) == -codes.EINVAL


def test_words_that_a_reader_sees() -> None:
    v = vcpu()
    s = system(v, [lis(3, 1), mtspr(272, 3), 0x7C008146, BRANCH_SELF])
    s.run(Limits(10))
    notes = [a.note for e in v.exits for a in e.actions]
    assert notes == ["TLB1[0]", "mtspr SPRG0", "wrteei 1"]


def test_in_2010_a_guest_knew_kvm_by_what_mfpvr_left_alone() -> None:
    """Facts 7.2: the register keeps KVM_PVR_PARA, or becomes the PVR. The page ended at int_pending."""
    v = vcpu()
    v.vm.pv_2010 = True
    s = system(v, [mfspr(287, 5), mfspr(287, 6), NOP])
    v.gpr[5], v.gpr[6] = codes.PVR_PARA, 1
    s.run(Limits(2))
    assert (v.gpr[5], v.gpr[6]) == (codes.PVR_PARA, v.pvr)
    assert magic_features(v) == 0
    v.vm.pv_2010 = False
    assert magic_features(v) == codes.MAGIC_FEAT_SR | codes.MAGIC_FEAT_MAS0_TO_SPRG7
