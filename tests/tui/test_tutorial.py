"""The tutorial in the UI: its column goes on by itself, by keys and by Enter on what it says."""

from __future__ import annotations

import pytest

from ppcdbg.debugger import open_guest
from ppcdbg.debugger.chapters import CHAPTERS
from ppcdbg.tui.opening import Options, make_app
from ppcdbg.tui.panes.table import KINDS
from ppcdbg.tui.snapshot import _settled
from ppcdbg.tui.source import DebuggerSource

from .screen import text_of, until

PRESSED = {
    "]": ("right_square_bracket",), "[ until it is selected": ("left_square_bracket",) * 6, "F5": ("f5",), "9": ("9",),
    "e": ("e",), "4; then z for all its columns, and z again": ("4", "z", "z"), "6": ("6",), "p": ("p",),
    "Shift-F11 three times": ("shift+f11",) * 3,
}  # fmt: skip
"""The keys that steps speak of."""


@pytest.mark.parametrize(("number", "shown"), [(1, False), (2, False), (3, True), (4, True), (5, False)])
async def test_every_chapter_by_what_it_says_to_press(number: int, shown: bool) -> None:
    """A key did nothing for its step where the pane was on the screen already, or stood before the step was seen."""
    chapter = CHAPTERS[number - 1]
    debugger = open_guest(chapter.opens)
    debugger.lessons.begin(number)
    app = make_app(DebuggerSource(debugger), Options("dark", False), {})
    async with app.run_test(size=(80, 24)) as pilot:
        await _settled(app)
        for place, step in enumerate(chapter.steps, 1):
            keys = PRESSED[step.key] if step.key else ()
            after = PRESSED[chapter.steps[place].key] if place < len(chapter.steps) and chapter.steps[place].key else ()
            if shown and after and after[0] in {kind.key for kind in KINDS}:
                await pilot.press(after[0])
                await _settled(app)
            for line in () if keys else step.do:
                app.worker.execute(line)
                await _settled(app)
                await pilot.pause(0.02)
            for key in keys:
                await pilot.press(key)
                await _settled(app)
                await pilot.pause(0.02)
            found = debugger.lessons.look()
            assert found is not None and (found.step > place or found.ended), (step, "\n".join(text_of(app)))
            if place < len(chapter.steps):
                assert not app.desk.choice.zoom or not keys, "a long answer makes room for what comes next"
        if number == 5:  # its last answer is short
            assert not app.desk.choice.zoom
        await pilot.press("escape", "u")
        told = "This was the last chapter." if number == 5 else "The chapter is done. The next:"
        await until(pilot, lambda: told in "\n".join(text_of(app)))
        assert app.crash is None


async def test_a_chapter_begun_in_the_ui_has_room_and_enter_goes_on() -> None:
    """It came into the corner where the tutorial's list had stood, five rows of it."""
    debugger = open_guest("demo")
    app = make_app(DebuggerSource(debugger), Options("dark", False), {})
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "u is a tutorial." in " ".join(" ".join(text_of(app)).split()))
        await pilot.press("u", "enter")
        await until(pilot, lambda: app.desk.choice.desktop == "teaching")
        await _settled(app)
        pane = app.desk.panes["tutorial"]
        assert app.focused is pane and pane.box.height > 12 and "Enter does it" in "\n".join(text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: len(debugger.exits) == 1)


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
