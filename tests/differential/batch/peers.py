"""Who runs the monitor: our engines on a bare core, and QEMU with its memory shared with this process."""

from __future__ import annotations

import mmap
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

from ppcdbg.cpu.core import Core
from ppcdbg.cpu.models import CORES
from ppcdbg.engine.api import Engine, Stops, Why
from ppcdbg.engine.llvm.engine import LlvmEngine
from ppcdbg.engine.llvm.policy import Policy
from ppcdbg.engine.reference.engine import ReferenceEngine
from tests.differential.batch import monitor
from tests.differential.batch.generate import Program
from tests.differential.batch.monitor import ALIAS, DONE, LOG_ROOM, LOGS, RAM, RECORD, SLOT, SLOTS, Monitor
from tests.differential.compare import pristine
from tests.differential.gdbclient import GdbClient
from tests.differential.ours import FlatBus
from tests.differential.qemu import CPUS, PROGRAM, connected, tiny_elf
from tests.differential.world import SETUP

EAGER = Policy(period=3000, longest=3000, hot=3, background=False, optimize=1)
ENGINES: dict[str, Callable[[Core], Engine]] = {
    "reference": ReferenceEngine,
    "tier 0": lambda core: LlvmEngine(core, None),
    "tier 1": lambda core: LlvmEngine(core, EAGER),
}
MOST = 3_000_000
"""Instructions of a batch; one that needs more hangs."""


class Hang(AssertionError):
    """A peer did not come to the end of its programs."""


class Memory:
    """What both kinds of peer have in common: programs go in, logs come out."""

    name: str
    ram: memoryview

    def put(self, programs: list[Program]) -> None:
        """Fill slots and the memory that programs may change."""
        assert len(programs) <= monitor.SLOT_COUNT
        for i, program in enumerate(programs):
            at = SLOTS + i * SLOT
            state = struct.pack(f">{1 + len(program.state)}I", 0, *program.state.values())
            self.write(at, state)
            self.write(at + monitor.PROGRAM_AT, struct.pack(f">{len(program.words)}I", *program.words))
        for address, data in pristine():
            self.write(address, data)
        for at, value in (
            (monitor.SLOT_AT, ALIAS + SLOTS),
            (monitor.LEFT, len(programs)),
            (monitor.LIMIT, ALIAS + LOGS),
        ):
            self.write(at, value.to_bytes(4, "big"))

    def write(self, address: int, data: bytes) -> None:
        self.ram[address : address + len(data)] = data

    def log(self, number: int) -> bytes:
        """The records of the n-th program."""
        (end,) = struct.unpack_from(">I", self.ram, SLOTS + number * SLOT)
        start = LOGS + number * LOG_ROOM
        length = end - ALIAS - start
        if not 0 <= length <= LOG_ROOM or length % RECORD:
            raise Hang(f"{self.name}: program {number} of the batch has no log: it ends at {end:#x}")
        return bytes(self.ram[start : start + length])

    def regions(self) -> bytes:
        return b"".join(bytes(self.ram[a : a + len(d)]) for a, d in pristine())


