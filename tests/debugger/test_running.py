"""Steps, runs and breakpoints on small guests whose every instruction is known."""

from __future__ import annotations

import threading
import time

import pytest

from ppcdbg.cpu import msr as M
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.events import Event, EventKind, Verb
from ppcdbg.debugger.stops import Cause
from ppcdbg.errors import UsageError
from ppcdbg.machine.system import StopKind
from tests.debugger.rig import BLR, ENTRY, NOP, RFI, SC, SPIN, addi, branch, debugger, elf, li, lwz, put, stw

HANDLER = 0x2000


def with_handler(d: Debugger, vector: str, *words: int) -> Debugger:
    """A handler for one interrupt at HANDLER."""
    d.core.write_spr("IVPR", 0)
    d.core.write_spr(vector, HANDLER)
    put(d, HANDLER, *words)
    return d


def test_step_is_one_instruction_and_reports_what_changed() -> None:
    d = debugger(li(3, 7), addi(3, 3, 1), SPIN)
    report = d.step()
    assert (report.pc, report.position, report.cause) == (ENTRY + 4, 1, Cause.STEP)
    assert {(c.name, c.before, c.after) for c in report.changed} == {("r3", 0, 7), ("pc", ENTRY, ENTRY + 4)}
    report = d.step(2)
    assert (report.pc, report.position) == (ENTRY + 8, 3)
    assert d.register("r3").value == 8 and d.register("r3").changed


def test_step_runs_a_fault_handler_to_its_end() -> None:
    d = with_handler(
        debugger(lwz(4, 0, 5), li(6, 1), SPIN),
        "IVOR13",
        li(5, ENTRY),  # mend the address that missed
        RFI,
    )
    d.core.state.gpr[5] = 0xF0000000
    report = d.step()
    assert (report.pc, report.cause) == (ENTRY + 4, Cause.STEP)
    assert report.position == 3, "two instructions of the handler and the load"
    assert d.register("r4").value == lwz(4, 0, 5)


def test_step_into_interrupts_stops_at_the_handler() -> None:
    d = with_handler(debugger(lwz(4, 0, 5), SPIN), "IVOR13", li(5, ENTRY), RFI)
    d.core.state.gpr[5] = 0xF0000000
    report = d.step(into_interrupts=True)
    assert report.pc == HANDLER
    assert report.position == 0


def test_step_passes_a_handler_that_emulates_and_returns_behind_the_instruction() -> None:
    d = with_handler(debugger(lwz(4, 0, 5), li(6, 1), SPIN), "IVOR13", *advance_and_return())
    d.core.state.gpr[5] = 0xF0000000
    report = d.step()
    assert (report.pc, report.cause) == (ENTRY + 4, Cause.STEP)


def advance_and_return() -> tuple[int, ...]:
    """mfspr r7,SRR0; addi r7,r7,4; mtspr SRR0,r7; rfi"""
    return (0x7CFA02A6, addi(7, 7, 4), 0x7CFA03A6, RFI)


def test_a_handler_that_never_returns_ends_the_step_within_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ppcdbg.debugger.steps.HANDLER_BUDGET", 1000)
    d = with_handler(debugger(lwz(4, 0, 5), SPIN), "IVOR13", SPIN)
    d.core.state.gpr[5] = 0xF0000000
    report = d.step()
    assert (report.pc, report.cause, report.position) == (HANDLER, Cause.SKIPPED, 1000)


def test_step_passes_a_timer_interrupt() -> None:
    d = with_handler(debugger(NOP, branch(-4)), "IVOR10", li(8, 1), *clear_decrementer(), RFI)
    d.core.write_spr("TCR", M.TCR_DIE)
    d.core.write_spr("DEC", 5)
    d.core.set_msr(M.MSR_EE)
    pcs = [d.step().pc for _ in range(12)]
    assert pcs == [ENTRY + 4, ENTRY] * 6, "the steps see the loop alone"
    assert d.register("r8").value == 1, "and the handler did run"
    assert d.position > 12


def clear_decrementer() -> tuple[int, ...]:
    """lis r9,TSR[DIS]; mtspr TSR,r9"""
    return (0x3D200800, 0x7D3053A6 & 0xFFE007FF | (336 & 31) << 16 | (336 >> 5) << 11)


