"""Debugging a guest through KVM_SET_GUEST_DEBUG, and the debug registers and counters that a guest has for itself.

The real KVM is asked where QEMU's core, on which the oracle ran, has the event: instruction complete, branch taken and
software breakpoints (tests/conform, guests h, m and o). IAC and DAC it has not: they are held to the kernel's own
sentences (arch/powerpc/kvm/booke.c, kvm_arch_vcpu_ioctl_set_guest_debug and kvmppc_handle_debug; facts 3.6).
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ppcdbg.cpu import msr as M
from ppcdbg.isa import slots
from ppcdbg.kvm import codes, ioctl
from ppcdbg.kvm.records import ExitRecord
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.kvm.userspace import Ending
from ppcdbg.kvm.vcpu import Vcpu
from ppcdbg.machine.system import Limits, StopKind
from tests.cpu.rig import asm
from tests.kvm.machines import BRANCH_SELF, ENTRY, NOP, SC, li, load, mfspr, mtspr, system, vcpu

ENABLE, STEP, HW, SW = (
    codes.GUESTDBG_ENABLE, codes.GUESTDBG_ENABLE | codes.GUESTDBG_SINGLESTEP,
    codes.GUESTDBG_ENABLE | codes.GUESTDBG_USE_HW_BP, codes.GUESTDBG_ENABLE | codes.GUESTDBG_USE_SW_BP,
)  # fmt: skip
BREAKPOINT, WATCH_WRITE, WATCH_READ = 2, 4, 8
LWZ, STW = asm("lwz", RT=5, RA0=3, D=0), asm("stw", RS=5, RA0=3, D=0)
DATA = 0x2000
cores = pytest.mark.parametrize("cpu", ["e500v2", "e500mc"])


class Gdb:
    """A userspace that debugs its guest: notes the payload of each exit, then does what it is told to."""

    def __init__(self, then: Callable[[Vcpu], None] = lambda v: None, most: int = 8) -> None:
        self.seen: list[tuple[int, int]] = []
        self._then, self._most = then, most

    def save(self) -> dict[str, object]:
        return {}

    def restore(self, state: object) -> None:
        pass

    def handle(self, v: Vcpu) -> Ending | None:
        assert v.run.exit_reason == codes.KVM_EXIT_DEBUG
        self.seen.append((v.run.debug_address, v.run.debug_status))
        self._then(v)
        return Ending(StopKind.LIMIT, "seen enough") if len(self.seen) >= self._most else None


def debugged(cpu: str, code: list[int], control: int, points: tuple[tuple[int, int], ...], gdb: Gdb) -> KvmSystem:
    """A guest in supervisor mode whose userspace debugs it from the beginning; it has put the registers, as QEMU does,
    whereby a step takes effect."""
    v = vcpu(cpu)
    s = system(v, code, gdb, msr=M.MSR_ME)  # type: ignore[arg-type]
    v.gpr[3] = DATA
    assert ioctl.set_guest_debug(v, control, points) == 0
    ioctl.set_regs(v, ENTRY, M.MSR_ME)
    return s


def let_go(v: Vcpu) -> None:
    ioctl.set_guest_debug(v, 0)


@cores
def test_single_steps_give_the_next_address(cpu: str) -> None:
    gdb = Gdb(most=4)
    debugged(cpu, [NOP, asm("b", LI=2), NOP, NOP, NOP, BRANCH_SELF], STEP, (), gdb).run(Limits(100))
    assert gdb.seen == [(ENTRY + offset, 0) for offset in (4, 12, 16, 20)]


@cores
def test_a_hardware_breakpoint_stops_before_its_instruction(cpu: str) -> None:
    gdb = Gdb(let_go, most=1)
    s = debugged(cpu, [NOP, li(4, 7), BRANCH_SELF], HW, ((ENTRY + 4, BREAKPOINT),), gdb)
    s.run(Limits(100))
    assert gdb.seen == [(ENTRY + 4, BREAKPOINT)]
    assert (s.kvm.pc, s.kvm.gpr[4]) == (ENTRY + 4, 0)


@cores
@pytest.mark.parametrize(
    ("word", "kind", "status"),
    [(LWZ, WATCH_READ, WATCH_READ), (STW, WATCH_WRITE, WATCH_WRITE), (LWZ, WATCH_WRITE, None), (STW, WATCH_READ, None)],
)
def test_a_watchpoint_gives_the_address_that_is_watched(cpu: str, word: int, kind: int, status: int | None) -> None:
    gdb = Gdb(let_go, most=1)
    debugged(cpu, [NOP, word, BRANCH_SELF], HW, ((0x9999000, kind), (DATA, kind)), gdb).run(Limits(100))
    assert gdb.seen == ([] if status is None else [(DATA, status)])


@cores
def test_a_software_breakpoint_is_an_instruction_of_the_guests(cpu: str) -> None:
    """KVMPPC_INST_SW_BREAKPOINT; userspace puts the guest's own word back and lets it go on."""

    def put_back(v: Vcpu) -> None:
        load(v, ENTRY + 4, [li(4, 7)])
        s.engine.code_changed(ENTRY + 4, 4)

    gdb = Gdb(put_back, most=2)
    s = debugged(cpu, [NOP, codes.SW_BREAKPOINT, BRANCH_SELF], SW, (), gdb)
    s.run(Limits(20))
    assert gdb.seen == [(ENTRY + 4, 0)]
    assert s.kvm.gpr[4] == 7


