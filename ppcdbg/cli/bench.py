"""Measure how fast ppcdbg is here, alone or beside QEMU.

The rows, by name:
loop-a, loop-b, loop-c  hot code: SHA-256 and CRC; sieve, sort and copy; stack machine, state machine and list
linux-*-bare, -kvm      Linux to its reboot, whole process; needs guests outside the package (PPCDBG_SHARED, --guests)
record                  the same recorded into a session file, beside `ppcdbg run`
demo, import            cold start of `ppcdbg run demo`, and what of it is imports
step                    in-process single steps, the state visible to Python after each
exits-demo, -linux      exits a second by kind, each recorded in full
gdb-step, -g, -m-*      the gdb port: steps, registers, 2 KiB and 4 bytes of memory, by one client in Python
back-step, -continue,   the way back over the gdb port, 100 million instructions into a loop; QEMU from its own
  -far, seek            recording of the same guest (-icount shift=0,rr=record), in which it goes back by replaying
snapshot                the whole machine copied out and back
ui-paint, ui-key,       the UI on a pseudo-terminal, bytes in and bytes out: first paint; key to paint and screens a
  -frames, -filter,     second while the guest runs at full speed; a million exits filtered, and scrolled
  -scroll
race                    interrupts at boundaries of critical sections, each followed to its verdict

How it is measured. Everything is wall time on this host. In each of the runs all figures of a row are taken one after
the other, ours and QEMU's in turn, and a ratio is taken within a run: what slows the host slows both. The median
decides. The speed of hot code is the slope between two lengths of one program, so start-up and what was compiled
early drop out on both sides; its instructions are counted by ppcdbg, exactly, and both must print the same checksum.
Rows of whole processes include everything, after one unmeasured run that fills the caches. QEMU runs as it comes, and
with -icount shift=0, its mode that counts instructions as ppcdbg always does. Where a ratio is of speeds, more is
better; where it is of seconds, less.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from ppcdbg.errors import InputError, UsageError
from ppcdbg.scratch import scratch


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of ``bench``."""
    add = parser.add_argument
    add("groups", metavar="ROW", nargs="*", help="only these rows; ui means all that begin with ui- (default: all)")
    add("--rows", metavar="NAME,...", default="", help="the same, and * matches anything")
    add("--runs", metavar="N", type=int, default=5, help="how often each figure is taken (default 5)")
    add("--peer", action="store_true", help="run QEMU beside each row, in turn, and print ratios")
    add("--instructions", metavar="N", help="length of the hot loops (default 2G; k, M, G are decimal)")
    add("--timeout", metavar="SECONDS", type=float, default=300.0, help="for one process (default 300)")
    add(
        "--guests",
        metavar="FOLDER",
        help="where linux-*/ are (default: guests/ in $PPCDBG_SHARED, or in shared/ beside the checkout)",
    )
    add("--json", metavar="FILE", help="write the report as data; - is stdout, in place of the text")
    add("-q", "--quiet", action="store_true", help="do not say on stderr what is being measured")


def run(options: argparse.Namespace) -> int:
    """Measure and print."""
    from ppcdbg.bench.loops import Lengths
    from ppcdbg.bench.report import data, lines
    from ppcdbg.bench.results import Report
    from ppcdbg.bench.row import measure
    from ppcdbg.bench.rows import Settings, catalogue, chosen, linux_folder
    from ppcdbg.bench.surroundings import surroundings
    from ppcdbg.machine.description import parse_count

    if options.runs < 1:
        raise UsageError(f"option --runs is {options.runs}; it must be at least 1")
    lengths = Lengths()
    if options.instructions:
        span = parse_count(options.instructions, ("option --instructions", UsageError))
        lengths = Lengths(lead=max(1, span // 8), span=span, reference_span=min(span, lengths.reference_span))
    with scratch("bench") as folder:
        settings = Settings(folder, linux_folder(options.guests, os.environ), options.timeout, lengths)
        rows = chosen(catalogue(settings), [*options.groups, *filter(None, options.rows.split(","))])
        results = measure(rows, options.runs, options.peer, _silent if options.quiet else _progress)
    report = Report(surroundings(options.peer), options.runs, results)
    if options.json:
        _write(json.dumps(data(report), indent=2) + "\n", options.json)
    if options.json != "-":
        print("\n".join(lines(report)))
    return 0


def _progress(sentence: str) -> None:
    print(f"bench: {sentence}", file=sys.stderr, flush=True)


def _silent(sentence: str) -> None:
    """Say nothing."""


def _write(text: str, name: str) -> None:
    if name == "-":
        sys.stdout.write(text)
        return
    try:
        Path(name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {name}: {error.strerror or error}") from None
