"""The MPIC: what Linux's mpic.c does to it, and the priority rules of OpenPIC."""

from __future__ import annotations

import pytest

from ppcdbg.machine.devices.mpic import CINT, INT, MCP, TIMER_BASE, Mpic
from ppcdbg.machine.devices.mpic_registers import MpicRegisters
from ppcdbg.machine.devices.mpic_timers import MpicTimers

GCR, SPURIOUS, CTPR, WHOAMI, IACK, EOI = 0x1020, 0x10E0, 0x20080, 0x20090, 0x200A0, 0x200B0
PROXY, MASK, LEVEL = 0x60000000, 0x80000000, 0x00400000


class Rig:
    """A controller with its clock and the levels of its three outputs."""

    def __init__(self) -> None:
        self.now = 0
        self.out = {INT: False, CINT: False, MCP: False}
        self.mpic = Mpic(self.out.__setitem__, MpicTimers(lambda: self.now))
        self.port = MpicRegisters(self.mpic)

    def read(self, offset: int) -> int:
        return self.port.read(offset, 4)

    def write(self, offset: int, value: int) -> None:
        self.port.write(offset, 4, value)

    def source(self, number: int, priority: int, vector: int | None = None, extra: int = 0) -> None:
        self.write(0x10000 + 0x20 * number, priority << 16 | (number if vector is None else vector) | extra)


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.write(CTPR, 0)
    return rig


def test_identity_and_reset_values() -> None:
    rig = Rig()
    assert rig.read(0) == 0x00400402
    assert rig.read(0x1000) == 195 << 16 | 2
    assert rig.read(CTPR) == 15
    assert rig.read(WHOAMI) == 0
    assert rig.read(SPURIOUS) == 0xFFFF
    assert rig.read(0x10000 + 42 * 0x20) == MASK | 0x00800000
    assert rig.read(0x10000 + 42 * 0x20 + 0x10) == 1
    assert rig.read(0x10000 + 3 * 0x20) == MASK


def test_a_level_interrupt_from_end_to_end(rig: Rig) -> None:
    rig.source(42, 8)
    rig.mpic.set_irq(42, True)
    assert rig.out[INT]
    assert rig.read(0x10000 + 42 * 0x20) & 0x40000000
    assert rig.read(IACK) == 42
    assert not rig.out[INT]
    rig.mpic.set_irq(42, False)
    rig.write(EOI, 0)
    assert not rig.out[INT]
    assert rig.read(IACK) == 0xFFFF


def test_a_level_still_asserted_comes_again_after_eoi(rig: Rig) -> None:
    rig.source(42, 8)
    rig.mpic.set_irq(42, True)
    assert rig.read(IACK) == 42
    rig.write(EOI, 0)
    assert rig.out[INT]
    assert rig.read(IACK) == 42


def test_masking_withholds_and_unmasking_delivers(rig: Rig) -> None:
    rig.source(42, 8, extra=MASK)
    rig.mpic.set_irq(42, True)
    assert not rig.out[INT]
    rig.source(42, 8)
    assert rig.out[INT]
    rig.source(42, 8, extra=MASK)
    assert not rig.out[INT]


def test_priority_zero_and_the_task_priority_keep_interrupts_out(rig: Rig) -> None:
    rig.source(20, 0)
    rig.mpic.set_irq(20, True)
    assert not rig.out[INT]
    rig.write(CTPR, 5)
    rig.source(21, 5)
    rig.mpic.set_irq(21, True)
    assert not rig.out[INT]
    assert rig.read(IACK) == 0xFFFF
    rig.write(CTPR, 4)
    assert rig.out[INT]
    rig.write(CTPR, 5)
    assert not rig.out[INT]
    rig.write(CTPR, 0)
    assert rig.read(IACK) == 21


def test_only_a_higher_priority_interrupts_a_service(rig: Rig) -> None:
    for number, priority in ((20, 5), (21, 5), (22, 9)):
        rig.source(number, priority)
    rig.mpic.set_irq(20, True)
    assert rig.read(IACK) == 20
    rig.mpic.set_irq(21, True)
    assert not rig.out[INT]
    rig.mpic.set_irq(22, True)
    assert rig.out[INT]
    assert rig.read(IACK) == 22
    rig.mpic.set_irq(22, False)
    rig.write(EOI, 0)
    assert not rig.out[INT], "20 is in service at the same priority as 21"
    rig.mpic.set_irq(20, False)
    rig.write(EOI, 0)
    assert rig.out[INT]
    assert rig.read(IACK) == 21


