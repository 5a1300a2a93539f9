"""The failure policies: what the guest, userspace and the host's log see of an instruction that cannot be emulated."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ppcdbg.explore import failures
from ppcdbg.explore.failures import AGAIN, GIVES_UP, GOES_ON, NOT_ASKED, TRIES, FailureTrial, trials
from ppcdbg.kvm.vm import FailurePolicy
from ppcdbg.machine.description import describe
from ppcdbg.machine.guests import guest_file

WORD = 0x7C734AA6  # mfspr r3,307: EPCR
REASON = 0xFFFFFFFF << 32 | WORD


@pytest.fixture(scope="module")
def found() -> dict[tuple[str, str, str], FailureTrial]:
    return {(t.cpu, t.policy.value, t.userspace): t for t in trials()}


@pytest.mark.parametrize("cpu", ["e500v2", "e500mc"])
def test_what_each_policy_comes_to(cpu: str, found: dict[tuple[str, str, str], FailureTrial]) -> None:
    def seen(policy: str, userspace: str) -> tuple[int, dict[int, int], int, int, str]:
        t = found[cpu, policy, userspace]
        return t.program, dict(t.reasons), t.failures - t.held, t.tries, t.end

    assert seen("exit", GIVES_UP) == (0, {REASON: 1}, 1, 1, "gave up")
    assert seen("exit", GOES_ON) == (0, {REASON: AGAIN}, 10, 1, "no progress")
    assert seen("inject", NOT_ASKED) == (TRIES, {}, 20, TRIES, "reset")
    assert seen("both", GIVES_UP) == (0, {REASON: 1}, 1, 1, "gave up")
    assert seen("both", GOES_ON) == (TRIES, {REASON: TRIES}, 20, TRIES, "reset")
    both, inject = found[cpu, "both", GOES_ON], found[cpu, "inject", NOT_ASKED]
    assert both.esr == inject.esr == 0x08000000
    assert both.exits == inject.exits and both.to_userspace == inject.to_userspace + TRIES


def test_the_log_says_what_it_held_back(found: dict[tuple[str, str, str], FailureTrial]) -> None:
    """Twenty failures, a pause of more than five seconds, and twelve: ten lines, what was held back, ten lines."""
    t = found["e500v2", "inject", NOT_ASKED]
    crit = [n for n, line in enumerate(t.lines) if line.startswith("emulation_exit: emulation at")]
    assert len(crit) == 20 and t.held == 12
    assert [n for n, line in enumerate(t.lines) if "suppressed" in line] == [crit[9] + 1]
    assert t.lines[crit[9] + 1] == "emulation_exit: 10 callbacks suppressed"


def test_both_engines_make_the_same_table() -> None:
    machine = describe(guest_file(failures.GUEST, {}))
    for cpu in ("e500v2", "e500mc"):
        for policy in FailurePolicy:
            asked = replace(machine, cpu=cpu, on_emulation_failure=policy.value)
            one, two = (failures.trial(replace(asked, engine=engine), GOES_ON) for engine in ("reference", "llvm"))
            assert one == two
