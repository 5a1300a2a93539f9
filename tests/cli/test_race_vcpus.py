"""``ppcdbg race --vcpus``: two cores in one guest; what is printed, statuses, lines that replay."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.conftest import Cli


def test_the_report_shows_the_failure_in_two_columns_and_its_line_replays(cli: Cli) -> None:
    done = cli("race", "brokenlock", "--vcpus", "2")
    assert done.status == 1
    assert "2 vCPUs: all interleavings" in done.out
    assert "rules: never two in exclusive..exclusive_end; counter is 4 in the end; every vCPU comes to done" in done.out
    lines = [line.split()[0] for line in done.out.splitlines() if " exclusive: both are in the section" in line]
    assert lines
    table = done.out.splitlines()[5 + len(lines) : -2]
    assert max(map(len, table)) <= 80
    again = cli("race", "brokenlock", "--vcpus", "2", "--replay", lines[0])
    assert again.status == 1 and again.out.splitlines()[-1].startswith("the rule: never are two")
    assert again.out.splitlines()[:-2] == table
    assert table[0].index("vCPU 1") - table[0].index("vCPU 0") == 36


def test_a_clean_guest_ends_well(cli: Cli) -> None:
    done = cli("race", "spinlock", "--vcpus", "2")
    assert (done.status, done.out.splitlines()[-1]) == (0, "all rules hold")
    one = cli("race", "spinlock", "--vcpus", "2", "--replay", "0@0")
    assert (one.status, one.out.splitlines()[-1]) == (0, "all rules hold")


def test_rules_by_option(cli: Cli) -> None:
    final = cli("race", "spinlock", "--vcpus", "2", "--final", "counter=5")
    assert final.status == 1 and "final: counter is 4 in the end, not 5" in final.out
    both = cli("race", "atomic", "--vcpus", "2", "--exclusive", "main..done")
    assert both.status == 1 and "exclusive: both are in the section" in both.out


def test_json(cli: Cli, tmp_path: Path) -> None:
    cli("race", "lostdoorbell", "--vcpus", "2", "--json", str(tmp_path / "found.json"))
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["schema"] == "ppcdbg-race-vcpus" and found["complete"]
    line = found["failures"][0]["line"]
    one = cli("race", "lostdoorbell", "--vcpus", "2", "--replay", line, "--json", "-")
    told = json.loads(one.out)
    assert told["line"] == line and told["broken"]["condition"] == "doorbell"
    assert [m["fate"] for m in told["messages"]] == ["cleared"]
    assert {row["vcpu"] for row in told["instructions"]} == {0, 1}


def test_html(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "found.html"
    done = cli("race", "lostdoorbell", "--vcpus", "2", "--engine", "llvm", "--html", file)
    page = file.read_text()
    ElementTree.fromstring(page.replace("<!doctype html>", "").replace('<meta charset="utf-8">', "").replace(
        page[page.index('<meta http') : page.index("<style>")], ""
    ))  # fmt: skip
    line = next(line.split()[0] for line in done.out.splitlines() if " doorbell: " in line)
    assert done.status == 1 and f">{line}<" in page and "msgclr threw it away" in page and "vCPU 1" in page
    assert "ppcdbg race lostdoorbell --vcpus 2 --engine llvm --replay LINE" in page and "<script" not in page
    again = cli("race", "lostdoorbell", "--vcpus", "2", "--engine", "llvm", "--replay", line)
    assert again.status == 1 and "msgclr threw it away" in again.out


def test_what_was_not_decided_is_not_called_right(cli: Cli) -> None:
    """The demo guest never lets a second core go, and its console takes longer than that."""
    done = cli("race", "demo", "--vcpus", "2", "--steps", "500")
    assert done.status == 6 and "all rules hold" not in done.out
    assert "no rule was broken in what was tried" in done.out and "vCPU 1 never ran" in done.out
    few = cli("race", "spinlock", "--vcpus", "2", "--states", "50")
    assert few.status == 6 and "stopped after 50 states" in few.out


@pytest.mark.parametrize(("given", "says"), [
    (("spinlock", "--vcpus", "9"), "it must be from 2 to 4"),
    (("spinlock", "--vcpus", "2", "--remedies"), "option --remedies makes sense without --vcpus only"),
    (("spinlock", "--vcpus", "2", "--from", "main"), "option --from makes sense without --vcpus only"),
    (("window", "--switches", "2"), "option --switches makes sense with --vcpus only"),
    (("idlebell", "--vcpus", "2", "--cpu", "e500mc", "--hv", "kvm", "--replay", "5@1"), "there are 2, from 0 on"),
    (("spinlock", "--vcpus", "2", "--replay", "1@"), "is no switch of an interleaving"),
    (("spinlock", "--vcpus", "2", "--final", "nobody=1"), "SYMBOL=NUMBER"),
    (("spinlock", "--vcpus", "2", "--exclusive", "main"), "it must be A..B"),
    (("spinlock", "--vcpus", "2", "--switches", "-1"), "at least 0"),
])  # fmt: skip
def test_what_cannot_be(cli: Cli, given: tuple[str, ...], says: str) -> None:
    done = cli("race", *given)
    assert done.status == 2 and says in done.err
