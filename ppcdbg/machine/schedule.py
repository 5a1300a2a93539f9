"""Who decides what happens next to a running machine, as a protocol, and the plain answer: the input queue, in order.

Replay and the explorer implement the same protocol above this floor; a machine asks nobody else. Positions are
retired instructions.
"""

from __future__ import annotations

from typing import Protocol

from ppcdbg.machine.input import InputEvent, InputQueue, Moment


class Schedule(Protocol):
    """Decides which events reach the machine, and when."""

    def next_position(self) -> int | None:
        """The position at which the machine must ask again; None if nothing more will come."""

    def next_pc(self) -> int | None:
        """The pc at which it must ask again once it has reached that position; None for any."""

    def ready(self, moment: Moment) -> bool:
        """Whether ``due`` would give anything now."""

    def due(self, position: int, moment: Moment | None = None) -> list[InputEvent]:
        """The events to apply at ``position``, in order; without a moment every one of that position. Called whenever
        ``next_position`` is reached, and again while it is not passed."""

    def idle(self, position: int) -> bool:
        """The core waits and no timer can wake it: make the next event due now. False if nothing is left."""


class FifoSchedule:
    """Events happen at the positions they were stamped with, in the order in which they were added."""

    def __init__(self, queue: InputQueue) -> None:
        self.queue = queue

    def next_position(self) -> int | None:
        """See ``Schedule.next_position``."""
        return self.queue.next_position()

    def next_pc(self) -> int | None:
        """See ``Schedule.next_pc``."""
        return self.queue.next_pc()

    def ready(self, moment: Moment) -> bool:
        """See ``Schedule.ready``."""
        return self.queue.ready(moment.position, moment)

    def due(self, position: int, moment: Moment | None = None) -> list[InputEvent]:
        """See ``Schedule.due``."""
        return self.queue.take(position, moment)

    def idle(self, position: int) -> bool:
        """See ``Schedule.idle``."""
        return self.queue.bring_forward(position)