def test_sc_is_stepped_into_and_next_passes_it() -> None:
    guest = (SC, li(6, 1), SPIN)
    d = with_handler(debugger(*guest), "IVOR8", li(5, 1), RFI)
    assert d.step().pc == HANDLER
    d = with_handler(debugger(*guest), "IVOR8", li(5, 1), RFI)
    assert d.next().pc == ENTRY + 4
    assert d.register("r5").value == 1


CALL = (
    branch(12, link=True),  # bl function
    NOP,
    SPIN,
    0x9421FFF0,  # function: stwu r1,-16(r1)
    0x7C0802A6,  # mflr r0
    stw(0, 20, 1),
    branch(24, link=True),  # bl leaf
    lwz(0, 20, 1),
    0x7C0803A6,  # mtlr r0
    addi(1, 1, 16),
    BLR,
    NOP,
    li(3, 5),  # leaf
    BLR,
)


def with_stack(*words: int) -> Debugger:
    d = debugger(*words)
    d.core.state.gpr[1] = 0x3800
    return d


def test_next_passes_a_call_and_finish_leaves_functions() -> None:
    d = with_stack(*CALL)
    assert d.next().pc == ENTRY + 4
    d = with_stack(*CALL)
    d.run_until(ENTRY + 4 * 12)
    assert d.finish().pc == ENTRY + 4 * 7, "from a leaf to LR"
    assert d.finish().pc == ENTRY + 4, "from a frame to the saved LR"
    assert d.position == 11


def test_past_loop() -> None:
    d = debugger(li(3, 50), 0x3463FFFF, 0x4082FFFC, li(4, 1), SPIN)
    d.step(2)
    d.execute("until")
    assert d.pc == ENTRY + 12 and d.register("r3").value == 0


LOOP = (li(3, 0), addi(3, 3, 1), branch(-4))


def test_breakpoint_with_condition_ignore_and_count() -> None:
    d = debugger(*LOOP)
    b = d.execute(f"break *{ENTRY + 8:#x} if $r3 % 3 == 0")
    report = d.continue_()
    assert (report.cause, report.breakpoints, d.register("r3").value) == (Cause.BREAKPOINT, (b.number,), 3)
    d.execute(f"ignore {b.number} 2")
    d.continue_()
    assert d.register("r3").value == 12
    assert d.breakpoints.get(b.number).hits == 4
    d.execute(f"disable {b.number}")
    assert d.continue_(d.position + 100).position == d.position
    assert d.breakpoints.get(b.number).hits == 4


def test_continue_with_a_number_passes_hits() -> None:
    d = debugger(*LOOP)
    d.execute(f"break *{ENTRY + 8:#x}")
    d.execute("continue")
    d.execute("continue 5")
    assert d.register("r3").value == 6


def test_temporary_breakpoint_goes_away() -> None:
    d = debugger(*LOOP)
    d.execute(f"tbreak *{ENTRY + 8:#x}")
    report = d.continue_()
    assert report.told == (f"temporary breakpoint 1, {ENTRY + 8:#x}",)
    assert len(d.breakpoints) == 0


def test_a_condition_that_cannot_be_read_stops_and_says_so() -> None:
    d = debugger(*LOOP)
    b = d.execute(f"break *{ENTRY + 8:#x} if *0xf0000000 == 1")
    report = d.continue_()
    assert report.breakpoints == (b.number,)
    assert "cannot read 4 bytes at 0xf0000000: no TLB entry" in d.breakpoints.get(b.number).error


def test_trace_logs_and_goes_on() -> None:
    d = debugger(*LOOP)
    d.execute(f"trace *{ENTRY + 8:#x} if $r3 <= 4")
    report = d.continue_(60)
    assert report.position == 60
    assert [t.position for t in report.traces] == [2, 4, 6, 8]


def test_breakpoint_hit_by_a_step_is_reported_once() -> None:
    d = debugger(*LOOP)
    b = d.execute(f"break *{ENTRY + 4:#x}")
    assert d.step().breakpoints == (b.number,)
    report = d.continue_()
    assert (report.position, d.breakpoints.get(b.number).hits) == (3, 2)


