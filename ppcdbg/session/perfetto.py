"""A session as a trace for Perfetto's UI (ui.perfetto.dev): track events whose clock is the count of instructions.

One instruction is 1 us of the trace: position p is at p * 1000 ns. The exits at a position, which take no instruction,
share the first half of it in their order, and what each handler did the slice of its exit; so slices nest, none is too
thin to be clicked, and a time divided by 1000 is the position. Model time is an annotation (``tick``, ``cost``).

A track for the vcpu's exits; one for each interrupt priority that was ever pending, with a slice from when it was
queued until it was taken back or delivered, as seen after each exit; one for the console's lines. A bare machine has a
track of its interrupts instead. Made by a replay: no log keeps what was pending.

The messages are those of the ``perfetto`` package, an extra (``ppcdbg[perfetto]``); its trace processor is not used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import Any

from ppcdbg.errors import InputError
from ppcdbg.kvm.records import Action, ExitRecord
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.kvm.trace import PRIO_NAMES, exit_name
from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.system import Limits
from ppcdbg.session.exports import SLICE, Progress, kernel_name, unheard
from ppcdbg.session.store import Store
from ppcdbg.session.systems import open_system

INSTRUCTION = 1_000
"""Nanoseconds of the trace for one instruction."""
HANDLING = INSTRUCTION // 2
"""Of them, what the exits before the instruction share."""
BATCH = 1_000
"""Packets that are written at once."""
PID = 1
PROCESS, VCPU, CONSOLE, INTERRUPTS, PRIORITIES = 1, 2, 3, 4, 16
"""Identifiers of tracks; that of a priority is its number and ``PRIORITIES``."""
SEQUENCE = 1
ADDRESSES = frozenset({"pc", "msr", "dar", "esr", "last_inst", "word", "ea", "gpa", "value", "token"})
"""Annotations that are shown as hexadecimal numbers."""

Names = Callable[[int], str]
Seen = tuple[ExitRecord, int]
"""An exit, and the bitmap of what was pending after it."""


def messages() -> Any:
    """The module of Perfetto's messages. Raises InputError where the extra is not installed."""
    try:
        from perfetto.protos.perfetto.trace import perfetto_trace_pb2
    except ImportError:
        raise InputError(
            "the format perfetto needs the package perfetto; install ppcdbg[perfetto], or export csv or ftrace"
        ) from None
    return perfetto_trace_pb2


