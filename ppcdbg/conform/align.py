"""Two lists of normalised events beside each other: where they agree, what may differ and why, the first difference.

What may differ is what the oracle's README lists: a shadow entry that another one of its set pushed out of the host's
TLB is made again at an extra miss, and where in a loop that only waits an interrupt lands. All else must agree.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ppcdbg.conform.normal import Event

EXIT = re.compile(r"kvm_exit: exit=(\w+) \| pc=(0x[0-9a-f]+)")
_STALE_DAR, _STALE_INST = re.compile(r"dar=0x[0-9a-f]+"), re.compile(r"last_inst=0x[0-9a-f]+")
_HAS_DAR = frozenset({"DATA_STORAGE", "DTLB_MISS", "ALIGNMENT"})
_HAS_INST = frozenset({"PROGRAM", "DTLB_MISS", "DEBUG"})
_MISS = re.compile(r"kvm_exit: exit=[ID]TLB_MISS ")
_WRITE = re.compile(r"kvm_booke206_stlb_write: mas0=T0 (mas1=\w+ mas2=(\w+)) mas7_3=(?:gpa:(\w+)|shared)")
_RELEASE = re.compile(r"kvm_booke206_ref_release: (?:gpa:(\w+)|shared) flags=(\w+)")
_NUMBER = re.compile(r"0x[0-9a-f]+|(?<==)[0-9a-f]+")
_OF_TLB1 = 0x20000000  # E500_TLB_TLB0: 4 KiB entries for one of the guest's TLB1
REFILL = "a page that was pushed out of the host's TLB, mapped again"
RELEASE = "the page that a reference of TLB1 names, after one was mapped again"
WAITING = "the pc inside a loop that waits"

Waits = Callable[[int, int], bool]
"""Whether two addresses lie in one loop that does nothing but wait."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the two part: indices of the first events that differ; the length of a list where it ends too early."""

    ours: int
    theirs: int


@dataclass
class Alignment:
    """``pairs``: indices of events that agree. ``left_out``: by reason, lines of either side."""

    pairs: list[tuple[int, int]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    skipped: dict[str, set[int]] = field(default_factory=lambda: {"ours": set(), "theirs": set()})
    difference: Difference | None = None


def captured(text: str) -> str:
    """An event without what its exit does not capture: dar and last_inst are stale there."""
    m = EXIT.match(text)
    if m is None:
        return text
    if m[1] not in _HAS_DAR:
        text = _STALE_DAR.sub("dar=*", text)
    return text if m[1] in _HAS_INST else _STALE_INST.sub("last_inst=*", text)


class _Side:
    """One list, how far it was followed, and what its host has mapped on the way."""

    def __init__(self, name: str, events: Sequence[Event]) -> None:
        self.name = name
        self.events = events
        self.at = 0
        self.mapped: dict[str, str] = {}
        """By identity and page of a 4 KiB shadow entry: the whole line that made it last."""

    def text(self, ahead: int = 0) -> str:
        at = self.at + ahead
        return self.events[at].text if at < len(self.events) else ""

    def step(self) -> None:
        """Past one event, noting what it maps. Nothing is noted of pages: an entry that the guest takes away is in
        neither list, so whoever asks looks at ``unmapped`` as well."""
        if (m := _WRITE.match(self.text())) is not None:
            self.mapped[m[1]] = self.text()
        self.at += 1

    def unmap(self, pages: tuple[int, ...]) -> None:
        """The guest took the shadow entries of some pages away."""
        for key, text in [*self.mapped.items()]:
            m = _WRITE.match(text)
            assert m is not None
            if int(m[2], 16) & ~0xFFF in pages:
                del self.mapped[key]

    def refill(self) -> bool:
        """Whether the next two events make an entry again as it was made before."""
        if not _MISS.match(self.text()):
            return False
        m = _WRITE.match(self.text(1))
        return m is not None and self.mapped.get(m[1]) == self.text(1)


def align(ours: Sequence[Event], theirs: Sequence[str], waits: Waits) -> Alignment:
    """Walk both lists to the first difference."""
    result = Alignment()
    mine, real = _Side("ours", ours), _Side("theirs", [Event(text) for text in theirs])
    while mine.at < len(mine.events) or real.at < len(real.events):
        left, right = captured(mine.text()), captured(real.text())
        if left == right and left:
            event = mine.events[mine.at]
            result.pairs.append((mine.at, real.at))
            mine.step()
            real.step()
            if event.unmapped:
                mine.unmap(event.unmapped)
                real.unmap(event.unmapped)
        elif not _excused(mine, real, result, waits):
            result.difference = Difference(mine.at, real.at)
            break
    return result


def _excused(mine: _Side, real: _Side, result: Alignment, waits: Waits) -> bool:
    for side in (mine, real):
        if side.refill():
            _skip(side, 2, REFILL, result)
            return True
    left, right = mine.text(), real.text()
    if not left or not right:
        return False
    reason = ""
    if result.left_out[REFILL] and _same_release(left, right):
        reason = RELEASE
    elif same_but_waiting(captured(left), captured(right), waits):
        reason = WAITING
    if reason:
        _skip(mine, 1, reason, result)
        _skip(real, 1, reason, result)
    return bool(reason)


def _skip(side: _Side, count: int, reason: str, result: Alignment) -> None:
    for _ in range(count):
        result.skipped[side.name].add(side.at)
        side.step()
    result.left_out[reason] += count


def _same_release(left: str, right: str) -> bool:
    """Two lines that release one reference from TLB1 and name different pages of it."""
    a, b = _RELEASE.fullmatch(left), _RELEASE.fullmatch(right)
    return bool(a and b and a[1] and b[1] and a[2] == b[2] and int(a[2], 16) & _OF_TLB1)


def same_but_waiting(left: str, right: str, waits: Waits) -> bool:
    """Whether two lines differ in numbers only, each pair of them addresses in one waiting loop."""
    if _NUMBER.sub("#", left) != _NUMBER.sub("#", right):
        return False
    pairs = zip(_NUMBER.findall(left), _NUMBER.findall(right), strict=True)
    return all(a == b or waits(int(a, 16), int(b, 16)) for a, b in pairs)
