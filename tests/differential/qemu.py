"""QEMU's ppce500 machine as a peer, over its gdb port."""

from __future__ import annotations

import shutil
import socket
import struct
import subprocess
import time
from pathlib import Path

from tests.differential.gdbclient import GdbClient, RemoteError
from tests.differential.peers import GENERAL_FORMAT, General
from tests.differential.world import SETUP

PROGRAM = "qemu-system-ppc"
CPUS = {"e500v2": "e500v2_v30", "e500mc": "e500mc"}
_BRANCH_TO_SELF = 0x48000000


def available() -> bool:
    return shutil.which(PROGRAM) is not None


def tiny_elf() -> bytes:
    """A 32-bit big-endian executable of one instruction, loaded and entered at ``SETUP``."""
    ident = b"\x7fELF\x01\x02\x01" + bytes(9)
    header = struct.pack(">HHIIIIIHHHHHH", 2, 20, 1, SETUP, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    segment = struct.pack(">8I", 1, 84, SETUP, SETUP, 4, 4, 7, 4)
    return ident + header + segment + struct.pack(">I", _BRANCH_TO_SELF)


def connected(process: subprocess.Popen[bytes], port: Path, patience: float = 30) -> socket.socket:
    """A connection to the gdb port of a QEMU that may be starting. ``patience``: seconds that an answer may take."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(patience)
    deadline = time.monotonic() + 30
    while True:
        try:
            connection.connect(str(port))
            return connection
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RemoteError(f"{PROGRAM} does not open its gdb port") from error
            time.sleep(0.01)


class QemuPeer:
    """One QEMU process, stopped at the entry of the tiny ELF (TLB1[0] maps EA 0 there)."""

    name = "qemu"

    def __init__(self, core: str, directory: Path) -> None:
        self.core = core
        image, port = directory / f"{core}.elf", directory / f"{core}.gdb"
        image.write_bytes(tiny_elf())
        quiet = ["-display", "none", "-serial", "none", "-monitor", "none", "-nodefaults", "-no-reboot"]
        self._process = subprocess.Popen(
            [PROGRAM, "-M", "ppce500", "-cpu", CPUS[core], "-m", "64M", "-kernel", str(image), "-S", *quiet]
            + ["-gdb", f"unix:{port},server=on,wait=off"],
            stdin=subprocess.DEVNULL,
        )
        try:
            self.client = GdbClient(connected(self._process, port))
            self.client.command(b"Qqemu.PhyMemMode:1")
        except BaseException:
            self._process.kill()
            raise
        self.has = frozenset(self.client.registers)

    def close(self) -> None:
        self.client.close()
        self._process.kill()
        self._process.wait()

    def read_memory(self, address: int, length: int) -> bytes:
        return self.client.read_memory(address, length)

    def write_memory(self, address: int, data: bytes) -> None:
        self.client.write_memory(address, data)

    def general(self) -> General:
        return GENERAL_FORMAT.unpack_from(bytes.fromhex(self.client.general().decode()))

    def read(self, names: tuple[str, ...]) -> dict[str, int]:
        return self.client.read_registers(n for n in names if n in self.has)

    def write(self, values: dict[str, int]) -> None:
        self.client.write_registers({n: v for n, v in values.items() if n in self.has})

    def step(self, general: General | None, others: dict[str, int]) -> General:
        client = self.client
        before = [client.write_request(n, v) for n, v in others.items() if n in self.has]
        if general is not None:
            before.append(b"G" + GENERAL_FORMAT.pack(*general).hex().encode())
        client.step(*before)
        return self.general()
