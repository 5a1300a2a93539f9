"""What the llvm engine promises beside equal states: breakpoints, listeners, debug events, changes from outside."""

from __future__ import annotations

from collections import Counter

import pytest

from ppcdbg.cpu.core import Core
from ppcdbg.cpu.observe import FIRST, Observer, Tally
from ppcdbg.engine.api import Engine, Pattern, Stops, Why
from ppcdbg.engine.choose import engine_factory
from ppcdbg.engine.llvm import tier1
from ppcdbg.engine.llvm.engine import LlvmEngine
from ppcdbg.engine.llvm.layout import Left
from ppcdbg.engine.llvm.policy import Policy
from ppcdbg.engine.reference.engine import ReferenceEngine
from ppcdbg.isa import slots
from ppcdbg.isa.bits import M32
from tests.cpu.rig import ALL, BASE, VECTORS, Rig, asm, rig, spr_field

ADD = asm("addi", RT=3, RA0=3, SI=1)
LOOP = asm("b", LI=-1 & 0xFFFFFF)


def llvm(cpu: str = "e500mc", policy: Policy | None = None) -> Rig:
    it = rig(cpu)
    it.engine = LlvmEngine(it.core, policy)
    return it


class Listener(Observer):
    def __init__(self, deferrable: bool) -> None:
        self.deferrable = deferrable  # type: ignore[misc]
        self.heard: list[tuple[int, ...]] = []

    def interrupt_taken(self, vector: int, pc: int, msr: int, guest: bool, position: int) -> None:
        self.heard.append((vector, pc, msr, guest, position))


def interrupted(engine: type[Engine], deferrable: bool) -> list[tuple[int, ...]]:
    """What a listener heard of that program."""
    listener = Listener(deferrable)
    listened(engine, listener)
    return listener.heard


def listened(engine: type[Engine], listener: Observer) -> None:
    """Run a program of traps, system calls and misses."""
    it = rig()
    it.engine = engine(it.core)  # type: ignore[call-arg]
    it.code(ADD, asm("sc", LEV=0), ADD, asm("lwz", RT=4, RA0=9, D=0), asm("tw", TO=31, RA=0, RB=0), ADD, LOOP)
    it.core.state.gpr[9] = 0x700000
    step_over = [asm("mfspr", RT=31, SPR=spr_field(26)), asm("addi", RT=31, RA0=31, SI=4),
                 asm("mtspr", RS=31, SPR=spr_field(26)), asm("rfi")]  # fmt: skip
    for vector in (6, 13):
        it.code(*step_over, at=VECTORS + 0x100 * vector)
    it.code(asm("rfi"), at=VECTORS + 0x800)
    it.core.state.pc = BASE
    it.core.observer = listener
    it.run(40)


def test_listeners_hear_the_same_at_once_or_late() -> None:
    expected = interrupted(ReferenceEngine, False)
    assert [vector for vector, *_ in expected] == [8, 13, 6]
    assert interrupted(LlvmEngine, False) == expected
    assert interrupted(LlvmEngine, True) == expected


def test_interrupts_are_counted_alike() -> None:
    """Compiled code counts in the listener's own table; what it leaves to Python is counted there too."""
    tables = []
    for engine in (ReferenceEngine, LlvmEngine):
        tally = Tally()
        listened(engine, tally)
        tables.append(tally.counts)
    heard = interrupted(ReferenceEngine, False)
    assert tables[0] == tables[1]
    assert {v: n for v, n in enumerate(tables[0][:FIRST]) if n} == dict(Counter(vector for vector, *_ in heard))
    last = [entry for entry in heard if entry[4] == heard[-1][4]]
    assert tuple(tables[0][FIRST:]) == (last[0][0], last[0][1], last[0][4])


def test_a_breakpoint_stops_compiled_regions_too() -> None:
    it = llvm(policy=Policy(period=200, longest=200, hot=2, background=False, optimize=0))
    it.code(*[ADD] * 10, asm("b", LI=-10 & 0xFFFFFF))
    it.run(5000)
    engine = it.engine
    assert engine.tier1.installed  # type: ignore[attr-defined]
    for turn in range(3):
        stop = it.run(100, frozenset({BASE + 16}))
        assert (stop.why, it.core.state.pc) == (Why.BREAKPOINT, BASE + 16), turn
    before = it.core.retired
    assert it.run(1000).why is Why.LIMIT and it.core.retired == before + 1000


COUNTED = [ADD, asm("bc", BO=16, BI=0, BD=-1 & 0x3FFF), asm("addi", RT=5, RA0=5, SI=1),
           asm("mtspr", RS=6, SPR=spr_field(9)), asm("b", LI=-4 & 0xFFFFFF)]  # fmt: skip
"""Counts CTR down 5,000 times, and once more whenever it has."""


def counted(background: bool) -> tuple[Rig, LlvmEngine]:
    it = llvm(policy=Policy(period=500, longest=500, hot=3, background=background, optimize=0))
    it.code(*COUNTED)
    it.core.state.gpr[6] = it.core.state.reg[slots.CTR] = 5000
    assert isinstance(it.engine, LlvmEngine)
    return it, it.engine


def test_code_that_gets_hot_around_a_breakpoint_stops_there() -> None:
    """The region that was made then ran over it."""
    it, engine = counted(background=False)
    for turn in range(4):
        stop = it.run(50_000, frozenset({BASE + 8}))
        assert (stop.why, it.core.state.gpr[5]) == (Why.BREAKPOINT, turn)
    assert engine.tier1 is not None and engine.tier1.installed and engine.tier1.compiled == 1


