"""The real debugger as the screen's source, on the demo guest: every pane fits, follows, and looks back."""

from __future__ import annotations

import pytest

from ppcdbg.debugger import open_guest
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.errors import UsageError
from ppcdbg.kvm.build import build_system
from ppcdbg.kvm.records import Did
from ppcdbg.machine.description import describe
from ppcdbg.paths import PACKAGE
from ppcdbg.session.timeline import Timeline
from ppcdbg.tui.panes.table import KINDS
from ppcdbg.tui.scene import Ask, Filled, Move, Need, Scene
from ppcdbg.tui.source import DebuggerSource
from ppcdbg.views.spans import ROLES, Line, length, to_text
from tests.guests.expected import SECTIONS

DEMO = PACKAGE / "_guests" / "demo.elf"


def make(**given: object) -> DebuggerSource:
    description = describe(DEMO, {"cpu": "e500v2", "engine": "reference", **given})
    return DebuggerSource(Debugger(build_system(description), DEMO))


@pytest.fixture
def source() -> DebuggerSource:
    return make()


def quiet() -> None:
    """Nothing to do between slices."""


def ask(width: int = 70, height: int = 12, view: int = 0, **more: object) -> Ask:
    """Every pane, in its view of this number or its last one."""
    needs = {kind.name: Need(width, height, None, kind.views[min(view, len(kind.views) - 1)] if kind.views else "")
             for kind in KINDS}  # fmt: skip
    return Ask(needs, 120, **more)  # type: ignore[arg-type]


def settled(source: DebuggerSource, wanted: Ask) -> Scene:
    """The scene once the guest is where the screen looks."""
    for _ in range(9):
        scene = source.draw(wanted, False)
        if not scene.partial:
            return scene
    raise AssertionError("the scene stays partial")


def text(filled: Filled) -> str:
    return to_text(filled.rows)


def check(scene: Scene, width: int) -> None:
    """Whatever stands in a pane fits it, has roles that themes know, and no control characters."""
    assert length(scene.status) <= 120
    for kind, filled in scene.panes.items():
        for row in (*filled.rows, filled.head):
            # the console is not broken, and lanes keep their columns: the pane shifts them
            assert kind in ("console", "paravirt") or length(row) <= width, (kind, row)
            assert all(span.role in ROLES and span.text.isprintable() for span in row), (kind, row)
        assert not filled.marks or len(filled.marks) == len(filled.rows)


@pytest.mark.parametrize("width", [12, 26, 41, 70, 118])
@pytest.mark.parametrize(("hv", "cpu"), [("kvm", "e500v2"), ("none", "e500v2"), ("kvm", "e500mc"), ("none", "e500mc")])
def test_every_pane_fits_at_the_start_on_the_way_and_at_the_end(hv: str, cpu: str, width: int) -> None:
    source = make(hv=hv, cpu=cpu)
    check(source.draw(ask(width), False), width)
    for _ in range(3):
        source.move(Move.STEP, quiet)
    check(source.draw(ask(width), False), width)
    source.move(Move.CONTINUE, quiet)
    for view in range(4):
        check(source.draw(ask(width, view=view), False), width)


def test_the_newest_exit_is_followed_and_told(source: DebuggerSource) -> None:
    for number in range(3):
        source.move(Move.EXIT, quiet)
        scene = source.draw(ask(), False)
        assert scene.selected == number
        assert f"Exit {number}:" in to_text([scene.story])
        assert scene.panes["exits"].cursor == number
        code = scene.panes["disassembly"]
        assert code.cursor == source.debugger.pc // 4 and code.cursor * 4 in code.marks
        assert "▶" in text(code)


def test_an_exit_of_the_past_is_what_story_details_and_code_are_about(source: DebuggerSource) -> None:
    source.move(Move.CONTINUE, quiet)
    first = source.draw(ask(row=7), False)  # at once, from the list alone
    assert first.partial and first.selected == 7 and set(first.panes) == {kind.name for kind in KINDS if kind.timeless}
    scene = settled(source, ask(row=7))
    record = source.debugger.exits[7]
    assert scene.selected == 7
    assert "Exit 7:" in to_text([scene.story])
    assert f"exit 7 {record.name}" in text(scene.panes["detail"])
    assert scene.panes["disassembly"].cursor == record.pc // 4
    assert scene.timeline.here is not None
    now = settled(source, ask())
    assert now.panes["disassembly"].cursor == source.debugger.pc // 4
    assert now.timeline.here is None


def test_every_pane_shows_the_moment_of_the_selected_exit_and_then_the_present_again(source: DebuggerSource) -> None:
    seen = []
    for _ in range(12):
        source.move(Move.EXIT, quiet)
        scene = settled(source, ask())
        seen.append({kind: scene.panes[kind].rows for kind in ("irqprio", "tlb", "shadow", "console")})
    d = source.debugger
    present, last = d.system.moment(), d.last
    for number in (3, 7, 1, 11, 0):
        scene = settled(source, ask(row=number))
        assert f"looking back at exit {number}" in to_text([scene.status])
        assert len(d.exits) == number + 1 and scene.panes["exits"].total == 12
        for kind, rows in seen[number].items():
            assert scene.panes[kind].rows == rows, (number, kind)
    settled(source, ask())
    assert d.system.moment() == present and d.last is last
    assert not d.past.looking.present


