"""The 16550A as Linux's 8250 driver probes and uses it."""

from __future__ import annotations

import random

import pytest

from ppcdbg.machine.devices.uart import Uart

THR = 0
RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR = range(8)
FIFO_ON = 0x01


class Line:
    """A port with its surroundings: a clock to set, what was sent, and each change of the interrupt line."""

    def __init__(self) -> None:
        self.now = 0
        self.sent = bytearray()
        self.levels: list[bool] = []
        self.uart = Uart("serial0", lambda: self.now, self.levels.append, self.sent.append)

    def read(self, register: int) -> int:
        return self.uart.read(register, 1)

    def write(self, register: int, value: int) -> None:
        self.uart.write(register, 1, value)


def test_linux_finds_a_16550a() -> None:
    """8250 autoconfig: IER holds 4 bits, IIR shows both FIFO bits, EFR (IIR behind DLAB) is not 0."""
    line = Line()
    line.write(IER, 0xFF)
    assert line.read(IER) == 0x0F
    line.write(IER, 0)
    line.write(MCR, 0x1A)  # loopback, OUT2, RTS
    assert line.read(MSR) & 0xF0 == 0x90
    line.write(MCR, 0)
    line.write(2, FIFO_ON)
    assert line.read(IIR) >> 6 == 3
    line.write(LCR, 0xBF)
    assert line.read(IIR) != 0
    line.write(LCR, 0)
    line.write(2, 0)
    assert line.read(IIR) >> 6 == 0


def test_the_divisor_hides_behind_dlab() -> None:
    line = Line()
    line.write(LCR, 0x83)
    line.write(0, 0xD9)
    line.write(1, 0x01)
    assert (line.read(0), line.read(1), line.uart.divisor) == (0xD9, 0x01, 0x1D9)
    line.write(LCR, 0x03)
    assert line.read(IER) == 0
    assert line.sent == b""


def test_transmission_is_at_once_and_the_transmitter_always_empty() -> None:
    line = Line()
    for byte in b"ok":
        line.write(RBR, byte)
        assert line.read(LSR) == 0x60
    assert line.sent == b"ok"


def test_thre_interrupt_comes_with_ier_and_goes_with_iir() -> None:
    line = Line()
    line.write(IER, 2)
    assert line.levels == [True]
    assert line.read(IIR) & 0xF == 2
    assert line.levels == [True, False]
    assert line.read(IIR) & 0xF == 1
    line.write(RBR, ord("x"))
    assert line.levels[-1] is True
    line.write(IER, 0)
    assert line.levels[-1] is False


def test_looking_at_iir_does_not_take_the_interrupt() -> None:
    line = Line()
    line.write(IER, 2)
    assert line.uart.peek(IIR, 1) == 2
    assert line.levels == [True]


def test_receive_without_fifo_is_one_byte_at_a_time() -> None:
    line = Line()
    line.write(IER, 1)
    line.uart.receive(b"ab")
    assert line.read(IIR) & 0xF == 4
    assert line.read(RBR) == ord("a")
    assert line.read(LSR) & 1
    assert line.read(RBR) == ord("b")
    assert not line.read(LSR) & 1
    assert line.levels[-1] is False


def test_the_fifo_interrupts_at_its_trigger_and_what_does_not_fit_waits() -> None:
    line = Line()
    line.write(IER, 1)
    line.write(2, FIFO_ON | 0x80)  # trigger at 8
    line.uart.receive(b"1234567")
    assert line.levels == []
    line.uart.receive(b"8")
    assert line.levels == [True]
    line.uart.receive(bytes(20))
    assert (len(line.uart.fifo), len(line.uart.waiting)) == (16, 12)
    received = bytes(line.read(RBR) for _ in range(28))
    assert received == b"12345678" + bytes(20)
    assert not line.read(LSR) & 0x1F


