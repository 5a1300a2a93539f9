"""Where in time somebody stands: keys of moments, and their order.

A key is a position and how many exits were handled before. A guest that stands in the middle of an exit, held before
its handler or left to userspace and not answered, has one of its own, behind that of before the exit.
"""

from __future__ import annotations

from collections.abc import Callable

from ppcdbg.machine.system import Hold, Limits, Stop, StopKind, System

Key = tuple[int, int]
"""Position, and exits handled before."""
Asked = Callable[[], bool]
HELD = 1
"""The phase of an exit of which nothing is done yet"""


class MidKey(tuple[int, int]):
    """The key of a guest in the middle of the exit at hand. ``phase``: ``HELD``, or behind it the how-manieth return of
    KVM_RUN it is that nobody has answered."""

    phase: int

    def __new__(cls, position: int, exits: int, phase: int) -> MidKey:
        made = super().__new__(cls, (position, exits))
        made.phase = phase
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, tuple) and _order(self) == _order(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(_order(self))

    def __lt__(self, other: tuple[int, ...]) -> bool:
        return _order(self) < _order(other)

    def __le__(self, other: tuple[int, ...]) -> bool:
        return _order(self) <= _order(other)

    def __gt__(self, other: tuple[int, ...]) -> bool:
        return _order(self) > _order(other)

    def __ge__(self, other: tuple[int, ...]) -> bool:
        return _order(self) >= _order(other)


def _order(key: tuple[int, ...]) -> tuple[int, ...]:
    return *key, key.phase if isinstance(key, MidKey) else 0


def key_of(system: System) -> Key:
    """Where a system stands."""
    position, exits = system.position, system.steps
    if system.left:
        return MidKey(position, exits, HELD + system.left)
    return MidKey(position, exits, HELD) if getattr(system, "held", None) is not None else (position, exits)


def go_into(system: System, key: MidKey, seek_exit: Callable[[int, Asked | None], Stop], asked: Asked | None) -> Stop:
    """Be in the middle of an exit where somebody was; ``seek_exit`` goes to where so many exits have been handled."""
    if key_of(system) == key:
        kind = StopKind.HELD if key.phase == HELD else StopKind.LEFT
        return Stop(kind, system.position, system.core.state.pc)
    stop = seek_exit(key[1], asked)
    if system.steps != key[1] or system.ended is not None:
        return stop
    if key.phase == HELD:
        return system.run(Limits(1 << 62, interrupted=asked, hold=Hold(lambda number: True)))
    wanted = key.phase - HELD
    return system.run(Limits(1 << 62, exits=1, leave=lambda: system.left == wanted, interrupted=asked))
