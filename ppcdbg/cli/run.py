"""Run a guest to its end: its console on stdout as it comes, a summary on stderr.

Ctrl-C ends the run at an exact instruction and still prints the summary; a second one ends ppcdbg.
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from ppcdbg.cli.faults import reported
from ppcdbg.cli.guests import add_options, description
from ppcdbg.errors import InputError, PpcdbgError

if TYPE_CHECKING:
    from ppcdbg.cli.summary import Summary
    from ppcdbg.machine.description import MachineDescription
    from ppcdbg.machine.system import System

FOREVER = 1 << 62


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of ``run``."""
    add_options(parser)
    parser.add_argument("--json", metavar="FILE", help="write the summary as data; - is stdout, after the console")
    parser.add_argument(
        "-q", "--quiet", action="store_true", help="no summary on stderr; what went wrong is still said"
    )


def run(options: argparse.Namespace) -> int:
    """Run the guest and return the exit status."""
    try:
        summary, status = execute(description(options))
    except PpcdbgError as error:
        if options.json:
            from ppcdbg.cli.summary import failure

            write_json(failure(error, error.exit_status), options.json)
        raise
    from ppcdbg.cli.summary import lines, verdict

    sys.stdout.flush()
    if not options.quiet:
        print("\n".join(lines(summary)), file=sys.stderr)
    failed = verdict(summary)
    if failed is not None:
        print(f"ppcdbg: {failed}", file=sys.stderr)
    if options.json:
        write_json(summary, options.json)
    return status


def execute(machine: MachineDescription) -> tuple[Summary, int]:
    """Build the system, let it run, and return its summary and the exit status."""
    from ppcdbg.cli.status import of_stop
    from ppcdbg.cli.summary import summarize
    from ppcdbg.cpu.observe import Tally
    from ppcdbg.engine.choose import fallback
    from ppcdbg.machine.system import Limits

    slow = fallback(machine.engine)
    if slow is not None:
        print(f"ppcdbg: {slow}", file=sys.stderr)
    system = make_system(machine)
    counter = system.core.observer = Tally()
    system.board.console.listeners.append(Echo())
    limit = FOREVER if machine.max_insns is None else machine.max_insns
    with Interruption() as interruption, reported(system):
        stop = system.run(Limits(limit, interrupted=interruption.wanted))
    status = of_stop(stop.kind)
    return summarize(system, getattr(system, "kvm", None), counter, stop, status, machine), status


def make_system(machine: MachineDescription) -> System:
    """The system of a description; what reads sessions is imported for a session only."""
    if machine.session is None:
        from ppcdbg.kvm.build import build_system

        return build_system(machine)
    from ppcdbg.session.systems import open_system

    return open_system(machine)


class Echo:
    """A console listener: bytes go to stdout as they are, and at the end of each line at once."""

    def __init__(self) -> None:
        self.stream = sys.stdout.buffer
        self.flushes = sys.stdout.isatty()

    def __call__(self, data: bytes, position: int) -> None:
        self.stream.write(data)
        if self.flushes and data.endswith(b"\n"):
            self.stream.flush()


class Interruption:
    """While entered, the first SIGINT asks the run to end; the next one is Python's again."""

    def __init__(self) -> None:
        self.asked = False

    def wanted(self) -> bool:
        return self.asked

    def __enter__(self) -> Interruption:
        self.before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *exception: object) -> None:
        signal.signal(signal.SIGINT, self.before)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)


def write_json(value: Summary, name: str) -> None:
    """Write one object; a file gets it whole or not at all."""
    import json  # only who asks for it pays

    text = json.dumps(value, indent=2) + "\n"
    if name == "-":
        sys.stdout.write(text)
        return
    write_file(name, text)


def write_file(name: str, text: str) -> None:
    """Write a file whole, or leave what there was. Raises InputError where that cannot be."""
    from ppcdbg.session.files import write_whole

    try:
        write_whole(Path(name), text)
    except OSError as error:
        raise InputError(f"cannot write {name}: {error.strerror or error}") from None
