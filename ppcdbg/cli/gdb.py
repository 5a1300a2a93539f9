"""Start gdb on a guest, connected, with byte order, architecture and symbols set: ppcdbg gdb GUEST [-- GDB-ARGUMENT...]

    ppcdbg gdb vmlinux --append console=ttyS0,115200 -- -ex 'break start_kernel' -ex continue

Ctrl-C stops the guest and belongs to gdb. What the guest prints appears between gdb's own lines. The exit status is
gdb's. `ppcdbg gdbinit` prints the settings, `ppcdbg serve` is for a gdb of your own.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from ppcdbg.cli.guests import add_options, description
from ppcdbg.cli.serve import add_history
from ppcdbg.errors import InputError
from ppcdbg.scratch import scratch

if TYPE_CHECKING:
    from ppcdbg.gdbstub.server import Address, Server
    from ppcdbg.machine.description import MachineDescription

STARTS_A_PROGRAM = True
"""What follows ``--`` on the command line is for that program."""
PROGRAMS = ("gdb-multiarch", "powerpc-linux-gnu-gdb", "gdb")


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of ``gdb``."""
    add_options(parser)
    add_history(parser)
    parser.add_argument("--gdb", metavar="PROGRAM", help=f"which gdb (default: the first of {', '.join(PROGRAMS)})")


def run(options: argparse.Namespace) -> int:
    """Serve in this process, run gdb as a child on the same terminal, and end as it ends."""
    from ppcdbg.cli.serve import stub
    from ppcdbg.gdbstub.server import Address, Server

    program = find(options.gdb)
    machine = description(options)
    with scratch("gdb") as folder, leaving_interrupts_to_gdb():
        server = Server(
            stub(machine, sys.stdout.buffer, not options.no_history), Address(path=str(folder / "gdb.sock"))
        )
        listening = server.open()
        command = [program, "-q", *arguments(settings(machine, listening)), *options.rest]
        try:
            with subprocess.Popen(command) as gdb:
                threading.Thread(target=_watch, args=(gdb, server), daemon=True).start()
                server.serve()
                return _status(gdb.wait())
        finally:
            server.close()


def find(wanted: str | None) -> str:
    """The path of gdb. Raises InputError."""
    for name in (wanted,) if wanted else PROGRAMS:
        found = shutil.which(name)
        if found is not None:
            return found
    if wanted:
        raise InputError(f"there is no program {wanted}; --gdb takes the name or path of a gdb that knows PowerPC")
    raise InputError("gdb is not installed; gdb-multiarch knows PowerPC, and --gdb names any other that does")


def settings(machine: MachineDescription, address: Address | None) -> list[str]:
    """gdb's commands for a guest: byte order, patience, symbols, connection."""
    from ppcdbg.cli.debug import symbols
    from ppcdbg.cli.serve import connecting

    *first, connect = connecting(machine, address)
    image = symbols(machine)
    # Two seconds, gdb's own patience, are short for a checksum over a whole kernel on a busy machine.
    return [*first, "set remotetimeout 30", *([f"file {quoted(image)}"] if image is not None else []), connect]


def quoted(path: Path) -> str:
    """A path as one of gdb's words."""
    return '"' + str(path.absolute()).replace("\\", "\\\\").replace('"', '\\"') + '"'


def arguments(commands: Sequence[str]) -> Iterator[str]:
    for command in commands:
        yield from ("-ex", command)


def _watch(gdb: subprocess.Popen[bytes], server: Server) -> None:
    gdb.wait()
    server.stop()


@contextmanager
def leaving_interrupts_to_gdb() -> Iterator[None]:
    """The terminal sends Ctrl-C to both; gdb acts on it, and tells the stub. (A handler, because a program inherits
    a signal that is ignored, but not one that is handled.)"""
    before = signal.signal(signal.SIGINT, _nothing)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _nothing(number: int, frame: FrameType | None) -> None:
    """The signal is gdb's."""


def _status(code: int) -> int:
    return 128 - code if code < 0 else code
