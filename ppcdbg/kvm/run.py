"""A machine with KVM in it: the run loop of the modelled host, from KVM_RUN to KVM_RUN.

Implements ``machine.system.System``. Everything that happens has a position: the engine is stopped where a timer, a
device or an input is due, and the exit that the host's interrupt would cause is taken there. Idle time is skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ppcdbg.cpu.interrupts import AP_UNAVAIL, DECREMENTER, DOORBELL, EXTERNAL, SYSCALL
from ppcdbg.cpu.plain import Plain, Saved, attributes, put_attributes, table
from ppcdbg.cpu.state import RETIRED, SKIPPED
from ppcdbg.cpu.timers import TIMEBASE_HZ
from ppcdbg.engine.api import Engine, EngineStop, Stops, Why
from ppcdbg.isa.bits import M64
from ppcdbg.isa.slots import PC, RESERVED
from ppcdbg.kvm import codes, debug_points, endings, guest_debug, ioctl, machine_check, outside, queueing, timers
from ppcdbg.kvm import words as W
from ppcdbg.kvm.answers import Answers
from ppcdbg.kvm.exits import exit_table, handle_exit, prepare
from ppcdbg.kvm.holding import Holding
from ppcdbg.kvm.leaving import At, Leaving
from ppcdbg.kvm.native.python import Native
from ppcdbg.kvm.printk import KernelBug
from ppcdbg.kvm.records import ExitRecord
from ppcdbg.kvm.userspace import Ending, Userspace
from ppcdbg.kvm.vcpu import Vcpu
from ppcdbg.kvm.vcpu_state import restore_vcpu, save_vcpu
from ppcdbg.kvm.world_switch import enter, leave, load_vcpu, set_interrupted
from ppcdbg.machine.board import Board
from ppcdbg.machine.input import InputEvent, InputKind, InputQueue, Moment, TlbWrite
from ppcdbg.machine.loop import RunLoop
from ppcdbg.machine.schedule import Schedule
from ppcdbg.machine.system import Limits, Stop, StopKind

EXITS_A_SLICE, NATIVE_A_SLICE = 500, 4000
"""Exits that take the model about as long as the engine takes for its slice of instructions, and of compiled code's."""
FOREVER = 1 << 62
PATIENCE = 512
"""Exits in a row without a retired instruction, after which the guest counts as stuck."""

_STATE = ("_entered", "in_host", "_kicked", "_vector", "_device_tick", "_host_tick")


