"""The tutorial's command. What is taught is in ``debugger.chapters``, how far one is in ``debugger.lessons``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.debugger.chapters import CHAPTERS
from ppcdbg.debugger.commands.command import Command, Result
from ppcdbg.debugger.lessons import Contents, Lesson, chapter_number
from ppcdbg.debugger.results import Note, Quit

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger


def tutorial(debugger: Debugger, argument: str) -> Lesson | Contents | Note | Quit:
    """Quit where another guest has to be opened for what was asked for, and whoever opened this one will do it."""
    lessons, word = debugger.lessons, argument.strip()
    if word == "leave":
        lessons.leave()
        return Note("The tutorial is left; the guest stays where it is.")
    here = True
    if word in ("next", "back"):
        here = lessons.go(1 if word == "next" else -1)
    elif word:
        here = lessons.begin(chapter_number(word))
    if not here:
        return Quit()
    return lessons.told() or lessons.contents()


def _words(debugger: Debugger, argument: str) -> list[str]:
    return ["next", "back", "leave", *(chapter.name for chapter in CHAPTERS)]


def _run(debugger: Debugger, argument: str) -> Result:
    return tutorial(debugger, argument)


COMMANDS: tuple[Command, ...] = (
    Command(
        "tutorial",
        _run,
        "tutorial [CHAPTER | next | back | leave]",
        "Learn by doing: begin a chapter, at the guest's first instruction; what is to be done now; skip a step.",
        "tutorial 1",
        "other",
        (),
        _words,
    ),
)
