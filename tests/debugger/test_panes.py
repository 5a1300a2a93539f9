"""What panes and prompts share: profile, call chain, last miss, TLB map, histories; held to the log they come from."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from ppcdbg.debugger import open_guest
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.misses import miss_report, tlb_map
from ppcdbg.debugger.past_events import interrupt_events, tlb_events
from ppcdbg.debugger.stack import backtrace
from ppcdbg.errors import UsageError
from ppcdbg.kvm.records import Did


@pytest.fixture
def demo() -> Debugger:
    debugger = open_guest("demo", engine="reference")
    debugger.step_exit(1500)
    return debugger


def test_a_trend_stays_short_where_a_guest_runs_on_without_exits(tmp_path: Path) -> None:
    """A part for each thousand instructions once made five million zeros of it, at each drawing of the statistics."""
    image = tmp_path / "once.bin"
    image.write_bytes(bytes.fromhex("7c7042a6 48000000"))  # mfspr r3,SPRG0; b .
    debugger = open_guest(image, cpu="e500v2", load=0x800000, engine="llvm")
    debugger.execute("seek 4000000000")
    kinds = {row.name: row for row in debugger.profiler.profile().kinds}
    assert {name: row.count for name, row in kinds.items()} == {"ITLB_MISS": 1, "PROGRAM": 1}
    for row in kinds.values():
        assert sum(row.trend) == row.trend[0] == 1 and 256 <= len(row.trend) <= 512


def test_a_profile_counts_what_the_log_holds(demo: Debugger) -> None:
    found = demo.profiler.profile()
    names = Counter(record.name for record in demo.exits)
    assert {row.name: row.count for row in found.kinds} == names and found.exits == 1500
    assert [row.count for row in found.kinds] == sorted(names.values(), reverse=True)
    for row in found.kinds:
        costs = [record.cost for record in demo.exits if record.name == row.name]
        assert (row.minimum, row.maximum, row.time) == (min(costs), max(costs), sum(costs))
        assert sum(row.trend) == sum(row.spread) == row.count
    by_name = {record.name for record in demo.exits}
    assert [row.name for row in demo.profiler.profile(order="name").kinds] == sorted(by_name)
    assert sum(row.count for row in found.symbols) == 1500
    place = demo.symbols.place(demo.exits[7].pc)
    assert place is not None and place.name in {row.name for row in found.symbols}
    assert sum(row.count for row in found.instructions) == names["PROGRAM"]


def test_a_profile_follows_the_guest_back_and_forth(demo: Debugger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ppcdbg.debugger.profile.MARKS", 64)
    fresh = open_guest("demo", engine="reference")
    fresh.step_exit(1500)
    there = fresh.profiler.profile()
    for number in (700, 63, 64, 65, 1200, 3):
        fresh.past.looking.at(number)
        found = fresh.profiler.profile()
        assert found.exits == number + 1
        assert {row.name: row.count for row in found.kinds} == Counter(r.name for r in fresh.exits)
    fresh.past.looking.back()
    assert fresh.profiler.profile() == there == demo.profiler.profile()


def test_a_profile_of_a_long_log_is_counted_in_parts(demo: Debugger) -> None:
    seen = []
    while not seen or not seen[-1].whole:
        seen.append(demo.profiler.profile(patience=400))
    assert [found.exits for found in seen] == [400, 800, 1200, 1500]
    assert seen[-1] == open_again().profiler.profile()


def open_again() -> Debugger:
    debugger = open_guest("demo", engine="reference")
    debugger.step_exit(1500)
    return debugger


def test_a_profile_of_another_history_is_counted_anew(demo: Debugger) -> None:
    assert demo.profiler.profile().exits == 1500
    demo.past.seek_exit(400)
    demo.set_register("r31", 1)
    demo.step_exit(40)
    assert {row.name: row.count for row in demo.profiler.profile().kinds} == Counter(r.name for r in demo.exits)


def test_profile_refuses_what_it_does_not_know(demo: Debugger) -> None:
    with pytest.raises(UsageError, match="is none of exits, symbols, instructions"):
        demo.execute("profile everything")
    with pytest.raises(UsageError, match="'age' is none of count"):
        demo.execute("profile exits by age")
    with pytest.raises(UsageError, match="bare machine"):
        open_guest("demo", hv="none").execute("profile")


def test_the_call_chain_of_the_demo(demo: Debugger) -> None:
    demo.run_until("puts")
    caller = demo.value("$lr")
    found = backtrace(demo)
    names = [frame.name.partition("+")[0] for frame in found.frames]
    assert names[0] == "puts" and found.frames[1].pc == caller and found.frames[1].guess
    assert found.ends == "the back chain ends"
    inner = demo.finish()
    assert inner.pc == caller and backtrace(demo).frames[0].pc == caller


def test_the_call_chain_goes_through_an_interrupt_of_linux(shared: Path) -> None:
    folder = shared / "guests" / "linux-e500v2-pv"
    debugger = open_guest(folder / "vmlinux", cpu="e500v2", initrd=str(folder / "initrd.gz"), memory="128M",
                          append="console=ttyS0,115200")  # fmt: skip
    debugger.run_until("timer_interrupt")
    frames = backtrace(debugger).frames
    cut = next(frame for frame in frames if frame.trap is not None)
    assert cut.trap == 0x900, "the decrementer's number in Linux"
    names = [frame.name.partition("+")[0] for frame in frames]
    assert names[0] == "timer_interrupt" and "kernel_init" in names[cut.level :]
    assert all(frame.name for frame in frames[:-1])


def test_histories_are_the_newest_of_the_log(demo: Debugger) -> None:
    mapped = [r.number for r in demo.exits if any(a.did is Did.MAPPED for a in r.actions)]
    assert [e.exit for e in tlb_events(demo, 5, shadow=True)] == mapped[:-6:-1]
    written = tlb_events(demo, 5, shadow=False)
    assert len(written) == 5 and all(e.what.startswith(("tlb", "mtspr MMUCSR0")) for e in written)
    queued = [r.number for r in demo.exits if r.queued or r.delivered is not None]
    assert [e.exit for e in interrupt_events(demo, 4)] == queued[:-5:-1]


def test_the_last_miss_and_the_map(demo: Debugger) -> None:
    found = miss_report(demo)
    assert found.record is not None and found.explanation is not None
    assert found.record.name in ("DTLB_MISS", "ITLB_MISS") and found.explanation.ea == found.ea
    assert all(r.name not in ("DTLB_MISS", "ITLB_MISS") for r in demo.exits[found.record.number + 1 :])
    for shadow, rows in ((False, demo.tlb().guest), (True, demo.tlb().shadow)):
        cells = [e for way in tlb_map(demo, shadow).ways for e in way if e is not None]
        assert sorted(e.where for e in cells) == sorted(r.where for r in rows if r.where.startswith("TLB0"))
    ways = tlb_map(demo, False).ways
    assert all(e is None or e.where == f"TLB0[{n},{w}]" for w, way in enumerate(ways) for n, e in enumerate(way))
