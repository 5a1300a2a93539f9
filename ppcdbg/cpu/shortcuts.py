"""Device registers that an engine may serve without asking: reads whose answer is known, and writes that can wait.

Whoever has the devices offers them, an engine serves them and writes down what it served, and whoever has the devices
hears of it, in order, before anybody else looks at a device (``Bus.settle``). What a register means is none of its
business, nor when it is looked at. Compiled code works on the block in place, so the layout is here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

SLOTS = 8
LOG_LENGTH = 512

# Byte offsets. A slot is {key, value}, an entry of the log {slot, value (32 bits each), position}.
COUNT = 0
SLOT, SLOT_SIZE = 8, 16
LOG, ENTRY_SIZE = SLOT + SLOTS * SLOT_SIZE, 16
BLOCK_SIZE = LOG + LOG_LENGTH * ENTRY_SIZE
SIZES = (1, 2, 4)
_ENTRY = struct.Struct("<IIQ")

Served = tuple[int, int, int]
"""Slot, value read or written, and the count of retired instructions before the one that accessed."""


def key(size: int, *, write: bool) -> int:
    """What a slot's key holds above the real address; a key of 0 matches nothing."""
    return size << 40 | write << 48


@dataclass(frozen=True, slots=True)
class Register:
    """What a slot is for: ``size`` bytes at a real address, read or written."""

    address: int
    size: int
    write: bool


class Shortcuts:
    """The slots of one bus. A slot is for one register for good; whether it is offered now comes and goes."""

    def __init__(self) -> None:
        self.block = bytearray(BLOCK_SIZE)
        self.words = memoryview(self.block).cast("Q")
        """``words[0]`` is how many accesses were served since the last ``clear``."""
        self.registers: list[Register] = []

    def allot(self, register: Register) -> int | None:
        """A slot for a register; None where there is none left, and the engine asks each time."""
        if len(self.registers) == SLOTS or register.size not in SIZES:
            return None
        self.registers.append(register)
        return len(self.registers) - 1

    def offer(self, slot: int, value: int = 0) -> None:
        """From now on a read gives ``value`` and does nothing else; a write may wait."""
        register = self.registers[slot]
        at = SLOT + slot * SLOT_SIZE >> 3
        self.words[at + 1] = value
        self.words[at] = register.address | key(register.size, write=register.write)

    def withdraw(self, slot: int) -> None:
        """From now on the bus must be asked."""
        self.words[SLOT + slot * SLOT_SIZE >> 3] = 0

    def log(self) -> list[Served]:
        """What was served since the last ``clear``, in order."""
        return list(_ENTRY.iter_unpack(self.block[LOG : LOG + ENTRY_SIZE * self.words[0]]))

    def clear(self) -> None:
        """The log was read."""
        self.words[0] = 0
