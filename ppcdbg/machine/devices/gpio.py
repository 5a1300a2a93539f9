"""The QorIQ GPIO block; on ppce500 output pin 0 switches the power off. Inputs read as zero.

Source: P2020 reference manual 20; ``gpio-poweroff`` node of the board's device tree (facts 11).
"""

from __future__ import annotations

from collections.abc import Callable

from ppcdbg.machine.devices.device import DeviceState, numbers, part

DIRECTION, OPEN_DRAIN, DATA, EVENT, MASK, CONTROL = range(0, 0x18, 4)
PIN_0 = 0x80000000


class Gpio:
    """``power_off`` is called when the guest drives pin 0 high."""

    name = "gpio"

    def __init__(self, power_off: Callable[[], None]) -> None:
        self._words = [0] * 6
        self._power_off = power_off

    def read(self, offset: int, size: int) -> int:
        """The registers as written; no input ever changes, so no event is ever latched."""
        return self.peek(offset, size) or 0

    def peek(self, offset: int, size: int) -> int | None:
        """As ``read``, which has no side effects."""
        if size == 8 or offset > CONTROL + 3:
            return 0
        word = self._words[offset >> 2]
        return word if size == 4 else part(word, offset, size)

    def write(self, offset: int, size: int, value: int) -> None:
        """Whole words only."""
        if size != 4 or offset & 3 or offset > CONTROL:
            return
        if offset == EVENT:
            self._words[EVENT >> 2] &= ~value
            return
        before = self._words[DATA >> 2] & self._words[DIRECTION >> 2]
        self._words[offset >> 2] = value
        after = self._words[DATA >> 2] & self._words[DIRECTION >> 2]
        if after & ~before & PIN_0:
            self._power_off()

    def save(self) -> DeviceState:
        """See ``Device.save``."""
        return {"words": list(self._words)}

    def restore(self, state: DeviceState) -> None:
        """See ``Device.restore``."""
        self._words = numbers(state["words"])
