"""Memory as hexadecimal words or bytes and characters; what cannot be read shows as dots in place of digits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.results import Space
from ppcdbg.views.numbers import ea, real
from ppcdbg.views.spans import Line, Span, fit

WIDE = 63
"""Columns of sixteen bytes with their characters."""
BY_BYTES = 76
POINTERS = 14
"""Columns beyond that in which the registers that point to a row are named."""


@dataclass(frozen=True)
class Block:
    """Rows of sixteen bytes, and the first word of each, None where it cannot be read."""

    rows: tuple[Line, ...]
    first_words: tuple[int | None, ...]


def block(
    debugger: Debugger, address: int, height: int, width: int, space: Space = Space.EA, by_bytes: bool = False
) -> Block:
    """``height`` rows of sixteen bytes from ``address`` on, with the registers that point there."""
    data = debugger.read_memory(address, 16 * height, space).data
    show = ea if space is Space.EA else real
    pointers: dict[int, list[str]] = {}
    if space is Space.EA and width >= (BY_BYTES if by_bytes else WIDE) + POINTERS:
        for name in ("r1", *(f"r{n}" for n in range(32) if n != 1), "pc", "lr", "ctr"):
            pointers.setdefault(debugger.register_file.read(name) & ~15, []).append(name)
    rows: list[Line] = []
    words: list[int | None] = []
    for i in range(height):
        at, part = address + 16 * i, data[16 * i : 16 * i + 16]
        shown = row(show(at), part, by_bytes)
        if width < (BY_BYTES if by_bytes else WIDE):
            shown = shown[:-1]  # half the characters help nobody
        names = pointers.get(at)
        if names:
            shown = (*shown, Span("  ← " + " ".join(names), "register"))
        rows.append(fit(shown, width))
        first = [b for b in part[:4] if b is not None]
        words.append(int.from_bytes(bytes(first), "big") if len(first) == 4 else None)
    return Block(tuple(rows), tuple(words))


def heading(width: int, by_bytes: bool = False) -> Line:
    """Offsets above the columns."""
    offsets = (
        " ".join(f"{i:02x}" for i in range(16)) if by_bytes else " ".join(f"+{i:x}".ljust(8) for i in (0, 4, 8, 12))
    )
    return fit((Span("address   " + offsets, "label"),), width)


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


def row(address: str, data: Sequence[int | None], by_bytes: bool = False) -> Line:
    """Address, words or bytes, characters; zeroes are quiet."""
    step = 1 if by_bytes else 4
    spans: list[Span] = [Span(address, "address"), Span(" ")]
    for i in range(0, len(data), step):
        part = data[i : i + step]
        text = "".join("··" if b is None else f"{b:02x}" for b in part)
        spans.append(Span(" " + text, "number" if any(part) else "dim"))
    text = "".join("·" if b is None else chr(b) if 32 <= b < 127 else "." for b in data)
    return (*spans, Span("  " + text, "text"))
