"""An ns16550A serial port as ppce500 has it: transmission takes no time, reception waits in a FIFO of 16.

What Linux's 8250 driver tests for is here (FIFO detection, loopback of the modem lines, the transmitter-empty
interrupt that reading IIR clears, the receive time-out). Bytes for the guest come only through ``receive``, which
the input queue calls; what does not fit in the FIFO waits outside, as on a line with flow control.
Source: PC16550D data sheet; tick rates from the device tree's clock-frequency (facts 11).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from ppcdbg.machine.devices.device import Clock, DeviceState, LateWrite, Offers, octets, whole

IER_RX, IER_THRE, IER_LINE, IER_MODEM = 1, 2, 4, 8
IIR_NONE, IIR_MODEM, IIR_THRE, IIR_RX, IIR_LINE, IIR_TIMEOUT, IIR_ID, IIR_FIFO = 1, 0, 2, 4, 6, 0xC, 0xF, 0xC0
FCR_ENABLE, FCR_CLEAR_RX, FCR_KEPT = 1, 2, 0xC9
LCR_BREAK, LCR_DLAB = 0x40, 0x80
MCR_DTR, MCR_RTS, MCR_OUT, MCR_LOOP = 1, 2, 0xC, 0x10
LSR_READY, LSR_OVERRUN, LSR_ERRORS, LSR_BREAK, LSR_THRE, LSR_IDLE = 1, 2, 0x1E, 0x10, 0x20, 0x40
MSR_CONNECTED, MSR_DELTA = 0xB0, 0x0F  # DCD, DSR and CTS are on: something listens
FIFO_SIZE = 16
TRIGGERS = (1, 4, 8, 14)
CLOCKS_PER_BIT = 16
REGISTERS = 8


class Uart:
    """One port. ``interrupt(level)`` drives its line, ``transmit(byte)`` takes what the guest sends.

    ``transmit_late`` takes bytes sent at earlier positions; without it the transmitter is asked for each byte.
    ``clock`` counts at the rate of the port's input clock: a character of ten bits lasts 160 divisors of ticks.
    """

    def __init__(
        self,
        name: str,
        clock: Clock,
        interrupt: Callable[[bool], None],
        transmit: Callable[[int], None],
        transmit_late: Callable[[bytes, Sequence[int]], None] | None = None,
    ) -> None:
        self.name = name
        self._clock, self._interrupt, self._transmit = clock, interrupt, transmit
        self._transmit_late = transmit_late
        self._offers: Offers | None = None
        self.ier = self.fcr = self.lcr = self.scr = 0
        self.mcr = 8
        self.msr = MSR_CONNECTED
        self.divisor = 12
        self.fifo: deque[int] = deque()
        self.waiting: deque[int] = deque()
        self.overrun = self.broken = False
        self.thre_pending = False
        self.timed_out = False
        self.timeout_at: int | None = None
        self.line = False

    def receive(self, data: bytes) -> None:
        """Bytes arrive on the line."""
        self.waiting.extend(data)
        self._refill()
        self._offer()

    def receive_break(self) -> None:
        """The line is held in break for longer than a character: a zero byte with the break status."""
        self.broken = True
        self._arrive(0)
        self._update()
        self._offer()

    def next_event(self) -> int | None:
        """The tick of the receive time-out, if one runs."""
        return self.timeout_at

    def advance(self, now: int) -> None:
        """Let the receive time-out expire if its tick has come."""
        if self.timeout_at is not None and now >= self.timeout_at:
            self.timeout_at = None
            self.timed_out = bool(self.fifo)
            self._update()

    @property
    def lsr(self) -> int:
        """Line status; the transmitter is always empty."""
        errors = (LSR_OVERRUN if self.overrun else 0) | (LSR_BREAK if self.broken else 0)
        return LSR_THRE | LSR_IDLE | (LSR_READY if self.fifo else 0) | errors

    @property
    def iir(self) -> int:
        """Interrupt identification: the highest cause, and whether the FIFOs are on."""
        return self._cause() | (IIR_FIFO if self.fcr & FCR_ENABLE else 0)

    def read(self, offset: int, size: int) -> int:
        """Registers are bytes; a wider read gives the register at its address in the low byte."""
        if offset == 5:
            value = self.lsr
            if self.overrun or self.broken:
                self.overrun = self.broken = False
                self._update()
                self._offer()
            return value
        if offset == 2:
            value = self.iir
            if value & IIR_ID == IIR_THRE:
                self.thre_pending = False
                self._update()
            return value
        if offset == 0 and not self.lcr & LCR_DLAB:
            byte = self._take()
            self._offer()
            return byte
        if offset == 6:
            value = self.modem_status
            if not self.mcr & MCR_LOOP and self.msr & MSR_DELTA:
                self.msr &= ~MSR_DELTA
                self._update()
                self._offer()
            return value
        return self.peek(offset, size) or 0

    def peek(self, offset: int, size: int) -> int | None:
        """Every register can be looked at; the receive buffer shows its oldest byte."""
        if offset >= REGISTERS:
            return 0
        if self.lcr & LCR_DLAB and offset < 2:
            return self.divisor >> 8 * offset & 0xFF
        oldest = self.fifo[0] if self.fifo else 0
        return (oldest, self.ier, self.iir, self.lcr, self.mcr, self.lsr, self.modem_status, self.scr)[offset]

    def write(self, offset: int, size: int, value: int) -> None:
        """A wider write gives its low byte to the register at its address; past the registers nothing listens."""
        value &= 0xFF
        if self.lcr & LCR_DLAB and offset < 2:
            shift = 8 * offset
            self.divisor = self.divisor & ~(0xFF << shift) | value << shift
        elif offset == 0:
            self._send(value)
            if not self.mcr & MCR_LOOP:
                return
        elif offset == 1:
            self._set_ier(value & 0xF)
        elif offset == 2:
            self._set_fcr(value)
        elif offset == 3:
            self.lcr = value
        elif offset == 4:
            self.mcr = value & 0x1F
        elif offset == 7:
            self.scr = value
        self._offer()

    def offering(self, offers: Offers) -> None:
        """The bus takes offers: what a guest asks for with every character that it prints."""
        self._offers = offers
        self._offer()

    def _offer(self) -> None:
        """Line and modem status while reading them clears nothing; the transmitter while no interrupt depends on it.

        Called where one of these may have changed: they do not depend on the clock, nor on what is transmitted.
        """
        offers = self._offers
        if offers is None:
            return
        loop = self.mcr & MCR_LOOP
        offers.read(5, 1, None if self.overrun or self.broken else self.lsr)
        offers.read(6, 1, None if self.msr & MSR_DELTA and not loop else self.modem_status)
        silent = not (self.ier & IER_THRE or self.lcr & LCR_DLAB or loop)
        offers.write(0, 1, wait=silent and self._transmit_late is not None)

    def write_late(self, writes: list[LateWrite]) -> None:
        """Bytes for the transmitter, as ``_send`` with nobody waiting for its interrupt."""
        assert self._transmit_late is not None
        self._transmit_late(bytes(value for _, value, _ in writes), [position for _, _, position in writes])
        self.thre_pending = True

    @property
    def modem_status(self) -> int:
        """MSR; in loopback the modem outputs come back as inputs: RTS as CTS, DTR as DSR, OUT1/2 as RI and DCD."""
        if self.mcr & MCR_LOOP:
            mcr = self.mcr
            return (mcr & MCR_OUT) << 4 | (mcr & MCR_RTS) << 3 | (mcr & MCR_DTR) << 5
        return self.msr

    def _send(self, byte: int) -> None:
        # The line is lowered and raised again: the byte is gone before the write has ended.
        self.thre_pending = False
        self._update()
        if self.mcr & MCR_LOOP:
            self._arrive(byte)
        else:
            self._transmit(byte)
        self.thre_pending = True
        self._update()

    def _set_ier(self, ier: int) -> None:
        changed = ier ^ self.ier
        self.ier = ier
        # Enabling the transmitter interrupt while the transmitter is empty raises it at once.
        if changed & IER_THRE:
            self.thre_pending = bool(ier & IER_THRE)
        self._update()

    def _set_fcr(self, fcr: int) -> None:
        if (fcr ^ self.fcr) & FCR_ENABLE or fcr & FCR_CLEAR_RX:
            self.fifo.clear()
            self.timed_out, self.timeout_at = False, None
        self.fcr = fcr & FCR_KEPT if fcr & FCR_ENABLE else 0
        self._refill()

    def _take(self) -> int:
        byte = self.fifo.popleft() if self.fifo else 0
        self.timed_out = False
        self._refill()
        self._arm()
        return byte

    def _refill(self) -> None:
        depth = FIFO_SIZE if self.fcr & FCR_ENABLE else 1
        if not self.mcr & MCR_LOOP:
            while self.waiting and len(self.fifo) < depth:
                self.fifo.append(self.waiting.popleft())
                self._arm()
        self._update()

    def _arrive(self, byte: int) -> None:
        if len(self.fifo) < (FIFO_SIZE if self.fcr & FCR_ENABLE else 1):
            self.fifo.append(byte)
            self._arm()
        else:
            self.overrun = True

    def _arm(self) -> None:
        """Four character times after the last change of a FIFO that is not empty, the time-out interrupt comes."""
        running = self.fcr & FCR_ENABLE and self.fifo
        self.timeout_at = self._clock() + 4 * 10 * CLOCKS_PER_BIT * max(self.divisor, 1) if running else None

    def _cause(self) -> int:
        ier = self.ier
        if ier & IER_LINE and (self.overrun or self.broken):
            return IIR_LINE
        if ier & IER_RX:
            trigger = TRIGGERS[self.fcr >> 6] if self.fcr & FCR_ENABLE else 1
            if self.timed_out:
                return IIR_TIMEOUT
            if len(self.fifo) >= trigger:
                return IIR_RX
        if ier & IER_THRE and self.thre_pending:
            return IIR_THRE
        if ier & IER_MODEM and self.msr & MSR_DELTA:
            return IIR_MODEM
        return IIR_NONE

    def _update(self) -> None:
        line = self.ier != 0 and self._cause() != IIR_NONE
        if line != self.line:
            self.line = line
            self._interrupt(line)

    def save(self) -> DeviceState:
        """See ``Device.save``."""
        return {
            "ier": self.ier, "fcr": self.fcr, "lcr": self.lcr, "mcr": self.mcr, "msr": self.msr, "scr": self.scr,
            "divisor": self.divisor, "fifo": bytes(self.fifo), "waiting": bytes(self.waiting),
            "overrun": self.overrun, "broken": self.broken, "thre_pending": self.thre_pending,
            "timed_out": self.timed_out, "timeout_at": self.timeout_at, "line": self.line,
        }  # fmt: skip

    def restore(self, state: DeviceState) -> None:
        """See ``Device.restore``."""
        for name in ("ier", "fcr", "lcr", "mcr", "msr", "scr", "divisor"):
            setattr(self, name, whole(state[name]))
        for name in ("overrun", "broken", "thre_pending", "timed_out", "line"):
            setattr(self, name, bool(state[name]))
        self.fifo = deque(octets(state["fifo"]))
        self.waiting = deque(octets(state["waiting"]))
        due = state["timeout_at"]
        self.timeout_at = None if due is None else whole(due)
        self._offer()
