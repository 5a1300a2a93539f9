"""Run a guest to its end as `ppcdbg run` does, and record it into a session file that replays and goes back in time."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ppcdbg.cli.faults import reported
from ppcdbg.cli.guests import add_options, description
from ppcdbg.cli.run import FOREVER, Echo, Interruption, make_system
from ppcdbg.errors import UsageError

if TYPE_CHECKING:
    from ppcdbg.machine.description import MachineDescription
    from ppcdbg.session.recorder import Recorder
    from ppcdbg.session.store import Store


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
    from ppcdbg.session.elsewhere import Elsewhere
    from ppcdbg.session.recorder import Recorder

    every = None
    if options.hash_every is not None:
        every = parse_count(options.hash_every, ("option --hash-every", UsageError))
        if every < 1:
            raise UsageError("option --hash-every is 0; it must be at least 1")
    machine = description(options)
    file = Elsewhere(Path(options.output), partial(_write_machine, machine, images=not options.no_images))
    recorder: Recorder | None = None
    try:
        system = make_system(machine)
        recorder = Recorder(system, file, every)
        system.board.console.listeners.append(Echo())
        limit = FOREVER if machine.max_insns is None else machine.max_insns
        with Interruption() as interruption, reported(system):
            stop = system.run(Limits(limit, interrupted=partial(_ends, interruption, recorder)))
        system.run(Limits(system.position))  # where somebody interrupted it, what is due here is still to happen
        recorder.finish()
    finally:
        try:
            file.close()
        finally:
            if file.kept is None:
                file.remove()
    sys.stdout.flush()
    size = Path(options.output).stat().st_size
    print(
        f"ppcdbg: {stop.position:,} instructions and {system.steps:,} exits recorded in {options.output}"
        f" ({size / 1e6:.2f} MB)",
        file=sys.stderr,
    )
    return of_stop(stop.kind)


def _write_machine(machine: MachineDescription, store: Store, *, images: bool) -> None:
    from ppcdbg.session.machines import write_machine

    write_machine(store, machine, images=images)


def _ends(interruption: Interruption, recorder: Recorder) -> bool:
    """Whether the run is over: somebody said so, or there is no more room for what it does."""
    return interruption.asked or recorder.failed is not None
