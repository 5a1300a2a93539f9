"""QEMU's own packets, for clients that were written for its stub (docs/system/gdb.rst; gdbstub.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.gdbstub import numbers
from ppcdbg.gdbstub.commands.packet import Packet
from ppcdbg.gdbstub.replies import EINVAL, OK, Refused, malformed

if TYPE_CHECKING:
    from ppcdbg.gdbstub.stub import Stub

ENABLE, NOIRQ, NOTIMER = 1, 2, 4


def bits(stub: Stub, argument: bytes) -> bytes:
    return b"ENABLE=%x,NOIRQ=%x,NOTIMER=%x" % (ENABLE, NOIRQ, NOTIMER)


def step_mode(stub: Stub, argument: bytes) -> bytes:
    """Interrupts and timers go together here: one clock, one choice."""
    return b"0x%x" % (ENABLE if stub.step_into else ENABLE | NOIRQ | NOTIMER)


def set_step_mode(stub: Stub, argument: bytes) -> bytes:
    """``Qqemu.sstep=BITS``; a step may enter handlers unless both kinds of interrupt are masked."""
    text = argument.removeprefix(b"=")
    value = numbers.number(text.removeprefix(b"0x"), "the step mode")
    if not argument.startswith(b"=") or value & ~7:
        raise Refused(EINVAL, f"the step mode {value:#x} has bits beyond ENABLE=1, NOIRQ=2, NOTIMER=4")
    stub.step_into = bool(value & ENABLE) and not value & (NOIRQ | NOTIMER)
    return OK


def physical(stub: Stub, argument: bytes) -> bytes:
    return b"1" if stub.client.physical else b"0"


def set_physical(stub: Stub, argument: bytes) -> bytes:
    """``Qqemu.PhyMemMode:N``: memory packets take guest-physical addresses while N is not 0."""
    if not argument.startswith(b":"):
        raise malformed("Qqemu.PhyMemMode needs :0 or :1")
    stub.client.physical = bool(numbers.number(argument[1:], "the mode"))
    return OK


def supported(stub: Stub, argument: bytes) -> bytes:
    return b"sstepbits;sstep;PhyMemMode"


PACKETS = (
    Packet(b"qqemu.sstepbits", bits, "what the bits of the step mode mean"),
    Packet(b"qqemu.sstep", step_mode, "whether steps enter interrupts"),
    Packet(b"Qqemu.sstep", set_step_mode, "choose whether steps enter interrupts"),
    Packet(b"qqemu.PhyMemMode", physical, "whether addresses are physical"),
    Packet(b"Qqemu.PhyMemMode", set_physical, "choose whether addresses are physical"),
    Packet(b"qqemu.Supported", supported, "which of these there are"),
)
