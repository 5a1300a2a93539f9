"""The four hazards of a hypervisor that rewrites a guest's instructions, each tried on a guest of ours.

Each guest is run three times: untouched, rewritten by the hypervisor behind its back, and rewriting itself. It says on
its console what it found; which of its loads saw an instruction that it had not put there is found out from outside.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ppcdbg.kvm.build import build_system
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.description import MachineDescription, describe
from ppcdbg.machine.guests import guest_file
from ppcdbg.machine.system import FINAL, Limits, StopKind

HAZARDS: Mapping[str, str] = {
    "checksum": "it checksums its text",
    "constant": "a constant is an instruction, too",
    "alternative": "it patches itself, and looks first",
    "jit": "it reads back code that it generated",
}
"""By the end of the guest's name: what the guest does."""
WAYS: Mapping[str, Mapping[str, str]] = {
    "nobody": {"pv": "off"},
    "hypervisor": {"patch_by": "hypervisor"},
    "guest": {},
}
"""Who rewrites, and the machine's options for it."""
RIGHT = "as it must be"
STEPS = 1_000_000


@dataclass(frozen=True, slots=True)
class ForeignRead:
    """A load that saw what the guest had not put there: position and pc of the load, the instruction's address, its own
    word and the one that was seen."""

    position: int
    pc: int
    address: int
    original: int
    seen: int


@dataclass(frozen=True)
class Trial:
    """A guest run in one way: whether it found what it had put there, its last line, and the loads that saw another."""

    hazard: str
    way: str
    works: bool
    said: str
    rewritten: int
    reads: tuple[ForeignRead, ...]


def trials() -> Iterator[Trial]:
    """Every hazard in every way."""
    for hazard in HAZARDS:
        machine = describe(guest_file(f"hazard-{hazard}", os.environ))
        for way, options in WAYS.items():
            yield trial(hazard, way, replace(machine, **options))  # type: ignore[arg-type]


def rows() -> list[dict[str, str | int | None]]:
    """The table of all trials: the first load that saw another word, and how many there are."""
    table: list[dict[str, str | int | None]] = []
    for t in trials():
        row: dict[str, str | int | None] = {
            "guest": f"hazard-{t.hazard}", "rewritten by": t.way, "works": "yes" if t.works else "NO",
            "reads": len(t.reads), "position": None, "pc": None, "address": None, "its own": None, "seen": None,
        }  # fmt: skip
        for first in t.reads[:1]:
            row |= {"position": first.position, "pc": f"{first.pc:08x}", "address": f"{first.address:08x}"}
            row |= {"its own": f"{first.original:08x}", "seen": f"{first.seen:08x}"}
        table.append({**row, "what it does": HAZARDS[t.hazard]})
    return table


def trial(hazard: str, way: str, machine: MachineDescription) -> Trial:
    """One of them."""
    system = build_system(machine)
    assert isinstance(system, KvmSystem)
    reads = tuple(foreign_reads(system, STEPS))
    lines = system.board.console.text.splitlines() or [""]
    rewriter = system.kvm.rewriter
    works = system.ended is not None and system.ended.kind is StopKind.RESET and lines[-1].endswith(RIGHT)
    return Trial(hazard, way, works, lines[-1], 0 if rewriter is None else len(rewriter.entries), reads)


def foreign_reads(system: KvmSystem, limit: int) -> Iterator[ForeignRead]:
    """Run to the end, or to a position, and give each load of an instruction that the hypervisor has rewritten."""
    rewriter = system.kvm.rewriter
    known = -1

    def more() -> bool:
        return rewriter is not None and len(rewriter.entries) != known

    while True:
        known = 0 if rewriter is None else len(rewriter.entries)
        watches = () if rewriter is None else rewriter.watches()
        stop = system.run(Limits(limit, watches=watches, after_exit=more))
        for hit in stop.hits:
            about = None if rewriter is None else rewriter.at(hit.watch.start)
            if about is not None:
                yield ForeignRead(hit.position, hit.pc, about.address, about.original, about.word)
        if stop.kind in FINAL or stop.position >= limit:
            return
