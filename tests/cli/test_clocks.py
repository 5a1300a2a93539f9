"""Clocks of the host that jump: the guest does not see it, and nobody waits for an hour."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ppcdbg.cli.stat import sampled
from ppcdbg.machine.system import Limits
from ppcdbg.repl.guestconsole import GuestConsole
from ppcdbg.session.pace import steady
from ppcdbg.session.recorder import Recorder
from ppcdbg.session.store import Store
from ppcdbg.session.timeline import Timeline
from ppcdbg.session.writes import Threaded
from tests.cli.conftest import ROOT, Cli
from tests.session.systems import comes_again, demo, everything, make

HOUR = 3600.0
JUMPING = """
import random, sys, time
chance = random.Random(9)
def jumping(clock, back):
    offset = [0.0]
    def read():
        if chance.random() < 0.05:
            offset[0] += chance.choice([3600.0, 0.5, -3600.0 if back else 60.0])
        return clock() + offset[0]
    return read
back = sys.argv.pop(1) == "back"
time.time = jumping(time.time, True)
if back:
    time.monotonic, time.perf_counter = jumping(time.monotonic, True), jumping(time.perf_counter, True)
from ppcdbg.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


class Jumping:
    """A clock on which a look takes ten milliseconds, and which then jumps."""

    def __init__(self, *jumps: float) -> None:
        self.now, self.jumps, self.looks = 10_000.0, [*jumps], 0

    def __call__(self) -> float:
        self.looks += 1
        self.now += 0.01
        if self.looks % 7 == 0 and self.jumps:
            self.now += self.jumps.pop(0)
        return self.now


def test_a_steady_clock_does_not_go_back() -> None:
    clock = steady(Jumping(-HOUR, HOUR, -HOUR, -1.0, 0.5))
    seen = [clock() for _ in range(60)]
    assert seen == sorted(seen) and seen[-1] - seen[0] == pytest.approx(HOUR + 0.5 + 59 * 0.01, abs=0.1)


def test_a_recording_is_committed_all_the_time(tmp_path: Path) -> None:
    """After a clock had gone back an hour nothing was committed for an hour."""
    path = tmp_path / "a.ppcdbg"
    store = Store.new(path)
    from ppcdbg.session.machines import write_machine

    machine = demo("e500v2", "kvm", "llvm")
    write_machine(store, machine)
    system = make(machine)
    clock = Jumping(-HOUR, HOUR, -HOUR, -5.0, HOUR, HOUR, -HOUR, -HOUR)
    recorder, lost = Recorder(system, Threaded(store), 500, clock), []
    for position in range(1_000, 36_000, 1_000):
        clock.now += 0.2
        system.run(Limits(position))
        store.settle()
        lost.append(position - (recorder.kept or 0))
    assert not clock.jumps and max(lost) <= 4_000, lost
    recorder.finish()
    store.close()
    comes_again(path, 35_000)


def test_a_guest_under_a_history_sees_no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    alone, system = make(demo("e500v2", "kvm", "llvm")), make(demo("e500v2", "kvm", "llvm"))
    alone.run(Limits(1 << 40))
    monkeypatch.setattr("ppcdbg.session.timeline.FIRST", 1_000)
    clock = Jumping(*[-HOUR, HOUR] * 5, -HOUR)
    timeline = Timeline(system, clock=clock)
    for position in range(1_000, 36_000, 1_000):
        clock.now += 0.05
        system.run(Limits(position))
    system.run(Limits(1 << 40))
    assert everything(system) == everything(alone) and len(timeline.checkpoints) > 10 and not clock.jumps
    timeline.seek(20_000)
    assert system.position == 20_000


def test_stat_looks_again_after_its_clock_went_back(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, looks = Jumping(*[-HOUR] * 3), list[int]()
    monkeypatch.setattr("ppcdbg.cli.stat.steady", lambda: steady(clock))
    monkeypatch.setattr("ppcdbg.cli.stat.LOOK", 100)
    system = make(demo("e500v2", "kvm", "llvm"))
    sampled(system, 1 << 40, None, 0.2, lambda: looks.append(system.position))
    assert system.position == 36_493 and len(looks) >= 8, looks


def test_a_prompt_of_the_guest_is_shown_after_a_clock_went_back() -> None:
    shown: list[str] = []
    console = GuestConsole(lambda text, _: shown.append(text), Jumping(-HOUR, -HOUR))
    console(b"login: ", 1)
    for _ in range(60):
        console.pause()
    assert shown == ["login: "]


@pytest.mark.parametrize(
    "arguments",
    [
        ("back", "record", "demo", "-o", "FILE"),
        ("back", "repl", "demo", "-n", "-c", "continue", "-c", "reverse-stepi 5", "-c", "seek 20000", "-c", "continue"),
        ("back", "stat", "demo", "-1"),
        ("wall", "demo", "--snapshot", "SCREEN", "-c", "continue"),
    ],
    ids=lambda arguments: arguments[1],
)
def test_every_door_with_clocks_that_jump(arguments: tuple[str, ...], tmp_path: Path, cli: Cli) -> None:
    """All clocks of the process, both ways; in the UI, whose toolkit waits by the monotonic one, the other."""
    named = {"FILE": tmp_path / "a.ppcdbg", "SCREEN": tmp_path / "s.txt"}
    given = [str(named.get(each, each)) for each in arguments]
    done = subprocess.run([sys.executable, "-c", JUMPING, *given], capture_output=True, text=True, timeout=100,
                          cwd=ROOT, check=False)  # fmt: skip
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    if named["FILE"].exists():
        assert "36,493 instructions, " in cli("session", "verify", named["FILE"]).err
    if named["SCREEN"].exists():
        assert "36,493 instructions" in named["SCREEN"].read_text()
