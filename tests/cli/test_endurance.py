"""A guest at full speed for as long as you like: recorded, stepped by a client of the stub, and watched in the UI.

``PPCDBG_ENDURANCE`` is how many minutes (default 1). Three processes at once: what each holds in memory stays flat,
what was recorded replays to its last state, the client's steps are exact, and the UI answers and leaves.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ppcdbg.session.timeline import BUDGET
from tests.debugger.rig import RFI, addi, branch, mtspr

MINUTES = float(os.environ.get("PPCDBG_ENDURANCE", "1"))
LOAD = 0x10000
MOST = {"record": 256 << 20, "serve": BUDGET + (192 << 20), "ui": BUDGET + (256 << 20)}
"""Bytes that each may hold: a history within its budget, and what a debugger and the UI are without one."""
FILLED = 8.0
"""Minutes in half of which a history has come to its budget, on a busy host too."""
GROWTH = 32 << 20
"""Bytes that each may grow by from then on: what Python keeps around."""
IVPR, IVOR10, DECAR, DEC, TCR, TSR = 63, 410, 54, 22, 340, 336


def lis(register: int, value: int) -> int:
    return 0x3C000000 | register << 21 | value


def guest(path: Path) -> Path:
    """Writes a megabyte of words over and over, with a decrementer interrupt every 2^20 ticks, and never ends."""
    code = [
        lis(1, LOAD >> 16), mtspr(IVPR, 1), addi(2, 0, 0x100), mtspr(IVOR10, 2), lis(3, 0x10), mtspr(DECAR, 3),
        mtspr(DEC, 3), lis(4, 0x0440), mtspr(TCR, 4), 0x7C008146, lis(5, 0x20),  # wrteei 1; r5: where it writes
        addi(7, 7, 1), 0x54E0103A | 8 << 16 | 12 << 6, 0x7C00012E | 7 << 21 | 5 << 16 | 8 << 11, branch(-12),
    ]  # fmt: skip
    handler = [lis(9, 0x0800), mtspr(TSR, 9), addi(10, 10, 1), RFI]
    image = struct.pack(f">{len(code)}I", *code).ljust(0x100, b"\0") + struct.pack(">4I", *handler)
    path.write_bytes(image)
    return path


def rss(process: int) -> int:
    """Resident bytes of a process and of those that it started."""
    total, waiting = 0, [process]
    while waiting:
        each = waiting.pop()
        try:
            total += int(Path(f"/proc/{each}/statm").read_text().split()[1]) * 4096
            waiting += map(int, Path(f"/proc/{each}/task/{each}/children").read_text().split())
        except OSError:
            continue
    return total


class Wire:
    """A client of the stub, as small as can be."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        while self._socket.connect_ex(str(path)):  # it is bound a moment before it listens
            time.sleep(0.05)
        self._socket.settimeout(30)
        self._left = b""
        self.ask("QStartNoAckMode")
        self._socket.sendall(b"+")

    def send(self, body: str) -> None:
        self._socket.sendall(f"${body}#{sum(body.encode()) & 0xFF:02x}".encode())

    def ask(self, body: str) -> str:
        self.send(body)
        return self.reply()

    def reply(self) -> str:
        while True:
            at = self._left.find(b"#")
            if at >= 0 and len(self._left) >= at + 3:
                found, self._left = self._left[:at], self._left[at + 3 :]
                body = found[found.index(b"$") + 1 :].decode()
                if body == "OK" or not body.startswith("O"):  # else it tells how far it is
                    return body
                continue
            self._left += self._socket.recv(1 << 16)

    def interrupt(self) -> None:
        self._socket.sendall(b"\x03")


def stepping(path: Path, until: float, told: list[str]) -> None:
    """Run a while, stop, step forth, back, and forth: the guest is where it was before. Again and again. (Back at the
    first place it may be after an interrupt that came there, for steps run through handlers.)"""
    wire, rounds, steps = Wire(path), 0, 0
    while time.monotonic() < until:
        wire.send("vCont;c")
        time.sleep(0.2)
        wire.interrupt()
        assert wire.reply().startswith("T")
        seen = []
        for motion in ("vCont;s", "bs", "vCont;s"):
            for _ in range(50):
                assert wire.ask(motion).startswith("T05")
            seen.append(wire.ask("g"))
        assert seen[0] == seen[2]
        rounds, steps = rounds + 1, steps + 150
    told.append(f"{rounds} rounds, {steps} steps")


@pytest.fixture
def image(tmp_path: Path) -> Iterator[Path]:
    yield guest(tmp_path / "endless.bin")


@pytest.mark.soak
def test_flat_memory_and_an_exact_end(image: Path, tmp_path: Path, figure: Callable[[str, str], None]) -> None:
    options = [str(image), "--load", hex(LOAD), "--hv", "none", "--memory", "64M"]
    file, place = tmp_path / "long.ppcdbg", tmp_path / "stub"
    tool = [sys.executable, "-m", "ppcdbg"]
    recorder = subprocess.Popen([*tool, "record", *options, "-o", str(file)], stderr=subprocess.PIPE, text=True)
    server = subprocess.Popen([*tool, "serve", *options, "--gdb", f"unix:{place}"], stderr=subprocess.DEVNULL)
    watcher, terminal = pty.fork()
    if watcher == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execvp(tool[0], [*tool, *options])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    until, told, painted = time.monotonic() + 60 * MINUTES, list[str](), 0
    while not place.exists():
        assert server.poll() is None
        time.sleep(0.05)
    client = threading.Thread(target=stepping, args=(place, until, told), daemon=True)
    client.start()
    held: dict[str, list[int]] = {"record": [], "serve": [], "ui": []}
    begun, sampled = False, 0.0
    while time.monotonic() < until:
        if select.select([terminal], [], [], 0.2)[0]:
            shown = os.read(terminal, 1 << 16)
            painted += len(shown)
            if not begun and painted > 4096:
                begun = True
                os.write(terminal, b"\x1b[15~")  # F5: run
        if time.monotonic() - sampled > 60 * MINUTES / 40:
            sampled = time.monotonic()
            for name, process in (("record", recorder.pid), ("serve", server.pid), ("ui", watcher)):
                held[name].append(rss(process))
    client.join(60)
    recorder.send_signal(signal.SIGINT)
    _, err = recorder.communicate(timeout=120)
    server.send_signal(signal.SIGTERM)
    server.wait(60)
    os.write(terminal, b"\x11")  # Ctrl-Q
    end = time.monotonic() + 60
    while time.monotonic() < end and os.waitpid(watcher, os.WNOHANG)[0] == 0:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                os.read(terminal, 1 << 16)
            except OSError:
                break
    figure("endurance", f"{MINUTES:g} minutes; {err.strip()}; client: {told}; UI painted {painted:,} bytes")
    for name, sizes in held.items():
        few = [sizes[len(sizes) * part // 4] >> 20 for part in range(4)]
        figure(
            "endurance",
            f"{name}: {few[0]}, {few[1]}, {few[2]}, {few[3]} MiB at the quarters, {sizes[-1] >> 20} at the end",
        )
    assert told, "the client saw something that is not exact"
    assert begun and painted > 10_000
    for name, sizes in held.items():
        assert max(sizes) <= MOST[name], name
        assert MINUTES < FILLED or sizes[-1] <= sizes[len(sizes) // 2] + GROWTH, name
    again = subprocess.run([*tool, "replay", str(file), "--verify"], capture_output=True, text=True, check=False)
    figure("endurance", again.stderr.strip())
    assert again.returncode == 0, again.stderr
