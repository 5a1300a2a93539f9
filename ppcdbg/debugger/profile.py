"""Where the exits come from and what they cost: by kind, by function, by instruction, up to the present moment.

The log is read once and then only what came since; marks on the way let the counts follow a guest that goes back in
time. Costs are ticks of the model's time base (:mod:`ppcdbg.kvm.timing`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field
from math import sqrt
from typing import TYPE_CHECKING

from ppcdbg.cpu.interrupts import HV_PRIV, PROGRAM
from ppcdbg.debugger.story import Story
from ppcdbg.errors import UsageError
from ppcdbg.kvm.blocks import POSITION, Block, numbers
from ppcdbg.kvm.log import ExitLog
from ppcdbg.kvm.notes import instruction
from ppcdbg.kvm.trace import exit_name

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger
    from ppcdbg.kvm.records import ExitRecord

LOOKED_AT = 4096
"""Exits that are read at a time when one is looked for backwards."""
MARKS = 1 << 16
"""Exits between two marks: what going back costs to count again, at most."""
KEPT = 16
"""Marks that are kept; then every second one goes."""
PARTS = 256
"""Parts that a trend is kept in, at most; twice as many are joined in pairs."""
FIRST_PART = 10
"""Instructions of one part at first, as a power of two."""
BUCKETS = 24
"""Powers of two of ticks that costs are counted by."""


@dataclass(frozen=True, slots=True)
class KindRow:
    """One exit kind. ``trend``: exits in equal parts of the run; ``spread``: exits by the power of two of their cost,
    ``spread[n]`` those of 2**(n-1) up to 2**n ticks."""

    name: str
    count: int
    share: float
    time: int
    minimum: int
    mean: float
    maximum: int
    deviation: float
    trend: tuple[int, ...]
    spread: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class HotRow:
    """One function or one instruction. ``address`` is where most of its exits come from; ``kind`` the commonest."""

    name: str
    count: int
    share: float
    address: int
    kind: str


@dataclass(frozen=True)
class Profile:
    """``what`` and ``order`` are what was asked for; a view shows that part."""

    kinds: tuple[KindRow, ...]
    symbols: tuple[HotRow, ...]
    instructions: tuple[HotRow, ...]
    exits: int
    position: int
    time: int
    ticks: int
    """Ticks that have passed for the guest; ``time``, KVM's own, is not among them."""
    whole: bool = True
    """Whether every exit up to the present moment is counted."""
    what: str = "exits"
    order: str = "count"


@dataclass(frozen=True)
class Hottest:
    """One kind of exit: so many of ``exits`` are it; the function that most of its exits come from, with the address
    that most of those do; and the last of them as an example of why."""

    kind: str
    count: int
    exits: int
    function: str
    inside: int
    address: int
    example: Story


PARTS_OF = ("exits", "symbols", "instructions")
ORDERS = ("count", "time", "mean", "name")


@dataclass
class _Kind:
    count: int = 0
    total: int = 0
    squares: int = 0
    minimum: int = 1 << 62
    maximum: int = 0
    spread: list[int] = field(default_factory=lambda: [0] * BUCKETS)
    trend: list[int] = field(default_factory=list)


@dataclass
class _Counts:
    """All that is counted up to one exit."""

    seen: int = 0
    part: int = FIRST_PART
    kinds: dict[int, _Kind] = field(default_factory=dict)
    places: Counter[tuple[int, int]] = field(default_factory=Counter)
    words: Counter[tuple[int, int]] = field(default_factory=Counter)


