"""What a breakpoint can wait for: every kind of event, under the four verbs of ``Verb``.

The words of an event are :mod:`ppcdbg.debugger.eventwords`', how a system can see it :mod:`ppcdbg.debugger.sight`'s,
and whether it happened :mod:`ppcdbg.debugger.matching`'s. A new kind needs an entry in each.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from ppcdbg.engine.api import Pattern, Watch


class Verb(Enum):
    """What to do when the event comes."""

    BREAK = "break"  # stop, each time
    TRACE = "trace"  # log it and go on
    RUN_UNTIL = "run-until"  # run now and stop at the first; other breakpoints stay live
    WAIT_FOR = "wait-for"  # run now and stop at the first; other breakpoints are passed over


class EventKind(Enum):
    """Kinds of events; the values are the words of the commands."""

    ADDRESS = "address"
    DATA = "data"
    EXIT = "exit"
    INSN = "insn"
    SPR = "spr"
    MMIO = "mmio"
    HCALL = "hcall"
    USERSPACE = "userspace"
    QUEUED = "queued"
    WITHHELD = "withheld"
    DELIVERED = "delivered"
    TAKEN = "taken"
    TLB = "tlb"
    SHADOW = "stlb"
    MISS = "miss"
    MAGIC = "magic"
    CRITICAL = "critical"
    REWRITTEN = "rewritten"
    FETCH_FAULT = "fetch-fault"
    RESCHED = "resched"
    SWITCH = "switch"
    CONSOLE = "console"
    POSITION = "position"


@dataclass(frozen=True)
class Words:
    """How one kind is written: its grammar after the kind's word, what it is, an example."""

    grammar: str
    about: str
    example: str


WORDS: dict[EventKind, Words] = {
    EventKind.ADDRESS: Words("SYMBOL | *ADDRESS | EXPRESSION", "the instruction at an address", "break start_kernel"),
    EventKind.DATA: Words(
        "[--real] SYMBOL | *(TYPE *)ADDRESS | ADDR[..ADDR] | ADDR,+LENGTH [read|write|access|change]",
        "an access to bytes, at effective or real addresses", "break data 0xc0001000,+16 write"),
    EventKind.EXIT: Words("[NAME] [after|both]", "an exit to KVM: before its handler acts, after it, or at both",
                          "break exit DTLB_MISS if dear >= 0xc0000000"),
    EventKind.INSN: Words("[MNEMONIC | WORD] [any]", "an instruction that KVM emulates; with any, each time it runs",
                          "break insn tlbwe"),
    EventKind.SPR: Words("[NAME | NUMBER] [read|write]", "an mfspr or mtspr, whether it exits or not",
                         "break spr SPRG0 write"),
    EventKind.MMIO: Words("[DEVICE | ADDR[..ADDR] | ADDR,+LENGTH] [read|write]", "an access to a device",
                          "break mmio serial0 write"),
    EventKind.HCALL: Words("[NAME | TOKEN] [after]", "a hypercall", "break hcall MAP_MAGIC_PAGE"),
    EventKind.USERSPACE: Words(
        "[REASON] [after|both]", "KVM_RUN is back in userspace: before the answer, after it or both",
        "break userspace SPR if sprn == 308"),
    EventKind.QUEUED: Words("[PRIORITY]", "KVM queues an interrupt for the guest", "break queued DECREMENTER"),
    EventKind.WITHHELD: Words("[PRIORITY]", "it is queued, and not delivered on the way back from that exit",
                              "break withheld EXTERNAL_LEVEL"),
    EventKind.DELIVERED: Words("[PRIORITY]", "it is delivered", "break irqprio deliver DECREMENTER"),
    EventKind.TAKEN: Words("[NAME]", "the guest is at the first instruction of an interrupt handler",
                           "break taken DECREMENTER"),
    EventKind.TLB: Words("[write|invalidate]", "tlbwe; or tlbivax, tlbilx, MMUCSR0", "break tlb write"),
    EventKind.SHADOW: Words("[write|evict|invalidate]", "KVM changes a shadow entry in the real TLB",
                            "break stlb evict if ea == 0xc0000000"),
    EventKind.MISS: Words("[data|fetch] [guest|shadow]", "a TLB miss: of the guest's TLB, or only of the real one",
                          "break miss data guest"),
    EventKind.MAGIC: Words("[FIELD] [write|read] [guest|kvm]", "a field of the magic page is stored to",
                           "break magic critical"),
    EventKind.CRITICAL: Words(
        "[entered|saved|looked|left|interrupted|withheld]",
        "a paravirtual critical section, or what comes in one",
        "break critical entered"),
    EventKind.REWRITTEN: Words("", "the guest loads an instruction that the hypervisor has rewritten",
                               "break rewritten"),
    EventKind.FETCH_FAULT: Words(
        "[after]", "the host cannot read the instruction that exits (HV mode)", "break fetch-fault"),
    EventKind.RESCHED: Words("", "KVM gives the processor away before it enters the guest again",
                             "break resched"),
    EventKind.SWITCH: Words("[user|kernel]", "the guest goes to user or to supervisor state", "break switch user"),
    EventKind.CONSOLE: Words("TEXT", "the console prints a text", 'break console "login:"'),
    EventKind.POSITION: Words("COUNT", "so many instructions have retired", "break position 1_000_000"),
}  # fmt: skip
"""The grammar of each kind; help, completion and ``info events`` are made from it."""
ABOUT: dict[EventKind, str] = {kind: words.about for kind, words in WORDS.items()}
"""What each kind is, in a few words."""


