"""Transports: a connected stream of bytes, over a socket or over the process's own stdin and stdout.

A channel knows nothing of packets. ``Gone`` says that the other end is not there any more, whichever way it went.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import time
from typing import Protocol

from ppcdbg.session.pace import steady

PORTION = 1 << 16
AWAKE_SECONDS = 0.0003
"""How long after a reply the next packet is waited for without sleeping."""
SEND_SECONDS = 20
"""How long a client may leave its replies unread before it counts as gone."""


class Gone(Exception):
    """The client is not there any more. No error: the next one is served."""


class Channel(Protocol):
    """One client's bytes."""

    def receive(self) -> bytes:
        """Wait for bytes. Raises Gone."""

    def pending(self) -> bytes:
        """What has come already, perhaps nothing. Raises Gone."""

    def send(self, data: bytes) -> None:
        """Raises Gone."""

    def close(self) -> None: ...


class SocketChannel:
    """A connected TCP or Unix socket."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._clock, self._awake = steady(time.perf_counter), 0.0
        patience = struct.pack("ll", SEND_SECONDS, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, patience)
        if connection.family != socket.AF_UNIX:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def receive(self) -> bytes:
        try:
            data = self._soon()
            if data is None:
                data = self.connection.recv(PORTION)
        except OSError as error:
            raise Gone from error
        if not data:
            raise Gone
        return data

    def _soon(self) -> bytes | None:
        """What comes within the moment in which a client answers a reply; None where nothing does.

        Waking a sleeping processor takes a virtual machine longer than most packets take to answer.
        """
        receive, clock = self.connection.recv, self._clock
        while clock() < self._awake:
            try:
                return receive(PORTION, socket.MSG_DONTWAIT)
            except BlockingIOError:
                pass
        return None

    def pending(self) -> bytes:
        return self.receive() if _readable(self.connection.fileno()) else b""

    def send(self, data: bytes) -> None:
        self._awake = self._clock() + AWAKE_SECONDS
        try:
            self.connection.sendall(data)
        except OSError as error:
            raise Gone from error

    def close(self) -> None:
        self.connection.close()


class PipeChannel:
    """Two file descriptors: what ``target remote | ppcdbg serve GUEST --gdb -`` talks to."""

    def __init__(self, read: int, write: int) -> None:
        self.input, self.output = read, write

    def receive(self) -> bytes:
        try:
            data = os.read(self.input, PORTION)
        except OSError as error:
            raise Gone from error
        if not data:
            raise Gone
        return data

    def pending(self) -> bytes:
        return self.receive() if _readable(self.input) else b""

    def send(self, data: bytes) -> None:
        try:
            while data:
                data = data[os.write(self.output, data) :]
        except OSError as error:
            raise Gone from error

    def close(self) -> None:
        """The descriptors are the process's own and stay."""


def _readable(descriptor: int) -> bool:
    if descriptor < 0:
        raise Gone
    return bool(select.select((descriptor,), (), (), 0)[0])
