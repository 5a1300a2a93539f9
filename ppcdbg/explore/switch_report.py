"""What a search over world switches found, as data: failures gathered into windows, and the whole for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ppcdbg.explore.switch import Step, SwitchReport
from ppcdbg.explore.switch_judge import CANNOT, SPOILED, SwitchVerdict
from ppcdbg.explore.switch_pairs import PairFailure, Pairs

SCHEMA, SCHEMA_VERSION = "ppcdbg-world-switch", 2


@dataclass(frozen=True)
class Window:
    """The steps at which one event breaks one condition, with the line and the verdict of the first of them.

    ``stretches`` are names of first and last steps; the steps between at which the event cannot come do not part them.
    """

    event: str
    condition: str
    steps: int
    stretches: tuple[tuple[str, str], ...]
    line: str
    verdict: SwitchVerdict


def windows(found: SwitchReport) -> tuple[Window, ...]:
    """Every window of a variant, in the order of its events."""
    if found.alone.condition:
        line = found.failures[0][0]
        first, last = found.steps[0].name, found.steps[-1].name
        return (Window("nothing", found.alone.condition, 1, ((first, last),), line, found.alone),)
    out = []
    for column, what in enumerate(found.events):
        come = [(step, row[column]) for step, row in zip(found.steps, found.rows) if row[column] is not CANNOT]
        for condition in dict.fromkeys(v.condition for _, v in come if v.condition):
            wrong = [(step, v) for step, v in come if v.condition == condition]
            stretches = _stretches([step for step, _ in come], {step.name for step, _ in wrong})
            line = f"{found.name}:{what.name}@{wrong[0][0].name}"
            out.append(Window(what.name, condition, len(wrong), stretches, line, wrong[0][1]))
    return tuple(out)


@dataclass(frozen=True)
class PairWindow:
    """The pairs of two events that break one condition, with the first of them."""

    first: str
    second: str
    condition: str
    pairs: int
    least: PairFailure


def pair_windows(found: Pairs) -> tuple[PairWindow, ...]:
    """Every kind of failure that needs two events."""
    kinds: dict[tuple[str, str, str], list[PairFailure]] = {}
    for f in found.failures:
        kinds.setdefault((f.first, f.second, f.verdict.condition), []).append(f)
    return tuple(PairWindow(*kind, len(of), of[0]) for kind, of in kinds.items())


def _stretches(steps: Sequence[Step], wrong: set[str]) -> tuple[tuple[str, str], ...]:
    out: list[tuple[str, str]] = []
    before: Step | None = None
    for step in steps:
        if step.name in wrong:
            if before is not None and before.name in wrong and before.phase == step.phase:
                out[-1] = out[-1][0], step.name
            else:
                out.append((step.name, step.name))
        before = step
    return tuple(out)


def data(found: SwitchReport) -> dict[str, object]:
    """The report as JSON can hold it; ``verdicts`` has a sign for each step."""
    return {
        "variant": {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(found.variant).items()},
        "way": found.way.name, "alone": asdict(found.alone), "tried": found.tried,
        "steps": [asdict(step) for step in found.steps],
        "verdicts": {what.name: "".join(row[i].sign for row in found.rows) for i, what in enumerate(found.events)},
        "windows": [asdict(w) for w in windows(found)],
        "failures": [{"line": line, **asdict(verdict)} for line, verdict in found.failures],
        "pairs": None if found.pairs is None else asdict(found.pairs),
    }  # fmt: skip


def counts(found: SwitchReport, column: int) -> tuple[int, int]:
    """Of an event: at how many steps it can come, and at how many of them something is wrong."""
    verdicts = [row[column] for row in found.rows]
    come = [v for v in verdicts if v is not CANNOT and v is not SPOILED]
    return len(come), sum(bool(v.condition) for v in come)
