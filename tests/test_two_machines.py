"""Two machines in one process, run turn by turn, each as if it were alone."""

from __future__ import annotations

import pytest

from ppcdbg.kvm.build import build_system
from ppcdbg.machine.description import describe
from ppcdbg.machine.system import Limits, StopKind, System
from tests.guests.expected import IMAGE, console

TURN = 997


def system(cpu: str, hv: str) -> System:
    return build_system(describe(IMAGE, {"cpu": cpu, "hv": hv}))


def exits(of: System) -> list[object]:
    kvm = getattr(of, "kvm", None)
    return [] if kvm is None else list(kvm.exits)


@pytest.mark.parametrize("second", [("e500v2", "kvm"), ("e500mc", "kvm"), ("e500mc", "none")])
def test_they_do_not_disturb_each_other(second: tuple[str, str]) -> None:
    kinds = [("e500v2", "kvm"), second]
    alone = [system(*kind) for kind in kinds]
    for one in alone:
        assert one.run(Limits(1 << 40)).kind is StopKind.RESET
    together = [system(*kind) for kind in kinds]
    while any(one.ended is None for one in together):
        for one in together:
            one.run(Limits(one.position + TURN))
    for kind, one, other in zip(kinds, alone, together, strict=True):
        assert other.board.console.text == console(*kind)
        assert (one.position, one.core.now) == (other.position, other.core.now)
        assert one.core.state.gpr[:] == other.core.state.gpr[:]
        assert bytes(one.board.bus.ram) == bytes(other.board.bus.ram)
        assert exits(one) == exits(other)
