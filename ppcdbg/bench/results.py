"""What the benchmark found, as frozen values: samples, spreads, and asked figures beside reached ones.

No clock and no text layout here: figures come from the measurements, lines are made by :mod:`ppcdbg.bench.report`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from statistics import median


class NotRun(Exception):
    """Something cannot be measured here; the message is the reason that the report gives."""


class Better(Enum):
    """Which way a figure is good."""

    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True)
class Ask:
    """What a figure must reach: ``bound`` times the peer's, or ``bound`` itself where ``peer`` is empty."""

    figure: str
    bound: float
    peer: str = ""


@dataclass(frozen=True)
class Spread:
    """The least, the middle and the greatest of several samples."""

    minimum: float
    median: float
    maximum: float

    @staticmethod
    def of(samples: Iterable[float]) -> Spread | None:
        """None where there are no samples."""
        values = list(samples)
        return Spread(min(values), median(values), max(values)) if values else None


@dataclass(frozen=True)
class Figure:
    """One measured thing of a row: a sample a round, None for a round without one. ``note`` says why samples miss."""

    name: str
    samples: tuple[float | None, ...]
    peer: bool = False
    note: str = ""

    @property
    def spread(self) -> Spread | None:
        return Spread.of(sample for sample in self.samples if sample is not None)


def ratio(figure: Figure, peer: Figure) -> Spread | None:
    """The spread of figure / peer, each quotient within one round: what slows the machine slows both."""
    pairs = zip(figure.samples, peer.samples, strict=True)
    return Spread.of(ours / theirs for ours, theirs in pairs if ours is not None and theirs)


@dataclass(frozen=True)
class Verdict:
    """An asked figure beside the reached one; ``reached`` is None where it was not measured."""

    ask: Ask
    reached: Spread | None
    met: bool | None


@dataclass(frozen=True)
class RowResult:
    """A row after all rounds. ``note`` says what is measured, or why nothing was."""

    name: str
    title: str
    unit: str
    better: Better
    figures: tuple[Figure, ...]
    asks: tuple[Ask, ...] = ()
    note: str = ""

    def figure(self, name: str) -> Figure | None:
        return next((figure for figure in self.figures if figure.name == name), None)

    def verdict(self, ask: Ask) -> Verdict:
        """The median decides."""
        ours, peer = self.figure(ask.figure), self.figure(ask.peer)
        if ours is None or (ask.peer and peer is None):
            return Verdict(ask, None, None)
        reached = ours.spread if peer is None else ratio(ours, peer)
        if reached is None:
            return Verdict(ask, None, None)
        good = reached.median >= ask.bound if self.better is Better.HIGHER else reached.median <= ask.bound
        return Verdict(ask, reached, good)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        return tuple(self.verdict(ask) for ask in self.asks)


@dataclass(frozen=True)
class Surroundings:
    """Where it was measured."""

    system: str
    processors: int
    python: str
    llvmlite: str
    qemu: str


@dataclass(frozen=True)
class Report:
    """One run of the benchmark."""

    surroundings: Surroundings
    runs: int
    rows: tuple[RowResult, ...]
