"""Guest RAM: one buffer that Python sees as a memoryview and native code by its host address.

It never moves and never grows, so that an engine may keep its address. What happens at which real address is
:mod:`ppcdbg.machine.bus`'s.
"""

from __future__ import annotations

import ctypes
import gc
import mmap
import sys

from ppcdbg.cpu.addresses import PAGE_MASK
from ppcdbg.errors import InputError

MAX_SIZE = 1 << 32
"""Images, initrd and device tree are named by 32-bit registers at boot, and the devices start far above this."""


class Ram:
    """RAM from real address 0 on. ``size`` is in bytes, a multiple of 4 KiB; anything else raises InputError."""

    def __init__(self, size: int) -> None:
        if size <= 0 or size & PAGE_MASK:
            raise InputError(f"memory size {size:#x} is not a positive multiple of 4 KiB; try 128M")
        if size > MAX_SIZE:
            raise InputError(f"memory size {size >> 20}M is more than this board takes; at most {MAX_SIZE >> 20}M")
        self.size = size
        # Anonymous, private and untouched pages cost nothing: the host gives them when the guest writes.
        try:
            self._map = _mapped(size)
        except OSError:
            gc.collect()  # of machines that nobody uses any more there may be some
            try:
                self._map = _mapped(size)
            except OSError as error:
                why = error.strerror or error
                raise InputError(f"the host has no {size >> 20} MiB for the guest's memory: {why}") from None
        self.view = memoryview(self._map)
        self.loaded: list[tuple[int, int]] = []
        """Address and length of what was loaded; all else was zero when the machine was made."""
        self._anchor = ctypes.c_char.from_buffer(self._map)

    @property
    def host_address(self) -> int:
        """Where real address 0 lies in this process; valid as long as this object lives."""
        return ctypes.addressof(self._anchor)

    def used(self) -> list[int]:
        """Addresses of the pages that may be other than zero: those that were loaded, and those that the host gave
        memory to. All of them where the host does not say (mincore(2))."""
        step = mmap.PAGESIZE
        resident = (ctypes.c_ubyte * -(-self.size // step))()
        asked = getattr(ctypes.CDLL(None), "mincore", None) if sys.platform != "win32" else None
        if asked is None or asked(ctypes.c_void_p(self.host_address), ctypes.c_size_t(self.size), resident):
            return list(range(0, self.size, 4096))
        found = {at for start, size in self.loaded for at in range(start & ~PAGE_MASK, start + size, 4096)}
        given = bytes(resident)
        at = given.find(1)
        while at >= 0:
            found.update(range(at * step, min(at * step + step, self.size), 4096))
            at = given.find(1, at + 1)
        return sorted(found)

    def load(self, address: int, data: bytes | bytearray | memoryview, what: str) -> None:
        """Copy ``data`` to a real address. ``what`` names it in the InputError raised when it does not fit."""
        end = address + len(data)
        if address < 0 or end > self.size:
            raise InputError(
                f"{what} needs real addresses {address:#x}..{end:#x}, but memory ends at {self.size:#x}; "
                f"--memory {megabytes(end)} would hold it"
            )
        self.view[address:end] = data
        self.loaded.append((address, len(data)))


def _mapped(size: int) -> mmap.mmap:
    if sys.platform == "win32":
        return mmap.mmap(-1, size)
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


def megabytes(size: int) -> str:
    """The smallest memory size holding ``size`` bytes that a user would write: a power of two, 64M at least."""
    mebibytes = 64
    while mebibytes << 20 < size:
        mebibytes *= 2
    return f"{mebibytes}M"
