"""Two engines run the same guest, each on a core and RAM of its own; the first difference ends the run.

The first engine has the machine's core and its devices. What it reads from devices is written down and read to the
second, a witness made by the reference engine. They are compared after each stretch; a stretch that ends differently
is run again from its start, shorter and shorter, until the instruction is found. Devices are never asked twice.
"""

from __future__ import annotations

from ppcdbg.cpu.core import Core
from ppcdbg.cpu.interrupts import VECTORS
from ppcdbg.cpu.mmu import Access, Translation
from ppcdbg.cpu.state import COUNTER_OFFSET, RETIRED
from ppcdbg.engine.api import Engine, EngineStop, Stops, Why
from ppcdbg.engine.choose import EngineFactory
from ppcdbg.engine.differences import Difference, differences, same
from ppcdbg.engine.journal import Journal, RecordingBus, RecordingSource, ReplayBus, ReplayMismatch, ReplaySource
from ppcdbg.engine.reference.engine import ReferenceEngine
from ppcdbg.errors import LockstepError
from ppcdbg.isa.table import decoder

STRETCH = 5_000
"""Instructions between two comparisons."""
LOOK_EVERYWHERE = 400
"""Stretches between two comparisons of all of RAM; the others compare the pages that the witness wrote."""
PAGE = 4096
_RETIRED = COUNTER_OFFSET + 8 * RETIRED


class Witness(ReferenceEngine):
    """The reference engine, noting the real pages that it may have written."""

    def __init__(self, core: Core) -> None:
        self.pages: set[int] = set()
        super().__init__(core)

    def _remember(self, page: int, real: int, access: Access) -> None:
        super()._remember(page, real, access)
        if access is Access.STORE:
            self.pages.add(real)

    def _write_real(self, found: Translation, size: int, value: int) -> None:
        super()._write_real(found, size, value)
        if found.address < self._ram_size:
            self.pages.add(found.address & -PAGE)


