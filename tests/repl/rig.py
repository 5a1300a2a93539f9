"""A shell on a small guest, with what it writes in strings."""

from __future__ import annotations

import io
from pathlib import Path

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.kvm.build import build_system
from ppcdbg.machine.description import describe
from ppcdbg.repl.output import Output
from ppcdbg.repl.shell import Shell

DEMO = Path(__file__).resolve().parents[2] / "ppcdbg/_guests/demo.toml"


class Tty(io.StringIO):
    """A string that calls itself a terminal."""

    def isatty(self) -> bool:
        return True


def demo() -> Debugger:
    """The demo guest under KVM, at its first instruction."""
    description = describe(DEMO, {"engine": "reference"})
    return Debugger(build_system(description), description.kernel)


def shell(debugger: Debugger, width: int = 100) -> tuple[Shell, io.StringIO, io.StringIO]:
    """A shell that writes plain text; what it says, and what it complains of."""
    out, errors = io.StringIO(), io.StringIO()
    return Shell(debugger, Output(out, errors, width=lambda: width)), out, errors
