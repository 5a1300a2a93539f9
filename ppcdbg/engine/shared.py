"""Engines for cores that share their memory, one instruction of one core at a time: the reference engine, or any other
beside it.

Another engine runs the instruction; before that the reference engine carries it out on a copy of the core, which stores
nothing and asks no device, and says what it will touch. The two must then agree to the bit, as in lockstep.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ppcdbg.cpu.bus import Bus
from ppcdbg.cpu.core import Core
from ppcdbg.cpu.mmu import Access, Translation
from ppcdbg.cpu.shortcuts import Shortcuts
from ppcdbg.cpu.state import RETIRED
from ppcdbg.engine.api import Engine, EngineStop, Stops, Why
from ppcdbg.engine.choose import engine_factory
from ppcdbg.engine.differences import differences, same
from ppcdbg.engine.reference.shared import SharedEngine, Touch, lose_reservation
from ppcdbg.errors import LockstepError

OWN = ("auto", "reference")
"""Names that mean the reference engine: beside another it is made all the same."""


class Sharing(Engine, Protocol):
    """What who lets several cores take turns needs of their engines."""

    touches: list[Touch]
    code_written: bool
    cia: int
    """Address of the last instruction that was carried out."""

    def fetched(self, pc: int) -> int | None:
        """Real address of the instruction at an effective address; None where its fetch takes an interrupt."""

    def debugging(self) -> bool:
        """Whether the next instruction may take a debug interrupt."""

    def forget_code(self, address: int, length: int) -> None:
        """Memory was put back by somebody: what any of the cores decoded from it holds no more."""


def sharing(name: str, cores: Sequence[Core]) -> tuple[Sharing, ...]:
    """Engines for all cores of one memory, which know of each other. Raises UsageError and EngineError."""
    if name in OWN:
        own = [SharedEngine(core) for core in cores]
        for engine in own:
            engine.others = tuple(e for e in own if e is not engine)
        return tuple(own)
    make = engine_factory(name)
    foreseen = [ForeseenEngine(core, make(core)) for core in cores]
    for other in foreseen:
        other.others = tuple(e for e in foreseen if e is not other)
    return tuple(foreseen)


class _Still:
    """A bus on which nothing happens, and its interrupt controller. ``asked``: a device would have been."""

    shortcuts: Shortcuts | None = None

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.ram = bus.ram
        self.asked = False

    def settle(self) -> None:
        pass

    def read(self, address: int, size: int) -> int:
        self.asked = True
        return self._bus.peek(address, size) or 0

    def write(self, address: int, size: int, value: int) -> None:
        self.asked = True

    def peek(self, address: int, size: int) -> int | None:
        return self._bus.peek(address, size)

    def proxy_acknowledge(self) -> int | None:
        self.asked = True
        return None


class _Foresight(SharedEngine):
    """The reference engine on a copy of a core: it stores nothing."""

    def __init__(self, of: Core) -> None:
        self.still = _Still(of.bus)
        super().__init__(Core(of.model, self.still))

    def look(self, of: Core, limit: int, stops: Stops) -> EngineStop:
        """What would happen to a core."""
        core = self.core
        core.copy_from(of)
        core.tenant = of.tenant
        core.interrupt_source = None if of.interrupt_source is None else self.still
        self.restored()
        self.code.clear()
        self.touches.clear()
        self.still.asked = False
        return self.run(limit, stops)

    def _write_real(self, found: Translation, size: int, value: int) -> None:
        if found.address + size > self._ram_size:
            self.still.asked = self.core.attention = True
        self.touches.append(Touch(True, found.address, size, value))


class ForeseenEngine:
    """``first`` runs a core of several."""

    def __init__(self, core: Core, first: Engine) -> None:
        self.core, self.first = core, first
        self.name, self.slice = first.name, 1
        self.others: tuple[ForeseenEngine, ...] = ()
        self.touches: list[Touch] = []
        self.code_written = False
        self.cia = 0
        self._ahead = _Foresight(core)
        self._executed: set[int] = set()
        """Real addresses of instructions."""

    # --- running ------------------------------------------------------------------------------------------------------
    def run(self, limit: int, stops: Stops) -> EngineStop:
        counters = self.core.state.counters
        while True:
            stop = self._step(min(limit, counters[RETIRED] + 1), stops)
            if stop.why is not Why.LIMIT or counters[RETIRED] >= limit:
                return stop

    def _step(self, limit: int, stops: Stops) -> EngineStop:
        core, ahead, before = self.core, self._ahead, self.core.retired
        expected = ahead.look(core, limit, stops)
        stop = self.first.run(limit, stops)
        self.cia = ahead.cia
        if core.retired != before and (real := self.fetched(ahead.cia)) is not None:
            self._executed.add(real)
        if not ahead.still.asked:
            self._agree(expected, stop)
        for touch in ahead.touches:
            self.touches.append(touch)
            if touch.write:
                self._stored(touch)
        return stop

    def _agree(self, expected: EngineStop, stop: EngineStop) -> None:
        """Raises LockstepError where the two engines part."""
        core, other = self.core, self._ahead.core
        where = f"at {self.cia:#010x}, instruction {core.retired:,} of its core"
        if (expected.why, expected.vector) != (stop.why, stop.vector):
            raise LockstepError(f"{self.name} stops for {stop.why.value} {where}, reference for {expected.why.value}")
        if not same(core.state, other.state):
            raise LockstepError(f"{self.name} and reference differ {where}: {differences(core.state, other.state)}")
        ram = core.bus.ram
        for touch in self._ahead.touches:
            held = int.from_bytes(ram[touch.address : touch.address + touch.size], "big")
            if touch.write and held != touch.value:
                raise LockstepError(
                    f"{self.name} stores {held:#x} {where}, at real address {touch.address:#x}; reference"
                    f" {touch.value:#x}"
                )

    def _stored(self, touch: Touch) -> None:
        """Let the other cores have a store."""
        words = range(touch.address & ~3, touch.address + touch.size, 4)
        for engine in (self, *self.others):
            if not engine._executed.isdisjoint(words):
                self.code_written = True
        for engine in self.others:
            engine.first.code_changed(touch.address, touch.size)
            lose_reservation(engine.core, touch.address)

    # --- questions ----------------------------------------------------------------------------------------------------
    def fetched(self, pc: int) -> int | None:
        found = self.core.probe(pc, Access.FETCH)
        return None if found is None or found.address >= len(self.core.bus.ram) else found.address

    def debugging(self) -> bool:
        self._ahead.core.copy_from(self.core)
        return self._ahead.debugging()

    def written(self) -> list[int]:
        return self.first.written()

    def take_written(self) -> list[int]:
        return self.first.take_written()

    # --- told from outside --------------------------------------------------------------------------------------------
    def forget_code(self, address: int, length: int) -> None:
        for engine in (self, *self.others):
            engine.first.code_changed(address, length)

    def code_changed(self, address: int, length: int) -> None:
        self.first.code_changed(address, length)

    def translations_changed(self) -> None:
        self.first.translations_changed()

    def restored(self, translations: bool = True) -> None:
        self.first.restored(translations)

    def rest(self) -> None:
        self.first.rest()