def test_wait_for_passes_other_breakpoints_and_run_until_does_not() -> None:
    d = debugger(*LOOP)
    other = d.execute(f"break *{ENTRY + 4:#x} if $r3 == 2")
    where = Event(EventKind.ADDRESS, "", ENTRY + 8)
    report = d.run_to_event(Verb.RUN_UNTIL, where, "$r3 == 5")
    assert report.breakpoints == (other.number,)
    d = debugger(*LOOP)
    d.execute(f"break *{ENTRY + 4:#x} if $r3 == 2")
    report = d.run_to_event(Verb.WAIT_FOR, where, "$r3 == 5")
    assert (report.cause, d.register("r3").value, len(d.breakpoints)) == (Cause.UNTIL, 5, 1)


def test_break_on_console_text() -> None:
    """The guest prints A, B, C ... for ever."""
    d = debugger(li(3, 0x40), addi(3, 3, 1), 0x98640000, branch(-8))  # stb r3,0(r4)
    d.core.tlb.write(513, 0x80000000 | 1 << 8, 0xF0000000 | 0xA, 0xE0004000 | 0x3F, 0xF)
    d.core.state.gpr[4] = 0xF0000500
    d.system.engine.translations_changed()
    report = d.execute('run-until console "EFG"')
    assert report.cause is Cause.UNTIL
    assert "EFG" in d.console()


def test_events_on_exits_are_refused_on_the_bare_machine() -> None:
    d = debugger(*LOOP)
    for line in ("break exit DTLB_MISS", "trace queued", "step-exit", "exits", "info irqprio"):
        with pytest.raises(UsageError, match="bare machine"):
            d.execute(line)


def test_interrupt_from_another_thread_ends_a_run_at_once() -> None:
    d = debugger(*LOOP)
    asked: list[float] = []

    def press() -> None:
        asked.append(time.monotonic())
        d.interrupt()

    timer = threading.Timer(0.3, press)
    timer.start()
    report = d.continue_()
    late = time.monotonic() - asked[0]
    assert report.cause is Cause.INTERRUPTED
    assert late < 1.0, "200 ms is the promise; a loaded machine gets some more"
    assert d.step().cause is Cause.STEP, "the interrupt was for that run only"


def test_interrupts_at_any_moment_leave_an_exact_state() -> None:
    """However a run is cut, the guest goes through the same states."""
    d = debugger(*LOOP)
    for delay in (0.0, 0.001, 0.01, 0.03):
        threading.Timer(delay, d.interrupt).start()
        report = d.continue_()
        assert report.cause is Cause.INTERRUPTED
        turns = report.position // 2 if report.position else 0
        assert d.register("r3").value == (report.position // 2 if report.position % 2 == 0 else turns)


def test_final_stop_stays() -> None:
    d = debugger(0x3C600004, 0x7C600124, SPIN)  # mtmsr WE with nothing to wake it
    report = d.continue_()
    assert (report.cause, report.stop.kind) == (Cause.ENDED, StopKind.IDLE)
    assert d.continue_().stop.kind is StopKind.IDLE
    with pytest.raises(UsageError, match="the guest has ended"):
        d.execute("set $r3 = 1")


def test_writes_go_through_the_input_queue_and_code_is_seen() -> None:
    d = debugger(*LOOP)
    taken = []
    d.system.input.taken = taken.append
    d.step(3)
    d.execute(f"set var *(u32*){ENTRY + 8:#x} = {NOP:#x}")
    d.execute("set $r3 = 100")
    assert [e.kind.value for e in taken] == ["memory", "register"]
    assert [e.position for e in taken] == [3, 3]
    d.step(2)
    assert d.pc == ENTRY + 12


def test_symbols_in_places(tmp_path) -> None:
    image = elf([("main", ENTRY, 12, True), ("loop", ENTRY + 4, 8, True)], tmp_path / "g.elf")
    d = debugger(*LOOP, image=image)
    assert d.execute("advance loop").pc == ENTRY + 4
    assert d.execute("tbreak loop+4").event.address == ENTRY + 8
    with pytest.raises(UsageError, match="did you mean loop"):
        d.execute("break lop")


def test_a_step_sees_that_the_code_below_it_was_changed() -> None:
    """Pages of code are remembered from step to step, but not over a debugger's write."""
    d = debugger(li(3, 1), li(3, 2), li(3, 3), SC, SPIN)
    with_handler(d, "IVOR8", SPIN)
    d.step()
    d.writer.memory(ENTRY + 4, SC.to_bytes(4, "big"))
    assert d.step().pc == HANDLER  # a plain instruction's handler would have been let return, for ever
