"""The run loop: limits, final stops, breakpoints, input, idle time, two machines at once."""

from __future__ import annotations

import pytest

from ppcdbg.cpu import msr as M
from ppcdbg.cpu.core import Core
from ppcdbg.cpu.models import CORES
from ppcdbg.engine.reference.engine import ReferenceEngine
from ppcdbg.machine.board import Board
from ppcdbg.machine.boot import boot_state
from ppcdbg.machine.input import InputKind, InputQueue
from ppcdbg.machine.machine import Machine
from ppcdbg.machine.system import Limits, StopKind
from tests.cpu.rig import asm, spr_field

ENTRY = 0x1000
NOP, SPIN = 0x60000000, 0x48000000


class Parts:
    """What a clock needs to know before there is a core."""

    core: Core


def machine(*words: int, cpu: str = "e500v2") -> Machine:
    parts = Parts()
    board = Board(64 << 20, lambda: parts.core.now, cpu, lambda: parts.core.retired)
    parts.core = core = Core(CORES[cpu], board.bus)
    it = Machine(core, ReferenceEngine(core), board, InputQueue(lambda: core.retired))
    board.bus.ram[ENTRY : ENTRY + 4 * len(words)] = b"".join(w.to_bytes(4, "big") for w in words)
    it.boot(boot_state(ENTRY, None))
    return it


def test_limit_is_exact_and_running_on_continues():
    it = machine(NOP, NOP, 0x4BFFFFF8)
    for position in (1, 2, 7, 100, 100):
        stop = it.run(Limits(position))
        assert (stop.kind, stop.position) == (StopKind.LIMIT, position)
        assert stop.pc == ENTRY + 4 * (position % 3)


def test_breakpoint_stops_before_and_resumes_over_it():
    it = machine(NOP, NOP, 0x4BFFFFF8)
    limits = Limits(1000, frozenset({ENTRY + 4}))
    positions = [it.run(limits).position for _ in range(4)]
    assert positions == [1, 4, 7, 10]


def test_breakpoint_is_seen_after_a_timer_cut_the_run():
    it = machine(NOP, NOP, NOP, 0x4BFFFFF4)
    it.core.write_spr("DEC", 5)
    stop = it.run(Limits(1000, frozenset({ENTRY + 4})))
    assert stop.position == 1
    stop = it.run(Limits(1000, frozenset({ENTRY + 4})))
    assert (stop.kind, stop.position) == (StopKind.BREAKPOINT, 5), "the timer's tick is the breakpoint's position"


def test_decrementer_interrupts_at_its_tick():
    it = machine(NOP, 0x4BFFFFFC)
    core = it.core
    core.write_spr("IVPR", 0)
    core.write_spr("IVOR10", 0x1800)
    it.board.bus.ram[0x1800:0x1804] = SPIN.to_bytes(4, "big")
    core.write_spr("TCR", M.TCR_DIE)
    core.write_spr("DEC", 50)
    core.set_msr(M.MSR_EE)
    stop = it.run(Limits(60))
    assert stop.pc == 0x1800 and core.read_spr("SRR0") == ENTRY


def test_idle_time_is_skipped_not_run():
    it = machine(asm("mtmsr", RS=3), NOP, SPIN)
    core = it.core
    core.write_spr("IVPR", 0)
    core.write_spr("IVOR10", 0x1800)
    it.board.bus.ram[0x1800:0x1804] = SPIN.to_bytes(4, "big")
    core.state.gpr[3] = M.MSR_WE | M.MSR_EE
    core.write_spr("TCR", M.TCR_DIE)
    core.write_spr("DEC", 1_000_000)
    it.run(Limits(3))
    assert core.now >= 1_000_000 and core.retired == 3 and core.state.pc == 0x1800


def test_waiting_for_nothing_ends_the_run():
    it = machine(asm("mtmsr", RS=3))
    it.core.state.gpr[3] = M.MSR_WE
    stop = it.run(Limits(1000))
    assert stop.kind is StopKind.IDLE and "wake" in stop.detail
    assert it.run(Limits(2000)) is stop, "a final stop stays"


def test_a_guest_that_jumps_into_nothing_is_named():
    it = machine(asm("bcctr", BO=20, BI=0, LK=0))
    it.core.write_spr("CTR", 0x7000_0000)
    it.core.write_spr("IVPR", 0x6000_0000)
    stop = it.run(Limits(1000))
    assert stop.kind is StopKind.STUCK and "ITLB_MISS" in stop.detail


def test_reset_through_the_watchdog():
    it = machine(SPIN)
    it.core.write_spr("TCR", 0xC0000000 | M.TCR_WPEXT | 0x10000000)
    stop = it.run(Limits(1000))
    assert stop.kind is StopKind.RESET and "watchdog" in stop.detail and stop.position < 20


def test_interrupted_is_asked_and_the_position_is_exact():
    it = machine(SPIN)
    asked = []

    def interrupted() -> bool:
        asked.append(it.position)
        return len(asked) == 3

    it.slice = 500
    stop = it.run(Limits(1 << 40, interrupted=interrupted))
    assert (stop.kind, stop.position, asked) == (StopKind.INTERRUPTED, 1000, [0, 500, 1000])


@pytest.mark.parametrize("at", [1, 17, 18])
def test_input_happens_before_the_instruction_at_its_position(at):
    it = machine(asm("mfspr", RT=4, SPR=spr_field(268)), 0x4BFFFFFC)
    it.input.add(InputKind.REGISTER, name="r9", value=7, position=at)
    it.run(Limits(at - 1))
    before = it.core.state.gpr[9]
    it.run(Limits(at))
    assert (before, it.core.state.gpr[9]) == (0, 7)


def test_two_machines_in_one_process_do_not_disturb_each_other():
    loop = (asm("addi", RT=3, RA0=3, SI=1), asm("stw", RS=3, RA0=0, D=0x2000), 0x4BFFFFF8)
    alone = machine(*loop)
    alone.run(Limits(3000))
    first, second = machine(*loop), machine(*loop, cpu="e500mc")
    second.core.state.gpr[3] = 1000
    for position in range(7, 3001, 7):
        first.run(Limits(position))
        second.run(Limits(position * 2))
    first.run(Limits(3000))
    assert first.core.state.block == alone.core.state.block
    assert bytes(first.board.bus.ram[0x2000:0x2004]) == bytes(alone.board.bus.ram[0x2000:0x2004])
    assert second.core.state.gpr[3] == 1000 + (second.position + 2) // 3
