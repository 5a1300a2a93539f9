"""Who handles a machine check: the host, KVM, the guest or nobody, by where the core was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ppcdbg.debugger import open_guest
from ppcdbg.explore import machine_checks
from ppcdbg.explore.machine_checks import CASES, CheckTrial, trials
from ppcdbg.kvm.machine_check import arrive
from ppcdbg.kvm.printk import KernelBug
from ppcdbg.machine.description import describe
from ppcdbg.machine.guests import guest_file
from ppcdbg.machine.system import StopKind
from ppcdbg.session.machines import read_machine
from ppcdbg.session.replay import verify
from ppcdbg.session.store import Store
from tests.kvm.machines import vcpu

REASON = 0xFFFFFFFE80000000


@pytest.fixture(scope="module")
def found() -> dict[tuple[str, str], CheckTrial]:
    return {(t.cpu, t.case): t for t in trials()}


@pytest.mark.parametrize("cpu", ["e500v2", "e500mc"])
def test_where_the_core_was_decides(cpu: str, found: dict[tuple[str, str], CheckTrial]) -> None:
    def told(case: str) -> tuple[str, int | None, int, int, str]:
        t = found[cpu, case]
        return t.handled, t.unknown, t.checks, t.programs, t.end

    for case in ("supervisor, ME=1", "supervisor, ME=0", "user, ME=0"):
        assert told(case) == ("KVM", REASON, 0, 0, "guest killed")
        lines = found[cpu, case].lines
        assert lines[0] == "MACHINE CHECK: 80000000" and lines[1].startswith("pc:   001001") and len(lines) == 13
    hosts = found[cpu, "halted in the host"]
    assert hosts.lines[:2] == (
        "Machine check in kernel mode.", "Caused by (from MCSR=80000000): Machine Check Signal"
    )  # fmt: skip
    assert told("halted in the host") == ("host", None, 0, 0, "idle" if cpu == "e500mc" else "host dies")
    for case in ("jump at device, ME=1", "queued by KVM, ME=1"):
        assert told(case) == ("guest", None, 1, 2, "goes on")
        assert "mtspr: unknown spr 0x23a" in found[cpu, case].lines
    assert told("jump at device, ME=0") == ("nobody", None, 0, 0, "stuck")
    assert told("queued by KVM, ME=0") == ("nobody", None, 0, 0, "goes on")


def test_both_engines_agree() -> None:
    machine = describe(guest_file(machine_checks.GUEST, {}))
    for case, comes, choice in CASES:
        one, two = (
            machine_checks.trial(replace(machine, engine=engine), case, comes, choice)
            for engine in ("reference", "llvm")
        )
        assert one == two


def test_one_of_the_hardware_can_be_injected_gone_back_before_and_replayed(tmp_path: Path) -> None:
    guest = open_guest("demo", cpu="e500mc")
    guest.execute("run-until position 5000")
    guest.execute("inject HARDWARE_MACHINE_CHECK")
    guest.execute("break exit MACHINE_CHECK")
    stop = guest.continue_()
    assert stop.record is not None and (stop.record.name, stop.position) == ("MACHINE_CHECK", 5000)
    end = guest.continue_()
    assert end.stop.kind is StopKind.CRASH and "a machine check" in end.stop.detail
    back = guest.execute("reverse-continue")
    assert getattr(back, "position", None) == 5000
    guest.execute("delete")
    assert guest.continue_().stop == end.stop
    file = tmp_path / "check.ppcdbg"
    guest.execute(f"save-session {file}")
    store = Store.open(file)
    try:
        for engine in ("reference", "llvm"):
            held = verify(store, replace(read_machine(store), engine=engine))
            assert held.complete, held
    finally:
        store.close()


@pytest.mark.parametrize(("cpu", "mcsr", "dies"), [
    ("e500mc", 0x80000000, False), ("e500mc", 0x40000000, False), ("e500mc", 0x08000000, True),
    ("e500mc", 0x80008000, True), ("e500v2", 0x80000000, True), ("e500v2", 0x40000000, True),
])  # fmt: skip
def test_what_the_host_itself_recovers_from(cpu: str, mcsr: int, dies: bool) -> None:
    """machine_check_e500mc recovers from parity errors of its caches; machine_check_e500 from nothing."""
    v = vcpu(cpu)
    if dies:
        with pytest.raises(KernelBug, match="the host dies of a machine check of its own"):
            arrive(v, mcsr, in_host=True)
    else:
        arrive(v, mcsr, in_host=True)
    assert (v.host_log.lines[-1].text == "Oops: Machine check, sig: 7 [#1]") is dies
