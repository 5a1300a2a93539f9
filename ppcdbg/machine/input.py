"""The one way into a running machine: a queue of events, each stamped with the position at which it happens.

Console input, interrupts injected from outside and a debugger's writes all come through here, so that a recording
of this queue and the initial state replay the whole run (design/product.md, one clock). The queue orders and hands
out; it applies nothing and decides nothing (:mod:`ppcdbg.machine.schedule` does). Positions are retired instructions.
"""

from __future__ import annotations

import struct
from bisect import insort
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from ppcdbg.cpu.plain import Plain, items, maybe, octets, whole, words
from ppcdbg.errors import InputError

_TLB = struct.Struct(">5I")


class InputKind(Enum):
    """What comes in. The values are stable: they stand in recordings."""

    CONSOLE = "console"  # ``data`` arrives at serial port ``target``
    BREAK = "break"  # a break condition on serial port ``target``
    IRQ = "irq"  # MPIC source ``target`` is driven to level ``value``
    CORE_LINE = "core-line"  # input ``target`` of the core (0 external, 1 critical, 2 machine check), level ``value``
    MEMORY = "memory"  # ``data`` is written at real address ``target``
    REGISTER = "register"  # the register named ``name`` becomes ``value``
    KVM = "kvm"  # the request named ``name`` to the KVM model, with ``value``
    TLB = "tlb"  # entry ``target`` of the guest's TLB becomes ``data``; see ``TlbWrite``
    ANSWER = "answer"  # userspace's answer to exit ``target`` of KVM_RUN: ``data`` (``kvm.answers``)
    WITHHOLD = "withhold"  # the next interrupt ``name`` does not come; ``value`` is its bit in ``slots.WITHHELD``


@dataclass(frozen=True, slots=True)
class Moment:
    """Where a machine stands, finer than its position: what can happen while no instruction retires.

    ``skipped`` idle ticks and ``steps`` exits to KVM lie before it, and ``pc`` is the next instruction: an interrupt
    that was taken moves it and nothing else.
    """

    position: int
    skipped: int = 0
    steps: int = 0
    pc: int | None = None


@dataclass(frozen=True, slots=True)
class TlbWrite:
    """What a TLB event says: an entry by array and number in it (TLB0: set * ways + way), and its MAS registers."""

    tlbsel: int
    esel: int
    mas1: int
    mas2: int
    mas3: int
    mas7: int = 0
    mas8: int = 0

    @property
    def target(self) -> int:
        return self.tlbsel << 16 | self.esel

    @property
    def data(self) -> bytes:
        return _TLB.pack(self.mas1, self.mas2, self.mas3, self.mas7, self.mas8)

    @classmethod
    def of(cls, event: InputEvent) -> TlbWrite:
        """What an event of that kind was made from. Raises ValueError for one that is none."""
        try:
            return cls(event.target >> 16, event.target & 0xFFFF, *_TLB.unpack(event.data))
        except struct.error:
            raise ValueError(f"a TLB entry has {len(event.data)} bytes, not {_TLB.size}") from None


@dataclass(frozen=True, slots=True)
class InputEvent:
    """One event. ``order`` counts additions: events of one position happen in that order.

    One that was put in where the machine stood carries the rest of that ``Moment``; one that was put in for later
    happens as soon as its position is reached.
    """

    position: int
    order: int
    kind: InputKind
    target: int = 0
    value: int = 0
    data: bytes = b""
    name: str = ""
    skipped: int = 0
    steps: int = 0
    pc: int | None = None

    def save(self) -> list[Plain]:
        """See ``plain.Saves``."""
        moment: list[Plain] = [self.position, self.skipped, self.steps, self.pc]
        return [*moment, self.order, self.kind.value, self.target, self.value, self.data, self.name]

    @classmethod
    def of(cls, saved: Plain) -> InputEvent:
        """The event that ``save`` gave. Raises TypeError or ValueError for anything else."""
        position, skipped, steps, pc, order, kind, target, value, data, name = items(saved)
        return cls(
            whole(position), whole(order), InputKind(words(kind)), whole(target), whole(value), octets(data),
            words(name), whole(skipped), whole(steps), maybe(pc),
        )  # fmt: skip

    @property
    def content(self) -> tuple[object, ...]:
        """What it is and when, whatever came into the queue before it."""
        what = self.kind.value, self.target, self.value, self.data, self.name
        return self.position, self.skipped, self.steps, self.pc, *what

    def due(self, position: int, moment: Moment | None = None) -> bool:
        """Whether it happens at a position, or at a moment of it."""
        if self.position != position or moment is None:
            return self.position <= position
        at_pc = self.pc is None or self.pc == moment.pc
        return moment.skipped >= self.skipped and moment.steps >= self.steps and at_pc