def test_a_region_that_is_ready_after_a_breakpoint_came_into_it_is_not_used() -> None:
    it, engine = counted(background=True)
    while engine.tier1 is None or engine.tier1._waiting is None:
        assert it.core.retired < 9_000
        it.run(100)
    engine.tier1._waiting[1].join()
    assert it.run(50_000, frozenset({BASE + 8})).why is Why.BREAKPOINT


def test_regions_come_back_when_breakpoints_go() -> None:
    """Each round of steps and running on compiled them anew, and none of the old ones ever went."""
    it, engine = counted(background=False)
    it.run(20_000)
    for turn in range(20):
        there = frozenset({BASE + 4 * (turn % 5)})
        assert it.run(50_000, there).why is Why.BREAKPOINT
        it.engine.run(it.core.retired + 3, Stops(instructions=(Pattern(COUNTED[1], M32),)))
        it.run(20_000)
        assert engine.tier1 is not None and engine.tier1.installed
    assert engine.tier1.compiled == 1


def test_a_breakpoint_in_a_page_that_is_hot_by_another_address() -> None:
    """Both addresses have the same ops: what one takes is the other's."""
    it, engine = counted(background=False)
    alias = 0x700000
    it.map(1, alias, BASE, tsize=2)
    there, here = frozenset({alias + 4}), frozenset({BASE + 4})
    for turn in range(3):
        it.core.state.pc = BASE
        assert it.run(20_000).why is Why.LIMIT
        assert engine.tier1 is not None and engine.tier1.installed
        assert it.run(20_000, there).why is Why.LIMIT
        it.core.state.pc = alias
        assert (it.run(20_000, there).why, it.core.state.pc) == (Why.BREAKPOINT, alias + 4), turn
        assert it.run(20_000, here).why is Why.LIMIT
        assert (it.run(20_000, there).why, it.core.state.pc) == (Why.BREAKPOINT, alias + 4), turn
        it.core.state.pc = BASE
        assert (it.run(20_000, here).why, it.core.state.pc) == (Why.BREAKPOINT, BASE + 4), turn


def test_a_compiler_that_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tier1, "MOST_CLOSED", 2)
    it, engine = counted(background=False)
    twin = rig()
    twin.code(*COUNTED)
    twin.core.state.gpr[6] = twin.core.state.reg[slots.CTR] = 5000
    for turn in range(1, 12):
        for one in (it, twin):
            one.code(asm("addi", RT=3, RA0=3, SI=turn), at=BASE + 0x1000 * turn)
            one.code(*COUNTED[1:], at=BASE + 0x1000 * turn + 4)
            one.engine.code_changed(BASE + 0x1000 * turn, 20)
            one.core.state.pc = BASE + 0x1000 * turn
            one.run(9_000)
            one.code(asm("addi", RT=3, RA0=3, SI=-turn & 0xFFFF), at=BASE + 0x1000 * turn)
            one.engine.code_changed(BASE + 0x1000 * turn, 4)
            one.run(9_000)
        assert list(it.core.state.reg[:64]) == list(twin.core.state.reg[:64])
    assert engine.tier1 is not None and engine.tier1.compiled > 15


def test_a_breakpoint_is_passed_where_a_run_begins_and_kept_when_its_word_is_written() -> None:
    it = llvm()
    it.code(ADD, ADD, LOOP)
    here = frozenset({BASE + 4})
    assert it.run(10, here).why is Why.BREAKPOINT
    it.bus.ram[BASE + 4 : BASE + 8] = ADD.to_bytes(4, "big")
    it.engine.code_changed(BASE + 4, 4)
    assert it.run(10, here).why is Why.BREAKPOINT  # once around
    assert it.core.retired == 1 + 2  # the add at the breakpoint and the branch to it


def test_code_changed_from_outside_is_seen() -> None:
    it = llvm()
    it.code(ADD, LOOP)
    it.run(11)
    it.bus.ram[BASE : BASE + 4] = asm("addi", RT=3, RA0=0, SI=77).to_bytes(4, "big")
    it.engine.code_changed(BASE, 4)
    it.run(3)
    assert it.core.state.gpr[3] == 77


def test_a_device_is_asked_once_for_each_access() -> None:
    it = llvm()
    it.core.tlb.write(0x400 % 128 * 4, 0x80000100, 0x400000 | 0x0A, it.bus.DEVICE & 0xFFFFF000 | ALL,
                      it.bus.DEVICE >> 32)  # fmt: skip
    it.code(asm("stw", RS=3, RA0=9, D=0), asm("lwz", RT=4, RA0=9, D=0), ADD, LOOP)
    it.core.state.gpr[3], it.core.state.gpr[9] = 0x1234, 0x400000
    it.run(3)
    assert (it.bus.device, it.core.state.gpr[4], it.core.state.gpr[3]) == (0x1234, 0x1234, 0x1235)
    left = it.engine.left  # type: ignore[attr-defined]
    assert (left[Left.WRITE], left[Left.READ]) == (1, 1)


def test_single_steps_and_one_run_end_alike() -> None:
    one, two = llvm(), llvm()
    for it in (one, two):
        it.code(ADD, asm("mtspr", RS=3, SPR=spr_field(9)), asm("bc", BO=16, BI=0, BD=-2 & 0x3FFF), LOOP)
    for _ in range(57):
        one.run(1)
    two.run(57)
    assert one.core.state.block == two.core.state.block


def test_names_make_engines() -> None:
    for name in ("auto", "llvm", "reference", "lockstep"):
        made: Core = rig().core
        assert engine_factory(name)(made).core is made
