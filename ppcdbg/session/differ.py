"""What differs first between two states, and where two runs part: by name and by position.

Two runs are machines that are each brought to any moment of their own past; halving the stretch in which they part
finds the position. Nothing here knows files or engines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ppcdbg.cpu.plain import Plain
from ppcdbg.engine.differences import differences
from ppcdbg.machine.input import Moment
from ppcdbg.machine.system import Limits, System
from ppcdbg.session.pages import PAGE, ZERO, Pages
from ppcdbg.session.snapshots import Snapshot, StateHash, hashed, put, registers_of, state_hash, take

Asked = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of two states."""

    what: str
    first: str
    second: str

    def __str__(self) -> str:
        return f"{self.what} is {self.second} and was {self.first}"


class Run:
    """One system that can be put back to where it was kept."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.pages = Pages(system)
        self._entered = False
        self._kept: Snapshot = take(system, self.pages)

    def keep(self) -> None:
        """``back`` goes here from now on."""
        self._kept = take(self.system, self.pages)

    def back(self) -> None:
        put(self.system, self.pages, self._kept)

    def hash(self) -> StateHash:
        return state_hash(self.system, self.pages)

    def to(self, moment: Moment, asked: Asked | None = None) -> bool:
        """Run on to a moment; False where the run does not pass it, or was asked to end."""
        system = self.system
        if system.position == moment.position and system.moment() == moment and self._entered:
            return True
        self._entered = True
        system.run(Limits(moment.position, interrupted=asked))
        while system.position == moment.position and system.ended is None:
            here = system.moment()
            if here == moment or moment.pc is None:
                return True
            if here.steps < moment.steps:
                system.run(Limits(moment.position + 1, exits=1, interrupted=asked))
            elif here.steps == moment.steps and here.skipped <= moment.skipped and moment.pc is not None:
                system.run(Limits(moment.position + 1, breakpoints=frozenset({moment.pc}), interrupted=asked))
            else:
                return False
            if system.moment() == here:
                return False
        return system.ended is not None and system.moment() == moment


def first_difference(first: Run, second: Run) -> Difference | None:
    """The first field in which two states differ: registers, TLB, devices, KVM's, RAM."""
    one, two = first.system.save(), second.system.save()
    found = differences(registers_of(one), registers_of(two))
    if found is not None:
        return Difference(found.what, found.first, found.second)
    difference = _walk(hashed(one), hashed(two), "")
    return _ram(first, second) if difference is None else difference


def _walk(first: Plain, second: Plain, path: str) -> Difference | None:
    if first == second:
        return None
    if isinstance(first, dict) and isinstance(second, dict):
        for name in sorted({*first, *second}):
            found = _walk(first.get(name), second.get(name), f"{path}.{name}" if path else str(name))
            if found is not None:
                return found
    if isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)) and len(first) == len(second):
        for i, (a, b) in enumerate(zip(first, second, strict=True)):
            found = _walk(a, b, f"{path}[{i}]")
            if found is not None:
                return found
    return Difference(path, _short(first), _short(second))


def _short(value: Plain) -> str:
    return f"{value:#x}" if isinstance(value, int) and not isinstance(value, bool) else repr(value)[:80]


def _ram(first: Run, second: Run) -> Difference | None:
    for run in (first, second):
        run.pages.changed()
    one, two = first.pages.all(), second.pages.all()
    for page in sorted({*one, *two}):
        a, b = one.get(page, ZERO), two.get(page, ZERO)
        if a != b:
            at = next(i for i in range(PAGE) if a[i] != b[i])
            return Difference(f"the byte at real address {page + at:#x}", f"{a[at]:#04x}", f"{b[at]:#04x}")
    return None


def parting(first: Run, second: Run, low: int, high: int, asked: Asked | None = None) -> int:
    """The first position in ``low``..``high`` where two runs differ, which agree at ``low``, where both are kept."""

    def differ(position: int) -> bool:
        for run in (first, second):
            run.back()
            run.system.run(Limits(position, interrupted=asked))
        return first.hash() != second.hash()

    while high - low > 1 and not (asked is not None and asked()):
        middle = (low + high) // 2
        if differ(middle):
            high = middle
        else:
            for run in (first, second):
                run.keep()
            low = middle
    differ(high)
    return high
