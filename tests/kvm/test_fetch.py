"""How the host reads the instruction that made a guest leave, in HV mode (facts 8.4, H4)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ppcdbg.cpu import interrupts as I
from ppcdbg.kvm import codes, fetch
from ppcdbg.kvm.build import build_system
from ppcdbg.kvm.fetch import INST_FETCH_FAILED, InstructionFetch
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.kvm.vcpu import Vcpu
from ppcdbg.machine.description import describe
from ppcdbg.machine.guests import guest_file
from ppcdbg.machine.system import Limits, StopKind
from tests.kvm.machines import vcpu

WORD = 0x7C7EFBA6
X, R = 0x30, 0x03  # UX SX, UR SR


def reading(how: InstructionFetch, number: int, permissions: int, msr: int = 0x10000000, **off: bool) -> Vcpu:
    """A vcpu that has left its guest by an exit, at an instruction in a page of such permissions."""
    v = vcpu("e500mc", instruction_fetch=how, **off)
    v.host_tlb.write0(0x80000100, 0x1000, 0x2000 | permissions, 0x80000000 | v.vm.host.lpid, None)
    v.core.bus.ram[0x2004:0x2008] = WORD.to_bytes(4, "big")
    fetch.load(v, number, 0x1004, msr)
    return v


@pytest.mark.parametrize("number", [I.DATA_STORAGE, I.DTLB_MISS, I.HV_PRIV])
@pytest.mark.parametrize("how", InstructionFetch)
def test_who_needs_which_permission(how: InstructionFetch, number: int) -> None:
    walks = how is InstructionFetch.WALK
    for permissions, fault in ((X | R, 0), (X, 0 if walks else I.DATA_STORAGE), (R, I.INST_STORAGE if walks else 0)):
        v = reading(how, number, permissions)
        assert (v.fetch_fault, v.last_inst) == (fault, INST_FETCH_FAILED if fault else WORD), hex(permissions)


@pytest.mark.parametrize("how", InstructionFetch)
def test_a_users_page_is_read_as_the_user_may(how: InstructionFetch) -> None:
    walks = how is InstructionFetch.WALK
    assert reading(how, I.DTLB_MISS, 0x20 if walks else 0x02, 0x10004000).fetch_fault == 0
    assert reading(how, I.DTLB_MISS, 0x10 if walks else 0x01, 0x10004000).fetch_fault != 0


def test_what_is_not_in_the_tlb_is_tried_again() -> None:
    for how, fault in ((InstructionFetch.WALK, I.ITLB_MISS), (InstructionFetch.LWEPX, I.DTLB_MISS)):
        v = reading(how, I.HV_PRIV, X | R, 0x10000020)  # the other address space
        assert v.fetch_fault == fault
    v = reading(InstructionFetch.WALK, I.HV_PRIV, X | R, 0x10000020)
    assert fetch.failed(v, lambda v: pytest.fail("handled")) == codes.RESUME_GUEST
    assert not v.host_log.lines


def test_a_page_that_lost_its_execute_permission_meanwhile_is_told_of_in_the_log() -> None:
    v = reading(InstructionFetch.WALK, I.HV_PRIV, R)
    v.pc = 0x1004
    for _ in range(12):
        assert fetch.failed(v, lambda v: pytest.fail("handled")) == codes.RESUME_GUEST
    assert len(v.host_log.lines) == 10
    assert v.host_log.lines[0].text == (
        "kvmppc_load_last_inst: Instruction emulation from guest address 00001004 without execute permission"
    )


def test_a_program_exit_has_its_instruction_where_the_assembly_reads_it() -> None:
    """6.1 looks only for a breakpoint instruction there; the first posting read it at each exit with NEED_EMU."""
    assert reading(InstructionFetch.WALK, I.PROGRAM, X | R).last_inst == INST_FETCH_FAILED
    assert reading(InstructionFetch.LWEPX, I.PROGRAM, X | R).last_inst == WORD
    v = vcpu("e500mc")
    v.guest_debug = codes.GUESTDBG_ENABLE | codes.GUESTDBG_USE_SW_BP
    assert fetch.needed(v, I.PROGRAM) and not fetch.needed(v, I.ITLB_MISS)


RUNS = [("execute-only", how, False) for how in InstructionFetch] + [
    ("execute-only", InstructionFetch.MARKER, True), ("demo", InstructionFetch.LWEPX, False)
]  # fmt: skip


@pytest.mark.parametrize(("guest", "how", "dear_first"), RUNS)
def test_both_engines_leave_the_same_exits(guest: str, how: InstructionFetch, dear_first: bool) -> None:
    quirks = (("fetch_before_dear", not dear_first),)
    machine = replace(describe(guest_file(guest, {})), cpu="e500mc", instruction_fetch=how.value, quirks=quirks)
    seen = []
    for engine in ("reference", "llvm"):
        system = build_system(replace(machine, engine=engine))
        assert isinstance(system, KvmSystem)
        stop = system.run(Limits(200_000))
        v = system.kvm
        lines = [(line.tick, line.text) for line in v.host_log.lines]
        seen.append((stop, list(v.exits), v.stat, lines, system.board.console.text, v.timing.rows()))
    assert seen[0] == seen[1]
    if guest == "demo":
        assert seen[0][0].kind is StopKind.RESET  # its pages may be read
