"""What comes to a vcpu's thread from the host: a signal, another task, a capability that it should not get, a cleared
file of exit times. All of it is input."""

from __future__ import annotations

import pytest

from ppcdbg.cpu.msr import MSR_SPE
from ppcdbg.cpu.timers import TIMEBASE_HZ
from ppcdbg.debugger import Debugger, StopReport, UsageError, open_guest
from ppcdbg.kvm import codes, ioctl
from ppcdbg.kvm.payloads import NEVER, PAYLOADS
from ppcdbg.kvm.records import Did
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.system import StopKind
from tests.kvm.machines import vcpu

BOTH = pytest.mark.parametrize("cpu", ["e500v2", "e500mc"])
JIFFY = TIMEBASE_HZ // 250


def at(position: int, cpu: str, *lines: str) -> Debugger:
    d = open_guest("demo", cpu=cpu)
    for line in (f"seek {position}", *lines):
        d.execute(line)
    return d


def system(d: Debugger) -> KvmSystem:
    assert isinstance(d.system, KvmSystem)
    return d.system


@BOTH
def test_a_signal_brings_kvm_run_back_with_eintr_and_everything_completed(cpu: str) -> None:
    d = at(10_000, cpu, "inject SIGNAL", "break userspace INTR after")
    before = system(d).kvm.stat["signal_exits"]
    stop = d.continue_()
    assert stop.record is not None and stop.position == 10_000
    assert stop.record.name == ("DOORBELL" if cpu == "e500mc" else "EXTERNAL") and stop.record.accounted == "SIGNAL"
    assert stop.record.resume == "RESUME_HOST (-4)"
    assert system(d).kvm.stat["signal_exits"] == before + 1
    steps = d.execute(f"info host-side {stop.record.number}")[1]  # type: ignore[index]
    assert ("signal_pending", "-EINTR") in [row[1:] for row in steps.rows]
    d.execute("delete")
    assert d.continue_().stop.kind is StopKind.RESET


@BOTH
def test_another_task_takes_its_time_and_what_comes_meanwhile_is_delivered(cpu: str) -> None:
    """The demo's decrementer runs out while somebody else has the processor."""
    d, plain = at(10_000, cpu, "inject RESCHED", "break resched"), at(10_000, cpu)
    now = plain.core.now
    stop = d.continue_()
    record = stop.record
    assert record is not None and [a.value for a in record.actions if a.did is Did.RESCHED] == [JIFFY]
    assert d.core.now == now + JIFFY and record.delivered is not None and stop.position == 10_000
    assert len(d.exit_filter("did == resched")) == 1
    d.execute("stepi 50")
    timing = system(d).kvm.timing
    assert timing.maximum[codes.EXT_INTR_EXITS if cpu == "e500v2" else codes.DBELL_EXITS] >= JIFFY
    d.execute("delete")
    assert d.continue_().stop.kind is StopKind.RESET


def test_a_vcpu_that_was_put_has_no_spe_in_pr_mode() -> None:
    v = vcpu()
    v.shadow_msr |= MSR_SPE
    gone: list[int] = []
    v.give_away = gone.append
    ioctl.request(v, "resched", 5)
    assert ioctl.vcpu_run(v) == codes.RESUME_GUEST
    assert gone == [5] and not v.shadow_msr & MSR_SPE and not v.resched


@BOTH
@pytest.mark.parametrize("name", ["SIGNAL", "RESCHED"])
def test_they_are_input_that_a_recording_has_and_a_held_exit_keeps(cpu: str, name: str, tmp_path: object) -> None:
    d = at(10_000, cpu, f"record {tmp_path}/x.ppcdbg", f"inject {name}", "break exit", "continue")
    assert d.last.held
    state = system(d).save()
    assert ("waits" in state["loop"]["vcpu"]) is True  # type: ignore[operator,index,call-overload]
    d.execute("delete")
    d.execute("record stop")
    end = d.continue_()
    again = open_guest(f"{tmp_path}/x.ppcdbg")
    again.continue_()
    assert again.continue_().stop == end.stop and [*again.exits] == [*d.exits]


@BOTH
def test_a_vcpu_with_papr_is_insane(cpu: str) -> None:
    """As the real KVM: tests/conform/oracle, guest u."""
    d = at(10_000, cpu, "inject CAP_PPC_PAPR")
    stop = d.continue_().stop
    assert (
        stop.kind is StopKind.CRASH
        and stop.detail == "KVM_RUN fails with EINVAL: no KVM of Book E runs a vcpu with PAPR"
    )
    left = [a.note for a in d.exits[-1].actions if a.left is not None]
    assert left == ["KVM_EXIT_INTR", "KVM_EXIT_INTERNAL_ERROR"]


def test_capabilities_and_their_results() -> None:
    v = vcpu()
    assert ioctl.enable_cap(v, ioctl.Cap.OSI) == 0 and ioctl.enable_cap(v, 48) == -codes.EINVAL and v.sane
    assert ioctl.enable_cap(v, ioctl.Cap.PAPR) == -codes.EINVAL
    assert ioctl.enable_cap(v, ioctl.Cap.EPR) == -codes.EINVAL and v.epr_flags & codes.EPR_USER, "done all the same"
    assert ioctl.vcpu_run(v) >> 2 == -codes.EINVAL and v.run.exit_reason == codes.KVM_EXIT_INTERNAL_ERROR


def test_exits_that_never_come_are_told_with_the_reason() -> None:
    from ppcdbg.cli.info import userspace_exits

    rows = {row["name"]: row["comes when"] for row in userspace_exits(None)}
    assert not NEVER.keys() & PAYLOADS.keys()
    assert all(str(rows[name]).startswith("never on Book E: ") for name, _ in NEVER.values())
    assert "book3s_pr.c" in str(rows["KVM_EXIT_OSI"])


@BOTH
def test_a_c_in_the_file_of_exit_times_begins_them_anew(cpu: str) -> None:
    d = at(3_000, cpu)
    timing = system(d).kvm.timing
    assert sum(timing.count) > 100
    d.execute("timing clear")
    assert not any(timing.count) and set(timing.minimum) == {0xFFFFFFFF}
    first = len(d.exits)
    d.execute("seek 6_000")
    booked = sum(count for kind, count in enumerate(timing.count) if kind != codes.TIMEINGUEST)
    records = d.exits[first:]
    begun = next(n for n, record in enumerate(records) if record.accounted)
    assert booked == len(records) - 1 - begun, "the exit under way is not booked, nor the last one yet"
    kept = timing.save()
    d.execute("seek 2_000")
    d.execute("seek 6_000")
    assert system(d).kvm.timing.save() == kept, "it is input"
    with pytest.raises(UsageError, match="takes clear"):
        d.execute("timing")


def test_the_bare_machine_has_none_of_it() -> None:
    d = open_guest("demo", hv="none")
    for line in ("inject SIGNAL", "break resched", "timing clear"):
        with pytest.raises(UsageError):
            d.execute(line)
    assert isinstance(d.continue_(), StopReport)
