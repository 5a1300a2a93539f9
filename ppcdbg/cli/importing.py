"""Read ftrace text of a real host into a session file: the events of the trace systems kvm and kvm_booke.

FILE is what /sys/kernel/tracing/trace or `trace-cmd report` printed; - is stdin. The session has no machine: its exits,
their statistics, filters and exports are those of any other (`ppcdbg repl OUT`, `ppcdbg OUT`, `ppcdbg session info|sql|
export OUT`), and nothing of it runs. Lines that are no events are counted and named; events of other subsystems are
counted by name.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ppcdbg.errors import InputError
from ppcdbg.session.magic import SUFFIX

SHOWN = 5
"""Odd lines that are shown here; `session info` has more."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of ``import``."""
    parser.add_argument("file", metavar="FILE", help="ftrace's text; - is stdin")
    parser.add_argument("-o", "--output", metavar="OUT", help=f"the session file (default: FILE{SUFFIX})")
    parser.add_argument("--json", action="store_true", help="say what was read as data")


def run(options: argparse.Namespace) -> int:
    """Read, write, and say what there was."""
    from ppcdbg.session.importing import import_trace

    stdin = options.file == "-"
    name = "stdin" if stdin else Path(options.file).name
    path = Path(options.output or (f"trace{SUFFIX}" if stdin else f"{options.file}{SUFFIX}"))
    try:
        if stdin:
            facts = import_trace(sys.stdin, name, path)
        else:
            with Path(options.file).open(encoding="utf-8", errors="replace") as source:
                facts = import_trace(source, name, path)
    except OSError as error:
        raise InputError(f"cannot read the trace {options.file}: {error.strerror or error}") from None
    if options.json:
        print(json.dumps({"session": str(path), **facts}, indent=2))
    else:
        _say(path, facts)
    return 0


def _say(path: Path, facts: dict[str, object]) -> None:
    print(f"{path}: {facts['events']:,} events, {facts['exits']:,} exits, from {facts['lines']:,} lines")
    others, odd = dict(facts["others"]), list(facts["odd"])  # type: ignore[call-overload]
    if facts["lost"]:
        print(f"  {facts['lost']:,} events were lost when it was taken")
    if others:
        shown = ", ".join(f"{name} {count:,}" for name, count in [*others.items()][:SHOWN])
        print(f"  not of KVM: {shown}{', ...' if len(others) > SHOWN else ''}")
    if facts["malformed"]:
        print(f"  {facts['malformed']:,} lines are no events:")
        for number, text in odd[:SHOWN]:
            print(f"    line {number}: {text}")
        if int(str(facts["malformed"])) > SHOWN:
            print(f"    and {int(str(facts['malformed'])) - SHOWN:,} more; see `ppcdbg session info {path}`")
