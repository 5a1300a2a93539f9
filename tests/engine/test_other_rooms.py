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
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", f"tests/{room}"]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:]
