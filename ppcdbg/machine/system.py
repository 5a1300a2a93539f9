"""What every front end drives: a system that runs, with or without a hypervisor model in it.

``machine.machine.Machine`` is the bare one, ``kvm.run.KvmSystem`` the one with a tenant. Both stop for the same
reasons and count the same positions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from ppcdbg.cpu.core import Core
from ppcdbg.cpu.plain import Saved
from ppcdbg.engine.api import Engine, Hit, Pattern, Stops, Watch

if TYPE_CHECKING:
    from ppcdbg.machine.board import Board
    from ppcdbg.machine.description import MachineDescription
    from ppcdbg.machine.input import InputQueue, Moment


class StopKind(Enum):
    """Why a run ended. The values are stable: they stand in JSON summaries."""

    LIMIT = "limit"  # the instruction limit of the request
    BREAKPOINT = "breakpoint"  # about to execute a given address
    EXIT = "exit"  # one exit to the KVM model was handled, and the request asked to stop there
    HELD = "held"  # an exit to the KVM model is about to be handled: nothing of it is done, the next run does it
    LEFT = "left"  # KVM_RUN came back to userspace, and nothing is answered yet: the next run answers and completes it
    RESET = "reset"  # the guest asked the board for a reset: the end of a run
    POWEROFF = "poweroff"
    IDLE = "idle"  # waiting for ever: no timer, no input, no interrupt can come
    STUCK = "stuck"  # interrupts follow each other without an instruction retiring
    CRASH = "crash"  # the KVM model ended the guest (machine check, emulation failure with policy exit, BUG)
    WATCH = "watch"  # an access to watched bytes; ``Stop.hits`` says which
    INTERRUPTED = "interrupted"  # the caller's ``interrupted`` said so


FINAL = frozenset({StopKind.RESET, StopKind.POWEROFF, StopKind.IDLE, StopKind.STUCK, StopKind.CRASH})


@dataclass(frozen=True, slots=True)
class Stop:
    """``detail`` is one plain sentence; ``position`` counts retired instructions; WATCH has ``hits``."""

    kind: StopKind
    position: int
    pc: int
    detail: str = ""
    hits: tuple[Hit, ...] = ()


@dataclass(frozen=True)
class Hold:
    """Exits at which a run may end before anything of them is done. ``when`` is asked at each, with the number; the
    guest then looks as it did when it was interrupted, and must be left so. ``numbers`` None: at every exit."""

    when: Callable[[int], bool]
    numbers: frozenset[int] | None = None


_PLAIN = Stops()


@dataclass(frozen=True)
class Limits:
    """What ends one ``run``. ``position`` is absolute. ``exits``: stop after that many handled exits (0 = never)."""

    position: int
    breakpoints: frozenset[int] = field(default_factory=frozenset)
    exits: int = 0
    interrupted: Callable[[], bool] | None = None
    """Asked between slices of work (several times a second); true ends the run at an exact position."""
    watches: tuple[Watch, ...] = ()
    before_access: bool = False
    """Whether a watch stops before the access, with nothing of its instruction done; see ``engine.api.Stops``."""
    passing: tuple[int, int] | None = None
    """Position and pc of the instruction whose accesses pass: the one that a stop before an access stands at."""
    instructions: tuple[Pattern, ...] = ()
    """Classes of instructions to stop before (BREAKPOINT)."""
    beginning: tuple[int, int] | None = None
    """Position and pc of the instruction that no class holds up: where the guest stands."""
    hold: Hold | None = None
    after_exit: Callable[[], bool] | None = None
    """Asked after each handled exit, with the guest about to go on; true ends the run there (EXIT)."""
    deaf: frozenset[int] = frozenset()
    """Addresses of instructions that no watch stops."""
    leave: Callable[[], bool] | None = None
    """Asked each time that KVM_RUN has come back to userspace, before anybody answers; true ends the run there (LEFT).
    A run that begins there completes the exit, unless it is to go nowhere (``position`` is here, ``exits`` 0)."""

    @property
    def each_exit(self) -> bool:
        """Whether somebody must see each exit as it happens, so that none may be handled in compiled code. Who only
        wants a number of them need not, as long as there are many to come."""
        return self.hold is not None or self.after_exit is not None or self.leave is not None

    def stops(self) -> Stops:
        """What of this is the engine's."""
        if not self.breakpoints and not self.watches and not self.instructions:
            return _PLAIN
        return Stops(
            self.breakpoints, self.watches, self.before_access, self.passing, self.instructions, self.beginning,
            self.deaf,
        )  # fmt: skip


class Visitor(Protocol):
    """Who looks at a running system from time to time: a recorder, a timeline. Where and how often changes nothing."""

    def due(self) -> int:
        """The position at which it wants to be called next; a run calls it there, or soon after."""

    def visit(self) -> None:
        """The guest stands still, its state is exact. The system may be saved, and must not be changed."""

    def wants(self) -> bool:
        """Asked between slices of work (several times a second): whether ``pause`` is to be called at once."""

    def pause(self) -> None:
        """The guest stands still, but not where a run to a position would: the state must not be looked at."""


class System(Protocol):
    """A running guest: the seam between floors 5..6 and everything above."""

    core: Core
    engine: Engine
    board: Board
    input: InputQueue
    ended: Stop | None
    """The final stop, once there was one; running again gives it again."""
    description: MachineDescription | None
    """What it was made from, where one description made it."""
    visitors: list[Visitor]
    visit_at: int
    """Before this position no visitor is due; to be set to 0 by whoever moves in time or becomes a visitor."""

    def run(self, limits: Limits) -> Stop:
        """Run until a limit or a final stop."""

    @property
    def position(self) -> int:
        """Retired guest instructions, emulated ones included."""

    @property
    def steps(self) -> int:
        """Exits to a hypervisor model so far."""

    @property
    def left(self) -> int:
        """Whether it stands between KVM_RUN's return to userspace and the completion, and for the how-manieth return of
        this exit (1 the first); 0: it does not."""

    def complete(self) -> None:
        """Have what was left to userspace answered and completed; until then there is no state to be saved
        (Documentation/virt/kvm/api.rst, KVM_RUN)."""

    def moment(self) -> Moment:
        """Where it stands, finer than the position."""

    def page_reader(self) -> Callable[[], set[int]]:
        """A reader of the pages of RAM that may have been written since it was last asked."""

    def save(self) -> Saved:
        """Its state but RAM, as plain data."""

    def restore(self, state: Saved) -> None:
        """Take what ``save`` gave; the caller has put RAM back."""
