"""Listening for gdb: TCP on the loopback unless told otherwise, a Unix socket, or stdin and stdout.

One client at a time; the next one waits in the listen queue. The guest outlives them all. Where to listen is said as
QEMU says it: ``[HOST:]PORT``, ``unix:PATH`` or ``-``.
"""

from __future__ import annotations

import os
import select
import socket
import stat
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address

from ppcdbg.errors import InputError, UsageError
from ppcdbg.gdbstub.channel import PipeChannel, SocketChannel
from ppcdbg.gdbstub.connection import Connection
from ppcdbg.gdbstub.stub import Stub

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Address:
    """Where to listen: ``path`` of a Unix socket, ``host`` and ``port``, or neither for stdin and stdout."""

    host: str = ""
    port: int = 0
    path: str = ""

    @property
    def stdio(self) -> bool:
        return not self.host and not self.path

    @property
    def exposed(self) -> bool:
        """Whether others than this machine's own users can reach it."""
        if not self.host or self.host == "localhost":
            return False
        with suppress(ValueError):
            return not ip_address(self.host).is_loopback
        return True

    def __str__(self) -> str:
        """As gdb's ``target`` command takes it."""
        if self.stdio:
            return "stdio"
        return self.path or (f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}")


def parse_address(text: str) -> Address:
    """``[HOST:]PORT``, ``tcp:[HOST]:PORT``, ``unix:PATH``, ``-`` or ``stdio``. Raises UsageError."""
    if text in ("-", "stdio"):
        return Address()
    if text.startswith("unix:"):
        path = text.removeprefix("unix:").split(",")[0]
        if not path:
            raise UsageError("--gdb unix: needs a path, as in unix:/tmp/gdb.sock")
        return Address(path=path)
    host, _, port = text.removeprefix("tcp:").split(",")[0].rpartition(":")
    if not port.isascii() or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"--gdb {text} must be [HOST:]PORT, unix:PATH or - (stdin and stdout)")
    return Address(host.strip("[]") or LOOPBACK, int(port))


class Server:
    """Serves clients of one stub at one address, one after the other."""

    def __init__(self, stub: Stub, address: Address) -> None:
        self.stub = stub
        self.address = address
        self._listener: socket.socket | None = None
        self._stop, self._stopped = socket.socketpair()

    def open(self) -> Address:
        """Begin to listen; the address with the port that was given out for 0. Raises InputError."""
        if self.address.stdio:
            return self.address
        try:
            self._listener = self._listen()
        except OSError as error:
            why = error.strerror or str(error)
            raise InputError(f"cannot listen for gdb at {self.address}: {why}; choose another address") from None
        if not self.address.path:
            self.address = Address(self.address.host, self._listener.getsockname()[1])
        return self.address

    def _listen(self) -> socket.socket:
        if self.address.path:
            with suppress(FileNotFoundError):
                if stat.S_ISSOCK(os.stat(self.address.path).st_mode):  # left behind by a server that is gone
                    _refuse_living(self.address.path)
                    os.unlink(self.address.path)
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listener.bind(self.address.path)
            os.chmod(self.address.path, 0o600)  # before it listens: nobody else was let in
        else:
            family, kind, _, _, place = socket.getaddrinfo(
                self.address.host, self.address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            listener = socket.socket(family, kind)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(place)
        listener.listen(4)
        return listener

    def serve(self, once: bool = False) -> None:
        """Serve one client after another until ``stop``; on stdin and stdout there is only one."""
        if self.address.stdio:
            Connection(self.stub, PipeChannel(0, 1)).serve()
            return
        assert self._listener is not None, "open comes first"
        while True:
            ready, _, _ = select.select((self._listener, self._stopped), (), ())
            if self._stopped in ready:
                return
            connection, _ = self._listener.accept()
            Connection(self.stub, SocketChannel(connection)).serve()
            if once:
                return

    def stop(self) -> None:
        """Let ``serve`` return when its client has gone, or at once; safe from any thread."""
        self._stop.send(b"!")

    def close(self) -> None:
        """Stop listening; a Unix socket's file goes too."""
        self._stop.close()
        self._stopped.close()
        if self._listener is not None:
            self._listener.close()
            self._listener = None
            if self.address.path:
                with suppress(OSError):
                    os.unlink(self.address.path)


def _refuse_living(path: str) -> None:
    """Raises OSError where somebody listens at a socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except OSError:
            return
    raise OSError("another server listens there")
