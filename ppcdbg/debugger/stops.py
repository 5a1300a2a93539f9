"""Why the guest stands still, as data: one frozen report a stop.

The debugger makes a report for every return of a run; front ends show it and the story view words it. Nothing is
formatted here. Read next: :mod:`ppcdbg.debugger.debugger`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ppcdbg.engine.api import Hit
from ppcdbg.kvm.payloads import UserspaceExit
from ppcdbg.kvm.records import ExitRecord
from ppcdbg.machine.system import Stop, StopKind


class Cause(Enum):
    """What ended the run, from the user's point of view. The values are stable names for JSON."""

    START = "start"  # nothing has run yet
    STEP = "step"  # the instructions or exits that were asked for have run
    BREAKPOINT = "breakpoint"  # a breakpoint of any kind; its number is in the report
    UNTIL = "until"  # the place or event that this run was sent to
    CLIENT = "client"  # a stop that an attached debugger keeps, such as gdb
    SKIPPED = "skipped"  # an interrupt taken during a step did not come back within the budget
    INTERRUPTED = "interrupted"  # Debugger.interrupt
    BEGINNING = "beginning"  # a motion backwards came to where the past begins
    RECORDED = "recorded"  # the end of the session file that is replayed; going on leaves the recording
    LIMIT = "limit"  # the run's instruction limit
    ENDED = "ended"  # a final stop of the system


@dataclass(frozen=True, slots=True)
class RegisterChange:
    """One register that differs from the previous stop; the guest's view under KVM."""

    name: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class TraceHit:
    """One event that a ``trace`` logged without stopping, or that a breakpoint's action in Python is asked about."""

    number: int
    position: int
    pc: int
    record: ExitRecord | None = None
    text: str = ""
    fields: tuple[tuple[str, int | str], ...] = ()


@dataclass(frozen=True)
class StopReport:
    """``record`` is the exit that the stop is about; None where the guest stands between exits.

    ``breakpoints`` are the numbers that hit here and ``told`` their words; ``first_exit``..``last_exit`` (half open)
    the exits handled since the previous stop; ``traces`` what the traces logged on the way.
    """

    stop: Stop
    cause: Cause
    record: ExitRecord | None = None
    breakpoints: tuple[int, ...] = ()
    changed: tuple[RegisterChange, ...] = ()
    traces: tuple[TraceHit, ...] = ()
    first_exit: int = 0
    last_exit: int = 0
    start_position: int = 0
    told: tuple[str, ...] = ()
    fields: tuple[tuple[str, int | str], ...] = ()
    """What is known of the event that stopped it, beside the record: the names of ``fields.EVENT_FIELDS``."""
    commands: tuple[str, ...] = ()
    """Lines that the breakpoints that hit want carried out; a command line does it."""

    @property
    def held(self) -> bool:
        """Whether the guest stands at an exit of which nothing is done yet."""
        return self.stop.kind is StopKind.HELD

    @property
    def left(self) -> bool:
        """Whether the guest stands between KVM_RUN's return to userspace and the answer: the exit completes when the
        guest runs on."""
        return self.stop.kind is StopKind.LEFT

    @property
    def asked(self) -> UserspaceExit | None:
        """What userspace is asked where the guest is left so; ``Debugger.answer`` takes it, the answer filled in."""
        return self.record.actions[-1].left if self.left and self.record is not None else None

    @property
    def hits(self) -> tuple[Hit, ...]:
        """The accesses that a data breakpoint stopped at."""
        return self.stop.hits

    @property
    def pc(self) -> int:
        """Effective address of the next guest instruction."""
        return self.stop.pc

    @property
    def position(self) -> int:
        """Retired guest instructions."""
        return self.stop.position