class LockstepEngine:
    """An engine under test beside the reference. Implements ``engine.api.Engine``; ``run`` raises LockstepError."""

    name = "lockstep"
    slice = 20_000

    def __init__(self, core: Core, first: EngineFactory) -> None:
        self.core = core
        self.first: Engine = first(core)
        self._journal = Journal()
        self._ram = core.bus.ram
        self._second_ram, self._base = (memoryview(bytearray(len(self._ram))) for _ in range(2))
        bus = ReplayBus(self._second_ram, self._journal)
        bus.core = self._witness_core = Core(core.model, bus)
        self._witness_core.interrupt_source = ReplaySource(self._journal, bus.core)
        self.second = Witness(self._witness_core)
        self._started = False
        self._stretches = 0

    # --- told from outside ------------------------------------------------------------------------
    def code_changed(self, address: int, length: int) -> None:
        self.first.code_changed(address, length)
        if self._started:
            self._copy_in(address & -PAGE, address + length)

    def translations_changed(self) -> None:
        self.first.translations_changed()

    def restored(self, translations: bool = True) -> None:
        self.first.restored(translations)

    def written(self) -> list[int]:
        return self.first.written()

    def rest(self) -> None:
        self.first.rest()

    def take_written(self) -> list[int]:
        return self.first.take_written()

    def _copy_in(self, start: int, end: int) -> None:
        """RAM was changed from outside: let the witness have it too."""
        for at in range(start, min(end, len(self._ram)), PAGE):
            page = slice(at, at + PAGE)
            if self._ram[page] != self._second_ram[page]:
                self._second_ram[page] = self._base[page] = self._ram[page]
                self.second.code_changed(at, PAGE)

    def _adopt(self) -> None:
        """Begin from the machine's state, whatever happened to it outside of ``run``."""
        if not self._started:
            self._second_ram[:] = self._base[:] = self._ram
            self._started = True
        for start, length in getattr(self.core.bus, "written_outside", ()):
            self._copy_in(start & -PAGE, start + length)
        self._witness_core.copy_from(self.core)
        self._witness_core.tenant = self.core.tenant
        self._witness_core.interrupt_source = (
            ReplaySource(self._journal, self._witness_core) if self.core.interrupt_source is not None else None
        )
        self._block, self._edges = bytes(self.core.state.block), self.core.timers.edges
        self._journal.clear()

    # --- running ----------------------------------------------------------------------------------
    def run(self, limit: int, stops: Stops) -> EngineStop:
        while True:
            self._adopt()
            goal = min(limit, self.core.retired + STRETCH)
            stop = self._run_first(goal, stops, record=True)
            difference = self._compare(stop, goal, stops)
            if difference is not None:
                raise self._error(difference, goal - self._start, stops)
            self._agreed()
            if stop.why is not Why.LIMIT or goal == limit:
                return stop
            # A run passes the breakpoint that it begins at; a stretch in the middle of one must not.
            if self.core.state.pc in stops.breakpoints:
                return EngineStop(Why.BREAKPOINT)

    @property
    def _start(self) -> int:
        """The count of retired instructions at which this stretch began."""
        return int.from_bytes(self._block[_RETIRED : _RETIRED + 8], "little")

    def _run_first(self, goal: int, stops: Stops, *, record: bool) -> EngineStop:
        core = self.core
        bus, source = core.bus, core.interrupt_source
        if record:
            core.bus = RecordingBus(bus, self._journal, core)
            core.interrupt_source = source and RecordingSource(source, self._journal, core)
        else:
            core.bus = replay = ReplayBus(self._ram, self._journal)
            replay.core = core
            core.interrupt_source = source and ReplaySource(self._journal, core)
        try:
            return self.first.run(goal, stops)
        finally:
            core.bus, core.interrupt_source = bus, source

    def _compare(self, stop: EngineStop, goal: int, stops: Stops) -> Difference | None:
        """Run the witness as far and look for a difference."""
        second, journal = self.second, self._journal
        second.pages.clear()
        second.translations_changed()
        journal.rewind()
        try:
            other = second.run(goal, stops)
        except ReplayMismatch as mismatch:
            return Difference("a device access", mismatch.first, mismatch.second)
        if other != stop:
            return Difference("the stop", _why(stop), _why(other))
        if journal.read != journal.asked:
            return Difference("a device access", str(journal.entries[journal.read][0]), "none")
        if not same(self.core.state, self._witness_core.state):
            return differences(self.core.state, self._witness_core.state)
        return self._ram_difference()

    def _ram_difference(self) -> Difference | None:
        self._stretches += 1
        pages = sorted(self.second.pages)
        if self._stretches % LOOK_EVERYWHERE == 0 and not _equal(self._ram, self._second_ram):
            pages = list(range(0, len(self._ram), PAGE))
        for page in pages:
            mine, theirs = bytes(self._ram[page : page + PAGE]), bytes(self._second_ram[page : page + PAGE])
            if mine != theirs:
                at = next(i for i in range(PAGE) if mine[i] != theirs[i])
                return Difference(f"the byte at real address {page + at:#x}", f"{mine[at]:#04x}", f"{theirs[at]:#04x}")
        return None

    def _agreed(self) -> None:
        """What the witness wrote is where the next stretch begins."""
        for page in self.second.pages:
            self._base[page : page + PAGE] = self._second_ram[page : page + PAGE]

    # --- finding the instruction ------------------------------------------------------------------
    def _restore(self, pages: set[int]) -> None:
        """Both engines back at the start of the stretch."""
        for core, engine, ram in (
            (self.core, self.first, self._ram),
            (self._witness_core, self.second, self._second_ram),
        ):
            for page in pages:
                ram[page : page + PAGE] = self._base[page : page + PAGE]
                engine.code_changed(page, PAGE)
            core.state.block[:] = self._block
            core.timers.edges = self._edges
            engine.translations_changed()
        self._journal.rewind()

    def _difference_within(self, count: int, stops: Stops, pages: set[int]) -> Difference | None:
        """What differs ``count`` instructions into the stretch, from its start, devices answering as they did."""
        self._restore(pages)
        goal = self._start + count
        try:
            stop = self._run_first(goal, stops, record=False)
        except ReplayMismatch as mismatch:
            return Difference("a device access", mismatch.second, mismatch.first)
        self._journal.asked = self._journal.read
        found = self._compare(stop, goal, stops)
        pages |= self.second.pages
        return found

    def _error(self, difference: Difference, count: int, stops: Stops) -> LockstepError:
        """Halve the stretch until one instruction is left."""
        pages = set(self.second.pages)
        low, high = 0, max(count, 1)
        while high - low > 1:
            middle = (low + high) // 2
            found = self._difference_within(middle, stops, pages)
            if found is None:
                low = middle
            else:
                high, difference = middle, found
        self._restore(pages)
        if high > 1:
            self.second.run(self._start + high - 1, stops)
        return LockstepError(f"{self.first.name} and {self.second.name} differ {self._place()}: {difference}")

    def _place(self) -> str:
        """The instruction that the witness is about to run."""
        core = self._witness_core
        pc = core.state.pc
        text = f"after instruction {core.retired + 1:,} at {pc:#010x}"
        found = core.probe(pc, Access.FETCH)
        if found is None or found.address + 4 > len(self._second_ram):
            return text
        word = int.from_bytes(self._second_ram[found.address : found.address + 4], "big")
        insn = decoder(core.model.name).decode(word)
        return f"{text}, {insn.name if insn else 'illegal'} ({word:#010x})"


def _why(stop: EngineStop) -> str:
    return stop.why.value if stop.vector < 0 else f"{stop.why.value} by {VECTORS[stop.vector].name}"


def _equal(a: memoryview, b: memoryview) -> bool:
    """A megabyte at a time: comparing views directly goes byte by byte."""
    step = 1 << 20
    return all(bytes(a[at : at + step]) == bytes(b[at : at + step]) for at in range(0, len(a), step))
