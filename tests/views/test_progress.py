"""What a user who waits is told: nothing at first, then how much, how fast, and how long still."""

from __future__ import annotations

from ppcdbg.debugger import open_guest
from ppcdbg.views.progress import Progress, running
from ppcdbg.views.spans import to_text


def test_a_way_to_a_position_is_told_from_half_a_second_on() -> None:
    debugger = open_guest("demo", engine="reference")
    now = [0.0]
    progress = Progress(debugger, 2000, lambda: now[0])
    assert progress.line("looking back") == ()
    debugger.continue_(500)
    now[0] = 1.0
    told = to_text([progress.line("looking back")])
    assert told == "Looking back: 25 % of the way, 0.0 M instructions/s, 3.0 s left. Esc stops it."


def test_a_run_tells_its_rate_and_what_remains_where_there_is_a_goal() -> None:
    debugger = open_guest("demo", engine="reference")
    told: list[str] = []
    debugger.system.slice = 100  # type: ignore[attr-defined]
    debugger.runner.between = lambda: told.append(to_text([running(debugger, 0, 2.0)]))
    debugger.continue_(4000)
    assert "% of the way" in told[3] and "s left" in told[3] and "Esc interrupts it." in told[3]
    told.clear()
    debugger.execute("seek 9000")
    assert any("% of the way" in text for text in told)
    told.clear()
    debugger.continue_()
    assert told and not any("of the way" in text for text in told)
    assert to_text([running(debugger, 0, 0.1)]) == "The guest runs. Esc interrupts it."
