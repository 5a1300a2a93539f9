"""Memory as hexadecimal words and characters; what cannot be read shows as dots in place of digits."""

from __future__ import annotations

from collections.abc import Sequence

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.results import Space
from ppcdbg.views.numbers import ea, real
from ppcdbg.views.spans import Line, Span, fit


def rows(debugger: Debugger, address: int, width: int, height: int, space: Space = Space.EA) -> list[Line]:
    """``height`` rows from ``address`` on; 16 bytes a row where they fit, 8 otherwise."""
    per_row = bytes_per_row(width)
    start = address & ~(per_row - 1)
    data = debugger.read_memory(start, per_row * height, space).data
    show = ea if space is Space.EA else real
    return [fit(row(show(start + i * per_row), data[i * per_row : (i + 1) * per_row]), width) for i in range(height)]


def bytes_per_row(width: int) -> int:
    """A power of two that fits: 16 bytes need 65 columns, 8 need 38."""
    return 16 if width >= 65 else 8 if width >= 38 else 4


def row(address: str, data: Sequence[int | None]) -> Line:
    """Address, words, characters."""
    words = []
    for i in range(0, len(data), 4):
        words.append("".join("··" if b is None else f"{b:02x}" for b in data[i : i + 4]))
    text = "".join("·" if b is None else chr(b) if 32 <= b < 127 else "." for b in data)
    return Span(address, "address"), Span("  " + " ".join(words), "number"), Span("  " + text, "text")
