"""The frame of gdb's remote protocol (GDB manual, E.1): bytes in, events out; bodies in, bytes out. No socket.

A ``Wire`` is one end of one connection. It takes bytes in any portions and gives back packets, interrupts and
acknowledgements in their order; it refuses to know what a packet means (:mod:`ppcdbg.gdbstub.stub` does). Both ends can
be tested with nothing between them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from zlib import adler32

LONGEST = 0x100000
"""Bytes of the longest packet that is taken or announced (PacketSize); rr's."""
START, END, ESCAPE, REPEAT = 0x24, 0x23, 0x7D, 0x2A  # $ # } *
ACK, NACK, INTERRUPT = b"+", b"-", b"\x03"


class Signal(Enum):
    """What can come in that is no packet."""

    INTERRUPT = "interrupt"  # 0x03: stop the guest
    DAMAGED = "damaged"  # a packet whose checksum does not fit
    OVERLONG = "overlong"  # a packet longer than was announced; its body is not kept
    RESEND = "resend"  # the other end did not understand our last packet


Event = bytes | Signal
_REST = re.compile(rb"[$\x03+-]")
_RUNS = re.compile(rb"(.)\1{3,96}", re.DOTALL)
_HEX = frozenset(b"0123456789abcdefABCDEF")


def checksum(body: bytes) -> int:
    """The sum of the bytes, modulo 256.

    The low half of Adler-32 is one more than that sum as long as it stays below 65521, as it does over 256 bytes, or
    512 of ASCII; it is ten times as fast as ``sum``, which would take longer than all else that a long packet needs.
    """
    if len(body) <= 256:
        return adler32(body) - 1 & 0xFF
    size = 512 if body.isascii() else 256
    return sum([adler32(body[at : at + size]) - 1 & 0xFFFF for at in range(0, len(body), size)]) & 0xFF


def frame(body: bytes) -> bytes:
    """A packet as it travels; the body is escaped already where it must be."""
    return b"$%b#%02x" % (body, checksum(body))


def escape(data: bytes) -> bytes:
    """Binary data for a reply's body: ``#``, ``$``, ``}`` and ``*`` travel behind a ``}``."""
    out = data.replace(b"}", b"}]")
    return out.replace(b"#", b"}\x03").replace(b"$", b"}\x04").replace(b"*", b"}\x0a")


def unescape(body: bytes) -> bytes:
    """A body as it was meant; a ``}`` at the very end stands for nothing and is dropped."""
    if ESCAPE not in body:
        return body
    parts = body.split(b"}")
    out = bytearray(parts[0])
    i = 1
    while i < len(parts):
        part = parts[i]
        if part:
            out.append(part[0] ^ 0x20)
            out += part[1:]
        elif i + 1 < len(parts):  # "}}": the second one is data, and what follows it is plain
            out.append(ESCAPE ^ 0x20)
            i += 1
            out += parts[i]
        i += 1
    return bytes(out)


def compress(body: bytes) -> bytes:
    """Run-length encoding: a byte, ``*``, and the count of further ones as a printable character."""
    return _RUNS.sub(_run, body)


def _run(match: re.Match[bytes]) -> bytes:
    """``n`` further bytes are written as ``n + 29``; 6 and 7 would be ``#`` and ``$``."""
    byte, more = match[1], len(match[0]) - 1
    rest = b""
    if more in (6, 7):
        more, rest = 5, byte * (more - 5)
    return byte + b"*" + bytes((more + 29,)) + rest


def expand(body: bytes) -> bytes:
    """What ``compress`` made, as it was; a ``*`` without a count or without a byte before it stands for nothing."""
    if REPEAT not in body:
        return body
    out = bytearray()
    i = 0
    while i < len(body):
        if body[i] == REPEAT:
            if i + 1 < len(body) and out and body[i + 1] > 29:
                out += out[-1:] * (body[i + 1] - 29)
            i += 2
        else:
            out.append(body[i])
            i += 1
    return bytes(out)


