"""What compiled code is told of watched bytes: enough to leave alone whatever cannot touch one.

A watched page has no translation that compiled code keeps, so each access to it takes the slow helper, which looks
here. What touches a watched byte goes to Python, which looks at it again, whole.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from ppcdbg.engine.common.watching import Spans
from ppcdbg.engine.llvm import layout as L
from ppcdbg.engine.llvm.area import Area

_NONE, _ALL = (0xFFFF, 0), (0, 0xFFF)
_ROOM = 256
_NOBODY = memoryview(struct.pack("<I", L.NO_TAG) * L.DEAF_ENTRIES).cast("I")


class Watched:
    """``effective`` and ``real`` by page number. RAM has so many ``pages``; real ones beyond are all devices."""

    def __init__(self, effective: Spans, real: Spans, pages: int) -> None:
        self._area = Area(L.WATCH_PAGES + (1 << 20) + pages + 8, 8)
        self.address = self._area.address
        places = {(1 << 20) + page: span for page, span in real.items() if page < pages}
        if any(page >= pages for page in real):
            places[(1 << 20) + pages] = _ALL
        numbers = {_NONE: 0, _ALL: 1}
        for page, span in {**effective, **places}.items():
            if span not in numbers and len(numbers) < _ROOM:
                numbers[span] = len(numbers)
            self._area.bytes[L.WATCH_PAGES + page] = numbers.get(span, 1)
        for span, number in numbers.items():
            struct.pack_into("<HH", self._area.bytes, L.WATCH_SPANS + 4 * number, *span)
        self.deafen(())

    def deafen(self, addresses: Iterable[int]) -> None:
        """From now on these instructions' accesses are not told, as far as there is room for them here."""
        tags = self._area.bytes[L.WATCH_DEAF : L.WATCH_PAGES].cast("I")
        tags[:] = _NOBODY
        for address in addresses:
            tags[address >> 2 & L.DEAF_ENTRIES - 1] = address
