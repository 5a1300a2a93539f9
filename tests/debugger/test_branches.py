"""Other futures: a branch that nothing was done in is the run itself; what was done is found, on either engine."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ppcdbg.cpu.plain import Saved
from ppcdbg.debugger import open_guest
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.futures import Comparison
from ppcdbg.errors import Interrupted, UsageError
from ppcdbg.session.differ import Run
from ppcdbg.session.machines import read_machine
from ppcdbg.session.replay import verify
from ppcdbg.session.store import Store
from ppcdbg.views.results import lines
from tests.debugger.rig import SPIN, debugger
from tests.debugger.test_edits import edit, motion
from tests.session.systems import DEMOS, LINUX, comes_again, demo, everything, linux, make
from tests.views.golden import check

ENGINES = ("reference", "llvm")


def on(cpu: str, hv: str, engine: str = "llvm") -> Debugger:
    machine = demo(cpu, hv, engine)
    return Debugger(make(machine), machine.kernel)


@pytest.mark.parametrize(
    ("cpu", "hv", "engine"), [("e500v2", "kvm", "llvm"), ("e500mc", "none", "llvm"), ("e500v2", "none", "reference")]
)
def test_with_no_edit_a_branch_is_the_run_itself(cpu: str, hv: str, engine: str) -> None:
    d = on(cpu, hv, engine)
    d.execute("run-to 9000")
    d.execute('send "typed"')
    d.execute("run-to 25000")
    here = everything(d.system)
    d.execute("seek 12000")
    d.execute("branch other")
    d.execute("run-to 25000")
    assert everything(d.system) == here
    d.execute("branch switch main")
    assert d.position == 12_000
    d.execute("run-to 25000")
    assert everything(d.system) == here
    found = d.execute("branch compare main other")
    assert isinstance(found, Comparison) and found.same and not found.registers and not found.tlb
    assert found.ends[0] == replace(found.ends[1], name="main") and found.ends[0].ended


EDITS = [
    ("e500v2", "kvm", "set $r27 = 0x1234", "r27"),
    ("e500mc", "none", "set $r3 = 1", "r3"),  # it is written again soon, and the runs are the same from there on
    ("e500v2", "kvm", "set tlb 0x40011000 v=0", "TLB0[17,1]"),
    ("e500mc", "kvm", "set var *(u32 *)0x10085c = 0x60000000", "the byte at real address 0x10085c"),
    ("e500mc", "none", "withhold DECREMENTER", "interrupts to be withheld"),
]


@pytest.mark.parametrize(("cpu", "hv", "edit", "field"), EDITS)
def test_what_was_changed_is_where_the_futures_part_on_either_engine(cpu: str, hv: str, edit: str, field: str) -> None:
    found = []
    for engine in ENGINES:
        d = on(cpu, hv, engine)
        d.execute("run-to 4000")
        before = everything(d.system)
        found.append(d.what_if(edit, instructions=1_000))
        assert everything(d.system) == before
    assert found[0] == found[1]
    parted = found[0].parted
    assert parted is not None and (parted.agreed, parted.position) == (3_999, 4_000)
    assert parted.difference.name == field
    assert parted.around[4].position == 4_000
    assert [end.position for end in found[0].ends] == [5_000, 5_000]


@pytest.mark.parametrize(
    ("cpu", "inject"),
    [("e500v2", "inject EXTERNAL"), ("e500mc", "inject DECREMENTER"), ("e500v2", "inject irq 42")],
)
def test_an_interrupt_more_parts_the_flow_where_it_is_taken(cpu: str, inject: str) -> None:
    found = []
    for engine in ENGINES:
        d = on(cpu, "kvm", engine)
        d.execute("run-to 14000")
        found.append(d.execute(f"whatif for 300; {inject}"))
    assert found[0] == found[1]
    comparison = found[0]
    assert comparison.parted.position == 14_000
    if inject == "inject irq 42":
        assert comparison.exits is None  # the source is masked
        return
    delivered = [e for e in comparison.exits.second if e.number == comparison.exits.number]
    assert delivered[0].position == 14_000
    if comparison.flow.position is not None:
        assert comparison.flow.exact and comparison.flow.first[0].pc != comparison.flow.second[0].pc
        assert comparison.flow.before[-1].position == comparison.flow.position - 1


def test_the_flow_parts_behind_the_change_and_the_end_says_what_became_of_both() -> None:
    """The timer's interrupt that the demo waits for does not come: it waits for ever."""
    d = on("e500v2", "kvm")
    d.execute("run-to 16000")
    found = d.what_if("withhold DECREMENTER")
    assert found.parted is not None and found.parted.position == 16_000
    assert found.flow is not None and found.flow.exact and found.flow.position == 17_871
    assert found.exits is not None
    assert [e.name for e in (found.exits.first[2], found.exits.second[2])] == ["DECREMENTER", "DECREMENTER"]
    assert found.exits.first[2].delivered is not None and found.exits.second[2].delivered is None
    assert found.console is not None and found.console.first.startswith("timer: 3 ticks")
    assert (found.ends[0].kind, found.ends[0].ended) == ("reset", True)
    assert (found.ends[1].ended, found.ends[1].position) == (False, 1_016_000)
    assert found.pages and found.kinds and found.registers
    assert [row.name for row in d.branches.rows().rows] == ["main", "whatif-1"]
    assert d.position == 16_000 and d.branches.current == "main"


