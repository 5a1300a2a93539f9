"""msgsnd, msgclr and the doorbell interrupts (facts 1.8, 1.9)."""

from __future__ import annotations

import pytest

from ppcdbg.cpu import interrupts as I
from ppcdbg.cpu import msr as M
from ppcdbg.isa import slots
from tests.cpu.rig import asm, rig

BROADCAST = 0x04000000


@pytest.mark.parametrize(
    ("message", "msr", "vector"),
    [
        (0 << 27, M.MSR_EE, I.DOORBELL),
        (0 << 27, 0, None),
        (1 << 27, M.MSR_CE, I.DOORBELL_CRITICAL),
        (1 << 27, M.MSR_EE, None),
        (2 << 27 | 3 << 14, M.MSR_GS | M.MSR_EE, I.GUEST_DBELL),
        (2 << 27 | 3 << 14, M.MSR_EE, None),
        (2 << 27 | 4 << 14, M.MSR_GS | M.MSR_EE, None),
        (3 << 27 | 3 << 14, M.MSR_GS | M.MSR_CE, I.GUEST_DBELL_CRIT),
        (4 << 27 | 3 << 14, M.MSR_GS | M.MSR_ME, I.GUEST_DBELL_CRIT),
        (0 << 27 | 5, M.MSR_EE, None),
        (0 << 27 | 5 | BROADCAST, M.MSR_EE, I.DOORBELL),
    ],
)
def test_who_takes_a_message(message, msr, vector):
    it = rig().code(asm("msgsnd", RB=5))
    it.core.write_spr("LPID", 3)
    it.core.state.gpr[5] = message
    it.run()
    it.core.set_msr(msr)
    assert it.core.deliverable() == vector


def test_msgclr_takes_it_back_and_delivery_consumes_it():
    it = rig().code(asm("msgsnd", RB=5), asm("msgclr", RB=5), asm("msgsnd", RB=5), 0x60000000)
    it.run(2)
    it.core.set_msr(M.MSR_EE)
    assert it.core.deliverable() is None
    it.core.set_msr(0)
    it.run(1)
    it.core.set_msr(M.MSR_EE)
    it.core.delivery.take_asynchronous(I.DOORBELL)
    it.core.set_msr(M.MSR_EE)
    assert it.core.deliverable() is None


def test_guest_doorbell_destroys_gsrr_and_spares_srr():
    it = rig().code(0x60000000)
    it.core.write_spr("SRR0", 0x44)
    it.core.state.reg[slots.DOORBELLS] = 4
    it.core.set_msr(M.MSR_GS | M.MSR_EE)
    it.core.delivery.take_asynchronous(I.GUEST_DBELL)
    assert (it.core.read_spr("SRR0"), it.core.read_spr("GSRR0")) == (0x44, 0x1000)
    assert not it.core.msr & M.MSR_GS
