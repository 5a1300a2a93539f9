"""Time base, decrementer, fixed-interval timer, watchdog on the one clock (facts 1.7, 4.5)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcdbg.cpu import msr as M
from ppcdbg.cpu.timers import fit_period, ticks_to_edge, watchdog_period
from ppcdbg.engine.api import Why
from tests.cpu.rig import asm, rig, spr_field


def test_one_tick_is_one_instruction_and_reads_see_it():
    it = rig("e500v2").code(*[asm("mfspr", RT=r, SPR=spr_field(268)) for r in (3, 4, 5)])
    it.core.timers.set_time_base(0x1_FFFF_FFFE)
    it.run(1)
    it.run(2)
    assert [it.core.state.gpr[r] for r in (3, 4, 5)] == [0xFFFFFFFE, 0xFFFFFFFF, 0]
    assert it.core.read_spr("TBRU") == 2


def test_decrementer_fires_once_and_reloads_only_with_are():
    it = rig("e500v2")
    core = it.core
    core.write_spr("DEC", 10)
    assert core.next_timer() == 10
    core.skip_to(4)
    assert core.read_spr("DEC") == 6
    core.skip_to(10)
    core.timers.advance()
    assert core.read_spr("TSR") == M.TSR_DIS
    assert core.read_spr("DEC") == 0 and core.next_timer() is None
    core.write_spr("TSR", M.TSR_DIS)
    core.write_spr("DECAR", 100)
    core.write_spr("TCR", M.TCR_ARE)
    core.write_spr("DEC", 5)
    core.skip_to(15)
    core.timers.advance()
    assert core.read_spr("DEC") == 100 and core.read_spr("TSR") == M.TSR_DIS


def test_writing_zero_to_dec_makes_no_event():
    it = rig("e500v2")
    it.core.write_spr("DEC", 0)
    assert it.core.next_timer() is None and it.core.read_spr("TSR") == 0


def test_an_engine_comes_back_when_a_timer_was_set():
    it = rig("e500v2").code(asm("mtspr", SPR=spr_field(22), RS=3), 0x60000000)
    it.core.state.gpr[3] = 5
    stop = it.run(100)
    assert stop.why is Why.ATTENTION and it.core.retired == 1 and it.core.next_timer() == 5


@given(st.integers(0, 2**64 - 1), st.integers(0, 63))
def test_ticks_to_edge_is_the_first_rise_of_the_bit(time_base, period):
    bit = 1 << (63 - period)
    ticks = ticks_to_edge(time_base, period)
    assert not (time_base + ticks - 1) & bit and (time_base + ticks) & bit
    assert 0 < ticks <= 2 * bit


def test_periods_of_the_e500_extension():
    assert watchdog_period(0x80040000) == 10  # facts 15
    assert fit_period(M.TCR_FP | M.TCR_FPEXT) == 63


def test_watchdog_goes_from_enw_to_wis_to_reset():
    it = rig("e500v2")
    core = it.core
    core.write_spr("TCR", 0xC0000000 | M.TCR_WPEXT | M.TCR_WIE | 0x10000000)
    seen = []
    for _ in range(3):
        core.skip_to(core.next_timer())
        core.timers.advance()
        seen.append(core.read_spr("TSR") & 0xF0000000)
    assert seen == [M.TSR_ENW, M.TSR_ENW | M.TSR_WIS, M.TSR_ENW | M.TSR_WIS | 0x10000000]
    assert core.reset_cause == "watchdog"


@pytest.mark.parametrize("looks", [(), (20,), (40,), (20, 40), (10, 20, 30, 40, 50)])
def test_time_outs_are_there_to_be_polled(looks):
    """Book III-E 8.6: TSR[ENW] and TSR[WIS] come whatever TCR enables; no look changes when. The period is 32 ticks."""
    it = rig().code(*[0x60000000] * 200)
    it.core.write_spr("TCR", (59 & 3) << 30 | 59 >> 2 << 17)
    expected = {15: 0, 16: M.TSR_ENW, 47: M.TSR_ENW, 48: M.TSR_ENW | M.TSR_WIS, 150: M.TSR_ENW | M.TSR_WIS}
    for tick in sorted({*looks, *expected} if looks else {150}):
        it.run(tick - it.core.retired)
        seen = it.core.read_spr("TSR") & (M.TSR_ENW | M.TSR_WIS)
        assert seen == expected.get(tick, seen), tick
    assert it.core.reset_cause is None


def test_wrc_is_sticky():
    it = rig("e500v2")
    it.core.write_spr("TCR", 0x10000000)
    it.core.write_spr("TCR", 0x20000000)
    assert it.core.read_spr("TCR") & M.TCR_WRC == 0x10000000


def test_tsr_shows_the_same_bits_whoever_looked_before():
    late, early = rig("e500v2").core, rig("e500v2").core
    for core in (late, early):
        core.write_spr("TCR", M.TCR_FP | M.TCR_FPEXT)
    for tick in range(9):
        early.skip_to(tick)
        early.timers.advance()
    late.skip_to(8)
    assert late.read_spr("TSR") == early.read_spr("TSR") == M.TSR_FIS


@pytest.mark.parametrize(("cpu", "word"), [("e500mc", 0x7C00007C), ("e500v2", None)])
def test_waiting(cpu, word):
    it = rig(cpu)
    if word is None:
        it.code(asm("mtmsr", RS=3))
        it.core.state.gpr[3] = M.MSR_WE | M.MSR_EE
    else:
        it.code(word)
        it.core.set_msr(M.MSR_EE)
    assert it.run(10).why is Why.WAIT
    it.core.set_external(True)
    it.run(1)
    assert it.core.read_spr("SRR0") == 0x1004
    assert bool(it.core.read_spr("SRR1") & M.MSR_WE) is (cpu == "e500v2"), "SRR1 keeps WE, the handler's MSR does not"
    assert not it.core.msr & M.MSR_WE
