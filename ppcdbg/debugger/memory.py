"""Reading the guest's memory for a debugger, without any side effect; writing is :mod:`ppcdbg.debugger.writes`'s.

RAM is read from the buffer; a device is peeked and may refuse; what is not mapped is None. Effective addresses go
through the guest's own translations (permissions are not looked at), page by page.
"""

from __future__ import annotations

from collections.abc import Callable

from ppcdbg.cpu.mmu import Access
from ppcdbg.debugger.guest import PAGE, Guest
from ppcdbg.debugger.results import Space
from ppcdbg.errors import Interrupted, UsageError
from ppcdbg.machine.system import System

LONGEST = 1 << 24
LOOKED = 1 << 20
"""Bytes of a search between two looks whether it is to end: a millisecond where nothing is mapped."""


class GuestMemory:
    """The three address spaces of one system."""

    def __init__(self, system: System, guest: Guest) -> None:
        self.system = system
        self.guest = guest
        self.bus = system.core.bus

    def real(self, address: int, space: Space = Space.EA, access: Access = Access.LOAD) -> int | None:
        """The real address behind one in ``space``; None where there is nothing."""
        if space is Space.REAL:
            return address
        if space is Space.GPA:
            return self.guest.real(address)
        page = self.guest.page(address & 0xFFFFFFFF, access)
        if page is None or page.real is None:
            return None
        return page.real | address & (PAGE - 1)

    def read(self, address: int, length: int, space: Space = Space.EA) -> tuple[int | None, ...]:
        """Bytes at an address. Raises UsageError for more than 16 MiB."""
        if length > LONGEST:
            raise UsageError(f"{length} bytes are more than can be read at once; at most {LONGEST}")
        out: list[int | None] = []
        while length > 0:
            part = min(length, PAGE - (address & PAGE - 1))
            real = self.real(address, space)
            out += [None] * part if real is None else self._real_bytes(real, part)
            address, length = address + part, length - part
            if space is Space.EA:
                address &= 0xFFFFFFFF
        return tuple(out)

    def prefix(self, address: int, length: int, space: Space = Space.EA) -> bytes:
        """The bytes at an address up to the first that cannot be read: all of them, some, or none."""
        ram = self.bus.ram
        if (address & PAGE - 1) + length <= PAGE:  # nearly always
            real = self.real(address, space)
            if real is not None and real + length <= len(ram):
                return bytes(ram[real : real + length])
        out = bytearray()
        while len(out) < length:
            at = address + len(out)
            part = min(length - len(out), PAGE - (at & PAGE - 1))
            real = self.real(at, space)
            if real is None:
                break
            if real + part <= len(ram):
                out += ram[real : real + part]
                continue
            found = self._real_bytes(real, part)
            good = found.index(None) if None in found else part
            out += bytes(b for b in found[:good] if b is not None)
            if good < part:
                break
        return bytes(out)

    def _real_bytes(self, real: int, length: int) -> list[int | None]:
        """One page or less. A device is peeked in words, then in bytes for what is left."""
        ram = self.bus.ram
        if real + length <= len(ram):
            return list(ram[real : real + length])
        out: list[int | None] = []
        while len(out) < length:
            at = real + len(out)
            size = 4 if not at & 3 and length - len(out) >= 4 else 1
            value = self.bus.peek(at, size)
            if value is None and size == 4:
                size = 1
                value = self.bus.peek(at, 1)
            out += [None] * size if value is None else value.to_bytes(size, "big")
        return out

    def number(self, address: int, size: int, space: Space = Space.EA) -> int | None:
        """A big-endian number of 1, 2, 4 or 8 bytes, or None where any byte cannot be read."""
        if (address & PAGE - 1) + size <= PAGE:
            real = self.real(address, space)
            if real is None:
                return None
            ram = self.bus.ram
            if real + size <= len(ram):
                return int.from_bytes(ram[real : real + size], "big")
            return self.bus.peek(real, size)
        data = self.read(address, size, space)
        if None in data:
            return None
        return int.from_bytes(bytes(b for b in data if b is not None), "big")

    def instruction(self, address: int) -> int | None:
        """The word that the guest would fetch; None where it cannot, or where it is not RAM."""
        real = self.real(address, Space.EA, Access.FETCH)
        if real is None or real + 4 > len(self.bus.ram):
            return None
        return int.from_bytes(self.bus.ram[real : real + 4], "big")

    def text(self, address: int, limit: int, space: Space = Space.EA) -> str | None:
        """A string that a zero byte ends, at most ``limit`` bytes; None where its first byte cannot be read."""
        out = bytearray()
        while len(out) < limit:
            byte = self.number(address + len(out), 1, space)
            if byte is None and not out:
                return None
            if not byte:
                break
            out.append(byte)
        return out.decode("utf-8", "replace")

    def find(
        self, start: int, end: int, pattern: bytes, limit: int, space: Space = Space.EA,
        asked: Callable[[], bool] | None = None,
    ) -> list[int]:  # fmt: skip
        """Addresses in ``start``..``end`` (exclusive) where the whole pattern lies; parts not mapped are skipped.
        ``asked`` is asked now and then, and true raises Interrupted: all 4 GiB take seconds."""
        found: list[int] = []
        tail = b""
        at = start
        while at < end and len(found) < limit:
            if asked is not None and not at & LOOKED - PAGE and asked():
                raise Interrupted(f"interrupted; it was looked for up to {at:#x}")
            part = min(PAGE - (at & PAGE - 1), end - at)
            real = self.real(at, space)
            if real is None or real + part > len(self.bus.ram):
                tail = b""
            else:
                block = tail + bytes(self.bus.ram[real : real + part])
                base = at - len(tail)
                i = block.find(pattern)
                while i >= 0 and len(found) < limit:
                    found.append(base + i)
                    i = block.find(pattern, i + 1)
                keep = len(pattern) - 1
                tail = block[-keep:] if keep else b""
            at += part
        return found
