"""Who decides what happens next to a running machine, as a protocol, and the plain answer: the input queue, in order.

Replay and the explorer implement the same protocol above this floor; a machine asks nobody else. Positions are
retired instructions.
"""

from __future__ import annotations

from typing import Protocol

from ppcdbg.machine.input import InputEvent, InputQueue


class Schedule(Protocol):
    """Decides which events reach the machine, and when."""

    def next_position(self) -> int | None:
        """The position at which the machine must ask again; None if nothing more will come."""

    def due(self, position: int) -> list[InputEvent]:
        """The events to apply at ``position``, in order. Called once whenever ``next_position`` is reached."""

    def idle(self, position: int) -> bool:
        """The core waits and no timer can wake it: make the next event due now. False if nothing is left."""


class FifoSchedule:
    """Events happen at the positions they were stamped with, in the order in which they were added."""

    def __init__(self, queue: InputQueue) -> None:
        self.queue = queue

    def next_position(self) -> int | None:
        """See ``Schedule.next_position``."""
        return self.queue.next_position()

    def due(self, position: int) -> list[InputEvent]:
        """See ``Schedule.due``."""
        return self.queue.take(position)

    def idle(self, position: int) -> bool:
        """See ``Schedule.idle``."""
        return self.queue.bring_forward(position)
