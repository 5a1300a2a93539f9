"""The execute-only page: a guest of ours makes its host want to see an instruction that may not be read, in four ways.

Under each way of reading instructions (:mod:`ppcdbg.kvm.fetch`) the guest says whether it got what it must get; whether
its host is still there is seen from outside. Wood and Graf, "KVM: PPC: e500mc support", January 2012.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ppcdbg.isa.insn import E500MC, E500V2
from ppcdbg.kvm.build import build_system
from ppcdbg.kvm.fetch import RECOVERS, InstructionFetch
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.description import MachineDescription, describe
from ppcdbg.machine.guests import guest_file
from ppcdbg.machine.input import InputKind
from ppcdbg.machine.system import Limits, StopKind

GUEST = "execute-only"
PROBES = ("emulated", "load", "device", "trap")
"""What the guest does from its page (tests/guests/hostile/execute-only.S): an instruction that KVM emulates, a load
that misses in the shadow TLB, one from a device, a trap of its own."""
CHOICE, COUNT, ESR, WRONG = 27, 30, 31, 26
"""Registers of the guest's: which it does, how many Program interrupts it got, their ESR, whether it is wrong."""
STEPS = 100_000
PAYS = {
    InstructionFetch.WALK: "tlbsx and a mapping at each exit that reads",
    InstructionFetch.LWEPX: "nothing",
    InstructionFetch.MARKER: "a few instructions at each exit that reads",
    InstructionFetch.FIXUP: "a test in each data fault of the host's own",
}


@dataclass(frozen=True)
class FetchTrial:
    """One way, with what became of each probe. ``dear_first``: ESR and DEAR are read before the instruction."""

    cpu: str
    fetch: InstructionFetch
    dear_first: bool
    became: tuple[str, ...]


def trials() -> Iterator[FetchTrial]:
    """Every way, and those that survive a fault with the registers read in either order."""
    machine = describe(guest_file(GUEST, os.environ))
    yield trial(replace(machine, cpu=E500V2), False)
    for fetch in InstructionFetch:
        for first in (False, True) if fetch in RECOVERS else (False,):
            yield trial(replace(machine, cpu=E500MC, instruction_fetch=fetch.value), first)


def trial(machine: MachineDescription, dear_first: bool) -> FetchTrial:
    """One of them, each probe in a run of its own."""
    if dear_first:
        machine = replace(machine, quirks=(("fetch_before_dear", False),))
    became = tuple(probe(machine, number) for number in range(len(PROBES)))
    return FetchTrial(machine.cpu, InstructionFetch(machine.instruction_fetch), dear_first, became)


def probe(machine: MachineDescription, number: int) -> str:
    """``right``; ``oops`` of the host; ``stuck``; or the Program interrupt that the guest should not have got."""
    system = build_system(machine)
    assert isinstance(system, KvmSystem)
    system.input.add(InputKind.REGISTER, name=f"r{CHOICE}", value=1 << number)
    stop = system.run(Limits(STEPS))
    if stop.kind is not StopKind.RESET:
        return "oops" if stop.kind is StopKind.CRASH else stop.kind.value
    gpr = system.kvm.gpr
    return f"PROGRAM {gpr[ESR]:08x}" if gpr[WRONG] else "right"


def rows() -> list[dict[str, str | int | None]]:
    """The table of all trials."""
    table: list[dict[str, str | int | None]] = []
    for t in trials():
        pr = t.cpu == E500V2
        order = "-" if t.fetch not in RECOVERS else "DEAR" if t.dear_first else "instruction"
        row: dict[str, str | int | None] = {"core": t.cpu, "read by": "lwz" if pr else t.fetch.value, "first": order}
        table.append(row | dict(zip(PROBES, t.became, strict=True)))
    return table


def notes() -> list[str]:
    """What the columns are."""
    return [
        "read by: --instruction-fetch; first: what the exit path reads first (--quirk fetch_before_dear=off is DEAR)",
        "emulated, load, device, trap: from an execute-only page an instruction that KVM emulates, a load that misses,"
        " one from a device, a trap; oops: the host's kernel is gone, and the guest with it; PROGRAM: the guest got"
        " this interrupt and ESR, and must not have; stuck: the same exit for ever, as DEAR is the host's own",
        "paid for: " + "; ".join(f"{fetch.value}: {what}" for fetch, what in PAYS.items()),
        "e500v2 reads with the supervisor's permission, which every shadow entry has",
    ]
