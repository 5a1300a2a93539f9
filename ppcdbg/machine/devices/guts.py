"""Global utilities of the SoC: processor and system version, and the register whose bit 1 resets the board.

Source: MPC8544E reference manual 21 (guts); Linux writes RSTCR in arch/powerpc/sysdev/fsl_soc.c.
"""

from __future__ import annotations

from collections.abc import Callable

from ppcdbg.machine.devices.device import DeviceState, part

PVR, SVR, RSTCR = 0xA0, 0xA4, 0xB0
RSTCR_RESET = 2


class Guts:
    """``reset`` is called when the guest asks for a hardware reset; nothing else here acts."""

    name = "guts"

    def __init__(self, pvr: int, svr: int, reset: Callable[[], None]) -> None:
        self._words = {PVR: pvr, SVR: svr}
        self._reset = reset

    def read(self, offset: int, size: int) -> int:
        """Version registers; all others read as zero."""
        return self.peek(offset, size) or 0

    def peek(self, offset: int, size: int) -> int | None:
        """As ``read``, which has no side effects."""
        if size == 8:
            return self._words.get(offset, 0) << 32 | self._words.get(offset + 4, 0)
        word = self._words.get(offset & ~3, 0)
        return word if size == 4 else part(word, offset, size)

    def write(self, offset: int, size: int, value: int) -> None:
        """RSTCR[HRESET_REQ] resets; other writes go nowhere."""
        if offset == RSTCR and size == 4 and value & RSTCR_RESET:
            self._reset()

    def save(self) -> DeviceState:
        """No state: what follows a reset request is the board's."""
        return {}

    def restore(self, state: DeviceState) -> None:
        """Nothing to restore."""
