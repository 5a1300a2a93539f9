"""What queries and commands give back: frozen values, no text formatting, no colour.

Views turn each into lines (:mod:`ppcdbg.views.results`); Python callers read the fields. Addresses are effective unless
a field says otherwise; a field that cannot be known is None.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from ppcdbg.kvm.patching import PatchedSite, Scan
from ppcdbg.kvm.records import ExitRecord
from ppcdbg.kvm.sections import Section


class Space(Enum):
    """An address space that memory is read in."""

    EA = "ea"  # effective, translated as the guest's data access would be
    GPA = "gpa"  # guest-physical: the same as real on the bare machine
    REAL = "real"  # host-physical: what the core puts on its bus


@dataclass(frozen=True, slots=True)
class RegisterValue:
    """One register as the guest sees it. ``bits`` names the set bits, ``fields`` the numeric fields."""

    name: str
    value: int
    changed: bool = False
    before: int = 0
    width: int = 32
    bits: tuple[str, ...] = ()
    fields: tuple[tuple[str, int], ...] = ()
    group: str = "gpr"


@dataclass(frozen=True)
class Registers:
    """A set of registers in the order of the manual; ``view`` is ``bare``, ``pr`` or ``hv``."""

    rows: tuple[RegisterValue, ...]
    view: str

    def by_name(self) -> dict[str, RegisterValue]:
        return {r.name: r for r in self.rows}


@dataclass(frozen=True, slots=True)
class DisassemblyRow:
    """One instruction. ``word`` is None where the address is not mapped or not RAM."""

    address: int
    word: int | None
    mnemonic: str
    operands: str
    target: int | None = None  # of a direct branch
    target_name: str = ""
    label: str = ""  # the symbol that starts here
    current: bool = False  # pc is here
    breakpoint: bool = False
    call: bool = False
    original: str = ""  # what the image has there, where the guest's code is another by now
    source: str = ""  # file:line where a line begins
    text: str = ""  # that line, where the source is at hand


@dataclass(frozen=True)
class Disassembly:
    """``where`` names the first row's place as symbol+offset."""

    rows: tuple[DisassemblyRow, ...]
    where: str


@dataclass(frozen=True)
class Memory:
    """Bytes as they stand; None marks a byte that is not mapped or that a device refuses to show."""

    address: int
    space: Space
    data: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class ExaminedUnit:
    """One unit of ``x``: ``value`` is a number or, for format s, text; None where not readable."""

    address: int
    symbol: str
    value: int | str | None


@dataclass(frozen=True)
class Examined:
    """The units that ``x`` read; ``format`` is gdb's letter, ``size`` in bytes."""

    space: Space
    format: str
    size: int
    units: tuple[ExaminedUnit, ...]


@dataclass(frozen=True)
class Printed:
    """The value of an expression, with gdb's output format letter; ``symbol`` where the value is an address.

    ``also``: the further values of a field that has several (an exit's number and its name)."""

    value: int | str
    format: str
    bits: int
    signed: bool
    symbol: str = ""
    also: tuple[int | str, ...] = ()
    number: int = field(default=0, compare=False)  # its place in the history: $1


@dataclass(frozen=True)
class SymbolPlace:
    """Where an address lies: ``name`` is empty where no symbol covers it."""

    address: int
    name: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """One TLB entry looked at by ``explain``: ``failed`` is the first test that failed, empty for the match."""

    where: str  # "guest TLB1[3]", "TLB0[17,2]", "shadow TLB0[..]"
    first: int
    last: int
    failed: str
    detail: str
    entry: tuple[int, int, int, int]  # MAS1, MAS2, MAS3, MAS7


@dataclass(frozen=True)
class Explanation:
    """How an address translates: every candidate near it, the outcome, and what is behind it."""

    ea: int
    access: str
    outcome: str  # "mapped", "miss", "protection"
    candidates: tuple[Candidate, ...]
    gpa: int | None
    real: int | None
    target: str  # "RAM", a device's name, "nothing", or ""
    shadow: tuple[Candidate, ...] = ()
    next_event: str = ""  # the exit or interrupt that an access would cause, by the kernel's name


@dataclass(frozen=True)
class ExitList:
    """Records that a filter let through, oldest first; ``total`` is how many matched in all."""

    records: tuple[ExitRecord, ...]
    total: int
    filter: str = ""


@dataclass(frozen=True, slots=True)
class PriorityRow:
    """One irqprio: who queued it and when, and why it is not delivered now (empty when idle or deliverable)."""

    number: int
    name: str
    pending: bool
    queued_by: str = ""
    queued_at: int | None = None
    waits: str = ""


