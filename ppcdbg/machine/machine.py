"""The bare machine: the guest owns the core, and its own vectors take every interrupt.

It refuses to know KVM, debuggers and recordings. Read first: :mod:`ppcdbg.machine.loop`.
"""

from __future__ import annotations

from collections.abc import Mapping

from ppcdbg.cpu.core import Core
from ppcdbg.cpu.interrupts import VECTORS
from ppcdbg.cpu.msr import MCSR_MCP
from ppcdbg.cpu.plain import Plain, Saved, attributes, put_attributes
from ppcdbg.engine.api import Engine, EngineStop, Why
from ppcdbg.errors import InputError
from ppcdbg.machine.board import Board
from ppcdbg.machine.boot import BootState, boot_core
from ppcdbg.machine.input import InputEvent, InputKind, InputQueue, TlbWrite
from ppcdbg.machine.loop import RunLoop
from ppcdbg.machine.schedule import Schedule
from ppcdbg.machine.system import Limits, Stop, StopKind

IDLE_PATIENCE = 1000
"""Wake-ups in a row that no instruction follows, after which a core counts as idle for ever."""

_STATE = ("_idle_streak", "_idle_at")


class Machine(RunLoop):
    """A board with one core and nothing between the guest and the hardware."""

    def __init__(
        self, core: Core, engine: Engine, board: Board, queue: InputQueue, schedule: Schedule | None = None
    ) -> None:
        super().__init__(core, engine, board, queue, schedule)
        self._idle_streak = 0
        self._idle_at = -1
        core.interrupt_source = board
        self._pins = core.set_external, core.set_critical, self._machine_check_line
        board.connect(*self._pins)

    def boot(self, state: BootState) -> None:
        """Put the core into the state of the first instruction."""
        boot_core(self.core, state)
        self.engine.translations_changed()

    def _settle(self) -> None:
        self.core.timers.advance()  # a FIT that interrupts nobody is noticed when somebody looks

    def _save(self) -> Mapping[str, Plain]:
        return attributes(self, _STATE)

    def _restore(self, state: Saved) -> None:
        put_attributes(self, _STATE, state)

    def _run(self, limits: Limits) -> Stop:
        core, stops = self.core, limits.stops()
        start = core.state.pc, core.retired
        while True:
            core.timers.advance()
            self.board.advance(core.now)
            self._input()
            early = self._requested()
            if early is not None:
                return early
            if core.retired >= limits.position:
                return self._stop(StopKind.LIMIT)
            if core.state.pc in limits.breakpoints and (core.state.pc, core.retired) != start:
                return self._stop(StopKind.BREAKPOINT)
            if limits.interrupted is not None and limits.interrupted():
                return self._stop(StopKind.INTERRUPTED)
            stop = self._after(self.engine.run(self._horizon(limits), self._stops(stops)), limits)
            if stop is not None:
                return stop

    def _apply(self, event: InputEvent) -> None:
        if event.kind is InputKind.CORE_LINE:
            if not 0 <= event.target <= len(self._pins):
                raise InputError(
                    f"the core has no input {event.target}: 0 is external, 1 critical, 2 machine check, 3 UDE"
                )
            lines = *self._pins, self._unconditional_event
            lines[event.target](bool(event.value))
        else:
            super()._apply(event)

    def write_register(self, name: str, value: int) -> None:
        """Set a register by its architected name (see ``State.write_named``; pc, msr, an SPR); KeyError if unknown."""
        state = self.core.state
        lower = name.lower()
        if lower == "pc":
            state.pc = value & 0xFFFFFFFC
        elif lower == "msr":
            self.core.set_msr(value & self.core.model.msr_mask)
        elif not state.write_named(lower, value):
            self.core.write_spr(name.upper(), value & 0xFFFFFFFF)
        self.engine.translations_changed()

    def write_tlb(self, entry: TlbWrite) -> None:
        """Set an entry of the core's TLB to what ``tlbwe`` would; no instruction did it, so no observer is told."""
        tlb = self.core.tlb
        mas8 = entry.mas8 if self.core.model.has_hv else 0
        entries = tlb.entries(entry.tlbsel & 1)
        index = entries[entry.esel % len(entries)]
        tlb.write(index, entry.mas1, entry.mas2, entry.mas3, entry.mas7, mas8)
        self.engine.translations_changed()

    def _next_tick(self) -> int | None:
        timer, device = self.core.next_timer(), self.board.next_event(self.core.now)
        if timer is None or device is None:
            return device if timer is None else timer
        return min(timer, device)

    def _after(self, stop: EngineStop, limits: Limits) -> Stop | None:
        """A final stop, if what the engine came back for is one."""
        pc = self.core.state.pc
        match stop.why:
            case Why.WAIT:
                return self._idle()
            case Why.BREAKPOINT:
                return self._stop(StopKind.BREAKPOINT) if pc in limits.breakpoints else None
            case Why.WATCH | Why.INSTRUCTION:
                return self._watched(stop)
            case Why.STUCK:
                name = VECTORS[stop.vector].name
                return self._stop(
                    StopKind.STUCK,
                    f"{name} interrupts follow each other at {pc:#010x} and no instruction retires:"
                    " the vector itself is not mapped, or its first instruction faults",
                )
            case Why.CHECKSTOP:
                return self._stop(StopKind.CRASH, f"a machine check at {pc:#010x} with MSR[ME]=0 stops the core")
            case Why.EXIT | Why.TENANT:
                raise AssertionError("an exit without a tenant")
            case Why.LIMIT | Why.ATTENTION:
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

    def _unconditional_event(self, level: bool) -> None:
        if level:
            self.core.delivery.unconditional_event()

    def _machine_check_line(self, level: bool) -> None:
        if level:
            self.core.machine_check(MCSR_MCP)
