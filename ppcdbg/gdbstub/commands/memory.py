"""m, M, x, X: memory, through the guest's own translations or guest-physical (QEMU's PhyMemMode).

Reads have no side effect: no TLB, no counter and no device is touched, and what a device would not show unharmed is
refused. Short reads are answered with what there is; E14 says that there is nothing. Writes enter through the
debugger's writer, all or nothing, and only to RAM.
"""

from __future__ import annotations

import re
from binascii import hexlify
from typing import TYPE_CHECKING

from ppcdbg.debugger.results import Space
from ppcdbg.errors import UsageError
from ppcdbg.gdbstub import numbers
from ppcdbg.gdbstub.commands.packet import Packet
from ppcdbg.gdbstub.packets import LONGEST, escape
from ppcdbg.gdbstub.replies import EFAULT, EINVAL, OK, Refused, malformed

if TYPE_CHECKING:
    from ppcdbg.gdbstub.stub import Stub

MOST = LONGEST // 2
PAGE = 4096
_SHORT = re.compile(rb"([0-9a-fA-F]{1,8}),([0-9a-fA-F]{1,4})")
_TOP = 1 << 32


def _range(stub: Stub, text: bytes, what: str) -> tuple[int, int]:
    """An address, cut to what a 32-bit guest has, and a length."""
    address, length = numbers.pair(text, what)
    if stub.client.physical:
        return address, length
    return address & _TOP - 1, length


def read(stub: Stub, argument: bytes) -> bytes:
    """``m ADDRESS,LENGTH``; the short way is for what gdb's prologue scan sends by the thousand (facts: T4)."""
    short = _SHORT.fullmatch(argument)
    if short is not None and not stub.client.physical:
        address, length = int(short[1], 16), int(short[2], 16)
        offset = address & PAGE - 1
        if offset + length <= PAGE and length:
            real = stub.page(address - offset)
            if real is not None:
                return hexlify(stub.debugger.core.bus.ram[real + offset : real + offset + length])
    address, length = _range(stub, argument, "m")
    if not length:
        return b""
    return hexlify(_some(stub, address, length))


def read_binary(stub: Stub, argument: bytes) -> bytes:
    """``x ADDRESS,LENGTH``: as m, answered by ``b`` and the bytes themselves (gdb 16's binary-upload)."""
    address, length = _range(stub, argument, "x")
    return b"b" + (escape(_some(stub, address, length)) if length else b"")


def _some(stub: Stub, address: int, length: int) -> bytes:
    found = stub.debugger.memory.prefix(address, min(length, MOST), stub.space)
    if not found:
        explained = stub.client.error_message and not stub.client.physical  # which takes longer than the answer
        why = f": {stub.debugger.why_unreadable(address)}" if explained else ""
        raise Refused(EFAULT, f"memory at {address:#x} cannot be read{why}")
    return found


def write(stub: Stub, argument: bytes) -> bytes:
    """``M ADDRESS,LENGTH:HEX``."""
    head, colon, digits = argument.partition(b":")
    if not colon:
        raise malformed("M needs ADDRESS,LENGTH:DATA")
    address, length = _range(stub, head, "M")
    return _write(stub, address, length, numbers.data(digits, "the data"))


def write_binary(stub: Stub, argument: bytes) -> bytes:
    """``X ADDRESS,LENGTH:BYTES``; with no bytes it is gdb's question whether X is known."""
    head, colon, data = argument.partition(b":")
    if not colon:
        raise malformed("X needs ADDRESS,LENGTH:DATA")
    address, length = _range(stub, head, "X")
    return _write(stub, address, length, data)


def _write(stub: Stub, address: int, length: int, data: bytes) -> bytes:
    if length != len(data):
        raise Refused(EINVAL, f"a write of {length} bytes came with {len(data)}")
    if not data:
        return OK
    stub.need_life()
    if stub.space is Space.EA and address + length > _TOP:
        raise Refused(EFAULT, f"a write of {length} bytes at {address:#x} goes beyond the last address")
    try:
        stub.debugger.writer.memory(address, data, stub.space)
    except UsageError as error:
        raise Refused(EFAULT, str(error)) from None
    return OK


PACKETS = (
    Packet(b"m", read, "read memory"),
    Packet(b"x", read_binary, "read memory, binary"),
    Packet(b"M", write, "write memory"),
    Packet(b"X", write_binary, "write memory, binary"),
)
