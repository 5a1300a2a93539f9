"""Guests that mean harm, on both cores, with KVM and without: they go on, the user is looked at often, memory stays."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ppcdbg.kvm import log
from ppcdbg.kvm.build import build_system
from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.system import Limits, StopKind, System
from tests.hostile.guests import ENTRY, GUESTS, image

SLOWEST = 0.8
"""Seconds of processor time between two looks at the user, on a busy host. A console flood on the bare machine needs
0.4 for as many instructions as otherwise take some milliseconds; the other guests 0.2 at most."""
MEBIBYTE = 1 << 20


def made(folder: Path, name: str, cpu: str, hv: str) -> System:
    path = folder / "guest.bin"
    path.write_bytes(image(name))
    return build_system(MachineDescription(kernel=path, cpu=cpu, hv=hv, load=ENTRY, memory=64 << 20))


def used() -> int:
    """Bytes of memory that this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def run_for(system: System, seconds: float) -> float:
    """Run for some processor time; the longest time between two looks at the user."""
    begin = last = time.process_time()
    worst = 0.0

    def asked() -> bool:
        nonlocal last, worst
        now = time.process_time()
        worst, last = max(worst, now - last), now
        return now - begin > seconds

    stop = system.run(Limits(1 << 60, interrupted=asked))
    assert stop.kind is StopKind.INTERRUPTED, stop
    return worst


@pytest.mark.parametrize("hv", ["kvm", "none"])
@pytest.mark.parametrize("name", GUESTS)
def test_a_hostile_guest_goes_on_and_the_user_is_looked_at(name: str, hv: str, tmp_path: Path) -> None:
    cpu = "e500v2" if hv == "kvm" else "e500mc"
    system = made(tmp_path, name, cpu, hv)
    assert run_for(system, 0.3) < SLOWEST
    console = system.board.console
    assert len(console.output) == len(console.positions)


def test_memory_stays_while_exits_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With little room at hand: what grows is not the log."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(log, "AT_HAND", 1 << 10)
    system = made(tmp_path, "endless TLB misses", "e500v2", "kvm")
    system.run(Limits(20_000))
    before, exits = used(), system.steps
    system.run(Limits(150_000))
    assert system.steps - exits > 60_000
    assert used() - before < 8 * MEBIBYTE


def test_memory_stays_while_the_console_is_flooded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A character with its position was 9 bytes for ever, and 18 once somebody had gone back in time."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    system = made(tmp_path, "console flood", "e500mc", "none")
    console = system.board.console
    while len(console.output) < 100_000:
        system.run(Limits(system.position + 200_000))
    before, printed = used(), len(console.output)
    while len(console.output) < printed + 1_000_000:
        system.run(Limits(system.position + 2_000_000))
    console.restore({"length": 10})
    console.restore({"length": printed + 1_000_000})
    assert used() - before < 4 * MEBIBYTE


@pytest.mark.soak
@pytest.mark.parametrize("cpu", ["e500v2", "e500mc"])
@pytest.mark.parametrize("hv", ["kvm", "none"])
@pytest.mark.parametrize("name", GUESTS)
def test_a_hostile_guest_for_long(
    name: str, hv: str, cpu: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figure: Callable[[str, str], None]
) -> None:
    """Two minutes of processor time each; after the first quarter, when all that is kept at hand is there, memory grows
    no more."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(log, "AT_HAND", 1 << 14)
    system = made(tmp_path, name, cpu, hv)
    worst = run_for(system, 30)
    before = used()
    worst = max(worst, run_for(system, 90))
    grown = used() - before
    more = max(grown, 0) // MEBIBYTE
    figure("hostile", f"{name}, {cpu}, hv {hv}: {system.position:,} instructions, {system.steps:,} exits, "
                      f"{len(system.board.console.output):,} characters, memory "
                      f"grown by {more} MiB, longest without a look {worst * 1000:.0f} ms")  # fmt: skip
    assert worst < SLOWEST
    assert grown < 32 * MEBIBYTE