def packets(store: Store, machine: MachineDescription, names: Names, progress: Progress = unheard) -> Iterator[bytes]:
    """The trace, in pieces that follow one another in a file. ``names`` gives an address its symbol, or nothing."""
    writer = _Writer(messages())
    system, last = open_system(machine), store.reached().position
    writer.describe(PROCESS, f"{kernel_name(store)} on {machine.cpu}, hv {machine.hv}; 1 us is 1 instruction")
    writer.describe(CONSOLE, "console")
    for position, text in store.lines(0):
        writer.instant(CONSOLE, position * INSTRUCTION, text or "(empty line)", {"position": position})
    if not isinstance(system, KvmSystem):
        writer.describe(INTERRUPTS, "interrupts taken")
        for vector, pc, msr, guest, position in store.log("interrupt"):
            told = {"pc": pc, "msr": msr, "symbol": names(pc), "guest": guest, "position": position}
            writer.instant(INTERRUPTS, position * INSTRUCTION, exit_name(vector), told)
            yield from writer.full()
    else:
        writer.describe(VCPU, "vcpu 0 exits")
        priorities = _Priorities(writer, PRIO_NAMES[system.kvm.hv])
        for position, group in groupby(seen(system, last, progress), key=lambda s: s[0].position):
            exits = [*group]
            for i, (record, pending) in enumerate(exits):
                begin, end = (position * INSTRUCTION + HANDLING * n // len(exits) for n in (i, i + 1))
                _exit(writer, record, begin, end, names)
                priorities.after(record, pending, begin, end)
            yield from writer.full()
        priorities.finish(last * INSTRUCTION)
    yield from writer.rest()


def seen(system: KvmSystem, last: int, progress: Progress = unheard) -> Iterator[Seen]:
    """Replay up to a position: every exit, each with what was pending after it."""
    v, found = system.kvm, list[Seen]()
    number = len(v.exits)

    def after() -> bool:
        nonlocal number
        while number < len(v.exits):
            found.append((v.exits[number], v.pending))
            number += 1
        return False

    while system.ended is None and system.position < last:
        system.run(Limits(min(system.position + SLICE, last), after_exit=after))
        progress(system.position, last)
        yield from found
        found.clear()


def _exit(writer: _Writer, record: ExitRecord, begin: int, end: int, names: Names) -> None:
    """An exit's slice, and in it one for each thing that its handler did."""
    told = {
        "number": record.number, "position": record.position, "tick": record.tick, "cost": record.cost,
        "pc": record.pc, "symbol": names(record.pc), "msr": record.msr, "last_inst": record.last_inst,
        "resume": record.resume, "accounted": record.accounted,
    }  # fmt: skip
    told |= {name: value for name, value in (("dar", record.dar), ("esr", record.esr)) if name in _fresh(record)}
    writer.begin(VCPU, begin, record.name, told)
    count, length = len(record.actions), end - begin
    for i, action in enumerate(record.actions):
        writer.begin(VCPU, begin + length * i // count, _deed(action), _details(action))
        writer.end(VCPU, begin + length * (i + 1) // count)
    writer.end(VCPU, end)


def _fresh(record: ExitRecord) -> frozenset[str]:
    """The names of ``captured`` as those of the record's fields."""
    return frozenset("dar" if name == "dear" else name for name in record.captured)


def _deed(action: Action) -> str:
    return f"{action.did.value} {action.note or action.device or ''}".rstrip()


def _details(action: Action) -> dict[str, object]:
    names = ("word", "ea", "gpa", "size", "value", "write", "device", "token", "priority")
    return {name: value for name in names if (value := getattr(action, name)) is not None}


class _Priorities:
    """A track for each interrupt priority, made when it is first pending."""

    def __init__(self, writer: _Writer, names: list[str]) -> None:
        self._writer, self._names = writer, names
        self._made: set[int] = set()
        self._open = 0

    def after(self, record: ExitRecord, pending: int, begin: int, end: int) -> None:
        """What an exit between two times changed."""
        queued = sum({1 << p for p in record.queued}) | pending
        if record.delivered is not None:
            queued |= 1 << record.delivered
        for p in range(len(self._names)):
            bit, track = 1 << p, PRIORITIES + p
            if queued & bit and not self._open & bit:
                self._make(p)
                self._writer.begin(track, begin, self._names[p], {"queued by exit": record.number})
                self._open |= bit
            if p == record.delivered:
                self._writer.instant(track, end, "delivered", {"exit": record.number})
            if self._open & bit and not pending & bit:
                self._writer.end(track, end)
                self._open &= ~bit

    def finish(self, at: int) -> None:
        """The trace ends: so does what is pending still."""
        for p in range(len(self._names)):
            if self._open >> p & 1:
                self._writer.end(PRIORITIES + p, at + HANDLING)

    def _make(self, priority: int) -> None:
        if priority not in self._made:
            self._made.add(priority)
            self._writer.describe(PRIORITIES + priority, f"prio {priority:02} {self._names[priority]}")


class _Writer:
    """Packets of one sequence, gathered until there are enough to be written."""

    def __init__(self, messages: Any) -> None:
        self._messages = messages
        self._trace = messages.Trace()
        self._first = True

    def _packet(self) -> Any:
        packet = self._trace.packet.add()
        packet.trusted_packet_sequence_id = SEQUENCE
        if self._first:
            packet.sequence_flags = self._messages.TracePacket.SEQ_INCREMENTAL_STATE_CLEARED
            self._first = False
        return packet

    def describe(self, track: int, name: str) -> None:
        """A track; all belong to the process, whose own name says what was recorded."""
        descriptor = self._packet().track_descriptor
        descriptor.uuid = track
        if track == PROCESS:
            descriptor.process.pid, descriptor.process.process_name = PID, name
        else:
            descriptor.parent_uuid, descriptor.name = PROCESS, name

    def _event(self, track: int, at: int, kind: str) -> Any:
        packet = self._packet()
        packet.timestamp = at
        packet.track_event.track_uuid = track
        packet.track_event.type = getattr(self._messages.TrackEvent, f"TYPE_{kind}")
        return packet.track_event

    def _named(self, event: Any, name: str, told: Mapping[str, object]) -> None:
        event.name = name
        for key, value in told.items():
            annotation = event.debug_annotations.add()
            annotation.name = key
            if isinstance(value, bool):
                annotation.bool_value = value
            elif isinstance(value, int):
                setattr(annotation, "pointer_value" if key in ADDRESSES else "uint_value", value)
            else:
                annotation.string_value = str(value)

    def begin(self, track: int, at: int, name: str, told: Mapping[str, object]) -> None:
        self._named(self._event(track, at, "SLICE_BEGIN"), name, told)

    def end(self, track: int, at: int) -> None:
        self._event(track, at, "SLICE_END")

    def instant(self, track: int, at: int, name: str, told: Mapping[str, object]) -> None:
        self._named(self._event(track, at, "INSTANT"), name, told)

    def full(self) -> Iterator[bytes]:
        """What there is, once it is a batch."""
        if len(self._trace.packet) >= BATCH:
            yield from self.rest()

    def rest(self) -> Iterator[bytes]:
        """What there is. Messages one after the other are one message (protobuf, Merge)."""
        yield self._trace.SerializeToString()
        self._trace.Clear()
