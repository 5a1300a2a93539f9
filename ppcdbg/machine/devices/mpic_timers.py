"""The four global timers (group A) of the MPIC: down-counters on the machine's clock.

A timer runs while TBCR[CI] is clear, reloads from TBCR and toggles TCCR[TOG] each time it reaches zero. Interrupts
are :mod:`ppcdbg.machine.devices.mpic`'s. Source: MPC8544E reference manual 10.3.2 (TFRR, GTCCR, GTBCR, TCR).
"""

from __future__ import annotations

from ppcdbg.machine.devices.device import Clock, Plain, numbers

TIMERS = 4
INHIBIT = TOGGLE = 0x80000000
COUNT = 0x7FFFFFFF
BASE_RATIO = 8  # TCR[CLKR] = 0: the platform clock divided by 8; each step of CLKR doubles it


class MpicTimers:
    """Registers and phases. ``clock`` None: the registers are there, but nothing ever counts."""

    def __init__(self, clock: Clock | None) -> None:
        self._clock = clock
        self.frequency = 0
        self.control = 0
        self.base = [INHIBIT] * TIMERS
        self.toggle = [0] * TIMERS
        self.zero_at = [-1] * TIMERS

    def reset(self) -> None:
        """All timers inhibited, counts zero."""
        self.frequency = self.control = 0
        self.base[:] = [INHIBIT] * TIMERS
        self.toggle[:] = [0] * TIMERS
        self.zero_at[:] = [-1] * TIMERS

    @property
    def ratio(self) -> int:
        """Machine ticks per count."""
        return BASE_RATIO << (self.control >> 8 & 3)

    def current(self, index: int) -> int:
        """TCCR: what is left of the count, and the toggle bit."""
        if self.zero_at[index] < 0 or self._clock is None:
            return self.toggle[index]
        left = -(-max(self.zero_at[index] - self._clock(), 0) // self.ratio)
        return self.toggle[index] | left & COUNT

    def set_base(self, index: int, value: int) -> None:
        """TBCR: clearing CI starts the count and clears TOG, setting CI stops it."""
        was_inhibited = bool(self.base[index] & INHIBIT)
        self.base[index] = value
        if value & INHIBIT:
            self.zero_at[index] = -1
        elif was_inhibited:
            self.toggle[index] = 0
            if self._clock is not None and value & COUNT:
                self.zero_at[index] = self._clock() + (value & COUNT) * self.ratio

    def next_event(self) -> int | None:
        """The tick of the next zero, or None."""
        if max(self.zero_at) < 0:
            return None  # asked after each access to a device, and no timer runs under Linux
        return min(tick for tick in self.zero_at if tick >= 0)

    def expire(self, now: int) -> list[int]:
        """The timers that reached zero up to ``now``; each is reloaded, a timer several periods late fires once."""
        fired = []
        for index, tick in enumerate(self.zero_at):
            if 0 <= tick <= now:
                period = (self.base[index] & COUNT) * self.ratio
                periods = (now - tick) // period + 1 if period else 1
                if periods & 1:
                    self.toggle[index] ^= TOGGLE
                self.zero_at[index] = tick + periods * period if period else -1
                fired.append(index)
        return fired

    def save(self) -> Plain:
        """The registers and phases as lists of numbers."""
        return [[self.frequency, self.control], list(self.base), list(self.toggle), list(self.zero_at)]

    def restore(self, state: Plain) -> None:
        """Take what ``save`` gave."""
        if not isinstance(state, (list, tuple)) or len(state) != 4:
            raise TypeError("MPIC timer state is not four lists")
        (self.frequency, self.control), self.base, self.toggle, self.zero_at = (numbers(row) for row in state)
