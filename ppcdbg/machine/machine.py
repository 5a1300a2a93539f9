"""A machine that runs: core, engine, board, input and time brought together.

The loop asks an engine to run up to the next thing that happens (a timer, a device, an input, the request's limit),
lets that happen, and goes on. What stands behind the hypervisor-state vectors, if anything, is a ``Tenant``; the loop
is the same with and without one. It refuses to know KVM, debuggers and recordings.
"""

from __future__ import annotations

from typing import Protocol

from ppcdbg.cpu.core import Core
from ppcdbg.cpu.interrupts import VECTORS
from ppcdbg.engine.api import Engine, EngineStop, Stops, Why
from ppcdbg.machine.board import Board
from ppcdbg.machine.boot import BootState
from ppcdbg.machine.input import InputEvent, InputKind, InputQueue
from ppcdbg.machine.schedule import FifoSchedule, Schedule
from ppcdbg.machine.system import FINAL, Limits, Stop, StopKind

SLICE = 100_000
"""Instructions between two looks at ``Limits.interrupted``; about 50 ms of the reference engine."""
IDLE_PATIENCE = 1000
"""Wake-ups in a row that no instruction follows, after which a core counts as idle for ever."""


class Tenant(Protocol):
    """Host software behind the hypervisor-state vectors of the core, as the run loop needs it."""

    def next_event(self) -> int | None:
        """Tick at which the tenant's own timers next do something."""

    def advance(self) -> None:
        """Let what is due on the tenant's timers happen; called whenever the clock may have reached one."""

    def enter(self) -> Stop | None:
        """Called before each run of the engine: deliver what input and timers queued. A final stop ends the run."""

    def exit(self, vector: int) -> Stop | None:
        """The core took ``vector`` to hypervisor state: handle it and leave the core ready to run the guest again."""

    def idle(self) -> bool:
        """Whether the guest waits in the tenant (a halted vcpu): nothing may run until an event wakes it."""

    def apply(self, event: InputEvent) -> bool:
        """Let an input event for the tenant happen; False if it is for another."""


