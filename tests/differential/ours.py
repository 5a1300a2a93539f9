"""One of our engines as a peer: a bare core with a little RAM and nothing else on its bus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ppcdbg.cpu.bus import BusFault
from ppcdbg.cpu.core import Core
from ppcdbg.cpu.models import CORES
from ppcdbg.engine.api import Engine, Stops, Why
from ppcdbg.engine.llvm.engine import LlvmEngine
from ppcdbg.engine.reference.engine import ReferenceEngine
from ppcdbg.isa import slots
from ppcdbg.isa.sprs import sprs_of
from tests.differential.peers import General
from tests.differential.world import RAM_SIZE, SETUP, setup_program, vector_address, vector_numbers

QEMU_NAMES = {"USPRG3": "SPRG3R", "USPRG4": "SPRG4R", "USPRG5": "SPRG5R", "USPRG6": "SPRG6R", "USPRG7": "SPRG7R"}
ENGINES: dict[str, Callable[[Core], Engine]] = {"reference": ReferenceEngine, "llvm": LlvmEngine}
"""Engine factories by name; every engine that the project grows is entered here and gets the same tests."""


class FlatBus:
    """RAM from address 0; everything else is silent."""

    shortcuts = None

    def __init__(self, size: int) -> None:
        self.ram = memoryview(bytearray(size))

    def read(self, address: int, size: int) -> int:
        raise BusFault(address, write=False)

    def write(self, address: int, size: int, value: int) -> None:
        raise BusFault(address, write=True)

    def peek(self, address: int, size: int) -> int | None:
        return None


class OurPeer:
    """One engine on one core, entered as QEMU enters the tiny ELF: TLB1[0] maps EA 0, pc is ``SETUP``."""

    def __init__(self, core: str, engine: str, *, as_qemu: bool = False) -> None:
        """``as_qemu``: the core that QEMU has in the silicon's place (``CoreModel.qemu``)."""
        self.name = engine
        self.bus = FlatBus(RAM_SIZE)
        self.core = Core(replace(CORES[core], qemu=as_qemu), self.bus)
        self.engine = ENGINES[engine](self.core)
        self.state = self.core.state
        self._sprs = {s.name.lower(): s for s in sprs_of(core).values()}
        self._sprs |= {q.lower(): self._sprs[n.lower()] for q, n in QEMU_NAMES.items() if n.lower() in self._sprs}
        self._sprs["decr"] = self._sprs["dec"]
        self.stops = Stops(frozenset(vector_address(n) for n in vector_numbers(core)))
        self._map_entry()

    def _map_entry(self) -> None:
        self.core.tlb.write(512, 0x80000000 | 8 << 7, 0, 0x3F, 0, 0)
        self.state.pc = SETUP
        self.engine.translations_changed()

    def capture(self) -> bytes:
        return bytes(self.state.block)

    def restore(self, captured: bytes) -> None:
        self.state.block[:] = captured
        self.core.context_changed()
        self.engine.translations_changed()

    def close(self) -> None:
        pass

    def read_memory(self, address: int, length: int) -> bytes:
        return bytes(self.bus.ram[address : address + length])

    def write_memory(self, address: int, data: bytes) -> None:
        self.bus.ram[address : address + len(data)] = data
        self.engine.code_changed(address, len(data))

    def general(self) -> General:
        s, reg = self.state, self.state.reg
        return (*s.gpr[:32], s.pc, s.msr, s.cr_word, reg[slots.LR], reg[slots.CTR], s.xer)

    def set_general(self, general: General) -> None:
        s = self.state
        for i in range(32):
            s.gpr[i] = general[i]
        pc, msr, cr, lr, ctr, xer = general[32:]
        s.pc, s.cr_word, s.reg[slots.LR], s.reg[slots.CTR], s.xer = pc, cr, lr, ctr, xer
        if msr != s.msr:
            self.core.set_msr(msr)
            self.engine.translations_changed()

    def read(self, names: tuple[str, ...]) -> dict[str, int]:
        return {n: value for n in names if (value := self._read(n)) is not None}

    def _vector_slot(self, name: str) -> int | None:
        """Where a register of the SPE is, but for ACC: the upper word of a GPR as QEMU calls it."""
        if name.startswith("ev") and name[2:-1].isdigit() and "spefscr" in self._sprs:
            return slots.GPRH + int(name[2:-1])
        return None

    def _read(self, name: str) -> int | None:
        if (slot := self._vector_slot(name)) is not None:
            return self.state.reg[slot]
        if name == "acc" and "spefscr" in self._sprs:
            return self.state.reg[slots.ACC_HIGH] << 32 | self.state.reg[slots.ACC_LOW]
        if name == "fpscr":
            return self.state.reg[slots.FPSCR]
        if name[0] == "f" and name[1:].isdigit():
            return self.state.fpr[int(name[1:])]
        spr = self._sprs.get(name)
        return None if spr is None else self.core.read_spr(spr.name)

    def write(self, values: dict[str, int]) -> None:
        for name, value in values.items():
            if name == "fpscr":
                self.state.reg[slots.FPSCR] = value
            elif name[0] == "f" and name[1:].isdigit():
                self.state.fpr[int(name[1:])] = value
            elif (slot := self._vector_slot(name)) is not None:
                self.state.reg[slot] = value
            elif name == "acc":
                self.state.reg[slots.ACC_HIGH], self.state.reg[slots.ACC_LOW] = value >> 32, value & 0xFFFFFFFF
            elif (spr := self._sprs.get(name)) is not None:
                self.state.reg[spr.slot] = value

    def step(self, general: General | None, others: dict[str, int]) -> General:
        self.write(others)
        if general is not None:
            self.set_general(general)
        stop = self.engine.run(self.core.retired + 1, self.stops)
        # STUCK: interrupts one after the other without a handler between them are ordinary here.
        if stop.why not in (Why.LIMIT, Why.BREAKPOINT, Why.STUCK):
            raise AssertionError(f"{self.name} stopped for {stop} at {self.state.pc:#010x}")
        return self.general()


def ready(core: str, engine: str) -> OurPeer:
    """A peer with the little world made, as ``Comparison.set_up`` does it on both sides."""
    peer = OurPeer(core, engine)
    program = setup_program(core)
    peer.write_memory(SETUP, b"".join(w.to_bytes(4, "big") for w in program))
    for _ in program:
        peer.step(None, {})
    return peer
