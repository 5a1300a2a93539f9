"""What goes on at the moment and how far it is, for whoever tells a user that waits: run, motion, search, comparison.

Whoever begins something long says so; while it lasts the runner calls back now and then (``Runner.between``), and there
a front end may ask. Nothing here knows time or words of a screen (``views.progress``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Work:
    """``what`` is done, in words; it is at ``at`` and done at ``goal``, in ``unit``s. ``goal`` None: nobody knows."""

    what: str
    at: int
    goal: int | None
    unit: str = "instructions"


Measure = Callable[[], Work]


class Works:
    """The work of one debugger, each begun within another. ``otherwise``: what goes on where nobody said anything."""

    def __init__(self, otherwise: Measure) -> None:
        self._otherwise = otherwise
        self._measures: list[Measure] = []

    @contextmanager
    def doing(self, measure: Measure) -> Iterator[None]:
        """Something long, which ``measure`` tells of at any moment of it."""
        self._measures.append(measure)
        try:
            yield
        finally:
            self._measures.pop()

    def now(self) -> Work:
        """What was begun last."""
        return (self._measures[-1] if self._measures else self._otherwise)()
