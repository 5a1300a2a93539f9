"""The run loop: exact stops, idle time, kicks, userspace, HV guests, determinism."""

from __future__ import annotations

import pytest

from ppcdbg.cpu import msr as M
from ppcdbg.kvm import codes, irqprio, magic_page, timers
from ppcdbg.kvm.records import Did
from ppcdbg.kvm.trace import format_event
from ppcdbg.kvm.vcpu import Vcpu
from ppcdbg.machine.board import MPIC_BASE, SERIAL0
from ppcdbg.machine.input import InputKind
from ppcdbg.machine.system import Limits, StopKind
from tests.kvm.machines import BRANCH_SELF, ENTRY, MEMORY, NOP, RFI, SC, SC1, li, lis, load, mfspr, mtspr, system, vcpu

FOREVER = Limits(1 << 60)
MTMSR3, WRTEEI1, ORI, WAIT = 0x7C600124, 0x7C008146, 0x60000000, 0x7C00007C


def ori(rt: int, value: int) -> int:
    return ORI | rt << 21 | rt << 16 | value


def test_limits_are_exact_and_emulated_instructions_count() -> None:
    s = system(vcpu(), [li(3, 1), mtspr(272, 3), mfspr(272, 4), NOP, BRANCH_SELF])
    for position in (0, 1, 2, 3, 7):
        stop = s.run(Limits(position))
        assert (stop.kind, stop.position, s.position) == (StopKind.LIMIT, position, position)
    assert stop.pc == ENTRY + 16


@pytest.mark.parametrize("at", [ENTRY, ENTRY + 4, ENTRY + 8, ENTRY + 12])
def test_breakpoints_before_and_after_emulated_instructions(at: int) -> None:
    s = system(vcpu(), [NOP, mtspr(272, 3), mfspr(272, 4), 0x4BFFFFF4])
    stops = frozenset({at})
    first = s.run(Limits(100, stops))
    expected = (at - ENTRY) // 4 or 4
    assert (first.kind, first.pc, first.position) == (StopKind.BREAKPOINT, at, expected)
    again = s.run(Limits(100, stops))
    assert (again.kind, again.position) == (StopKind.BREAKPOINT, expected + 4)


def test_stop_after_an_exit() -> None:
    s = system(vcpu(), [mtspr(272, 3), NOP, mtspr(273, 3), BRANCH_SELF])
    names = []
    for _ in range(3):
        stop = s.run(Limits(100, exits=1))
        assert stop.kind is StopKind.EXIT
        names.append(s.kvm.exits[-1].name)
    assert names == ["ITLB_MISS", "PROGRAM", "PROGRAM"]
    assert (stop.position, stop.pc) == (3, ENTRY + 12)


def test_idle_skips_to_the_decrementer_and_ends_when_nothing_can_come() -> None:
    v = vcpu()
    v.ivpr, v.ivor[irqprio.DECREMENTER] = 0, 0x2000
    load(v, 0x2000, [lis(5, 0x0800), mtspr(336, 5), mfspr(27, 6), 0x54C6039A, mtspr(27, 6), RFI])
    code = [lis(3, 0x0400), mtspr(340, 3), lis(3, 0x10), mtspr(22, 3), lis(3, 4), ori(3, 0x8000), MTMSR3, NOP,
            lis(3, 4), MTMSR3]  # fmt: skip
    s = system(v, code)
    seen: list[str] = []
    v.trace = lambda name, args: seen.append(format_event(name, args)) if "wakeup" in name else None
    stop = s.run(FOREVER)
    assert stop.kind is StopKind.IDLE
    assert s.run(FOREVER) is stop
    assert v.core.now > 0x100000 > stop.position
    assert v.delivered_counts[irqprio.DECREMENTER] == 1
    assert [line[:27] for line in seen] == ["kvm_vcpu_wakeup: wait time "]