class RefusedError(InputError):
    """An event that this machine cannot do, such as a write to a register that it lacks. Nothing has happened."""


class InputQueue:
    """Events to come, in order. ``position`` gives the current count of retired instructions.

    ``taken`` is called with each event as it is handed out: what a recorder writes down; ``refused`` with one that the
    machine then could not do, so that it never came. ``moment`` is the machine's.
    """

    def __init__(self, position: Callable[[], int]) -> None:
        self.moment: Callable[[], Moment] = lambda: Moment(position())
        self._events: list[InputEvent] = []
        self.answers: list[InputEvent] = []
        """Of events to come, userspace's answers: a machine gets one when it asks, and at no position by itself."""
        self._order = 0
        self.taken: Callable[[InputEvent], None] = lambda event: None
        self.refused: Callable[[InputEvent], None] = lambda event: None
        self.added: Callable[[InputEvent], None] = lambda event: None

    def __len__(self) -> int:
        return len(self._events) + len(self.answers)

    def add(
        self,
        kind: InputKind,
        *,
        target: int = 0,
        value: int = 0,
        data: bytes = b"",
        name: str = "",
        position: int | None = None,
    ) -> InputEvent:
        """Put an event in at an absolute position, or at this moment; the past is moved to the present."""
        now = self.moment()
        at = now if position is None or position <= now.position else Moment(position)
        event = InputEvent(
            at.position, self._order, kind, target, value, data, name, at.skipped, at.steps, at.pc
        )  # fmt: skip
        self._order += 1
        insort(self._events, event, key=_key)
        self.added(event)
        return event

    def console(self, data: bytes, position: int | None = None, port: int = 0) -> InputEvent:
        """Bytes typed at a serial port."""
        return self.add(InputKind.CONSOLE, target=port, data=data, position=position)

    def extend(self, events: Iterable[InputEvent]) -> None:
        """Add events at their own positions, in their own order; ``order`` is given anew."""
        for e in sorted(events, key=_key):
            if e.kind is InputKind.ANSWER:
                raise InputError(
                    "an answer of userspace's belongs to one recording, and cannot be added to another run"
                )
            self.add(e.kind, target=e.target, value=e.value, data=e.data, name=e.name, position=e.position)

    def answer(self, target: int, data: bytes, *, value: int = 0, name: str = "") -> InputEvent:
        """An answer that is given now: it has come with that."""
        at = self.moment()
        event = InputEvent(
            at.position, self._order, InputKind.ANSWER, target, value, data, name, at.skipped, at.steps
        )  # fmt: skip
        self._order += 1
        self.taken(event)
        return event

    def answer_to_come(self, moment: Moment, target: int, data: bytes, *, value: int = 0, name: str = "") -> InputEvent:
        """The answer that the machine gets when it asks at a moment, in place of one that it would have got."""
        self.answers = [e for e in self.answers if _key(e)[:3] != _when(moment) or e.target != target]
        event = InputEvent(
            moment.position, self._order, InputKind.ANSWER, target, value, data, name, moment.skipped, moment.steps
        )  # fmt: skip
        self._order += 1
        self.added(event)
        insort(self.answers, event, key=_key)
        return event

    def recorded_answer(self, fits: Callable[[InputEvent], bool]) -> InputEvent | None:
        """The answer that was given at this moment, if it fits what is asked. Those of moments that are past, or to
        another question, belong to another history, and are forgotten."""
        if not self.answers:
            return None
        now = self.moment()
        here = _when(now)
        while self.answers and _key(self.answers[0])[:3] <= here:
            event = self.answers.pop(0)
            if _key(event)[:3] == here and fits(event):
                self.taken(event)
                return event
        return None

    def pending(self) -> tuple[InputEvent, ...]:
        """What is still to come, in order."""
        return tuple(sorted((*self._events, *self.answers), key=_key))

    def next_position(self) -> int | None:
        """Where the next event lies; None if there is none."""
        return self._events[0].position if self._events else None

    def next_pc(self) -> int | None:
        """The pc that the next event waits for at its position; None where any will do."""
        return self._events[0].pc if self._events else None

    def ready(self, position: int, moment: Moment | None = None) -> bool:
        """Whether ``take`` would give anything."""
        return bool(self._events) and self._events[0].due(position, moment)

    def take(self, position: int, moment: Moment | None = None) -> list[InputEvent]:
        """Remove and give the events due at ``position``, in order; with a moment, those due by then."""
        count = 0
        while count < len(self._events) and self._events[count].due(position, moment):
            count += 1
        due, self._events = self._events[:count], self._events[count:]
        for event in due:
            self.taken(event)
        return due

    def bring_forward(self, position: int) -> bool:
        """Move the next event to ``position``: a core that waits for ever retires nothing, so it would never come.

        Later events keep their distance in order only. False if there is none.
        """
        if not self._events:
            return False
        now = self.moment()
        here = replace(self._events[0], position=position, skipped=now.skipped, steps=now.steps, pc=now.pc)
        self._events[0] = here
        return True

    def remove(self, event: InputEvent) -> bool:
        """Take an event out that is still to come, so that it never does; False if it is not there."""
        for events in (self._events, self.answers):
            if event in events:
                events.remove(event)
                return True
        return False

    def drop_all(self) -> None:
        """Forget what is still to come (a timeline that branches elsewhere)."""
        self._events, self.answers = [], []

    def put_back(self, events: Iterable[InputEvent]) -> None:
        """Events that were taken are to come again: time was set back. Moments and orders stay."""
        self._hold((*events, *self.pending()))

    def restore(self, events: Iterable[InputEvent], order: int) -> None:
        """Take a saved queue as it was: positions and orders included."""
        self._hold(events)
        self._order = order

    def _hold(self, events: Iterable[InputEvent]) -> None:
        every = sorted(events, key=_key)
        self._events = [e for e in every if e.kind is not InputKind.ANSWER]
        self.answers = [e for e in every if e.kind is InputKind.ANSWER]

    @property
    def order(self) -> int:
        """How many events were ever added; part of the queue's state."""
        return self._order


def _when(moment: Moment) -> tuple[int, int, int]:
    return moment.position, moment.skipped, moment.steps


def _key(event: InputEvent) -> tuple[int, int, int, int]:
    """By moment: one that was put in where the machine stood does not wait for another that comes later there."""
    return event.position, event.skipped, event.steps, event.order


def apart_at(first: Iterable[InputEvent], second: Iterable[InputEvent]) -> list[int]:
    """The positions of the events that only one of two histories has."""
    one, two = ({event.content: event.position for event in events} for events in (first, second))
    return sorted({*(one[c] for c in one.keys() - two.keys()), *(two[c] for c in two.keys() - one.keys())})


def first_apart(*histories: Sequence[InputEvent]) -> int | None:
    """The position at which the first event lies that is not in all of some histories; None where all are the same."""
    shortest = min(len(events) for events in histories)
    for number in range(shortest):
        if len({events[number].content for events in histories}) > 1:
            return min(events[number].position for events in histories)
    return min((events[shortest].position for events in histories if len(events) > shortest), default=None)
