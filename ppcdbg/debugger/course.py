"""The whole known run at a glance: where one is in it, what can be gone to at once, and how its exits lie in it."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ppcdbg.debugger.bookmarks import Place
from ppcdbg.kvm.log import KnownExits
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.kvm.trace import exit_name

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

PARTS = 64
LOOKED_AT = 500
"""Exits of one part that are looked at; of more, so many that lie evenly, and the counts are their shares."""


@dataclass(frozen=True)
class ExitKind:
    """How often one kind of exit came, all in all and in each part of the run."""

    name: str
    total: int
    parts: tuple[int, ...]


@dataclass(frozen=True)
class Course:
    """Positions from ``start`` to ``end``, which is the furthest that was run to or that a recording tells of.

    ``kinds`` by frequency; ``sampled``: their counts are estimates. ``checkpoints`` lie in memory, ``kept`` in the
    session file ``file``. ``recording`` is the file that the run is written into.
    """

    start: int
    end: int
    now: int
    exits_now: int
    exits: int
    ticks: int
    kinds: tuple[ExitKind, ...]
    sampled: bool
    checkpoints: tuple[int, ...]
    kept: tuple[int, ...]
    bookmarks: tuple[Place, ...]
    file: str = ""
    recording: str = ""


def course_of(debugger: Debugger, parts: int = PARTS) -> Course:
    """The run of a debugger's guest, in so many parts."""
    past, system = debugger.past, debugger.system
    start, (end, steps) = past.timeline.start[0], past.known
    kinds: tuple[ExitKind, ...] = ()
    sampled = False
    if isinstance(system, KvmSystem):
        log = KnownExits(system.kvm.exits)
        kinds, sampled = _kinds(log, start, end, max(parts, 1))
        steps = max(steps, len(log))
    return Course(
        start, end, debugger.position, system.steps, steps, debugger.core.now, kinds, sampled,
        tuple(position for position, _ in past.timeline.checkpoints), past.kept_places, past.bookmarks.rows,
        str(past.file or ""), str(past.recording.path or ""),
    )  # fmt: skip


def _kinds(log: KnownExits, start: int, end: int, parts: int) -> tuple[tuple[ExitKind, ...], bool]:
    span, count = max(end - start, 1), len(log)
    edges = [bisect_left(range(count), start + span * part // parts, key=log.position) for part in range(parts)]
    edges.append(count)
    edges[0] = 0
    found: dict[int, list[int]] = {}
    sampled = False
    for part, (first, last) in enumerate(zip(edges, edges[1:])):
        for vector, times in _vectors(log, range(first, last)).items():
            found.setdefault(vector, [0] * parts)[part] = times
        sampled |= last - first > LOOKED_AT
    rows = [ExitKind(exit_name(vector), sum(times), tuple(times)) for vector, times in found.items()]
    return tuple(sorted(rows, key=lambda kind: (-kind.total, kind.name))), sampled


def _vectors(log: KnownExits, places: Sequence[int]) -> dict[int, int]:
    """How many exits there are of each number among some places of the log."""
    step = -(-len(places) // LOOKED_AT) or 1
    seen = Counter(log.vector(i) for i in places[::step])
    if step == 1:
        return dict(seen)
    looked = len(places[::step])
    return {vector: max(times * len(places) // looked, 1) for vector, times in seen.items()}
