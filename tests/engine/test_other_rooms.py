"""The tests of the core, of KVM and of the debugger once more, on the llvm engine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("room", ["cpu", "kvm", "debugger"])
def test_a_rooms_tests_pass_on_the_llvm_engine(room: str, root: Path) -> None:
    environment = {**os.environ, "PPCDBG_ENGINE": "llvm"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "not soak", f"tests/{room}"]
    command += ["-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:]