def test_idle_with_a_masked_interrupt_spins() -> None:
    v = vcpu()
    s = system(v, [lis(3, 4), MTMSR3])
    s.input.add(InputKind.KVM, value=codes.KVM_INTERRUPT_SET, position=0)
    stop = s.run(FOREVER)
    assert stop.kind is StopKind.STUCK
    assert "spins" in stop.detail


def test_a_guest_without_a_mapped_vector_is_stuck() -> None:
    v = vcpu()
    stop = system(v, [lis(3, 0x7000), 0x80630000]).run(FOREVER)
    assert stop.kind is StopKind.STUCK
    assert stop.position == 1


def test_an_interrupt_from_outside_kicks_a_running_guest_at_its_position() -> None:
    v = vcpu()
    v.ivpr, v.ivor[irqprio.EXTERNAL] = 0, 0x2000
    load(v, 0x2000, [BRANCH_SELF])
    s = system(v, [WRTEEI1, BRANCH_SELF])
    s.input.add(InputKind.KVM, value=codes.KVM_INTERRUPT_SET, position=57)
    s.run(Limits(100))
    record = next(e for e in v.exits if e.name == "EXTERNAL")
    assert (record.position, record.pc, record.delivered, record.queued) == (57, ENTRY + 4, irqprio.EXTERNAL, (16,))
    assert v.guest_spr("SRR0") == ENTRY + 4


def test_the_first_entry_and_two_runs_are_the_same() -> None:
    def one() -> tuple[list[object], int, bytes]:
        v = vcpu()
        v.ivpr, v.ivor[irqprio.DECREMENTER] = 0, 0x2000
        load(v, 0x2000, [lis(5, 0x0800), mtspr(336, 5), RFI])
        code = [lis(3, 0x0440), mtspr(340, 3), li(3, 500), mtspr(54, 3), mtspr(22, 3), WRTEEI1, BRANCH_SELF]
        s = system(v, code)
        while s.position < 5000:
            s.run(Limits(min(5000, s.position + 97)))
        return list(v.exits), v.core.now, bytes(v.core.state.block)

    first, second = one(), one()
    assert first == second
    assert any(e.delivered == irqprio.DECREMENTER for e in first[0])  # type: ignore[attr-defined]


# --- userspace --------------------------------------------------------------------------------------
def serial_guest(register: int) -> list[int]:
    """Map the CCSR page of the serial port at 0xE0000000 and print a byte."""
    return [
        lis(3, 0x1002), mtspr(624, 3), lis(3, 0x8000), ori(3, 0x100), mtspr(625, 3), lis(3, 0xE000), ori(3, 0xA),
        mtspr(626, 3), lis(3, 0xE000), ori(3, 0x4015), mtspr(627, 3), li(3, 0xF), mtspr(944, 3), 0x7C0007A4,
        lis(4, 0xE000), ori(4, 0x500), li(3, 0x41), 0x98640000, 0x88A40005, BRANCH_SELF,
    ]  # fmt: skip


def test_mmio_reaches_the_board_and_is_recorded() -> None:
    v = vcpu()
    s = system(v, serial_guest(0))
    s.run(Limits(40))
    assert bytes(s.board.console.output) == b"A"
    assert v.gpr[5] == 0x60
    done = [a for e in v.exits for a in e.actions if a.did is Did.MMIO]
    assert [(a.gpa, a.size, a.value, a.write, a.device) for a in done] == [
        (SERIAL0, 1, 0x41, True, "serial0"), (SERIAL0 + 5, 1, 0x60, False, "serial0")]  # fmt: skip
    assert v.stat["mmio_exits"] == 2
    assert v.exits[-1].resume == "RESUME_HOST_NV"


