"""What one exit to the KVM model is, as data: the record that every pane, filter, summary and breakpoint reads.

Names and numbers are the kernel's (``kvm_trace_symbol_exit``, ``kvm_trace_symbol_irqprio``; facts 3 and 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ppcdbg.kvm.payloads import MmioExit, UserspaceExit


class Did(Enum):
    """What the handler did. The values are the words that a user reads and filters by."""

    EMULATED = "emul"  # an instruction was emulated; word = the instruction, result = EMULATE_*
    REFLECTED = "reflect"  # the cause was queued for the guest; priority
    MAPPED = "map"  # a shadow entry was made; ea, gpa, size
    MAPPED_MAGIC = "map-magic"  # the magic page was mapped
    MMIO = "mmio"  # an access to a device; gpa, size, value, write, device
    HYPERCALL = "hcall"  # token, args, results
    QUEUED = "queue"  # an asynchronous interrupt was queued; priority
    FAILED = "fail"  # the instruction could not be emulated; word
    FETCH_FAULT = "fetch-fault"  # the host could not read the instruction; note: the interrupt that its read met
    HOST = "host"  # the host's own work (its interrupt, a guest doorbell), nothing for the guest
    DEBUG = "debug"  # a debug event
    RESCHED = "resched"  # another task had the processor before the next entry; value = ticks
    USERSPACE = "userspace"  # KVM_RUN came back to userspace, but for an access to a device: left, as it was answered


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a handler did; fields that do not apply are None."""

    did: Did
    word: int | None = None
    result: int | None = None
    priority: int | None = None
    ea: int | None = None
    gpa: int | None = None
    size: int | None = None
    value: int | None = None
    write: bool | None = None
    device: str | None = None
    token: int | None = None
    args: tuple[int, ...] = ()
    results: tuple[int, ...] = ()
    left: UserspaceExit | None = None
    note: str = ""
    """A short text in the field's words: ``mfspr SRR0``, ``EE 1->0``, ``TLB1[3]``, ``MAP_MAGIC_PAGE``."""


@dataclass(frozen=True, slots=True)
class ExitRecord:
    """One exit. ``pc``, ``msr``, ``dar``, ``last_inst`` are what the kernel's kvm_exit trace point prints.

    ``esr`` and ``dar`` are stale where the exit does not capture them (``captured`` says which of "dear", "esr",
    "inst" are fresh). ``gprs_changed`` is not recorded. ``cost`` is model time in time-base ticks.
    """

    number: int
    position: int
    tick: int
    vector: int
    name: str
    pc: int
    msr: int
    dar: int
    esr: int
    last_inst: int
    captured: frozenset[str]
    actions: tuple[Action, ...]
    queued: tuple[int, ...]
    delivered: int | None
    resume: str
    accounted: str
    cost: int = 0
    whole: bool = True
    """False: a recording tells of it and no run came through it yet, so what its handler did is not known here."""


def payload(record: ExitRecord, action: Action) -> UserspaceExit | None:
    """What struct kvm_run held for an action of an exit, answered; None for what was no exit to userspace."""
    if action.did is Did.USERSPACE:
        return action.left
    if action.did is not Did.MMIO or "HOST" not in record.resume:
        return None
    size = action.size or 0
    return MmioExit(action.gpa or 0, (action.value or 0).to_bytes(size, "big"), size, bool(action.write))


def payloads(record: ExitRecord) -> tuple[UserspaceExit, ...]:
    """Of one exit all that went to userspace, in order."""
    found = (payload(record, action) for action in record.actions)
    return tuple(each for each in found if each is not None)
