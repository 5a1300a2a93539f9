"""Memory that compiled code and Python share: the engine's block, op pages, sets of cached translations.

Everything is anonymous memory of the host that costs nothing until touched. Nothing here runs guest code.
"""

from __future__ import annotations

import ctypes
import re
import struct

from ppcdbg.cpu.core import Core
from ppcdbg.cpu.shortcuts import Shortcuts
from ppcdbg.cpu.state import TLB0_ENTRIES, TLB_ENTRY_WORDS
from ppcdbg.cpu.tlb import MAS1_V
from ppcdbg.engine.common.watching import Spans
from ppcdbg.engine.llvm import layout as L
from ppcdbg.engine.llvm.area import Area
from ppcdbg.engine.llvm.watched import Watched
from ppcdbg.isa import slots
from ppcdbg.isa.sprs import SLOT

SET_LIMIT = 32
OP_PAGES = 8192
_PAGE = 4096
_NOTED = re.compile(b"[%c%c]" % (L.NOTED, L.NOTED | L.WRITTEN))
_LOG = struct.Struct("<III?xxxQ")


def address_of(buffer: bytearray | memoryview) -> tuple[int, object]:
    """Host address of a writable buffer, and what keeps it from moving."""
    anchor = ctypes.c_char.from_buffer(buffer)
    return ctypes.addressof(anchor), anchor


