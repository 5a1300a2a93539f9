"""What became of a schedule: facts only, as data that crosses processes. What of it is wrong is for conditions to say.

Positions are retired instructions. An interrupt is *enabled* while its MSR bit is set, and *deliverable* while it is
enabled and no critical section holds it: then only the next exit is wanting.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ppcdbg.explore.schedule import Schedule


class End(Enum):
    """Why a schedule was followed no further. The values are stable: they stand in JSON."""

    DONE = "done"  # every interrupt was delivered, and what it interrupted goes on
    STUCK = "stuck"  # one waits for ever: the guest goes round in a circle that no exit leaves
    UNTIL = "until"  # one was deliverable, and waited until an exit for another reason
    QUIET = "quiet"  # one is deliverable, and no exit came until the bound
    BOUND = "bound"  # nothing was decided until the bound
    ENDED = "ended"  # the guest itself came to an end


@dataclass(frozen=True, slots=True)
class Fate:
    """One interrupt of a schedule, from where it came. ``section``: it came in a critical section.

    ``delivered`` at which position, with ``interrupted`` the pc that was saved; ``inside`` in a critical section;
    ``times`` so often. ``enabled`` and ``deliverable``: since when, up to the delivery or to the end. ``refused``: KVM
    never had it pending, ``dropped``: it had, and neither delivered it nor did the guest withdraw it. ``returned``: the
    handler came back; ``changed`` names the registers that were then other than before.
    """

    position: int
    pc: int
    section: bool
    delivered: int | None = None
    interrupted: int = 0
    inside: bool = False
    times: int = 0
    enabled: int | None = None
    deliverable: int | None = None
    overlooked: int | None = None
    """Where it first was deliverable and the guest went on without an exit for it."""
    refused: bool = False
    dropped: bool = False
    returned: bool = False
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """``position`` is where it was decided, ``detail`` one plain sentence."""

    schedule: Schedule
    fates: tuple[Fate, ...]
    end: End
    position: int
    detail: str = ""
    spoiled: tuple[str, ...] = ()
    """Registers that the section of the site left other than it found them, on the way that this schedule took; ``msr``
    where it is not what the undisturbed section makes of it."""
    stale: int | None = None
    """Where ``int_pending`` first was not what is pending, at an entry into the guest."""

    def waited(self, fate: Fate) -> int:
        """Instructions that an interrupt waited though the guest had it enabled, a section's included."""
        if fate.enabled is None:
            return 0
        return (self.position if fate.delivered is None else fate.delivered) - fate.enabled

    def overdue(self, fate: Fate) -> int:
        """Instructions that it waited from where it was overlooked, whatever held it afterwards."""
        if fate.overlooked is None:
            return 0
        return (self.position if fate.delivered is None else fate.delivered) - fate.overlooked
