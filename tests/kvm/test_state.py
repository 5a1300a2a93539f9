"""Every attribute of a vcpu is saved, or is known to be none of its state."""

from __future__ import annotations

import pytest

from ppcdbg.kvm import vcpu_state
from ppcdbg.kvm.vcpu_state import restore_vcpu, save_vcpu
from tests.kvm.machines import vcpu


@pytest.mark.parametrize("cpu", ["e500v2", "e500mc"])
def test_nothing_of_a_vcpu_is_forgotten(cpu: str) -> None:
    v = vcpu(cpu)
    del v.board  # type: ignore[attr-defined]
    known = [
        *vcpu_state.NUMBERS,
        *vcpu_state.LISTS,
        *vcpu_state.TABLES,
        *vcpu_state.PARTS,
        *vcpu_state.ELSEWHERE,
        *vcpu_state.NOT_STATE,
    ]
    assert len(known) == len(set(known))
    assert not set(vars(v)) - set(known), "put the new attribute into one of the lists of kvm/vcpu_state.py"


@pytest.mark.parametrize("cpu", ["e500v2", "e500mc"])
def test_a_state_that_is_put_back_is_the_state(cpu: str) -> None:
    """Each number changed, put back, and the same again."""
    v = vcpu(cpu)
    before = save_vcpu(v)
    for name in vcpu_state.NUMBERS:
        setattr(v, name, 1 if getattr(v, name) != 1 else 2)
    v.debug.dac2 = 7
    v.count_emulated(0x7C0000A6)
    v.queued_by[4] = (1, 2)
    v.host_log.limited(5, "f", ((3, "x"),))
    v.run.mmio.data = b"ab"
    after = save_vcpu(v)
    assert after != before
    restore_vcpu(v, before)
    assert save_vcpu(v) == before
    restore_vcpu(v, after)
    assert save_vcpu(v) == after
