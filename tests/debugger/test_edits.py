"""Changes from outside: TLB entries, interrupts and inputs that do not come. All of them are input, and come again."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.errors import UsageError
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.description import MachineDescription
from ppcdbg.session.machines import read_machine
from ppcdbg.session.replay import verify
from ppcdbg.session.store import Store
from tests.session.systems import DEMOS, comes_again, demo, everything, make

ENGINES = ("reference", "llvm")
TWO = [("e500v2", "kvm"), ("e500mc", "none")]


def on(machine: MachineDescription) -> Debugger:
    return Debugger(make(machine), machine.kernel)


def both(cpu: str, hv: str) -> list[Debugger]:
    return [on(demo(cpu, hv, engine)) for engine in ENGINES]


@pytest.mark.parametrize(("cpu", "hv"), DEMOS)
def test_a_tlb_entry_is_set_by_its_fields_and_the_guest_has_it_at_once(cpu: str, hv: str) -> None:
    ends = []
    for d in both(cpu, hv):
        d.execute("run-to 12000")
        d.execute("set tlb TLB1[1] v=1 ea=0x90000000 pa=0x100000 size=1M sr=1 sw=1")
        assert d.read(0x90000000, 64) == d.read(0x100000, 64)
        row = next(r for r in d.tlb().guest if r.where == "TLB1[1]")
        assert (row.ea, row.size, row.physical, row.permissions) == (0x90000000, 1 << 20, 0x100000, "rw----")
        d.set_tlb("TLB1[1]", sw=0, tid=5)
        assert d.explain(0x90000000).outcome == "miss"
        d.execute("continue")
        ends.append(everything(d.system))
    assert ends[0] == ends[1]


@pytest.mark.parametrize("cpu", ["e500v2", "e500mc"])
def test_under_kvm_no_shadow_entry_outlives_a_change_of_the_guests(cpu: str) -> None:
    for d in both(cpu, "kvm"):
        d.execute("run-to 20000")
        system = d.system
        assert isinstance(system, KvmSystem) and any(system.kvm.shadow.flags)
        exits = len(d.exits)
        d.execute(f"set tlb {d.pc:#x} sx=1")
        assert not any(system.kvm.shadow.flags)
        d.execute("stepi")
        assert [e.name for e in d.exits[exits : exits + 1]] == ["ITLB_MISS"]


@pytest.mark.parametrize(("cpu", "hv"), DEMOS)
def test_the_guest_misses_an_entry_that_was_taken_from_it(cpu: str, hv: str) -> None:
    """The demo reads its 32 pages a second time, and counts the misses."""
    for edit, misses in (("", 0), ("set tlb 0x40011000 v=0", 1)):
        d = on(demo(cpu, hv, "llvm"))
        d.execute("run-to 3900")
        if edit:
            d.execute(edit)
        d.execute("continue")
        assert f"32 misses, then {misses};" in d.console()


def test_what_cannot_be_is_refused_with_what_can() -> None:
    d = on(demo("e500v2", "kvm"))
    d.execute("run-to 20000")
    before = everything(d.system)
    for line, words in (
        ("set tlb", "needs an entry"), ("set tlb TLB1[1]", "needs an entry"), ("set tlb TLB1[16] v=0", "no TLB1.16."),
        ("set tlb TLB0[128,0] v=0", "128 sets"), ("set tlb TLB0[3] v=0", "there is no"),
        ("set tlb TLB1[1] colour=1", "no field colour"), ("set tlb TLB1[1] v=", "no value"),
        ("set tlb TLB1[1] size=12K", "cannot have 12,288 bytes"), ("set tlb TLB1[1] size=3", "cannot have 3 bytes"),
        ("set tlb 0xa0000000 v=0", "no TLB entry of the guest maps"), ("set tlb TLB1[1] 5 v=0", "not FIELD=VALUE"),
        ("set tlb TLB0[17,0] ea=0x40012000 v=1", r"belongs to set 18: name TLB0.18,WAY."),
        ("withhold NOTHING", "cannot be withheld"), ("withhold input", "no input is still to come"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=words):
            d.execute(line)
    assert everything(d.system) == before


@pytest.mark.parametrize(("cpu", "hv"), TWO)
def test_an_interrupt_that_would_come_does_not_once(cpu: str, hv: str) -> None:
    ends, taken = [], []
    for edit in ("", "withhold DECREMENTER"):
        for d in both(cpu, hv):
            d.execute("run-to 16000")
            if edit:
                d.execute(edit)
                assert [row[0] for row in d.execute("withhold").rows] == ["DECREMENTER"]
            d.execute("trace taken DECREMENTER")
            d.execute("run-to 19000")  # without it the guest waits for ever
            assert d.execute("withhold").rows == ()
            ends.append(everything(d.system))
            taken.append([t.position for t in d.runner.traces])
    assert ends[0] == ends[1] and ends[2] == ends[3] and ends[0] != ends[2]
    assert taken[0] and not taken[2]


def test_an_exit_says_what_was_withheld_at_it() -> None:
    d = on(demo("e500v2", "kvm"))
    d.execute("run-to 16000")
    d.execute("withhold DECREMENTER")
    d.execute("run-to 19000")
    (at,) = [e for e in d.exits if any("DECREMENTER is withheld" in a.note for a in e.actions)]
    assert at.delivered is None


def test_an_input_that_is_to_come_is_listed_and_withheld() -> None:
    d = on(demo("e500v2", "kvm"))
    for at, letter in ((9_000, "x"), (10_000, "y"), (11_000, "z")):
        d.execute(f"run-to {at}")
        d.execute(f'send "{letter}"')
    d.execute("run-to 12000")
    d.execute("seek 9500")
    rows = d.execute("info input").rows
    assert [(row[0], row[1], row[2]) for row in rows] == [
        (0, "9,000", "came"), (1, "10,000", "to come"), (2, "11,000", "to come"),
    ]  # fmt: skip
    assert "input 1" in d.execute("withhold input").text
    assert "input 1" in d.execute("withhold input 1").text
    d.execute("run-to 12000")
    assert [row[2] for row in d.execute("info input").rows] == ["came"]


@pytest.mark.parametrize(("cpu", "hv"), TWO)
def test_changes_are_recorded_and_verify_on_either_engine(tmp_path: Path, cpu: str, hv: str) -> None:
    file = tmp_path / "changed.ppcdbg"
    d = on(demo(cpu, hv, "llvm"))
    d.execute("run-to 11500")
    d.execute("set tlb 0x40011000 v=0")
    d.execute("run-to 16000")
    d.execute("withhold DECREMENTER")
    d.execute("run-to 19000")
    d.execute(f"save-session {file}")
    comes_again(file, d.position)
    here = everything(d.system)
    d.execute("seek 14000")
    d.execute("seek end")
    assert everything(d.system) == here


# --- anything, anywhere --------------------------------------------------------------------------
def motion(chance: random.Random, d: Debugger) -> list[str]:
    """Lines that bring the guest somewhere: to a position, to an exit that is held, back in time."""
    stop = chance.choice(["", "DTLB_MISS", "PROGRAM", "DECREMENTER"])
    return chance.choice([
        [f"run-to {d.position + chance.randrange(1, 6_000)}"], [f"stepi {chance.randrange(1, 40)}"],
        [f"seek {chance.randrange(d.position + 1)}"], ["step-exit 3" if d.has_exits else "stepi 5"],
        [f"tbreak exit {stop}".strip(), f"run-to {d.position + 8_000}", "delete"] if d.has_exits else ["stepi"],
    ])  # fmt: skip


def edit(chance: random.Random) -> str:
    """A line that changes something; not every guest can take every one."""
    at, bit = chance.randrange(0x400), chance.randrange(2)
    return chance.choice([
        f"set $r{chance.choice([14, 20, 27, 31])} = {chance.randrange(1 << 32)}", "set $msr = $msr ^ 0x8000",
        f"set tlb TLB0[{chance.randrange(20)},{chance.randrange(4)}] v={bit} sr={chance.randrange(2)}",
        f"set tlb TLB1[{chance.randrange(1, 16)}] v={bit} ea=0x40000000 pa={chance.choice([0, 0x800000])} size=1M sr=1",
        f"withhold {chance.choice(['DECREMENTER', 'EXTERNAL', 'PROGRAM', 'DTLB_MISS', 'WATCHDOG'])}",
        f"inject {chance.choice(['DECREMENTER', 'EXTERNAL', 'CRITICAL', 'irq 42', 'UNSET', 'DBELL'])}", 'send "x"',
        f"set var *(u32 *){0x100000 + 4 * at:#x} = {chance.choice([0x60000000, 0x7FE00008]):#x}",
    ])  # fmt: skip


def meddled_with(seed: int, file: Path) -> None:
    """Change things at random moments, save the run, and hold replays on both engines to it."""
    print(f"{seed=}")
    chance = random.Random(seed)
    d = on(demo(*chance.choice(DEMOS), chance.choice(ENGINES)))
    for _ in range(chance.randrange(2, 6)):
        for line in (*motion(chance, d), *(edit(chance) for _ in range(chance.randrange(1, 3)))):
            with suppress(UsageError):
                d.execute(line)
        if d.system.ended is not None:
            return  # what a crashed guest leaves is not what this is about
    d.execute(f"run-to {d.position + chance.randrange(9_000)}")
    if d.system.ended is not None:
        return
    d.execute(f"save-session {file}")
    comes_again(file, d.position)


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_is_changed_wherever_it_comes_again(tmp_path: Path, seed: int) -> None:
    meddled_with(seed, tmp_path / "changed.ppcdbg")


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 400))
def test_whatever_is_changed_wherever_it_comes_again_often(tmp_path: Path, seed: int) -> None:
    meddled_with(seed, tmp_path / "changed.ppcdbg")


@pytest.mark.parametrize("cpu", ["e500v2", "e500mc"])
@pytest.mark.parametrize("event", ["exit", "exit DTLB_MISS", "exit DECREMENTER"])
def test_an_entry_that_is_set_at_a_held_exit_is_set_before_its_instruction(
    tmp_path: Path, cpu: str, event: str
) -> None:
    file = tmp_path / "held.ppcdbg"
    d = on(demo(cpu, "kvm", "llvm"))
    d.execute("run-to 4000")
    d.execute(f"tbreak {event}")
    assert d.execute("continue").held
    d.execute("set tlb TLB1[5] v=1 ea=0x90000000 pa=0 size=1M sr=1")
    d.execute("run-to +3000")
    d.execute(f"save-session {file}")
    comes_again(file, d.position)


def test_a_change_at_the_very_beginning_is_recorded(tmp_path: Path) -> None:
    """The recorder had let it happen before it listened."""
    file = tmp_path / "first.ppcdbg"
    d = on(demo("e500v2", "kvm", "llvm"))
    d.execute("set $r31 = 5")
    d.execute("run-to 3000")
    d.execute(f"save-session {file}")
    store = Store.open(file)
    try:
        assert [(e.kind.value, e.position) for e in store.input()] == [("register", 0)]
        assert verify(store, read_machine(store)).complete
    finally:
        store.close()
