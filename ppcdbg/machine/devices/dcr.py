"""The device control registers of a 440-style core: 1,024 words behind mfdcr and mtdcr, with no device at any of them.

A read gives what was written last. It has a place on the board's bus that is no real address (``cpu.bus.DCR_SPACE``).
"""

from __future__ import annotations

from ppcdbg.machine.devices.device import DeviceState, octets, part

COUNT = 1024
SIZE = 4 * COUNT


class DcrBus:
    """Plain registers."""

    name = "dcr"

    def __init__(self) -> None:
        self._words = bytearray(SIZE)

    def read(self, offset: int, size: int) -> int:
        """See ``Device.read``."""
        return part(int.from_bytes(self._words[offset & -4 : (offset & -4) + 4], "big"), offset, size)

    def peek(self, offset: int, size: int) -> int | None:
        """As ``read``."""
        return self.read(offset, size)

    def write(self, offset: int, size: int, value: int) -> None:
        """See ``Device.write``."""
        self._words[offset : offset + size] = value.to_bytes(size, "big")

    def save(self) -> DeviceState:
        """See ``Device.save``."""
        return {"words": bytes(self._words).rstrip(b"\0")}

    def restore(self, state: DeviceState) -> None:
        """See ``Device.restore``."""
        self._words[:] = octets(state["words"]).ljust(SIZE, b"\0")
