"""Generated code never leaves RAM: pages around it that end the process when they are touched prove it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mmap and mprotect of Linux")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.hostile.guarded", *arguments], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False,
    )  # fmt: skip


def test_no_access_leaves_ram_but_through_the_slow_path() -> None:
    done = run()
    assert done.returncode == 0, f"{done.returncode}: {done.stderr[-2000:]}"
    assert "accesses at the edges of RAM" in done.stdout


def test_an_access_that_leaves_it_ends_the_process() -> None:
    """The proof of the proof: the last page is one of those that may not be touched."""
    assert run("--planted").returncode == -signal.SIGSEGV
