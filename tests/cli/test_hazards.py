"""Rewriting by the hypervisor from the command line: the table, a recording that replays, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("policy", ["inject", "both"])
def test_a_recording_of_failures_replays_with_what_the_log_held_back(cli: Cli, tmp_path: Path, policy: str) -> None:
    """With both, each failure goes to userspace: what it was told once stood in the row that the recorder sent off."""
    file = str(tmp_path / "failing.ppcdbg")
    recorded = cli("record", "failing", "--cpu", "e500mc", "--on-emulation-failure", policy, "-o", file)
    assert recorded.status == 0, recorded.err
    for engine in ("reference", "llvm"):
        assert cli("replay", file, "--verify", "--engine", engine).status == 0
    shown = cli("repl", file, "-n", "-c", "continue", "-c", "info host-log")
    assert "emulation_exit: 12 of 32 events held back, 2 of them since its last line" in shown.out


@pytest.mark.parametrize("how", ["lwepx", "lwepx-marker", "lwepx-fixup"])
def test_a_recording_of_a_host_that_cannot_read_an_instruction_replays(cli: Cli, tmp_path: Path, how: str) -> None:
    file = str(tmp_path / "fetch.ppcdbg")
    recorded = cli("record", "execute-only", "--instruction-fetch", how, "-o", file)
    assert recorded.status == 4, recorded.err
    for engine in ("reference", "llvm"):
        verified = cli("replay", file, "--verify", "--engine", engine)
        assert verified.status == 0, verified.err


def test_the_tables_of_policies_are_printed_by_one_command(cli: Cli) -> None:
    rows = json.loads(cli("info", "failure-policies", "--cpu", "e500mc", "--json").out)["rows"]
    assert [(r["policy"], r["tries"], r["end"]) for r in rows] == [
        ("exit", "1/32", "gave up"), ("exit", "1/32", "no progress"), ("inject", "32/32", "reset"),
        ("both", "1/32", "gave up"), ("both", "32/32", "reset"),
    ]  # fmt: skip
    fetch = cli("info", "fetch-hazard").out.splitlines()
    assert len(fetch) == 8 and max(map(len, fetch)) <= 140
