"""``guest-debug``: userspace debugs the guest through KVM, sees what it should, and disturbs nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.results import Table
from ppcdbg.errors import UsageError
from ppcdbg.kvm.codes import SW_BREAKPOINT
from ppcdbg.kvm.debug_points import REQUEST, SOFTWARE, STEP, Point, packed
from ppcdbg.machine.input import InputKind
from ppcdbg.machine.system import Limits
from ppcdbg.session.machines import read_machine, write_machine
from ppcdbg.session.recorder import Recorder
from ppcdbg.session.replay import verify
from ppcdbg.session.store import Store
from ppcdbg.session.timeline import Timeline
from ppcdbg.session.writes import Threaded
from tests.debugger.rig import debugger as bare
from tests.session.systems import demo, everything, make

START = 200
cores = pytest.mark.parametrize("cpu", ["e500v2", "e500mc"])


def debugger(cpu: str) -> Debugger:
    made = Debugger(make(demo(cpu, "kvm", "llvm")), None, "test")
    made.execute(f"stepi {START}")
    return made


def debug_exits(d: Debugger) -> list[int]:
    """Where its DEBUG exits were, and the PROGRAM exits of planted words."""
    planted = {p.address for p in d.system.kvm.debugger.points if p.kind == SOFTWARE}  # type: ignore[attr-defined]
    records = [d.exits[n] for n in range(len(d.exits))]
    return [r.pc for r in records if r.vector == 15 or r.pc in planted and r.vector in (6, 41)]


@cores
@pytest.mark.parametrize("kind", ["break", "software", "watch", "awatch"])
def test_a_point_is_hit_and_the_guest_does_what_it_would(cpu: str, kind: str) -> None:
    alone = debugger(cpu)
    alone.execute("continue")
    d = debugger(cpu)
    pc = d.core.state.pc
    # print() is called for each character, and its frame lies where r1 points.
    d.execute(f"guest-debug {kind} {pc if kind in ('break', 'software') else d.core.state.gpr[1]:#x}")
    d.execute("continue")
    hits = debug_exits(d)
    assert len(hits) > 20
    if kind in ("break", "software"):
        assert pc in hits
    assert d.system.position == alone.system.position, "not an instruction more or less"
    assert d.system.board.console.text == alone.system.board.console.text


@cores
def test_steps_leave_after_every_instruction(cpu: str) -> None:
    d = debugger(cpu)
    d.execute("guest-debug step")
    before = len(debug_exits(d))
    d.execute("stepi 10")
    assert 9 <= len(debug_exits(d)) - before <= 11
    d.execute("guest-debug off")
    before = len(debug_exits(d))
    d.execute("stepi 10")
    assert len(debug_exits(d)) == before


def test_a_planted_word_is_there_until_it_is_off() -> None:
    d = debugger("e500v2")
    pc = d.core.state.pc
    word = d.read(pc, 4)
    d.execute("guest-debug software $pc")
    assert int.from_bytes(d.read(pc, 4), "big") == SW_BREAKPOINT
    table = d.execute("guest-debug")
    assert isinstance(table, Table) and table.rows[0][:2] == ("software", f"{pc:08x}")
    d.execute("guest-debug off $pc")
    assert d.read(pc, 4) == word


def test_what_cannot_be() -> None:
    d = debugger("e500v2")
    for line in ("guest-debug break 0x1000", "guest-debug break 0x2000", "guest-debug watch 1", "guest-debug rwatch 2"):
        d.execute(line)
    for line, why in (
        ("guest-debug break 0x3000", "both are taken"), ("guest-debug awatch 3", "both are taken"),
        ("guest-debug software 0xf0000000", "no software breakpoint fits"), ("guest-debug here", "guest-debug takes"),
        ("guest-debug break", "all but step an address"), ("guest-debug step 4", "all but step an address"),
        ("guest-debug off 0x9", "nothing is set at 0x9"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=why):
            d.execute(line)
    with pytest.raises(UsageError, match="no KVM"):
        bare(0x48000000).execute("guest-debug step")


@cores
def test_recordings_hold_it_and_one_can_go_back_through_it(tmp_path: Path, cpu: str) -> None:
    path = tmp_path / "a.ppcdbg"
    machine = demo(cpu, "kvm", "reference")
    store = Store.new(path)
    write_machine(store, machine)
    system = make(machine)
    recorder = Recorder(system, Threaded(store), 100)
    pc = debugger(cpu).core.state.pc
    wish = packed((Point(pc, SOFTWARE, pc), Point(pc + 8, 2), Point(0, STEP)))
    system.input.add(InputKind.KVM, name=REQUEST, data=wish, position=START)
    system.input.add(InputKind.KVM, name=REQUEST, data=b"", position=START + 150)
    system.run(Limits(START + 400))
    recorder.finish()
    store.close()
    for engine in ("reference", "llvm"):
        store = Store.open(path)
        found = verify(store, replace(read_machine(store), engine=engine))
        store.close()
        assert found.complete, str(found.divergence)
    stepped, system = make(machine), make(demo(cpu, "kvm", "llvm"))
    timeline = Timeline(system)
    for each in (stepped, system):
        each.input.add(InputKind.KVM, name=REQUEST, data=wish, position=START)
    system.run(Limits(START + 60))
    expected = {}
    for position in range(START - 1, START + 60, 3):
        stepped.run(Limits(position))
        expected[position] = everything(stepped)
    for position in reversed(expected):
        timeline.seek(position)
        assert everything(system) == expected[position], position
