"""Places in time by every name, wherever one is taken; bookmarks, and the session file that keeps them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ppcdbg.cpu.observe import Observer
from ppcdbg.debugger import open_guest
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.positions import position_of
from ppcdbg.errors import UsageError
from ppcdbg.machine.system import Limits
from ppcdbg.session import checkpoints
from ppcdbg.session.store import Store
from tests.debugger.test_travel import on_demo, where
from tests.session.systems import demo, make
from tests.session.test_checkpoints import put_in, recorded

LAST = 24_000


def ran(hv: str) -> Debugger:
    d = on_demo(hv=hv)
    d.execute(f"run-to {LAST}")
    return d


def test_interrupts_are_places_under_kvm() -> None:
    """Held to the records of a run of its own: each is where KVM had just given the guest its interrupt."""
    d = ran("kvm")
    delivered = [r for r in d.exits if r.delivered is not None]
    assert len(delivered) > 40
    for number in (1, 2, 17, len(delivered), 3):
        d.execute(f"seek irq:{number}")
        record = delivered[number - 1]
        assert d.system.steps == record.number + 1
        assert d.exits[-1].delivered == record.delivered
    d.execute("seek irq:5")
    position = d.position
    d.execute("seek irq:5+3")
    assert d.position == position + 3
    count = len(delivered)
    here = where(d)
    d.execute("seek 100")
    with pytest.raises(UsageError, match="irq:100000 is not there"):
        d.execute("seek irq:100000")
    assert d.position == 100
    assert position_of(d, f"irq:{count}") - delivered[-1].position in (0, 1) and d.position == 100
    with pytest.raises(UsageError, match="before the first"):
        d.execute("seek irq:0")
    d.execute("seek irq:5+3")
    assert where(d) == here


def test_an_interrupt_after_everything_known_is_run_to() -> None:
    d = ran("kvm")
    wanted = [r.number for r in d.exits if r.delivered is not None][29]
    d.execute(f"seek exit:{wanted}")
    fresh = on_demo()
    fresh.execute("seek irq:30")
    assert where(fresh) == where(d)
    again = on_demo()
    with pytest.raises(UsageError, match="irq:30 is not there: up to position 0"):
        again.execute("break position irq:30")
    assert again.position == 0


def test_interrupts_of_the_bare_machine_are_places() -> None:
    taken: list[int] = []

    class Noting(Observer):
        def interrupt_taken(self, vector: int, pc: int, msr: int, guest: bool, position: int) -> None:
            taken.append(position)

    system = make(demo("e500v2", "none", "llvm"))
    system.core.observer = Noting()
    system.run(Limits(1 << 40))
    d = ran("none")
    for number in (1, 30, 2, len(taken)):
        d.execute(f"seek irq:{number}")
        assert d.position == taken[number - 1]
    d.execute("seek 9000")
    d.execute("set $sprg7 = 1")
    d.execute("seek irq:2")
    assert d.position == taken[1]


@pytest.mark.parametrize("hv", ["kvm", "none"])
def test_time_is_the_clock_of_the_time_base(hv: str) -> None:
    """The first position at which so many ticks have passed, idle time included."""
    end = 36_000 if hv == "kvm" else 30_500
    stepped = make(demo("e500v2", hv, "llvm"))
    clock = []
    for position in range(end):
        stepped.run(Limits(position))
        clock.append(stepped.core.now)
    idle = max(range(1, end), key=lambda p: clock[p] - clock[p - 1])
    assert clock[idle] - clock[idle - 1] > 10
    d = ran(hv)
    d.execute(f"run-to {end}")
    for tick in (1, 5_000, clock[idle], clock[idle] - 3, clock[-1], clock[12_345]):
        d.execute(f"seek time:{tick}")
        assert d.position == next(p for p, now in enumerate(clock) if now >= tick), tick
    fresh = on_demo(hv=hv)
    fresh.execute(f"seek time:{clock[idle] - 3}")
    assert fresh.position == idle


def test_parts_ends_and_names_are_places_everywhere() -> None:
    d = ran("kvm")
    assert d.execute("seek %50").position == LAST // 2
    d.execute("bookmark middle")
    d.execute("seek start")
    d.execute("bookmark late @%75 by share")
    d.execute("bookmark known @exit:40 by exit")
    assert d.past.bookmarks["late"].position == LAST * 3 // 4
    d.execute("seek exit:40")
    there = where(d)
    d.execute("seek known")
    assert where(d) == there and there[1] == 41
    d.execute("seek start")
    for place, position in (("middle", LAST // 2), ("end", LAST), ("+10", 10), ("exit:40", None), ("irq:4", None)):
        made = d.execute(f"break position {place}")
        assert position is None or made.event.number == position
    stops = [d.execute("continue").position for _ in range(4)]
    assert stops[0] == 10 and stops == sorted(stops)
    d.execute("delete")
    d.execute("seek start")
    assert d.execute("run-to middle").position == LAST // 2
    d.execute("seek start")
    note = d.execute("inject external@middle+external@exit:1250+3")
    assert f"external@{LAST // 2}" in note.text and note.text.count("@") == 2
    for bad in ("seek %101", "seek %", "seek nowhere", "break position exit:99999", "run-to", "seek exit:", "seek +"):
        with pytest.raises(UsageError):
            d.execute(bad)


def test_bookmarks_are_changed_by_words() -> None:
    d = ran("kvm")
    d.execute("bookmark one first note")
    d.execute("seek 5000")
    d.execute("bookmark two")
    d.execute("bookmark rename one three")
    d.execute("bookmark note two another note")
    rows = d.execute("bookmark list").rows
    assert [(r.name, r.position, r.note) for r in rows] == [
        ("two", 5_000, "another note"),
        ("three", LAST, "first note"),
    ]
    d.execute("bookmark delete two three")
    assert not d.execute("info bookmarks").rows
    for bad in ("bookmark delete two", "bookmark delete", "bookmark rename a b", "bookmark note a"):
        with pytest.raises(UsageError, match="there is no bookmark"):
            d.execute(bad)


def test_a_session_file_keeps_the_bookmarks_of_its_run(tmp_path: Path) -> None:
    path = tmp_path / "a.ppcdbg"
    recorded(path, demo("e500v2", "kvm", "llvm"), LAST)
    d = open_guest(str(path))
    assert str(path) in d.execute("bookmark first @5000 a note").text
    d.execute("bookmark second @%50")
    d.execute("bookmark third @end")
    d.execute("bookmark rename second half")
    d.execute("bookmark delete third")
    again = open_guest(str(path))
    assert [(p.name, p.position, p.note) for p in again.past.bookmarks.rows] == [
        ("first", 5_000, "a note"), ("half", LAST // 2, ""),
    ]  # fmt: skip
    again.execute("seek half")
    again.execute("set $sprg7 = 1")
    again.execute("run-to +100")
    assert "has not been" in again.execute("bookmark elsewhere").text
    assert "has it so" in again.execute("bookmark before @first").text
    assert sorted(open_guest(str(path)).past.bookmarks) == ["before", "first", "half"]


def test_a_file_that_is_read_only_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.ppcdbg"
    recorded(path, demo("e500v2", "kvm", "llvm"), LAST)
    d = open_guest(str(path))
    before = path.read_bytes()

    def refuse(self: Store, mark: object) -> None:
        self._execute("PRAGMA query_only = ON")
        self._execute("DELETE FROM bookmark")

    monkeypatch.setattr(Store, "set_bookmark", refuse)  # as root there is no file that cannot be written
    said = d.execute("bookmark here").text
    assert "for now only" in said and "is read only" in said and len(said.splitlines()) == 1
    assert "here" in d.past.bookmarks and path.read_bytes() == before
    assert os.access(path, os.W_OK)


def test_places_by_count_use_the_checkpoints_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.ppcdbg"
    system = recorded(path, demo("e500v2", "kvm", "llvm"), LAST)
    put_in(path, "llvm", 3_000)
    store = Store.open(path)
    assert len(checkpoints.places(store)) > 5
    store.close()
    delivered = [r for r in system.kvm.exits if r.delivered is not None]  # type: ignore[attr-defined]
    d = open_guest(str(path))
    d.execute(f"seek irq:{len(delivered)}")
    assert d.system.steps == delivered[-1].number + 1
    assert position_of(d, "irq:20") == position_of(d, f"exit:{delivered[19].number}")
