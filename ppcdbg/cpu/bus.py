"""The bus that a core needs. ``machine.bus`` implements it; the core never learns what is on the other side."""

from __future__ import annotations

from typing import Protocol

from ppcdbg.cpu.shortcuts import Shortcuts


class BusFault(Exception):
    """Nothing answers at a real address; the core turns it into a machine check or data bus error."""

    def __init__(self, address: int, write: bool) -> None:
        super().__init__(f"nothing answers at real address {address:#011x}")
        self.address = address
        self.write = write


class Bus(Protocol):
    """Real (host-physical) address space as one core sees it."""

    ram: memoryview
    """RAM from real address 0 on, as bytes; its length is the RAM size. One buffer for the machine's life."""

    shortcuts: Shortcuts | None
    """Device registers that an engine may serve by itself; with None it asks for each access."""

    def settle(self) -> None:
        """Let the devices hear of what was served: an engine calls it before the bus is asked or ``run`` returns."""

    def read(self, address: int, size: int) -> int:
        """A device read of 1, 2, 4 or 8 bytes, big-endian value, with side effects. Raises BusFault."""

    def write(self, address: int, size: int, value: int) -> None:
        """A device write, as ``read``."""

    def peek(self, address: int, size: int) -> int | None:
        """What ``read`` would give, without any side effect, or None where a device refuses."""


DCR_SPACE = 1 << 40
"""Where the bus has a core's device control registers: DCR n is the word at 4 * n from here, no real address."""


class InterruptSource(Protocol):
    """The interrupt controller in external-proxy mode: asked for the vector when the interrupt is taken."""

    def proxy_acknowledge(self) -> int | None:
        """Acknowledge the interrupt and give its vector for EPR; None when not in proxy mode."""
