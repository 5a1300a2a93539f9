"""The world switch and the nested exit as panes: stepped by the keys that step the guest elsewhere, and led from."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppcdbg.debugger import open_guest
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.tui.opening import Options, make_app
from ppcdbg.tui.scene import Ask, Need
from ppcdbg.tui.snapshot import _settled
from ppcdbg.tui.source import DebuggerSource
from ppcdbg.views.spans import to_text

from .screen import text_of, until


@pytest.fixture
def demo() -> Debugger:
    return open_guest("demo", engine="reference")


async def test_the_keys_step_the_switch_and_not_the_guest(demo: Debugger) -> None:
    app = make_app(DebuggerSource(demo), Options("dark", False), {})
    switch = demo.world_switch
    async with app.run_test(size=(120, 36)) as pilot:
        await _settled(app)
        await pilot.press("w")
        steps = (("f11", "load.1"), ("f10", "load.2"), ("shift+f11", "load.1"), ("f5", ""), ("shift+f5", "load.0"))
        for key, name in steps:
            await pilot.press(key)
            await until(pilot, lambda name=name: not app.worker.busy and switch.last.name == name)
            assert (switch.last.over == "guest") == (key == "f5")
        await pilot.press("f3", *["f3"] * 5)
        await until(pilot, lambda: app.desk.choice.desktop == "switch")
        await pilot.press("W", "f10", "v")
        await until(pilot, lambda: any(row.endswith(" host ━") and "Whose registers · changed" in row
                                       for row in text_of(app)))  # fmt: skip
        await pilot.press("w", "down", "down", "down", "enter")
        await until(pilot, lambda: not app.worker.busy and switch.last.name == "load.5")
        await pilot.press("c", *"critical", "enter", "f11")
        await until(pilot, lambda: any("host vector" in row for row in text_of(app)))
        assert demo.position == 0 and app.crash is None


async def test_a_key_that_the_pane_has_no_use_for_does_not_run_the_guest(demo: Debugger) -> None:
    app = make_app(DebuggerSource(demo), Options("dark", False), {})
    async with app.run_test(size=(120, 36)) as pilot:
        await _settled(app)
        await pilot.press("w", "shift+f10", "1", "]")
        await until(pilot, lambda: not app.worker.busy and len(demo.exits) == 1)
        assert demo.world_switch.last.name == "load.0"


def test_what_a_search_found_leads_to_its_runs(demo: Debugger) -> None:
    source = DebuggerSource(demo)
    ask = Ask({"switch": Need(100, 30, None, "events"), "nested": Need(80, 20), "log": Need(80, 20)}, 100)
    notes = []

    def between() -> None:
        notes.append(to_text([source.draw(ask, True).panes["switch"].note]))
        if "1 of 2" in notes[-1]:
            source.interrupt()

    assert "No search yet" in to_text(source.draw(ask, False).panes["switch"].rows)
    source.execute("world-switch table dmiuh-last linux", between)
    assert notes[0] == "0 of 2; Esc stops it" and notes[-1] == "1 of 2; Esc stops it"
    pane = source.draw(ask, False).panes["switch"]
    leads = [(row, follow.name) for row, follow in zip(pane.rows, pane.follow, strict=True) if follow]
    assert all(to_text([row]).strip() == name.replace("world-switch replay", "--replay") for row, name in leads)
    assert ("world-switch replay dmiuh-last:data-miss@entry.12") in [name for _, name in leads]
    source.execute(leads[0][1], lambda: None)
    assert demo.world_switch.last.name == "entry.12"


def test_an_audit_is_shown_in_its_pane_and_told_in_a_sentence(demo: Debugger, tmp_path: Path) -> None:
    source = DebuggerSource(demo)
    needs = {view: Ask({"nested": Need(100, 20, None, view)}, 100) for view in ("wrong", "fields")}
    assert "No nested exit was audited yet" in to_text(source.draw(needs["wrong"], False).panes["nested"].rows)
    source.draw(needs["wrong"], False)
    reply = source.execute("nested-example tsc-offset", lambda: None)
    assert len(reply.rows) == 1 and "the first that is wrong is tsc_offset" in to_text(reply.rows)
    assert "rule     " in to_text(source.draw(needs["wrong"], False).panes["nested"].rows)
    first = to_text(source.draw(needs["fields"], False).panes["nested"].rows).splitlines()[0].split()
    assert first[:2] == ["N2", "tsc_offset"] and first[2] != first[3] and first[4] == "wrong"
