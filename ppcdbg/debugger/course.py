"""The whole known run at a glance: where one is in it, what can be gone to at once, and how its exits lie in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ppcdbg.debugger.bookmarks import Place
from ppcdbg.kvm.blocks import VECTOR
from ppcdbg.kvm.log import KnownExits, before
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.kvm.trace import exit_name

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

PARTS = 64


@dataclass(frozen=True)
class ExitKind:
    """How often one kind of exit came, all in all and in each part of the run."""

    name: str
    total: int
    parts: tuple[int, ...]


@dataclass(frozen=True)
class Course:
    """Positions from ``start`` to ``end``, which is the furthest that was run to or that a recording tells of.

    ``kinds`` by frequency. ``checkpoints`` lie in memory, ``kept`` in the
    session file ``file``. ``recording`` is the file that the run is written into.
    """

    start: int
    end: int
    now: int
    exits_now: int
    exits: int
    ticks: int
    kinds: tuple[ExitKind, ...]
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
    if isinstance(system, KvmSystem):
        log = KnownExits(system.kvm.exits)
        kinds = _kinds(log, start, end, max(parts, 1))
        steps = max(steps, len(log))
    return Course(
        start, end, debugger.position, system.steps, steps, debugger.core.now, kinds,
        tuple(position for position, _ in past.timeline.checkpoints), past.kept_places, past.bookmarks.rows,
        str(past.file or ""), str(past.recording.path or ""),
    )  # fmt: skip


def _kinds(log: KnownExits, start: int, end: int, parts: int) -> tuple[ExitKind, ...]:
    span, count = max(end - start, 1), len(log)
    edges = [0, *(before(log, start + span * part // parts) for part in range(1, parts)), count]
    found: dict[int, list[int]] = {}
    for part, (first, last) in enumerate(zip(edges, edges[1:])):
        for _, block, low, high in log.blocks(first, last):
            whole = high - low == block.count
            counts = block.kinds if whole else Counter(block.column(VECTOR)[low:high])
            for vector, times in counts.items():
                found.setdefault(vector, [0] * parts)[part] += times
    rows = [ExitKind(exit_name(vector), sum(times), tuple(times)) for vector, times in found.items()]
    return tuple(sorted(rows, key=lambda kind: (-kind.total, kind.name)))
