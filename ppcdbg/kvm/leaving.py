"""Between two calls of KVM_RUN: userspace answers what KVM left to it, or stands still before it does.

Whoever wants to see an exit to userspace unanswered stops there (``Limits.leave``); the run loop completes it when it
runs on. Standing there leaves no trace in the guest, in the exit's record, or in a replay. Until then the vcpu is in
no state that could be saved or changed: KVM has not finished the operation (Documentation/virt/kvm/api.rst, KVM_RUN).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ppcdbg.cpu.state import SKIPPED
from ppcdbg.errors import UsageError
from ppcdbg.kvm import codes, ioctl
from ppcdbg.kvm.blocks import USERSPACE
from ppcdbg.kvm.payloads import UserspaceExit
from ppcdbg.kvm.records import ExitRecord
from ppcdbg.kvm.userspace import Ending
from ppcdbg.machine.input import InputEvent, Moment

if TYPE_CHECKING:
    from ppcdbg.kvm.run import KvmSystem

At = tuple[int, ...]
"""How an exit began: position, tick, number, pc, MSR, DEAR, ESR, instruction."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the guest was left: the exit ``at`` hand, its handler's resume code, and what KVM_RUN came back with."""

    at: At
    resume: int
    asked: UserspaceExit
    host_pc: int
    host_msr: int


class Leaving:
    """Of one system."""

    def __init__(self, system: KvmSystem) -> None:
        self._system = system
        self.wanted: Callable[[], bool] | None = None
        """Of the run that goes on; see ``Limits.leave``"""
        self.standing: Standing | None = None
        self.count = 0
        """Returns of KVM_RUN in the exit at hand, as long as somebody wants to know."""

    @property
    def which(self) -> int:
        """See ``System.left``."""
        return 0 if self.standing is None else self.count

    @property
    def asked(self) -> UserspaceExit | None:
        """What struct kvm_run holds, where the guest stands."""
        return None if self.standing is None else self.standing.asked

    def answer(self, reply: UserspaceExit | Ending) -> None:
        """Answer the exit that stands unanswered, and it alone; it completes when the guest runs on. Raises UsageError
        for what is no answer to it."""
        asked, system = self.asked, self._system
        if asked is None:
            raise UsageError("the guest does not stand at an exit to userspace; break userspace stops at one")
        system.answers.give(asked, reply, self._here)

    def given(self) -> InputEvent | None:
        """The answer that this exit will get, where somebody gave one by hand or a recording has it."""
        here, asked, system = self._here, self.asked, self._system
        for event in system.input.answers if asked is not None else ():
            if asked is not None and event.target == asked.REASON and event.due(here.position, here):
                return event
        return None

    @property
    def _here(self) -> Moment:
        system = self._system
        return Moment(system.position, system.core.state.counters[SKIPPED], system.steps)

    def serve(self, r: int, at: At | None, asked: bool) -> Ending | str | None:
        """KVM_RUN returned ``r``: userspace answers and calls it again, until the guest can be entered (None), has
        ended, stalls or is left standing (in a word). ``asked``: it stood here, and goes on."""
        system = self._system
        v = system.kvm
        resume = r
        if not asked:
            self.count = 0
        while r & codes.RESUME_FLAG_HOST:
            if v.stalled is not None:
                return "stalled"
            if not asked:
                ioctl.heavyweight_exit(v)
                if v.trace is not None:
                    v.trace("kvm_userspace_exit", (v.run.exit_reason, r >> 2))
                if self.wanted is not None and at is not None and self._stands(self.wanted, at, resume):
                    return "left"
            asked = False
            ending = system.answers.serve(v, system.userspace)
            if ending is not None:
                return ending
            r = ioctl.vcpu_run(v)
        return None

    def _stands(self, wanted: Callable[[], bool], at: At, resume: int) -> bool:
        """Ask whether to stay, with the guest looking as userspace sees it."""
        v = self._system.kvm
        core = v.core
        self.count += 1
        self.standing = Standing(at, resume, v.asks(), core.state.pc, core.msr)
        core.state.pc = v.pc & 0xFFFFFFFC
        core.set_msr((v.shared.msr if v.hv else v.shadow_msr) & core.model.msr_mask)
        if wanted():
            return True
        self.go_on()
        return False

    def go_on(self) -> Standing:
        """The core as the host had it, and where things stood."""
        found, core = self.standing, self._system.kvm.core
        assert found is not None
        self.standing = None
        core.set_msr(found.host_msr)
        core.state.pc = found.host_pc
        return found

    def record(self) -> ExitRecord | None:
        """The exit at hand as far as it has come, what userspace is asked as the last of it."""
        found, v = self.standing, self._system.kvm
        if found is None:
            return None
        return v.exits.unfinished(found.at, (*v.actions, (USERSPACE, found.asked)), tuple(v.queued), v.delivered)
