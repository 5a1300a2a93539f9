"""Failures are least schedules: what needs two interrupts is found by pairs, and with one of them taken away it passes.

The guest's handlers save r3 at one and the same place: a critical interrupt within another's handler overwrites it.
"""

from __future__ import annotations

import pytest

from ppcdbg.explore.conditions import Bounds
from ppcdbg.explore.report import Report
from ppcdbg.explore.schedule import Schedule, parse
from ppcdbg.explore.search import Search
from ppcdbg.explore.strategies import Plan
from tests.explore.rig import explored, search, sites
from tests.guests.expected import WINDOW

SAVE, RESTORE = 0x9060F024, 0x8060F024  # stw r3,sprg0+4; lwz r3,sprg0+4
WORDS = {0x100004: SAVE, 0x100058: RESTORE, 0x100204: SAVE, 0x100260: RESTORE}
PLAN = Plan(("external", "watchdog"), span=16)


def faulty(engine: str = "auto") -> Search:
    searching = search(engine, "single-step", Bounds(steps=400), WINDOW / "nested.elf")
    ram = searching.system.board.bus.ram
    for at, word in WORDS.items():
        ram[at : at + 4] = word.to_bytes(4, "big")
    return Search(searching.system, searching.conditions, searching.bounds)


@pytest.fixture(scope="module")
def found() -> Report:
    searching = faulty()
    return explored(searching, PLAN, sites(searching)[1:2])


def verdict(searching: Search, schedule: Schedule) -> str:
    return searching.verdict(searching.replay(schedule)[0]).condition


def schedule(line: str) -> Schedule:
    return parse(line, False, lambda pc, time: 0)


def test_a_failure_needs_each_of_its_interrupts(found: Report) -> None:
    searching = faulty()
    lines = [f.line for f in found.failures]
    assert lines and all(line.count("@") == 2 for line in lines)
    for failure in found.failures[::3]:
        both = schedule(failure.line)
        assert verdict(searching, both) == failure.verdict.condition == "intact"
        assert [verdict(searching, (event,)) for event in both] == ["", ""]


@pytest.mark.parametrize("engine", ["reference", "llvm"])
def test_a_pair_replays_from_its_line_on_both_engines(found: Report, engine: str) -> None:
    searching = faulty(engine)
    for failure in found.failures[::3]:
        assert searching.replay(schedule(failure.line))[0] == failure.outcome
