"""Every screen on the real demo guest: each pane in each view as text, each layout as a picture, pinned.

Pictures are pinned without what rich makes new for each (identifiers) and what a release of textual may change (the
sheet of styles that nothing uses). Renew both with ``pytest --snapshot-update``, and look at them.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from ppcdbg.debugger import open_guest
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.tui.layout import DESKTOPS, Choice
from ppcdbg.tui.opening import Options, make_app, picture
from ppcdbg.tui.panes.table import KINDS
from ppcdbg.tui.snapshot import _settled, take
from ppcdbg.tui.source import DebuggerSource
from ppcdbg.tui.styles import TRUE_COLOUR
from ppcdbg.views.results import lines

from .screen import text_of


class Picture(SingleFileSnapshotExtension):
    """One SVG file a picture."""

    _write_mode = WriteMode.TEXT
    file_extension = "svg"


@pytest.fixture(scope="module")
def demo() -> Debugger:
    """The demo with everything to show: mapped pages, interrupts taken, text printed, a patched magic page."""
    debugger = open_guest("demo", engine="reference")
    debugger.execute('break console "magic"')
    debugger.continue_()
    debugger.execute("break exit PROGRAM if nip > 0x100000")
    debugger.execute("tbreak puts")
    debugger.continue_()
    debugger.step(3)
    debugger.execute("world-switch table linux")
    debugger.execute("world-switch until dmiuh")
    debugger.execute("nested-example cr0-copied")
    return debugger


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.command], ids=lambda kind: kind.name)
def test_the_command_of_a_pane_prints_the_same_at_a_prompt(demo: Debugger, kind) -> None:  # noqa: ANN001
    if kind.command.startswith("x/"):
        assert lines(demo.execute(kind.command), demo, 100)
    else:
        text = "\n".join("".join(s.text for s in row) for row in lines(demo.execute(kind.command), demo, 100))
        assert text.strip(), kind.name


async def test_every_pane_and_view(demo: Debugger, snapshot: SnapshotAssertion) -> None:
    app = make_app(DebuggerSource(demo), Options("dark", False), {})
    async with app.run_test(size=(100, 30)) as pilot:
        await _settled(app)
        for kind in KINDS:
            await pilot.press(kind.key, "z")
            for view in kind.views or ("",):
                await _settled(app)
                await pilot.pause(0.02)
                shown = "\n".join(row.rstrip() for row in text_of(app))
                shown = re.sub(r"(?m)^ checkpoints .*$", " checkpoints", shown)  # where they lie is the host's speed
                assert kind.command == "" or app.desk.panes[kind.name].filled.rows, (kind.name, view)
                assert shown == snapshot(name=f"{kind.name} {view}".strip())
                if kind.views:
                    await pilot.press("v")
            await pilot.press("z")


async def test_every_row_that_leads_somewhere_leads_there() -> None:
    debugger = open_guest("demo", engine="reference")
    debugger.step_exit(1400)
    debugger.execute("bookmark here")
    debugger.execute("break puts")
    app = make_app(DebuggerSource(debugger), Options("dark", False), {})
    async with app.run_test(size=(100, 30)) as pilot:
        await _settled(app)
        for kind in KINDS:
            for view in kind.views or ("",):
                await pilot.press(kind.key)
                pane = app.desk.panes[kind.name]
                pane.view = view
                app.ask_again()
                await _settled(app)
                places = [i for i, follow in enumerate(pane.filled.follow) if follow is not None]
                for place in places[-1:]:
                    pane.lead(pane.filled.first + place)
                    await _settled(app)
                    await pilot.press("enter")
                    await _settled(app)
                    await pilot.press("escape", "backspace", "full_stop")
                    await _settled(app)
        assert app.crash is None and app.is_running


@pytest.mark.parametrize("name", DESKTOPS)
def test_every_layout_as_a_picture(demo: Debugger, name: str, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    app = make_app(DebuggerSource(demo), Options("dark", False, depth=TRUE_COLOUR), {})
    app.desk.choice = Choice(name)
    take(app, tmp_path / "screen.svg", (120, 36))
    assert plain((tmp_path / "screen.svg").read_text()) == snapshot(extension_class=Picture)


@pytest.mark.parametrize("keys", ["question_mark", "4 z v", "9 z", "x z", "2 z"])
def test_single_screens_as_pictures(demo: Debugger, keys: str, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    picture(demo, tmp_path / "screen.svg", (100, 30), keys.split(), theme="light")
    assert plain((tmp_path / "screen.svg").read_text()) == snapshot(extension_class=Picture)


def plain(svg: str) -> str:
    """A picture without identifiers, and without the fonts that it names."""
    svg = re.sub(r"terminal-\d+", "terminal", svg)
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.S)
