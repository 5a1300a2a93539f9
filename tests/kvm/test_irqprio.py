"""The rules of delivery, one by one (facts 4)."""

from __future__ import annotations

import pytest

from ppcdbg.kvm import booke, codes, irqprio, queueing
from ppcdbg.kvm import magic_page as mp
from ppcdbg.kvm.irqprio import IRQMASK_CE, IRQMASK_EE, IntClass, irqprios
from tests.kvm.machines import vcpu

CE, EE, ME, DE, PR, WE = 0x20000, 0x8000, 0x1000, 0x200, 0x4000, 0x40000
KEEPS_BASE = CE | ME | DE
SYNC = range(12)
NAMES = [p.name for p in irqprios(False)]


def give(v, msr: int, pending: int, r1: int = 0x100) -> None:  # type: ignore[no-untyped-def]
    v.shared.msr = msr
    v.pending = pending
    v.gpr[1] = r1
    v.pc = 0x4000


def test_the_masks_are_the_enables() -> None:
    ee = sum(1 << p.number for p in irqprios(False) if p.enable == EE or p.number == irqprio.PERFORMANCE_MONITOR)
    ce = sum(1 << p.number for p in irqprios(False) if p.enable == CE)
    assert (ee, ce) == (IRQMASK_EE, IRQMASK_CE)


def test_twenty_three_in_order_and_debug_has_its_own_class_on_hv() -> None:
    assert [p.number for p in irqprios(True)] == list(range(irqprio.MAX)) == list(range(23))
    assert irqprios(True)[irqprio.DEBUG].cls is IntClass.DBG
    assert irqprios(False)[irqprio.DEBUG].cls is IntClass.CRIT
    assert sorted(irqprio.IVOR_PRIO.values()) == sorted(set(range(23)) - {irqprio.EXTERNAL_LEVEL})


@pytest.mark.parametrize("priority", SYNC)
def test_synchronous_ones_are_always_delivered(priority: int) -> None:
    v = vcpu()
    give(v, 0, 1 << priority)
    v.shared.set64(mp.CRITICAL, v.gpr[1])  # even inside a critical section
    v.queued_esr, v.queued_dear = 0x800000, 0xDEAD0000
    booke.check_exceptions(v)
    p = v.prios[priority]
    assert v.delivered == priority
    assert v.pending == 0
    assert v.pc == 0x55550000 | 0x7700 | priority * 4
    assert v.guest_spr("SRR0") == 0x4000
    assert v.guest_spr("ESR") == (0x800000 if p.esr else 0)
    assert v.guest_spr("DEAR") == (0xDEAD0000 if p.dear else 0)


@pytest.mark.parametrize(
    ("priority", "bit"), [(p.number, p.enable) for p in irqprios(False) if p.enable], ids=lambda x: hex(x)
)
def test_asynchronous_ones_wait_for_their_enable(priority: int, bit: int) -> None:
    v = vcpu()
    give(v, 0x3FFFF & ~bit & ~PR & ~WE & ~0x30, 1 << priority)
    booke.check_exceptions(v)
    assert v.delivered is None
    assert v.pending == 1 << priority
    assert v.shared.get32(mp.INT_PENDING) == 1
    v.shared.msr = bit
    booke.check_exceptions(v)
    assert v.delivered == priority


@pytest.mark.parametrize("priority", [p.number for p in irqprios(False) if p.enable])
def test_a_critical_section_holds_every_asynchronous_one(priority: int) -> None:
    v = vcpu()
    everything = CE | EE | ME | DE
    give(v, everything, 1 << priority)
    v.shared.set64(mp.CRITICAL, 0x100)
    booke.check_exceptions(v)
    assert v.delivered is None
    assert [row.held_by for row in booke.explain(v) if row.pending] == ["critical section (critical == r1)"]
    v.shared.msr = everything | PR  # user mode is in no critical section
    booke.check_exceptions(v)
    assert v.delivered == priority


def test_without_the_quirk_a_section_holds_only_the_base_class() -> None:
    for priority, held in ((irqprio.EXTERNAL, True), (irqprio.WATCHDOG, False), (irqprio.MACHINE_CHECK, False)):
        v = vcpu(critical_holds_all_classes=False)
        give(v, CE | EE | ME | DE, 1 << priority)
        v.shared.set64(mp.CRITICAL, 0x100)
        booke.check_exceptions(v)
        assert (v.delivered is None) is held


def test_r1_of_zero_is_a_section_that_nobody_entered() -> None:
    for quirk in (True, False):
        v = vcpu(zero_r1_is_critical=quirk)
        give(v, EE, 1 << irqprio.EXTERNAL, r1=0)
        booke.check_exceptions(v)
        assert (v.delivered is None) is quirk