def test_among_equals_the_lowest_number_goes_first(rig: Rig) -> None:
    for number in (60, 30, 45):
        rig.source(number, 7)
        rig.mpic.set_irq(number, True)
    assert rig.read(IACK) == 30


def test_proxy_mode_gives_the_vector_to_the_core(rig: Rig) -> None:
    rig.source(42, 8, vector=0x123)
    rig.mpic.set_irq(42, True)
    assert rig.mpic.proxy_acknowledge() is None
    rig.write(GCR, PROXY)
    assert rig.read(GCR) == PROXY
    assert rig.mpic.proxy_acknowledge() == 0x123
    assert not rig.out[INT]
    assert rig.mpic.proxy_acknowledge() == 0x123, "in service does not hide a level from another acknowledge"


def test_an_edge_is_remembered_and_taken_once(rig: Rig) -> None:
    rig.source(3, 8)
    rig.mpic.set_irq(3, True)
    rig.mpic.set_irq(3, False)
    assert rig.out[INT]
    assert rig.read(IACK) == 3
    rig.write(EOI, 0)
    assert not rig.out[INT]
    rig.source(3, 8, extra=LEVEL)
    rig.mpic.set_irq(3, True)
    rig.mpic.set_irq(3, False)
    assert not rig.out[INT]


def test_an_edge_below_the_task_priority_is_not_lost_by_iack(rig: Rig) -> None:
    rig.write(CTPR, 9)
    rig.source(3, 8)
    rig.mpic.set_irq(3, True)
    assert rig.read(IACK) == 0xFFFF
    rig.write(CTPR, 0)
    assert rig.read(IACK) == 3


def test_ilr_sends_a_source_to_the_critical_output(rig: Rig) -> None:
    rig.source(42, 0)
    rig.write(0x10000 + 42 * 0x20 + 0x18, 1)
    rig.mpic.set_irq(42, True)
    assert rig.out == {INT: False, CINT: True, MCP: False}
    rig.mpic.set_irq(42, False)
    assert not rig.out[CINT]


def test_ipis_and_the_this_core_alias(rig: Rig) -> None:
    rig.write(0x10A0 + 0x10, 10 << 16 | 251)
    rig.write(0x50, 1)
    assert rig.out[INT]
    assert rig.read(0xA0) == 251
    rig.write(0xB0, 0)
    assert not rig.out[INT]


def test_msi_sets_a_bit_that_reading_clears(rig: Rig) -> None:
    rig.source(0xE2, 8)
    rig.write(0x1740, 2 << 29 | 5 << 24)
    assert rig.read(0x1720) == 1 << 2
    assert rig.port.peek(0x1620, 4) == 1 << 5
    assert rig.read(IACK) == 0xE2
    assert rig.read(0x1620) == 1 << 5
    assert rig.read(0x1620) == 0
    rig.write(EOI, 0)
    assert not rig.out[INT]


def test_a_timer_counts_down_reloads_and_toggles(rig: Rig) -> None:
    rig.write(0x1120, 12 << 16 | 77)
    rig.write(0x1110, 100)
    assert rig.mpic.next_event() == 800
    rig.now = 400
    assert rig.read(0x1100) == 50
    rig.mpic.advance(800)
    rig.now = 800
    assert rig.read(0x1100) == 0x80000000 | 100
    assert rig.read(IACK) == 77
    assert rig.mpic.next_event() == 1600
    rig.write(0x1110, 0x80000000 | 100)
    assert rig.mpic.next_event() is None


def test_kvms_timers_stand_still() -> None:
    mpic = Mpic(lambda line, level: None)
    MpicRegisters(mpic).write(0x1110, 4, 100)
    assert mpic.next_event() is None
    assert mpic.sources[TIMER_BASE].pending is False


def test_reset_drops_the_output(rig: Rig) -> None:
    rig.source(42, 8)
    rig.mpic.set_irq(42, True)
    rig.write(GCR, 0x80000000)
    assert not rig.out[INT]
    assert (rig.read(GCR), rig.read(CTPR)) == (0, 15)


def test_bytes_can_be_read_but_not_written(rig: Rig) -> None:
    assert [rig.port.read(n, 1) for n in range(4)] == [0x00, 0x40, 0x04, 0x02]
    assert rig.port.read(2, 2) == 0x0402
    rig.port.write(CTPR, 1, 7)
    assert rig.read(CTPR) == 0