def test_one_may_go_into_the_other_future_and_back() -> None:
    alone = on("e500v2", "kvm")
    alone.execute("run-to 16000")
    alone.execute("withhold DECREMENTER")
    alone.execute("run-to 20000")
    d = on("e500v2", "kvm")
    d.execute("run-to 24000")
    main = everything(d.system)
    d.execute("whatif at 16000 for 10; withhold DECREMENTER")
    assert everything(d.system) == main
    d.execute("branch switch whatif-1")
    assert d.position == 16_000
    d.execute("run-to 20000")
    assert everything(d.system) == everything(alone.system)
    d.execute("seek 15000")
    d.execute("seek 20000")
    assert everything(d.system) == everything(alone.system)
    d.execute("branch switch main")
    assert everything(d.system) == main
    d.execute("branch switch whatif-1")
    assert d.position == 20_000
    assert everything(d.system) == everything(alone.system)


def test_a_branch_is_edited_by_what_is_done_in_it() -> None:
    d = on("e500mc", "none")
    d.execute("run-to 2000")
    d.execute("branch slow")
    d.execute("set $r3 = 7")
    d.execute("run-to 2100")
    d.execute('send "x"')
    d.execute("branch slower")
    d.execute("set $r4 = 8")
    rows = {row.name: row for row in d.execute("branches").rows}
    assert [text.split(": ")[1][:2] for text in rows["slow"].edits] == ["r3", "co"]
    assert [text.split(": ")[1][:2] for text in rows["slower"].edits] == ["r4"]
    assert (rows["slower"].parent, rows["slower"].position, rows["slower"].current) == ("slow", 2_100, True)
    found = d.execute("branch compare main slow for 500")
    assert found.parted.position == 2_000 and found.parted.difference.name == "r3"
    found = d.execute("branch compare slow for 500")
    assert found.names == ("slower", "slow") and found.parted.position == 2_100
    d.execute("branch switch main")
    with pytest.raises(UsageError, match="slow stays: slower began on it"):
        d.execute("branch delete slow")
    d.execute("branch delete slower")
    d.execute("branch delete slow")
    assert [row.name for row in d.execute("branches").rows] == ["main"]


def test_both_run_to_an_event_and_the_guest_stays_where_it_is() -> None:
    d = on("e500v2", "none")
    d.execute("run-to 3000")
    found = d.execute('whatif at 17000 until console "timer:"; set $r27 = 5')
    assert (d.position, d.branches.current) == (3_000, "main") and "timer:" not in d.console()
    assert found.parted.position == 17_000 and not any(end.ended for end in found.ends)
    assert [end.kind for end in found.ends] == ["breakpoint", "breakpoint"]
    with pytest.raises(UsageError, match="put together by hand"):
        debugger(SPIN).what_if("set $r3 = 1")


def test_block_and_line_say_the_same() -> None:
    d = on("e500v2", "kvm")
    d.execute("run-to 14000")
    one = d.execute("whatif for 100; set $r3 = 5; set $r4 = 6")
    two = d.execute("whatif for 100\nset $r3 = 5\nset $r4 = 6\nend")
    assert isinstance(two, Comparison) or len(two.results) == 1
    two = two if isinstance(two, Comparison) else two.results[0]
    assert replace(two, names=one.names, ends=one.ends) == one


