"""All rows of the benchmark, in the order of the report, and which of them a user's pattern means.

Reading order: results, row, clock; then loops, whole, inside, gdbpeer, back, ui; report lays it out and ``cli.bench``
prints it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from ppcdbg.bench import back, gdbpeer, inside, loops, races, recording, ui, whole
from ppcdbg.bench.guests import loop_image
from ppcdbg.bench.row import Row
from ppcdbg.errors import InputError, UsageError
from ppcdbg.paths import CHECKOUT, Kind, find, named

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
    ui: ui.Amounts = field(default_factory=ui.Amounts)


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
        *ui.rows(settings.linux, settings.folder, image, settings.ui),
    )


def chosen(rows: Sequence[Row], patterns: Sequence[str]) -> tuple[Row, ...]:
    """The rows that any of the patterns means, all of them for none; UsageError for a pattern without a row.

    What is no row's name but the beginning of some, up to a hyphen, means those: ``ui``."""
    names = [row.name for row in rows]
    wanted: set[str] = set()
    for pattern in patterns:
        found = [name for name in names if fnmatchcase(name, pattern)]
        found = found or [name for name in names if name.startswith(f"{pattern}-")]
        if not found:
            raise UsageError(f"no row is called {pattern}; the rows are {', '.join(names)}")
        wanted.update(found)
    return tuple(row for row in rows if not patterns or row.name in wanted)


def linux_folder(given: str | None, environment: Mapping[str, str]) -> Path | None:
    """The folder with the Linux guests: the given one, or ``guests`` in the one that PPCDBG_SHARED names.

    By default that is ``shared`` beside the checkout, as for the tests.
    """
    if given:
        return named(given).absolute()
    guests = Path(environment.get("PPCDBG_SHARED") or CHECKOUT.parent / "shared").absolute() / "guests"
    return guests if environment.get("PPCDBG_SHARED") or guests.is_dir() else None
