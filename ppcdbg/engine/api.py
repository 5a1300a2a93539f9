"""What an engine is: it runs instructions of one core and returns why it stopped; it decides nothing.

Time belongs to whoever calls: timers, queued input and instruction budgets all arrive as one absolute limit. Control
goes up by return value. Read next: :mod:`ppcdbg.engine.reference`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Protocol, runtime_checkable

from ppcdbg.cpu.core import Core
from ppcdbg.cpu.models import CoreModel


class Why(Enum):
    """Why an engine came back. Values are stable names for logs."""

    LIMIT = "limit"  # the count of retired instructions reached the limit
    EXIT = "exit"  # an interrupt was taken to hypervisor state and the core has a tenant there (Core.tenant)
    WAIT = "wait"  # the core waits (MSR[WE] or `wait`) and nothing deliverable is pending
    BREAKPOINT = "breakpoint"  # pc is in the given set; the instruction there has not run
    ATTENTION = "attention"  # a device or an SPR write asks the machine to look (reset, timers re-armed)
    CHECKSTOP = "checkstop"  # a machine check while MSR[ME]=0
    TENANT = "tenant"  # the tenant's compiled code (TenantCode) wants something that it has written down
    STUCK = "stuck"  # interrupts follow each other and no instruction retires
    INSTRUCTION = "instruction"  # the instruction at pc is of a class to stop before; it has not run
    WATCH = "watch"  # an access to watched bytes; ``EngineStop.hits`` says which


class WatchKind(Enum):
    """Which accesses a watch is for. A read-modify-write is a read and a write."""

    READ = "read"
    WRITE = "write"
    ACCESS = "access"
    CHANGE = "change"  # a write that leaves other bytes there than before


@dataclass(frozen=True, slots=True)
class Watch:
    """Bytes whose accesses end a run: effective addresses in whatever context, or real ones (36 bits)."""

    kind: WatchKind
    start: int
    length: int = 4
    real: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """One access of one instruction to watched bytes.

    ``position`` and ``pc`` are the instruction's: the count of retired instructions before it. ``address`` is the first
    watched byte that it touched, in the watch's own space; ``real`` the real address of the access, ``size`` its bytes.
    ``old`` is what stood there (None for a device), ``new`` what is stored (None for a load), both of ``size`` bytes.
    """

    watch: Watch
    position: int
    pc: int
    address: int
    real: int
    size: int
    write: bool
    old: int | None
    new: int | None


@dataclass(frozen=True, slots=True)
class EngineStop:
    """``vector`` is the interrupt's number for EXIT, else -1; ``hits`` are the accesses of WATCH."""

    why: Why
    vector: int = -1
    hits: tuple[Hit, ...] = ()


@dataclass(frozen=True, slots=True)
class Pattern:
    """A class of instructions: those whose word, under the mask, is ``match``."""

    match: int
    mask: int = 0xFFFFFFFF


@dataclass(frozen=True)
class Stops:
    """What else ends a run: effective addresses of instructions (checked before each, but not before the first),
    instructions of a class (INSTRUCTION, before each), and accesses to watched bytes.

    The run ends when the accessing instruction has retired, or with ``before`` when it is about to access and nothing
    of it is done. ``passing`` is the position and pc of the one instruction whose accesses no ``before`` holds up,
    and ``beginning`` those of the one that no class holds up: where the guest stands since such a stop. A store that a
    fault of the same instruction follows is told at the next call of ``run``. ``deaf``: addresses of instructions whose
    accesses are not told.

    What they cost: Python for each access to a watched byte, some 50 ns for one to the rest of its page; classes, that
    compiled regions rest and each page of code is searched once.
    """

    breakpoints: frozenset[int] = field(default_factory=frozenset)
    watches: tuple[Watch, ...] = ()
    before: bool = False
    passing: tuple[int, int] | None = None
    instructions: tuple[Pattern, ...] = ()
    beginning: tuple[int, int] | None = None
    deaf: frozenset[int] = field(default_factory=frozenset)


class TenantCode(Protocol):
    """Code that a compiling engine takes in, for who stands behind hypervisor state (``Core.tenant``): IR of
    ``@tenant``, where the engine goes once an interrupt to that state is taken, and which must end by going on in the
    guest or by coming back with a reason. Hashable: an engine compiles it once a core model."""

    name: str

    def __hash__(self) -> int: ...

    def sources(self) -> list[Path]:
        """The files that the text depends on."""

    def text(self, model: CoreModel) -> str:
        """The IR for a core model."""


@runtime_checkable
class TenantHost(Protocol):
    """An engine that runs a tenant's code."""

    def serve(self, words: int) -> bool:
        """``words``: host address of what the code works on. False where the engine has no such code."""


class Engine(Protocol):
    """One engine bound to one core. Two engines given the same state and limit leave the same state."""

    name: str
    core: Core
    slice: int
    """Instructions that take it some milliseconds: how far a run loop lets it go between two looks at its user."""

    def run(self, limit: int, stops: Stops) -> EngineStop:
        """Run until ``retired == limit`` (absolute) or another reason of ``Why``. Exact to the instruction."""

    def code_changed(self, address: int, length: int) -> None:
        """Real memory was changed from outside (loader, debugger, KVM model): forget what was decoded from it."""

    def translations_changed(self) -> None:
        """TLB, PID, LPID or address space were changed from outside the engine: forget cached translations."""

    def restored(self, translations: bool = True) -> None:
        """The core's registers, TLB and position were replaced (a snapshot was put back). ``translations`` False: the
        TLB is what it was before."""

    def rest(self) -> None:
        """Nothing of it goes on behind the caller until it runs again: it has no thread, and holds no lock."""

    def written(self) -> list[int]:
        """As ``take_written``, but they stay noted: what is asked often, by who puts the same pages back each time."""

    def take_written(self) -> list[int]:
        """Real addresses of the pages of RAM that may have been written since the last call, in order: some were not,
        and those that ``bus.written_outside`` names are not asked for."""
