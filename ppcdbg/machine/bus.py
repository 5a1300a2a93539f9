"""The real address space of a board: RAM from 0 on, devices above. Implements ``cpu.bus.Bus``.

Device lookup is one dictionary access per 256-byte block, because a Linux boot makes tens of thousands of device
accesses. The bus keeps the counts of accesses and knows the devices' names; it has no clock and no interrupts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ppcdbg.cpu.bus import BusFault
from ppcdbg.cpu.shortcuts import Register, Shortcuts
from ppcdbg.machine.devices.device import Device, LateWrite
from ppcdbg.machine.memory import Ram

OFTEN = 0x7FF
"""After that many accesses the run loop is called, to look at its user: one takes as long as 1,000 instructions."""
BLOCK_SHIFT = 8


@dataclass(slots=True)
class Region:
    """Where a device answers; ``reads`` and ``writes`` count guest accesses.

    ``due`` gives the tick of the device's next own event where it can have one; ``was_due`` is what it gave last.
    ``write_late`` is where writes go that waited, if the device offers that.
    """

    base: int
    size: int
    device: Device
    reads: int = 0
    writes: int = 0
    due: Callable[[], int | None] | None = None
    was_due: int | None = None
    write_late: Callable[[list[LateWrite]], None] | None = None


User = tuple[Region, int, bool]
"""Whose register a slot is, at which offset, and whether it is for writes."""


class RegionOffers:
    """The offers of one device. Implements ``devices.device.Offers``."""

    def __init__(self, shortcuts: Shortcuts, region: Region, users: list[User]) -> None:
        self._shortcuts, self._region, self._users = shortcuts, region, users
        self._slots: dict[tuple[int, int, bool], int | None] = {}

    def read(self, offset: int, size: int, value: int | None) -> None:
        """See ``Offers.read``."""
        self._put(offset, size, value, write=False)

    def write(self, offset: int, size: int, *, wait: bool) -> None:
        """See ``Offers.write``."""
        self._put(offset, size, 0 if wait else None, write=True)

    def _put(self, offset: int, size: int, value: int | None, *, write: bool) -> None:
        place = offset, size, write
        slot = self._slots.get(place, -1)
        if slot == -1:
            slot = self._slots[place] = self._shortcuts.allot(Register(self._region.base + offset, size, write))
            if slot is not None:
                self._users.append((self._region, offset, write))
        if slot is None:
            return
        if value is None:
            self._shortcuts.withdraw(slot)
        else:
            self._shortcuts.offer(slot, value)


class SystemBus:
    """One board's bus. Peeks and RAM access never count and never disturb."""

    def __init__(self, ram: Ram) -> None:
        self.memory = ram
        self.ram = ram.view
        self.regions: list[Region] = []
        self._blocks: dict[int, Region] = {}
        self.moved: Callable[[], None] = lambda: None
        """Called when an access changed the tick of a device's next event, so that whoever waits for it looks again."""
        self.shortcuts: Shortcuts | None = Shortcuts()
        self._users: list[User] = []
        """Whose register each slot of ``shortcuts`` is."""
        self.written: set[int] = set()
        """Pages of RAM that were written over the bus, which a core does only past the RAM that it knows of."""
        self.written_outside: list[tuple[int, int]] = []
        """Address and length of RAM that somebody but the core writes without saying so each time."""
        self._asked = 0
        """Accesses that came this way."""

    def attach(self, base: int, size: int, device: Device) -> Region:
        """Map a device; base and size are multiples of 256 and the range must be free."""
        if (base | size) & ((1 << BLOCK_SHIFT) - 1) or size <= 0 or base < self.memory.size:
            raise ValueError(f"{device.name} cannot sit at {base:#x}, size {size:#x}")
        region = Region(
            base, size, device, due=getattr(device, "next_event", None), write_late=getattr(device, "write_late", None)
        )
        blocks = range(base >> BLOCK_SHIFT, (base + size) >> BLOCK_SHIFT)
        taken = [self._blocks[block] for block in blocks if block in self._blocks]
        if taken:
            raise ValueError(f"{device.name} at {base:#x} overlaps {taken[0].device.name}")
        self._blocks.update((block, region) for block in blocks)
        self.regions.append(region)
        offering = getattr(device, "offering", None)
        if offering is not None and self.shortcuts is not None:
            offering(RegionOffers(self.shortcuts, region, self._users))
        return region

    def settle(self) -> None:
        """See ``cpu.bus.Bus.settle``: counts them, and brings the writes that waited to their devices."""
        shortcuts = self.shortcuts
        assert shortcuts is not None
        served = shortcuts.log()
        shortcuts.clear()
        late: dict[int, list[LateWrite]] = {}
        users = self._users
        for slot, value, position in served:
            region, offset, write = users[slot]
            if write:
                region.writes += 1
                late.setdefault(region.base, []).append((offset, value, position))
            else:
                region.reads += 1
        for base, writes in late.items():
            write_late = self._blocks[base >> BLOCK_SHIFT].write_late
            assert write_late is not None
            write_late(writes)

    def read(self, address: int, size: int) -> int:
        """See ``cpu.bus.Bus.read``; RAM answers too."""
        self._asked += 1
        if not self._asked & OFTEN:
            self.moved()
        region = self._blocks.get(address >> BLOCK_SHIFT)
        if region is None:
            return int.from_bytes(self._ram_bytes(address, size, False), "big")
        offset = address - region.base
        if offset + size > region.size:
            raise BusFault(address, False)
        region.reads += 1
        value = region.device.read(offset, size)
        if region.due is not None and region.due() != region.was_due:
            self._move(region)
        return value

    def write(self, address: int, size: int, value: int) -> None:
        """See ``cpu.bus.Bus.write``."""
        self._asked += 1
        if not self._asked & OFTEN:
            self.moved()
        region = self._blocks.get(address >> BLOCK_SHIFT)
        if region is None:
            self._ram_bytes(address, size, True)[:] = value.to_bytes(size, "big")
            self.written.update((address & -4096, address + size - 1 & -4096))
            return
        offset = address - region.base
        if offset + size > region.size:
            raise BusFault(address, True)
        region.writes += 1
        region.device.write(offset, size, value)
        if region.due is not None and region.due() != region.was_due:
            self._move(region)

    def _move(self, region: Region) -> None:
        assert region.due is not None
        region.was_due = region.due()
        self.moved()

    def peek(self, address: int, size: int) -> int | None:
        """See ``cpu.bus.Bus.peek``: None at an address where nothing answers or where looking would change it."""
        region = self._blocks.get(address >> BLOCK_SHIFT)
        if region is None:
            if address < 0 or address + size > self.memory.size:
                return None
            return int.from_bytes(self.ram[address : address + size], "big")
        offset = address - region.base
        return region.device.peek(offset, size) if offset + size <= region.size else None

    def device_at(self, address: int) -> str:
        """The name of what answers at a real address: a device, "ram", or "" for nothing."""
        region = self._blocks.get(address >> BLOCK_SHIFT)
        if region is not None:
            return region.device.name
        return "ram" if 0 <= address < self.memory.size else ""

    def _ram_bytes(self, address: int, size: int, write: bool) -> memoryview:
        if address < 0 or address + size > self.memory.size:
            raise BusFault(address, write)
        return self.ram[address : address + size]
