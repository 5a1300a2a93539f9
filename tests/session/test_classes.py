"""Recordings of every class of interrupt and every way back, of code that changes itself, and of idling."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from pathlib import Path

import pytest

from ppcdbg.cpu.msr import TSR_DIS, TSR_ENW, TSR_WIS
from ppcdbg.debugger.symbols import read_symbols
from ppcdbg.kvm.codes import KVM_INTERRUPT_SET
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.description import MachineDescription, describe
from ppcdbg.machine.input import InputKind
from ppcdbg.machine.system import Limits, StopKind, System
from ppcdbg.session.machines import read_machine, write_machine
from ppcdbg.session.recorder import Recorder
from ppcdbg.session.replay import verify
from ppcdbg.session.store import Store
from ppcdbg.session.timeline import Timeline
from ppcdbg.session.writes import Threaded
from tests.guests.expected import CLASSES
from tests.session.systems import DEMOS, everything, make

SYNCHRONOUS = {"IVOR2": 1, "IVOR3": 1, "IVOR5": 1, "IVOR6": 3, "IVOR8": 1, "IVOR13": 1, "IVOR14": 1, "IVOR15": 7}
OF_CORE = {"e500v2": {"IVOR32": 1, "IVOR33": 1}, "e500mc": {"IVOR7": 1}}
# Each comes once from the guest's own doing and twice from outside, as ``come`` has it.
BARE = {"IVOR0": 2, "IVOR1": 2, "IVOR4": 3, "IVOR10": 4, "IVOR11": 1, "IVOR12": 1}
KVM = {"IVOR4": 3, "IVOR10": 6, "IVOR12": 2}
MORE = {
    ("e500v2", "none"): {}, ("e500v2", "kvm"): {},
    ("e500mc", "none"): {"IVOR36": 1, "IVOR37": 1},
    ("e500mc", "kvm"): {"IVOR36": 2},  # dbell2prio() is given the number of RB, not what is in it: all are of type 0
}  # fmt: skip


def guest(cpu: str, hv: str, engine: str) -> MachineDescription:
    return describe(CLASSES, {"cpu": cpu, "hv": hv, "engine": engine, "memory": "32M"})


def listening(cpu: str, hv: str) -> int:
    """The position from which the guest listens."""
    system = make(guest(cpu, hv, "llvm"))
    at = read_symbols(CLASSES).address("listen")
    assert at is not None
    return system.run(Limits(1 << 40, breakpoints=frozenset({at}))).position


def come(system: System, first: int) -> None:
    """Everything that can come from outside comes twice. A pin goes up for one instruction: once into its handler."""
    for at in (first + 40, first + 2_077):
        if isinstance(system, KvmSystem):
            system.input.add(InputKind.KVM, name="interrupt", value=KVM_INTERRUPT_SET, position=at)
            system.input.add(InputKind.KVM, name="or-tsr", value=TSR_DIS, position=at + 500)
            system.input.add(InputKind.KVM, name="or-tsr", value=TSR_ENW | TSR_WIS, position=at + 1_000)
        else:
            for pin in range(3):
                for level in (1, 0):
                    position = at + 500 * pin + 1 - level
                    system.input.add(InputKind.CORE_LINE, target=pin, value=level, position=position)


def counted(console: str) -> dict[str, int]:
    return {name: int(count) for name, count in re.findall(r"(IVOR\d+): (\d+)", console)}


@pytest.mark.parametrize(("cpu", "hv"), DEMOS)
@pytest.mark.parametrize("recorded_on", ["reference", "llvm"])
def test_every_class_of_interrupt_is_recorded_and_replays(tmp_path: Path, cpu: str, hv: str, recorded_on: str) -> None:
    path = tmp_path / "a.ppcdbg"
    store = Store.new(path)
    machine = guest(cpu, hv, recorded_on)
    write_machine(store, machine)
    system = make(machine)
    recorder = Recorder(system, Threaded(store), 1_000)
    come(system, listening(cpu, hv))
    system.run(Limits(1 << 40))
    recorder.finish()
    store.close()
    assert system.ended is not None and system.ended.kind is StopKind.RESET
    outside = BARE if hv == "none" else KVM
    assert counted(system.board.console.text) == SYNCHRONOUS | OF_CORE[cpu] | outside | MORE[cpu, hv]
    assert "made 00000110" in system.board.console.text
    for engine in ("reference", "llvm"):
        store = Store.open(path)
        found = verify(store, replace(read_machine(store), engine=engine))
        store.close()
        assert found.complete, str(found.divergence)
        assert found.marks > 30


@pytest.mark.parametrize(("cpu", "hv"), DEMOS)
def test_every_class_of_interrupt_comes_again_wherever_one_goes(cpu: str, hv: str) -> None:
    """Stretches among all the interrupts, position by position, gone to from before, from behind and at random."""
    first = listening(cpu, hv)
    stepped, system = make(guest(cpu, hv, "llvm")), make(guest(cpu, hv, "llvm"))
    timeline = Timeline(system)
    for each in (stepped, system):
        come(each, first)
    system.run(Limits(1 << 40))
    expected = {}
    for stretch in (range(600, 615), range(first + 38, first + 58), range(first + 1_035, first + 1_055)):
        for position in stretch:
            stepped.run(Limits(position))
            expected[position] = everything(stepped)
    order = [*expected]
    random.Random(5).shuffle(order)
    for position in [*order, *reversed([*expected])]:
        timeline.seek(position)
        assert everything(system) == expected[position], position


@pytest.mark.parametrize("position", [30_000, 51_300])
def test_debug_registers_that_are_not_used_are_as_on_the_way_there(position: int) -> None:
    """The guest has written IAC1 and DAC1, and DBCR0 is clear: its first way to userspace takes them off the thread.
    On the way back that is an access to a device which compiled code would begin."""
    machine = guest("e500v2", "kvm", "llvm")
    alone, system = make(machine), make(machine)
    alone.run(Limits(1 << 40))
    timeline = Timeline(system)
    system.run(Limits(1 << 40))
    timeline.seek(position)
    system.run(Limits(1 << 40))
    assert everything(system) == everything(alone)
