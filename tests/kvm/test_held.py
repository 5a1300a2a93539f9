"""A run that ends at an exit before anything of it is done: the guest as it was, and the exit as ever afterwards."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ppcdbg.kvm.build import build_system
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.description import describe
from ppcdbg.machine.input import InputEvent, InputKind
from ppcdbg.machine.system import FINAL, Hold, Limits, Stop, StopKind

DEMO = Path(__file__).resolve().parents[2] / "ppcdbg/_guests/demo.toml"
FAR = 1 << 40
BOTH = pytest.mark.parametrize("cpu", ["e500v2", "e500mc"])


def demo(cpu: str, engine: str = "reference") -> KvmSystem:
    system = build_system(describe(DEMO, {"engine": engine, "cpu": cpu}))
    assert isinstance(system, KvmSystem)
    return system


def end(system: KvmSystem, stop: Stop) -> tuple[object, ...]:
    state = hashlib.sha256(bytes(system.core.state.block) + bytes(system.core.bus.ram)).hexdigest()
    return stop, state, list(system.kvm.exits), system.board.console.text


@BOTH
@pytest.mark.parametrize("engine", ["reference", "auto"])
def test_holding_every_exit_changes_nothing(cpu: str, engine: str) -> None:
    plain, held = demo(cpu, engine), demo(cpu, engine)
    expected = end(plain, plain.run(Limits(FAR)))
    asked: list[int] = []
    hold = Hold(lambda number: bool(asked.append(number)) or len(asked) % 3 == 0)
    while (stop := held.run(Limits(FAR, hold=hold))).kind is StopKind.HELD:
        record = held.held
        assert record is not None and record.number == len(held.kvm.exits) and not record.actions
        assert (record.pc & ~3, record.vector) == (stop.pc, asked[-1]) and held.held is not None
    assert stop.kind in FINAL and end(held, stop) == expected
    assert asked == [record.vector for record in held.kvm.exits]


@BOTH
def test_only_the_numbers_asked_for(cpu: str) -> None:
    system = demo(cpu)
    hold = Hold(lambda number: True, frozenset({13}))
    stop = system.run(Limits(FAR, hold=hold))
    assert stop.kind is StopKind.HELD and system.held is not None and system.held.name == "DTLB_MISS"
    assert 13 not in [record.vector for record in system.kvm.exits]
    assert system.run(Limits(FAR, exits=1)).kind is StopKind.EXIT
    last = system.kvm.exits[-1]
    assert (last.vector, last.pc) == (13, stop.pc) and last.actions


@BOTH
def test_a_write_at_a_held_exit_is_applied_and_the_exit_stays(cpu: str) -> None:
    system = demo(cpu)
    system.run(Limits(FAR, hold=Hold(lambda number: True, frozenset({13}))))
    before = system.held
    system.input.add(InputKind.REGISTER, name="r3", value=0x1234)
    assert system.run(Limits(system.position)).kind is StopKind.LIMIT
    assert system.held == before and system.core.state.gpr[3] == 0x1234
    system.run(Limits(FAR, exits=1))
    assert system.held is None and system.kvm.exits[-1].pc == before.pc and system.kvm.exits[-1].msr == before.msr


def test_a_register_write_keeps_the_msr_that_an_hv_guest_set_itself() -> None:
    """It used to come back as the last exit had left it."""
    system = demo("e500mc")
    for position in range(2000, 20000, 997):
        stop = system.run(Limits(position))
        if stop.kind is not StopKind.LIMIT:
            break
        msr = system.core.msr
        system.input.add(InputKind.REGISTER, name="r0", value=system.core.state.gpr[0])
        system.run(Limits(system.position))
        assert system.core.msr == msr, f"at {position}"


@BOTH
def test_asked_after_each_exit(cpu: str) -> None:
    system = demo(cpu)
    count: list[int] = []
    stop = system.run(Limits(FAR, after_exit=lambda: bool(count.append(len(system.kvm.exits))) or len(count) == 5))
    assert stop.kind is StopKind.EXIT and count == [1, 2, 3, 4, 5]
    assert Limits(FAR).each_exit is False and Limits(FAR, after_exit=lambda: False).each_exit


@pytest.mark.parametrize(("cpu", "number"), [
    *((cpu, number) for cpu in ("e500v2", "e500mc") for number in (13, 10, 6)), ("e500mc", 41),
])  # fmt: skip
def test_what_is_injected_at_a_held_exit_comes_again_in_a_replay_without_holding(cpu: str, number: int) -> None:
    """The kick comes before the instruction that exits, or is served by the host's own exit that is held."""
    first, again = demo(cpu), demo(cpu)
    events: list[InputEvent] = []
    first.input.taken = events.append
    stop = first.run(Limits(FAR, hold=Hold(lambda n: first.position > 5000, frozenset({number}))))
    assert stop.kind is StopKind.HELD
    first.input.add(InputKind.KVM, name="interrupt", value=2)
    first.input.add(InputKind.REGISTER, name="r31", value=0x77)
    expected = end(first, first.run(Limits(FAR)))
    again.input.extend(events)
    found = end(again, again.run(Limits(FAR)))
    assert len(events) == 2 and found == expected
