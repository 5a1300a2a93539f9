"""The breakpoints and watchpoints that gdb has put in: what Z and z packets ask for, each under its kind and address.

They are gdb's, not the user's: they come and go around every resume, have no numbers and stay out of ``info
breakpoints``; the debugger's runner asks about them in every run (``ClientStops``). Conditions come as bytecode
(:mod:`ppcdbg.gdbstub.agent`). Guest memory is never altered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from ppcdbg.engine.api import Hit, Watch, WatchKind
from ppcdbg.gdbstub import agent
from ppcdbg.gdbstub.agent import AgentError, Target


class Kind(IntEnum):
    """The digit behind Z."""

    SOFTWARE = 0
    HARDWARE = 1
    WRITE = 2
    READ = 3
    ACCESS = 4


CODE = (Kind.SOFTWARE, Kind.HARDWARE)
_WATCHES = {Kind.WRITE: WatchKind.WRITE, Kind.READ: WatchKind.READ, Kind.ACCESS: WatchKind.ACCESS}
MOST = 10_000


@dataclass(frozen=True)
class Point:
    """One of them. ``length`` is the bytes watched, or the size of an instruction. Any true condition suffices."""

    kind: Kind
    address: int
    length: int
    conditions: tuple[bytes, ...] = ()
    commands: tuple[bytes, ...] = ()


class Points:
    """All that is put in. Putting in twice, or taking out what is not there, is no error (gdb does both)."""

    def __init__(self, target: Target, say: Callable[[str], None]) -> None:
        self._target = target
        self._say = say
        self._all: dict[tuple[Kind, int, int], Point] = {}
        self._places: frozenset[int] | None = None
        self._watches: dict[Watch, Point] = {}
        self.silent = False
        """Commands are not carried out: the past is searched."""
        self.touch: tuple[Point, int] | None = None
        """The watchpoint that stopped the guest last, and the watched address that was touched."""

    def __len__(self) -> int:
        return len(self._all)

    def insert(self, point: Point) -> None:
        """A second one of the same kind, address and length replaces the first, conditions and all."""
        self._all[_key(point.kind, point.address, point.length)] = point
        self._places = None

    def remove(self, kind: Kind, address: int, length: int) -> None:
        self._all.pop(_key(kind, address, length), None)
        self._places = None

    def clear(self) -> None:
        self._all.clear()
        self._places = None

    def at(self, address: int) -> tuple[Point, ...]:
        """Those on an instruction."""
        return tuple(p for kind in CODE if (p := self._all.get(_key(kind, address, 0))) is not None)

    # --- what the runner asks (ClientStops) ---------------------------------------------------------------------------
    def _index(self) -> frozenset[int]:
        if self._places is None:
            every = self._all.values()
            self._places = frozenset(p.address for p in every if p.kind in CODE)
            self._watches = {Watch(_WATCHES[p.kind], p.address, p.length): p for p in every if p.kind not in CODE}
        return self._places

    @property
    def places(self) -> frozenset[int]:
        return self._index()

    @property
    def watches(self) -> tuple[Watch, ...]:
        self._index()
        return tuple(self._watches)

    @property
    def empty(self) -> bool:
        return not self._all

    def arrived(self, pc: int) -> bool:
        """Whether any of those on an instruction stops the guest there; its commands are carried out."""
        stops = False
        for point in self.at(pc):
            if not self._holds(point):
                continue
            for code in () if self.silent else point.commands:
                self._carry_out(code)
            stops = stops or not point.commands
        return stops

    def touched(self, hit: Hit) -> bool:
        """Whether a watchpoint stops the guest at an access."""
        point = self._watches[hit.watch]
        if not self._holds(point):
            return False
        self.touch = point, hit.address
        return True

    def _holds(self, point: Point) -> bool:
        if not point.conditions:
            return True
        try:
            return any(agent.evaluate(code, self._target) for code in point.conditions)
        except AgentError:
            return True  # gdb evaluates it again and says what is wrong

    def _carry_out(self, code: bytes) -> None:
        try:
            self._say(agent.command(code, self._target))
        except AgentError as error:
            self._say(f"{error}\n")


def _key(kind: Kind, address: int, length: int) -> tuple[Kind, int, int]:
    """The size of an instruction tells nothing apart; that of a watched range does."""
    return kind, address, 0 if kind in CODE else length
