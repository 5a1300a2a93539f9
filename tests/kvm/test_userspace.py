"""A userspace in Python: payloads, what has happened when it is asked, completion, interrupts, errors, replays."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from ppcdbg.debugger import (
    SPR_STATUS_FAIL,
    DcrExit,
    DebugExit,
    Debugger,
    Ending,
    EprExit,
    HcallExit,
    InputError,
    IntrExit,
    MmioExit,
    ResetExit,
    SprExit,
    StopKind,
    SystemEventExit,
    UnknownExit,
    UsageError,
    UserspaceExit,
    Vmm,
    WatchdogExit,
    open_guest,
)
from ppcdbg.kvm import codes, ioctl
from ppcdbg.kvm.answers import Answer
from ppcdbg.kvm.payloads import PAYLOADS
from ppcdbg.kvm.records import Did
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.kvm.userspace import KvmRun
from ppcdbg.kvm.vcpu import Vcpu
from ppcdbg.kvm.vm import UnknownSpr
from ppcdbg.machine.system import Limits
from ppcdbg.session.pages import Pages
from ppcdbg.session.snapshots import hash_of
from tests.kvm.machines import BRANCH_SELF, ENTRY, NOP, SC, li, lis, mfspr, mtspr, system, vcpu

DEVICE = 0x80000000
LWZ, LWZU, STW, LBZ = (0x80000000, 0x84000000, 0x90000000, 0x88000000)
MFDCR, MTDCR, MFDCRX = 0x7C000286, 0x7C000386, 0x7C000206
UNKNOWN = 976


def dcr(word: int, register: int, number: int) -> int:
    return word | register << 21 | (number & 31) << 16 | number >> 5 << 11


class Seen(Vmm):
    """Answers everything from a table by the class of the exit, and keeps what it was asked, with the registers."""

    def __init__(self, **answers: object) -> None:
        super().__init__()
        self.answers, self.asked = answers, []  # type: list[tuple[UserspaceExit, Regs]]

    def _any(self, exit: UserspaceExit) -> Answer:
        self.asked.append((exit, self.get_regs()))
        given = self.answers.get(type(exit).__name__)
        return given(exit) if callable(given) else given  # type: ignore[no-any-return, return-value]

    on_unknown = on_debug = on_mmio = on_intr = on_dcr = on_internal_error = on_watchdog = _any
    on_epr = on_system_event = on_hcall = on_spr = on_reset = _any


def asked(v: Vcpu, code: list[int], count: int, **answers: object) -> tuple[KvmSystem, Seen]:
    s, vmm = system(v, code), Seen(**answers)
    s.answers.put_in(vmm, (0, 0))
    s.run(Limits(count))
    return s, vmm


# --- payloads --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", PAYLOADS.values(), ids=lambda kind: kind.__name__)
def test_a_payload_goes_through_its_bytes_and_has_the_kernels_fields(kind: type[UserspaceExit]) -> None:
    blank = MmioExit(data=bytes(4), len=4) if kind is MmioExit else kind()
    assert blank.filled(blank.pack()) == blank and len(blank.pack()) == kind.size()
    assert codes.EXIT_REASON_NAMES[kind.REASON] == blank.name
    run = KvmRun(exit_reason=kind.REASON)
    if kind is not MmioExit:
        assert run.left() == blank
    with pytest.raises(ValueError, match="bytes in struct kvm_run"):
        blank.filled(blank.pack() + b"x")


def test_offsets_are_those_of_the_proposal() -> None:
    """sprn 0, data 8, msr 16, is_write 24, status 25 (facts 3.4.1)."""
    union = SprExit(0x134, 0x30000000, 0x1000, True, SPR_STATUS_FAIL).pack()
    assert (len(union), union[7 - 1 : 8], union[12:16], union[22:24], union[24:]) == (
        26, b"\x01\x34", b"\x30\0\0\0", b"\x10\0", b"\x01\x01"
    )  # fmt: skip
    assert str(SprExit(0x134, 0x30000000, 0x1000, True)) == (
        "KVM_EXIT_SPR sprn=0x134 data=0x30000000 msr=0x1000 is_write=1 status=0"
    )


def test_struct_kvm_run_is_put_back() -> None:
    run = KvmRun(exit_reason=codes.KVM_EXIT_SPR, spr=SprExit(1, 2, 3, True, 1), dcr=DcrExit(4, 5, True),
                 hcall=HcallExit(6, 7, (1, 2, 3, 4, 5, 6, 7, 8)), system_event=SystemEventExit(type=2))  # fmt: skip
    other = KvmRun()
    other.restore(run.save())
    assert other == run


# --- what has happened when userspace is asked, and what when it was entered again ------------------------------
def test_mmio_commits_pc_and_update_first_and_the_value_last() -> None:
    """facts 3.4: the update register and pc + 4 stand before userspace acts, the destination behind it (Q22)."""
    code = [lis(3, DEVICE >> 16), LWZU | 4 << 21 | 3 << 16 | 0x10, BRANCH_SELF]
    s, vmm = asked(vcpu(), code, 2, MmioExit=lambda e: replace(e, data=b"\x11\x22\x33\x44"))
    (exit, regs), = vmm.asked  # fmt: skip
    assert exit == MmioExit(DEVICE + 0x10, bytes(4), 4, False)
    assert (regs.pc, regs.gpr[3], regs.gpr[4]) == (ENTRY + 8, DEVICE + 0x10, 0)
    assert s.kvm.gpr[4] == 0x11223344


def test_spr_stands_at_the_instruction_until_it_is_completed() -> None:
    v = vcpu(unknown_spr=UnknownSpr.EXIT)
    s, vmm = asked(v, [li(3, 7), mtspr(UNKNOWN, 3), mfspr(UNKNOWN, 4), BRANCH_SELF], 4,
                   SprExit=lambda e: e if e.is_write else replace(e, data=0x99))  # fmt: skip
    (write, before), (read, later) = vmm.asked
    assert write == SprExit(UNKNOWN, 7, 0, True) and read == SprExit(UNKNOWN, 0, 0, False)
    assert (before.pc, later.pc, later.gpr[4]) == (ENTRY + 4, ENTRY + 8, 0)
    assert (v.gpr[4], s.core.state.pc) == (0x99, ENTRY + 12)


def test_a_failed_spr_takes_a_program_interrupt_at_its_instruction() -> None:
    v = vcpu(unknown_spr=UnknownSpr.EXIT)
    v.ivpr, v.ivor[3] = 0, ENTRY + 16
    s, _ = asked(v, [li(4, 1), NOP, mfspr(UNKNOWN, 4), NOP, BRANCH_SELF], 4,
                 SprExit=lambda e: replace(e, status=SPR_STATUS_FAIL, data=5))  # fmt: skip
    assert (v.guest_spr("SRR0"), v.guest_spr("ESR"), v.gpr[4]) == (ENTRY + 8, 0x08000000, 1)


def test_the_msr_of_the_access_is_in_the_payload_for_checks() -> None:
    """A supervisor's: a user's mfspr of a privileged number is Program (PPR), and no exit to userspace at all."""
    v = vcpu(unknown_spr=UnknownSpr.EXIT)
    _, vmm = asked(v, [mfspr(UNKNOWN, 4), BRANCH_SELF], 1)
    s = system(w := vcpu(unknown_spr=UnknownSpr.EXIT), [mfspr(UNKNOWN, 4), BRANCH_SELF], msr=0x4000)
    w.ivpr, w.ivor[3] = 0, ENTRY + 4
    s.run(Limits(1))
    assert getattr(vmm.asked[0][0], "msr") == 0 and w.guest_spr("ESR") == 0x04000000  # noqa: B009
    assert not any(a.did is Did.USERSPACE for e in w.exits for a in e.actions)


def test_dcr_is_advanced_first_and_read_last() -> None:
    v = vcpu()
    v.vm.dcr = True
    code = [li(3, 7), dcr(MTDCR, 3, 0xC5), dcr(MFDCR, 4, 0xC5), li(5, 0x3F), MFDCRX | 6 << 21 | 5 << 16, BRANCH_SELF]
    s, vmm = asked(v, code, 6, DcrExit=lambda e: e if e.is_write else replace(e, data=0x40 + e.dcrn))
    exits, regs = zip(*vmm.asked, strict=True)
    assert exits == (DcrExit(0xC5, 7, True), DcrExit(0xC5, 0, False), DcrExit(0x3F, 0, False))
    assert [r.pc for r in regs] == [ENTRY + 8, ENTRY + 12, ENTRY + 20] and regs[1].gpr[4] == 0
    assert (v.gpr[4], v.gpr[6], s.position) == (0x105, 0x7F, 6)


def test_without_device_control_registers_the_words_are_illegal() -> None:
    v = vcpu()
    _, vmm = asked(v, [dcr(MFDCR, 4, 0xC5), BRANCH_SELF], 1)
    assert vmm.asked[0][0] == UnknownExit(0xFFFFFFFF << 32 | dcr(MFDCR, 4, 0xC5))


def test_a_hypercall_gets_its_result_and_its_arguments_back() -> None:
    v = vcpu()
    v.vm.hcall_exits = True
    s = system(v, [SC, BRANCH_SELF])
    v.gpr[0], v.gpr[11], v.gpr[3], v.gpr[10] = codes.SC_MAGIC_R0, 0x00010001, 8, 9
    vmm = Seen(HcallExit=lambda e: replace(e, ret=3, args=(11, 12, 13, 14, 15, 16, 17, 18)))
    s.answers.put_in(vmm, (0, 0))
    s.run(Limits(2))
    exit, regs = vmm.asked[0]
    assert exit == HcallExit(0x00010001, 0, (8, 0, 0, 0, 0, 0, 0, 9)) and regs.gpr[3] == 8
    assert [*v.gpr[3:12]] == [3, 11, 12, 13, 14, 15, 16, 17, 18]
    assert [a.note for e in v.exits for a in e.actions if a.did is Did.HYPERCALL] == ["EV_BYTE_CHANNEL_SEND"]


def test_an_unknown_hypercall_that_nobody_has_is_unimplemented_either_way() -> None:
    results = []
    for exits in (True, False):
        v = vcpu()
        v.vm.hcall_exits = exits
        s = system(v, [SC, BRANCH_SELF])
        v.gpr[0], v.gpr[11] = codes.SC_MAGIC_R0, 0x00010001
        s.run(Limits(2))
        results.append((v.gpr[3], v.stat["syscall_exits"], v.hypercalls))
    assert results[0] == results[1] == (codes.EV_UNIMPLEMENTED, 1, {0x00010001: 1})


def test_immediate_exit_completes_and_comes_back_before_the_guest_runs() -> None:
    v = vcpu(unknown_spr=UnknownSpr.EXIT)
    s, vmm = asked(v, [mfspr(UNKNOWN, 4), NOP, BRANCH_SELF], 3,
                   SprExit=lambda e: replace(e, data=0x77, immediate_exit=True))  # fmt: skip
    (spr, before), (intr, after) = vmm.asked
    assert (
        intr == IntrExit()
        and (before.pc, before.gpr[4]) == (ENTRY, 0)
        and (after.pc, after.gpr[4]) == (ENTRY + 4, 0x77)
    )
    assert [a.note for e in v.exits for a in e.actions if a.did is Did.USERSPACE] == ["KVM_EXIT_SPR", "KVM_EXIT_INTR"]
    assert s.position == 3 and not v.run.immediate_exit


def test_userspace_may_interrupt_the_guest_with_its_answer() -> None:
    v = vcpu()
    v.ivpr, v.ivor[16] = 0, ENTRY + 16

    class Device(Vmm):
        def on_mmio(self, exit: MmioExit) -> Answer:
            self.interrupt(codes.KVM_INTERRUPT_SET)
            return exit

    s = system(v, [lis(3, DEVICE >> 16), STW | 3 << 21 | 3 << 16, NOP, NOP, BRANCH_SELF], msr=0x8000)
    s.answers.put_in(Device(), (0, 0))
    s.run(Limits(3))
    assert v.guest_spr("SRR0") == ENTRY + 8 and s.core.state.pc == ENTRY + 16


def test_the_guest_need_not_be_entered_again() -> None:
    v = vcpu(unknown_spr=UnknownSpr.EXIT)
    s, _ = asked(v, [mfspr(UNKNOWN, 4), NOP], 5, SprExit=Ending(StopKind.POWEROFF, "enough"))
    assert s.ended is not None and (s.ended.kind, s.ended.detail) == (StopKind.POWEROFF, "enough")


@pytest.mark.parametrize(("answer", "words"), [
    (lambda e: replace(e, sprn=3), "on_spr changed sprn, which is not userspace's; data and status is"),
    (lambda e: EprExit(3), "on_spr must return the exit that it got"),
    (lambda e: replace(e, data="7"), "on_spr returned data = '7'; it must be like 0"),
    (lambda e: replace(e, status=999), "does not fit into struct kvm_run"),
    (Ending(StopKind.LIMIT, ""), "on_spr ends the guest with limit, which is no end"),
    (lambda e: 1 // 0, "division"),
])  # fmt: skip
def test_what_is_no_answer_ends_the_guest_and_comes_out_of_the_run(answer: object, words: str) -> None:
    v = vcpu(unknown_spr=UnknownSpr.EXIT)
    with pytest.raises((UsageError, ZeroDivisionError), match=words):
        asked(v, [mfspr(UNKNOWN, 4), NOP], 5, SprExit=answer)


def test_registers_are_there_while_an_exit_is_answered_and_no_longer() -> None:
    with pytest.raises(UsageError, match="while an exit is answered"):
        Vmm().get_regs()
    with pytest.raises(UsageError, match="while an exit is answered"):
        Vmm().interrupt()


def test_the_watchdogs_last_expiry_is_userspaces_where_it_asked_for_it() -> None:
    """KVM_CAP_PPC_BOOKE_WATCHDOG and WRC != 0 (facts 4.5): ENW, WIS, and then the exit."""
    for enabled in (True, False):
        v = vcpu()
        if enabled:
            ioctl.enable_cap(v, ioctl.Cap.BOOKE_WATCHDOG)
        code = [lis(3, 0x901A), mtspr(340, 3), lis(4, 4), 0x7C800124, BRANCH_SELF]  # mtmsr r4: MSR[WE]
        s, vmm = asked(v, code, 100, WatchdogExit=Ending(StopKind.RESET, "x"))
        assert [type(exit) for exit, _ in vmm.asked] == ([WatchdogExit] if enabled else [])
        assert s.ended is not None and (s.ended.kind is StopKind.RESET) is enabled


def test_a_machine_of_a_description_has_the_watchdogs_capability() -> None:
    system = open_guest("spr-exits").system
    assert isinstance(system, KvmSystem) and system.kvm.watchdog_enabled


def test_a_breakpoint_instruction_is_userspaces() -> None:
    """Whoever debugs steps over it itself; the built-in userspace debugs nothing, so the guest gets its exception."""
    v = vcpu()
    v.ivpr, v.ivor[3] = 0, ENTRY + 8
    _, vmm = asked(v, [codes.SW_BREAKPOINT, NOP, BRANCH_SELF], 1)
    assert vmm.asked[0][0] == DebugExit(ENTRY, 0) and v.guest_spr("SRR0") == ENTRY


@pytest.mark.parametrize(("how", "exit"), [("reset", ResetExit()), ("system-event", SystemEventExit(type=2))])
def test_the_alternatives_to_an_spr_exit_are_told_behind_the_instruction(how: str, exit: UserspaceExit) -> None:
    guest = open_guest("spr-exits", spr_exits=how)
    vmm = Seen(ResetExit=Ending(StopKind.RESET, "so"), SystemEventExit=Ending(StopKind.RESET, "so"))
    guest.userspace = vmm
    guest.continue_()
    told, regs = vmm.asked[-1]
    assert told == exit and regs.pc == guest.value("reset + 8") and guest.last.stop.detail == "so"


@pytest.mark.parametrize(("options", "words"), [
    ({"user_sprs": "0x134"}, "--user-sprs names DBCR0"),
    ({"user_sprs": "x"}, "must be numbers of SPRs"),
    ({"user_sprs": "976=0x100000000"}, "must be numbers of SPRs"),
    ({"spr_exits": "all", "hv": "none"}, "with --hv none there is no KVM"),
    ({"hcall_exits": "on", "hv": "none"}, "with --hv none there is no KVM"),
    ({"dcr": "on", "cpu": "e500mc"}, "--dcr on is for e500v2"),
    ({"spr_exits": "both"}, "it must be off or all or"),
])  # fmt: skip
def test_what_cannot_be_is_said(options: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        open_guest("spr-exits", **options)  # type: ignore[arg-type]


# --- the bundled guest, recorded -------------------------------------------------------------------------------------
class Board(Vmm):
    """Has SPR 976, and lets everything else pass."""

    def __init__(self) -> None:
        super().__init__()
        self.held, self.calls, self.epr = 0xABCD, 0, []  # type: int, int, list[int]

    def on_spr(self, exit: SprExit) -> Answer:
        self.calls += 1
        if exit.sprn != UNKNOWN:
            return None
        if exit.is_write:
            self.held = exit.data
            return exit
        self.held += 1  # another value each time: a replay that asked again would differ
        return replace(exit, data=self.held)

    def on_epr(self, exit: EprExit) -> Answer:
        self.epr.append(self.get_regs().pc)
        return None

    def on_mmio(self, exit: MmioExit) -> Answer:
        return replace(exit, data=b"\x60") if exit.phys_addr & 0xFFFFF == 0x4505 and not exit.is_write else None

    def on_reset(self, exit: ResetExit) -> Answer:
        return Ending(StopKind.POWEROFF, "the board goes off")

    def on_watchdog(self, exit: WatchdogExit) -> Answer:
        return Ending(StopKind.RESET, "bitten")


OPTIONS = {"unknown_spr": "exit", "irqchip": "user", "spr_exits": "reset"}


def answered(engine: str = "auto") -> tuple[Debugger, Board]:
    guest, board = open_guest("spr-exits", engine=engine, **OPTIONS), Board()  # type: ignore[arg-type]
    guest.userspace = board
    return guest, board


def test_a_guest_with_a_userspace_of_ones_own() -> None:
    guest, board = answered()
    stop = guest.continue_()
    assert "unknown SPR: 0000abce is read, and 00005688 after 5678 was written" in guest.console()
    assert board.epr == [guest.symbols.address("external")] and "EPR: vector 42, and read again 42" in guest.console()
    assert stop.stop.detail == "the board goes off"
    exit = next(e for e in guest.exits if any(a.note == "KVM_EXIT_EPR" for a in e.actions))
    assert [str(a.left) for a in exit.actions if a.did is Did.USERSPACE] == ["KVM_EXIT_EPR epr=0x2a"]


def everything(guest: Debugger) -> tuple[object, ...]:
    system = guest.system
    assert isinstance(system, KvmSystem)
    return (*system.kvm.exits,), guest.console(), hash_of(system.save(), Pages(system).total()), system.ended


def test_both_engines_ask_the_same_and_do_the_same() -> None:
    first, second = answered("reference"), answered("llvm")
    both = answered("lockstep")
    for guest, _ in (first, second, both):
        guest.continue_()
    assert both[0].console() == first[0].console()
    assert everything(first[0]) == everything(second[0]) and first[1].calls == second[1].calls


@pytest.mark.parametrize("engine", ["reference", "llvm"])
def test_a_recording_holds_the_answers_and_asks_nobody(engine: str, tmp_path: Path) -> None:
    guest, _ = answered()
    guest.execute(f"record {tmp_path / 'x.ppcdbg'}")
    guest.continue_()
    guest.execute("record stop")
    again = open_guest(tmp_path / "x.ppcdbg", engine=engine)
    late = Board()
    again.userspace = late  # of what was recorded nobody is asked
    again.continue_()
    assert everything(guest) == everything(again) and late.calls == 0


@pytest.mark.parametrize(("change", "words"), [
    ("name = 'nowhere x'", "is damaged"), ("data = x'00'", ""), ("data = CAST(data || x'00' AS BLOB)", ""),
    ("target = 99", ""), ("value = 77", ""), ("data = zeroblob(4000)", ""), ("position = position + 1", ""),
])  # fmt: skip
def test_answers_that_somebody_has_changed_are_refused_or_are_to_no_question(
    change: str, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "x.ppcdbg"
    guest, _ = answered()
    guest.execute(f"record {path}")
    guest.continue_()
    guest.execute("record stop")
    with closing(sqlite3.connect(path)) as changed, changed:
        changed.execute(f"UPDATE input SET {change} WHERE kind = 'answer' AND number % 3 = 0")
    try:
        again = open_guest(path)
        again.continue_(20_000)
    except InputError as error:
        assert words and words in str(error)
        return
    assert not words and again.position > 0


def test_going_back_asks_nobody_and_another_future_does() -> None:
    guest, board = answered()
    guest.continue_()
    calls, before = board.calls, everything(guest)
    guest.execute("seek 10")
    guest.continue_()
    assert (board.calls, everything(guest)) == (calls, before)
    guest.execute("seek 10")
    guest.run_until("unknown")
    guest.set_register("pc", guest.pc + 4)  # one instruction less: every exit is at another position from here on
    guest.continue_()
    assert board.calls == 2 * calls and "unknown SPR: 00005689 is read" in guest.console()


def test_another_future_gets_the_same_answers_as_long_as_it_asks_the_same() -> None:
    guest, board = answered()
    guest.run_until("interrupts")
    calls = board.calls
    apart = guest.what_if("set $r30 = 5", at="10", until="insn wrteei")
    assert apart.flow is not None and apart.flow.position is None
    assert (apart.exits, apart.console, board.calls) == (None, None, calls)


def test_no_userspace_is_asked_of_what_was_before_it() -> None:
    guest = open_guest("spr-exits", **OPTIONS)  # type: ignore[arg-type]
    guest.run_until("debug")
    assert "a program interrupt" in guest.console()
    board = Board()
    guest.userspace = board
    guest.execute("seek 10")
    guest.continue_()
    assert "unknown SPR: a program interrupt" in guest.console() and board.calls == 0 and board.epr


def test_the_input_is_told_in_words() -> None:
    guest, _ = answered()
    guest.run_until("debug")
    rows = [str(row[-1]) for row in guest.execute("info input").rows]  # type: ignore[attr-defined]
    assert "userspace answers KVM_EXIT_SPR: sprn=0x3d0 data=0xabce msr=0x1000 is_write=0 status=0" in rows
    assert any(row.endswith("(left to the built-in userspace)") for row in rows)


def test_breakpoints_filters_and_the_past_know_exits_to_userspace() -> None:
    guest, _ = answered()
    guest.execute("break userspace SPR after if is_write && data == 0x5678")
    stop = guest.continue_()
    fields = dict(stop.fields)
    assert (fields["exit_reason"], fields["sprn"], fields["msr"]) == ("KVM_EXIT_SPR", UNKNOWN, 0x1000)
    assert guest.read(guest.pc - 4, 4) == mtspr(UNKNOWN, 3).to_bytes(4, "big")
    guest.execute("delete 1")
    guest.continue_()
    found = guest.exit_filter("exit_reason == KVM_EXIT_SPR and sprn == 976")
    assert len(found) == 18 and len(guest.exit_filter("exit_reason == KVM_EXIT_EPR")) == 1
    assert len(guest.exit_filter("did == userspace")) == 20
    assert guest.execute("last userspace epr") and guest.pc == guest.symbols.address("external")
    with pytest.raises(UsageError, match="did you mean SPR"):
        guest.execute("break userspace SPRS")
    with pytest.raises(UsageError, match="bare machine has no exits"):
        open_guest("spr-exits", hv="none").execute("break userspace")


def test_the_table_tells_who_answers_and_who_has_what() -> None:
    guest, _ = answered()
    guest.continue_()
    exits, rules = guest.execute("info userspace")  # type: ignore[misc]
    rows = {row[0]: row[1:] for row in exits.rows}
    assert rows["KVM_EXIT_SPR"][:2] == (18, "Board") and rows["KVM_EXIT_EPR"][:2] == (1, "Board")
    assert rows["KVM_EXIT_RESET"] == (1, "Board", f"exit {len(guest.exits) - 1}", "-")
    by = {row[0]: row[1] for row in rules.rows}
    assert by["DBCR0"] == "KVM's; RST: KVM_EXIT_RESET" and by["in place of the built-in one"] == "Board"
    mmio = sum(1 for e in guest.exits if "HOST" in e.resume and any(a.did is Did.MMIO for a in e.actions))
    assert rows["KVM_EXIT_MMIO"][0] == mmio


def test_counts_are_the_same_where_compiled_code_handles_exits() -> None:
    tables = []
    for engine in ("reference", "llvm"):
        guest = open_guest("demo", engine=engine)
        guest.continue_()
        tables.append(guest.execute("info userspace"))
    assert tables[0] == tables[1]


def test_the_bare_machine_has_no_userspace() -> None:
    with pytest.raises(UsageError, match="no exits"):
        open_guest("spr-exits", hv="none").userspace = Vmm()