@dataclass
class Wire:
    """One end of a connection. ``acks`` until both agreed to do without (QStartNoAckMode).

    ``receive`` collects acknowledgements that the other end is owed; whoever writes to the transport takes them first
    with ``owed``.
    """

    acks: bool = True
    longest: int = LONGEST
    awaited: int = 0
    """Packets of ours that the other end has not acknowledged."""
    acknowledges: bool = False
    """Whether it has ever acknowledged one: a simple client may never do."""

    def __post_init__(self) -> None:
        self._buffer = bytearray()
        self._skipping = False
        self._owed = b""
        self._last = b""

    def owed(self) -> bytes:
        """Acknowledgements to be sent, each once."""
        owed, self._owed = self._owed, b""
        return owed

    def send(self, body: bytes, short: bool = True) -> bytes:
        """The bytes of a packet; kept until the next one, in case the other end asks for it again.

        ``short`` compresses runs, which costs more time than it saves on a body that has none.
        """
        packet = frame(compress(body) if short and len(body) > 64 else body)
        if self.acks:
            self._last = packet
            self.awaited += 1
        return packet

    def again(self) -> bytes:
        """The last packet."""
        return self._last

    def receive(self, data: bytes) -> list[Event]:
        """Everything that is complete after these bytes. Noise between packets is dropped."""
        if not self._buffer and not self._skipping:
            if data == ACK:
                self._acknowledged()
                return []
            # Nearly always: one whole packet and nothing else, perhaps behind the acknowledgement of the last reply.
            whole = data[1:] if data[:2] == b"+$" else data
            end = len(whole) - 3
            if 0 < end <= self.longest + 1 and whole.rfind(b"$") == 0 and whole.find(b"#") == end:
                if whole is not data:
                    self._acknowledged()
                return self._packet(whole[1:end], whole[end + 1 :])
        self._buffer += data
        events: list[Event] = []
        while self._next(events):
            pass
        return events

    def _next(self, events: list[Event]) -> bool:
        """Take one thing off the buffer; false when what is there is not complete."""
        buffer = self._buffer
        if self._skipping:
            return self._skip(events)
        found = _REST.search(buffer)
        if found is None:
            buffer.clear()
            return False
        at = found.start()
        if buffer[at] != START:
            if buffer[at : at + 1] == INTERRUPT:
                events.append(Signal.INTERRUPT)
            elif buffer[at : at + 1] == NACK and self.acks:
                events.append(Signal.RESEND)
            elif buffer[at : at + 1] == ACK:
                self._acknowledged()
            del buffer[: at + 1]
            return True
        del buffer[:at]
        return self._body(events)

    def _acknowledged(self) -> None:
        self.acknowledges = True
        if self.awaited:
            self.awaited -= 1

    def _body(self, events: list[Event]) -> bool:
        buffer = self._buffer
        end = buffer.find(b"#")
        # A "$" is always escaped within a body, so one that is not begins a new packet: the one before was cut off.
        again = buffer.rfind(b"$", 1, end if end >= 0 else len(buffer))
        if again > 0:
            del buffer[:again]
            end = end - again if end >= 0 else end
        if end < 0:
            if len(buffer) > self.longest + 1:
                buffer.clear()
                self._skipping = True
            return False
        if len(buffer) < end + 3:
            return False
        body, digits = bytes(buffer[1:end]), bytes(buffer[end + 1 : end + 3])
        del buffer[: end + 3]
        if len(body) > self.longest:
            events.append(self._overlong())
        else:
            events += self._packet(body, digits)
        return True

    def _skip(self, events: list[Event]) -> bool:
        """The rest of a packet that is too long."""
        end = self._buffer.find(b"#")
        if end < 0:
            self._buffer.clear()
            return False
        if len(self._buffer) < end + 3:
            return False
        del self._buffer[: end + 3]
        self._skipping = False
        events.append(self._overlong())
        return True

    def _overlong(self) -> Signal:
        if self.acks:
            self._owed += ACK  # asking for it again would give the same
        return Signal.OVERLONG

    def _packet(self, body: bytes, digits: bytes) -> list[Event]:
        """A body with its two digits: a packet, or damage, and whatever was lost in between."""
        events: list[Event] = []
        wanted = int(digits, 16) if digits[0] in _HEX and digits[1] in _HEX else -1
        found = checksum(body)
        if found != wanted:
            if INTERRUPT not in body or found - 3 & 0xFF != wanted:
                if self.acks:
                    self._owed += NACK
                return [Signal.DAMAGED]
            # Somebody interrupted while the packet was under way, and the two were mixed.
            events.append(Signal.INTERRUPT)
            body = body.replace(INTERRUPT, b"", 1)
        if self.acks:
            self._owed += ACK
        events.append(unescape(body) if ESCAPE in body else body)
        return events
