"""The guests that are measured: the bundled loops a, b, c with a repetition count of one's choice, and the real Linux.

The loops' sources are ``tests/guests/bench``. Linux images are not shipped: a folder outside holds them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ppcdbg.bench.results import NotRun
from ppcdbg.paths import Kind, find

LOOPS: Mapping[str, str] = {
    "a": "SHA-256 and CRC",
    "b": "sieve, sort and copy",
    "c": "stack machine, state machine and list",
}
LOOP_CPU = "e500mc"
LOOP_MEMORY = 64 << 20

MARKER = b"PPCBENCH"
"""Stands in an image just before the word that holds the number of repetitions."""

LINUX_APPEND = "console=ttyS0,115200"
LINUX_MEMORY = 128 << 20
LINUX_DONE = b"INIT-DONE"
"""What init of the Linux guests prints last; then it reboots."""


def loop_image(loop: str, repetitions: int) -> bytes:
    """The ELF file of loop ``a``, ``b`` or ``c`` with its repetition count set."""
    path = find(Kind.GUESTS, f"bench-{loop}.elf", os.environ)
    if path is None:
        raise NotRun(f"the bundled guest bench-{loop}.elf is missing")
    return with_repetitions(path.read_bytes(), repetitions)


def with_repetitions(image: bytes, repetitions: int) -> bytes:
    """``image`` with the word after its marker replaced. Raises ValueError for an image without exactly one marker."""
    head, *rest = image.split(MARKER)
    if len(rest) != 1:
        raise ValueError(f"the image has {len(rest)} markers {MARKER.decode()}; it must have one")
    return head + MARKER + repetitions.to_bytes(4, "big") + rest[0][4:]


@dataclass(frozen=True)
class Linux:
    """One Linux guest: core, kernel and initrd."""

    cpu: str
    kernel: Path
    initrd: Path


def linux(name: str, folder: Path | None) -> Linux:
    """The guest ``linux-NAME`` of a folder; NotRun where there is none."""
    if folder is None:
        raise NotRun("no Linux guests; set PPCDBG_SHARED or give --guests")
    place = folder / f"linux-{name}"
    guest = Linux(name.split("-")[0], place / "uImage", place / "initrd.gz")
    for path in (guest.kernel, guest.initrd):
        if not path.is_file():
            raise NotRun(f"there is no {path}")
    return guest
