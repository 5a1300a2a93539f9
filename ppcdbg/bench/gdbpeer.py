"""QEMU stepped over its gdb port: what one single step costs a debugger outside the process.

The few packets that this needs of the gdb remote serial protocol (GDB manual, appendix E), over a Unix socket.
"""

from __future__ import annotations

import socket
import subprocess
import tempfile
from pathlib import Path

from ppcdbg.bench import qemu
from ppcdbg.bench.clock import now, pause
from ppcdbg.bench.results import NotRun

CONNECT_TRIES, CONNECT_PAUSE = 200, 0.02
REPLY_SECONDS = 20.0


def steps_per_second(image: Path, steps: int) -> float:
    """Steps a second over ``steps`` single steps from a guest's first instruction; pc comes with each stop reply."""
    with tempfile.TemporaryDirectory(prefix="ppcdbg-") as folder:
        port = Path(folder) / "gdb"
        command = [*qemu.loop(image, ()), "-S", "-gdb", f"unix:{port},server=on,wait=off"]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
            try:
                return _measure(port, steps)
            finally:
                process.kill()


def _measure(port: Path, steps: int) -> float:
    with _connect(port) as connection:
        connection.settimeout(REPLY_SECONDS)
        _ask(connection, b"?")
        start = now()
        for _ in range(steps):
            if not _ask(connection, b"s").startswith(b"T05"):
                raise NotRun("QEMU's gdb port did not step")
        return steps / (now() - start)


def _connect(port: Path) -> socket.socket:
    for _ in range(CONNECT_TRIES):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(port))
            return connection
        except OSError:
            connection.close()
            pause(CONNECT_PAUSE)
    raise NotRun("QEMU's gdb port does not answer")


def _ask(connection: socket.socket, packet: bytes) -> bytes:
    """Send a packet, acknowledge its reply, return the reply's body."""
    connection.sendall(b"$%b#%02x" % (packet, sum(packet) & 0xFF))
    data = b""
    while not (b"$" in data and b"#" in data[-3:-2]):
        received = connection.recv(4096)
        if not received:
            raise NotRun("QEMU closed its gdb port")
        data += received
    connection.sendall(b"+")
    return data[data.index(b"$") + 1 : -3]
