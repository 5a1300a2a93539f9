"""What the screen asks for and what it gets: frozen values that cross from the screen to the worker and back.

The screen never reads the debugger. It says which rows of which panes are visible (:class:`Ask`); whoever owns the
debugger draws them at one instant (:class:`Scene`). Read next: :mod:`ppcdbg.tui.worker`, :mod:`ppcdbg.tui.source`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from ppcdbg.views.completion import Candidates
from ppcdbg.views.spans import Line, Span


@dataclass(frozen=True, slots=True)
class Need:
    """What one visible pane needs. ``top`` is the first visible row, None for wherever the interesting row is.

    ``view`` is which of its pane's ways to show things is chosen, ``order`` by which column a table is sorted."""

    width: int
    height: int
    top: int | None = None
    view: str = ""
    order: int = 0


@dataclass(frozen=True, slots=True)
class Follow:
    """What Enter or a click on a row leads to. ``kind``: ``exit`` (a number), ``code`` or ``memory`` (an effective
    address), ``address`` (one of these two), ``command`` (the line ``name``),
    ``row`` (of the pane ``name``), ``pane`` (``name``)."""

    kind: str
    value: int = 0
    name: str = ""


@dataclass(frozen=True)
class Ask:
    """``row`` selects a row of the exits list, None follows the newest; ``keep`` selects an exit by its number."""

    needs: Mapping[str, Need] = field(default_factory=dict)
    width: int = 80
    row: int | None = None
    keep: int | None = None
    filter: str = ""


@dataclass(frozen=True, slots=True)
class Scale:
    """Columns of a pane that are the run: ``parts`` of them from ``column`` on, positions ``first`` to ``end``."""

    column: int
    parts: int
    first: int
    end: int
    now: int

    def position(self, part: int) -> int:
        """Where a part begins, the ends of the run beyond them."""
        return self.first + (self.end - self.first) * max(0, min(part, self.parts)) // max(1, self.parts)

    def beside(self, step: int) -> int:
        """The position one part later (1) or earlier (-1)."""
        part = max(1, (self.end - self.first) // max(1, self.parts))
        return max(self.first, min(self.now + step * part, self.end))


@dataclass(frozen=True)
class Filled:
    """The rows of one pane. ``rows[0]`` is row ``first`` of ``total``; ``marks`` says what each row stands for.

    ``cursor`` is the row to keep in sight (the selected exit, the instruction at pc); None where there is none.
    ``head`` names the columns and stays above the rows. ``tail``: where there is no cursor, the last rows are the
    interesting ones. ``endless``: the rows are places in an address space, so a scroll bar would say nothing.
    ``ahead``: rows behind the cursor that are to be seen too. ``partial``: there is more to come, though nothing runs.
    ``follow`` says for each row where Enter leads; () where nowhere. ``scale``: what columns mean in time.
    ``gutter``: a click on so many columns at the left sets a breakpoint. ``past``: for each row the command that tells
    its history, or "".
    """

    rows: tuple[Line, ...]
    title: str
    note: Line = ()
    first: int = 0
    total: int = 0
    marks: tuple[int | None, ...] = ()
    cursor: int | None = None
    head: Line = ()
    tail: bool = False
    endless: bool = False
    follow: tuple[Follow | None, ...] = ()
    partial: bool = False
    ahead: int = 0
    scale: Scale | None = None
    gutter: int = 0
    past: tuple[str, ...] = ()


@dataclass(frozen=True)
class Timeline:
    """``bars``: heights 0..8, oldest first; ``here`` is the bar of the selected exit; ``end`` the last position."""

    bars: tuple[int, ...] = ()
    here: int | None = None
    note: Line = ()
    end: int = 0

    def position(self, bar: int) -> int:
        """Where the part of a bar begins."""
        return Scale(0, len(self.bars), 0, self.end, 0).position(bar)


@dataclass(frozen=True)
class Scene:
    """One instant. ``ask`` is what it answers; ``selected`` the number of the exit that story and details are about."""

    ask: Ask
    status: Line
    story: tuple[Span, ...]
    timeline: Timeline
    panes: Mapping[str, Filled]
    selected: int | None = None
    running: bool = False
    pc: int = 0
    partial: bool = False
    """More of it is to come though nothing runs: a filter is still looking through a long list, or the guest has yet
    to be brought to the selected exit. Panes that wait for that are missing from ``panes``."""


class Move(Enum):
    """The ways to let the guest run."""

    CONTINUE = "continue"
    STEP = "step"
    NEXT = "next"
    EXIT = "exit"
    BACK = "back"
    BACK_STEP = "back-step"
    BACK_NEXT = "back-next"


@dataclass(frozen=True)
class Reply:
    """What a command says; ``failed`` when it could not be done."""

    rows: tuple[Line, ...] = ()
    failed: bool = False
    leave: bool = False
    moved: bool = False
    """The guest stands elsewhere than before: the cursors follow it."""
    show: str = ""
    """A pane that is to be shown, and in which of its views, where that is said."""
    view: str = ""
    layout: tuple[str, str] | None = None
    """What is to be done with layouts, and with which."""


@dataclass(frozen=True)
class Command:
    """One command of the command line, for the palette and completion."""

    name: str
    usage: str
    summary: str


Pulse = Callable[[Line], bool]
"""Told now and then how far a long drawing is; true when its scene is not wanted any more."""


def no_pulse(progress: Line) -> bool:
    """Nobody is told, and the scene is wanted."""
    return False


class Source(Protocol):
    """The debugger as the screen's worker sees it. One thread calls everything but ``interrupt``."""

    @property
    def desktop(self) -> str:
        """The layout that suits what there is to see."""

    def draw(self, ask: Ask, running: bool, pulse: Pulse = no_pulse) -> Scene:
        """The scene now. Raises PpcdbgError for a filter that cannot be understood."""

    def move(self, move: Move, between: Callable[[], None]) -> Reply:
        """Let the guest run until it stops; ``between`` is called while it pauses at an exact position."""

    def execute(self, line: str, between: Callable[[], None]) -> Reply:
        """Carry out a command line; ``between`` as in ``move``."""

    def interrupt(self) -> None:
        """Make a run return soon. The only method for any thread."""

    def check_filter(self, text: str) -> None:
        """Raises PpcdbgError when the text is no condition on exits."""

    def same_kind(self, number: int | None, step: int) -> int | None:
        """The nearest exit before or after the given one that has its name; None when there is none."""

    def is_code(self, address: int) -> bool:
        """Whether an effective address is better shown as instructions than as memory."""

    def find(self, pane: str, need: Need, text: str, row: int, step: int) -> int | None:
        """The row of a pane after (1) or before (-1) one that holds a text; None where none does."""

    def toggle_breakpoint(self, address: int) -> Reply:
        """Set a breakpoint at an effective address, or delete the one there."""

    def switch_breakpoint(self, number: int) -> Reply:
        """Let a breakpoint act, or pass over it from now on."""

    def type(self, text: str) -> Reply:
        """Type a text at the guest's console; it arrives when the guest runs on."""

    def complete(self, text: str) -> Candidates:
        """What a command line may become: from which column on, and the candidates for what stands there."""

    def commands(self) -> tuple[Command, ...]:
        """Every command."""

    def called_for(self, pane: str) -> None:
        """The user called for a pane by its key."""

    def know_layouts(self, names: tuple[str, ...]) -> None:
        """The layouts there are, for completion."""