def test_bytes_below_the_trigger_time_out_after_four_characters() -> None:
    line = Line()
    line.write(LCR, 0x80)
    line.write(0, 1)
    line.write(1, 0)
    line.write(LCR, 3)
    line.write(IER, 1)
    line.write(2, FIFO_ON | 0x80)
    line.now = 1000
    line.uart.receive(b"x")
    assert line.uart.next_event() == 1000 + 4 * 160
    line.uart.advance(1639)
    assert line.levels == []
    line.uart.advance(1640)
    assert line.read(IIR) & 0xF == 0xC
    assert line.read(RBR) == ord("x")
    assert line.levels == [True, False]
    assert line.uart.next_event() is None


def test_overrun_and_break_show_once_in_lsr() -> None:
    line = Line()
    line.write(MCR, 0x10)
    line.write(RBR, 1)
    line.write(RBR, 2)  # looped back onto a full receiver
    assert line.sent == b""
    assert line.read(LSR) & 0x1F == 3
    assert line.read(LSR) & 0x1F == 1
    line.write(MCR, 0)
    line.write(IER, 4)
    line.uart.receive_break()
    assert line.read(IIR) & 0xF == 6
    assert line.read(LSR) & 0x10
    assert line.levels[-1] is False


def test_saved_state_is_the_whole_state() -> None:
    line = Line()
    line.write(2, FIFO_ON | 0x80)
    line.write(IER, 5)
    line.write(SCR, 0x5A)
    line.uart.receive(b"hello" * 5)
    state = line.uart.save()
    other = Line()
    other.uart.restore(state)
    assert other.uart.save() == state
    assert bytes(other.read(RBR) for _ in range(25)) == b"hello" * 5


class Offered:
    """Takes offers as the bus does."""

    def __init__(self, uart: Uart) -> None:
        self.reads: dict[int, int] = {}
        self.waits: set[int] = set()
        uart.offering(self)

    def read(self, offset: int, size: int, value: int | None) -> None:
        assert size == 1
        self.reads.pop(offset, None)
        if value is not None:
            self.reads[offset] = value

    def write(self, offset: int, size: int, *, wait: bool) -> None:
        (self.waits.add if wait else self.waits.discard)(offset)


def happen(line: Line, rng: random.Random) -> None:
    """Something that a guest, the line or the clock does to a port; the same for the same chance."""
    choice = rng.randrange(10)
    if choice == 0:
        line.uart.receive(bytes(rng.getrandbits(8) for _ in range(rng.randrange(1, 20))))
    elif choice == 1:
        line.uart.receive_break()
    elif choice == 2:
        line.now += rng.choice((1, 10_000, 100_000))
        line.uart.advance(line.now)
    elif choice < 6:
        line.read(rng.randrange(8))
    else:
        line.write(rng.randrange(8), rng.choice((0, 0, 1, 2, 3, 7, 0x10, 0x80, 0x87, rng.getrandbits(8))))


@pytest.mark.parametrize("seed", range(20))
def test_what_is_offered_is_what_an_access_would_do(seed: int) -> None:
    """After any history: offered reads give their value and change nothing; writes that wait change no line, and late
    they leave the port as in time."""
    line, late = Line(), Line()
    late.uart._transmit_late = lambda data, positions: late.sent.extend(data)
    offered = Offered(late.uart)
    seen: set[tuple[bool, bool, bool]] = set()
    for step in range(400):
        where = f"seed {seed}, step {step}"
        for one in (line, late):
            happen(one, random.Random(1000 * seed + step))
        assert late.uart.save() == line.uart.save(), where
        seen.add((LSR in offered.reads, MSR in offered.reads, bool(offered.waits)))
        before, levels = late.uart.save(), len(late.levels)
        for register, value in offered.reads.items():
            assert late.read(register) == value, where
            assert late.uart.save() == before and len(late.levels) == levels, where
        if offered.waits:
            for byte in (step & 0xFF, 0x41):
                line.write(THR, byte)
            late.uart.write_late([(THR, step & 0xFF, 1), (THR, 0x41, 2)])
            assert (late.uart.save(), late.levels, late.sent) == (line.uart.save(), line.levels, line.sent), where
    assert {(True, True, True), (False, True, False)} <= seen
