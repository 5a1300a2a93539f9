"""``ppcdbg race --world-switch`` and ``ppcdbg info world-switch``: what is printed, statuses, data."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Cli


def test_a_variant_prints_its_table_its_map_and_lines_that_replay(cli: Cli) -> None:
    done = cli("race", "--world-switch", "--variant", "dmiuh-last", "--sources", "data-miss")
    assert done.status == 1
    assert "dmiuh-last  M 6/121" in done.out and "M M M M M M" in done.out
    line = "dmiuh-last:data-miss@entry.12"
    assert f"--replay {line}" in done.out
    again = cli("race", "--world-switch", "--replay", line)
    assert again.status == 1 and "guest-mas: the guest goes on and MAS0 is" in again.out
    assert "DTLB_MISS taken from the host" in again.out
    assert max(map(len, done.out.splitlines())) <= 160


def test_a_clean_variant_is_status_0_and_its_data_say_so(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "switch.json"
    done = cli("race", "--world-switch", "--variant", "dmiuh-first", "--sources", "data-miss", "--json", file)
    assert done.status == 0 and "all clean" in done.out
    report = json.loads(file.read_text())
    assert report["schema"] == "ppcdbg-world-switch" and report["schema_version"] == 2
    (one,) = report["variants"]
    assert one["failures"] == [] and one["alone"]["word"] == "clean"
    assert set(one["verdicts"]["data-miss"]) == {".", " "} and len(one["verdicts"]["data-miss"]) == len(one["steps"])


def test_html(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "found.html"
    done = cli("race", "--world-switch", "--variant", "dmiuh-last", "--sources", "data-miss", "--html", file)
    page = file.read_text()
    line = next(line.split()[-1] for line in done.out.splitlines() if "--replay" in line)
    assert done.status == 1 and f">{line}</td>" in page and "<script" not in page
    assert "ppcdbg race --world-switch --variant dmiuh-last --sources data-miss --replay LINE" in page
    for engine in ("reference", "llvm"):
        again = cli("race", "--world-switch", "--engine", engine, "--replay", line)
        assert again.status == 1, again.err


def test_a_run_as_data(cli: Cli) -> None:
    done = cli("race", "--world-switch", "--replay", "ivpr:critical@entry.42", "--json", "-")
    told = json.loads(done.out)
    assert done.status == 1 and told["verdict"]["condition"] == "right-handler"
    assert told["found"]["end"] == "misrouted"


def test_lists_and_what_is_refused(cli: Cli) -> None:
    assert "dmiuh-last" in cli("race", "--world-switch", "--variant", "list").out
    assert "data-miss" in cli("race", "--world-switch", "--sources", "list").out
    assert "hypercall" in cli("race", "--world-switch", "--exit", "list").out
    for arguments, part in (
        (("window",), "takes no guest"), (("--variant", "linus"), "no variant 'linus'"),
        (("--sources", "thunder"), "no event 'thunder'"), (("--exit", "door"), "no way out"),
        (("--jobs", "0"), "at least 1"), (("--replay", "external@96"), "EVENT@STEP"),
    ):  # fmt: skip
        done = cli("race", "--world-switch", *arguments)
        assert done.status == 2 and part in done.err, done.err


def test_info_lists_the_steps_with_what_they_change(cli: Cli) -> None:
    rows = json.loads(cli("info", "world-switch", "--json").out)["rows"]
    by_step = {row["step"]: row for row in rows}
    dmiuh = next(row for row in rows if row["instruction"] == "mtspr EPCR, r3" and row["group"] == "dmiuh")
    assert dmiuh["changes"] == "EPCR 0x14800000 -> 0x14c00000"
    assert by_step["entry.0"]["address"].startswith("0xc000")
    assert [row["group"] for row in rows if row["instruction"].startswith("rfi")] == ["rfi"]
