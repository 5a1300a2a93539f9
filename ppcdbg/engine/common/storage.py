"""Storage accesses of instruction bodies on Python numbers: a translation cache before the MMU, RAM, devices, faults.

The cache holds, for each context, real page addresses of pages that are RAM and big-endian; everything else takes the
slow path each time. It must be told of every change (``translations_changed``).
"""

from __future__ import annotations

from struct import Struct
from typing import Any

from ppcdbg.cpu import msr as M
from ppcdbg.cpu.bus import BusFault
from ppcdbg.cpu.core import Core
from ppcdbg.cpu.interrupts import ALIGNMENT, MACHINE_CHECK, GuestInterrupt
from ppcdbg.cpu.mmu import Access, Context, Translation
from ppcdbg.engine.common.numbers import Numbers
from ppcdbg.isa import slots
from ppcdbg.isa.bits import M32
from ppcdbg.isa.sprs import SLOT

_HALF, _WORD, _DOUBLE = Struct(">H"), Struct(">I"), Struct(">Q")
_BY_SIZE = {2: _HALF, 4: _WORD, 8: _DOUBLE}
Pages = dict[int, int]


class Storage(Numbers):
    """Loads, stores, reservations and cache blocks at effective addresses."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.reg = core.state.reg
        self._ram = core.bus.ram
        self._ram_size = len(core.bus.ram)
        self._contexts: dict[tuple[int, ...], tuple[Pages, Pages, Pages]] = {}
        self._reads: Pages = {}
        self._writes: Pages = {}
        self._fetches: Pages = {}
        self.code: dict[int, list[Any]] = {}
        """Decoded pages: real page address -> one op or None for each word."""
        self._written_pages: set[int] = set()
        self._keys = [SLOT[n] for n in ("PID", "PID1", "PID2", "LPID")]
        core.tlb.changed = self._page_changed
        core.on_context = self.select_context
        self.select_context()

    # --- translation cache -------------------------------------------------------------------------------------------
    def select_context(self) -> None:
        """Use the caches of the context that the registers name now."""
        reg = self.reg
        bits = reg[slots.MSR] & (M.MSR_PR | M.MSR_IS | M.MSR_DS | M.MSR_GS)
        key = (bits, *(reg[k] for k in self._keys))
        found = self._contexts.get(key)
        if found is None:
            if len(self._contexts) > 64:
                self._contexts.clear()
            found = self._contexts[key] = ({}, {}, {})
        self._reads, self._writes, self._fetches = found

    def _page_changed(self, page: int | None) -> None:
        if page is None:
            for caches in self._contexts.values():
                for pages in caches:
                    pages.clear()
        else:
            for caches in self._contexts.values():
                for pages in caches:
                    pages.pop(page, None)

    def translations_changed(self) -> None:
        self.core.tlb.reloaded()
        self.select_context()

    def restored(self, translations: bool = True) -> None:
        self.translations_changed()

    def written(self) -> list[int]:
        return sorted(self._written_pages)

    def rest(self) -> None:
        pass

    def take_written(self) -> list[int]:
        for _, writes, _ in self._contexts.values():
            writes.clear()
        pages = sorted(self._written_pages)
        self._written_pages.clear()
        return pages

    def code_changed(self, address: int, length: int) -> None:
        for page in range(address & ~0xFFF, address + length, 0x1000):
            self._written_pages.add(page)
            ops = self.code.get(page)
            if ops is not None:
                ops[:] = [None] * 1024

    def _translate(self, ea: int, access: Access) -> Translation:
        found = self.core.mmu.translate(ea, access, self.core.mmu.context(fetch=access is Access.FETCH))
        page = found.address & ~0xFFF
        if page < self._ram_size and not found.little_endian:
            self._remember(ea >> 12, page, access)
        return found

    def _remember(self, page: int, real: int, access: Access) -> None:
        cache = {Access.LOAD: self._reads, Access.STORE: self._writes, Access.FETCH: self._fetches}[access]
        cache[page] = real
        if access is Access.STORE:
            self._written_pages.add(real)

    def code_page(self, pc: int) -> int:
        """Real address of the page of ``pc``; takes the fetch's interrupts."""
        page = self._fetches.get(pc >> 12)
        if page is None:
            found = self._translate(pc, Access.FETCH)
            page = found.address & ~0xFFF
            if page >= self._ram_size:
                raise self._machine_check(found.address, Access.FETCH)
        return page

    def _machine_check(self, address: int, access: Access) -> GuestInterrupt:
        if self.core.model.has_hv:
            which = {Access.FETCH: M.MCSR_IF, Access.LOAD: M.MCSR_LD, Access.STORE: M.MCSR_ST}[access] | M.MCSR_MAV
        else:
            which = {Access.FETCH: M.MCSR_BUS_IBERR, Access.LOAD: M.MCSR_BUS_RBERR, Access.STORE: M.MCSR_BUS_WBERR}[
                access
            ]
        return GuestInterrupt(MACHINE_CHECK, dear=address, mcsr=which)

    # --- loads and stores ---------------------------------------------------------------------------------------------
    def load(self, size: int, ea: int) -> int:
        page = self._reads.get(ea >> 12)
        offset = ea & 0xFFF
        if page is not None and offset + size <= 0x1000:
            if size == 1:
                return self._ram[page + offset]
            value: int
            (value,) = (_WORD if size == 4 else _BY_SIZE[size]).unpack_from(self._ram, page + offset)
            return value
        return self._load_slowly(size, ea)

    def load64(self, ea: int) -> int:
        return self.load(8, ea)

    def store(self, size: int, ea: int, value: int) -> None:
        page = self._writes.get(ea >> 12)
        offset = ea & 0xFFF
        if page is not None and offset + size <= 0x1000:
            if size == 4:
                _WORD.pack_into(self._ram, page + offset, value)
            elif size == 1:
                self._ram[page + offset] = value & 0xFF
            else:
                _BY_SIZE[size].pack_into(self._ram, page + offset, value & (1 << 8 * size) - 1)
            if page in self.code:
                self._code_written(page, offset, size)
            return
        self._store_slowly(size, ea, value)

    def store64(self, ea: int, value: int) -> None:
        self.store(8, ea, value)

    def _code_written(self, page: int, offset: int, size: int) -> None:
        ops = self.code[page]
        ops[offset >> 2] = None
        ops[offset + size - 1 >> 2] = None

    def _load_slowly(self, size: int, ea: int) -> int:
        if (ea & 0xFFF) + size > 0x1000:
            first = 0x1000 - (ea & 0xFFF)
            context = self.core.mmu.context(fetch=False)
            for part in (ea, ea + first & M32):
                self.core.mmu.translate(part, Access.LOAD, context)
            value = 0
            for i in range(size):
                value = value << 8 | self.load(1, ea + i & M32)
            return value
        return self._read_real(self._translate(ea, Access.LOAD), size)

    def _read_real(self, found: Translation, size: int) -> int:
        address = found.address
        if address + size <= self._ram_size:
            value = int.from_bytes(self._ram[address : address + size], "big")
        else:
            try:
                value = self.core.bus.read(address, size)
            except BusFault:
                raise self._machine_check(address, Access.LOAD) from None
            self.core.attention = True  # its interrupt lines may have changed
        if found.little_endian:
            value = int.from_bytes(value.to_bytes(size, "little"), "big")
        return value

    def _store_slowly(self, size: int, ea: int, value: int) -> None:
        if (ea & 0xFFF) + size > 0x1000:
            first = 0x1000 - (ea & 0xFFF)
            context = self.core.mmu.context(fetch=False)
            for part in (ea, ea + first & M32):
                self.core.mmu.translate(part, Access.STORE, context)
            for i in range(size):
                self.store(1, ea + i & M32, value >> 8 * (size - 1 - i) & 0xFF)
            return
        self._write_real(self._translate(ea, Access.STORE), size, value & (1 << 8 * size) - 1)

    def _write_real(self, found: Translation, size: int, value: int) -> None:
        address = found.address
        if found.little_endian:
            value = int.from_bytes(value.to_bytes(size, "little"), "big")
        if address + size <= self._ram_size:
            self._ram[address : address + size] = value.to_bytes(size, "big")
            page = address & ~0xFFF
            self._written_pages.add(page)
            if page in self.code:
                self._code_written(page, address & 0xFFF, size)
            return
        try:
            self.core.bus.write(address, size, value)
        except BusFault:
            raise self._machine_check(address, Access.STORE) from None
        self.core.attention = True  # its interrupt lines may have changed

    # --- multiple, reservation, blocks --------------------------------------------------------------------------------
    def _require_word(self, ea: int, store: bool) -> None:
        if ea & 3:
            raise GuestInterrupt(ALIGNMENT, M.ESR_ST if store else 0, ea)

    def require_aligned(self, ea: int, size: int, *, store: bool) -> None:
        if ea & size - 1 and not self.core.model.qemu:
            raise GuestInterrupt(ALIGNMENT, M.ESR_ST if store else 0, ea)

    def load_multiple(self, first: int, ea: int) -> None:
        if not self.core.model.qemu:
            self._require_word(ea, store=False)
        values = [self.load(4, ea + 4 * i & M32) for i in range(32 - first)]
        for i, value in enumerate(values, first):
            self.reg[i] = value

    def store_multiple(self, first: int, ea: int) -> None:
        if not self.core.model.qemu:
            self._require_word(ea, store=True)
        for i in range(first, 32):
            self.store(4, ea + 4 * (i - first) & M32, self.reg[i])

    def load_reserve(self, ea: int) -> int:
        if ea & 3:
            raise GuestInterrupt(ALIGNMENT, self.reg[SLOT["ESR"]] if self.core.model.qemu else 0, ea)
        value = self.load(4, ea)
        address = self._translate(ea, Access.LOAD).address
        reg = self.reg
        reg[slots.RESERVED] = 1
        reg[slots.RESERVE_PA], reg[slots.RESERVE_PA_HIGH] = address & M32, address >> 32
        return value

    def store_conditional(self, ea: int, value: int) -> int:
        reg = self.reg
        if self.core.model.qemu and (not reg[slots.RESERVED] or (ea ^ reg[slots.RESERVE_PA]) & 0xFFF):
            reg[slots.RESERVED] = 0
            return 0
        self._require_word(ea, store=True)
        address = self._translate(ea, Access.STORE).address
        reg = self.reg
        held = reg[slots.RESERVED] and reg[slots.RESERVE_PA_HIGH] << 32 | reg[slots.RESERVE_PA] == address
        reg[slots.RESERVED] = 0
        if not held:
            return 0
        self.store(4, ea, value)
        return 1

    def zero_block(self, ea: int) -> None:
        line = self.core.model.cache_line
        ea &= -line & M32
        found = self._translate(ea, Access.STORE)
        if found.entry.mas2 & 0x18 and not self.core.model.qemu:  # W or I: not cacheable for dcbz (Book II 4.3.2)
            raise GuestInterrupt(ALIGNMENT, M.ESR_ST, ea)
        for i in range(0, line, 8):
            self.store(8, ea + i, 0)

    def check_block(self, ea: int, *, write: bool) -> None:
        access = Access.STORE if write else Access.LOAD
        pages = self._writes if write else self._reads
        if ea >> 12 not in pages:
            self._translate(ea, access)

    def check_code(self, ea: int) -> None:
        line = self.core.model.cache_line if self.core.model.qemu else 1  # QEMU's core gives DEAR the line's address
        self.check_block(ea & -line & M32, write=False)

    def lock_line(self, ea: int, *, data: bool) -> None:
        self.check_block(ea, write=False)
        self.reg[SLOT["L1CSR0" if data else "L1CSR1"]] |= 0x400  # CUL, ICUL: unable to lock

    # --- external PID -------------------------------------------------------------------------------------------------
    def _external(self, ea: int, access: Access) -> Translation:
        context: Context = self.core.mmu.external(store=access is Access.STORE)
        return self.core.mmu.translate(ea, access, context, M.ESR_EPID)

    def external_load(self, size: int, ea: int) -> int:
        if (ea & 0xFFF) + size > 0x1000:
            self._external(ea, Access.LOAD)
            self._external((ea & ~0xFFF) + 0x1000 & M32, Access.LOAD)
            value = 0
            for i in range(size):
                value = value << 8 | self._read_real(self._external(ea + i & M32, Access.LOAD), 1)
            return value
        return self._read_real(self._external(ea, Access.LOAD), size)

    def external_store(self, size: int, ea: int, value: int) -> None:
        value &= (1 << 8 * size) - 1
        if (ea & 0xFFF) + size > 0x1000:
            self._external(ea, Access.STORE)
            self._external((ea & ~0xFFF) + 0x1000 & M32, Access.STORE)
            for i in range(size):
                self._write_real(self._external(ea + i & M32, Access.STORE), 1, value >> 8 * (size - 1 - i) & 0xFF)
            return
        self._write_real(self._external(ea, Access.STORE), size, value)

    def external_check(self, ea: int, *, write: bool) -> None:
        self._external(ea, Access.STORE if write else Access.LOAD)

    def external_zero(self, ea: int) -> None:
        line = self.core.model.cache_line
        ea &= -line & M32
        for i in range(0, line, 8):
            self.external_store(8, ea + i, 0)
