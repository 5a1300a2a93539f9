"""The HTML report: well formed, without a script or an address to fetch, with every count of the run."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ppcdbg.debugger import open_guest
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.machine.system import Limits
from ppcdbg.views.report import by_symbol, hypercalls, pieces

VOID = ("meta",)


class Reader(HTMLParser):
    """Rows of cells by heading, with every tag closed in turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.console = ""
        self._heading = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)
        if tag == "h2":
            self._heading = ""
        if tag == "tr":
            self.tables.setdefault(self._heading, []).append([])
        if tag in ("td", "th"):
            self.tables[self._heading][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th"):
            self.tables[self._heading][-1][-1] += data
        elif self.open and self.open[-1] == "h2":
            self._heading += data
        elif self.open and self.open[-1] == "pre":
            self.console += data


def ran(cpu: str, hv: str) -> Debugger:
    guest = open_guest("demo", cpu=cpu, hv=hv, memory="32M")
    guest.system.run(Limits(1 << 40))
    return guest


def number(cell: str) -> int:
    return int(cell.replace(",", ""))


@pytest.mark.parametrize("cpu", ["e500v2", "e500mc"])
def test_the_report_has_every_exit_by_kind_and_by_symbol(cpu: str) -> None:
    guest = ran(cpu, "kvm")
    report = Reader("".join(pieces(guest, "a.ppcdbg")))
    assert not report.open
    kinds = {row[0]: number(row[1]) for row in report.tables["exits"][1:]}
    assert kinds == {str(row[0]): row[1] for row in guest.model.counters()[0].rows}
    assert sum(kinds.values()) == len(guest.exits)
    by_function = report.tables["exits by symbol"][1:]
    assert sum(number(row[1]) for row in by_function) == len(guest.exits)
    assert sum(number(row[2]) for row in by_function) == sum(e.cost for e in guest.exits)
    puts = next(row for row in by_function if row[0] == "puts")
    assert number(puts[1]) == sum(guest.symbols.name(e.pc).split("+")[0] == "puts" for e in guest.exits)
    assert [row[3] for row in report.tables["hypercalls"][1:]] == ["KVM_HC_FEATURES", "KVM_HC_PPC_MAP_MAGIC_PAGE"][
        : len(hypercalls(guest.exits).rows)
    ]
    assert report.tables["exit timing (ticks)"][0][:2] == ["type", "count"]
    assert report.console.split("\n")[:-1] == guest.console().splitlines()


def test_the_bare_machine_has_a_report_too() -> None:
    report = Reader("".join(pieces(ran("e500mc", "none"), "a.ppcdbg")))
    assert "exits by symbol" not in report.tables and report.tables["devices"]


def test_nothing_is_fetched_and_nothing_is_run(tmp_path: Path) -> None:
    """Whatever a guest prints, or a session of somebody else is called."""
    guest = ran("e500v2", "kvm")
    evil = b"<script>alert(1)</script><img src=x onerror=a> &amp; \x1b[2J\n"
    for byte in evil:
        guest.system.board.console.put(byte)
    text = "".join(pieces(guest, '"><script src=//x>'))
    report = Reader(text)
    assert report.tags <= {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "table", "tr", "th", "td", "div", "p", "pre", "i",
    }  # fmt: skip
    assert {name for name, _ in report.attributes} <= {"lang", "charset", "http-equiv", "content", "class", "style"}
    assert not re.search(r"url\(|@import|\x1b", text)
    assert "<script>alert(1)</script><img src=x onerror=a> &amp; " in report.console


def test_a_long_table_ends_with_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    guest = ran("e500v2", "kvm")
    whole = by_symbol(guest.symbols, guest.exits)
    monkeypatch.setattr("ppcdbg.views.report.SYMBOLS", 3)
    short = by_symbol(guest.symbols, guest.exits)
    assert short.rows[:3] == whole.rows[:3]
    assert short.rows[3][:3] == (
        f"{len(whole.rows) - 3} other places",
        sum(int(r[1]) for r in whole.rows[3:]),
        sum(int(r[2]) for r in whole.rows[3:]),
    )
    monkeypatch.setattr("ppcdbg.views.report.HYPERCALLS", 1)
    assert hypercalls(guest.exits).notes == ("and 1 hypercall more",)
