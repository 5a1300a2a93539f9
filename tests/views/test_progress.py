"""What a user who waits is told: nothing at first, then what goes on, how much of it, how fast, and how long still."""

from __future__ import annotations

import pytest

from ppcdbg.debugger import open_guest
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.work import Work
from ppcdbg.views.progress import Progress
from ppcdbg.views.spans import to_text
from tests.guests.expected import SECTIONS


def test_a_way_to_a_position_is_told_from_half_a_second_on() -> None:
    debugger = open_guest("demo", engine="reference")
    now = [0.0]
    progress = Progress(debugger, "Esc", lambda: now[0])
    debugger.runner.between = lambda: shown.append(to_text([progress.line()]))
    shown: list[str] = []
    debugger.system.slice = 500  # type: ignore[attr-defined]
    debugger.continue_(500)
    assert set(shown) == {""}
    now[0] = 1.0
    debugger.continue_(2000)
    assert "Running: 25 % of 2,000 instructions, 0.5 K instructions/s, 3.0 s left. Esc stops it." in shown


def test_slow_work_is_told_in_small_numbers_and_long_waits_in_minutes() -> None:
    debugger = open_guest("demo", engine="reference")
    now, at = [0.0], [0]
    with debugger.works.doing(lambda: Work("looking back", at[0], 50_000_000)):
        progress = Progress(debugger, "Esc", lambda: now[0])
        now[0], at[0] = 2.0, 9_000
        assert to_text([progress.line()]) == (
            "Looking back: 0 % of 50,000,000 instructions, 4.5 K instructions/s, 185 min left. Esc stops it."
        )
        at[0] = 30_000_000
        assert "60 % of 50,000,000 instructions, 15.0 M instructions/s, 1.3 s left" in to_text([progress.line()])


def told(debugger: Debugger, command: str) -> list[str]:
    """What is said during a command, if each pause comes a second after the one before."""
    now, said = [0.0], list[str]()
    progress = Progress(debugger, "Ctrl-C", lambda: now[0])

    def between() -> None:
        now[0] += 1
        if progress.due(1.0):
            said.append(to_text([progress.line()]))

    debugger.runner.between = between
    try:
        debugger.execute(command)
    finally:
        debugger.runner.between = None
    return said


@pytest.mark.parametrize(("command", "says"), [
    ("continue", "Running: {} instructions in {}, exit {}. Ctrl-C stops it."),
    ("seek 9000", "Going back: {} % of {} instructions, {}, {} left. Ctrl-C stops it."),
    ("seek exit:100", "Going there: {} % of {} exits, {} exits/s, {} left. Ctrl-C stops it."),
    ("reverse-continue", "Looking back: {} % of {} instructions, {}, {} left. Ctrl-C stops it."),
    ("writers 0..0xfff", "Running through the past again: {} % of {} instructions, {}, {} left. Ctrl-C stops it."),
    ("last tlb TLB1[0]", "Running through the past again: {} % of {} instructions, {}, {} left. Ctrl-C stops it."),
    ("whatif at 9000; set $r1 = 1", "Comparing two futures: {} % of {} instructions, {}, {} left. Ctrl-C stops it."),
])  # fmt: skip
def test_everything_that_can_take_long_says_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, command: str, says: str
) -> None:
    monkeypatch.setattr("ppcdbg.session.timeline.SPACING", 1e9)  # no checkpoint is near
    debugger = open_guest("demo", engine="reference")
    debugger.system.slice = 200  # type: ignore[attr-defined]
    if command != "continue":
        debugger.continue_(25_000)
    said = told(debugger, command)
    pieces = says.split("{}")
    assert any(all(piece in text for piece in pieces) for text in said), said
    assert all(text.endswith(". Ctrl-C stops it.") for text in said)


def test_a_search_for_races_says_how_many_schedules_it_has_tried() -> None:
    debugger = open_guest(SECTIONS, engine="reference", memory="64M")
    said = told(debugger, "race 3")
    parts = [int(text.split(" %")[0].rpartition(" ")[2]) for text in said if text.startswith("Searching for races: ")]
    assert parts == sorted(parts) and parts[-1] > 50 and len(set(parts)) > 5, said
    assert " schedules/s, " in said[-1] and " left. Ctrl-C stops it." in said[-1]
