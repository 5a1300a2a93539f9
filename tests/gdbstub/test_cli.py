"""``serve``, ``gdb`` and ``gdbinit`` as a user calls them."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from ppcdbg.gdbstub.packets import frame
from tests.gdbstub.rig import ROOT, Client, ppcdbg


def test_serve_says_how_to_connect_and_ends_with_its_client(tmp_path: Path) -> None:
    path = tmp_path / "gdb.sock"
    server = subprocess.Popen(ppcdbg("serve", "demo", "--gdb", f"unix:{path}", "--once"), cwd=ROOT, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    assert server.stderr is not None and server.stdout is not None
    line = server.stderr.readline()
    assert line == (f"ppcdbg: gdb: set endian big; set architecture powerpc:e500; target extended-remote {path}\n")
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        assert Client(connection).ask(b"c").startswith(b"T05")
    out, err = server.communicate(timeout=30)
    assert server.returncode == 0 and err == "" and "demo" in out.lower() and not path.exists()


def test_serve_warns_where_others_can_reach_it(tmp_path: Path) -> None:
    server = subprocess.Popen(ppcdbg("serve", "demo", "--gdb", "0.0.0.0:0", "-q"), cwd=ROOT, text=True,
                              stderr=subprocess.PIPE)  # fmt: skip
    assert server.stderr is not None
    line = server.stderr.readline()
    server.send_signal(signal.SIGINT)
    assert re.match(r"ppcdbg: anybody who can reach 0\.0\.0\.0:\d+ can now read and change this guest", line)
    assert server.wait(20) == 130


def test_serve_over_a_pipe_keeps_the_console_out_of_it() -> None:
    server = subprocess.Popen(ppcdbg("serve", "demo", "--gdb", "-"), cwd=ROOT, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    assert server.stdin is not None and server.stdout is not None
    server.stdin.write(frame(b"c"))
    server.stdin.flush()
    out = b""
    while b"$T05" not in out:
        out += os.read(server.stdout.fileno(), 65536)
    rest, err = server.communicate(b"+" + frame(b"k"), timeout=60)
    assert server.returncode == 0 and out.startswith(b"+$O") and rest == b"+"
    assert b"demo" in err.lower() and b"demo" not in out.lower()


@pytest.mark.parametrize(("address", "said"), [
    ("what", "must be [HOST:]PORT, unix:PATH or -"), ("70000", "must be"), ("unix:", "needs a path"),
    ("unix:/nowhere/at/all", "cannot listen for gdb at /nowhere/at/all"),
])  # fmt: skip
def test_an_address_that_cannot_be(address: str, said: str) -> None:
    done = subprocess.run(
        ppcdbg("serve", "demo", "--gdb", address), cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode in (2, 3) and said in done.stderr and done.stderr.count("\n") == 1


def test_a_socket_in_use_is_not_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "gdb.sock"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        done = subprocess.run(
            ppcdbg("serve", "demo", "--gdb", f"unix:{path}"), cwd=ROOT, capture_output=True, text=True
        )
    assert done.returncode == 3 and "another server listens there" in done.stderr and path.exists()


def test_gdbinit_prints_the_settings() -> None:
    done = subprocess.run(ppcdbg("gdbinit", "demo", "--gdb", "box:99"), cwd=ROOT, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert lines[0] == "set endian big" and lines[1] == "set architecture powerpc:e500"
    assert lines[-1] == "target extended-remote box:99" and any(line.startswith('file "/') for line in lines)


def test_gdb_that_is_not_there_is_said(tmp_path: Path) -> None:
    done = subprocess.run(ppcdbg("gdb", "demo", "--gdb", "no-such-gdb"), cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 3 and "there is no program no-such-gdb" in done.stderr


def test_the_status_is_gdbs_and_what_follows_the_dashes_is_its_own(tmp_path: Path) -> None:
    fake = tmp_path / "gdb"
    fake.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\nexit 7\n')
    fake.chmod(0o755)
    done = subprocess.run(
        ppcdbg("gdb", "--gdb", fake, "--", "-ex", "info target"), cwd=ROOT, capture_output=True, text=True
    )
    words = done.stdout.splitlines()
    assert done.returncode == 7 and words[0] == "-q" and words[-2:] == ["-ex", "info target"], done.stderr
