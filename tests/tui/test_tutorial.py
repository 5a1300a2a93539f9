"""The tutorial in the UI: its column goes on by itself, by keys and by Enter on what it says."""

from __future__ import annotations

import pytest

from ppcdbg.debugger import open_guest
from ppcdbg.debugger.chapters import CHAPTERS
from ppcdbg.tui.opening import Options, make_app
from ppcdbg.tui.snapshot import _settled
from ppcdbg.tui.source import DebuggerSource

from .screen import text_of, until

KEYS: tuple[tuple[str, ...], ...] = (
    ("right_square_bracket",),
    (":", *"run-until exit PROGRAM if pc > 0x100600", "enter"),
    ("right_square_bracket",),
    ("left_square_bracket",) * 6,
    ("full_stop", "f5"),
    ("9",),
)
"""What does the steps of the first chapter."""


async def test_the_first_chapter_by_keys() -> None:
    debugger = open_guest("demo")
    debugger.lessons.begin(1)
    app = make_app(DebuggerSource(debugger), Options("dark", False), {})
    async with app.run_test(size=(120, 36)) as pilot:
        await _settled(app)
        for place, keys in enumerate(KEYS, 1):
            assert f"What an exit is  {place}/6" in "\n".join(text_of(app)), place
            for key in keys:
                await pilot.press(key)
                await _settled(app)
            app.ask_again()
            await _settled(app)
            await pilot.pause(0.02)
        assert CHAPTERS[0].ends.split()[0] in "\n".join(text_of(app))
        assert "The chapter is done." in "\n".join(text_of(app))


SIZES = ((80, 24), (120, 36), (120, 36), (220, 60), (120, 36))


@pytest.mark.parametrize(
    ("number", "size"), [*zip(range(1, 6), SIZES, strict=True)], ids=[chapter.name for chapter in CHAPTERS]
)
async def test_every_chapter_by_enter_alone(number: int, size: tuple[int, int]) -> None:
    """The cursor of the column is always on what is to be done next."""
    chapter = CHAPTERS[number - 1]
    debugger = open_guest(chapter.opens)
    debugger.lessons.begin(number)
    app = make_app(DebuggerSource(debugger), Options("dark", False), {})
    async with app.run_test(size=size) as pilot:
        await _settled(app)
        for step in chapter.steps:
            for line in step.do:
                await pilot.press("u")
                await _settled(app)
                pane = app.desk.panes["tutorial"]
                assert pane.box.width and app.focused is pane
                follow = pane.followed()
                assert follow is not None and follow.name == line
                await pilot.press("enter")
                await _settled(app)
                await pilot.press("escape")
                await _settled(app)
                await pilot.pause(0.02)
        shown = debugger.lessons.look()
        assert shown is not None and shown.ended and app.crash is None


async def test_leaving_for_the_guest_of_the_next_chapter() -> None:
    debugger = open_guest("demo")
    debugger.lessons.reopens = True
    debugger.lessons.begin(3)
    app = make_app(DebuggerSource(debugger), Options("dark", False), {})
    async with app.run_test(size=(120, 36)) as pilot:
        await _settled(app)
        for _ in range(7):
            app.worker.execute("tutorial next")
            await _settled(app)
        await pilot.pause(0.1)
    assert debugger.lessons.wanted == 4 and app.return_code == 0


async def test_the_exits_begin_again_where_the_guest_went_back_to_before_the_first() -> None:
    """Their window stood where none of the rows was that it got, and asked for others for ever."""
    app = make_app(DebuggerSource(open_guest("demo-e500v2-kvm")), Options("dark", False), {})
    async with app.run_test(size=(120, 36)) as pilot:
        for line in ("seek exit:1870", "seek start"):
            app.worker.execute(line)
            await _settled(app)
            await pilot.pause(0.1)
        assert app.settled and app.desk.panes["exits"].top == 0


async def test_which_exit_is_most_frequent_from_where_and_why_takes_three_keys() -> None:
    app = make_app(DebuggerSource(open_guest("demo", engine="reference")), Options("dark", False), {})
    async with app.run_test(size=(120, 36)) as pilot:
        await _settled(app)
        for key in ("f5", "9", "enter"):
            await pilot.press(key)
            await _settled(app)
        await until(
            pilot, lambda: "are DTLB_MISS; 88 % of these come from puts" in " ".join(" ".join(text_of(app)).split())
        )
        assert "It is no RAM: KVM wrote 1 byte to serial0" in " ".join(" ".join(text_of(app)).split())
