"""One schedule carried out: from a point, with each interrupt at its boundary, until it is known what became of all.

The guest goes one boundary at a time while an interrupt waits, because a guest leaves a critical section and changes
its MSR without an exit; once all are delivered it runs to the return of the handlers. Two schedules that come to the
same state with the same interrupts waiting have one future, and :class:`Futures` remembers it.

That an interrupt is lost is proved and not guessed: with no timer, device or input to come, either the guest's whole
state comes again in a circle without an exit, and it reads no clock in it, or that is not claimed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from typing import Any

from ppcdbg.cpu.interrupts import DECREMENTER as DECREMENTER_EXIT
from ppcdbg.cpu.interrupts import DOORBELL, EXTERNAL
from ppcdbg.cpu.msr import TSR_DIS, TSR_WIS
from ppcdbg.cpu.state import RETIRED
from ppcdbg.explore.conditions import Bounds
from ppcdbg.explore.contract import Kept
from ppcdbg.explore.guest import Guest, Interrupted
from ppcdbg.explore.outcome import End, Fate, Outcome
from ppcdbg.explore.point import Base
from ppcdbg.explore.schedule import Event, Schedule
from ppcdbg.explore.sources import inject, release
from ppcdbg.explore.states import States
from ppcdbg.kvm import irqprio
from ppcdbg.kvm import magic_page as mp
from ppcdbg.kvm.irqprio import DECREMENTER, WATCHDOG
from ppcdbg.machine.input import InputKind
from ppcdbg.machine.system import FINAL, Limits, Stop

_POSITION, _NUMBER, _PC, _DAR, _QUEUED, _DELIVERED, _ROW = 0, 2, 3, 5, 9, 10, 14
"""Of a row of the exit log, and how long one is that can deliver anything."""
_HOSTS_OWN = frozenset({EXTERNAL, DECREMENTER_EXIT, DOORBELL})
_TIMERS = {DECREMENTER: TSR_DIS, WATCHDOG: TSR_WIS}
_LINES = frozenset({irqprio.EXTERNAL, irqprio.EXTERNAL_LEVEL})
PATIENT = 25
"""Times the bound of a schedule for which it is followed while the guest has everything masked, or a handler runs."""
CIRCLE = 512
"""Instructions in which a guest that idles comes round."""
_CLOCKS = frozenset({268, 269, 526, 527, 22})
"""SPRs that tell the time: TBL, TBU, ATBL, ATBU, DEC."""


@dataclass
class Futures:
    """What became of states that were seen before, within one search. ``followed`` schedules had no known state in
    them, ``joined`` came to one."""

    known: dict[Hashable, Outcome] = field(default_factory=dict)
    circles: dict[Hashable, bool] = field(default_factory=dict)
    followed: int = 0
    joined: int = 0


@dataclass
class _Frame:
    """A handler that has not returned."""

    index: int
    before: Interrupted
    strayed: bool = False
    """It came back to where it interrupted, but with another stack."""


class Walk:
    """One schedule. The system stands at its first event's position, or before it with nothing to happen between."""

    def __init__(
        self, base: Base, guest: Guest, states: States, schedule: Schedule, bounds: Bounds, last: int | None = None,
        kept: Kept | None = None, placed: bool = False,
    ) -> None:  # fmt: skip
        """``last``: the position behind which no other schedule of this search comes to the same state; None: any.
        ``kept``: what the site's section finds and leaves, if the site is one. ``placed``: the guest was put there."""
        states.begin()
        self.ask: Callable[[], None] | None = None
        """Called now and then; whatever it raises ends the schedule."""
        self._last = schedule[-1].position + bounds.steps if last is None else last
        self._base, self._guest, self._states = base, guest, states
        self._system = system = base.system
        self._v = system.kvm
        self._schedule, self._bounds = schedule, bounds
        self._coming = [*schedule]
        self._fates: list[Fate] = []
        self._frames: list[_Frame] = []
        self._seen = system.steps
        self._accesses = base.accesses()
        """Of devices, up to the last look."""
        self._end = schedule[-1].position + bounds.steps
        self._far = schedule[-1].position + bounds.steps * PATIENT
        self._counters = system.core.state.counters
        self._placed = placed
        self._keys: list[Hashable] = []
        self._merging = True
        self._others: frozenset[int] = frozenset()
        """Priorities of delivered interrupts that somebody has queued anew: a timer of the guest's own, a device."""
        self._kept = kept if kept is not None and system.position < kept.ends else None
        """None from the end of the site's section on."""
        self._inside = False
        self._resumed = 0
        """Where the last handler returned."""
        self._spoiled: tuple[str, ...] = ()
        self._stale: int | None = None

    def go(self, futures: Futures | None = None) -> Outcome:
        """Carry it out. ``futures``: those of this search; None follows it to its end whatever is known."""
        steps = 0
        while True:
            steps += 1
            if self.ask is not None and not steps & 63:
                self.ask()
            self._inject()
            if futures is not None and (joined := self._join(futures)) is not None:
                futures.joined += 1
                return self._remember(futures, joined)
            outcome = self._decided()
            if outcome is not None:
                if futures is not None:
                    futures.followed += 1
                    self._remember(futures, outcome)
                return outcome
            stop = self._on()
            self._look()
            if stop.kind in FINAL:
                return self._outcome(End.ENDED, f"the guest came to its end: {stop.detail}")

    def _on(self) -> Stop:
        """To the next moment at which anything can have changed."""
        system = self._system
        if not self._coming:
            if self._frames and all(fate.delivered is not None for fate in self._fates):
                return self._to_return()
            if self._masked():
                # Only a store to MSR or an exit can unmask it.
                bound = self._end if self._placed and not self._frames else self._far
                return system.run(Limits(bound, exits=1, watches=self._base.msr_watch))
        return system.run(Limits(self._counters[RETIRED] + 1, exits=1))

    def _masked(self) -> bool:
        """Whether the guest has every interrupt masked that waits, and nothing else is looked for on its way."""
        if self._kept is not None or not self._base.msr_watch or self._merging and self._system.position <= self._last:
            return False
        return not any(self._waits(fate) and fate.enabled is not None for fate in self._fates)

    @staticmethod
    def _waits(fate: Fate) -> bool:
        return fate.delivered is None and not fate.dropped and not fate.refused

    # --- interrupts come and go -------------------------------------------------------------------
    def _inject(self) -> None:
        """The interrupts of this boundary, each with the exit that it causes."""
        system, coming = self._system, self._coming
        while coming and coming[0].position <= (position := self._counters[RETIRED]):
            event = coming.pop(0)
            guest = self._guest
            self._fates.append(Fate(position, guest.pc, guest.in_section(guest.msr)))
            if event.source.kind is not InputKind.KVM:
                self._base.touched = True
            inject(system, event.source)
            system.run(Limits(position + 1, exits=1))
            self._look(fresh=len(self._fates) - 1)

    def _event(self, index: int) -> Event:
        return self._schedule[index]

    def _look(self, fresh: int = -1) -> None:
        """What the last exits did, and where every interrupt stands now. ``fresh``: the one that has just come."""
        system, v = self._system, self._v
        queued: set[int] = set()
        if (steps := system.steps) != self._seen:
            rows = v.exits.rows(self._seen)
            self._seen = steps
            if self._stale is None and not v.hv and v.shared.get32(mp.INT_PENDING) != (v.pending != 0):
                self._stale = self._counters[RETIRED]
            for row in rows:
                if len(row) == _ROW:
                    queued.update(row[_QUEUED])
                    self._others |= self._over() & frozenset(row[_QUEUED])
                    if row[_DELIVERED] is not None:
                        self._delivered(row)
        if self._frames:
            self._returns()
        guest = self._guest
        msr, position = guest.msr, self._counters[RETIRED]
        section = guest.in_section(msr)
        if self._kept is not None and not self._frames:
            if self._inside and not section:
                self._left(guest.registers(), msr)
            self._inside = section
        for index, fate in enumerate(self._fates):
            if fate.delivered is None and not fate.dropped and not fate.refused:
                self._fates[index] = self._standing(index, fate, msr, section, position, queued, index == fresh)
        self._accesses = self._base.accesses()

    def _standing(
        self, index: int, fate: Fate, msr: int, section: bool, position: int, queued: set[int], fresh: bool
    ) -> Fate:
        """A waiting interrupt: whether KVM still has it, and whether only an exit is wanting."""
        v, priority = self._v, self._schedule[index].source.priority
        if not v.pending >> priority & 1:
            if fresh and priority not in queued:
                return replace(fate, refused=True)
            bit = _TIMERS.get(priority, 0)
            withdrawn = bit and not v.tsr & bit
            # An access may make the MPIC lower its output: KVM_INTERRUPT UNSET clears the edge and the level.
            withdrawn = withdrawn or priority in _LINES and self._base.accesses() != self._accesses
            return replace(fate, refused=True) if withdrawn else replace(fate, dropped=True)
        enable = v.prios[priority].enable or 0
        if not msr & enable:
            return fate if fate.enabled is None else replace(fate, enabled=None, deliverable=None)
        enabled = position if fate.enabled is None else fate.enabled
        deliverable = None if section else position if fate.deliverable is None else fate.deliverable
        if enabled == fate.enabled and deliverable == fate.deliverable:
            return fate
        return replace(fate, enabled=enabled, deliverable=deliverable)

    def _delivered(self, row: tuple[Any, ...]) -> None:
        """An interrupt was delivered: one of the schedule's, if it has that priority."""
        priority, position = row[_DELIVERED], row[_POSITION]
        waiting = [i for i, f in enumerate(self._fates) if self._event(i).source.priority == priority]
        if not waiting:
            return
        index = next((i for i in waiting if self._fates[i].delivered is None), waiting[-1])
        if self._fates[index].delivered is not None and priority in self._others:
            self._others -= {priority}
            return
        fate, before = self._fates[index], self._guest.interrupted(priority)
        inside = self._guest.in_section(before.msr)
        if self._inside and not inside:  # KVM itself has carried out the store that ends it
            self._left(before.registers, before.msr)
        elif self._inside or inside:
            self._kept = None
        self._inside = False
        saved: tuple[str, ...] = ()
        if row[_NUMBER] in _HOSTS_OWN:  # nothing was emulated: what was saved is where the guest was
            saved = tuple(n for n, a, b in zip(("pc", "msr"), (before.pc, before.msr), row[_PC:_DAR]) if a != b)
        if fate.delivered is not None:
            self._fates[index] = replace(fate, times=fate.times + 1, inside=fate.inside or inside)
        else:
            self._fates[index] = replace(
                fate, delivered=position, interrupted=before.pc, inside=inside, times=1, changed=saved
            )
            release(self._system, self._event(index).source)
        self._frames.append(_Frame(index, before))
        self._merging = False

    def _over(self) -> frozenset[int]:
        """The priorities of the interrupts that were delivered."""
        return frozenset(self._event(i).source.priority for i, f in enumerate(self._fates) if f.delivered is not None)

    def _left(self, registers: tuple[int, ...], msr: int) -> None:
        """The site's section has ended, by whichever way."""
        if (kept := self._kept) is not None:
            changed = self._guest.different(kept.before, registers)
            already = self._guest.different(kept.before, kept.after)
            self._spoiled = (*(n for n in changed if n not in already), *(("msr",) if msr != kept.msr else ()))
        self._kept = None

    def _returns(self) -> None:
        """Handlers that have just come back."""
        guest = self._guest
        while self._frames:
            frame = self._frames[-1]
            if guest.pc != frame.before.pc:
                return
            if guest.r1 != frame.before.r1:
                frame.strayed = True
                return
            self._frames.pop()
            self._resumed = self._system.position
            fate = self._fates[frame.index]
            priority = self._event(frame.index).source.priority
            again = self._v.pending >> priority & 1 and priority not in self._others
            self._fates[frame.index] = replace(
                fate, returned=True, changed=fate.changed or guest.changed(frame.before), times=fate.times + again
            )

    def _to_return(self) -> Stop:
        """Everything is delivered: run until the innermost handler returns."""
        before, guest, system = self._frames[-1].before, self._guest, self._system
        if self._v.hv:
            return system.run(Limits(self._far, frozenset({before.pc})))
        # PR mode: the instruction that returns is privileged, so it exits.
        return system.run(Limits(self._far, after_exit=lambda: guest.pc == before.pc))

    # --- the end ----------------------------------------------------------------------------------
    def _decided(self) -> Outcome | None:
        """The outcome, when there is nothing more to learn."""
        if self._coming:
            return None
        waiting = [fate for fate in self._fates if fate.delivered is None and not fate.dropped and not fate.refused]
        if not waiting and not self._frames and not self._before_section():
            return self._outcome(End.DONE)
        position = self._counters[RETIRED]
        if position >= self._end and position >= (bound := self._bound(waiting)):
            for frame in self._frames:
                if frame.strayed:
                    self._fates[frame.index] = replace(self._fates[frame.index], changed=("r1",))
            steps = bound - self._schedule[-1].position
            return self._outcome(End.BOUND, f"not decided after {steps} instructions")
        for fate in waiting:
            if fate.deliverable is not None and position - fate.deliverable > self._bounds.patience:
                return self._unheard()
        return None

    def _bound(self, waiting: list[Fate]) -> int:
        """Where to give up: from the moment on that the guest has unmasked an interrupt it may wait as long as one that
        was never masked. A guest that was put somewhere goes on behind the section as no guest would, so that how long
        it keeps everything masked there says nothing."""
        unmasked = [fate.enabled for fate in waiting if fate.enabled is not None]
        if unmasked:
            return max(self._end, min(unmasked) + self._bounds.steps)
        if self._placed and waiting and not self._frames:
            return self._end
        return self._far if self._base.msr_watch or not waiting else self._end

    def _before_section(self) -> bool:
        """Whether the section of the site is still to come: a handler may have spoiled what it has saved already."""
        if self._kept is None or not any(fate.returned for fate in self._fates):
            return False
        return self._system.position - self._resumed <= self._kept.ends - self._schedule[0].position

    def _overdue(self, fate: Fate) -> bool:
        return fate.deliverable is not None and self._system.position - fate.deliverable > self._bounds.patience

    def _unheard(self) -> Outcome | None:
        """The guest goes on past where its own exit would have been: does any come, or is it proved that none will?"""
        system = self._system
        for index, fate in enumerate(self._fates):
            if fate.delivered is None and fate.overlooked is None and self._overdue(fate):
                self._fates[index] = replace(fate, overlooked=fate.deliverable)
        if not self._something_comes() and self._circles():
            return self._outcome(
                End.STUCK, "no exit will ever come: the guest goes round in a circle, and nothing else is to happen"
            )
        start = system.position
        if system.steps == self._seen:
            system.run(Limits(max(self._end, start + self._bounds.steps), exits=1))
        exited = system.steps != self._seen or system.ended is not None
        self._look()
        if exited:
            return None
        return self._outcome(End.QUIET, f"no exit came in {system.position - start} instructions")

    def _something_comes(self) -> bool:
        """Whether a timer, a device, the host's tick or an input will leave the guest by itself."""
        system, v = self._system, self._v
        return (
            v.timer_deadline is not None
            or system.board.next_event(system.core.now) is not None
            or v.vm.host.periodic_tick
            or len(system.input) > 0
        )

    def _circles(self) -> bool:
        """Whether the guest's state, the clock aside, comes again without an exit, and no instruction in between reads
        the clock (Brent's way: the state that is compared with moves on at powers of two)."""
        system, guest = self._system, self._guest
        kept, power, length = self._states.key(clock=False), 1, 0
        read: set[int] = {guest.pc}
        for _ in range(CIRCLE):
            system.run(Limits(system.position + 1, exits=1))
            if system.steps != self._seen or system.ended is not None:
                return False
            length += 1
            if self._states.key(clock=False) == kept:
                return not any(_reads_clock(guest.word(pc)) for pc in read)
            if length == power:
                kept, power, length, read = self._states.key(clock=False), power * 2, 0, set()
            read.add(guest.pc)
        return False

    def _outcome(self, end: End, detail: str = "") -> Outcome:
        return Outcome(self._schedule, tuple(self._fates), end, self._system.position, detail, self._spoiled,
                       self._stale)  # fmt: skip

    # --- futures ----------------------------------------------------------------------------------
    def _join(self, futures: Futures) -> Outcome | None:
        """The outcome from a state whose future is known."""
        here = self._counters[RETIRED]
        if self._coming or not self._merging or here > self._last:
            return None
        kinds = tuple([
            (event.source.name, fate.refused, fate.dropped, fate.deliverable, fate.overlooked)
            for event, fate in zip(self._schedule, self._fates)
        ])  # fmt: skip
        key = self._states.key(), self._spoiled, self._inside and self._kept is not None, kinds
        found = futures.known.get(key)
        if found is None:
            self._keys.append(key)
            return None
        fates = tuple(_joined(mine, then, here) for mine, then in zip(self._fates, found.fates, strict=True))
        stale = found.stale if self._stale is None else self._stale
        return Outcome(self._schedule, fates, found.end, found.position, found.detail, found.spoiled, stale)

    def _remember(self, futures: Futures, outcome: Outcome) -> Outcome:
        for key in self._keys:
            futures.known[key] = outcome
        return outcome


def _joined(mine: Fate, then: Fate, here: int) -> Fate:
    """My interrupt with the future of the one that waited in the same state. Since when it was enabled is my own past,
    unless that began anew later."""

    def since(own: int | None, other: int | None) -> int | None:
        return own if own is not None and other is not None and other <= here else other

    return Fate(
        mine.position, mine.pc, mine.section, then.delivered, then.interrupted, then.inside, then.times,
        since(mine.enabled, then.enabled), since(mine.deliverable, then.deliverable), then.overlooked, then.refused,
        then.dropped, then.returned, then.changed,
    )  # fmt: skip


def _reads_clock(word: int | None) -> bool:
    if word is None:
        return True
    return word >> 26 == 31 and word >> 1 & 0x3FF in (339, 371) and (word >> 16 & 0x1F | word >> 6 & 0x3E0) in _CLOCKS
