"""Real Linux guests on two engines at once: their first two million instructions here, whole with ``make soak``."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppcdbg.kvm.build import build_system
from ppcdbg.machine.description import describe
from ppcdbg.machine.system import Limits, Stop, StopKind

GUESTS = [
    ("linux-e500mc", "none"),
    ("linux-e500v2", "none"),
    ("linux-e500mc", "kvm"),
    ("linux-e500v2", "kvm"),
    ("linux-e500v2-pv", "kvm"),
]
BEGINNING, WHOLE = 2_000_000, 400_000_000


def boot(shared: Path, guest: str, hv: str, position: int) -> Stop:
    folder = shared / "guests" / guest
    options = {
        "cpu": "e500mc" if "mc" in guest else "e500v2",
        "hv": hv,
        "memory": "128M",
        "initrd": str(folder / "initrd.gz"),
        "append": "console=ttyS0,115200",
        "engine": "lockstep",
    }
    return build_system(describe(folder / "vmlinux", options)).run(Limits(position))


@pytest.mark.parametrize(("guest", "hv"), GUESTS)
def test_the_beginning(shared: Path, guest: str, hv: str) -> None:
    stop = boot(shared, guest, hv, BEGINNING)
    assert (stop.kind, stop.position) == (StopKind.LIMIT, BEGINNING)


@pytest.mark.soak
@pytest.mark.parametrize(("guest", "hv"), GUESTS)
def test_the_whole(shared: Path, guest: str, hv: str) -> None:
    assert boot(shared, guest, hv, WHOLE).kind is StopKind.RESET
