"""Looking back at an exit and returning: nothing is lost, whatever happens meanwhile."""

from __future__ import annotations

import pytest

from ppcdbg.debugger import open_guest
from ppcdbg.debugger.debugger import Debugger


@pytest.fixture
def debugger() -> Debugger:
    made = open_guest("demo", engine="reference")
    made.step_exit(20)
    made.step(2)
    return made


def test_the_guest_stands_where_the_exit_was_handled_and_returns(debugger: Debugger) -> None:
    here, last, moment = debugger.past.here, debugger.last, debugger.system.moment()
    registers = debugger.register_file.snapshot()
    assert debugger.past.looking.at(5)
    assert debugger.system.steps == 6 and debugger.past.looking.exit == 5
    assert debugger.value("$pc") != registers["pc"]
    assert debugger.past.looking.at(9) and debugger.past.looking.at(9)
    assert debugger.past.looking.back()
    assert debugger.past.here == here and debugger.last is last and debugger.system.moment() == moment
    assert debugger.register_file.snapshot() == registers
    debugger.execute("back")  # looks are not among the places
    assert debugger.past.here[1] == 20 and debugger.position == here[0] - 2


def test_who_changes_the_past_has_nothing_to_return_to(debugger: Debugger) -> None:
    debugger.past.looking.at(5)
    debugger.set_register("r3", 1)
    there = debugger.past.here
    assert debugger.past.looking.back() and debugger.past.here == there
    assert debugger.past.looking.present is None


def test_exits_that_came_later_are_known_while_the_guest_stands_in_the_past(debugger: Debugger) -> None:
    found = debugger.exit_filter("exit == PROGRAM", whole=True)
    before = [record.number for record in found.page(0, 100)]
    every = list(debugger.exits)
    debugger.past.looking.at(3)
    assert [record.number for record in found.page(0, 100)] == before
    assert list(debugger.exit_filter(whole=True).log) == every
    assert len(debugger.exit_filter()) == 4
    debugger.set_register("r3", 1)  # another future
    assert len(debugger.exit_filter(whole=True)) == 4
    assert all(number < 4 for number in (record.number for record in found.page(0, 100)))


def test_the_same_kind_is_found_in_both_directions(debugger: Debugger) -> None:
    found = debugger.exit_filter(whole=True)
    first = found.log[0]
    after = found.same_kind(0, 1)
    assert after is not None and found.log[after].name == first.name
    assert found.same_kind(after, -1) == 0 and found.same_kind(0, -1) is None
    assert found.same_kind(99, 1) is None