class KvmSystem(RunLoop):
    """One guest under the KVM model. ``kvm`` is its vcpu; ``userspace`` answers what KVM leaves to userspace."""

    def __init__(
        self,
        vcpu: Vcpu,
        engine: Engine,
        board: Board,
        queue: InputQueue,
        userspace: Userspace,
        schedule: Schedule | None = None,
    ) -> None:
        super().__init__(vcpu.core, engine, board, queue, schedule)
        self.kvm, self.userspace, self.answers = vcpu, userspace, Answers(queue)
        self._table = exit_table(vcpu.hv)
        self._entered = False
        self.in_host = False
        self._kicked = False
        self._words = vcpu.words
        self._words[W.LAST_POSITION] = self._words[W.LAST_COST] = M64  # none yet
        self._native = Native(self, engine)
        self._vector = 0
        self._holding = Holding(vcpu)
        self.leaving = Leaving(self)
        self._device_tick: int | None = None
        self._counters = self.core.state.counters
        self._switch_cost = vcpu.vm.host.costs.world_switch
        self._busy, self._forgets = vcpu.vm.host.busy, vcpu.core.model.qemu  # which loses its reservation at each exit
        self._jiffy = TIMEBASE_HZ // vcpu.vm.host.hz
        self._host_tick = self._jiffy if vcpu.vm.host.periodic_tick else None
        core = self.core
        core.tenant = True
        core.interrupt_source = None
        vcpu.code_changed, vcpu.kick = engine.code_changed, self.kick
        vcpu.wait_for_event, vcpu.give_away = self._wait_for_event, self._give_away
        vcpu.device_at = board.device_at
        vcpu.mpic_acknowledge = board.proxy_acknowledge
        board.connect(self.external)
        load_vcpu(vcpu)

    def _save(self) -> Mapping[str, Plain]:
        assert self.leaving.standing is None, "complete() comes first"
        state: dict[str, Plain] = {"vcpu": save_vcpu(self.kvm), "userspace": self.userspace.save()}
        state["held"] = self._holding.save()
        return state | attributes(self, _STATE)

    def _restore(self, state: Saved) -> None:
        restore_vcpu(self.kvm, table(state["vcpu"]))
        self.userspace.restore(table(state["userspace"]))
        self._holding.restore(table(state["held"]))
        self.leaving.standing = None
        put_attributes(self, _STATE, state)

    @property
    def steps(self) -> int:
        """See ``RunLoop.steps``."""
        return len(self.kvm.exits)

    @property
    def left(self) -> int:
        """See ``System.left``."""
        return self.leaving.which

    def moment(self) -> Moment:
        """See ``RunLoop.moment``. What comes in while the guest stands between an exit and its completion comes with
        the first instruction behind it."""
        here = super().moment()
        return replace(here, steps=here.steps + 1, pc=None) if self.left else here

    # --- running ----------------------------------------------------------------------------------
    def run(self, limits: Limits) -> Stop:
        """See ``System.run``."""
        try:
            stop = super().run(limits)
        except KernelBug as bug:
            self.core.state.pc = self.kvm.pc
            self.ended = stop = self._stop(StopKind.CRASH, str(bug))
        self.answers.raise_failure()
        return stop

    def _run(self, limits: Limits) -> Stop:
        if not self._entered and (first := self._first_entry()) is not None:
            return first
        reg, counters = self.core.state.reg, self._counters
        stops, exits, until_look = limits.stops(), 0, self.slice
        position, breakpoints, native = limits.position, limits.breakpoints, self._native
        native.begin(limits)
        patience = FOREVER if limits.interrupted is None else self.slice
        exit_cost, native_cost = self.slice // EXITS_A_SLICE, self.slice // NATIVE_A_SLICE
        start = (-1, -1) if self.left else (reg[PC], counters[RETIRED])  # a completed exit comes to its pc
        self.leaving.wanted = limits.leave
        if self.left or self._holding.number >= 0:
            exits, early = self._unfinished(limits)
            if early is not None:
                return early
        while True:
            before = counters[RETIRED]
            horizon = self._quiet_until(before)
            number = -1
            if horizon <= before and self._due():
                self.core.take(self._vector)
                number = self._vector
            else:
                if before >= position:
                    return self._stop(StopKind.LIMIT)
                if breakpoints and reg[PC] in breakpoints and (reg[PC], before) != start:
                    return self._stop(StopKind.BREAKPOINT)
                ahead = horizon > before
                native.many = not limits.exits or limits.exits - exits > W.ROOM
                reason = self._go(min(horizon, position, before + patience) if ahead else before + 1, stops, ahead)
                exits += native.taken
                until_look -= native.taken * native_cost
                if reason.why is Why.EXIT:
                    number = reason.vector
                elif reason.why is Why.TENANT:
                    if (stop := native.access()) is not None:
                        return stop
                elif reason.why is Why.BREAKPOINT:
                    if reg[PC] in breakpoints:
                        return self._stop(StopKind.BREAKPOINT)
                    continue
                elif reason.why in (Why.WATCH, Why.INSTRUCTION):
                    return self._watched(reason)
                else:
                    stop = self._other(reason.why)
                    until_look = 0
                    if stop is not None:
                        return stop
            if number >= 0:
                if limits.hold is not None and self._holding.holds(limits.hold, number):
                    return self._stop(StopKind.HELD)
                exits += 1
                stop = self._exit(number)
                if (early := self._after_exit(stop, exits, limits)) is not None:
                    return early
            until_look -= counters[RETIRED] - before + exit_cost
            if until_look <= 0:
                until_look = self.slice
                if limits.interrupted is not None and limits.interrupted():
                    return self._stop(StopKind.INTERRUPTED)

    def _go(self, limit: int, stops: Stops, undisturbed: bool) -> EngineStop:
        """One stretch in the guest. ``undisturbed``: nothing from outside is due before ``limit``."""
        self._native.allow(undisturbed)
        reason = self.engine.run(limit, stops if undisturbed else self._stops(stops))
        self._native.absorb()
        return reason

    # --- exits that somebody wants to see ---------------------------------------------------------
    def _unfinished(self, limits: Limits) -> tuple[int, Stop | None]:
        """Where an exit is held or left to userspace: go on with it, if the run goes on from here. How many exits that
        were, and what ends the run. At a held one the input that is due happens before it."""
        if self.left:
            if limits.position <= self.core.retired and not limits.exits:
                return 0, self._stop(StopKind.LIMIT)
            found = self.leaving.go_on()
            return 1, self._after_exit(self._complete(found.at, found.resume, True), 1, limits)
        self._input()
        if limits.position <= self.core.retired:
            return 0, self._stop(StopKind.LIMIT)
        self._kicked = self._holding.kicked(self._kicked)
        if self._holding.number < 0:
            return 0, None
        return 1, self._after_exit(self._exit(self._holding.release()), 1, limits)

    @property
    def held(self) -> ExitRecord | None:
        """The exit that is about to be handled: a record with what is known before anything is done."""
        return self._holding.record()

    def _after_exit(self, stop: Stop | None, exits: int, limits: Limits) -> Stop | None:
        """What ends the run after an exit, if anything does."""
        asked = limits.after_exit is not None and limits.after_exit()
        if stop is not None:
            return stop
        return self._stop(StopKind.EXIT) if asked or exits == limits.exits else None

    def _quiet_until(self, retired: int) -> int:
        """The retired count at which something from outside is due, if nothing else happens; what has passed is now."""
        if self._kicked:
            return retired
        v = self.kvm
        due = self.schedule.next_position()
        if due is None:
            due = FOREVER
        if v.devices_touched:
            self._next_device()
        skipped = self._counters[SKIPPED]
        due += skipped
        tick = v.timer_deadline
        if tick is not None and tick < due:
            due = tick
        tick = self._device_tick
        if tick is not None and tick < due:
            due = tick
        tick = self._host_tick
        if tick is not None and tick < due:
            due = tick
        return due - skipped

    def _first_entry(self) -> Stop | None:
        self._entered = True
        r = ioctl.vcpu_run(self.kvm)
        stop = self._userspace(r) if r & codes.RESUME_FLAG_HOST else None
        if stop is None:
            enter(self.kvm)
            self._words[W.ENTERED_AT] = self._counters[RETIRED] + self._counters[SKIPPED]
        self._clear()
        return stop

    def _next_tick(self) -> int | None:
        return timers.earlier(timers.earlier(timers.next_event(self.kvm), self._next_device()), self._host_tick)

    def _next_device(self) -> int | None:
        """When a device next acts by itself; asked anew only after somebody touched one."""
        if self.kvm.devices_touched:
            self.kvm.devices_touched = False
            self._device_tick = self.board.next_event(self.core.now)
        return self._device_tick

    def _other(self, why: Why) -> Stop | None:
        """What an engine came back for, when it is neither an exit nor a breakpoint."""
        if why is Why.WAIT:
            # The guest itself waits, in `wait`: only an exit gets it out, which `_due` makes.
            return None if self._skip() else self._idle()
        if why is Why.STUCK:
            return self._stuck()
        if why is Why.CHECKSTOP:
            return self._stop(StopKind.CRASH, f"a machine check at {self.core.state.pc:#010x} stops the core")
        return self._requested()

    # --- what comes from outside the guest --------------------------------------------------------
    def _due(self) -> int:
        """Let timers, devices and input happen that are due; the exit number by which the guest is left, or 0."""
        v, counters, vector = self.kvm, self._counters, 0
        now = counters[RETIRED] + counters[SKIPPED]
        tick = timers.next_event(v)
        if tick is not None and tick <= now and timers.expire(v, now):
            vector = DECREMENTER
        if self._host_tick is not None and self._host_tick <= now:
            vector = DECREMENTER
            self._host_tick = now + self._jiffy
        self._outside(now)
        if self._kicked:
            self._kicked = False
            vector = vector or (DOORBELL if v.hv else EXTERNAL)
        self._vector = vector
        return vector

    def _outside(self, now: int) -> None:
        """Devices and input that are due."""
        tick = self._next_device()
        if tick is not None and tick <= now:
            self.board.advance(now)
            self.kvm.devices_touched = True
        position = self.schedule.next_position()
        if position is not None and position <= self.core.retired:
            self._input()
            self.kvm.devices_touched = True

    def external(self, level: bool) -> None:
        """The MPIC's output: KVM_INTERRUPT SET_LEVEL or UNSET; a running vcpu is kicked."""
        self._native.reopen()
        queueing.interrupt(self.kvm, codes.KVM_INTERRUPT_SET_LEVEL if level else codes.KVM_INTERRUPT_UNSET)
        if level and not self.in_host:
            self._kicked = True

    @property
    def kicked(self) -> bool:
        """Whether the guest will be left before its next instruction."""
        return self._kicked

    def wake(self) -> None:
        """The vcpu was halted and nothing was to come; now something is, and userspace calls KVM_RUN again."""
        self.ended = self.kvm.stalled = None
        self._entered = self._kicked = False

    def kick(self) -> None:
        """kvm_vcpu_kick: a running guest is left, so that what was queued or requested is looked at."""
        if not self.in_host:
            self._kicked = True

    def _apply(self, event: InputEvent) -> None:
        """An event that is not the board's: a request to KVM, or what any machine knows."""
        if event.kind is InputKind.KVM and event.name == debug_points.REQUEST:
            self._change(lambda v: guest_debug.ask(v, event.data))
        elif event.kind is InputKind.KVM:
            self._kicked |= ioctl.request(self.kvm, event.name, event.value, self.in_host)
        elif event.kind is InputKind.CORE_LINE and event.target:
            machine_check.pin(self.kvm, event.target, bool(event.value), self.in_host)
        elif event.kind is InputKind.CORE_LINE:
            self.external(bool(event.value))
        else:
            super()._apply(event)

    def write_register(self, name: str, value: int) -> None:
        """Set a register of the guest's by its architected name; KeyError for one that cannot be set."""
        self._change(lambda v: outside.set_register(v, name, value))

    def write_tlb(self, entry: TlbWrite) -> None:
        """Set an entry of the guest's TLB. An exit of an instruction that is held has not happened then: with no shadow
        entry left the instruction cannot even be fetched."""
        self._holding.kicked(True)
        self._change(lambda v: outside.set_tlb(v, entry))

    def _change(self, act: Callable[[Vcpu], None]) -> None:
        """Let somebody change the vcpu while the guest stands still."""
        v = self.kvm
        if self._entered:
            outside.look_up(v)
        act(v)
        if self._entered:
            enter(v)
        if self._holding.number >= 0:
            set_interrupted(v, self._holding.number)

    def _wait_for_event(self) -> bool:
        """The vcpu is halted in KVM: skip idle time to the next thing that happens; false when nothing will."""
        if not self._skip():
            return False
        timers.expire(self.kvm, self.core.now)
        self._outside(self.core.now)
        return True

    def _give_away(self, ticks: int) -> None:
        """Another task has the processor for a while; timers and devices go on."""
        core, end = self.core, self.core.now + ticks
        while core.now < end:
            tick = timers.earlier(timers.next_event(self.kvm), self._next_device())
            core.skip_to(end if tick is None else min(max(tick, core.now + 1), end))
            timers.expire(self.kvm, core.now)
            self._outside(core.now)

    def _skip(self) -> bool:
        """Let the clock jump to where something is due, which has not happened yet; false when nothing will be."""
        core = self.core
        if not self.schedule.ready(self.moment()):
            tick = timers.earlier(timers.next_event(self.kvm), self._next_device())
            if tick is not None:
                core.skip_to(tick)
            else:
                return self.schedule.idle(core.retired)
        return True

    # --- exits ------------------------------------------------------------------------------------
    def _exit(self, number: int) -> Stop | None:
        """One exit, from the guest's last instruction to its next, and the record of it."""
        v, counters = self.kvm, self._counters
        position = counters[RETIRED]
        tick = position + counters[SKIPPED]
        self.in_host = True
        if not v.hv and v.quirks.exit_number_in_r5:
            raise KernelBug("the assembly hands the vcpu to kvmppc_handle_exit as the exit number: BUG at once")
        if number == SYSCALL and not v.hv and v.quirks.syscall_slot_too_short:
            number = AP_UNAVAIL  # the handler copied to the next slot begins inside this one
        v.cost = self._switch_cost
        words = self._words
        if words[W.LAST_COST] != M64 and v.exit_type != codes.NO_EXIT_TYPE:
            # kvmppc_update_timing_stats: book the exit before this one, and the guest's time in between.
            v.timing.add_exit(words[W.LAST_COST], v.exit_type, tick - words[W.ENTERED_AT])
        if self._forgets:
            v.reg[RESERVED] = 0
        leave(v, number)
        pc, msr, dar, esr, inst = v.pc, v.shared.msr, v.fault_dear, v.fault_esr, v.last_inst
        v.counts[number] += 1
        at = position, tick, number, pc, msr, dar, esr, inst
        try:
            r = handle_exit(v, self._table, number)
        except BaseException:
            self._record(at, codes.RESUME_HOST)
            raise
        return self._complete(at, r)

    def _complete(self, at: At, r: int, asked: bool = False) -> Stop | None:
        """The rest of an exit, from the end of its handler on, or from where it stood before userspace answered."""
        v, counters, words = self.kvm, self._counters, self._words
        stop, over = None, True
        try:
            stop = self._userspace(r, at, asked) if r & codes.RESUME_FLAG_HOST else None
            over = self.leaving.standing is None
            if stop is None:
                if self._busy:
                    counters[SKIPPED] += v.cost
                enter(v)
                words[W.ENTERED_AT] = counters[RETIRED] + counters[SKIPPED]
        finally:
            if over:
                self._record(at, r)
        if not over:
            return stop
        if stop is None:
            stop = self.requested()
        position = at[0]
        if position == words[W.LAST_POSITION]:
            words[W.STREAK] += 1
            if words[W.STREAK] > PATIENCE and stop is None:
                stop = self._stuck()
        else:
            words[W.LAST_POSITION], words[W.STREAK] = position, 0
        return stop

    def _record(self, at: tuple[int, ...], r: int) -> None:
        """The exit is over: its row, made of how it began and what was noted meanwhile."""
        v, counters = self.kvm, self._counters
        v.exits.append((*at, tuple(v.actions), tuple(v.queued), v.delivered, r, v.exit_type, v.cost))
        self._clear()
        passed = counters[RETIRED] + counters[SKIPPED] - at[1]
        self._words[W.LAST_COST] = passed if self._busy else v.cost + passed
        self.in_host = False

    def requested(self) -> Stop | None:
        """The end that the guest asked the board for, if it did."""
        board = self.board
        return self._requested() if board.reset_requested or board.poweroff_requested else None

    def finish_access(self, row: tuple[Any, ...], action: tuple[object, ...]) -> Stop | None:
        """The end of a device access that compiled code began, where it made something pending: as ``_exit``'s."""
        v = self.kvm
        v.actions.append(action)
        stop = None
        try:
            stop = self._userspace(prepare(v, codes.RESUME_GUEST))
            if stop is None:
                enter(v)
                self._words[W.ENTERED_AT] = self._counters[RETIRED] + self._counters[SKIPPED]
        finally:
            self._record(row[:8], codes.RESUME_HOST_NV)
        return self.requested() if stop is None else stop

    def _clear(self) -> None:
        v = self.kvm
        v.actions.clear()
        v.queued.clear()
        v.delivered = None

    def _userspace(self, r: int, at: At | None = None, asked: bool = False) -> Stop | None:
        """KVM_RUN returned to userspace; what ends the run there, if anything does."""
        found = self.leaving.serve(r, at, asked)
        if isinstance(found, Ending):
            return self._end(found)
        return None if found is None else self._idle() if found == "stalled" else self._stop(StopKind.LEFT)

    # --- endings ----------------------------------------------------------------------------------
    def _end(self, ending: Ending) -> Stop:
        self.core.state.pc = self.kvm.pc
        return self._stop(ending.kind, ending.detail)

    def _idle(self) -> Stop:
        self.core.state.pc = self.kvm.pc
        return self._stop(*endings.idle(self.kvm))

    def _stuck(self) -> Stop:
        return replace(self._stop(StopKind.STUCK, endings.stuck(self.kvm)), pc=self.kvm.pc)