class Machine:
    """A board with one core. Implements ``machine.system.System``."""

    def __init__(
        self,
        core: Core,
        engine: Engine,
        board: Board,
        queue: InputQueue,
        schedule: Schedule | None = None,
        tenant: Tenant | None = None,
    ) -> None:
        self.core = core
        self.engine = engine
        self.board = board
        self.input = queue
        self.schedule: Schedule = schedule or FifoSchedule(queue)
        self.tenant = tenant
        self.ended: Stop | None = None
        self.slice = SLICE
        self._idle_streak = 0
        self._idle_at = -1
        core.interrupt_source = board
        if tenant is None:
            board.connect(core.set_external, core.set_critical, self._machine_check_line)
        board.attention = core.call_machine
        queue.added = lambda event: core.call_machine()

    @property
    def position(self) -> int:
        """Retired guest instructions."""
        return self.core.retired

    def boot(self, state: BootState) -> None:
        """Put the core into the state of the first instruction."""
        core = self.core
        for number, value in state.gprs:
            core.state.gpr[number] = value
        e = state.tlb1
        core.tlb.write(512, e.mas1, e.mas2, e.mas3, e.mas7, e.mas8)
        core.set_msr(state.msr)
        core.state.pc = state.pc
        self.engine.translations_changed()

    # --- running ----------------------------------------------------------------------------------
    def run(self, limits: Limits) -> Stop:
        """Run until a limit or a final stop; see ``System.run``."""
        if self.ended is None:
            stop = self._run(limits)
            if stop.kind in FINAL:
                self.ended = stop
            return stop
        return self.ended

    def _run(self, limits: Limits) -> Stop:
        core, stops = self.core, Stops(limits.breakpoints)
        start = core.state.pc, core.retired
        exits = 0
        while True:
            early = self._prepare()
            if early is not None:
                return early
            if core.retired >= limits.position:
                return self._stop(StopKind.LIMIT)
            if core.state.pc in limits.breakpoints and (core.state.pc, core.retired) != start:
                return self._stop(StopKind.BREAKPOINT)
            if limits.interrupted is not None and limits.interrupted():
                return self._stop(StopKind.INTERRUPTED)
            if self.tenant is not None and self.tenant.idle():
                engine_stop = EngineStop(Why.WAIT)
            else:
                engine_stop = self.engine.run(self._horizon(limits), stops)
            stop = self._after(engine_stop)
            if stop is not None:
                return stop
            if engine_stop.why is Why.EXIT:
                exits += 1
                if exits == limits.exits:
                    return self._stop(StopKind.EXIT)

    def _prepare(self) -> Stop | None:
        """Bring timers, devices and input up to now; a final stop when one of them ends the run."""
        core = self.core
        now = core.now
        core.timers.advance()
        self.board.advance(now)
        if self.tenant is not None:
            self.tenant.advance()
        due = self.schedule.next_position()
        if due is not None and due <= core.retired:
            for event in self.schedule.due(core.retired):
                self._apply(event)
        if self.board.reset_requested or core.reset_cause is not None:
            cause = f" ({core.reset_cause})" if core.reset_cause else ""
            return self._stop(StopKind.RESET, f"the guest asked the board for a reset{cause}")
        if self.board.poweroff_requested:
            return self._stop(StopKind.POWEROFF, "the guest switched the power off")
        return self.tenant.enter() if self.tenant is not None else None

    def _apply(self, event: InputEvent) -> None:
        """Whatever comes from outside happens here and nowhere else."""
        core = self.core
        if self.tenant is not None and self.tenant.apply(event):
            return
        if self.board.apply(event):
            return
        if event.kind is InputKind.CORE_LINE:
            (core.set_critical if event.target else core.set_external)(bool(event.value))
        elif event.kind is InputKind.MEMORY:
            self.board.bus.ram[event.target : event.target + len(event.data)] = event.data
            self.engine.code_changed(event.target, len(event.data))
        elif event.kind is InputKind.REGISTER:
            self.write_register(event.name, event.value)

    def write_register(self, name: str, value: int) -> None:
        """Set a register by its architected name (r0..r31, f0..f31, pc, msr, cr, an SPR); KeyError if unknown."""
        state = self.core.state
        lower = name.lower()
        if lower[:1] == "r" and lower[1:].isdigit() and int(lower[1:]) < 32:
            state.gpr[int(lower[1:])] = value & 0xFFFFFFFF
        elif lower[:1] == "f" and lower[1:].isdigit() and int(lower[1:]) < 32:
            state.fpr[int(lower[1:])] = value & 0xFFFFFFFFFFFFFFFF
        elif lower == "pc":
            state.pc = value & 0xFFFFFFFC
        elif lower == "msr":
            self.core.set_msr(value & self.core.model.msr_mask)
        elif lower == "cr":
            state.cr_word = value
        else:
            self.core.write_spr(name.upper(), value & 0xFFFFFFFF)
        self.engine.translations_changed()

    def _horizon(self, limits: Limits) -> int:
        """The retired count up to which nothing from outside the core happens."""
        core = self.core
        retired, now = core.retired, core.now
        horizon = limits.position
        if limits.interrupted is not None:
            horizon = min(horizon, retired + self.slice)
        due = self.schedule.next_position()
        if due is not None:
            horizon = min(horizon, due)
        tick = self._next_tick()
        if tick is not None:
            horizon = min(horizon, retired + max(tick - now, 1))
        return horizon

    def _next_tick(self) -> int | None:
        ticks = [self.core.next_timer(), self.board.next_event(self.core.now)]
        if self.tenant is not None:
            ticks.append(self.tenant.next_event())
        return min((t for t in ticks if t is not None), default=None)

    # --- what an engine came back for -------------------------------------------------------------
    def _after(self, stop: EngineStop) -> Stop | None:
        match stop.why:
            case Why.EXIT:
                assert self.tenant is not None, "an exit without a tenant"
                return self.tenant.exit(stop.vector)
            case Why.WAIT:
                return self._idle()
            case Why.BREAKPOINT:
                return self._stop(StopKind.BREAKPOINT)
            case Why.STUCK:
                name = VECTORS[stop.vector].name
                return self._stop(
                    StopKind.STUCK,
                    f"{name} interrupts follow each other at {self.core.state.pc:#010x} and no instruction retires:"
                    " the vector itself is not mapped, or its first instruction faults",
                )
            case Why.CHECKSTOP:
                return self._stop(
                    StopKind.CRASH, f"a machine check at {self.core.state.pc:#010x} with MSR[ME]=0 stops the core"
                )
        return None

    def _idle(self) -> Stop | None:
        """Skip idle time to the next event; end when there will be none."""
        core = self.core
        self._idle_streak = self._idle_streak + 1 if core.retired == self._idle_at else 0
        self._idle_at = core.retired
        tick = self._next_tick()
        if tick is None or self._idle_streak > IDLE_PATIENCE:
            self._idle_streak = 0
            if self.schedule.idle(core.retired):
                return None
            return self._stop(StopKind.IDLE, "the guest waits, and no timer, input or interrupt can wake it")
        core.skip_to(tick)
        return None

    def _stop(self, kind: StopKind, detail: str = "") -> Stop:
        return Stop(kind, self.core.retired, self.core.state.pc, detail)

    def _machine_check_line(self, level: bool) -> None:
        if level:
            self.core.machine_check(0x80000000)
