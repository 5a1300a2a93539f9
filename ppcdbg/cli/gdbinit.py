"""Print the settings that gdb needs for a guest, to be sourced or put into a .gdbinit.

    ppcdbg gdbinit vmlinux > guest.gdb
    gdb-multiarch -x guest.gdb

The last line connects to `ppcdbg serve` at its default address; --gdb names another.
"""

from __future__ import annotations

import argparse

from ppcdbg.cli.guests import add_options, description
from ppcdbg.cli.serve import DEFAULT


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of ``gdbinit``."""
    add_options(parser)
    parser.add_argument("--gdb", metavar="ADDRESS", default=DEFAULT, help=f"where it serves (default {DEFAULT})")


def run(options: argparse.Namespace) -> int:
    """The settings on stdout."""
    from ppcdbg.cli.gdb import settings
    from ppcdbg.gdbstub.server import parse_address

    print("\n".join(settings(description(options), parse_address(options.gdb))))
    return 0
