"""What any process needs to do its part of a search, and how it comes to stand where the search begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ppcdbg.errors import Interrupted, UsageError
from ppcdbg.explore.conditions import Bounds, conditions
from ppcdbg.explore.search import STOPPED, Asked, Search
from ppcdbg.explore.strategies import Plan
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.input import InputKind
from ppcdbg.machine.system import FINAL, Limits
from ppcdbg.session.systems import open_system


@dataclass(frozen=True, slots=True)
class Change:
    """Something that is done to the guest from outside, through its input queue."""

    kind: InputKind
    target: int = 0
    value: int = 0
    data: bytes = b""
    name: str = ""


@dataclass(frozen=True)
class Task:
    """``start``: the position at which the search begins, with ``changes`` made there."""

    machine: MachineDescription
    start: int
    plan: Plan
    bounds: Bounds = Bounds()
    own: tuple[str, ...] = ()
    """Conditions of the user's, ``MODULE:CLASS``."""
    changes: tuple[Change, ...] = ()

    def begin(self, asked: Asked | None = None) -> Search:
        """See :func:`begin`."""
        return begin(self.machine, self.start, self.bounds, self.own, self.changes, asked)


def begin(
    machine: MachineDescription, start: int, bounds: Bounds, own: tuple[str, ...] = (),
    changes: Sequence[Change] = (), asked: Asked | None = None,
) -> Search:  # fmt: skip
    """A guest that stands at a position, ready to be searched. Raises UsageError where that cannot be, and
    Interrupted."""
    system = open_system(machine)
    if not isinstance(system, KvmSystem):
        raise UsageError("races are between a guest and KVM; leave out --hv none")
    if start:
        stop = system.run(Limits(start, interrupted=asked))
        if stop.kind in FINAL:
            raise UsageError(f"the guest ends at position {stop.position:,}, before --from {start:,}: {stop.detail}")
        if stop.position < start:
            raise Interrupted(STOPPED)
    make(system, changes)
    return Search(system, conditions(own), bounds, asked)


def make(system: KvmSystem, changes: Sequence[Change]) -> None:
    """Make changes now."""
    for change in changes:
        system.input.add(change.kind, target=change.target, value=change.value, data=change.data, name=change.name)
    if changes:
        system.run(Limits(system.position))
