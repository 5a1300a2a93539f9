"""All rows of the benchmark, in the order of the report, and which of them a user's pattern means.

Reading order: results, row, clock; then loops, whole, inside, gdbpeer, back; report lays it out and ``cli.bench``
prints it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from ppcdbg.bench import back, gdbpeer, inside, loops, races, recording, whole
from ppcdbg.bench.guests import loop_image
from ppcdbg.bench.row import Row
from ppcdbg.errors import InputError, UsageError
from ppcdbg.paths import CHECKOUT, Kind, find

MANY = 1 << 31
"""Repetitions of a loop guest that never come to an end here."""


@dataclass(frozen=True)
class Settings:
    """What the benchmark is given. ``folder`` takes files for its time; ``linux`` holds ``linux-*`` folders."""

    folder: Path
    linux: Path | None
    timeout: float = 300.0
    lengths: loops.Lengths = field(default_factory=loops.Lengths)
    amounts: inside.Amounts = field(default_factory=inside.Amounts)


def catalogue(settings: Settings) -> tuple[Row, ...]:
    """Every row."""
    image = settings.folder / "bench-a.elf"
    image.write_bytes(loop_image("a", MANY))
    demo = find(Kind.GUESTS, "demo.elf", os.environ)
    if demo is None:
        raise InputError("the bundled guest demo.elf is missing; install ppcdbg again")
    return (
        *loops.rows(settings.lengths, settings.folder, settings.timeout),
        *whole.rows(settings.linux, settings.timeout),
        *recording.rows(settings.linux, settings.folder, settings.timeout),
        *inside.rows(image, demo, settings.linux, settings.amounts),
        races.race_row(),
        races.jobs_row(),
        *gdbpeer.rows(image),
        *back.rows(settings.folder, settings.timeout),
    )


def chosen(rows: Sequence[Row], patterns: Sequence[str]) -> tuple[Row, ...]:
    """The rows that any of the patterns means, all of them for none; UsageError for a pattern without a row."""
    for pattern in patterns:
        if not any(fnmatchcase(row.name, pattern) for row in rows):
            names = ", ".join(row.name for row in rows)
            raise UsageError(f"no row is called {pattern}; the rows are {names}")
    return tuple(row for row in rows if not patterns or any(fnmatchcase(row.name, pattern) for pattern in patterns))


def linux_folder(given: str | None, environment: Mapping[str, str]) -> Path | None:
    """The folder with the Linux guests: the given one, or ``guests`` in the one that PPCDBG_SHARED names.

    By default that is ``shared`` beside the checkout, as for the tests.
    """
    if given:
        return Path(given).expanduser().absolute()
    guests = Path(environment.get("PPCDBG_SHARED") or CHECKOUT.parent / "shared").absolute() / "guests"
    return guests if environment.get("PPCDBG_SHARED") or guests.is_dir() else None
