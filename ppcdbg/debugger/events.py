"""What a breakpoint can wait for: every kind of event, under the four verbs of ``Verb``.

Events other than places are recognised in exit records, so the same words serve the present and the past. A new kind
needs an entry in ``EventKind`` and ``ABOUT``, a branch in ``matches`` and words in :mod:`ppcdbg.debugger.eventwords`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ppcdbg.debugger.causes import emulated, mnemonic_of, priority_name, spr_of
from ppcdbg.engine.api import Watch, WatchKind
from ppcdbg.kvm.records import Did, ExitRecord


class Verb(Enum):
    """What to do when the event comes."""

    BREAK = "break"  # stop, each time
    TRACE = "trace"  # log it and go on
    RUN_UNTIL = "run-until"  # run now and stop at the first; other breakpoints stay live
    WAIT_FOR = "wait-for"  # run now and stop at the first; other breakpoints are passed over


class EventKind(Enum):
    """Kinds of events; the values are the words of the commands."""

    ADDRESS = "address"
    EXIT = "exit"
    INSN = "insn"
    SPR = "spr"
    MMIO = "mmio"
    HCALL = "hcall"
    QUEUED = "queued"
    DELIVERED = "delivered"
    CONSOLE = "console"
    DATA = "data"


ABOUT: dict[EventKind, str] = {
    EventKind.ADDRESS: "the guest is about to run the instruction at a place",
    EventKind.EXIT: "an exit to KVM",
    EventKind.INSN: "an instruction that KVM emulated",
    EventKind.SPR: "an SPR that KVM read or wrote for the guest",
    EventKind.MMIO: "an access to a device",
    EventKind.HCALL: "a hypercall",
    EventKind.QUEUED: "an interrupt queued for the guest",
    EventKind.DELIVERED: "an interrupt delivered to the guest",
    EventKind.CONSOLE: "text on the guest's console",
    EventKind.DATA: "an access to bytes of memory",
}
"""What each kind is, in a few words."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event to wait for. ``name`` empty means any of its kind.

    ``address``..``address + length`` is an effective address for ADDRESS and DATA, guest-physical for MMIO; with
    ``real`` that of DATA is a real one. ``write`` narrows SPR and MMIO to one direction. ``text`` is what the console
    must print. ``access`` of DATA is a ``WatchKind``'s value.
    """

    kind: EventKind
    name: str = ""
    address: int = 0
    length: int = 1
    number: int | None = None
    write: bool | None = None
    text: str = ""
    access: str = ""
    real: bool = False
    device: bool = False
    """DATA under KVM: there is a device, so that KVM makes the access for the guest."""

    @property
    def watch(self) -> Watch:
        """What an engine looks for, of a DATA event."""
        return Watch(WatchKind(self.access), self.address, self.length, self.real)

    def __str__(self) -> str:
        """The words that a command would make it from."""
        if self.kind is EventKind.ADDRESS:
            return self.name or f"{self.address:#x}"
        words = [self.kind.value]
        if self.kind is EventKind.DATA:
            last = self.address + self.length - 1
            place = f"{self.address:#x}" + (f"..{last:#x}" if self.length > 1 else "")
            words += [self.name or place, self.access, *(["real"] if self.real else [])]
        elif self.kind is EventKind.MMIO and not self.name:
            if self.length > 1:
                words.append(f"{self.address:#x}..{self.address + self.length - 1:#x}")
            elif self.address:
                words.append(f"{self.address:#x}")
        elif self.kind is EventKind.CONSOLE:
            words.append(f'"{self.text}"')
        elif self.name:
            words.append(self.name)
        if self.write is not None:
            words.append("write" if self.write else "read")
        return " ".join(words)


def matches(event: Event, record: ExitRecord) -> bool:
    """Whether the event happened in this exit."""
    match event.kind:
        case EventKind.EXIT:
            return event.number is None or record.vector == event.number
        case EventKind.INSN:
            return emulated(record) is not None and event.name in ("", mnemonic_of(record))
        case EventKind.SPR:
            return _spr(event, record)
        case EventKind.MMIO:
            return any(_mmio(event, a.gpa or 0, a.size or 1, a.write, a.device) for a in record.actions
                       if a.did is Did.MMIO)  # fmt: skip
        case EventKind.HCALL:
            calls = [a for a in record.actions if a.did is Did.HYPERCALL]
            return any(event.number in (None, a.token) for a in calls)
        case EventKind.QUEUED:
            return _priority(event, record.queued)
        case EventKind.DELIVERED:
            return record.delivered is not None and _priority(event, (record.delivered,))
        case EventKind.DATA:
            return any(_data(event, record, a.gpa or 0, a.size or 1, a.write) for a in record.actions
                       if a.did is Did.MMIO)  # fmt: skip
        case _:
            return False


def _data(event: Event, record: ExitRecord, gpa: int, size: int, write: bool | None) -> bool:
    """A watched address may be a device's: then KVM makes the access for the guest."""
    if event.access in ("read", "write", "change") and bool(write) is (event.access == "read"):
        return False
    start = gpa if event.real else record.dar
    return start < event.address + event.length and event.address < start + size


def _priority(event: Event, numbers: tuple[int, ...]) -> bool:
    if event.name:
        return any(priority_name(n) == event.name for n in numbers)
    return bool(numbers)


def _spr(event: Event, record: ExitRecord) -> bool:
    found = spr_of(record)
    if not found:
        return False
    written = mnemonic_of(record) == "mtspr"
    return event.number in (None, found[0]) and event.write in (None, written)


def _mmio(event: Event, gpa: int, size: int, write: bool | None, device: str | None) -> bool:
    if event.write is not None and event.write is not write:
        return False
    if event.name:
        return device == event.name
    return not event.address or event.address < gpa + size and gpa < event.address + event.length
