"""qSearch and qCRC: work over long ranges done here, so that gdb need not read them. Both can be interrupted."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from ppcdbg.gdbstub import numbers
from ppcdbg.gdbstub.commands.packet import Packet
from ppcdbg.gdbstub.replies import EFAULT, EINVAL, UNSUPPORTED, Refused, malformed

if TYPE_CHECKING:
    from ppcdbg.gdbstub.stub import Stub

CHUNK = 1 << 18
"""Bytes between two looks at the client: under a millisecond mapped, tens of it where nothing is."""
_TOP = 1 << 32
_REVERSED = bytes(int(f"{n:08b}"[::-1], 2) for n in range(256))


def search(stub: Stub, argument: bytes) -> bytes:
    """``qSearch:memory:ADDRESS;LENGTH;PATTERN``: ``1,`` and the first address within the range, or ``0``.

    An address outside would make gdb search for ever (facts: T6).
    """
    if not argument.startswith(b":memory:"):
        return UNSUPPORTED
    words = argument.removeprefix(b":memory:").split(b";", 2)
    if len(words) != 3 or not words[2]:
        raise malformed("qSearch:memory needs ADDRESS;LENGTH;PATTERN")
    start, length = numbers.number(words[0], "an address"), numbers.number(words[1], "a length")
    pattern = words[2]
    end = min(start + length, _TOP)
    at = start
    while at + len(pattern) <= end:
        # Chunks overlap by all but one byte of the pattern, so that a match across their border is seen once.
        upto = min(at + CHUNK + len(pattern) - 1, end)
        found = stub.debugger.memory.find(at, upto, pattern, 1, stub.space)
        if found:
            return b"1,%x" % found[0]
        at += CHUNK
        _pause(stub)
    return b"0"


def crc(stub: Stub, argument: bytes) -> bytes:
    """``qCRC:ADDRESS,LENGTH``: ``C`` and gdb's CRC-32 of the bytes, for compare-sections."""
    address, length = numbers.pair(argument.removeprefix(b":"), "qCRC")
    if address + length > _TOP:
        raise Refused(EFAULT, f"{length} bytes at {address:#x} go beyond the last address")
    state = 0
    at, end = address, address + length
    while at < end:
        part = min(CHUNK, end - at)
        data = stub.debugger.memory.prefix(at, part, stub.space)
        if len(data) < part:
            raise Refused(EFAULT, f"memory at {at + len(data):#x} cannot be read")
        state = zlib.crc32(data.translate(_REVERSED), state)
        at += part
        _pause(stub)
    return b"C%x" % gdb_crc(state)


def gdb_crc(reflected: int) -> int:
    """gdb's CRC runs over bits from the highest on and is not inverted at the end: zlib's of the bytes with their bits
    reversed is the same, reversed and inverted. (gdb's remote.c, xcrc32 of libiberty: polynomial 0x04c11db7, from -1.)
    """
    return int(f"{reflected ^ 0xFFFFFFFF:032b}"[::-1], 2)


def _pause(stub: Stub) -> None:
    stub.look()
    if stub.interrupted:
        raise Refused(EINVAL, "interrupted")


PACKETS = (
    Packet(b"qSearch", search, "search memory"),
    Packet(b"qCRC", crc, "checksum of memory"),
)
