"""Who looks at a running system changes nothing of it, and is called where it wants to be, however impatient it is."""

from __future__ import annotations

import pytest

from ppcdbg.machine.system import Limits, StopKind, System
from tests.session.systems import demo, make


class Impatient:
    """Wants to be called every thousand instructions, and to be heard at every third slice besides."""

    def __init__(self, system: System) -> None:
        self.system, self.visits, self.pauses, self.next, self.asked = system, list[int](), 0, 1000, 0

    def due(self) -> int:
        return self.next

    def visit(self) -> None:
        self.visits.append(self.system.position)
        self.next = self.system.position + 1000

    def wants(self) -> bool:
        self.asked += 1
        return self.asked % 3 == 0

    def pause(self) -> None:
        self.pauses += 1


@pytest.mark.parametrize("hv", ["kvm", "none"])
def test_an_impatient_visitor_is_called_in_time_and_passes_no_breakpoint(hv: str) -> None:
    """It once came an instruction late where a slice ended on its place, and a breakpoint there was passed."""
    ends = []
    for visited in (False, True):
        system = make(demo("e500v2", hv, "llvm"))
        system.slice = 100  # type: ignore[attr-defined]
        visitor = Impatient(system)
        if visited:
            system.visitors.append(visitor)
        stops: list[tuple[int, int]] = []
        while len(stops) < 40:
            pc = system.core.state.pc
            stop = system.run(Limits(system.position + 333))
            stops.append((stop.position, stop.pc))
            places = frozenset({stop.pc, pc})
            stop = system.run(Limits(stop.position + 200, places, interrupted=lambda: False))
            stops.append((stop.position, stop.pc))
        ends.append(stops)
        if visited:
            assert visitor.visits == list(range(1000, visitor.visits[-1] + 1, 1000)) and visitor.pauses
            assert stop.kind in (StopKind.LIMIT, StopKind.BREAKPOINT)
    assert ends[0] == ends[1]