def test_what_cannot_be_understood() -> None:
    d = on("e500v2", "kvm")
    d.execute("run-to 14000")
    before = everything(d.system)
    for line, words in (
        ("whatif at 5", "whatif needs|lines of 'whatif' are missing"), ("whatif; print $r3", "changes nothing"),
        ("whatif sometimes; set $r3=1", "cannot be understood"), ("whatif for 0; set $r3=1", "between 1"),
        ("whatif; nonsense", "no command 'nonsense'"), ("whatif at nowhere; set $r3=1", "nowhere"),
        ("branch main", "there already|a branch 'main' already"), ("branch switch nowhere", "no branch 'nowhere'"),
        ("branch 3x", "a word such as"), ("branch switch main", "on branch main already"),
        ("branch compare", "needs one name or two"), ("branch delete main", "the guest is on branch main"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=words):
            d.execute(line)
    assert everything(d.system) == before and [r.name for r in d.branches.rows().rows] == ["main"]


def test_a_comparison_can_be_stopped() -> None:
    d = on("e500v2", "kvm")
    d.execute("run-to 14000")
    before, calls = everything(d.system), [0]

    def between() -> None:
        calls[0] += 1
        if calls[0] == 20:
            d.interrupt()

    d.runner.between = between
    with pytest.raises(Interrupted):
        d.execute("whatif; set $r31 = 5")
    d.runner.between = None
    d.forget_interrupt()
    assert everything(d.system) == before and [r.name for r in d.branches.rows().rows] == ["main"]


@pytest.mark.parametrize("cpu", ["e500v2", "e500mc"])
def test_a_branch_is_saved_and_verifies_on_either_engine(tmp_path: Path, cpu: str) -> None:
    file = tmp_path / "other.ppcdbg"
    d = on(cpu, "kvm")
    d.execute("run-to 14000")
    d.execute("whatif for 10; inject DECREMENTER; set tlb 0x40011000 v=0; set $r31 = 5")
    d.execute("branch switch whatif-1")
    d.execute("run-to 22000")
    d.execute(f"save-session {file}")
    store = Store.open(file)
    try:
        assert [e.kind.value for e in store.input()] == ["kvm", "tlb", "register"]
    finally:
        store.close()
    comes_again(file, d.position)


def test_a_recording_that_goes_on_holds_the_branch_that_the_guest_is_on(tmp_path: Path) -> None:
    file = tmp_path / "live.ppcdbg"
    d = on("e500v2", "kvm")
    d.execute(f"record {file}")
    d.execute("run-to 6000")
    d.execute("branch other")
    d.execute("set $r27 = 5")
    d.execute("run-to 8000")
    d.execute("branch switch main")
    d.execute("run-to 7000")
    d.execute("branch switch other")
    d.execute("run-to 9000")
    d.execute("record stop")
    store = Store.open(file)
    try:
        assert [e.kind.value for e in store.input()] == ["register"]
        found = verify(store, read_machine(store))
        assert found.complete and found.position == 9_000, str(found.divergence)
    finally:
        store.close()


def test_branches_live_on_in_the_session_file_that_is_replayed(tmp_path: Path) -> None:
    """With all that was done in them, also by commands that came after; the run that was recorded stays as it is."""
    path = tmp_path / "a.ppcdbg"
    d = on("e500v2", "kvm")
    d.execute("run-to 20000")
    d.execute('send "typed"')
    d.execute("run-to 30000")
    d.execute(f"save-session {path}")
    before = bare(everything(d.system))
    d = open_guest(str(path))
    d.execute("whatif at 9000; set $r1 = 1")
    d.execute("branch mine")
    d.execute("seek 12000")
    d.execute("set $r20 = 5")
    d.execute("run-to 12500")
    mine, listed = bare(everything(d.system)), d.execute("branches")
    d.execute("branch deleted")
    d.execute("branch switch main")
    d.execute("branch delete deleted")
    again = open_guest(str(path))
    assert again.branches.current == "main" and again.branches.names == ["main", "whatif-1", "mine"]
    assert [(b.name, b.parent, b.position, b.edits) for b in again.execute("branches").rows] == [
        (b.name, b.parent, b.position, b.edits) for b in listed.rows
    ]
    again.execute("branch switch mine")
    again.execute("seek 12500")
    assert bare(everything(again.system)) == mine
    again.execute("branch switch whatif-1")
    again.execute("seek 9000")
    assert again.evaluate("$r1").number == 1
    again.execute("branch switch main")
    again.execute("seek end")
    assert bare(everything(again.system)) == before
    again.execute("whatif at 9500; set $r1 = 1")
    assert open_guest(str(path)).branches.names[-1] == "whatif-2"
    comes_again(path, 30_000)


def test_branches_live_on_in_the_session_file_that_is_recorded(tmp_path: Path) -> None:
    """Whichever of them the file holds the run of in the end."""
    path = tmp_path / "a.ppcdbg"
    d = on("e500mc", "none")
    d.execute("run-to 5000")
    d.execute("branch before")
    d.execute("set $r20 = 7")
    d.execute(f"record {path}")
    d.execute("run-to 9000")
    d.execute("branch other")
    d.execute("set $r21 = 8")
    d.execute("run-to 12000")
    other = bare(everything(d.system))
    d.execute("branch switch before")
    d.execute("record stop")
    again = open_guest(str(path))
    assert again.branches.current == "before"
    rows = {b.name: (b.parent, b.position, b.edits) for b in again.execute("branches").rows}
    assert rows == {
        "main": ("", 0, ()), "before": ("main", 5_000, ("5,000: r20 = 0x7",)),
        "other": ("before", 9_000, ("9,000: r21 = 0x8",)),
    }  # fmt: skip
    again.execute("branch switch other")
    again.execute("seek 12000")
    assert bare(everything(again.system)) == other
    comes_again(path, 9_000)


def test_how_it_looks() -> None:
    d = on("e500v2", "kvm")
    d.execute("run-to 16000")
    check("whatif", [*lines(d.what_if("withhold DECREMENTER"), d, 100), *lines(d.branches.rows(), d, 100)], 100)


@pytest.mark.soak
@pytest.mark.parametrize(("name", "hv"), LINUX)
def test_linux_has_the_same_other_futures_on_either_engine(shared: Path, name: str, hv: str) -> None:
    found = []
    for engine in ENGINES:
        machine = linux(shared, name, hv, {"engine": engine})
        d = Debugger(make(machine), machine.kernel)
        d.execute("run-to 60000")
        for line in ("set $r27 = 5", "set tlb TLB1[9] v=1 ea=0x90000000 pa=0 size=1M sr=1", "withhold DECREMENTER"):
            found.append(d.what_if(line, instructions=20_000))
    half = len(found) // 2
    assert found[:half] == found[half:]
    assert all(each.parted is not None and each.parted.position == 60_000 for each in found)


def bare(found: tuple[Saved, int, bytes, object]) -> tuple[object, ...]:
    """Of everything, what decides what the guest does; not what the host's loop remembers of its own last moves."""
    state = dict(found[0])
    loop: Any = state["loop"]
    return state["core"], state["board"], loop.get("vcpu"), loop.get("userspace"), *found[1:]


def wandered(seed: int) -> None:
    """Branches begun, edited, left and come back to: the guest is where its input brings a new one."""
    print(f"{seed=}")
    chance = random.Random(seed)
    machine = demo(*chance.choice(DEMOS), "llvm")
    d = Debugger(make(machine), machine.kernel)
    d.execute(f"run-to {chance.randrange(1_000, 9_000)}")
    for number in range(chance.randrange(4, 9)):
        lines = chance.choice([
            [f"branch b{number}"], [f"branch switch {chance.choice(d.branches.names)}"],
            [f"whatif for 300; {edit(chance)}"], [*motion(chance, d), edit(chance)], [*motion(chance, d), edit(chance)],
        ])  # fmt: skip
        for line in lines:
            with suppress(UsageError):
                d.execute(line)
        if d.system.ended is not None:
            return  # what a crashed guest leaves is not what this is about
    d.execute(f"run-to +{chance.randrange(1, 3_000)}")
    if d.system.ended is not None:
        return
    history = d.past.timeline.history
    alone = make(machine)
    alone.input.restore(history, len(history))
    assert Run(alone).to(d.system.moment())
    assert bare(everything(alone)) == bare(everything(d.system))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_wherever_one_goes_a_branch_is_what_its_input_makes(seed: int) -> None:
    wandered(seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 300))
def test_wherever_one_goes_a_branch_is_what_its_input_makes_often(seed: int) -> None:
    wandered(seed)
