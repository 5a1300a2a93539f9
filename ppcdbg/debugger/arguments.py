"""Small pieces of command arguments: counts, flags, gdb's /NFU formats, lists of numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ppcdbg.errors import UsageError
from ppcdbg.paths import named

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

MOST = 1_000_000_000
_FORMAT = re.compile(r"/(-?\d*)([a-zA-Z]*)(?:\s+|$)")
_FORMATS = "xduotacsifz"
_SIZES = {"b": 1, "h": 2, "w": 4, "g": 8}


@dataclass(frozen=True, slots=True)
class Format:
    """gdb's /NFU: count, letter of ``xduotacsifz`` (empty: not given), size in bytes (0: not given)."""

    count: int = 1
    letter: str = ""
    size: int = 0


def count_of(debugger: Debugger, text: str, default: int = 1) -> int:
    """A positive count from an expression."""
    if not text.strip():
        return default
    value = debugger.evaluate(text).number
    if not 1 <= value <= MOST:
        raise UsageError(f"{text.strip()!r} is {value}; a count between 1 and {MOST} is needed")
    return value


def flag(text: str, name: str) -> tuple[bool, str]:
    """Whether an option stands among the words, and the text without it."""
    words = text.split()
    if name not in words:
        return False, text
    words.remove(name)
    return True, " ".join(words)


def format_of(text: str) -> tuple[Format, str]:
    """A leading ``/NFU`` and the rest."""
    if not text.startswith("/"):
        return Format(), text.strip()
    found = _FORMAT.match(text)
    if found is None:
        raise UsageError(f"{text.split()[0]!r} is not a format; it is /COUNT, a letter of {_FORMATS}, a size of bhwg")
    letter, size = "", 0
    for c in found.group(2).lower():
        if c in _SIZES:
            size = _SIZES[c]
        elif c in _FORMATS:
            letter = c
        else:
            raise UsageError(f"{c!r} is neither a format ({_FORMATS}) nor a size (bhwg)")
    count = int(found.group(1)) if found.group(1) not in ("", "-") else 1
    if not 0 < count <= 100_000:
        raise UsageError(f"a count of {count} is not between 1 and 100000")
    return Format(count, letter, size), text[found.end() :].strip()


def numbers_of(text: str, what: str) -> list[int]:
    """Numbers and ranges separated by blanks or commas: ``1 3-5``."""
    out: list[int] = []
    for word in text.replace(",", " ").split():
        first, dash, last = word.partition("-")
        if not first.isdecimal() or dash and not last.isdecimal() or len(word) > 12:
            raise UsageError(f"{word!r} is not a {what} number")
        if dash and int(last) - int(first) > 100_000:
            raise UsageError(f"the range {word} is too long")
        out += range(int(first), int(last or first) + 1) if dash else [int(first)]
    return out


def file_of(debugger: Debugger, text: str) -> Path:
    """The file that an argument names. Raises UsageError where who gives commands may name none."""
    if not debugger.files:
        raise UsageError("commands from another machine may not name files of this one; serve on 127.0.0.1 to allow it")
    return named(text.strip('"'))
