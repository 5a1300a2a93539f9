"""What a board looks like, as frozen values for people: ``info machine`` and the panes read these.

Looking has no effect on the guest. For a state that can be restored see ``Board.save``.
"""

from __future__ import annotations

from dataclasses import dataclass

from ppcdbg.machine.board import Board
from ppcdbg.machine.devices.mpic import IPI_BASE, IVPR_ACTIVITY, IVPR_MASK, IVPR_VECTOR, TIMER_BASE, Mpic
from ppcdbg.machine.devices.uart import Uart


@dataclass(frozen=True, slots=True)
class DeviceDump:
    """Where a device answers (real address) and how often the guest read and wrote it."""

    name: str
    base: int
    size: int
    reads: int
    writes: int


@dataclass(frozen=True, slots=True)
class SourceDump:
    """One MPIC source that is unmasked, asserted or active. ``name`` is "42", "ipi0" or "timer0"."""

    number: int
    name: str
    vector: int
    priority: int
    masked: bool
    asserted: bool
    active: bool
    in_service: bool
    level: bool


@dataclass(frozen=True, slots=True)
class MpicDump:
    """The controller: ``line`` is its external interrupt output, ``proxy`` coreint mode (EPR)."""

    proxy: bool
    ctpr: int
    line: bool
    sources: tuple[SourceDump, ...]


@dataclass(frozen=True, slots=True)
class UartDump:
    """A serial port: registers, and how many bytes wait in the FIFO and before it."""

    name: str
    ier: int
    iir: int
    lcr: int
    mcr: int
    lsr: int
    divisor: int
    fifo: int
    waiting: int
    line: bool


@dataclass(frozen=True)
class BoardDump:
    """The whole board."""

    model: str
    ram_size: int
    devices: tuple[DeviceDump, ...]
    mpic: MpicDump
    uarts: tuple[UartDump, ...]


def dump(board: Board) -> BoardDump:
    """Look at a board."""
    devices = tuple(DeviceDump(r.device.name, r.base, r.size, r.reads, r.writes) for r in board.regions)
    uarts = (dump_uart(board.serial0), dump_uart(board.serial1))
    return BoardDump(board.model, board.ram.size, devices, dump_mpic(board.mpic), uarts)


def dump_uart(uart: Uart) -> UartDump:
    """Look at a serial port."""
    return UartDump(
        name=uart.name, ier=uart.ier, iir=uart.iir, lcr=uart.lcr, mcr=uart.mcr, lsr=uart.lsr, divisor=uart.divisor,
        fifo=len(uart.fifo), waiting=len(uart.waiting), line=uart.line,
    )  # fmt: skip


def dump_mpic(mpic: Mpic) -> MpicDump:
    """Look at an interrupt controller, the board's or KVM's."""
    sources = []
    for number, source in enumerate(mpic.sources):
        masked = bool(source.ivpr & IVPR_MASK)
        active = bool(source.ivpr & IVPR_ACTIVITY)
        if masked and not active and not source.pending and number not in mpic.cores[0].servicing:
            continue
        row = SourceDump(
            number, _name(number), source.ivpr & IVPR_VECTOR, source.priority, masked, source.pending, active,
            number in mpic.cores[0].servicing, source.level,
        )  # fmt: skip
        sources.append(row)
    return MpicDump(mpic.proxy, mpic.cores[0].ctpr, mpic.cores[0].line, tuple(sources))


def _name(number: int) -> str:
    if number >= TIMER_BASE:
        return f"timer{number - TIMER_BASE}"
    return f"ipi{number - IPI_BASE}" if number >= IPI_BASE else str(number)
