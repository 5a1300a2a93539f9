"""Run a guest to its end as `ppcdbg run` does, and record it into a session file that replays and goes back in time."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ppcdbg.cli.guests import add_options, description
from ppcdbg.cli.run import FOREVER, Echo, Interruption


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of ``record``."""
    add_options(parser)
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="the session file; it must not exist yet")
    parser.add_argument("--no-images", action="store_true", help="keep only the hashes of kernel, initrd and dtb")


def run(options: argparse.Namespace) -> int:
    """Record and return the guest's exit status."""
    from ppcdbg.cli.status import of_stop
    from ppcdbg.machine.system import Limits
    from ppcdbg.session.machines import open_system, write_machine
    from ppcdbg.session.recorder import Recorder
    from ppcdbg.session.store import Store

    machine = description(options)
    system = open_system(machine)
    store = Store.new(Path(options.output))
    try:
        write_machine(store, machine, images=not options.no_images)
        recorder = Recorder(system, store)
        system.board.console.listeners.append(Echo())
        limit = FOREVER if machine.max_insns is None else machine.max_insns
        with Interruption() as interruption:
            stop = system.run(Limits(limit, interrupted=interruption.wanted))
        recorder.finish()
    finally:
        store.close()
    sys.stdout.flush()
    size = Path(options.output).stat().st_size
    print(
        f"ppcdbg: {stop.position:,} instructions and {system.steps:,} exits recorded in {options.output}"
        f" ({size / 1e6:.2f} MB)",
        file=sys.stderr,
    )
    return of_stop(stop.kind)
