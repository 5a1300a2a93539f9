"""The execute-only page under each way of reading instructions: who survives, and what the guest gets."""

from __future__ import annotations

import pytest

from ppcdbg.debugger import UsageError, open_guest
from ppcdbg.debugger.stops import Cause
from ppcdbg.explore.fetch_hazard import PROBES, FetchTrial, trials
from ppcdbg.kvm.fetch import InstructionFetch
from ppcdbg.kvm.records import Did
from ppcdbg.machine.system import StopKind

RIGHT, OOPS = ("right",) * 4, ("oops",) * 4
LATE = ("PROGRAM 08000000", "stuck", "stuck", "PROGRAM 00000040")
EARLY = ("PROGRAM 08000000", "right", "PROGRAM 00000000", "right")


@pytest.fixture(scope="module")
def found() -> list[FetchTrial]:
    return [*trials()]


def test_what_became_of_each(found: list[FetchTrial]) -> None:
    assert [(t.cpu, t.fetch.value, t.dear_first, t.became) for t in found] == [
        ("e500v2", "walk", False, RIGHT),
        ("e500mc", "walk", False, RIGHT),
        ("e500mc", "lwepx", False, OOPS),
        ("e500mc", "lwepx-marker", False, LATE),
        ("e500mc", "lwepx-marker", True, EARLY),
        ("e500mc", "lwepx-fixup", False, LATE),
        ("e500mc", "lwepx-fixup", True, EARLY),
    ]
    assert {t.fetch for t in found} == set(InstructionFetch) and len(PROBES) == 4


def test_a_breakpoint_stops_before_the_oops_and_again_on_the_way_back() -> None:
    guest = open_guest("execute-only", instruction_fetch="lwepx")
    guest.execute("break fetch-fault")
    stop = guest.continue_()
    assert stop.cause is Cause.BREAKPOINT and stop.pc == 0x50000000 and stop.record is not None
    assert stop.record.name == "HV_PRIV" and "inst" not in stop.record.captured
    assert not guest.system.kvm.host_log.lines  # type: ignore[attr-defined]
    position = stop.position
    end = guest.continue_()
    assert end.cause is Cause.ENDED and end.stop.kind is StopKind.CRASH and "host oopses" in end.stop.detail
    assert [a.did for a in guest.exits[-1].actions] == [Did.FETCH_FAULT]
    log = guest.execute("dmesg")
    assert [row[2] for row in log.rows] == [
        "BUG: Unable to handle kernel data access on read at 0x50000000",
        "Oops: Kernel access of bad area, sig: 11 [#1]",
    ]
    back = guest.execute("reverse-continue")
    assert getattr(back, "position", None) == position
    assert not guest.execute("dmesg").rows


def test_a_remedy_is_told_of_at_each_fault() -> None:
    guest = open_guest("execute-only", instruction_fetch="lwepx-fixup", quirks={"fetch_before_dear": False})
    guest.execute("trace fetch-fault")
    end = guest.continue_()
    assert end.stop.kind is StopKind.RESET
    hits = guest.execute("info traces")
    assert [hit.record.name for hit in hits] == ["HV_PRIV", "HV_PRIV", "DTLB_MISS", "DTLB_MISS", "PROGRAM"]
    found = guest.execute("exits did == fetch_fault")
    assert found.total == 5


def test_where_there_is_no_such_fault() -> None:
    guest = open_guest("execute-only", cpu="e500v2")
    with pytest.raises(UsageError, match="a guest on e500mc under KVM shows it"):
        guest.execute("break fetch-fault")
    with pytest.raises(UsageError, match="for guests in HV mode"):
        open_guest("execute-only", cpu="e500v2", instruction_fetch="lwepx")
