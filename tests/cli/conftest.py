"""How these tests call the command line: in this process where that is enough, as a process of its own where not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from ppcdbg.cli.main import main

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Result:
    status: int
    out: str
    err: str


Cli = Callable[..., Result]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """``cli("run", "demo")``: the status and what was printed."""

    def call(*arguments: str | Path) -> Result:
        status = main([str(a) for a in arguments])
        captured = capsys.readouterr()
        return Result(status, captured.out, captured.err)

    return call


def start(arguments: Sequence[str | Path], **options: object) -> subprocess.Popen[str]:
    """``ppcdbg`` as a process of its own, with pipes."""
    command = [sys.executable, "-m", "ppcdbg", *map(str, arguments)]
    return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
    )