class EngineMemory:
    """The memory of one engine on one core."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._reg = core.state.reg
        ram = core.bus.ram
        ram_address, self._ram_anchor = address_of(ram)
        state_address, self._state_anchor = address_of(core.state.block)
        pages = (len(ram) + _PAGE - 1) // _PAGE
        self.block = Area(L.BLOCK_SIZE)
        self._tables = Area(pages * 8 + pages + 16)
        self.slab = Area(OP_PAGES * L.PAGE_STRIDE, L.PAGE_STRIDE)
        self._sets = Area(SET_LIMIT * L.SET_SIZE)
        self._present = Area(L.SET_DATA_ENTRIES * 4)
        self._shortcuts_anchor: object = None
        self.watched: Watched | None = None
        self._groups: dict[int, list[int]] = {}
        empty = bytearray(struct.pack("<QQ", L.NO_TAG << 32 | L.NO_TAG, 0) * (L.SET_SIZE // 16))
        empty[:64] = struct.pack("<Q", self.block.address).ljust(64, b"\0")
        self._empty = bytes(empty)
        self.set(L.STATE, state_address)
        self.set(L.RAM, ram_address)
        self.set(L.RAM_SIZE, len(ram) & -_PAGE)
        self.set(L.PAGE_OPS, self._tables.address)
        self.set(L.PAGE_MARKS, self._tables.address + pages * 8)
        self.set(L.SETS, self._sets.address)
        self.set(L.PRESENT, self._present.address)
        self._pages = pages
        self._marks = self._tables.bytes[pages * 8 : pages * 9]
        self._seen_marks, self._noted = b"", list[int]()
        self._no_tags = memoryview(struct.pack("<I", L.NO_TAG) * L.SET_DATA_ENTRIES).cast("I")
        self.forget_code()
        self.select()
        self.forget_translations()

    def set(self, offset: int, value: int) -> None:
        self.block.words[offset >> 3] = value

    def get(self, offset: int) -> int:
        """A variable of the engine's block."""
        return self.block.words[offset >> 3]

    def take_strays(self) -> tuple[int, list[tuple[int, int]]] | None:
        """How often regions jumped out through CTR since the last call, and pairs of jump and target."""
        count = self.get(L.STRAYS)
        if not count:
            return None
        start, end = L.STRAY_TABLE >> 3, (L.STRAY_TABLE >> 3) + L.STRAY_ENTRIES
        pairs = [(word & 0xFFFFFFFF, word >> 32) for word in self.block.words[start:end] if word]
        self.set(L.STRAYS, 0)
        self.block.words[start:end] = memoryview(bytes(8 * L.STRAY_ENTRIES)).cast("Q")
        return count, pairs

    def take_log(self) -> list[tuple[int, int, int, bool, int]]:
        """Interrupts taken by compiled code since the last call: vector, saved pc, old MSR, to the guest, position."""
        count = self.get(L.LOG_COUNT)
        self.set(L.LOG_COUNT, 0)
        if count == 1:
            return [_LOG.unpack_from(self.block.bytes, L.LOG)]
        return list(_LOG.iter_unpack(self.block.bytes[L.LOG : L.LOG + L.LOG_ENTRY * count]))

    # --- code ----------------------------------------------------------------------------------------------------
    def forget_code(self) -> None:
        """Drop all op pages; the sets must be cleared with it."""
        ctypes.memset(self._tables.address, 0, self._pages * 8)
        self.set(L.SLAB_NEXT, self.slab.address)
        self.set(L.FREE_PAGES, 0)
        self.set(L.SLAB_END, self.slab.address + self.slab.size)

    def op_page(self, real: int) -> int:
        """Address of the op page of a real page, 0 if there is none."""
        return self._tables.words[real >> 12] if real >> 12 < self._pages else 0

    def real_of(self, op: int) -> int:
        """Real address of the word behind an op."""
        within = op & L.PAGE_STRIDE - 1
        page = op - within - self.slab.address
        return self.slab.words[page + L.PAGE_REAL >> 3] + (within >> 2)

    def handler(self, op: int) -> int:
        return self.slab.words[op - self.slab.address >> 3]

    def set_page_flags(self, page: int, flags: int) -> None:
        self.slab.words[page + L.PAGE_FLAGS - self.slab.address >> 3] = flags

    def set_handler(self, op: int, handler: int) -> None:
        self.slab.words[op - self.slab.address >> 3] = handler

    # --- devices -------------------------------------------------------------------------------------------------
    def serve(self, shortcuts: Shortcuts | None) -> None:
        """Let compiled code serve what these offer; they live as long as they are installed."""
        address, self._shortcuts_anchor = (0, None) if shortcuts is None else address_of(shortcuts.block)
        self.set(L.SHORTCUTS, address)

    # --- watched pages -------------------------------------------------------------------------------------------
    def watch(self, effective: Spans, real: Spans) -> None:
        """Leave all accesses to these bytes to Python, of pages given by number."""
        pages = self.get(L.RAM_SIZE) >> 12
        self.watched = Watched(effective, real, pages) if effective or real else None
        self.set(L.WATCHES, 0 if self.watched is None else self.watched.address)
        self.set(L.FLUSH, 1)

    # --- pages written ---------------------------------------------------------------------------------------------
    def note_written(self, real: int) -> None:
        """Python wrote to a real page."""
        if real >> 12 < self._pages:
            self._marks[real >> 12] |= L.NOTED

    def written(self) -> list[int]:
        """Real pages that may have been written since ``take_written``; every tag and note stays."""
        marks = bytes(self._marks)
        if marks != self._seen_marks:
            self._seen_marks, self._noted = marks, [found.start() << 12 for found in _NOTED.finditer(marks)]
        return [*self._noted]

    def take_written(self) -> list[int]:
        """Real pages that may have been written since the last call; no set has a write tag afterwards."""
        marks = bytes(self._marks)
        ctypes.memset(self._tables.address + self._pages * 8, 0, self._pages)
        tags = self._sets.bytes.cast("I")
        for number in range(self.get(L.SET_COUNT)):
            first = (number * L.SET_SIZE + L.SET_DATA >> 2) + 1
            tags[first : first + L.SET_DATA_ENTRIES * 4 : 4] = self._no_tags
        return [found.start() << 12 for found in _NOTED.finditer(marks)]

    # --- translations --------------------------------------------------------------------------------------------
    def forget_translations(self) -> None:
        """Clear every set, and note which entries of TLB1 are valid."""
        for number in range(self.get(L.SET_COUNT)):
            self._clear(number)
        ctypes.memset(self._present.address, 0, self._present.size)
        tlb = self._core.state.tlb
        valid = 0
        for i in range(self._core.tlb.tlb1_entries):
            if tlb[(TLB0_ENTRIES + i) * TLB_ENTRY_WORDS] & MAS1_V:
                valid |= 1 << i
        self.set(L.TLB1_VALID, valid)
        self.set(L.FLUSH, 0)

    def _clear(self, number: int) -> None:
        ctypes.memmove(self._sets.address + number * L.SET_SIZE, self._empty, L.SET_SIZE)
        self._sets.words[number * L.SET_SIZE + L.SET_BIT >> 3] = 1 << number

    def select(self) -> int:
        """Install the set for the context that the registers name; its address."""
        r = self._reg
        key = r[SLOT["PID"]] | r[SLOT["PID1"]] << 16 | r[SLOT["PID2"]] << 32 | r[SLOT["LPID"]] << 48
        number = L.set_number(r[slots.MSR])
        group = self._groups.get(key)
        if group is None or not group[number]:
            if self.get(L.SET_COUNT) == SET_LIMIT:
                self._groups.clear()
                self.set(L.SET_COUNT, 0)
            group = self._groups.setdefault(key, [0] * 16)
            count = self.get(L.SET_COUNT)
            group[number] = self._sets.address + count * L.SET_SIZE
            self._clear(count)
            self.set(L.SET_COUNT, count + 1)
        self.set(L.KEY, key)
        self.block.words[L.SET_TABLE >> 3 : (L.SET_TABLE >> 3) + 16] = memoryview(
            struct.pack("<16Q", *group)
        ).cast("Q")  # fmt: skip
        return group[number]

    def map_page(self, chosen: int, ea: int, page: int) -> None:
        """Let the fetch map of a set name an op page for the page of ``ea``."""
        index = ea >> 12 & L.SET_FETCH_ENTRIES - 1
        place = chosen - self._sets.address + L.SET_FETCH + index * 16 >> 3
        self._sets.words[place] = ea & 0xFFFFF000
        self._sets.words[place + 1] = page
        present = self._present.bytes.cast("I")
        present[ea >> 12 & L.SET_DATA_ENTRIES - 1] |= 1 << (chosen - self._sets.address) // L.SET_SIZE
