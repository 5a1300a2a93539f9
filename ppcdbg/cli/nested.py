"""Audit an exit from a nested guest (L2) to its hypervisor (L1) under VMX: every field of vmcs12 against its rule.

FILE is a snapshot in JSON (the keys: vmcs12, vmcs02, vmcs12_after, ...; `--example right` prints one), or the texts
that the kernel prints when it dumps a VMCS: L0's of vmcs02 and L1's of vmcs12, and first, if there is one, L1's of
vmcs12 before L2 ran.

  ppcdbg nested exit.json
  ppcdbg nested l0.log l1.log --ept on
  ppcdbg nested --rules
  ppcdbg nested --example cr0-copied > wrong.json

The status is 1 where a field is wrong.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ppcdbg.errors import UsageError

if TYPE_CHECKING:
    from ppcdbg.nested.audit import Audit

SCHEMA, SCHEMA_VERSION = "ppcdbg-nested", 1


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of ``nested``."""
    add = parser.add_argument
    add("files", metavar="FILE", nargs="*", help="one snapshot, or two or three dumps")
    add("--all", action="store_true", help="show the fields that are right too")
    add("--host-handled", action="store_true", help="dumps: the exit was L0's to handle (a snapshot says it itself)")
    add("--ept", choices=("on", "off"), help="dumps: whether L0 pages L2 by EPT")
    add("--json", metavar="FILE", help="write the findings as data; - is stdout, in place of the text")
    add("--rules", action="store_true", help="print the rules and no audit")
    add("--example", metavar="NAME", help="print a snapshot: right, host-handled, or one with a mistake; list: names")
    add("--seed", type=int, default=0, metavar="N", help="another example of the same kind")


def run(options: argparse.Namespace) -> int:
    """Judge, print, return 0 or 1."""
    from ppcdbg.cli.run import write_json
    from ppcdbg.cli.status import WORDS, Status
    from ppcdbg.nested.audit import audit
    from ppcdbg.nested.read import read_exit
    from ppcdbg.views.nested import lines
    from ppcdbg.views.spans import to_text

    if options.rules:
        return _rules()
    if options.example:
        return _example(options.example, options.seed)
    if not options.files:
        raise UsageError(
            "nested needs a file: a snapshot, or dumps of a VMCS; `ppcdbg nested --example right` prints one"
        )
    ept = None if options.ept is None else options.ept == "on"
    handled = "l0" if options.host_handled else "l1"
    found = audit(read_exit(tuple(map(Path, options.files)), handled_by=handled, ept=ept))
    status = Status.FINDING if found.wrong else Status.OK
    if options.json:
        write_json({"schema": SCHEMA, "schema_version": SCHEMA_VERSION, "status": WORDS[status], **_data(found)},
                   options.json)  # fmt: skip
    if options.json != "-":
        width = max(shutil.get_terminal_size().columns, 60)
        print(to_text(lines(found, width, options.all)))
    return status


def _data(found: Audit) -> dict[str, Any]:
    rows = [
        {"field": each.field, "rule": each.rule.id, "title": each.rule.title, "reason": each.rule.reason,
         "source": each.rule.source, "expected": [f"{value:#x}" for value in each.expected], "mask": f"{each.mask:#x}",
         "found": None if each.found is None else f"{each.found:#x}", "verdict": each.verdict.value, "how": each.how,
         "note": each.note}
        for each in found.findings
    ]  # fmt: skip
    return {"handled_by": found.handled_by, "wrong": len(found.wrong), "findings": rows}


def _rules() -> int:
    from ppcdbg.nested.rules import every

    for rule in every():
        print(f"{rule.id:<4}{rule.title}\n    {rule.reason} ({rule.source})")
    return 0


def _example(name: str, seed: int) -> int:
    from ppcdbg.nested import examples
    from ppcdbg.nested.snapshot import as_json

    mistakes = {mistake.name: mistake for mistake in examples.MISTAKES}
    if name == "list":
        print("right\nhost-handled")
        for mistake in mistakes.values():
            print(f"{mistake.name:<28}breaks {mistake.rule}")
        return 0
    if name == "right":
        found = examples.right(seed)
    elif name == "host-handled":
        found = examples.host_handled(seed)
    elif name in mistakes:
        found = mistakes[name].make(seed)
    else:
        raise UsageError(
            f"there is no example {name!r}; it must be right, host-handled, or one of {', '.join(mistakes)}"
        )
    print(json.dumps(as_json(found), indent=1))
    return 0
