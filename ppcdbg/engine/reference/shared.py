"""The reference engine for a core that shares its memory with others: each access is seen, each store is told.

Memory is sequentially consistent: an instruction is done before another core's begins, and all cores see it at once.
Barriers have nothing to do here. That is stronger than the hardware's storage model (Power ISA II 1.7).
"""

from __future__ import annotations

from dataclasses import dataclass

from ppcdbg.cpu.core import Core
from ppcdbg.cpu.mmu import Access, Translation
from ppcdbg.engine.reference.engine import ReferenceEngine
from ppcdbg.isa import slots


@dataclass(frozen=True, slots=True)
class Touch:
    """One access to memory or a device, at a real address."""

    write: bool
    address: int
    size: int
    value: int


class SharedEngine(ReferenceEngine):
    """One core of several. ``others`` are the engines of the rest, set by whoever makes them."""

    def __init__(self, core: Core) -> None:
        super().__init__(core)
        self.others: tuple[SharedEngine, ...] = ()
        self.touches: list[Touch] = []
        """Accesses since somebody cleared the list."""
        self.code_written = False
        """A store has changed an instruction that some core had run."""

    def _remember(self, page: int, real: int, access: Access) -> None:
        """Only fetches are remembered: every load and store takes the way on which it is seen."""
        if access is Access.FETCH:
            super()._remember(page, real, access)
        elif access is Access.STORE:
            self._written_pages.add(real)

    def _read_real(self, found: Translation, size: int) -> int:
        value = super()._read_real(found, size)
        self.touches.append(Touch(False, found.address, size, value))
        return value

    def _write_real(self, found: Translation, size: int, value: int) -> None:
        page = found.address & ~0xFFF
        for engine in (self, *self.others):
            ops = engine.code.get(page)
            if ops is not None and any(ops[at >> 2] is not None for at in _words(found.address, size)):
                self.code_written = True
                engine._code_written(page, found.address & 0xFFF, size)
        super()._write_real(found, size, value)
        self.touches.append(Touch(True, found.address, size, value))
        for engine in self.others:
            lose_reservation(engine.core, found.address)

    def fetched(self, pc: int) -> int | None:
        """Real address of the instruction at an effective address; None where its fetch takes an interrupt."""
        page = self._fetches.get(pc >> 12)
        if page is not None:
            return page | pc & 0xFFC
        found = self.core.probe(pc, Access.FETCH)
        return None if found is None or found.address >= self._ram_size else found.address

    def forget_code(self, address: int, length: int) -> None:
        """Memory was put back by somebody: what was decoded from it holds no more."""
        for engine in (self, *self.others):
            for page in range(address & ~0xFFF, address + length, 0x1000):
                ops = engine.code.get(page)
                if ops is not None:
                    ops[:] = [None] * 1024


def lose_reservation(core: Core, address: int) -> None:
    """Another core has stored at a real address: a reservation is lost when that is in its granule, a cache line
    (Power ISA II 1.7.3.1; e500 RM 3.3.1.7)."""
    reg = core.state.reg
    if reg[slots.RESERVED]:
        held = reg[slots.RESERVE_PA_HIGH] << 32 | reg[slots.RESERVE_PA]
        if (held ^ address) & -core.model.cache_line == 0:
            reg[slots.RESERVED] = 0


def _words(address: int, size: int) -> tuple[int, int]:
    """Offsets in their page of an access's first and last byte."""
    offset = address & 0xFFF
    return offset, offset + size - 1
