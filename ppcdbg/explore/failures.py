"""The failure policies of a hypervisor side by side: a guest of ours asks for what cannot be emulated, under each.

What userspace then does is its own choice, so each policy that leaves to it is tried twice: with a userspace that gives
up, as QEMU does at KVM_EXIT_UNKNOWN, and with one that enters the guest again. Who argued for which: facts 3.3, and
Graf and Wood, "KVM: PPC: e500mc support", January 2012.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ppcdbg.kvm import codes, irqprio
from ppcdbg.kvm.build import build_system
from ppcdbg.kvm.emulate import PRINTER
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.kvm.userspace import Ending
from ppcdbg.kvm.vcpu import Vcpu
from ppcdbg.kvm.vm import FailurePolicy
from ppcdbg.kvm.vmm import BoardUserspace
from ppcdbg.machine.board import Board
from ppcdbg.machine.description import MachineDescription, describe
from ppcdbg.machine.guests import guest_file
from ppcdbg.machine.system import Limits, StopKind

GUEST = "failing"
TRIES = 32
"""Instructions that the guest tries (tests/guests/hostile/failing.S)."""
TRIED = 27
"""The register in which it counts them."""
STEPS = 100_000
AGAIN = 50
"""How often a patient userspace enters a guest that stands at the same instruction."""
WHO = {FailurePolicy.EXIT: "booke of 2011", FailurePolicy.INJECT: "book3s", FailurePolicy.BOTH: "booke of 6.1"}
GIVES_UP, GOES_ON, NOT_ASKED = "gives up", "again", "-"


@dataclass(frozen=True)
class FailureTrial:
    """The guest under one policy. ``program``: the Program interrupts that it got, with ``esr`` in the last;
    ``reasons``: how often userspace saw which hardware_exit_reason; ``lines``: what the host's kernel printed;
    ``held``: failures of which it printed nothing; ``tries``: how far the guest came, of ``TRIES``."""

    cpu: str
    policy: FailurePolicy
    userspace: str
    program: int
    esr: int
    reasons: Mapping[int, int]
    lines: tuple[str, ...]
    failures: int
    held: int
    exits: int
    to_userspace: int
    tries: int
    end: str


class _Userspace(BoardUserspace):
    """The board's, with a will of its own about what KVM did not understand."""

    def __init__(self, board: Board, patient: bool) -> None:
        super().__init__(board)
        self.reasons: dict[int, int] = {}
        self._patient = patient
        self._place, self._times = -1, 0

    def handle(self, vcpu: Vcpu) -> Ending | None:
        """See ``Userspace.handle``."""
        if vcpu.run.exit_reason != codes.KVM_EXIT_UNKNOWN:
            return super().handle(vcpu)
        reason, here = vcpu.run.hardware_exit_reason, vcpu.core.retired
        self.reasons[reason] = self.reasons.get(reason, 0) + 1
        self._times = self._times + 1 if here == self._place else 1
        self._place = here
        if not self._patient:
            return Ending(StopKind.CRASH, "gave up")
        return Ending(StopKind.CRASH, "no progress") if self._times == AGAIN else None


def trials(cpus: tuple[str, ...] = ("e500v2", "e500mc")) -> Iterator[FailureTrial]:
    """Every policy, with each userspace that it asks."""
    machine = describe(guest_file(GUEST, os.environ))
    for cpu in cpus:
        for policy in FailurePolicy:
            asked = (NOT_ASKED,) if policy is FailurePolicy.INJECT else (GIVES_UP, GOES_ON)
            for userspace in asked:
                yield trial(replace(machine, cpu=cpu, on_emulation_failure=policy.value), userspace)


def trial(machine: MachineDescription, userspace: str) -> FailureTrial:
    """One of them."""
    system = build_system(machine)
    assert isinstance(system, KvmSystem)
    v = system.kvm
    system.userspace = asked = _Userspace(system.board, userspace == GOES_ON)
    stop = system.run(Limits(STEPS))
    log = v.host_log.asked(PRINTER)
    program = v.delivered_counts[irqprio.PROGRAM]
    return FailureTrial(
        machine.cpu, v.vm.on_failure, userspace, program, v.guest_spr("ESR") if program else 0, asked.reasons,
        tuple(line.text for line in v.host_log.lines), log.total, log.held, len(v.exits),
        sum(record.resume.startswith("RESUME_HOST") for record in v.exits), v.gpr[TRIED],
        stop.detail if stop.kind is StopKind.CRASH else stop.kind.value,
    )  # fmt: skip


def rows(cpus: tuple[str, ...] = ("e500v2", "e500mc")) -> list[dict[str, str | int | None]]:
    """The table of all trials."""
    return [_row(t) for t in trials(cpus)]


def _row(t: FailureTrial) -> dict[str, str | int | None]:
    saw = [f"{times} x {reason & 0xFFFFFFFF:08x}" for reason, times in t.reasons.items()]
    return {
        "core": t.cpu, "policy": t.policy.value, "userspace": t.userspace, "PROGRAM": t.program,
        "UNKNOWN exits": ", ".join(saw) or "0", "logged": t.failures - t.held, "held": t.held,
        "exits": t.exits, "to user": t.to_userspace, "tries": f"{t.tries}/{TRIES}", "end": t.end,
    }  # fmt: skip


def notes() -> list[str]:
    """What the columns and the policies are."""
    who = ", ".join(f"{policy.value}: {name}" for policy, name in WHO.items())
    return [
        f"{who} (--on-emulation-failure)",
        "PROGRAM: interrupts that the guest gets, with ESR 08000000; UNKNOWN exits: KVM_EXIT_UNKNOWN, with"
        " hardware_exit_reason ffffffff and this instruction; logged, held: failures that the host's kernel"
        " printed, and that its rate limit kept from the log (info host-log)",
        f"userspace gives up at KVM_EXIT_UNKNOWN, as QEMU does, or enters the guest again, {AGAIN} times at one place",
    ]
