"""The interpreter as a compiled engine leaves to it: one instruction at a time, on the same state, without caches.

Nothing is remembered between instructions, because compiled code changes TLB and RAM without saying so.
"""

from __future__ import annotations

from collections.abc import Callable

from ppcdbg.cpu.core import Core
from ppcdbg.cpu.interrupts import GuestInterrupt
from ppcdbg.cpu.mmu import Access, Translation
from ppcdbg.cpu.state import RETIRED
from ppcdbg.engine.api import EngineStop
from ppcdbg.engine.common.interpreter import Interpreter, Op
from ppcdbg.engine.common.watching import AccessStop
from ppcdbg.engine.llvm.memory import EngineMemory
from ppcdbg.isa import slots
from ppcdbg.isa.bits import M32

KNOWN_WORDS = 4096


class SlowPath(Interpreter):
    """``written`` is told of each store to RAM: real address and size."""

    def __init__(self, core: Core, memory: EngineMemory, written: Callable[[int, int], None]) -> None:
        super().__init__(core)
        self._memory = memory
        self._written = written
        self._known: dict[int, Op] = {}

    def _remember(self, page: int, real: int, access: Access) -> None:
        pass

    def _write_real(self, found: Translation, size: int, value: int) -> None:
        super()._write_real(found, size, value)
        if found.address < self._ram_size:
            self._written(found.address, size)

    def perform(self, pc: int, real: int) -> EngineStop | None:
        """Run the instruction at ``pc``, which was fetched from ``real``."""
        self.cia, self.nia = pc, pc + 4 & M32
        word = int.from_bytes(self._ram[real : real + 4], "big")
        op = self._known.get(word)
        if op is None:
            if len(self._known) >= KNOWN_WORDS:
                self._known.clear()
            op = self._known[word] = self.decode(real)
        try:
            op[0](self, op[1])
        except GuestInterrupt as interrupt:
            return self.synchronous(interrupt)
        except AccessStop as stop:
            return self.given_up(stop)
        self.core.state.counters[RETIRED] += 1
        self.reg[slots.PC] = self.nia
        return self.take_hits() if self.hits else None

    def watched(self, limit: int, breakpoints: frozenset[int], first: bool) -> EngineStop | None:
        """Run instruction by instruction, with debug events, breakpoints and all."""
        self.code.clear()
        stop = self.burst(limit, breakpoints, first)
        self.code.clear()
        return stop or self.take_hits()
