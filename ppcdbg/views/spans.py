"""What every view is made of: spans of text with a role, in lines.

A role is a name that a theme gives a colour to; it is never a colour. No toolkit is known here: the terminal UI, the
prompt and gdb's ``monitor`` show the same lines. Whatever a role says is also said by a sign or a word in the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

ROLES: tuple[str, ...] = (
    "text", "dim", "title", "label", "address", "symbol", "number", "register", "changed", "bits", "mnemonic",
    "operand", "pc", "arrow", "breakpoint", "exit", "position", "cause", "did", "reflected", "mapped", "failed",
    "pending", "masked", "guest", "shadow", "match", "mismatch", "console", "story", "selected", "running",
    "stopped", "ended", "ok", "warning", "error", "exit-miss", "exit-emulate", "exit-call", "exit-interrupt",
)  # fmt: skip
"""Every role that a view uses; a theme may leave any out: it is then shown as what stands before its dash, or as
``text``."""


class Span(NamedTuple):
    """A run of text with one role. The text holds no control characters."""

    text: str
    role: str = "text"


Line = tuple[Span, ...]

_CONTROL = dict.fromkeys((*range(32), 127, *range(128, 160)), "·")


def clean(text: str) -> str:
    """``text`` with control characters replaced, so that guest output cannot drive the terminal."""
    return text.translate(_CONTROL)


def line(*parts: Span | tuple[str, str] | str) -> Line:
    """A line from spans, (text, role) pairs and plain strings; empty texts are dropped."""
    spans = (Span(p) if isinstance(p, str) else Span(*p) for p in parts)
    return tuple(s for s in spans if s.text)


def length(row: Line) -> int:
    """Columns that a line takes."""
    return sum(len(s.text) for s in row)


def fit(row: Line, width: int, fill: bool = False) -> Line:
    """The line cut to ``width`` columns, an ellipsis where something is lost; padded too where ``fill``."""
    total = length(row)
    if total <= width:
        return (*row, Span(" " * (width - total))) if fill and total < width else row
    if not "".join(s.text for s in row)[width:].strip():
        return crop(row, width)  # only blanks are lost
    out: list[Span] = []
    room = max(width - 1, 0)
    for span in row:
        if len(span.text) >= room:
            out.append(Span(span.text[:room] + ("…" if width else ""), span.role))
            break
        out.append(span)
        room -= len(span.text)
    return tuple(s for s in out if s.text)


def crop(row: Line, width: int) -> Line:
    """The first ``width`` columns, with no sign of what is left out."""
    out: list[Span] = []
    for span in row:
        out.append(Span(span.text[:width], span.role))
        width -= len(out[-1].text)
    return tuple(s for s in out if s.text)


def column(text: str, width: int, role: str = "text", right: bool = False) -> Span:
    """One cell of a table: padded, or cut with an ellipsis, to exactly ``width``."""
    if len(text) > width:
        text = text[: max(width - 1, 0)] + "…" if width else ""
    return Span(text.rjust(width) if right else text.ljust(width), role)


def to_text(rows: Iterable[Line]) -> str:
    """The rows as plain text, for a prompt, a file or a test; trailing blanks are removed."""
    return "\n".join("".join(s.text for s in row).rstrip() for row in rows)


def wrap(spans: Sequence[Span], width: int, indent: int = 0) -> list[Line]:
    """Break at blanks into lines of at most ``width`` columns; later lines start with ``indent`` blanks.

    What stands together without a blank stays together, in whatever roles: a comma goes with its word. Only a word that
    no line holds is broken.
    """
    rows: list[list[Span]] = [[]]
    used = 0
    for blank, word in _pieces(spans, max(width - indent, 1)):
        size = sum(len(s.text) for s in word)
        if used and used + (blank is not None) + size > width:
            rows.append([Span(" " * indent)] if indent else [])
            used = indent
        elif blank is not None and rows[-1]:
            rows[-1].append(blank)
            used += 1
        rows[-1] += word
        used += size
    return [_merge(row) for row in rows]


def _pieces(spans: Sequence[Span], most: int) -> Iterable[tuple[Span | None, list[Span]]]:
    """The words, a long one in parts of ``most`` columns."""
    for blank, word in _words(spans):
        if sum(len(s.text) for s in word) <= most:
            yield blank, word
            continue
        cells = [Span(character, span.role) for span in word for character in span.text]
        for at in range(0, len(cells), most):
            yield None if at else blank, list(_merge(cells[at : at + most]))


def _words(spans: Sequence[Span]) -> Iterable[tuple[Span | None, list[Span]]]:
    """Each word with the blank before it, None at the beginning; several blanks are words without text between."""
    blank: Span | None = None
    word: list[Span] = []
    for span in spans:
        for i, text in enumerate(span.text.split(" ")):
            if i:
                yield blank, word
                blank, word = Span(" ", span.role), []
            if text:
                word.append(Span(text, span.role))
    yield blank, word


def _merge(row: Sequence[Span]) -> Line:
    out: list[Span] = []
    for span in row:
        if out and out[-1].role == span.role:
            out[-1] = Span(out[-1].text + span.text, span.role)
        else:
            out.append(span)
    return tuple(out)
