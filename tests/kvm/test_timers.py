"""Decrementer, watchdog, fixed-interval timer; exit timing (facts 4.5, 8.5)."""

from __future__ import annotations

import pytest

from ppcdbg.kvm import codes, irqprio, timers
from ppcdbg.kvm.timing import Timing
from tests.kvm.machines import vcpu

TCR_DIE, TCR_ARE, TCR_WIE, TCR_FIE, TSR_DIS, ENW, WIS = (
    0x04000000,
    0x400000,
    0x08000000,
    0x800000,
    0x08000000,
    1 << 31,
    1 << 30,
)
JIFFY = 1_600_000


def test_decrementer_counts_down_and_stops_at_zero() -> None:
    v = vcpu()
    timers.set_dec(v, 1000)
    assert (timers.next_event(v), v.dec_left()) == (1000, 1000)
    v.core.skip_to(400)
    assert v.dec_left() == 600
    assert not timers.expire(v, 999)
    assert timers.expire(v, 1000)
    assert v.tsr == TSR_DIS
    assert v.requests == codes.REQ_PENDING_TIMER
    assert v.pending == 0  # only the request's handler queues
    v.core.skip_to(5000)
    assert v.dec_left() == 0
    timers.set_dec(v, 0)
    assert timers.next_event(v) is None


def test_auto_reload_starts_again_from_decar() -> None:
    v = vcpu()
    v.decar = 300
    timers.set_tcr(v, TCR_DIE | TCR_ARE | 0xC0000000)
    timers.set_dec(v, 100)
    v.core.skip_to(100)
    timers.expire(v, 100)
    assert (v.dec, v.dec_deadline) == (300, 400)


def test_timer_interrupts_are_levels_of_tcr_and_tsr() -> None:
    v = vcpu()
    timers.set_tsr(v, TSR_DIS)
    assert v.pending == 0
    timers.set_tcr(v, TCR_DIE)
    assert v.pending == 1 << irqprio.DECREMENTER
    timers.clear_tsr_bits(v, TSR_DIS)
    assert v.pending == 0


def test_wrc_keeps_its_value_once_set() -> None:
    v = vcpu()
    timers.write_tcr(v, 0x10000000)
    timers.write_tcr(v, 0x20000000 | TCR_DIE)
    assert v.tcr == 0x10000000 | TCR_DIE
    timers.set_tcr(v, 0x20000000)  # ONE_REG may
    assert v.tcr == 0x20000000


def test_watchdog_walks_through_its_three_states() -> None:
    v = vcpu()
    v.watchdog_enabled = True
    timers.set_tcr(v, 0x58160000)  # period 45: bit 2**18; WRC 1, WIE
    assert v.watchdog_deadline == JIFFY  # 2**18 ticks rounded up to a jiffy
    kicks = []
    for _ in range(3):
        assert v.watchdog_deadline is not None
        v.core.skip_to(v.watchdog_deadline)
        kicks.append(timers.expire(v, v.core.now))
    assert kicks == [False, True, True]
    assert v.tsr == ENW | WIS
    assert v.requests == codes.REQ_PENDING_TIMER | codes.REQ_WATCHDOG
    assert v.watchdog_deadline is None  # stands still after the last expiry
    timers.clear_tsr_bits(v, ENW)
    assert v.watchdog_deadline is not None
    assert not v.requests & codes.REQ_WATCHDOG


def test_watchdog_period_of_the_test_vector_never_runs() -> None:
    """facts 15: TCR 0x80040000 is period 10, time-base bit 2**53; too far for a kernel timer."""
    from ppcdbg.cpu.timers import watchdog_period

    assert watchdog_period(0x80040000) == 10
    v = vcpu()
    timers.set_tcr(v, 0x80040000)
    assert v.watchdog_deadline is None


def test_fit_only_without_the_quirk() -> None:
    v = vcpu()
    timers.set_tcr(v, TCR_FIE | 0x0301E000)
    assert v.fit_deadline is None
    v = vcpu(never_injected=False)
    timers.set_tcr(v, TCR_FIE | 0x03018000 & 0x0301E000)
    assert v.fit_deadline is not None
    v.core.skip_to(v.fit_deadline)
    assert timers.expire(v, v.core.now)
    timers.update_timer_ints(v)
    assert v.pending == 1 << irqprio.FIT


# --- exit timing ----------------------------------------------------------------------------------
def test_timing_rows_and_their_moments() -> None:
    t = Timing()
    for d in (400, 800, 1200):
        t.add(d, codes.MMIO_EXITS)
    row = t.rows()[codes.MMIO_EXITS]
    assert (row.count, row.minimum, row.maximum, row.total, row.mean) == (3, 400, 1200, 2400, 800)
    assert row.deviation == pytest.approx(326.6, abs=0.1)
    assert t.rows()[codes.DSI_EXITS].deviation == 0


def test_timing_file_divides_the_squares_once() -> None:
    t = Timing()
    t.add(800, codes.MMIO_EXITS)
    first, squares, once = t.text(400).splitlines()[:2], 800 * 800 // 400, t.text(400)
    assert first[0] == "type\tcount\tmin\tmax\tsum\tsum_squared"
    assert first[1] == f"{'MMIO':>12}\t{1:>10}\t{2:>10}\t{2:>10}\t{2:>20}\t{squares:>20}"
    assert once.count("(null)") == 4
    assert f"{4294967295 // 400:>10}" in once.splitlines()[2]
    assert t.text(400, squared_divided_once=False).splitlines()[1].endswith(f"{4:>20}")
    t.reset()
    assert list(t.count) == [0] * 30


def test_square_sums_wrap_at_64_bits() -> None:
    t = Timing()
    t.add(1 << 32, 0)
    t.add(1 << 32, 0)
    assert t.rows()[0].squares == 0
