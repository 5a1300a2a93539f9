"""What one command is, as data. Families make these; the registry finds and runs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

Result = Any
"""A frozen dataclass of ``results``, ``stops`` or ``breakpoints``, or a tuple of those; ``views.results`` shows all."""

Run = Callable[["Debugger", str], Result]
Words = Callable[["Debugger", str], list[str]]


@dataclass(frozen=True, slots=True)
class Statement:
    """One command of a script. ``where`` is ``FILE:LINE``, or empty for what was typed."""

    line: str
    where: str = ""
    block: Block | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """The lines between a command and its ``end``: as statements, split at ``else``, and as they were written."""

    then: tuple[Statement, ...] = ()
    other: tuple[Statement, ...] = ()
    lines: tuple[str, ...] = ()


RunBlock = Callable[["Debugger", str, Block], Result]


@dataclass(frozen=True)
class Command:
    """``name`` may have a space (``info registers``). ``complete`` gives the words that can stand in the argument."""

    name: str
    run: Run
    usage: str
    summary: str
    example: str
    family: str
    aliases: tuple[str, ...] = ()
    complete: Words | None = None
    repeats: bool = False
    """Whether an empty line repeats it, as gdb does for step and x."""
    block: RunBlock | None = None
    """Set where lines up to ``end`` belong to the command; it is then called in place of ``run``."""
    inline: bool = False
    """Whether the lines may stand on its own line instead, behind semicolons; ``run`` then gets them."""
    prose: bool = False
    """Whether the lines of its block are text and not commands."""

    def opens(self, line: str) -> bool:
        """Whether lines up to ``end`` must follow the line."""
        return self.block is not None and not (self.inline and ";" in line)


@dataclass(frozen=True)
class Completion:
    """``words`` may replace ``text[start:]``."""

    start: int
    words: tuple[str, ...]