def test_back_in_the_present_its_exit_is_selected_at_once(source: DebuggerSource) -> None:
    """End in the list, after a look at an early exit, left that one selected."""
    source.move(Move.CONTINUE, quiet)
    last = len(source.debugger.exits) - 1
    assert settled(source, ask(row=3)).selected == 3
    scene = source.draw(ask(), False)
    assert scene.selected == last == scene.panes["exits"].cursor and "registers" not in scene.panes
    scene = settled(source, ask())
    assert scene.selected == last == scene.panes["exits"].cursor and "registers" in scene.panes


def test_a_run_begins_at_the_moment_that_is_looked_at(source: DebuggerSource) -> None:
    for _ in range(6):
        source.move(Move.EXIT, quiet)
    settled(source, ask(row=2))
    assert source.move(Move.EXIT, quiet).moved
    scene = settled(source, ask())
    assert scene.selected == 3 and scene.panes["exits"].total == 6
    settled(source, ask(row=1))
    assert not source.execute("print $pc", quiet).moved
    assert source.execute("seek exit:4", quiet).moved
    assert settled(source, ask()).selected == 4


def test_a_look_is_given_up_when_something_else_is_wanted(source: DebuggerSource) -> None:
    past = source.debugger.past
    past._timeline = Timeline(source.debugger.system, clock=lambda: 0.0)  # no checkpoint but the first
    source.move(Move.CONTINUE, quiet)
    total, moment, asked = len(source.debugger.exits), source.debugger.system.moment(), list[int]()

    def unwanted(told: Line) -> bool:
        asked.append(source.debugger.position)
        return True

    source.debugger.system.slice = 1  # type: ignore[attr-defined]
    assert source.draw(ask(row=total // 2), False, unwanted).partial and not asked
    scene = source.draw(ask(row=total // 2), False, unwanted)
    assert asked and scene.partial and "registers" not in scene.panes
    settled(source, ask())
    assert len(source.debugger.exits) == total and source.debugger.system.moment() == moment


def test_panes_that_show_the_present_say_so_while_the_guest_runs(source: DebuggerSource) -> None:
    for _ in range(4):
        source.move(Move.EXIT, quiet)
    back = source.draw(ask(row=1), True)
    for kind in ("registers", "irqprio", "tlb", "shadow"):
        assert to_text((back.panes[kind].note,)).startswith("now")
    assert not to_text((back.panes["exits"].note,)).startswith("now")


def test_search_finds_rows_and_goes_around(source: DebuggerSource) -> None:
    for _ in range(4):
        source.move(Move.EXIT, quiet)
    row = source.find("registers", Need(70, 5), "IVPR", 0, 1)
    assert row is not None and source.find("registers", Need(70, 5), "ivpr", row, 1) == row
    assert source.find("registers", Need(70, 5), "no such thing", 0, 1) is None


def test_only_rows_around_the_window_are_made(source: DebuggerSource) -> None:
    source.move(Move.CONTINUE, quiet)
    total = len(source.debugger.exits)
    assert total > 1000
    scene = source.draw(Ask({"exits": Need(70, 10, 500)}), False)
    exits = scene.panes["exits"]
    assert exits.total == total and exits.first <= 500 and len(exits.rows) <= 30
    assert exits.marks[500 - exits.first] == 500


def test_a_filter_keeps_the_selected_exit_or_the_nearest(source: DebuggerSource) -> None:
    source.move(Move.CONTINUE, quiet)
    scene = source.draw(ask(filter="exit == SYSCALL"), False)
    numbers = scene.panes["exits"].marks
    assert numbers and all(source.debugger.exits[n or 0].name == "SYSCALL" for n in numbers)
    kept = source.draw(ask(filter="exit == SYSCALL", keep=numbers[1]), False)
    assert kept.selected == numbers[1] and kept.panes["exits"].cursor == 1
    assert source.draw(ask(filter="exit == SYSCALL", keep=0), False).selected == numbers[0]
    assert source.draw(ask(filter="pc == 3"), False).selected is None
    with pytest.raises(UsageError):
        source.check_filter("no such field == 1")


def test_exits_of_the_same_kind(source: DebuggerSource) -> None:
    source.move(Move.CONTINUE, quiet)
    exits = source.debugger.exits
    first = next(e.number for e in exits if e.name == "SYSCALL")
    second = source.same_kind(first, 1)
    assert second is not None and second > first and exits[second].name == "SYSCALL"
    assert source.same_kind(second, -1) == first
    assert source.same_kind(first, -1) is None


def test_scenes_between_slices_move_on_and_an_interrupt_ends_the_run(source: DebuggerSource) -> None:
    source.debugger.system.slice = 500  # type: ignore[attr-defined]
    seen: list[int] = []

    def between() -> None:
        scene = source.draw(ask(), True)
        check(scene, 70)
        seen.append(source.debugger.position)
        if len(seen) == 5:
            source.interrupt()

    source.move(Move.CONTINUE, between)
    assert len(seen) == 5 and seen == sorted(seen)
    assert source.debugger.system.ended is None
    assert "interrupted" in to_text([source.draw(ask(), False).status])
    source.move(Move.STEP, quiet)
    assert source.debugger.position > seen[-1]


def test_a_late_interrupt_does_not_stop_the_next_run(source: DebuggerSource) -> None:
    source.move(Move.STEP, quiet)
    source.interrupt()
    before = source.debugger.position
    source.move(Move.STEP, quiet)
    assert source.debugger.position == before + 1


def test_breakpoint_key(source: DebuggerSource) -> None:
    address = source.debugger.pc + 8
    assert not source.toggle_breakpoint(address).failed
    assert "●" in text(source.draw(ask(), False).panes["disassembly"])
    source.move(Move.CONTINUE, quiet)
    assert source.debugger.pc == address
    assert "breakpoint 1" in to_text([source.draw(ask(), False).status])
    assert "deleted" in to_text(source.toggle_breakpoint(address).rows)
    assert len(source.debugger.breakpoints) == 0


def test_commands_answer_stop_and_leave(source: DebuggerSource) -> None:
    assert "42" in to_text(source.execute("print 6 * 7", quiet).rows)
    assert source.execute("stepi", quiet).rows == ()
    assert source.execute("quit", quiet).leave
    said = to_text(source.execute("if 1\n  stepi\n  print 7\nend", quiet).rows)
    assert "Stepped: now at" in said and said.endswith("7")
    with pytest.raises(UsageError):
        source.execute("nonsense", quiet)
    found = source.complete("step-e")
    assert (found.start, [one.word for one in found.words]) == (0, ["step-exit"])
    assert found.words[0].about.startswith("Run")
    assert {"continue", "break", "info tlb"} <= {command.name for command in source.commands()}


def test_the_code_window_stands_still_while_pc_stays_in_it(source: DebuggerSource) -> None:
    first = source.draw(ask(), False).panes["disassembly"].first
    source.move(Move.STEP, quiet)
    assert source.draw(ask(), False).panes["disassembly"].first == first


def test_a_filter_looks_through_a_long_list_a_part_at_a_time(
    source: DebuggerSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ppcdbg.tui.source.LOOKED_AT", 300)
    source.move(Move.CONTINUE, quiet)
    totals = []
    for _ in range(100):
        scene = source.draw(ask(filter="did == emul and number + insn >= 0"), False)
        totals.append(scene.panes["exits"].total)
        if not scene.partial:
            break
    assert len(totals) > 3 and totals == sorted(totals)
    assert totals[-1] == sum(any(a.did is Did.EMULATED for a in record.actions) for record in source.debugger.exits)


def test_the_paravirt_pane_lays_out_the_section_that_pc_is_in() -> None:
    debugger = open_guest(SECTIONS, engine="reference")
    source = DebuggerSource(debugger)
    assert "has not asked for it" in text(source.draw(ask(), False).panes["paravirt"])
    debugger.run_until("plain")
    debugger.execute("advance *0x100240")  # behind the look at int_pending
    shown = text(source.draw(ask(), False).panes["paravirt"])
    assert "in a critical section: yes, because critical = r1" in shown
    row = next(r for r in shown.splitlines() if r.startswith("▶"))
    assert "cmpwi" in row and "LOST  LOST until some other exit" in row
    assert "the window: 7 boundaries" in shown and "*critical" in shown


def test_the_races_pane_fills_while_a_search_goes_on_and_leads_to_its_failures() -> None:
    debugger = open_guest("window", engine="reference")
    source = DebuggerSource(debugger)
    assert "No search yet" in text(source.draw(ask(), False).panes["races"])
    notes: list[str] = []

    def between() -> None:
        scene = source.draw(ask(), True)
        check(scene, 120)
        notes.append(to_text([scene.panes["races"].note]))
        if "4 of 6" in notes[-1]:
            source.interrupt()

    reply = source.execute("race", between)
    assert "4 of 6 done; Esc stops it" in notes and "6 of 6 done; Esc stops it" not in notes
    assert "interrupted: 2 of the 3 sites" in to_text(reply.rows)
    pane = source.draw(ask(), False).panes["races"]
    assert any(row.split() == ["wrteei_1", "external", "-------------LLLLLLL.."] for row in text(pane).splitlines())
    follow = [f for f in pane.follow if f is not None]
    assert [f.name for f in follow] == ["race-put decrementer@51", "race-put external@51"]
    assert source.execute(follow[1].name, lambda: None).moved and debugger.system.position == 51