@dataclass(frozen=True)
class Irqprio:
    rows: tuple[PriorityRow, ...]
    pending: int
    critical_section: bool = False
    critical_reason: str = ""


@dataclass(frozen=True, slots=True)
class TlbRow:
    """One valid entry. ``links`` are indices into the other side: shadow entries of a guest entry, or its parent."""

    where: str
    index: int
    ea: int
    size: int
    physical: int
    tid: int
    ts: int
    permissions: str  # "rwxRWX": supervisor in small, user in capital letters, "-" for what is not allowed
    attributes: str  # WIMGE letters that are set
    iprot: bool = False
    links: tuple[int, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class TlbView:
    """The guest's TLB and, under KVM, the shadow entries that came of it."""

    guest: tuple[TlbRow, ...]
    shadow: tuple[TlbRow, ...] = ()
    sets: int = 128
    ways: int = 4


@dataclass(frozen=True, slots=True)
class MagicField:
    """One field of the page that KVM shares with the guest; ``size`` in bytes."""

    name: str
    offset: int
    size: int
    value: int


@dataclass(frozen=True, slots=True)
class MagicRow:
    """One field with what it was when the last run began. ``promised``: MAP_MAGIC_PAGE told the guest of it."""

    name: str
    offset: int
    size: int
    value: int
    before: int
    promised: bool

    @property
    def changed(self) -> bool:
        return self.value != self.before


@dataclass(frozen=True)
class MagicPage:
    """The page that KVM shares with a guest. ``ea`` and ``gpa``: where the guest has it, None before it asked.
    ``inside``: whether the guest is in a critical section, ``why`` in words. ``held``: what only that holds back."""

    rows: tuple[MagicRow, ...]
    ea: int | None
    gpa: int | None
    features: int
    int_pending: int
    critical: int
    r1: int
    inside: bool
    why: str
    held: tuple[str, ...]
    policy: str


@dataclass(frozen=True)
class Patched:
    """The patched instructions of a guest; ``chosen`` limits them to those with this original."""

    scan: Scan
    chosen: str = ""


@dataclass(frozen=True)
class PatchedDetail:
    """One patched instruction, or a critical section that no patch leads to (``site`` is None then); neither is at
    another address, and ``nearest`` is where the nearest patch is."""

    address: int
    site: PatchedSite | None
    section: Section | None
    policy: str
    nearest: int | None = None


@dataclass(frozen=True)
class Shown:
    """A topic in full: what its command gave; in the UI its pane is shown instead."""

    topic: str
    result: Any


@dataclass(frozen=True)
class LayoutWish:
    """What is to be done with the panes of a screen: ``use``, ``save``, ``delete`` a layout, or ``list`` them. A door
    without a screen has none to do it with."""

    verb: str
    name: str = ""


@dataclass(frozen=True)
class Note:
    """A command that worked and has one sentence to say."""

    text: str


@dataclass(frozen=True)
class Summary:
    """What is to be said in one sentence; several are said as a list."""

    topic: str
    listed: bool = False


@dataclass(frozen=True)
class ConsoleText:
    """The tail of what the guest printed; ``total``: how many bytes all of it is."""

    text: str
    total: int


@dataclass(frozen=True)
class Found:
    """Addresses at which ``find`` saw the pattern; ``more`` when it stopped at its limit."""

    addresses: tuple[int, ...]
    symbols: tuple[str, ...]
    more: bool = False


@dataclass(frozen=True)
class HelpEntry:
    name: str
    aliases: tuple[str, ...]
    usage: str
    summary: str
    example: str
    family: str


@dataclass(frozen=True)
class Help:
    entries: tuple[HelpEntry, ...]


@dataclass(frozen=True)
class Table:
    """A plain table of data: names of the columns and the cells."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | int, ...], ...]
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Quit:
    """The user asked to leave, a script with an exit status; whoever owns the terminal does it."""

    status: int = 0


@dataclass(frozen=True)
class Text:
    """Text that a script says as it stands: it ends a line only where it has a newline."""

    text: str


@dataclass(frozen=True)
class Display:
    """One expression that is shown at every stop; ``value`` is what its command gave, ``error`` why it gave nothing."""

    number: int
    text: str
    command: str = field(repr=False)
    value: Any = None
    error: str = ""


@dataclass(frozen=True)
class Check:
    """The outcome of ``check``."""

    expression: str
    holds: bool


@dataclass(frozen=True)
class Told:
    """What the commands of a script gave, in order; empty where each was told as it came."""

    results: tuple[Any, ...] = ()
