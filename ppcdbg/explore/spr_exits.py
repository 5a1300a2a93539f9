"""SPRs that leave KVM for userspace: one guest of ours under every configuration that the thread of 2012 knows.

The guest uses an SPR that no KVM knows, DBCR0 (for a debug interrupt and, at its end, for the machine's reset) and EPR
(twice in one interrupt), and says on its console what came of each. What the configurations are: ``kvm.spr_exits``.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ppcdbg.kvm.build import build_system
from ppcdbg.kvm.records import Did
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.description import MachineDescription, describe
from ppcdbg.machine.guests import guest_file
from ppcdbg.machine.system import Limits, StopKind

GUEST = "spr-exits"
STEPS = 1_000_000
_EXIT = {"unknown_spr": "exit", "user_sprs": "0x3d0=0x1234"}
_USER = {**_EXIT, "irqchip": "user"}
CONFIGURATIONS: Mapping[str, Mapping[str, str]] = {
    "the bare machine": {"hv": "none"},
    "Linux 6.1": {},
    "Linux 6.1, MPIC in userspace": {"irqchip": "user"},
    "unknown: ignore": {"unknown_spr": "ignore"},
    "unknown: exit, userspace fails it": {"unknown_spr": "exit"},
    "unknown: exit, userspace has it": _EXIT,
    "as posted": {**_USER, "spr_exits": "all"},
    "as posted, MPIC in KVM": {**_EXIT, "spr_exits": "all"},
    "(a) EPR is the MPIC's": {**_EXIT, "spr_exits": "device"},
    "(b) KVM keeps some bits": {**_USER, "spr_exits": "split"},
    "a later KVM, unasked": {**_USER, "spr_exits": "taken"},
    "(c) a capability, not enabled": {**_USER, "spr_exits": "opt-in"},
    "(c) a capability, enabled": {**_USER, "spr_exits": "opted-in"},
    "KVM_EXIT_RESET instead": {"irqchip": "user", "spr_exits": "reset"},
    "KVM_EXIT_SYSTEM_EVENT instead": {"irqchip": "user", "spr_exits": "system-event"},
}
"""By name: the options of the machine."""
NOTES = (
    "unknown SPR: what a read gives, and one after a write of 5678; or the program interrupt that it takes",
    "debug: interrupts taken of the one that DBCR0[IAC1] asks for; reset: whether DBCR0[RST] resets the machine",
    "EPR: what two reads in one interrupt give; 65535 is no interrupt",
    "exits: how often KVM_RUN came back, but for accesses to devices",
)


@dataclass(frozen=True)
class Outcome:
    """What came of one run. ``unknown``, ``epr``: what was read, in order, or None for a program interrupt.
    ``end``: why the run ended."""

    name: str
    cpu: str
    options: Mapping[str, str]
    unknown: tuple[int, ...] | None
    debug: int
    dbcr0: int
    epr: tuple[int, ...] | None
    reset: bool
    exits: Mapping[str, int]
    end: str
    console: str


def outcomes(cpu: str) -> Iterator[Outcome]:
    """Every configuration, on a core."""
    machine = describe(guest_file(GUEST, os.environ), {"cpu": cpu, "engine": "reference"})  # at once: it is short
    for name, options in CONFIGURATIONS.items():
        yield outcome(name, options, describe(machine.kernel, options, machine))


def outcome(name: str, options: Mapping[str, str], machine: MachineDescription) -> Outcome:
    """One run."""
    system = build_system(replace(machine, input=None))
    stop = system.run(Limits(STEPS))
    text = system.board.console.text
    exits: Counter[str] = Counter()
    if isinstance(system, KvmSystem):
        left = (a.note for e in system.kvm.exits for a in e.actions if a.did is Did.USERSPACE)
        exits.update(word.removeprefix("KVM_EXIT_") for word in left)
    debug = re.search(r"DBCR0: ([0-9a-f]{8}) is read, (\d+) debug", text)
    return Outcome(
        name,
        machine.cpu,
        options,
        _numbers(r"unknown SPR: ([0-9a-f]{8}) is read, and ([0-9a-f]{8})", text, 16),
        int(debug[2]) if debug else 0,
        int(debug[1], 16) if debug else 0,
        _numbers(r"EPR: vector (\d+), and read again (\d+)", text, 10),
        stop.kind is StopKind.RESET and "nothing happened" not in text,
        dict(sorted(exits.items())),
        stop.detail,
        text,
    )


def _numbers(pattern: str, text: str, base: int) -> tuple[int, ...] | None:
    found = re.search(pattern, text)
    return None if found is None else tuple(int(group, base) for group in found.groups())


def rows(cpu: str | None = None) -> list[dict[str, str | int | None]]:
    """The table: every configuration on each core, or on one."""
    table: list[dict[str, str | int | None]] = []
    for core in (cpu,) if cpu else ("e500v2", "e500mc"):
        for o in outcomes(core):
            table.append(
                {
                    "core": core,
                    "configuration": o.name,
                    "unknown SPR": "program" if o.unknown is None else " ".join(f"{n:x}" for n in o.unknown),
                    "debug": o.debug,
                    "EPR": "program" if o.epr is None else " ".join(map(str, o.epr)),
                    "reset": "yes" if o.reset else "NO",
                    "exits": " ".join(f"{name} {count}" for name, count in o.exits.items()) or None,
                    "options": " ".join(f"--{k.replace('_', '-')} {v}" for k, v in o.options.items()) or None,
                }
            )
    return table
