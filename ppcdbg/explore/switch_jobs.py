"""A search over world switches in parts, by this process or by several: the same parts in the same order, so that what
is found is the same to the byte."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ppcdbg.explore.switch import Step, SwitchReport, SwitchSearch, subject
from ppcdbg.explore.switch_events import SwitchEvent, event
from ppcdbg.explore.switch_judge import CANNOT, SPOILED, SwitchVerdict
from ppcdbg.explore.switch_pairs import PairFailure, Pairs
from ppcdbg.explore.workers import POLL, Processes, apart
from ppcdbg.kvm.switch.variants import Variant, variant
from ppcdbg.kvm.switch.ways import Way, way

PIECE = 40
"""Steps of a part; a tenth of it where pairs are tried."""


@dataclass(frozen=True)
class Wanted:
    """A search: subjects, events, how far apart two of them may be (None: no pairs), and the engine."""

    subjects: tuple[tuple[Variant, Way], ...]
    events: tuple[SwitchEvent, ...]
    span: int | None = None
    engine: str = "auto"


@dataclass(frozen=True)
class _Part:
    number: int
    steps: tuple[int, int]


def searched(
    wanted: Wanted, jobs: int, progress: Callable[[int, int, str], None], asked: Callable[[], bool]
) -> list[SwitchReport]:  # fmt: skip
    """Everything that is wanted, in order, by so many processes; where ``asked`` says to stop, the subjects that are
    whole by then. ``progress``: parts done, of how many, and which subject."""
    parts = [*_parts(wanted)]
    answers: dict[int, bytes] = {}
    workers = apart(work, jobs) if jobs > 1 else None
    try:
        if workers is None:
            for number, part in enumerate(parts):
                if asked():
                    break
                progress(number, len(parts), _named(wanted, part))
                answers[number] = work(_piece(wanted, part))
        else:
            _shared(wanted, parts, workers, answers, progress, asked)
    finally:
        if workers is not None:
            workers.close()
    return [*_merged(wanted, parts, answers)]


def _shared(
    wanted: Wanted, parts: Sequence[_Part], workers: Processes, answers: dict[int, bytes],
    progress: Callable[[int, int, str], None], asked: Callable[[], bool],
) -> None:  # fmt: skip
    for number, part in enumerate(parts):
        workers.put(number, _piece(wanted, part))
    workers.last()
    while workers.waiting and not asked():
        progress(len(answers), len(parts), _named(wanted, parts[len(answers)]))
        answers.update(workers.done(POLL))


def _named(wanted: Wanted, part: _Part) -> str:
    return subject(*wanted.subjects[part.number])


def _parts(wanted: Wanted) -> Iterator[_Part]:
    size = PIECE if wanted.span is None else PIECE // 10
    for number, (one, out) in enumerate(wanted.subjects):
        steps = SwitchSearch(one, out).length()
        yield from (_Part(number, (first, min(first + size, steps))) for first in range(0, steps, size))


def _merged(wanted: Wanted, parts: Sequence[_Part], answers: dict[int, bytes]) -> Iterator[SwitchReport]:
    for number, (one, out) in enumerate(wanted.subjects):
        mine = [n for n, part in enumerate(parts) if part.number == number]
        if any(n not in answers for n in mine):
            return
        found = [json.loads(answers[n]) for n in mine]
        steps = [_step(row) for piece in found for row in piece["steps"]]
        rows = [tuple(map(_verdict, row)) for piece in found for row in piece["rows"]]
        pairs = None if wanted.span is None else Pairs.none(wanted.span, len(wanted.events))
        for piece in found:
            pairs = None if pairs is None else pairs.more(_pairs(piece["pairs"]))
        yield SwitchReport(one, out, wanted.events, _verdict(found[0]["alone"]), tuple(steps), tuple(rows), pairs)


# --- as bytes ---------------------------------------------------------------------------------------------------------
def _piece(wanted: Wanted, part: _Part) -> bytes:
    one, out = wanted.subjects[part.number]
    names = [what.name for what in wanted.events]
    return json.dumps([one.name, out.name, names, wanted.span, wanted.engine, part.steps]).encode()


def work(piece: bytes) -> bytes:
    """One part, in whatever process."""
    one, out, names, span, engine, steps = json.loads(piece)
    search = SwitchSearch(variant(one), way(out), engine=engine)
    found = search.search([event(name) for name in names], span=span, part=(steps[0], steps[1]))
    rows = [[_row(verdict) for verdict in row] for row in found.rows]
    return json.dumps({
        "alone": _row(found.alone), "steps": [asdict(step) for step in found.steps], "rows": rows,
        "pairs": None if found.pairs is None else asdict(found.pairs),
    }, separators=(",", ":")).encode()  # fmt: skip


def _row(v: SwitchVerdict) -> list[str]:
    return [v.sign, v.word, v.condition, v.reason]


def _verdict(row: list[str]) -> SwitchVerdict:
    made = SwitchVerdict(*row)
    return next((known for known in (CANNOT, SPOILED) if known == made), made)


def _step(held: dict[str, Any]) -> Step:
    return Step(**{**held, "effects": tuple(tuple(row) for row in held["effects"])})


def _pairs(held: dict[str, Any]) -> Pairs:
    failures = tuple(PairFailure(f["line"], f["first"], f["second"], SwitchVerdict(**f["verdict"]))
                     for f in held["failures"])  # fmt: skip
    return Pairs(held["span"], tuple(map(tuple, held["tried"])), held["covered"], failures)
