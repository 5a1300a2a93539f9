"""What the bus needs of a device, and the plain data that a device's state is saved as.

A device sees offsets into its own register block, never real addresses; it asks the board for nothing but the
callbacks that it was given. Values are big-endian as the guest sees them: the most significant byte is at the
lowest offset.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from ppcdbg.cpu.plain import Plain, Saved, items, numbers, octets, table, whole

__all__ = ["Clock", "Device", "DeviceState", "Plain", "items", "numbers", "octets", "part", "table", "whole"]

DeviceState: TypeAlias = Saved
Clock: TypeAlias = Callable[[], int]
"""Gives the machine's tick: retired instructions and skipped idle time, 400 MHz (design/product.md, one clock)."""


LateWrite: TypeAlias = tuple[int, int, int]
"""Offset, value, and how many instructions had retired before the one that wrote."""


class Offers(Protocol):
    """What a device lets engines serve without asking it."""

    def read(self, offset: int, size: int, value: int | None) -> None:
        """Until further notice such a read gives ``value`` and changes nothing; None: the device must be asked."""

    def write(self, offset: int, size: int, *, wait: bool) -> None:
        """Until further notice such writes may wait and come by ``write_late``: nothing that the guest, the other
        devices or a timer can notice depends on when they come."""


class Offering(Protocol):
    """What a device has that offers something, beside what is ``Device``'s."""

    def offering(self, offers: Offers) -> None:
        """The bus takes offers from now on."""

    def write_late(self, writes: list[LateWrite]) -> None:
        """A guest's writes that waited, in order; only to registers that were offered for it."""


class Device(Protocol):
    """One device behind the bus. ``offset + size`` never leaves the region that it was attached with."""

    name: str

    def read(self, offset: int, size: int) -> int:
        """A guest's read of 1, 2, 4 or 8 bytes, with its side effects."""

    def write(self, offset: int, size: int, value: int) -> None:
        """A guest's write."""

    def peek(self, offset: int, size: int) -> int | None:
        """What ``read`` would give, with no side effect at all; None where only a real read can tell."""

    def save(self) -> DeviceState:
        """All state that decides what the device does next."""

    def restore(self, state: DeviceState) -> None:
        """Take a state that ``save`` gave; raises no interrupt by itself."""


def part(word: int, offset: int, size: int) -> int:
    """The bytes of a 32-bit register that a narrower read at ``offset`` sees."""
    shift = 8 * (4 - (offset & 3) - size)
    return word >> shift & ((1 << 8 * size) - 1) if shift >= 0 else 0
