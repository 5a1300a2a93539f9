"""The exits of a log by column: numbers side by side in arrays, for questions that go through a million of them.

A column is made when somebody asks for it, and then grows with the log. An exit of a number is the same one while the
log's history is the same, so what was read stays true when the guest goes back and forth.
"""

from __future__ import annotations

from array import array
from operator import itemgetter
from typing import Any

from ppcdbg.kvm.log import EMULATED, FAILED, HYPERCALL, MMIO, RECORDED, Compact, KnownExits
from ppcdbg.kvm.words import NUMBERS, ROW_LONGS, ROW_WORDS

POSITION, TICK, VECTOR, PC, MSR, DEAR, ESR, INST = range(8)
COST = -1
"""Columns by their place in a row, whoever wrote it."""
ABOUT = 8
"""A number for what an exit is about: its vector, its instructions, and what kinds of things its handler did."""

_TYPES = {POSITION: "Q", TICK: "Q", VECTOR: "B", PC: "I", MSR: "I", DEAR: "I", ESR: "I", INST: "I", COST: "Q",
          ABOUT: "I"}  # fmt: skip
_PACKED = {POSITION: ("Q", 0), TICK: ("Q", 1), VECTOR: ("I", 4), PC: ("I", 5), MSR: ("I", 6), DEAR: ("I", 7),
           ESR: ("I", 8), INST: ("I", 9), COST: ("I", 17)}  # fmt: skip
_KIND = 10


class Columns:
    """The columns of everything that is known of one log."""

    def __init__(self, log: KnownExits) -> None:
        self._log = log
        self._made: dict[int, array[int]] = {}
        self._history = log.history
        self._about: dict[Any, int] = {}
        self.told = True
        """Whether ``ABOUT`` is true of every exit so far: of one that a recording tells of it may be more later."""

    def column(self, place: int, end: int) -> array[int]:
        """A column's numbers, of the first ``end`` exits at least."""
        if self._history != self._log.history:
            self._made.clear()
            self._history, self.told = self._log.history, True
        if place == ABOUT and not self.told:
            self._made.pop(ABOUT, None)
            self.told = True
        made = self._made.setdefault(place, array(_TYPES[place]))
        if len(made) < end:
            for piece in self._log.pieces(len(made), end):
                if place == ABOUT:
                    made.extend(self._what(piece))
                elif isinstance(piece, memoryview):
                    _take(made, piece, *_PACKED[place])
                else:
                    made.extend(map(itemgetter(place), piece))
        return made

    def _what(self, piece: list[Compact] | memoryview) -> list[int]:
        known = self._about
        if isinstance(piece, memoryview):
            keys: Any = zip(_words(piece, "I", 4), _words(piece, "I", 9), _words(piece, "I", _KIND), strict=True)
        else:
            self.told &= all(len(row) != RECORDED for row in piece)
            keys = map(_about, piece)
        return [known.setdefault(key, len(known)) for key in keys]


def _take(made: array[int], piece: memoryview, kind: str, at: int) -> None:
    """Put one word of each packed row behind a column's numbers."""
    if made.typecode == kind:
        words = piece.cast("I")[at::ROW_WORDS] if kind == "I" else piece.cast("Q")[at::ROW_LONGS]
        made.frombytes(words.tobytes())
    elif made.typecode == "B":  # the lowest byte of a word, as rows are little-endian
        made.frombytes(piece[4 * at :: 4 * ROW_WORDS].tobytes())
    else:
        made.extend(_words(piece, kind, at))


def _words(piece: memoryview, kind: str, at: int) -> list[int]:
    """One word of each packed row."""
    words: list[int] = piece.cast(kind)[at :: ROW_WORDS if kind == "I" else ROW_LONGS].tolist()  # type: ignore[call-overload]
    return words


def _about(row: Compact) -> tuple[Any, ...]:
    """What the fields ``inst``, ``spr`` and ``did`` are made of, and ``cause`` beside the addresses."""
    if len(row) == NUMBERS:
        return row[VECTOR], row[INST], row[8]
    if len(row) == RECORDED:
        return row[VECTOR], row[INST], None
    did = tuple((a[0], a[1] if a[0] in (EMULATED, MMIO, FAILED, HYPERCALL) else None) for a in row[8])
    return row[VECTOR], row[INST], did
