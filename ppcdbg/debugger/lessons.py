"""The tutorial on one debugger: which step is shown, and whether the user has done it.

Whoever shows it asks with :meth:`Lessons.look`, which goes on to the next step when this one was done; so it does not
matter by which door, by a command or by a key, it was done. What the steps are is in :mod:`ppcdbg.debugger.chapters`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ppcdbg.debugger.chapters import CHAPTERS, Chapter, Step
from ppcdbg.debugger.expressions import compile_expression
from ppcdbg.debugger.scope import DebuggerScope
from ppcdbg.errors import UsageError
from ppcdbg.session.places import Key

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger


@dataclass(frozen=True)
class Lesson:
    """What is shown: step ``step`` of ``steps``, both counted from 1. ``do`` are command lines, ``done`` those of them
    that were carried out; ``key`` does the same in the UI. ``ended``: the chapter is done, and ``text`` says what came
    of it; ``number`` is the chapter's, and ``further`` says whether one comes after it."""

    number: int
    title: str
    step: int
    steps: int
    text: str
    do: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    key: str = ""
    ended: bool = False
    further: bool = False


@dataclass(frozen=True)
class ChapterRow:
    """One chapter in the list. ``here``: whether it can be begun on the guest at hand."""

    number: int
    name: str
    title: str
    opens: str
    here: bool


@dataclass(frozen=True)
class Contents:
    """All chapters."""

    rows: tuple[ChapterRow, ...]


@dataclass
class _Place:
    """A step that is shown, and what has been since it began. ``step`` counts from 0; behind the last, it has ended."""

    chapter: int
    step: int
    began: Key
    carried_out: set[str] = field(default_factory=set)
    lines: set[str] = field(default_factory=set)


class Lessons:
    """``reopens``: whoever opened this guest opens another when the user leaves with ``wanted`` set."""

    def __init__(self, debugger: Debugger) -> None:
        self._debugger = debugger
        self._place: _Place | None = None
        self._told: tuple[int, int] | None = None
        self.reopens = False
        self.wanted: int | None = None
        """The chapter that the user asked for and that is about another guest."""

    # --- what is shown ----------------------------------------------------------------------------------------------
    @property
    def on(self) -> bool:
        """Whether a chapter is being gone through."""
        return self._place is not None

    def look(self) -> Lesson | None:
        """The step that is to be done now, after all that was done; None where no chapter was begun."""
        place = self._place
        if place is None:
            return None
        if not self._debugger.running:
            while place.step < len(CHAPTERS[place.chapter].steps) and self._done(place):
                place = self._at(place.chapter, place.step + 1)
        return _shown(place)

    def told(self) -> Lesson | None:
        """As ``look``, and it counts as told."""
        found = self.look()
        self._told = None if self._place is None else (self._place.chapter, self._place.step)
        return found

    def news(self) -> Lesson | None:
        """The step that is shown now, where that is another than was told last."""
        found = self.look()
        place = self._place
        if place is None or (place.chapter, place.step) == self._told:
            return None
        self._told = place.chapter, place.step
        return found

    def contents(self) -> Contents:
        """The chapters."""
        return Contents(tuple(
            ChapterRow(n, c.name, c.title, c.opens, self._fits(c)) for n, c in enumerate(CHAPTERS, 1)
        ))  # fmt: skip

    # --- what the user does -----------------------------------------------------------------------------------------
    def carried_out(self, command: str, line: str = "") -> None:
        """A command was carried out, by that line, or the UI shows what it prints."""
        if self._place is not None:
            self._place.carried_out.add(command)
            self._place.lines.add(line)

    def begin(self, number: int) -> bool:
        """Begin a chapter, at the first instruction of its guest; false where whoever opened this guest must open that
        one first. Raises UsageError where nobody will."""
        chapter = CHAPTERS[number - 1]
        if not self._fits(chapter):
            if not self.reopens:
                how = f"`ppcdbg tutorial {number}`, or `ppcdbg repl {chapter.opens} -c 'tutorial {number}'`"
                raise UsageError(f"chapter {number} is about the guest {chapter.opens}; begin it with {how}")
            self.wanted = number
            return False
        if self._debugger.past.here > (0, 0):
            self._debugger.past.seek(0)
        self._at(number - 1, 0)
        return True

    def go(self, step: int) -> bool:
        """To the next step (1) or the one before (-1), from the last one to the next chapter; false as ``begin``."""
        self.look()
        place = self._place
        if place is None:
            return self.begin(1)
        at = place.step + step
        if at > len(CHAPTERS[place.chapter].steps):
            if place.chapter + 1 == len(CHAPTERS):
                raise UsageError("this was the last chapter; 'tutorial' with a number begins one again")
            return self.begin(place.chapter + 2)
        if at < 0:
            raise UsageError("this is the first step of the chapter; 'tutorial' with a number begins another one")
        self._at(place.chapter, at)
        return True

    def leave(self) -> None:
        """No chapter is gone through any more; the guest stays where it is."""
        self._place = self._told = None

    def _at(self, chapter: int, step: int) -> _Place:
        self._place = _Place(chapter, step, self._debugger.past.here)
        return self._place

    def _fits(self, chapter: Chapter) -> bool:
        image = self._debugger.image
        return self._debugger.guest.kind == "pr" and image is not None and image.stem == chapter.image

    def _done(self, place: _Place) -> bool:
        step: Step = CHAPTERS[place.chapter].steps[place.step]
        if place.carried_out & {*step.asked}:
            return True
        return bool(step.when) and self._debugger.past.here != place.began and self._holds(step.when)

    def _holds(self, condition: str) -> bool:
        try:
            return compile_expression(condition, DebuggerScope(self._debugger, on_exits=True)).true()
        except UsageError:  # it asks for a field of an exit, and there was none yet
            return False


def chapter_number(text: str) -> int:
    """A chapter by its number or name. Raises UsageError."""
    for number, chapter in enumerate(CHAPTERS, 1):
        if text in (str(number), chapter.name):
            return number
    names = ", ".join(f"{n} {c.name}" for n, c in enumerate(CHAPTERS, 1))
    raise UsageError(f"there is no chapter {text!r}; there are {names}")


def _shown(place: _Place) -> Lesson:
    chapter, number = CHAPTERS[place.chapter], place.chapter + 1
    steps = len(chapter.steps)
    if place.step == steps:
        further = number < len(CHAPTERS)
        return Lesson(number, chapter.title, steps, steps, chapter.ends, ended=True, further=further)
    step = chapter.steps[place.step]
    done = tuple(line for line in step.do if line in place.lines)
    return Lesson(number, chapter.title, place.step + 1, steps, step.text, step.do, done, step.key)
