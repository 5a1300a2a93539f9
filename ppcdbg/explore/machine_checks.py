"""Who handles a machine check: one of the hardware's wherever the core is, and those that KVM makes for a guest.

Each case is a run of a guest of ours; who handled it is read off the exits, the host's log and the guest's registers.
The way into the host itself, instruction by instruction, is :mod:`ppcdbg.explore.switch`'s.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ppcdbg.cpu.interrupts import MACHINE_CHECK, VECTORS
from ppcdbg.cpu.msr import MCSR_MCP
from ppcdbg.isa.insn import E500MC, E500V2
from ppcdbg.kvm import irqprio
from ppcdbg.kvm.build import build_system
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.description import MachineDescription, describe
from ppcdbg.machine.guests import guest_file
from ppcdbg.machine.input import InputKind
from ppcdbg.machine.system import Limits, StopKind

GUEST = "machine-check"
CHOICE, COUNT, PROGRAMS, OVER = 27, 30, 28, 26
"""Registers of the guest's (tests/guests/hostile/machine-check.S)."""
ME, USER, JUMP, IDLE = 1, 2, 4, 8
HARDWARE, QUEUED, NOTHING = "machine-check", "queue", ""
CASES: tuple[tuple[str, str, int], ...] = (
    ("supervisor, ME=1", HARDWARE, ME),
    ("supervisor, ME=0", HARDWARE, 0),
    ("user, ME=0", HARDWARE, USER),
    ("halted in the host", HARDWARE, IDLE | ME),
    ("jump at device, ME=1", NOTHING, JUMP | ME),
    ("jump at device, ME=0", NOTHING, JUMP),
    ("queued by KVM, ME=1", QUEUED, ME),
    ("queued by KVM, ME=0", QUEUED, 0),
)
"""Where the guest is or what it does, what comes from outside, and what it is told to do."""
AT = 500
"""The position at which it comes, in the midst of the guest's counting."""
STEPS = 20_000


@dataclass(frozen=True)
class CheckTrial:
    """One case. ``handled``: by whom; ``saved``: the pair it was saved in; ``lines``: of the host's log; ``unknown``:
    the hardware_exit_reason that userspace got, or None; ``checks`` and ``programs``: interrupts that the guest got."""

    cpu: str
    case: str
    handled: str
    saved: str
    lines: tuple[str, ...]
    unknown: int | None
    checks: int
    programs: int
    end: str


def trials(cpus: tuple[str, ...] = (E500V2, E500MC)) -> Iterator[CheckTrial]:
    """Every case on each core."""
    machine = describe(guest_file(GUEST, os.environ))
    for cpu in cpus:
        for case, comes, choice in CASES:
            yield trial(replace(machine, cpu=cpu), case, comes, choice)


def trial(machine: MachineDescription, case: str, comes: str, choice: int) -> CheckTrial:
    """One of them."""
    system = build_system(machine)
    assert isinstance(system, KvmSystem)
    system.input.add(InputKind.REGISTER, name=f"r{CHOICE}", value=choice)
    if comes:
        value = MCSR_MCP if comes == HARDWARE else irqprio.MACHINE_CHECK
        at = STEPS * 10 if choice & IDLE else AT  # a core that waits for ever has it at once
        system.input.add(InputKind.KVM, name=comes, value=value, position=at)
    stop = system.run(Limits(STEPS))
    v = system.kvm
    exited = any(record.vector == MACHINE_CHECK for record in v.exits)
    pair = VECTORS[MACHINE_CHECK].cls.value[0][:-1]
    delivered = bool(v.delivered_counts[irqprio.MACHINE_CHECK])
    hosts = bool(v.host_log.lines) and v.host_log.lines[0].text.startswith("Machine check in kernel")
    handled = "KVM" if exited else "host" if hosts else "guest" if delivered else "nobody"
    saved = pair if exited or hosts else f"its {pair}" if delivered else "-"
    reason = v.run.hardware_exit_reason if exited else None
    ends = {StopKind.CRASH: "guest killed" if exited else "host dies", StopKind.RESET: "goes on"}
    return CheckTrial(
        machine.cpu, case, handled, saved, tuple(line.text for line in v.host_log.lines), reason, v.gpr[COUNT],
        v.gpr[PROGRAMS], ends.get(stop.kind, stop.kind.value),
    )  # fmt: skip


def rows(cpus: tuple[str, ...] = (E500V2, E500MC)) -> list[dict[str, str | int | None]]:
    """The table of all cases."""
    return [_row(t) for t in trials(cpus)]


def _row(t: CheckTrial) -> dict[str, str | int | None]:
    unknown = "-" if t.unknown is None else f"MCSR {t.unknown & 0xFFFFFFFF:08x}"
    return {
        "core": t.cpu, "machine check": t.case, "handler": t.handled, "saved in": t.saved, "log": len(t.lines),
        "userspace": unknown, "guest's": t.checks, "PROGRAM": t.programs, "end": t.end,
    }  # fmt: skip


def notes() -> list[str]:
    """What the columns are."""
    return [
        "log: lines in the host's; userspace: KVM_EXIT_UNKNOWN, hardware_exit_reason fffffffe and MCSR; guest's:"
        " machine checks that its handler got, PROGRAM: interrupts that it got there, for rfmci and MCSRR0 are not"
        " emulated (--quirk rfmci_missing=off)",
        "in guest state ME masks nothing, and the host's handler does not run, which on e500mc recovers from this one"
        " (a machine check signal); those of the host go to it by MCSRR1[GS]=0, in PR mode by IVPR",
        "a machine check that KVM queues waits for ME, and jumping at a device goes on for ever meanwhile",
    ]
