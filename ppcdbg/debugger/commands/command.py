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


@dataclass(frozen=True)
class Completion:
    """``words`` may replace ``text[start:]``."""

    start: int
    words: tuple[str, ...]
