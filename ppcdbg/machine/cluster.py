"""Several bare cores over one memory and one board, where somebody else says which core retires the next instruction.

There is no run loop here: ``step`` carries out one instruction of one core, and time is the count of all instructions
of all cores, which is every core's time base (plus idle time that ``pass_time`` skips). Core 0 boots, the others wait
in the spin table until it releases them (ePAPR 1.1, 5.5.2). The MPIC has a destination for each core.
"""

from __future__ import annotations

from functools import partial

from ppcdbg.cpu.core import Core
from ppcdbg.cpu.models import CORES
from ppcdbg.cpu.msr import MCSR_MCP, MSR_CE, MSR_EE, MSR_WE
from ppcdbg.cpu.state import SKIPPED
from ppcdbg.engine.api import EngineStop, Stops, Why
from ppcdbg.engine.shared import sharing
from ppcdbg.isa import slots
from ppcdbg.isa.sprs import SLOT
from ppcdbg.machine.board import RESET, Board
from ppcdbg.machine.boot import BootState, boot_core, released_state
from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.loaders import LoadedImage, load_image

_NOTHING = Stops()


class Cluster:
    """``count`` cores. Positions count the instructions of all of them."""

    def __init__(self, model: str, ram_size: int, count: int, engine: str = "reference") -> None:
        self.board = Board(ram_size, lambda: self.now, model, lambda: self.position, cores=count)
        bus = self.board.bus
        self.cores = tuple(Core(CORES[model], bus) for _ in range(count))
        for number, core in enumerate(self.cores):
            core.state.reg[SLOT["PIR"]] = number
            core.peers = tuple(c for c in self.cores if c is not core)
        self.engines = sharing(engine, self.cores)
        self.held = [number > 0 for number in range(count)]
        """Which cores wait in the spin table."""
        self.stopped: list[str] = [""] * count
        """Why a core does nothing more: a sentence; empty for one that does."""
        for number, core in enumerate(self.cores):
            core.interrupt_source = _Source(self.board, number)
            check = partial(self._machine_check, number)
            self.board.connect(core.set_external, core.set_critical, check, number)
        self.board.release = self._release
        self.board.bus.moved = self.device_moved
        self._due: int | None = None

    # --- questions ------------------------------------------------------------------------------------------------
    @property
    def position(self) -> int:
        """Instructions that all cores have retired."""
        return sum(core.retired for core in self.cores)

    @property
    def now(self) -> int:
        """The clock, the same for every core."""
        return self.cores[0].now if hasattr(self, "cores") else 0

    @property
    def over(self) -> str:
        """Why nothing more happens on the whole board; empty while it runs."""
        return RESET if any(core.reset_cause for core in self.cores) else self.board.over

    def rests(self, number: int) -> bool:
        """Whether a core cannot retire an instruction now: it is held, has stopped, or waits for an interrupt."""
        core = self.cores[number]
        if self.held[number] or self.stopped[number]:
            return True
        waits = core.state.reg[slots.WAITING] or core.state.reg[slots.MSR] & MSR_WE
        return bool(waits) and core.deliverable() is None

    def interruptible(self, number: int) -> bool:
        """Whether something that another core does could interrupt this one."""
        core = self.cores[number]
        return bool(core.msr & (MSR_EE | MSR_CE)) or core.deliverable() is not None

    def messages(self, number: int) -> int:
        """Messages that a core has not taken: bit n is type n of msgsnd."""
        return self.cores[number].state.reg[slots.DOORBELLS]

    def next_tick(self) -> int | None:
        """The tick at which a timer or a device next does something by itself."""
        ticks = [core.next_timer() for core in self.cores] + [self.board.next_event(self.now)]
        return min((tick for tick in ticks if tick is not None), default=None)

    # --- running --------------------------------------------------------------------------------------------------
    def boot(self, state: BootState, number: int = 0) -> None:
        """Put a core into the state of its first instruction."""
        boot_core(self.cores[number], state)
        self.engines[number].translations_changed()

    def step(self, number: int) -> EngineStop | None:
        """One instruction of a core, with the interrupt that it takes before. What it stopped for, if it could not."""
        core, engine = self.cores[number], self.engines[number]
        self.board.mpic_registers.current = number
        before = core.retired
        stop: EngineStop | None = None
        while core.retired == before:
            stop = engine.run(before + 1, _NOTHING)
            if stop.why in (Why.WAIT, Why.CHECKSTOP, Why.STUCK):
                self._stopped(number, stop)
                break
            stop = None
        self._elapsed(number, core.retired - before)
        return stop

    def pass_time(self) -> bool:
        """All cores rest: skip to the next thing that happens. False where nothing ever will."""
        tick = self.next_tick()
        if tick is None:
            return False
        for core in self.cores:
            core.skip_to(tick)
        self._advance()
        return True

    def _elapsed(self, number: int, ticks: int) -> None:
        """The other cores' time goes on as well."""
        for other, core in enumerate(self.cores):
            if other != number:
                core.state.counters[SKIPPED] += ticks
        self._advance()

    def _advance(self) -> None:
        for core in self.cores:
            core.timers.advance()
        if self._due is not None and self._due <= self.now:
            self.board.advance(self.now)
            self.device_moved()

    def device_moved(self) -> None:
        """A device may do something at another time than was known."""
        self._due = self.board.next_event(self.now)

    def _stopped(self, number: int, stop: EngineStop) -> None:
        pc = self.cores[number].state.pc
        if stop.why is Why.CHECKSTOP:
            self.stopped[number] = f"a machine check at {pc:#010x} with MSR[ME]=0 stops the core"
        elif stop.why is Why.STUCK:
            self.stopped[number] = f"interrupts follow each other at {pc:#010x} and no instruction retires"

    def _release(self, number: int, address: int, r3: int) -> None:
        """A core leaves the spin table."""
        if self.held[number]:
            self.held[number] = False
            self.boot(released_state(address, r3), number)

    def _machine_check(self, number: int, level: bool) -> None:
        if level:
            self.cores[number].machine_check(MCSR_MCP)


class _Source:
    """The MPIC as one of several cores asks it (external proxy)."""

    def __init__(self, board: Board, number: int) -> None:
        self._board, self._number = board, number

    def proxy_acknowledge(self) -> int | None:
        return self._board.proxy_acknowledge(self._number)


def build_cluster(description: MachineDescription, count: int) -> tuple[Cluster, LoadedImage]:
    """A guest on bare cores, loaded and ready. Raises InputError for images that do not fit."""
    cluster = Cluster(description.cpu, description.memory, count, description.engine)
    image = load_image(description, cluster.board.ram)
    cluster.boot(image.boot)
    return cluster, image
