"""The world switch stepped by hand, from any prompt."""

from __future__ import annotations

import pytest

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.world_switch import SwitchPlace
from ppcdbg.errors import UsageError
from ppcdbg.views.results import lines
from ppcdbg.views.spans import to_text
from tests.debugger.rig import NOP, debugger


@pytest.fixture
def d() -> Debugger:
    return debugger(NOP, NOP, NOP)


def test_steps_say_what_changed(d: Debugger) -> None:
    d.execute("world-switch start linux")
    place = d.execute("world-switch until dmiuh")
    assert isinstance(place, SwitchPlace) and place.name == "entry.6" and not place.guest
    place = d.execute("world-switch step 3")
    assert [(c.name, c.before, c.after) for c in place.changed if c.name == "EPCR"] == [
        ("EPCR", 0x14800000, 0x14C00000)
    ]
    place = d.execute("world-switch until guest.0")
    assert place.guest and place.pc == 0x10000
    place = d.execute("world-switch until handle_exit")
    assert not place.guest and [t.vector for t in place.taken] == [13]
    assert d.execute("world-switch until guest_end").over == "guest"


def test_what_is_shown_fits_and_names_the_step(d: Debugger) -> None:
    d.execute("world-switch start dmiuh-last")
    d.execute("world-switch until entry.12")
    shown = to_text(lines(d.execute("world-switch"), d, 80))
    assert shown.startswith("dmiuh-last: entry.12 entry mas  host") and "=> c000c" in shown
    assert all(len(row) <= 80 for row in shown.splitlines())


def test_the_table_fits_a_narrow_terminal(d: Debugger) -> None:
    found = d.execute("world-switch table linux-pr gs-early")
    for width, part in ((120, "V 99/129"), (80, "V 99 ")):
        shown = to_text(lines(found, d, width))
        assert part in shown and "fails with no event: goes-on" in shown
        assert all(len(row) <= width for row in shown.splitlines())
        assert "…" not in "".join(shown.splitlines()[:3])


def test_an_event_comes_where_it_is_made_to_come(d: Debugger) -> None:
    d.execute("world-switch start ivpr")
    d.execute("world-switch until entry.42")
    made = d.execute("world-switch inject critical")
    assert "critical comes before this instruction" in to_text(lines(made, d, 100))
    place = d.execute("world-switch step")
    assert [(t.vector, t.msr >> 28 & 1) for t in place.taken] == [(0, 0)]
    assert place.pc >> 16 == 0xC001, "at KVM's vectors"


def test_a_line_replays_and_the_machine_stands_there(d: Debugger) -> None:
    told = d.execute("world-switch replay dmiuh-last:data-miss@entry.14")
    assert told.verdict.condition == "guest-mas"
    assert d.execute("world-switch").name == "entry.14"
    assert [t.vector for t in d.execute("world-switch step").taken] == [13]


def test_the_guest_of_the_debugger_does_not_move(d: Debugger) -> None:
    before = (d.position, d.pc, bytes(d.core.state.block))
    d.execute("world-switch start")
    d.execute("world-switch step 100")
    assert (d.position, d.pc, bytes(d.core.state.block)) == before


def test_back_is_the_same_way_again_with_its_events(d: Debugger) -> None:
    d.execute("world-switch start ivpr")
    d.execute("world-switch until entry.42")
    d.execute("world-switch inject critical")
    first = d.execute("world-switch step 7")
    registers = d.execute("world-switch registers")
    assert first.came == "entry.42" and not first.name
    back = d.execute("world-switch back 3")
    assert back.position == first.position - 3 and not back.name
    again = d.execute("world-switch step 3")
    assert (again.pc, again.position, again.ahead) == (first.pc, first.position, first.ahead)
    assert [(r.name, r.value) for r in d.execute("world-switch registers").rows] == [
        (r.name, r.value) for r in registers.rows
    ]
    d.execute("world-switch back 7")
    assert d.execute("world-switch").name == "entry.42"
    assert [t.vector for t in d.execute("world-switch step").taken] == [0], "made before that, so it comes again"
    assert d.execute("world-switch back 5000").name == "load.0"
    assert d.execute("world-switch until entry.44").taken == (), "what was made to come later does not"


def test_next_goes_from_group_to_group(d: Debugger) -> None:
    d.execute("world-switch start linux")
    groups = []
    for _ in range(6):
        groups.append(d.execute("world-switch next").group)
    assert groups == ["lpid", "epcr", "guest-sprs", "flush", "ee-off", "host-r2"]


def test_whose_a_register_is(d: Debugger) -> None:
    d.execute("world-switch start linux")
    rows = {r.name: r for r in d.execute("world-switch registers").rows}
    assert rows["PID"].whose == "host" and rows["r14"].whose == "both" and rows["SRR0"].guest is None
    d.execute("world-switch until mas")
    rows = {r.name: r for r in d.execute("world-switch registers").rows}
    assert rows["PID"].whose == "guest" and rows["GSRR0"].whose == "guest" and rows["MAS1"].whose == "host"
    assert rows["PID"].value != rows["PID"].before
    d.execute("world-switch until guest.0")
    found = d.execute("world-switch registers")
    assert found.guest and not [r.name for r in found.rows if r.guest is not None and r.whose not in ("guest", "both")
                                and r.name != "EPCR"]  # fmt: skip
    shown = to_text(lines(found, d, 80))
    assert " guest's" in shown and all(len(row) <= 80 for row in shown.splitlines())


def test_a_start_without_a_name_is_the_one_at_hand_again(d: Debugger) -> None:
    d.execute("world-switch start linux-pr/hypercall")
    d.execute("world-switch step 3")
    place = d.execute("world-switch start")
    assert (place.variant, place.name, place.position) == ("linux-pr/hypercall", "load.0", 0)


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("world-switch start linus", "no variant"), ("world-switch until", "needs a step"),
        ("world-switch until nowhere", "no step"), ("world-switch inject", "needs an event"),
        ("world-switch inject thunder", "no event"), ("world-switch inject data-miss", "cannot come here"),
        ("world-switch step 0", "from 1 on"), ("world-switch back 0", "from 1 on"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_sentence(d: Debugger, line: str, part: str) -> None:
    with pytest.raises(UsageError, match=part):
        d.execute(line)


def test_a_search_can_be_stopped(d: Debugger) -> None:
    found = d.world_switch.table(("linux", "ivpr"), lambda: True)
    assert len(found.reports) == 1 and len(found.reports[0].steps) == 1
