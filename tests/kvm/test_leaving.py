"""A run that ends between KVM_RUN's return to userspace and the answer: the exit at hand, and as ever afterwards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ppcdbg.errors import UsageError
from ppcdbg.kvm.build import build_system
from ppcdbg.kvm.payloads import EprExit, MmioExit, SprExit, UserspaceExit
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.kvm.userspace import Ending
from ppcdbg.machine.description import describe
from ppcdbg.machine.input import InputEvent, InputKind
from ppcdbg.machine.system import FINAL, Limits, StopKind
from tests.kvm.test_held import end

GUESTS = Path(__file__).resolve().parents[2] / "ppcdbg/_guests"
FAR = 1 << 40
SPRS = {"unknown_spr": "exit", "irqchip": "user", "spr_exits": "reset"}
BOTH = pytest.mark.parametrize("cpu", ["e500v2", "e500mc"])


def made(name: str, cpu: str = "e500v2", engine: str = "reference", **options: str) -> KvmSystem:
    system = build_system(describe(GUESTS / f"{name}.toml", {"engine": engine, "cpu": cpu, **options}))
    assert isinstance(system, KvmSystem)
    return system


def sprs(**options: str) -> KvmSystem:
    return made("spr-exits", **{**SPRS, **options})


def to(system: KvmSystem, kind: type[UserspaceExit]) -> UserspaceExit:
    stop = system.run(Limits(FAR, leave=lambda: isinstance(system.leaving.asked, kind)))
    assert stop.kind is StopKind.LEFT and system.leaving.asked is not None
    return system.leaving.asked


@BOTH
@pytest.mark.parametrize(("guest", "engine"), [("demo", "auto"), ("spr-exits", "reference")])
def test_leaving_at_every_return_changes_nothing(guest: str, cpu: str, engine: str) -> None:
    """Stood at, asked and passed, or never asked: the same records, counters, RAM and console."""
    options = SPRS if guest == "spr-exits" else {}
    plain, left = made(guest, cpu, engine, **options), made(guest, cpu, engine, **options)
    expected = end(plain, plain.run(Limits(FAR)))
    asked: list[str] = []
    places: list[int] = []

    def leave() -> bool:
        exit = left.leaving.asked
        assert exit is not None
        asked.append(exit.name)
        return len(asked) % 3 != 0

    while (stop := left.run(Limits(FAR, leave=leave))).kind is StopKind.LEFT:
        record = left.leaving.record()
        assert record is not None and record.number == len(left.kvm.exits) and not record.resume
        assert left.left and stop.pc == left.core.state.pc == left.kvm.pc
        assert left.run(Limits(left.position)).kind is StopKind.LIMIT and left.left, "a run to here completes nothing"
        places.append(record.number)
    assert stop.kind in FINAL and end(left, stop) == expected and not left.left
    assert len(places) > 20 and {"KVM_EXIT_MMIO"} <= {*asked}
    assert left.kvm.timing.save() == plain.kvm.timing.save() and left.kvm.stat == plain.kvm.stat


@BOTH
def test_a_load_waits_for_its_data_and_its_instruction_is_passed(cpu: str) -> None:
    """Q22: pc is committed before userspace answers, the register is not."""
    system = made("demo", cpu)
    asked = to(system, MmioExit)
    while asked.is_write:  # type: ignore[attr-defined]
        system.run(Limits(FAR, exits=1))
        asked = to(system, MmioExit)
    record = system.leaving.record()
    assert record is not None and system.core.state.pc == record.pc + 4
    word, before = record.last_inst, [*system.core.state.gpr[:32]]
    system.leaving.answer(replace(asked, data=b"\x5a" * len(asked.data)))  # type: ignore[attr-defined,call-arg]
    assert [*system.core.state.gpr[:32]] == before
    assert system.run(Limits(system.position, exits=1)).kind is StopKind.EXIT and not system.left
    assert system.core.state.gpr[word >> 21 & 31] & 0xFF == 0x5A
    assert system.kvm.exits[-1].number == record.number


def test_the_answer_is_input_and_a_replay_takes_it_without_standing_still() -> None:
    first, again = sprs(), sprs()
    events: list[InputEvent] = []
    first.input.taken = events.append
    asked = to(first, SprExit)
    first.leaving.answer(replace(asked, data=1))  # type: ignore[call-arg]
    first.leaving.answer(replace(asked, data=0x77))  # type: ignore[call-arg]
    expected = end(first, first.run(Limits(FAR)))
    assert "unknown SPR: 00000077 is read" in first.board.console.text
    assert [e.kind for e in events] == [InputKind.ANSWER], "the second is in the first one's place"
    again.input.restore(events, 1)
    assert end(again, again.run(Limits(FAR))) == expected


def test_input_that_comes_meanwhile_comes_behind_the_exit_as_in_a_replay() -> None:
    first, again = sprs(), sprs()
    events: list[InputEvent] = []
    first.input.taken = events.append
    to(first, SprExit)
    first.input.console(b"x")
    first.input.add(InputKind.KVM, name="interrupt", value=0xFFFFFFFF)
    expected = end(first, first.run(Limits(FAR)))
    assert len(events) == 2 and {e.steps for e in events} == {14}
    again.input.restore(events, 2)
    assert end(again, again.run(Limits(FAR))) == expected


def test_two_returns_in_one_exit_are_two_places() -> None:
    """An answer that is completed at once comes back with EINTR."""
    system = sprs()
    asked = to(system, SprExit)
    system.leaving.answer(replace(asked, immediate_exit=True))
    assert system.left == 1
    stop = system.run(Limits(FAR, leave=lambda: True))
    assert stop.kind is StopKind.LEFT and system.left == 2 and system.leaving.asked is not None
    assert system.leaving.asked.name == "KVM_EXIT_INTR"
    record = system.leaving.record()
    assert record is not None and [a.note for a in record.actions if a.left] == ["KVM_EXIT_SPR", "KVM_EXIT_INTR"]


def test_the_end_as_an_answer() -> None:
    system = sprs()
    to(system, EprExit)
    system.leaving.answer(Ending(StopKind.POWEROFF, "enough"))
    stop = system.run(Limits(FAR))
    assert (stop.kind, stop.detail) == (StopKind.POWEROFF, "enough")


def test_complete_makes_a_state_that_can_be_saved() -> None:
    system, plain = sprs(), sprs()
    to(system, SprExit)
    with pytest.raises(AssertionError, match="complete"):
        system.save()
    system.complete()
    plain.run(Limits(FAR, exits=system.steps))
    assert not system.left and system.save() == plain.save()


def test_restoring_elsewhere_leaves_the_place() -> None:
    system = sprs()
    start = system.save()
    to(system, SprExit)
    system.restore(start)
    assert not system.left and system.position == 0


@pytest.mark.parametrize(("change", "words"), [
    ({"sprn": 3}, "changed sprn"), ({"data": -1}, "does not fit"), ({"is_write": True}, "changed is_write"),
])  # fmt: skip
def test_what_is_no_answer_is_said(change: dict[str, int], words: str) -> None:
    system = sprs()
    asked = to(system, SprExit)
    with pytest.raises(UsageError, match=words):
        system.leaving.answer(replace(asked, **change))  # type: ignore[arg-type]
    assert system.left and not len(system.input)


def test_there_is_nothing_to_answer_elsewhere() -> None:
    with pytest.raises(UsageError, match="does not stand at an exit to userspace"):
        sprs().leaving.answer(SprExit())
