"""The ePAPR spin table: a page of plain memory above the board's RAM, one entry a core.

Core 0 never waits here; the entry says so by an address of 1, which is "not released" (ePAPR 1.1, 5.5.2). Another core
is released by a store that leaves an even address in its entry.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from ppcdbg.machine.devices.device import DeviceState, octets

SIZE = 0x1000
ENTRY = struct.Struct(">QQIIQ")  # entry address, r3, reserved, PIR, reserved
NOT_RELEASED = 1

Release = Callable[[int, int, int], None]
"""``release(core, address, r3)``: a core that waits goes to a real address."""


class SpinTable:
    """``cores`` entries of 32 bytes, the rest of the page zero. ``release``: None where there is nobody to release."""

    name = "spin"

    def __init__(self, cores: int = 1, release: Release | None = None) -> None:
        entries = b"".join(ENTRY.pack(NOT_RELEASED, core, 0, core, 0) for core in range(cores))
        self._page = bytearray(entries.ljust(SIZE, b"\0"))
        self._cores = cores
        self._release = release

    def read(self, offset: int, size: int) -> int:
        """Plain memory."""
        return int.from_bytes(self._page[offset : offset + size], "big")

    def peek(self, offset: int, size: int) -> int | None:
        """As ``read``."""
        return self.read(offset, size)

    def write(self, offset: int, size: int, value: int) -> None:
        """Plain memory; a core whose entry has an even address now is released."""
        self._page[offset : offset + size] = value.to_bytes(size, "big")
        core = offset // ENTRY.size
        if self._release is None or not 0 < core < self._cores:
            return
        address, r3, *_ = ENTRY.unpack_from(self._page, core * ENTRY.size)
        if not address & NOT_RELEASED:
            self._release(core, address, r3)

    def save(self) -> DeviceState:
        """See ``Device.save``."""
        return {"page": bytes(self._page)}

    def restore(self, state: DeviceState) -> None:
        """See ``Device.restore``."""
        self._page[:] = octets(state["page"])
