"""Time base, decrementer, fixed-interval timer and watchdog (Power ISA III-E 8; facts 1.7, 4.5).

One tick of the time base is one retired instruction, or one tick of skipped idle time; nothing else moves it. With
DBCR0[FT] all of them stand still while DBSR has any bit but MRR (facts 1.7; PPC440x5 UM 8.5 says it at length).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.cpu import msr as M
from ppcdbg.cpu.state import DEC_DEADLINE, RETIRED, SKIPPED, TB_OFFSET
from ppcdbg.isa.bits import M32, M64
from ppcdbg.isa.sprs import SLOT

if TYPE_CHECKING:
    from ppcdbg.cpu.core import Core

TIMEBASE_HZ = 400_000_000
STOPPED = M64
TCR, TSR, DECAR = SLOT["TCR"], SLOT["TSR"], SLOT["DECAR"]
DBCR0, DBSR = SLOT["DBCR0"], SLOT["DBSR"]


def fit_period(tcr: int) -> int:
    """TCR[FPEXT,FP]: 63 minus the number of the time-base bit that the fixed-interval timer watches."""
    return (tcr & M.TCR_FP) >> 24 | (tcr & M.TCR_FPEXT) >> 13 << 2


def watchdog_period(tcr: int) -> int:
    """TCR[WPEXT,WP], as ``fit_period``."""
    return (tcr & M.TCR_WP) >> 30 | (tcr & M.TCR_WPEXT) >> 17 << 2


def ticks_to_edge(time_base: int, period: int) -> int:
    """Ticks until bit 2**(63 - period) of the time base next goes from 0 to 1."""
    bit = 1 << (63 - period)
    return (bit if time_base & bit else 0) + bit - (time_base & bit - 1)


class Timers:
    """The timers of one core; ``advance`` must be called whenever the clock reaches ``next_event``."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._reg = core.state.reg
        self._counters = core.state.counters
        self._counters[DEC_DEADLINE] = STOPPED
        self._fit_at = STOPPED
        self._watchdog_at = STOPPED
        self._frozen_at: int | None = None

    @property
    def now(self) -> int:
        return self._counters[RETIRED] + self._counters[SKIPPED]

    @property
    def frozen(self) -> bool:
        """Whether DBCR0[FT] holds them. Compiled code knows nothing of it."""
        return self._frozen_at is not None

    @property
    def _clock(self) -> int:
        """``now``, or when they were frozen."""
        return self.now if self._frozen_at is None else self._frozen_at

    @property
    def time_base(self) -> int:
        return self._clock + self._counters[TB_OFFSET] & M64

    def set_time_base(self, value: int) -> None:
        self._counters[TB_OFFSET] = value - self._clock & M64
        self.rearm()

    @property
    def edges(self) -> tuple[int, ...]:
        """Ticks of the next FIT and watchdog events, and of the freezing, if they are frozen: with the state block, all
        there is of the timers."""
        frozen = () if self._frozen_at is None else (self._frozen_at,)
        return self._fit_at, self._watchdog_at, *frozen

    @edges.setter
    def edges(self, value: tuple[int, ...]) -> None:
        self._fit_at, self._watchdog_at, *frozen = value
        self._frozen_at = frozen[0] if frozen else None

    def debug_changed(self) -> None:
        """DBCR0 or DBSR changed: they freeze, or go on from where they stood."""
        r = self._reg
        held = r[DBCR0] & M.DBCR0_FT and r[DBSR] & ~M.DBSR_MRR and not self._core.model.qemu
        if bool(held) is self.frozen:
            return
        if held:
            self.advance()
            self._frozen_at = self.now
        else:
            passed, self._frozen_at = self.now - self._clock, None
            counters = self._counters
            counters[TB_OFFSET] = counters[TB_OFFSET] - passed & M64
            if counters[DEC_DEADLINE] != STOPPED:
                counters[DEC_DEADLINE] += passed
            self._fit_at += passed if self._fit_at != STOPPED else 0
            self._watchdog_at += passed if self._watchdog_at != STOPPED else 0
        self._core.call_machine()

    # --- decrementer ------------------------------------------------------------------------------
    @property
    def dec(self) -> int:
        deadline = self._counters[DEC_DEADLINE]
        return 0 if deadline == STOPPED else deadline - self._clock & M32

    def set_dec(self, value: int) -> None:
        """Writing 0 stops it without an event: only the step from 1 to 0 is one."""
        self._counters[DEC_DEADLINE] = self._clock + value if value else STOPPED
        self._core.call_machine()

    # --- events -----------------------------------------------------------------------------------
    def rearm(self) -> None:
        """TCR or the time base changed: find the next edges."""
        tcr = self._reg[TCR]
        self._fit_at = self._clock + ticks_to_edge(self.time_base, fit_period(tcr))
        self._watchdog_at = self._clock + ticks_to_edge(self.time_base, watchdog_period(tcr))
        self._core.call_machine()

    def next_event(self) -> int | None:
        """Tick of the next event that can change the machine; None when all timers stand still."""
        if self._frozen_at is not None:
            return None
        tcr = self._reg[TCR]
        fit = self._fit_at if tcr & M.TCR_FIE else STOPPED
        watchdog = self._watchdog_at if tcr & (M.TCR_WIE | M.TCR_WRC) else STOPPED
        first = min(self._counters[DEC_DEADLINE], fit, watchdog)
        return None if first == STOPPED else first

    def advance(self) -> None:
        """Raise the TSR bits whose time has come."""
        if self._frozen_at is not None:
            return
        now = self.now
        r = self._reg
        if self._counters[DEC_DEADLINE] <= now:
            r[TSR] |= M.TSR_DIS
            reload = r[DECAR] if r[TCR] & M.TCR_ARE else 0
            self.set_dec(reload)
            self._core.noticed()
        if self._fit_at <= now:
            r[TSR] |= M.TSR_FIS
            self._fit_at = now + ticks_to_edge(self.time_base, fit_period(r[TCR]))
            self._core.noticed()
        if self._watchdog_at <= now:
            # Nobody may have looked for long: ENW and WIS are then both there, and more time-outs change nothing.
            both = now - self._watchdog_at >= 2 << (63 - watchdog_period(r[TCR]))
            for _ in range(1 + both):
                self._watchdog()
            self._watchdog_at = now + ticks_to_edge(self.time_base, watchdog_period(r[TCR]))
            self._core.noticed()

    def _watchdog(self) -> None:
        """ENW, then WIS, then the action of WRC (Book III-E 8.6); whether or not an interrupt is enabled."""
        tsr = self._reg[TSR]
        if not tsr & M.TSR_ENW:
            self._reg[TSR] = tsr | M.TSR_ENW
        elif not tsr & M.TSR_WIS:
            self._reg[TSR] = tsr | M.TSR_WIS
        elif self._reg[TCR] & M.TCR_WRC:
            self._reg[TSR] = tsr | (self._reg[TCR] & M.TCR_WRC)
            self._core.request_reset("watchdog")
