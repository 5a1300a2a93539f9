"""Data watchpoints on the storage vocabulary: every access to a watched page comes here and is compared to the byte.

A watched page is never put into a translation cache, so that pages that nobody watches cost nothing. Looking changes
nothing of the guest. Read next: :mod:`.context`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from ppcdbg.cpu.core import Core
from ppcdbg.cpu.interrupts import GuestInterrupt
from ppcdbg.cpu.mmu import Access, Translation
from ppcdbg.engine.api import EngineStop, Hit, Stops, Watch, WatchKind, Why
from ppcdbg.engine.common.storage import Storage
from ppcdbg.isa import slots
from ppcdbg.isa.bits import M32


class AccessStop(Exception):
    """An access that must not happen yet: the instruction is given up before anything of it is done."""

    def __init__(self, hits: list[Hit]) -> None:
        self.hits = tuple(hits)


Spans = Mapping[int, tuple[int, int]]
"""Pages, by number, with the offsets of the first and the last watched byte in each."""


class WatchedStorage(Storage):
    """Storage that tells ``hits`` of accesses to watched bytes. Engines ask ``take_hits`` after each instruction."""

    def __init__(self, core: Core) -> None:
        self._watches: tuple[Watch, ...] = ()
        self.watched_ea: Spans = {}
        self.watched_real: Spans = {}
        self.deaf: frozenset[int] = frozenset()
        self._before = False
        self._passing: tuple[int, int] | None = None
        self._inside = False
        self.hits: list[Hit] = []
        self.cia = 0
        super().__init__(core)

    def set_watches(self, stops: Stops) -> bool:
        """Take over what a run asks for; whether the set of watches differs from the one before."""
        self._before, self._passing, self.deaf = stops.before, stops.passing, stops.deaf
        if stops.watches == self._watches:
            return False
        self._watches = stops.watches
        self.watched_ea = spans(w for w in stops.watches if not w.real)
        self.watched_real = spans(w for w in stops.watches if w.real)
        self.hits.clear()
        self._page_changed(None)
        return True

    def take_hits(self) -> EngineStop | None:
        """The stop for what was hit since the last call."""
        if not self.hits:
            return None
        hits = tuple(self.hits)
        self.hits.clear()
        return EngineStop(Why.WATCH, hits=hits)

    def given_up(self, stop: AccessStop) -> EngineStop:
        """The stop for an instruction that was not run."""
        self.reg[slots.PC] = self.cia
        return EngineStop(Why.WATCH, hits=stop.hits)

    def forget_reads(self) -> None:
        """The instruction was interrupted: what it read it will read again, what it stored is stored."""
        if self.hits:
            self.hits = [hit for hit in self.hits if hit.write]

    # --- the pages --------------------------------------------------------------------------------
    def _remember(self, page: int, real: int, access: Access) -> None:
        if access is not Access.FETCH and (page in self.watched_ea or real >> 12 in self.watched_real):
            return
        super()._remember(page, real, access)

    # --- the accesses -----------------------------------------------------------------------------
    def _load_slowly(self, size: int, ea: int) -> int:
        if not self._watches or self._inside:
            return super()._load_slowly(size, ea)
        with self._looked(ea, size, Access.LOAD):
            return super()._load_slowly(size, ea)

    def _store_slowly(self, size: int, ea: int, value: int) -> None:
        if not self._watches or self._inside:
            super()._store_slowly(size, ea, value)
            return
        with self._looked(ea, size, Access.STORE, value):
            super()._store_slowly(size, ea, value)

    def store_conditional(self, ea: int, value: int) -> int:
        try:
            return super().store_conditional(ea, value)
        except AccessStop:
            self.reg[slots.RESERVED] = 1  # it was held, or nothing would have been stored
            raise

    def external_load(self, size: int, ea: int) -> int:
        if not self._watches:
            return super().external_load(size, ea)
        with self._looked(ea, size, Access.LOAD, external=True):
            return super().external_load(size, ea)

    def external_store(self, size: int, ea: int, value: int) -> None:
        if not self._watches:
            super().external_store(size, ea, value)
            return
        with self._looked(ea, size, Access.STORE, value, external=True):
            super().external_store(size, ea, value)

    @contextmanager
    def _looked(self, ea: int, size: int, access: Access, value: int = 0, *, external: bool = False) -> Iterator[None]:
        """Around one access. Its bytes are not looked at once more, and what takes a machine check did not happen."""
        before = len(self.hits)
        self._look(ea, size, access, value, external)
        self._inside = True
        try:
            yield
        except GuestInterrupt:
            del self.hits[before:]
            raise
        finally:
            self._inside = False

    def _look(self, ea: int, size: int, access: Access, value: int, external: bool) -> None:
        """Compare one access with the watches. An access that takes an interrupt has not happened."""
        if self.cia in self.deaf:
            return
        if not self.watched_real and not any(ea < w.start + w.length and w.start < ea + size for w in self._watches):
            if ea + size <= 1 << 32:
                return
        parts = self._parts(ea, size, access, external)
        if not parts or self._before and (self.core.retired, self.cia) == self._passing:
            return
        write = access is Access.STORE
        new = value & (1 << 8 * size) - 1 if write else None
        old = self._old(parts)
        found = [
            Hit(watch, self.core.retired, self.cia, at, parts[0][2].address, size, write, old, new)
            for watch in self._watches
            if (at := _hit(watch, parts, write, old, new, size)) is not None
        ]
        if not found:
            return
        if self._before:
            raise AccessStop(found)
        self.hits += found
        self.core.attention = True

    def _parts(self, ea: int, size: int, access: Access, external: bool) -> list[tuple[int, int, Translation]]:
        """The access as one or two pieces, each in one page: effective address, size, where it goes."""
        mmu = self.core.mmu
        context = mmu.external(store=access is Access.STORE) if external else mmu.context(fetch=False)
        first = min(size, 0x1000 - (ea & 0xFFF))
        pieces = [(ea, first), (ea + first & M32, size - first)]
        try:
            return [(at, length, mmu.translate(at, access, context)) for at, length in pieces if length]
        except GuestInterrupt:
            return []

    def _old(self, parts: list[tuple[int, int, Translation]]) -> int | None:
        """What stood there, as the guest would load it; None for devices."""
        data = b""
        for _, length, found in parts:
            if found.address + length > self._ram_size:
                return None
            piece = bytes(self._ram[found.address : found.address + length])
            data += piece[::-1] if found.little_endian else piece
        return int.from_bytes(data, "big")


def spans(watches: Iterable[Watch]) -> Spans:
    """The 4 KiB pages that watches lie in."""
    found: dict[int, tuple[int, int]] = {}
    for w in watches:
        end = w.start + max(w.length, 1) - 1
        for page in range(w.start >> 12, (end >> 12) + 1):
            first, last = found.get(page, (0xFFF, 0))
            found[page] = min(first, max(w.start - (page << 12), 0)), max(last, min(end - (page << 12), 0xFFF))
    return found


def _hit(
    watch: Watch, parts: list[tuple[int, int, Translation]], write: bool, old: int | None, new: int | None, size: int
) -> int | None:
    """The first watched address that the access touches, in the watch's own space; None where it is not hit."""
    if write is (watch.kind is WatchKind.READ) and watch.kind is not WatchKind.ACCESS:
        return None
    differ = -1 if old is None or new is None or watch.kind is not WatchKind.CHANGE else old ^ new
    touched = None
    rest = size
    for ea, length, found in parts:
        start = found.address if watch.real else ea
        rest -= length
        first, last = max(start, watch.start), min(start + length, watch.start + watch.length)
        if first < last and differ >> 8 * (rest + start + length - last) & (1 << 8 * (last - first)) - 1:
            touched = first if touched is None else touched
    return touched