@cores
def test_the_guests_own_registers_are_out_of_reach_meanwhile(cpu: str) -> None:
    gdb = Gdb(let_go, most=1)
    code = [li(4, 0), mtspr(308, 4), mtspr(312, 4), mfspr(308, 5), NOP, BRANCH_SELF]
    s = debugged(cpu, code, HW, ((ENTRY + 16, BREAKPOINT),), gdb)
    s.run(Limits(100))
    assert gdb.seen == [(ENTRY + 16, BREAKPOINT)], "DBCR0 and IAC1 were written in vain"
    assert s.kvm.gpr[5] & M.DBCR0_EDM


def test_a_step_over_sc_lands_in_the_guests_handler_on_e500mc() -> None:
    """sc is complete although it interrupts (e500 RM 8.4.5), and in HV mode goes to the guest without an exit."""
    gdb = Gdb(most=2)
    s = debugged("e500mc", [NOP, SC, NOP], STEP, (), gdb)
    s.kvm.core.write_spr("GIVPR", 0x10000)
    s.kvm.core.write_spr("GIVOR8", 0x800)
    s.run(Limits(100))
    assert gdb.seen == [(ENTRY + 4, 0), (0x10800, 0)]


def test_pr_mode_watches_only_the_guest() -> None:
    """DBCR1 and DBCR2 ask for MSR[PR]=1, which the guest always has and the host never."""
    for cpu, dbcr1, dbcr2 in (("e500v2", 0xCC00CC00, 0xCC000000), ("e500mc", 0, 0)):
        v = vcpu(cpu)
        ioctl.set_guest_debug(v, HW, ((ENTRY, BREAKPOINT),))
        assert (v.debug.dbcr1, v.debug.dbcr2) == (dbcr1, dbcr2)


# --- the guest's own ---
def debug_exits(s: KvmSystem) -> list[ExitRecord]:
    s.run(Limits(12))
    return [r for r in s.kvm.exits if r.vector == 15]


@pytest.mark.parametrize(("us", "er", "seen"), [(0, 0, True), (2, 0, False), (3, 0, True), (0, 2, False), (0, 3, True)])
def test_a_guest_in_pr_mode_selects_by_the_hosts_bits(us: int, er: int, seen: bool) -> None:
    """The hardware has the guest's DBCR1, but runs it with MSR[PR,IS,DS] = 1 (facts 1.2): a breakpoint for its own
    supervisor state, or for address space 0, never comes."""
    v = vcpu()
    s = system(v, [NOP, NOP, NOP, BRANCH_SELF])
    v.debug.dbcr0, v.debug.dbcr1, v.debug.iac1 = M.DBCR0_IDM | M.DBCR0_IAC1, us << 30 | er << 28, ENTRY + 8
    ioctl.set_regs(v, ENTRY, M.MSR_DE | M.MSR_ME)
    assert bool(debug_exits(s)) is seen


def test_a_guest_in_hv_mode_selects_by_its_own() -> None:
    for us, user, seen in ((2, 0, True), (3, 0, False), (3, 1, True), (2, 1, False)):
        v = vcpu("e500mc")
        s = system(v, [NOP, NOP, NOP, BRANCH_SELF])
        v.debug.dbcr0, v.debug.dbcr1, v.debug.iac1 = M.DBCR0_IDM | M.DBCR0_IAC1, us << 30, ENTRY + 8
        ioctl.set_regs(v, ENTRY, M.MSR_DE | M.MSR_ME | user * M.MSR_PR)
        assert bool(debug_exits(s)) is seen


# --- performance monitor ---
def pmr(name: str, number: int) -> int:
    field = (number & 31) << 5 | number >> 5
    return asm(name, SPR=field, **({"RT": 4} if name == "mfpmr" else {"RS": 4}))


PMGC0, PMC0, UPMC0 = 400, 16, 0


@cores
@pytest.mark.parametrize("word", [pmr("mfpmr", PMC0), pmr("mtpmr", PMC0), pmr("mfpmr", PMGC0), pmr("mtpmr", PMGC0)])
def test_the_guests_kernel_has_no_performance_monitor(cpu: str, word: int) -> None:
    """KVM 6.1 emulates none of it (no PMR in arch/powerpc/kvm): in PR mode the move is privileged, in HV mode
    MSRP[PMMP] makes it trap, and either ends as a failed emulation, Program (PIL)."""
    v = vcpu(cpu)
    s = system(v, [NOP, word, BRANCH_SELF])
    s.run(Limits(4))
    left = next(r for r in s.kvm.exits if r.pc == ENTRY + 4)
    assert left.vector == (41 if cpu == "e500mc" else 6)
    assert v.guest_spr("ESR") == M.ESR_PIL


@cores
def test_a_user_reads_the_hosts_counter_or_zero(cpu: str) -> None:
    """In PR mode the hardware lets it read what the host counts; in HV mode MSRP[PMMP] makes it zero (facts 1.3)."""
    v = vcpu(cpu)
    s = system(v, [pmr("mfpmr", UPMC0), BRANCH_SELF], msr=M.MSR_PR | M.MSR_ME)
    s.kvm.gpr[4] = 0x5555
    v.core.state.reg[slots.PMRS[PMC0]] = 1234
    s.run(Limits(3))
    assert v.gpr[4] == (0 if cpu == "e500mc" else 1234)