def test_the_lowest_number_goes_first_and_only_one_goes() -> None:
    v = vcpu()
    give(v, EE | CE, 1 << irqprio.DECREMENTER | 1 << irqprio.EXTERNAL | 1 << irqprio.WATCHDOG)
    rows = booke.explain(v)
    assert rows[irqprio.WATCHDOG].held_by == ""
    assert rows[irqprio.EXTERNAL].held_by == "WATCHDOG goes first"
    booke.check_exceptions(v)
    assert v.delivered == irqprio.WATCHDOG
    assert v.pending == 1 << irqprio.DECREMENTER | 1 << irqprio.EXTERNAL


def test_a_masked_one_does_not_stop_a_later_one() -> None:
    """facts 15: pending=0x00040001 with EE=0."""
    v = vcpu()
    give(v, 0, 0x00040001)
    booke.check_exceptions(v)
    assert v.delivered == irqprio.DATA_STORAGE
    assert v.pending == 0x00040000
    assert v.shared.get32(mp.INT_PENDING) == 1


@pytest.mark.parametrize("p", [p for p in irqprios(False) if p.enable is not None], ids=lambda p: p.name)
def test_save_pair_and_msr_after_delivery(p) -> None:  # type: ignore[no-untyped-def]
    v = vcpu()
    before = CE | EE | ME | DE | 0x02000000 | 0x10
    give(v, before, 1 << p.number)
    booke.check_exceptions(v)
    pair = {IntClass.NONCRIT: ("SRR0", "SRR1"), IntClass.CRIT: ("CSRR0", "CSRR1"), IntClass.MC: ("MCSRR0", "MCSRR1")}
    assert [v.guest_spr(r) for r in pair[p.cls]] == [0x4000, before]
    assert v.guest_msr == before & p.keeps
    assert bool(v.pending) is p.level


def test_level_vectors_through_the_external_ivor() -> None:
    v = vcpu()
    v.ivpr, v.ivor[irqprio.EXTERNAL], v.ivor[irqprio.EXTERNAL_LEVEL] = 0xC0000000, 0x500, 0x9990
    give(v, EE, 1 << irqprio.EXTERNAL_LEVEL)
    booke.check_exceptions(v)
    assert v.pc == 0xC0000500
    assert v.pending == 1 << irqprio.EXTERNAL_LEVEL


def test_kvm_interrupt_numbers() -> None:
    v = vcpu()
    for irq in (codes.KVM_INTERRUPT_SET, 5, codes.KVM_INTERRUPT_SET_LEVEL):
        queueing.interrupt(v, irq)
    assert v.pending == 1 << irqprio.EXTERNAL | 1 << irqprio.EXTERNAL_LEVEL
    assert v.queue_counts[irqprio.EXTERNAL] == 2
    queueing.interrupt(v, codes.KVM_INTERRUPT_UNSET)
    assert v.pending == 0


def test_queueing_traces_the_bitmap_as_it_was() -> None:
    v = vcpu()
    seen: list[tuple[str, tuple[int, ...]]] = []
    v.trace = lambda name, args: seen.append((name, args))
    queueing.queue(v, irqprio.DECREMENTER)
    queueing.queue(v, irqprio.WATCHDOG)
    assert seen == [
        ("kvm_booke_queue_irqprio", (0, irqprio.DECREMENTER, 0)),
        ("kvm_booke_queue_irqprio", (0, irqprio.WATCHDOG, 1 << irqprio.DECREMENTER)),
    ]


@pytest.mark.parametrize(("quirk", "pending", "rings"), [
    (True, 1 << irqprio.PROGRAM, 0x10), (True, 1 << irqprio.MACHINE_CHECK, 0),
    (False, 1 << irqprio.MACHINE_CHECK, 0x10), (False, 1 << irqprio.PROGRAM, 0),
])  # fmt: skip
def test_hv_rings_itself_for_machine_checks_by_the_number_twelve(quirk: bool, pending: int, rings: int) -> None:
    v = vcpu("e500mc", machine_check_doorbell_number=quirk)
    v.core.write_spr("LPID", v.vm.host.lpid)
    v.shared.msr = 0x10000000
    v.gpr[1] = 0x100
    v.pending = pending | 1 << irqprio.DBELL  # the deliver attempt that rings
    booke._ring(v)
    from ppcdbg.isa import slots

    assert v.reg[slots.DOORBELLS] & 0x10 == rings
    assert v.reg[slots.DOORBELLS] & 0x04  # and a normal one for what waits for EE


def test_names_for_traces_are_the_kernels() -> None:
    assert NAMES[irqprio.EXTERNAL_LEVEL] == "EXTERNAL_LEVEL"
    assert [NAMES[i] for i in (21, 22)] == ["DBELL", "DBELL_CRIT"]
