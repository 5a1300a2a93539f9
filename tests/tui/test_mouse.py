"""What the mouse does: the run scrubbed over, the gutter, the names of columns; and everything else by the palette."""

from __future__ import annotations

from collections.abc import Callable

from ppcdbg.debugger import open_guest
from ppcdbg.tui.app import PpcdbgApp
from ppcdbg.tui.bars import LEAD
from ppcdbg.tui.opening import Options, make_app
from ppcdbg.tui.palette import Everything
from ppcdbg.tui.scene import Scale
from ppcdbg.tui.snapshot import _settled
from ppcdbg.tui.source import DebuggerSource

from .double import Double
from .screen import text_of, until

Make = Callable[..., PpcdbgApp]


def test_a_scale_has_its_ends() -> None:
    scale = Scale(4, 10, 100, 1100, 150)
    assert [scale.position(part) for part in (-3, 0, 5, 10, 99)] == [100, 100, 600, 1100, 1100]
    assert (scale.beside(1), scale.beside(-1)) == (250, 100)


async def test_the_line_of_the_run_is_scrubbed_over(make_app: Make) -> None:
    source = Double()
    app = make_app(source)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.selected == 100_000)
        await pilot.mouse_down(app.timeline, offset=(LEAD + 4, 0))
        await until(pilot, lambda: source.executed == ["seek 1000"])
        await pilot.hover(app.timeline, offset=(LEAD + 8, 0))
        await until(pilot, lambda: source.executed[-1] == "seek 2000")
        await pilot.mouse_up(app.timeline, offset=(LEAD + 8, 0))
        await pilot.hover(app.timeline, offset=(LEAD + 20, 0))
        await pilot.pause(0.1)
        assert source.executed == ["seek 1000", "seek 2000"]


async def test_the_last_place_that_was_asked_for_is_gone_to(make_app: Make) -> None:
    source = Double()
    app = make_app(source)
    async with app.run_test(size=(120, 36)) as pilot:
        app.scrub(1)
        for position in (2, 3, 4):
            app.scrub(position)
        await until(pilot, lambda: source.executed[-1:] == ["seek 4"])
        assert source.executed == ["seek 1", "seek 4"]
        await pilot.press("f5")
        await until(pilot, lambda: app.worker.running)
        app.scrub(9)
        await pilot.press("escape")
        await until(pilot, lambda: not app.worker.running)
        assert source.executed == ["seek 1", "seek 4"], "a guest that runs is not taken away"


async def test_a_click_at_the_left_edge_of_the_code_is_a_breakpoint(make_app: Make) -> None:
    source = Double()
    app = make_app(source)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: any("c0013a48" in row for row in text_of(app)))
        row = next(i for i in range(1, 9) if app.desk.panes["disassembly"].filled.marks[i - 1] == 0xC0013A48)
        await pilot.click("#disassembly", offset=(1, row))
        await until(pilot, lambda: source.breakpoints == {0xC0013A48})
        await pilot.click("#disassembly", offset=(14, row))
        assert source.breakpoints == {0xC0013A48}


async def test_the_pane_of_the_run_goes_where_one_clicks_and_by_keys() -> None:
    debugger = open_guest("demo", engine="reference")
    debugger.continue_()
    end = debugger.position
    app = make_app(DebuggerSource(debugger), Options("dark", False), {})
    async with app.run_test(size=(120, 36)) as pilot:
        await _settled(app)
        await pilot.press("t")
        await _settled(app)
        scale = app.desk.panes["timeline"].filled.scale
        assert scale is not None and scale.end == end
        await pilot.click(app.desk.panes["timeline"], offset=(1 + scale.column + scale.parts // 2, 2))
        await until(pilot, lambda: not app.worker.busy and debugger.position == scale.position(scale.parts // 2))
        await _settled(app)
        await pilot.press("right")
        await until(pilot, lambda: debugger.position > end // 2 + 1)
        await _settled(app)
        at = debugger.position
        await pilot.press("left")
        await until(pilot, lambda: debugger.position < at)


async def test_the_names_of_columns_order_rows() -> None:
    debugger = open_guest("demo", engine="reference")
    debugger.step_exit(200)
    app = make_app(DebuggerSource(debugger), Options("dark", False), {})
    async with app.run_test(size=(120, 36)) as pilot:
        await _settled(app)
        await pilot.press("9")
        await _settled(app)
        await pilot.click("#statistics", offset=(10, 1))
        await until(pilot, lambda: app.desk.panes["statistics"].order == 1)


async def test_every_action_is_in_the_palette_which_one_click_opens(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.commands)
        titles = {title.lower() for title, _, _ in Everything(app.screen).entries()}
        assert all(key.help.lower() in titles for key in app.keys if key.help and key.action != "command_palette")
        await pilot.click("#status")
        await until(pilot, lambda: len(app.screen_stack) == 2)
