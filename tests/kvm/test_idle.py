"""EV_IDLE: a vcpu that nothing will wake is the end of a run, and no guest that goes on."""

from __future__ import annotations

import pytest

from ppcdbg.kvm.codes import HC_EV_IDLE
from ppcdbg.machine.system import Limits, StopKind
from tests.kvm.machines import ENTRY, li, lis, system, vcpu

SC, SC_1, SPIN = 0x44000002, 0x44000022, 0x48000000


@pytest.mark.parametrize("cpu", ["e500v2", "e500mc"])
def test_idling_with_nothing_to_come_ends_the_run(cpu: str) -> None:
    call = [lis(11, HC_EV_IDLE >> 16), 0x616B0000 | HC_EV_IDLE & 0xFFFF]  # ori r11,r11,low
    if cpu == "e500v2":
        call += [lis(0, 0x4B56), 0x60000000 | 0x4D21, SC]
    else:
        call.append(SC_1)
    machine = system(vcpu(cpu), [*call, li(3, 7), SPIN])
    stop = machine.run(Limits(1_000))
    assert stop.kind is StopKind.IDLE
    assert stop.pc == ENTRY + 4 * len(call) and machine.kvm.gpr[3] == 0
    assert machine.kvm.hypercalls == {HC_EV_IDLE: 1}
