"""One guest of an oracle on the model, and how it compares: what ``ppcdbg conform`` and the tests ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ppcdbg.conform.align import Alignment, align
from ppcdbg.conform.machine import ENTRY, ConformRun
from ppcdbg.conform.oracle import Oracle, Trace
from ppcdbg.conform.results import Finding, findings
from ppcdbg.conform.waiting import waiting_loops
from ppcdbg.kvm.quirks import Quirks
from ppcdbg.machine.system import Stop

BEYOND = 2_000
"""Events more than the real KVM's, after which a run that went astray is given up."""


@dataclass(frozen=True)
class Comparison:
    """One guest on one backing. ``stop``: how the model's run ended; no alignment where it could not be judged."""

    trace: Trace
    run: ConformRun
    stop: Stop
    alignment: Alignment
    findings: tuple[Finding, ...]

    @property
    def agrees(self) -> bool:
        """Whether nothing differs that may not."""
        return self.alignment.difference is None and not self.findings


def conform(
    oracle: Oracle, guest: str, backing: str, *, engine: str = "auto", quirks: Quirks | None = None
) -> Comparison:
    """Run one guest and compare. Raises InputError for files that cannot be used."""
    trace, image = oracle.trace(guest, backing), oracle.image(guest)
    run = ConformRun(image, oracle.setting(trace), engine, quirks)
    run.most = len(trace.events) + BEYOND
    stop = run.go()
    waits = waiting_loops(reader(image))
    aligned = align(run.events, trace.events, waits)
    found = () if aligned.difference is not None else tuple(findings(run, trace, aligned, waits))
    return Comparison(trace, run, stop, aligned, found)


def all_of(oracle: Oracle, *, engine: str = "auto") -> Iterator[Comparison]:
    """Every trace of an oracle in turn."""
    for guest, backing in oracle.traces:
        yield conform(oracle, guest, backing, engine=engine)


def reader(image: bytes) -> Callable[[int], int | None]:
    """The words of a guest's image by address."""

    def read(address: int) -> int | None:
        at = address - ENTRY
        return int.from_bytes(image[at : at + 4], "big") if 0 <= at <= len(image) - 4 else None

    return read
