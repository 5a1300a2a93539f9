"""The terminal goes away under each door: with SIGHUP, and without it as under nohup. Nobody is left behind, nothing
has a traceback, and what was recorded is whole."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT
from tests.hostile.guests import ENTRY, image
from tests.session.systems import whole_up_to

PATIENCE = 60.0
SECONDS = 15.0
"""In which a process is gone that has lost its terminal; it takes a fraction of one where nothing else runs."""


@dataclass(frozen=True)
class End:
    status: int | None
    """As a shell has it; None: it was still there."""
    err: str


def hung_up(
    arguments: list[str], folder: Path, keys: list[tuple[Callable[[bytes], bool], bytes]], *, ignoring: bool
) -> End:
    """Start on a terminal, type each of the keys when what was printed since the last ones says so, and close it."""
    err = folder / "err"
    err.touch()
    process, terminal = pty.fork()
    if process == 0:
        if ignoring:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        if arguments[0] != "debug" or "--plain" in arguments:  # the UI paints on stderr
            os.dup2(os.open(err, os.O_WRONLY), 2)
        os.chdir(ROOT)
        environment = {**os.environ, "TERM": "xterm-256color", "XDG_STATE_HOME": str(folder)}
        os.execve(sys.executable, [sys.executable, "-m", "ppcdbg", *arguments], environment)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    end, seen = time.monotonic() + PATIENCE, b""
    try:
        for ready, typed in keys:
            while not ready(seen):
                assert time.monotonic() < end, seen[-500:]
                if select.select([terminal], [], [], 0.1)[0]:
                    seen += os.read(terminal, 1 << 16)
            os.write(terminal, typed)
            seen = b""
        os.close(terminal)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            gone, status = os.waitpid(process, os.WNOHANG)
            if gone:
                process = 0
                code = os.waitstatus_to_exitcode(status)
                return End(code if code >= 0 else 128 - code, err.read_text(errors="replace"))
            time.sleep(0.02)
        return End(None, err.read_text(errors="replace"))
    finally:
        if process:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)


def printed(count: int) -> Callable[[bytes], bool]:
    return lambda seen: len(seen) >= count


def there(path: Path, more: int = 0) -> Callable[[bytes], bool]:
    return lambda _: path.exists() and path.stat().st_size > more


@pytest.fixture
def flood(tmp_path: Path) -> list[str]:
    """A guest that prints for ever, and its options."""
    path = tmp_path / "flood.bin"
    path.write_bytes(image("console flood"))
    return [str(path), "--load", hex(ENTRY), "--hv", "none", "--memory", "64M"]


@pytest.mark.parametrize("ignoring", [False, True], ids=["SIGHUP", "nohup"])
@pytest.mark.parametrize("door", ["run", "stat", "repl", "plain", "ui"])
def test_a_door_ends_with_its_terminal(door: str, ignoring: bool, flood: list[str], tmp_path: Path) -> None:
    """Without SIGHUP it was a fault of ppcdbg's own, with a traceback and a report, or went on for ever."""
    kvm = [each if each != "none" else "kvm" for each in flood]
    arguments, keys = {
        "run": (["run", *flood], [(printed(2000), b"")]),
        "stat": (["stat", *kvm, "-s", "0.1"], [(printed(200), b"")]),
        "repl": (["repl", *flood, "-n"], [(printed(20), b"continue\r"), (printed(2000), b"")]),
        "plain": (["debug", *flood, "--plain"], [(printed(20), b"continue\r"), (printed(2000), b"")]),
        "ui": (["debug", *flood], [(printed(4000), b"\x1b[15~"), (printed(8000), b"")]),
    }[door]
    end = hung_up(arguments, tmp_path, keys, ignoring=ignoring)
    assert end.status == 129, end
    assert "Traceback" not in end.err and not (tmp_path / "ppcdbg" / "faults").exists(), end.err[-2000:]
    if ignoring and door in ("run", "stat"):
        assert end.err == "ppcdbg: the terminal is gone\n"


@pytest.mark.parametrize("door", ["record", "repl"])
def test_a_recording_ends_whole_with_its_terminal(door: str, flood: list[str], tmp_path: Path) -> None:
    path = tmp_path / "a.ppcdbg"
    begin = f"record {path}\r".encode()
    arguments, keys = {
        "record": (["record", *flood, "-o", str(path)], [(there(path, 100_000), b"")]),
        "repl": (["repl", *flood, "-n"],
                 [(printed(20), begin), (there(path), b"continue\r"), (there(path, 100_000), b"")]),
    }[door]  # fmt: skip
    end = hung_up(arguments, tmp_path, keys, ignoring=False)
    assert end.status == 129 and "Traceback" not in end.err, end
    last = time.monotonic() + SECONDS
    while path.with_name(path.name + "-journal").exists() and time.monotonic() < last:
        time.sleep(0.05)  # who writes a recording of `record` ends after it
    time.sleep(0.3)
    assert whole_up_to(path) > 10_000
