"""How far a replay has come, on one line of a terminal; where stderr is none, nothing."""

from __future__ import annotations

import sys

from ppcdbg.session.pace import steady

EVERY = 0.1
"""Seconds between two words."""


class Progress:
    """Called with the position reached and the last one. ``done``: what the instructions so far have done."""

    def __init__(self, done: str) -> None:
        self._done, self._shown, self._width = done, sys.stderr.isatty(), 0
        self._clock, self._due = steady(), 0.0

    def __call__(self, position: int, last: int) -> None:
        now = self._clock()
        if not self._shown or now < self._due and position < last:
            return
        self._due = now + EVERY
        text = f"{position:,} of {last:,} instructions {self._done}"
        print(f"\r{text:<{self._width}}", end="", file=sys.stderr, flush=True)
        self._width = len(text)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._width:
            print(file=sys.stderr)
