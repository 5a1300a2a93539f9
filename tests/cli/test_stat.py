"""``ppcdbg stat``: kvm_stat's flags, on the demo guest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ppcdbg.cli.main import main


def shown(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> str:
    assert main(["stat", "demo", *words]) == status
    return capsys.readouterr().out


def test_once_is_what_run_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "run.json"
    assert main(["run", "demo", "-q", "--json", str(path)]) == 0
    capsys.readouterr()
    told = json.loads(path.read_text())["exits"]
    rows = {
        name: int(total) for name, total, _ in (line.split() for line in shown(capsys, "-1", "-t", "-z").splitlines())
    }
    assert rows == {f"kvm_exit({name})": count for name, count in told.items()}


def test_samples_add_up_and_are_the_same_again(capsys: pytest.CaptureFixture[str]) -> None:
    first = shown(capsys, "-c", "--every", "5k", "-t")
    assert first == shown(capsys, "-c", "--every", "5k", "-t")
    header, *rows = [line.split(",") for line in first.splitlines()]
    assert header[0] == "position" and [int(row[0]) for row in rows[:-1]] == [*range(5_000, 36_000, 5_000)]
    sums = {name: sum(int(row[i]) for row in rows) for i, name in enumerate(header) if i}
    once = shown(capsys, "-1", "-t").splitlines()
    assert {line.split()[0]: int(line.split()[1]) for line in once} == sums


def test_a_log_repeats_its_heading_and_leaves_out_quiet_samples(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, "-l", "--every", "1k", "-f", "mmio_exits").splitlines()
    assert sum("mmio_exits" in line for line in lines) == 2, "one for each twenty of 37 rows"
    quiet = shown(capsys, "-l", "-z", "--every", "1k", "-f", "mmio_exits").splitlines()
    assert all(int(line.split()[1]) for line in quiet if "mmio" not in line) and len(quiet) < len(lines)


def test_the_table_is_sorted_and_fits(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    head, _, columns, *rows = shown(capsys).splitlines()
    assert head == "kvm statistics - 36,493 instructions, 560,767 ticks"
    assert columns.split()[:3] == ["Event", "Total", "%Total"]
    totals = [int(row.split()[1].replace(",", "")) for row in rows]
    assert totals == sorted(totals, reverse=True) and rows[0].split()[0] == "kvm_exit(DTLB_MISS)"
    assert all(len(row) <= 80 and "…" not in row for row in rows)


def test_data_and_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(shown(capsys, "--json", "-", "--every", "20k", "-d", "-f", "emul"))
    assert [s["position"] for s in data["samples"]] == [20_000, 36_493]
    assert data["samples"][-1]["counts"]["emulated_inst_exits"]["total"] == 1_032
    path = tmp_path / "log.csv"
    assert shown(capsys, "-c", "-L", str(path), "--every", "20k") == ""
    assert len(path.read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--hv", "none"], "under --hv none there is none"),
        (["-f", "nothing"], "no field matches"),
        (["-f", "("], "are no regular expression"),
        (["-s", "0"], "between 0.1 and 3600"),
        (["--every", "x"], "option --every"),
        (["-L", "x"], "needs -l or -c"),
    ],
)
def test_what_is_wrong_is_said(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stat", "demo", *words]) == 2
    assert said in capsys.readouterr().err


def test_a_limit_is_a_status_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert "position" in shown(capsys, "-c", "--max-insns", "12k", "--every", "5k", status=6)
    assert "kvm_exit(DTLB_MISS)" in shown(capsys, "-f", "help")


def test_exit_timing_as_the_kernel_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    head, *lines = shown(capsys, "--timing").splitlines()
    assert head == "type\tcount\tmin\tmax\tsum\tsum_squared" and len(lines) == 30
    assert all([len(cell) for cell in line.split("\t")] == [12, 10, 10, 10, 20, 20] for line in lines)
