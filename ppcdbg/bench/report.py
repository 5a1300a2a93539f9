"""A report as lines for people and as one JSON object. No measuring and no printing here."""

from __future__ import annotations

from typing import Any

from ppcdbg import __version__
from ppcdbg.bench.results import Better, Figure, Report, RowResult, Spread, Verdict, ratio

SCHEMA = "ppcdbg-bench"
SCHEMA_VERSION = 1

Table = list[tuple[str, ...]]


def lines(report: Report) -> list[str]:
    """The whole report as text: a block a row, then the asked figures beside the reached ones."""
    around = report.surroundings
    out = [
        f"ppcdbg {__version__}, Python {around.python}, llvmlite {around.llvmlite or 'missing'},"
        f" QEMU {around.qemu or 'not asked for'}; {around.system}, {around.processors} processors",
        f"min / median / max of {report.runs} runs; a ratio is taken within each run",
    ]
    for row in report.rows:
        out += ["", *row_lines(row)]
    table = [asked(row, verdict) for row in report.rows for verdict in row.verdicts]
    if table:
        out += ["", "asked and reached", *aligned([("row", "asked", "reached", ""), *table])]
    return out


def row_lines(row: RowResult) -> list[str]:
    """One row: its figures, and each of ours against each peer's."""
    table: Table = []
    for figure in row.figures:
        spread = figure.spread
        table.append((figure.name, f"{numbers(spread)} {row.unit}" if spread else f"not run: {figure.note}"))
    for figure, peer, spread in ratios(row):
        table.append((f"{figure.name} / {peer.name}", f"{numbers(spread)} times"))
    out = [f"{row.name}: {row.title}"]
    if row.note:
        out.append(f"  {row.note}")
    return out + aligned(table)


def ratios(row: RowResult) -> list[tuple[Figure, Figure, Spread]]:
    """Our figures against the peers', in the row's own unit."""
    return [
        (figure, peer, spread)
        for figure in row.figures
        for peer in row.figures
        if not figure.peer and peer.peer and (spread := ratio(figure, peer)) is not None
    ]


def asked(row: RowResult, verdict: Verdict) -> tuple[str, str, str, str]:
    """One line of the table of asked figures."""
    ask = verdict.ask
    word = "at least" if row.better is Better.HIGHER else "at most"
    if ask.peer:
        bound = f"{ask.figure} {word} {ask.bound:g} times {ask.peer}"
    else:
        bound = f"{ask.figure} {word} {number(ask.bound)} {row.unit}"
    if verdict.reached is None:
        return row.name, bound, "not measured", ""
    return row.name, bound, numbers(verdict.reached), "met" if verdict.met else "missed"


def numbers(spread: Spread) -> str:
    """Three figures."""
    return " / ".join(number(value) for value in (spread.minimum, spread.median, spread.maximum))


def number(value: float) -> str:
    """Three significant digits, thousands apart."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value >= 1 else f"{value:#.3g}"


def aligned(table: Table) -> list[str]:
    """Columns side by side, indented."""
    if not table:
        return []
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
    return ["  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in table]


def data(report: Report) -> dict[str, Any]:
    """The report as an object for JSON: all samples, so that nobody has to trust the spreads."""
    around = report.surroundings
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "ppcdbg_version": __version__,
        "surroundings": {
            "system": around.system,
            "processors": around.processors,
            "python": around.python,
            "llvmlite": around.llvmlite,
            "qemu": around.qemu,
        },
        "runs": report.runs,
        "rows": [row_data(row) for row in report.rows],
    }


def row_data(row: RowResult) -> dict[str, Any]:
    """One row of the object."""
    return {
        "name": row.name,
        "title": row.title,
        "unit": row.unit,
        "better": row.better.value,
        "note": row.note,
        "figures": [
            {
                "name": figure.name,
                "peer": figure.peer,
                "samples": list(figure.samples),
                "spread": spread_data(figure.spread),
                "note": figure.note,
            }
            for figure in row.figures
        ],
        "ratios": [
            {"figure": figure.name, "peer": peer.name, "spread": spread_data(spread)}
            for figure, peer, spread in ratios(row)
        ],
        "asked": [
            {
                "figure": verdict.ask.figure,
                "peer": verdict.ask.peer,
                "bound": verdict.ask.bound,
                "reached": spread_data(verdict.reached),
                "met": verdict.met,
            }
            for verdict in row.verdicts
        ],
    }


def spread_data(spread: Spread | None) -> dict[str, float] | None:
    """A spread of the object."""
    if spread is None:
        return None
    return {"min": spread.minimum, "median": spread.median, "max": spread.maximum}
