"""A core on a bus of plain RAM, with the reference engine: what the tests of the core and the engine stand on."""

from __future__ import annotations

from dataclasses import dataclass

from ppcdbg.cpu.bus import BusFault
from ppcdbg.cpu.core import Core
from ppcdbg.cpu.models import CORES
from ppcdbg.engine.api import Engine, EngineStop, Stops
from ppcdbg.isa.table import by_name
from tests.engines import engine_under_test

BASE = 0x1000
VECTORS = 0x8000
ALL = 0x3F
NOP = 0x60000000


class PlainBus:
    """RAM, and one word-wide device at ``DEVICE`` that remembers what was written."""

    DEVICE = 0xFE0000000
    shortcuts = None

    def __init__(self, size: int) -> None:
        self.ram = memoryview(bytearray(size))
        self.device = 0

    def read(self, address: int, size: int) -> int:
        if address != self.DEVICE:
            raise BusFault(address, False)
        return self.device & (1 << 8 * size) - 1

    def write(self, address: int, size: int, value: int) -> None:
        if address != self.DEVICE:
            raise BusFault(address, True)
        self.device = value

    def peek(self, address: int, size: int) -> int | None:
        return None


@dataclass
class Rig:
    """Core, engine and bus together; vectors are at ``VECTORS + 0x100 * number``."""

    core: Core
    engine: Engine
    bus: PlainBus

    def code(self, *words: int, at: int = BASE) -> Rig:
        for i, word in enumerate(words):
            self.bus.ram[at + 4 * i : at + 4 * i + 4] = word.to_bytes(4, "big")
        self.core.state.pc = at
        return self

    def run(self, count: int = 1, breakpoints: frozenset[int] = frozenset()) -> EngineStop:
        return self.engine.run(self.core.retired + count, Stops(breakpoints))

    def map(self, index: int, ea: int, pa: int, *, perms: int = ALL, tsize: int = 2, tid: int = 0, ts: int = 0,
            mas2: int = 0, mas8: int = 0) -> None:  # fmt: skip
        """Write TLB1[index]: pages of 1 KiB << tsize."""
        self.core.tlb.write(512 + index, 0x80000000 | tid << 16 | ts << 12 | tsize << 7, ea | mas2,
                            pa & 0xFFFFF000 | perms, pa >> 32, mas8)  # fmt: skip


def rig(cpu: str = "e500mc", size: int = 1 << 20) -> Rig:
    """EA 0 is mapped to PA 0, 1 MiB, all permissions, by TLB1[0]; the vectors hold no-ops."""
    bus = PlainBus(size)
    core = Core(CORES[cpu], bus)
    it = Rig(core, engine_under_test(core), bus)
    it.map(0, 0, 0, tsize=10)
    bus.ram[VECTORS : VECTORS + 0x3000] = NOP.to_bytes(4, "big") * 0xC00
    core.write_spr("IVPR", 0)
    for n in (*range(16), *range(32, 42)):
        try:
            core.write_spr(f"IVOR{n}", VECTORS + 0x100 * n)
        except KeyError:
            continue
    return it


def asm(name: str, **raw: int) -> int:
    """A word by mnemonic and raw field bits."""
    return by_name(name).form.encode(**raw)


def spr_field(number: int) -> int:
    """An SPR number as the instruction's field holds it: halves swapped."""
    return (number & 31) << 5 | number >> 5