class Profiler:
    """The counts of one debugger's guest."""

    def __init__(self, debugger: Debugger) -> None:
        self._debugger = debugger
        self._now = _Counts()
        self._marks: list[_Counts] = []
        self._spacing = MARKS
        self._history = 0

    def profile(self, what: str = "exits", order: str = "count", patience: int | None = None) -> Profile:
        """The counts up to the present moment, or so many exits further than last time; see ``Profile.whole``.

        Raises UsageError on the bare machine.
        """
        debugger = self._debugger
        debugger.need_exits()
        log = debugger.exits
        assert isinstance(log, ExitLog)
        self._follow(log, patience)
        counts = self._now
        total = max(counts.seen, 1)
        kinds = [self._kind(vector, kind, total) for vector, kind in counts.kinds.items()]
        key = {"count": lambda r: -r.count, "time": lambda r: -r.time, "mean": lambda r: -r.mean}.get(order)
        kinds.sort(key=lambda r: r.name)
        kinds.sort(key=key or (lambda r: 0))
        return Profile(
            tuple(kinds), self._symbols(total), self._instructions(), counts.seen, debugger.position,
            sum(kind.total for kind in counts.kinds.values()), debugger.core.now, counts.seen == len(log), what, order,
        )  # fmt: skip

    def hottest(self, kind: str = "") -> Hottest:
        """A kind of exit by its name, the most frequent one where none is named: from where it comes, and why. Raises
        UsageError where there was none."""
        found = self.profile()
        if not found.kinds:
            raise UsageError("there has been no exit yet")
        row = next((r for r in found.kinds if r.name == kind.upper() or not kind), None)
        if row is None:
            raise UsageError(f"there was no exit {kind}; there were: {', '.join(r.name for r in found.kinds)}")
        functions: dict[str, Counter[int]] = {}
        for (vector, pc), number in self._now.places.items():
            if exit_name(vector) == row.name:
                functions.setdefault(self._function(pc), Counter())[pc] += number
        name, places = min(functions.items(), key=lambda item: (-item[1].total(), item[0]))
        pc = places.most_common(1)[0][0]
        story = self._debugger.story(self._last(row.name, pc))
        return Hottest(row.name, row.count, found.exits, name, places.total(), pc, story)

    def _last(self, kind: str, pc: int) -> ExitRecord:
        log = self._debugger.exits
        assert isinstance(log, ExitLog)
        for high in range(len(log), 0, -LOOKED_AT):
            low = max(0, high - LOOKED_AT)
            rows = log.rows(low, high)
            for i in range(len(rows) - 1, -1, -1):
                if rows[i][3] == pc and exit_name(rows[i][2]) == kind:
                    return log[low + i]
        raise AssertionError(f"{kind} at {pc:#x} was counted and is not in the log")

    # --- counting ----------------------------------------------------------------------------------------------------
    def _follow(self, log: ExitLog, patience: int | None) -> None:
        if self._history != log.history:
            self._history = log.history
            self._now, self._marks, self._spacing = _Counts(), [], MARKS
        if len(log) < self._now.seen:
            back = [mark for mark in self._marks if mark.seen <= len(log)]
            self._now = deepcopy(back[-1]) if back else _Counts()
        end = len(log) if patience is None else min(len(log), self._now.seen + patience)
        while self._now.seen < end:
            following = self._now.seen - self._now.seen % self._spacing + self._spacing
            self._count(log, min(following, end))
            if self._now.seen % self._spacing == 0 and not any(m.seen == self._now.seen for m in self._marks):
                self._mark()

    def _mark(self) -> None:
        self._marks.append(deepcopy(self._now))
        self._marks.sort(key=lambda mark: mark.seen)
        if len(self._marks) > KEPT:
            self._marks, self._spacing = self._marks[1::2], 2 * self._spacing

    def _count(self, log: ExitLog, end: int) -> None:
        counts = self._now
        for _, block, first, stop in log.blocks(counts.seen, end):
            while block.number(stop - 1, POSITION) >> counts.part >= 2 * PARTS:
                self._join()
            while first < stop:
                part = block.number(first, POSITION) >> counts.part
                until, after = stop, part + 1 << counts.part
                if block.number(stop - 1, POSITION) >= after:
                    until = first + bisect_left(range(first, stop), after, key=lambda i: block.number(i, POSITION))
                self._add(block, first, until, part)
                first = until
        counts.seen = end

    def _add(self, block: Block, first: int, until: int, part: int) -> None:
        """Count some exits of one part, those of one site at once."""
        counts, sites = self._now, block.sites
        for code, times in Counter(sites.codes[first:until]).items():
            vector, pc, _, _, inst, _, _, _, cost = numbers(sites.table[code])
            kind = counts.kinds.get(vector)
            if kind is None:
                kind = counts.kinds[vector] = _Kind()
            kind.count += times
            kind.total += times * cost
            kind.squares += times * cost * cost
            kind.minimum = min(kind.minimum, cost)
            kind.maximum = max(kind.maximum, cost)
            kind.spread[min(cost.bit_length(), BUCKETS - 1)] += times
            if len(kind.trend) <= part:
                kind.trend += [0] * (part + 1 - len(kind.trend))
            kind.trend[part] += times
            counts.places[vector, pc] += times
            if vector in (PROGRAM, HV_PRIV):
                counts.words[inst, vector] += times

    def _join(self) -> None:
        """Parts are twice as long from now on."""
        self._now.part += 1
        for kind in self._now.kinds.values():
            kind.trend = _joined(kind.trend)

    # --- answering ---------------------------------------------------------------------------------------------------
    def _kind(self, vector: int, kind: _Kind, total: int) -> KindRow:
        mean = kind.total / kind.count
        parts, trend = (self._debugger.position >> self._now.part) + 1, kind.trend
        while parts > 2 * PARTS:  # the guest runs on without exits
            parts, trend = (parts + 1) // 2, _joined(trend)
        trend = trend[:parts] + [0] * (parts - len(trend))
        return KindRow(
            exit_name(vector), kind.count, kind.count / total, kind.total, kind.minimum, mean, kind.maximum,
            sqrt(max(0.0, kind.squares / kind.count - mean**2)), tuple(trend), tuple(kind.spread),
        )  # fmt: skip

    def _symbols(self, total: int) -> tuple[HotRow, ...]:
        by_name: dict[str, Counter[tuple[int, int]]] = {}
        for (vector, pc), number in self._now.places.items():
            by_name.setdefault(self._function(pc), Counter())[vector, pc] += number
        rows = []
        for name, found in by_name.items():
            (_, pc), _ = found.most_common(1)[0]
            kinds: Counter[int] = Counter()
            for (vector, _), number in found.items():
                kinds[vector] += number
            number = found.total()
            rows.append(HotRow(name, number, number / total, pc, exit_name(kinds.most_common(1)[0][0])))
        return tuple(sorted(rows, key=lambda r: (-r.count, r.name)))

    def _function(self, pc: int) -> str:
        place = self._debugger.symbols.place(pc)
        page = pc & ~0xFFF
        return f"{page:08x}-{page | 0xFFF:08x}" if place is None else place.name

    def _instructions(self) -> tuple[HotRow, ...]:
        by_name: Counter[tuple[str, int]] = Counter()
        for (word, vector), number in self._now.words.items():
            by_name[instruction(word), vector] += number
        total = max(by_name.total(), 1)
        return tuple(
            HotRow(name, number, number / total, 0, exit_name(vector))
            for (name, vector), number in sorted(by_name.items(), key=lambda item: (-item[1], item[0]))
        )


def _joined(trend: list[int]) -> list[int]:
    """Parts that are twice as long."""
    odd = [*trend, 0] if len(trend) % 2 else trend
    return [a + b for a, b in zip(odd[::2], odd[1::2])]
