"""What a search over interleavings found, as data for JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ppcdbg.explore.interleaving import Interleaving, text
from ppcdbg.explore.interleavings import Report
from ppcdbg.explore.tale import Tale
from ppcdbg.explore.together import Broken

SCHEMA = "ppcdbg-race-vcpus"
SCHEMA_VERSION = 1


def data(found: Report) -> dict[str, Any]:
    """A report."""
    plain = asdict(found)
    plain["failures"] = [
        {"line": f.line, "switches": len(f.switches), "position": f.position, **asdict(f.broken)}
        for f in found.failures
    ]
    return {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, **plain}


def tale_data(switches: Interleaving, broken: Broken | None, tale: Tale) -> dict[str, Any]:
    """One interleaving, each instruction of it."""
    return {
        "schema": SCHEMA, "schema_version": SCHEMA_VERSION, "line": text(switches),
        "broken": None if broken is None else asdict(broken),
        "instructions": [asdict(row) for row in tale.rows], "messages": [asdict(letter) for letter in tale.letters],
    }  # fmt: skip
