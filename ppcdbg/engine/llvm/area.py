"""Anonymous memory of the host that compiled code and Python share. It costs nothing until touched."""

from __future__ import annotations

import ctypes
import mmap
import sys


class Area:
    """Anonymous memory with a host address; ``words`` are its 64-bit words."""

    def __init__(self, size: int, alignment: int = 1) -> None:
        if sys.platform == "win32":
            self._map = mmap.mmap(-1, size + alignment)
        else:  # private, because touching a page of shared memory costs twice as much
            self._map = mmap.mmap(-1, size + alignment, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._anchor = ctypes.c_char.from_buffer(self._map)
        start = ctypes.addressof(self._anchor)
        skip = -start % alignment
        self.address = start + skip
        self.size = size
        self.bytes = memoryview(self._map)[skip : skip + size]
        self.words = self.bytes.cast("Q")
