"""The report as text and as data, and the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ppcdbg.bench.report import data, lines
from ppcdbg.bench.results import Ask, Better, Figure, Report, RowResult, Surroundings
from ppcdbg.cli.main import main

ROW = RowResult(
    "loop-x",
    "hot loop x",
    "M insns/s",
    Better.HIGHER,
    (
        Figure("llvm", (1500.0, 1600.0, 1700.0)),
        Figure("qemu", (1000.0, 800.0, 1000.0), peer=True),
        Figure("reference", (None, None, None), note="there is none"),
    ),
    (Ask("llvm", 1.5, "qemu"), Ask("llvm", 2000.0), Ask("reference", 1.0)),
)
REPORT = Report(Surroundings("Linux x", 2, "3.11", "0.50", "7.2"), 3, (ROW,))


def test_figures_stand_with_their_ratios_and_what_was_asked() -> None:
    text = lines(REPORT)
    assert text[3:8] == [
        "loop-x: hot loop x",
        "  llvm         1,500 / 1,600 / 1,700 M insns/s",
        "  qemu         800 / 1,000 / 1,000 M insns/s",
        "  reference    not run: there is none",
        "  llvm / qemu  1.50 / 1.70 / 2.00 times",
    ]
    assert [" ".join(line.split()) for line in text[-4:]] == [
        "row asked reached",
        "loop-x llvm at least 1.5 times qemu 1.50 / 1.70 / 2.00 met",
        "loop-x llvm at least 2,000 M insns/s 1,500 / 1,600 / 1,700 missed",
        "loop-x reference at least 1.00 M insns/s not measured",
    ]


def test_data_has_every_sample() -> None:
    row = json.loads(json.dumps(data(REPORT)))["rows"][0]
    assert row["figures"][0]["samples"] == [1500.0, 1600.0, 1700.0]
    assert row["figures"][2] == {
        "name": "reference", "peer": False, "samples": [None] * 3, "spread": None, "note": "there is none",
    }  # fmt: skip
    assert row["ratios"] == [{"figure": "llvm", "peer": "qemu", "spread": {"min": 1.5, "median": 1.7, "max": 2.0}}]
    assert [asked["met"] for asked in row["asked"]] == [True, False, None]


def test_the_command_measures_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "report.json"
    assert main(["bench", "--rows", "snap*", "--runs", "1", "--json", str(out)]) == 0
    captured = capsys.readouterr()
    assert "snapshot: snapshot and restore" in captured.out
    assert "bench: snapshot: save, run 1" in captured.err
    report = json.loads(out.read_text())
    assert report["schema"] == "ppcdbg-bench" and [row["name"] for row in report["rows"]] == ["snapshot"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--rows", "nothing"], "no row is called nothing; the rows are loop-a, "),
        (["--runs", "0"], "--runs is 0"),
        (["--instructions", "many"], "--instructions is 'many'"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", *arguments]) == 2
    assert complaint in capsys.readouterr().err