class Watch:
    """A userspace that answers every load with 7 and notes r4 and pc as it sees them."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []

    def handle(self, vcpu: Vcpu) -> None:
        self.seen.append((vcpu.gpr[4], vcpu.pc))
        vcpu.run.mmio.data = b"\0\0\0\7"


def test_mmio_commits_registers_before_userspace_answers() -> None:
    for quirk in (True, False):
        v = vcpu(mmio_commits_first=quirk)
        s = system(v, [lis(4, 0x8000), 0x84A40100, BRANCH_SELF])  # lwzu r5,0x100(r4)
        s.userspace = watch = Watch()
        s.run(Limits(10))
        assert watch.seen == [(0x80000100, ENTRY + 8) if quirk else (0x80000000, ENTRY + 4)]
        assert (v.gpr[4], v.gpr[5]) == (0x80000100, 7)


def test_an_in_kernel_mpic_takes_no_userspace_exit() -> None:
    v = vcpu()
    v.vm.mpic_in_kernel = (MPIC_BASE, 0x40000)
    code = serial_guest(0)
    code[8], code[9], code[15] = lis(3, 0xE004), ori(3, 0x1015), ori(4, 0)  # MPIC global registers at +0x1000
    code[16:19] = [0x80A40000, NOP, NOP]
    s = system(v, code)
    reasons: list[int] = []
    v.trace = lambda name, args: reasons.append(args[0]) if name == "kvm_userspace_exit" else None
    s.run(Limits(40))
    assert reasons == []
    assert v.gpr[5] >> 16 & 0x7FF == 195  # FRR: 196 sources
    assert ("mpic", False) in v.mmio_counts


# --- hypercalls and the magic page ----------------------------------------------------------------------
def hypercall(token: int, *args: int) -> list[int]:
    code = [lis(11, token >> 16), ori(11, token & 0xFFFF), lis(0, 0x4B56), ori(0, 0x4D21)]
    for i, value in enumerate(args):
        code += [lis(3 + i, value >> 16), ori(3 + i, value & 0xFFFF)]
    return [*code, SC]


def test_magic_page_is_live_memory_behind_the_guests_ram() -> None:
    v = vcpu()
    code = [
        *hypercall(codes.HC_MAP_MAGIC_PAGE, 0xFFFFF000, 0xFFFFF001),
        li(9, 0x77),
        0x9120F024,
        mfspr(272, 10),
        BRANCH_SELF,
    ]  # stw r9,-0xfdc(0): sprg0
    s = system(v, code)
    s.run(Limits(40))
    assert (v.gpr[3], v.gpr[4], v.gpr[10]) == (0, 3, 0x77)
    entry = next(e for e in v.host_tlb if e.parent is None)
    assert (entry.real, entry.start, entry.mas7_3 & 0x3F) == (MEMORY, 0xFFFFF000, 0x0F)
    assert int.from_bytes(v.core.bus.ram[MEMORY + 0x24 : MEMORY + 0x28], "big") == 0x77
    assert v.shared.values()["sprg0"] == 0x77
    assert sum(f.size for f in magic_page.FIELDS) <= magic_page.SIZE
    assert v.hypercalls == {codes.HC_MAP_MAGIC_PAGE: 1}


def test_page_zero_aliases_the_shared_page_until_it_is_mapped() -> None:
    for quirk in (True, False):
        v = vcpu(magic_page_at_zero=quirk)
        s = system(v, [0x80600024, BRANCH_SELF])
        v.shared.set32(0x24, 0x1234)
        s.run(Limits(5))
        assert v.gpr[3] == (0x1234 if quirk else 0)


def test_features_and_unknown_calls() -> None:
    v = vcpu()
    s = system(v, [*hypercall(codes.HC_FEATURES), 0x7C671B78, 0x7C882378, *hypercall(0x002A0099), BRANCH_SELF])
    s.run(Limits(40))
    assert (v.gpr[7], v.gpr[8]) == (0, 2)
    assert (v.gpr[3], v.gpr[4]) == (12, 0)


def test_the_two_quirks_that_stop_kvm() -> None:
    first = system(vcpu(exit_number_in_r5=True), [NOP]).run(FOREVER)
    assert (first.kind, first.position) == (StopKind.CRASH, 0)
    slot = system(vcpu(syscall_slot_too_short=True), [SC]).run(FOREVER)
    assert slot.kind is StopKind.CRASH
    assert "exit 9" in slot.detail


# --- HV -----------------------------------------------------------------------------------------------
def test_hv_guest_runs_in_guest_state_with_its_own_registers() -> None:
    v = vcpu("e500mc")
    code = [li(3, 5), mtspr(272, 3), mtspr(26, 3), mfspr(286, 6), lis(3, 0x1234), mtspr(624, 3), mfspr(624, 7), NOP,
            lis(11, 0x2A), ori(11, 3), SC1, BRANCH_SELF]  # fmt: skip
    s = system(v, code)
    s.run(Limits(60))
    assert v.core.msr & M.MSR_GS
    assert [e.name for e in v.exits] == ["ITLB_MISS", "HV_SYSCALL"]
    assert (v.guest_spr("SPRG0"), v.guest_spr("SRR0"), v.guest_spr("MAS0")) == (5, 5 & ~3, 0x12340000)
    assert (v.gpr[3], v.gpr[4]) == (0, 0)  # no magic page feature on HV
    assert v.core.read_spr("LPID") == v.vm.host.lpid


def test_hv_enabling_ee_with_an_interrupt_pending_exits_at_once() -> None:
    v = vcpu("e500mc")
    v.ivpr, v.ivor[irqprio.EXTERNAL] = 0, 0x2000
    load(v, 0x2000, [BRANCH_SELF])
    s = system(v, [NOP, NOP, WRTEEI1, NOP, BRANCH_SELF])
    s.input.add(InputKind.KVM, value=codes.KVM_INTERRUPT_SET, position=1)
    s.run(Limits(20))
    assert [e.name for e in v.exits] == ["ITLB_MISS", "DOORBELL", "GUEST_DBELL", "ITLB_MISS"]
    bell = v.exits[2]
    assert (bell.pc, bell.position, bell.delivered) == (ENTRY + 12, 3, irqprio.EXTERNAL)
    assert v.stat["gdbell_exits"] == 1


def test_hv_syscalls_and_storage_interrupts_never_reach_kvm() -> None:
    v = vcpu("e500mc")
    v.ivpr = 0
    s = system(v, [lis(3, 0), ori(3, 0x2000), mtspr(408, 3), li(3, 0x2100), mtspr(402, 3), SC, BRANCH_SELF])
    load(v, 0x2000, [lis(4, 0xD000), 0x90840000, BRANCH_SELF])
    load(v, 0x2100, [mfspr(62, 9), mfspr(61, 10), BRANCH_SELF])
    v.gtlb.put(1, 2, 0x80000100, 0xD0000000, 0x3000 | 0x03)  # read only
    v.gtlb.recalculate_range()
    s.run(Limits(40))
    assert "SYSCALL" not in {e.name for e in v.exits}
    assert "DATA_STORAGE" not in {e.name for e in v.exits}
    assert (v.gpr[9], v.gpr[10]) == (0x00800000, 0xD0000000)


def test_hv_wait_is_woken_by_the_host() -> None:
    v = vcpu("e500mc")
    v.ivpr, v.ivor[irqprio.DECREMENTER] = 0, 0x2000
    load(v, 0x2000, [BRANCH_SELF])
    s = system(v, [lis(3, 0x0400), mtspr(340, 3), li(3, 1000), mtspr(22, 3), WRTEEI1, WAIT, BRANCH_SELF])
    stop = s.run(Limits(20))
    assert stop.kind is StopKind.LIMIT
    assert v.delivered_counts[irqprio.DECREMENTER] == 1
    assert v.core.now >= 1000


def test_hv_user_hypercall_is_a_privilege_violation() -> None:
    v = vcpu("e500mc")
    v.ivpr, v.ivor[irqprio.PROGRAM] = 0, 0x2000
    load(v, 0x2000, [BRANCH_SELF])
    s = system(v, [lis(3, 0), ori(3, ENTRY + 24), mtspr(26, 3), li(3, 0x4000), mtspr(27, 3), RFI, SC1, BRANCH_SELF])
    s.run(Limits(20))
    assert v.guest_spr("ESR") == 0x04000000
    assert v.guest_spr("SRR0") == ENTRY + 28


def test_machine_check_for_a_jump_at_a_device() -> None:
    v = vcpu()
    v.ivpr, v.ivor[irqprio.MACHINE_CHECK] = 0, 0x2000
    load(v, 0x2000, [BRANCH_SELF])
    s = system(v, [li(3, 0x1000), MTMSR3, lis(4, 0x8000), 0x7C8803A6, 0x4E800020])
    s.run(Limits(20))
    assert (v.mcsrr0, v.mcsrr1, v.guest_msr) == (0x80000000, 0x1000, 0)


def test_a_host_tick_brings_what_the_critical_section_lost() -> None:
    from dataclasses import replace

    from ppcdbg.kvm.host import E500V2_HOST

    host = replace(E500V2_HOST, periodic_tick=True, hz=1000)
    v = vcpu(host=host)
    s = system(v, [WRTEEI1, BRANCH_SELF])
    s.run(Limits(900_000))
    assert [e.name for e in v.exits if e.vector == 10] == ["DECREMENTER"] * 2
    assert timers.next_event(v) is None


@pytest.mark.parametrize("flags", [codes.EPR_USER, codes.EPR_KERNEL], ids=["user", "kernel"])
@pytest.mark.parametrize("cpu", ["e500v2", "e500mc"])
def test_external_proxy_gives_the_vector_with_the_delivery(flags: int, cpu: str) -> None:
    v = vcpu(cpu)
    v.ivpr, v.ivor[irqprio.EXTERNAL], v.epr_flags = 0, 0x2000, flags
    load(v, 0x2000, [mfspr(702, 9), BRANCH_SELF])
    s = system(v, [WRTEEI1, BRANCH_SELF])
    vectors = iter([0x2A])
    s.board.proxy_acknowledge = v.mpic_acknowledge = lambda: next(vectors, None)  # type: ignore[method-assign]
    reasons: list[int] = []
    v.trace = lambda name, args: reasons.append(args[0]) if name == "kvm_userspace_exit" else None
    s.input.add(InputKind.CORE_LINE, value=1, position=10)
    s.run(Limits(30))
    assert v.gpr[9] == v.guest_spr("EPR") == 0x2A
    assert reasons == ([codes.KVM_EXIT_EPR] if flags == codes.EPR_USER else [])
    assert v.pending == 1 << irqprio.EXTERNAL_LEVEL


@pytest.mark.parametrize("cpu", ["e500v2", "e500mc"])
def test_a_critical_input_is_the_hosts_and_has_no_handler_there(cpu: str) -> None:
    """It was an external interrupt of the guest's once, as every pin of the core was under KVM."""
    s = system(vcpu(cpu), [BRANCH_SELF])
    s.input.add(InputKind.CORE_LINE, target=1, value=1, position=10)
    stop = s.run(Limits(100))
    assert (stop.kind, stop.position) == (StopKind.CRASH, 10) and "no handler for exit 0" in stop.detail
    assert [line.text for line in s.kvm.host_log.lines] == ["exit_nr 0"]
    s = system(vcpu(cpu), [BRANCH_SELF])
    s.input.add(InputKind.CORE_LINE, target=2, value=1, position=10)
    stop = s.run(Limits(100))
    assert stop.kind is StopKind.CRASH and s.kvm.host_log.lines[0].text == "MACHINE CHECK: 80000000"