def test_looking_changes_nothing(rig: Rig) -> None:
    rig.source(42, 8)
    rig.mpic.set_irq(42, True)
    before = rig.mpic.save()
    for offset in range(0, 0x2000, 4):
        rig.port.peek(offset, 4)
    assert rig.port.peek(IACK, 4) == 42
    assert rig.mpic.save() == before


def test_saved_state_goes_on_where_it_was(rig: Rig) -> None:
    rig.source(42, 8)
    rig.source(43, 9)
    rig.mpic.set_irq(42, True)
    rig.read(IACK)
    rig.mpic.set_irq(43, True)
    other = Rig()
    other.mpic.restore(rig.mpic.save())
    assert other.mpic.save() == rig.mpic.save()
    assert other.read(IACK) == 43


class TwoCores:
    """A controller with two destinations, and the level of INT at each."""

    def __init__(self) -> None:
        self.out = [False, False]
        outputs = [lambda line, level, core=core: self.out.__setitem__(core, level) for core in range(2)]
        self.mpic = Mpic(outputs[0], None, outputs[1:])
        self.port = MpicRegisters(self.mpic)
        for core in range(2):
            self.port.write(0x20080 + 0x1000 * core, 4, 0)
        self.port.write(0x10A0, 4, 0x80040)  # IPIVPR0
        self.port.write(0x20040, 4, 0)
        self.first = [self.iack(0), self.iack(1)]
        self.eoi(0)

    def iack(self, core: int) -> int:
        return self.port.read(0x200A0 + 0x1000 * core, 4)

    def eoi(self, core: int) -> None:
        self.port.write(0x200B0 + 0x1000 * core, 4, 0)


def test_the_first_interrupt_after_a_reset_comes_to_the_first_core_whomever_it_names() -> None:
    """kvm/mpic.c: openpic_reset writes the destination of every source, and IPIDR only adds to it."""
    assert TwoCores().first == [0x40, 0xFFFF]


def test_an_interrupt_from_core_to_core_comes_to_those_that_it_names() -> None:
    two = TwoCores()
    two.port.write(0x20040, 4, 2)
    assert two.out == [False, True] and two.iack(0) == 0xFFFF and two.iack(1) == 0x40
    assert two.out == [False, False] and two.mpic.cores[1].servicing
    two.port.write(0x21040, 4, 1)  # and back
    assert two.out == [True, False] and two.iack(0) == 0x40
    two.eoi(1)
    two.eoi(0)
    assert not any(core.servicing or core.raised for core in two.mpic.cores)


def test_both_cores_acknowledge_an_interrupt_that_names_both() -> None:
    """kvm/mpic.c: when one core has acknowledged it the other still has to."""
    two = TwoCores()
    two.port.write(0x20040, 4, 7)
    assert two.out == [True, True] and two.iack(1) == 0x40 and two.out[0] and two.iack(0) == 0x40
    assert two.iack(0) == two.iack(1) == 0xFFFF


def test_two_interrupts_before_the_first_is_acknowledged_are_one() -> None:
    two = TwoCores()
    for _ in range(2):
        two.port.write(0x20040, 4, 2)
    assert two.iack(1) == 0x40
    two.eoi(1)
    assert not two.out[1] and two.iack(1) == 0xFFFF


def test_a_core_finds_its_own_registers_at_the_beginning() -> None:
    two = TwoCores()
    for core in range(2):
        two.port.current = core
        assert two.port.read(0x90, 4) == core == two.port.read(0x20090 + 0x1000 * core, 4)
    two.port.write(0x80, 4, 9)
    assert [core.ctpr for core in two.mpic.cores] == [0, 9]
    assert two.port.read(0x1000, 4) >> 8 & 0x1F == 1 and two.port.read(0x220A0, 4) == 0xFFFFFFFF


def test_a_source_that_names_two_cores_comes_to_both_and_its_state_can_be_put_away() -> None:
    two = TwoCores()
    two.port.write(0x10000, 4, 5 << 16 | 0x77)
    two.port.write(0x10010, 4, 3)
    two.mpic.set_irq(0, True)
    assert two.out == [True, True]
    other = TwoCores()
    other.port.restore(two.port.save())
    assert other.port.save() == two.port.save() and [other.iack(core) for core in (0, 1)] == [0x77, 0xFFFF]
