"""Run a guest to its end as `ppcdbg run` does, and record it into a session file that replays and goes back in time."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ppcdbg.cli.guests import add_options, description
from ppcdbg.cli.run import FOREVER, Echo, Interruption
from ppcdbg.errors import UsageError

if TYPE_CHECKING:
    from ppcdbg.session.recorder import Recorder


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of ``record``."""
    add_options(parser)
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="the session file; it must not exist yet")
    parser.add_argument("--no-images", action="store_true", help="keep only the hashes of kernel, initrd and dtb")
    parser.add_argument(
        "--hash-every",
        metavar="N",
        help="instructions between two hashes of the state, by which a replay is held to the recording; k, M, G are "
        "decimal (default: as often as 4 %% of the run's time allow)",
    )


def run(options: argparse.Namespace) -> int:
    """Record and return the guest's exit status."""
    from ppcdbg.cli.status import of_stop
    from ppcdbg.machine.description import parse_count
    from ppcdbg.machine.system import Limits
    from ppcdbg.session.machines import open_system, write_machine
    from ppcdbg.session.recorder import Recorder
    from ppcdbg.session.store import Store

    every = None
    if options.hash_every is not None:
        every = parse_count(options.hash_every, ("option --hash-every", UsageError))
        if every < 1:
            raise UsageError("option --hash-every is 0; it must be at least 1")
    machine = description(options)
    store = Store.new(Path(options.output))
    recorder: Recorder | None = None
    try:
        write_machine(store, machine, images=not options.no_images)  # its work goes on while the system is made
        system = open_system(machine)
        recorder = Recorder(system, store, every)
        system.board.console.listeners.append(Echo())
        limit = FOREVER if machine.max_insns is None else machine.max_insns
        with Interruption() as interruption:
            stop = system.run(Limits(limit, interrupted=partial(_ends, interruption, recorder)))
        system.run(Limits(system.position))  # where somebody interrupted it, what is due here is still to happen
        recorder.finish()
    finally:
        try:
            store.close()
        finally:
            if recorder is None or recorder.kept is None:
                store.remove()
    sys.stdout.flush()
    size = Path(options.output).stat().st_size
    print(
        f"ppcdbg: {stop.position:,} instructions and {system.steps:,} exits recorded in {options.output}"
        f" ({size / 1e6:.2f} MB)",
        file=sys.stderr,
    )
    return of_stop(stop.kind)


def _ends(interruption: Interruption, recorder: Recorder) -> bool:
    """Whether the run is over: somebody said so, or there is no more room for what it does."""
    return interruption.asked or recorder.failed is not None