class OwnMonitor(Memory):
    """One of our engines. ``line`` may raise an interrupt line at some position: see ``run``."""

    def __init__(self, core: str, engine: str) -> None:
        self.name = engine
        self.most = MOST
        self.monitor = monitor.monitor(core)
        self.bus = FlatBus(RAM)
        self.ram = self.bus.ram
        self.core = Core(CORES[core], self.bus)
        self.engine = ENGINES[engine](self.core)
        _put_monitor(self, self.monitor)
        self.core.tlb.write(512, 0x80000000 | 8 << 7, 0, 0x3F, 0, 0)
        self.core.state.pc = SETUP
        self.core.set_msr(0x1000)
        self.engine.translations_changed()
        self.run()

    def write(self, address: int, data: bytes) -> None:
        super().write(address, data)
        self.engine.code_changed(address, len(data))

    def begin(self, programs: list[Program]) -> None:
        self.put(programs)
        self.core.state.pc = self.monitor.next

    def run(self, stops: frozenset[int] = frozenset({DONE}), limit: int = 0) -> Why:
        """To one of the addresses, or to an absolute position."""
        core = self.core
        limit = limit or core.retired + self.most
        wanted = Stops(stops)
        while True:
            tick = core.timers.next_event()
            horizon = limit if tick is None else min(limit, core.retired + max(tick - core.now, 1))
            core.machine_attention = False
            why = self.engine.run(horizon, wanted).why
            core.timers.advance()
            if why is Why.BREAKPOINT or core.retired >= limit:
                return why
            if why not in (Why.LIMIT, Why.ATTENTION):
                raise Hang(f"{self.name} stopped with {why} at {core.state.pc:#010x}")

    def sound(self) -> bool:
        """Whether the last programs ended and the monitor is as it was."""
        whole = (bytes(self.ram[a : a + 4 * len(w)]) == struct.pack(f">{len(w)}I", *w) for a, w in self.monitor.pieces)
        return self.core.state.pc == DONE and all(whole)

    def finish(self) -> None:
        if self.run() is not Why.BREAKPOINT:
            raise Hang(f"{self.name} is still at {self.core.state.pc:#010x} after {self.most:,} instructions")

    def close(self) -> None:
        pass


def _put_monitor(memory: Memory, made: Monitor) -> None:
    for address, words in made.pieces:
        memory.write(address, struct.pack(f">{len(words)}I", *words))


class QemuMonitor(Memory):
    """A QEMU process that runs the monitor; its gdb port starts and stops it, its memory is a file that is mapped."""

    name = "qemu"

    def __init__(self, core: str, directory: Path) -> None:
        self.monitor = monitor.monitor(core)
        image, port, ram = (directory / f"{core}.{kind}" for kind in ("elf", "gdb", "ram"))
        image.write_bytes(tiny_elf())
        with ram.open("wb") as file:
            file.truncate(64 << 20)
        quiet = ["-display", "none", "-serial", "none", "-monitor", "none", "-nodefaults", "-no-reboot"]
        shared = ["-m", "64M", "-object", f"memory-backend-file,id=ram,size=64M,share=on,mem-path={ram}"]
        dies_with_us = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        self._process = subprocess.Popen(
            [
                *dies_with_us,
                PROGRAM,
                "-M",
                "ppce500,memory-backend=ram",
                "-cpu",
                CPUS[core],
                "-kernel",
                str(image),
                "-S",
                *quiet,
            ]
            + [*shared, "-gdb", f"unix:{port},server=on,wait=off"],
            stdin=subprocess.DEVNULL,
        )
        try:
            self._file = ram.open("r+b")
            self._map = mmap.mmap(self._file.fileno(), 64 << 20)
            self.ram = memoryview(self._map)
            self._socket = connected(self._process, port, 20)
            self.client = GdbClient(self._socket)
            self.client.command(b"Qqemu.PhyMemMode:1")
            for address, words in self.monitor.pieces:
                self.client.write_memory(address, struct.pack(f">{len(words)}I", *words))
            self.client.command(b"Z0,%x,4" % DONE)
            self._go(SETUP)
        except BaseException:
            self.close()
            raise

    def _go(self, pc: int) -> None:
        self.client.write_registers({"pc": pc})
        try:
            (stop,) = self.client.ask(b"c")
        except TimeoutError:
            raise Hang("qemu does not come to the end of its programs") from None
        if stop[:1] not in (b"T", b"S"):
            raise Hang(f"qemu: {stop!r}")

    def begin(self, programs: list[Program]) -> None:
        self.put(programs)

    def finish(self) -> None:
        self._go(self.monitor.next)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        if hasattr(self, "_socket"):
            self._socket.close()