class Seen(Enum):
    """How an event is noticed, which says where the guest then stands."""

    PLACE = "before the instruction at an address"
    CLASS = "before an instruction of a class"
    ARRIVAL = "at the exit, before KVM has done anything"
    LEFT = "at the return to userspace, before anybody has answered"
    EXIT = "after the exit was handled"
    ACCESS = "after the access (before it, for gdb)"
    TAKEN = "at the first instruction of the handler"
    CONSOLE = "after the instruction that printed"
    POSITION = "at a count of retired instructions"


@dataclass(frozen=True, slots=True)
class Event:
    """One event to wait for. ``name`` empty means any of its kind.

    ``address``..``address + length`` is an effective address for ADDRESS and DATA, guest-physical for MMIO; with
    ``real`` that of DATA is a real one. ``write`` narrows SPR, MMIO and MAGIC to one direction. ``text`` is what the
    console must print, or who does it (``guest``, ``kvm``, ``shadow``), for INSN ``any``: not only those that KVM
    emulates, for EXIT ``both``. ``access`` of DATA is a ``WatchKind``'s value. ``after``: when KVM has handled
    the exit, not before.
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
    after: bool = False
    # What follows is how one system sees it (``sight.placed``).
    seen: frozenset[Seen] = field(default=frozenset(), compare=False)
    watches: tuple[Watch, ...] = field(default=(), compare=False)
    classes: tuple[Pattern, ...] = field(default=(), compare=False)
    vectors: frozenset[int] | None = field(default=None, compare=False)
    """Exit numbers that ARRIVAL is looked for at; None: all."""

    def __str__(self) -> str:
        """The words that a command would make it from."""
        match self.kind:
            case EventKind.ADDRESS:
                return self.name or f"{self.address:#x}"
            case EventKind.DATA:
                words = ["data", self.name or self._place(), self.access, *(["real"] if self.real else [])]
            case EventKind.CONSOLE:
                words = ["console", f'"{self.text}"']
            case EventKind.POSITION:
                words = ["position", f"{self.number}"]
            case EventKind.MMIO:
                words = ["mmio", self.name or (self._place() if self.address else ""), _direction(self.write)]
            case _:
                direction = "" if self.kind is EventKind.MAGIC and self.write else _direction(self.write)
                words = [self.kind.value, self.name, direction, self.text]
        said = self.after and self.kind in _SAYING_AFTER
        return " ".join([w for w in words if w] + ["after"] * said)

    def _place(self) -> str:
        last = self.address + self.length - 1
        return f"{self.address:#x}" + (f"..{last:#x}" if self.length > 1 else "")


_SAYING_AFTER = frozenset({EventKind.EXIT, EventKind.HCALL, EventKind.FETCH_FAULT, EventKind.USERSPACE})
"""Kinds whose grammar has the word; for others somebody else decides where they are seen."""


def _direction(write: bool | None) -> str:
    return "" if write is None else "write" if write else "read"
