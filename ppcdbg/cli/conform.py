"""Run the guests of an oracle on the model, and compare their events with those that the real KVM printed for them.

DIR holds guests/G.bin, what to run (and G.elf, where names of addresses are wanted), and traces/G-BACKING.core and
.info, what Linux 6.1 printed. Events, the guest's log and results, its TLB and the kernel's counters must agree; lines
that another run of the real KVM may print otherwise are left out and counted, each with its reason.

  ppcdbg conform ../shared/oracle                  every guest on every backing
  ppcdbg conform ../shared/oracle b --backing huge one of them
  ppcdbg conform ../shared/oracle b --events       our events, in the form of the .core files

The status is 5 where something differs.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ppcdbg.errors import UsageError
from ppcdbg.machine.description import CHOICES

if TYPE_CHECKING:
    from ppcdbg.conform.conform import Comparison
    from ppcdbg.conform.oracle import Oracle
    from ppcdbg.conform.report import NameOf
    from ppcdbg.kvm.quirks import Quirks

AROUND = 4
"""Lines of context, unless --context says other."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of ``conform``."""
    add = parser.add_argument
    add("folder", metavar="DIR", help="the oracle: a folder with guests/ and traces/")
    add("guests", metavar="GUEST", nargs="*", help="these guests only")
    add("--backing", choices=CHOICES["backing"], action="append", default=[], help="this host memory only")
    add("--context", metavar="N", type=int, default=AROUND, help=f"lines around a difference (default {AROUND})")
    add("--events", action="store_true", help="print our events and compare nothing")
    add("--quirk", metavar="NAME=on|off", action="append", help="with one oddity of Linux 6.1 switched")
    add("--engine", choices=("auto", "reference", "llvm", "lockstep"), default="auto", help="what runs the guests")
    add("--json", metavar="FILE", help="write the comparisons as data; - is stdout, in place of the text")


def run(options: argparse.Namespace) -> int:
    """Compare, print, and return the status."""
    from ppcdbg.cli.run import write_json
    from ppcdbg.cli.status import WORDS, Status
    from ppcdbg.conform.conform import conform
    from ppcdbg.conform.oracle import open_oracle
    from ppcdbg.conform.report import SCHEMA, SCHEMA_VERSION, data

    if options.context < 1:
        raise UsageError(f"option --context is {options.context}; it must be a count of lines, at least 1")
    oracle = open_oracle(Path(options.folder), options.guests, options.backing)
    quirks = _quirks(options.quirk)
    found, differ = [], 0
    for guest, backing in oracle.traces:
        each = conform(oracle, guest, backing, engine=options.engine, quirks=quirks)
        names = _names(oracle, guest)
        differ += not each.agrees
        found.append(data(each, options.context, names))
        if options.json != "-":
            _print(each, options, names)
    status = Status.DIVERGENCE if differ and not options.events else Status.OK
    if options.json:
        head = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, "status": WORDS[status]}
        write_json({**head, "comparisons": found}, options.json)
    if options.json != "-" and not options.events:
        runs = f"{len(found)} run{'s' if len(found) > 1 else ''}"
        print(f"{differ} of {runs} differ" if differ else f"{runs}, no difference")
    return status


def _print(found: Comparison, options: argparse.Namespace, names: NameOf) -> None:
    from ppcdbg.views.conform import lines

    shown = (event.text for event in found.run.events) if options.events else lines(found, options.context, names)
    for line in shown:
        print(line)
    sys.stdout.flush()


def _quirks(given: list[str] | None) -> Quirks:
    from ppcdbg.cli.guests import quirks
    from ppcdbg.kvm.assemble import quirks_with

    return quirks_with(quirks(given or []))


def _names(oracle: Oracle, guest: str) -> NameOf:
    """The names of a guest's addresses, where its ELF file lies beside its image."""
    from ppcdbg.debugger.symbols import SymbolTable, read_symbols

    path = oracle.folder / "guests" / f"{guest}.elf"
    return (read_symbols(path) if path.exists() else SymbolTable()).name
