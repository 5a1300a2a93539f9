"""The tutorial: every step is done by what it says, and by nothing less."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ppcdbg.cli.main import main
from ppcdbg.debugger import UsageError, open_guest
from ppcdbg.debugger.chapters import CHAPTERS
from ppcdbg.debugger.commands.registry import find
from ppcdbg.debugger.lessons import Contents, Lesson
from ppcdbg.debugger.results import Quit
from ppcdbg.views import lessons as views
from ppcdbg.views.spans import to_text

NUMBERS = range(1, len(CHAPTERS) + 1)
COLUMN = 34
"""Columns of the pane where the screen has 120."""


@pytest.mark.parametrize("number", NUMBERS, ids=[chapter.name for chapter in CHAPTERS])
def test_each_step_is_done_by_what_it_says(number: int) -> None:
    chapter = CHAPTERS[number - 1]
    debugger = open_guest(chapter.opens)
    shown = debugger.execute(f"tutorial {number}")
    for place, step in enumerate(chapter.steps, 1):
        assert isinstance(shown, Lesson)
        assert (shown.step, shown.text, shown.ended) == (place, step.text, False)
        for n, line in enumerate(step.do):
            assert debugger.lessons.look() == replace(shown, done=step.do[:n]), f"{line!r} is not needed"
            debugger.execute(line)
        shown = debugger.lessons.look()
    assert shown is not None and shown.ended and shown.text == chapter.ends


@pytest.mark.parametrize("number", [1, 2, 3], ids=[chapter.name for chapter in CHAPTERS[:3]])
def test_a_step_is_not_done_by_another_motion(number: int) -> None:
    """A step that brings the guest somewhere else, or a look at something else, leaves the step where it is."""
    debugger = open_guest("demo")
    for place, step in enumerate(CHAPTERS[number - 1].steps):
        debugger.execute(f"tutorial {number}")
        for _ in range(place):
            debugger.execute("tutorial next")
        debugger.execute("print 1")
        if place or number > 1:  # from the beginning, one instruction is an exit
            debugger.execute("stepi")
        shown = debugger.lessons.look()
        assert shown is not None and shown.text == step.text


def test_commands_that_are_waited_for_are_commands() -> None:
    for chapter in CHAPTERS:
        for step in chapter.steps:
            assert step.when or step.asked
            assert all(find(name)[0].name == name for name in step.asked)


def test_steps_are_short() -> None:
    for chapter in CHAPTERS:
        assert 3 <= len(chapter.steps) <= 6
        assert all(len(step.text) <= 6 * 60 for step in chapter.steps)


def test_it_can_be_left_and_steps_passed_over() -> None:
    debugger = open_guest("demo")
    assert isinstance(debugger.execute("tutorial"), Contents)
    assert debugger.execute("tutorial next").step == 1
    assert debugger.execute("tutorial next").step == 2
    assert debugger.execute("tutorial back").step == 1
    with pytest.raises(UsageError, match="first step"):
        debugger.execute("tutorial back")
    debugger.execute("tutorial leave")
    assert debugger.lessons.look() is None
    with pytest.raises(UsageError, match="no chapter 'nine'; there are 1 exit"):
        debugger.execute("tutorial nine")


def test_chapters_follow_each_other_and_begin_at_the_first_instruction() -> None:
    debugger = open_guest("demo")
    debugger.execute("tutorial exit")
    debugger.execute("step-exit")
    for _ in CHAPTERS[0].steps[1:]:
        shown = debugger.execute("tutorial next")
    assert shown.ended
    assert debugger.execute("tutorial next").title == CHAPTERS[1].title
    assert debugger.position == 0


def test_a_chapter_about_another_guest_says_how_to_open_it() -> None:
    debugger = open_guest("demo")
    with pytest.raises(UsageError, match="guest window; begin it with `ppcdbg tutorial 4`"):
        debugger.execute("tutorial 4")
    debugger.lessons.reopens = True
    assert debugger.execute("tutorial race") == Quit()
    assert debugger.lessons.wanted == 4


def test_a_bare_machine_is_no_guest_of_it() -> None:
    with pytest.raises(UsageError, match="about the guest demo"):
        open_guest("demo", hv="none").execute("tutorial 1")


def test_rows_lead_to_what_they_say() -> None:
    debugger = open_guest("window")
    shown = debugger.execute("tutorial 4")
    places = views.places(shown, COLUMN)
    assert all(len(to_text((row,))) <= COLUMN for row, _ in places)
    assert {lead for _, lead in places} == {"", "run-until critical entered", "tutorial next"}
    contents = views.chapters(debugger.lessons.contents(), COLUMN)
    assert [lead for _, lead in contents if lead] == ["tutorial 4"]


def test_the_prompt_shows_the_next_step_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    commands = ["-c", "tutorial 1", "-c", "print 77771", "-c", "step-exit", "-c", "print 77772"]
    assert main(["repl", "demo", "-n", *commands]) == 0
    said = capsys.readouterr().out
    assert said.count("What an exit is  1/6") == said.count("What an exit is  2/6") == 1
    assert said.index("77771") < said.index("Exit 0") < said.index("2/6") < said.index("77772")
