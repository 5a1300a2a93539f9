"""A client of gdb's remote protocol, small and fast: what it takes to drive QEMU one instruction at a time.

It knows packets, register numbers (from the target's own XML files) and bytes; it knows no PowerPC. Several requests
may be sent at once (``ask``): QEMU takes the start of a command for the acknowledgement of its last answer.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass

CHUNK = 0x780  # QEMU 7.2 refuses an `m` whose answer does not fit its 4 KiB packet


class RemoteError(Exception):
    """The target closed the connection, refused a request, or answered with something else."""


@dataclass(frozen=True)
class Register:
    """``number`` is what `p` and `P` take; ``size`` is in bytes."""

    name: str
    number: int
    size: int


def parse_features(files: Iterable[str]) -> dict[str, Register]:
    """Registers of target description files in their order; the first of several of one name counts (facts: T11)."""
    found: dict[str, Register] = {}
    number = 0
    for text in files:
        for tag in re.findall(r"<reg\s[^>]*>", text):
            attributes = dict(re.findall(r'(\w+)="([^"]*)"', tag))
            number = int(attributes.get("regnum", number))
            name = attributes["name"]
            found.setdefault(name, Register(name, number, int(attributes["bitsize"]) // 8))
            number += 1
    return found


def frame(body: bytes) -> bytes:
    return b"$%b#%02x" % (body, sum(body) & 0xFF)


class GdbClient:
    """One connection. Every method raises RemoteError where the target fails."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._buffer = bytearray()
        self.registers = self._discover()

    def close(self) -> None:
        self._socket.close()

    def ask(self, *bodies: bytes) -> list[bytes]:
        """Send requests in one go and give their answers. Nothing may follow a resuming request."""
        self._socket.sendall(b"".join(map(frame, bodies)))
        return [self._answer() for _ in bodies]

    def _answer(self) -> bytes:
        buffer = self._buffer
        while True:
            start = buffer.find(b"$")
            end = buffer.find(b"#", start + 1) if start >= 0 else -1
            if end >= 0 and len(buffer) >= end + 3:
                body = bytes(buffer[start + 1 : end])
                if int(buffer[end + 1 : end + 3], 16) != sum(body) & 0xFF:
                    raise RemoteError(f"wrong checksum of {body!r}")
                del buffer[: end + 3]
                return body
            data = self._socket.recv(65536)
            if not data:
                raise RemoteError("the target closed the connection")
            buffer += data

    def _discover(self) -> dict[str, Register]:
        self.ask(b"qSupported:xmlRegisters=powerpc")
        target = self._file("target.xml")
        return parse_features(map(self._file, re.findall(r'href="([^"]+)"', target)))

    def _file(self, name: str) -> str:
        text = b""
        while True:
            (part,) = self.ask(b"qXfer:features:read:%b:%x,700" % (name.encode(), len(text)))
            if part[:1] not in (b"l", b"m"):
                raise RemoteError(f"no target description file {name}: {part!r}")
            text += part[1:]
            if part[:1] == b"l":
                return text.decode()

    def step(self, *before: bytes) -> None:
        """Send requests that answer OK, then execute one instruction (or take the interrupt it causes)."""
        *done, stop = self.ask(*before, b"s")
        for body, answer in zip(before, done, strict=True):
            _check(body, answer)
        if stop[:1] not in (b"T", b"S"):
            raise RemoteError(f"no stop after a step: {stop!r}")

    def general(self) -> bytes:
        """The whole `g` block."""
        return self.ask(b"g")[0]

    def read_registers(self, names: Iterable[str]) -> dict[str, int]:
        wanted = [self.registers[name] for name in names]
        answers = self.ask(*(b"p%x" % r.number for r in wanted)) if wanted else []
        return {r.name: int(a[: 2 * r.size], 16) for r, a in zip(wanted, answers, strict=True)}

    def write_request(self, name: str, value: int) -> bytes:
        register = self.registers[name]
        return b"P%x=%0*x" % (register.number, 2 * register.size, value)

    def write_registers(self, values: dict[str, int]) -> None:
        self.command(*(self.write_request(name, value) for name, value in values.items()))

    def command(self, *bodies: bytes) -> None:
        """Requests whose answer must be OK."""
        for body, answer in zip(bodies, self.ask(*bodies) if bodies else [], strict=True):
            _check(body, answer)

    def read_memory(self, address: int, length: int) -> bytes:
        parts = [(a, min(CHUNK, address + length - a)) for a in range(address, address + length, CHUNK)]
        answers = self.ask(*(b"m%x,%x" % part for part in parts))
        for part, answer in zip(parts, answers, strict=True):
            if len(answer) != 2 * part[1]:
                raise RemoteError(f"memory at {part[0]:#x} cannot be read: {answer!r}")
        return bytes.fromhex(b"".join(answers).decode())

    def write_memory(self, address: int, data: bytes) -> None:
        for start in range(0, len(data), CHUNK):
            part = data[start : start + CHUNK]
            self.command(b"M%x,%x:%b" % (address + start, len(part), part.hex().encode()))


def _check(body: bytes, answer: bytes) -> None:
    if answer != b"OK":
        raise RemoteError(f"{body[:40]!r} was answered {answer!r}")
