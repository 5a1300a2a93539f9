"""Rewriting by the hypervisor from the command line: the table, a recording that replays, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Cli


def test_the_table_names_the_read(cli: Cli) -> None:
    done = cli("info", "patch-hazards", "--json")
    rows = json.loads(done.out)["rows"]
    assert [(r["works"], r["rewritten by"]) for r in rows] == [
        ("yes", "nobody"), ("NO", "hypervisor"), ("yes", "guest")
    ] * 4  # fmt: skip
    constant = next(r for r in rows if r["guest"] == "hazard-constant" and r["reads"])
    assert (constant["its own"], constant["seen"], constant["address"]) == ("7c6000a6", "8060f05c", "001000a8")
    text = cli("info", "patch-hazards").out.splitlines()
    assert len(text) == 13 and max(map(len, text)) <= 140


def test_a_recording_of_a_rewritten_guest_replays(cli: Cli, tmp_path: Path) -> None:
    file = str(tmp_path / "rewritten.ppcdbg")
    recorded = cli("record", "hazard-jit", "--patch-by", "hypervisor", "-o", file)
    assert recorded.status == 0 and "8060f05c is read: FAILED" in recorded.out
    verified = cli("replay", file, "--verify")
    assert verified.status == 0, verified.err


def test_where_there_is_nothing_to_rewrite(cli: Cli) -> None:
    for more in (("--cpu", "e500mc"), ("--hv", "none")):
        done = cli("run", "hazard-jit", "--patch-by", "hypervisor", *more)
        assert done.status == 2 and "--patch-by hypervisor" in done.err
