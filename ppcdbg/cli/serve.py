"""Serve a guest to gdb: ppcdbg serve GUEST --gdb [HOST:]PORT, unix:PATH, or - for a pipe.

    ppcdbg serve vmlinux --gdb 1234
    gdb-multiarch vmlinux -ex 'set endian big' -ex 'target extended-remote :1234'

    gdb-multiarch vmlinux -ex 'set endian big' -ex 'target extended-remote | ppcdbg serve vmlinux --gdb -'

The guest stands at its first instruction and runs only while a client lets it. When the client goes, in whatever way,
the guest stays where it is and the next client finds it there; `kill` and `run` start it again. What the guest prints
goes to stdout, or to stderr where stdout is the pipe.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

from ppcdbg.cli.guests import add_options, description

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger
    from ppcdbg.gdbstub.server import Address
    from ppcdbg.gdbstub.stub import Stub
    from ppcdbg.machine.description import MachineDescription

DEFAULT = "127.0.0.1:1234"


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of ``serve``."""
    add_options(parser)
    add = parser.add_argument
    add("--gdb", "-gdb", metavar="ADDRESS", default=DEFAULT, help=f"where to listen (default {DEFAULT})")
    add("-s", dest="gdb", action="store_const", const=DEFAULT, help=f"the same as --gdb {DEFAULT}")
    add_history(parser)
    add("--once", action="store_true", help="end when the first client has gone")
    add("-q", "--quiet", action="store_true", help="do not say on stderr how to connect")


def add_history(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-history", action="store_true", help="keep no checkpoints: faster, but no way back")


def run(options: argparse.Namespace) -> int:
    """Build the guest first, so that what is wrong with it is said before anybody can connect."""
    from ppcdbg.gdbstub.server import Server, parse_address

    address = parse_address(options.gdb)
    machine = description(options)
    console = sys.stderr.buffer if address.stdio else sys.stdout.buffer
    server = Server(stub(machine, console, not options.no_history, files=not address.exposed), address)
    listening = server.open()
    if listening.exposed:
        say(f"anybody who can reach {listening} can now read and change this guest; 127.0.0.1 keeps it on this machine")
    if not options.quiet and not listening.stdio:
        say(f"gdb: {'; '.join(connecting(machine, listening))}")
    try:
        server.serve(options.once)
    finally:
        server.close()
    return 0


def say(sentence: str) -> None:
    print(f"ppcdbg: {sentence}", file=sys.stderr, flush=True)


def stub(machine: MachineDescription, console: BinaryIO, history: bool, files: bool = True) -> Stub:
    """The guest of a description behind the protocol; what it prints goes to a stream as it comes. With ``history`` it
    can be run backwards; with ``files`` a client's commands may name files of this machine."""
    from ppcdbg.gdbstub.stub import Stub

    make = maker(machine, console, history, files)
    return Stub(make(), make, lambda debugger: debugger.past if history else None)


def maker(
    machine: MachineDescription, console: BinaryIO, history: bool = True, files: bool = True
) -> Callable[[], Debugger]:
    """A function that makes the guest and its debugger, at the first instruction, as often as it is called."""
    from ppcdbg.cli.debug import symbols
    from ppcdbg.debugger.debugger import Debugger
    from ppcdbg.session.systems import open_system

    image = symbols(machine)

    def make() -> Debugger:
        system = open_system(machine)
        system.board.console.listeners.append(Echo(console))
        debugger = Debugger(system, image, machine.kernel.name)
        debugger.past.kept = history
        debugger.files = files
        return debugger

    return make


class Echo:
    """A console listener: bytes go to a stream at once, those of a past that is run through again only once."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.shown = -1

    def __call__(self, data: bytes, position: int) -> None:
        if position > self.shown:
            self.shown = position
            self.stream.write(data)
            self.stream.flush()


def connecting(machine: MachineDescription, address: Address | None) -> list[str]:
    """gdb's commands for a guest, in their order; without an address, a placeholder stands for it.

    gdb learns the byte order from an ELF file or not at all, and takes a target without one for little-endian. gdb 13
    does not know powerpc:e500mc as a setting, but takes it from the target, so there only the byte order is set.
    """
    commands = ["set endian big"]
    if machine.cpu == "e500v2":
        commands.append("set architecture powerpc:e500")
    return [*commands, f"target extended-remote {address if address is not None else DEFAULT}"]
