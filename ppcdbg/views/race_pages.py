"""Searches over interleavings and over world switches, each as one HTML file that needs nothing else: what was tried,
failures with the lines that replay them, and the views that a terminal shows.

As in :mod:`.race_html` there is no script, nothing is fetched, and what came from a guest is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ppcdbg.debugger.results import Table
from ppcdbg.explore.interleavings import Failure, Report
from ppcdbg.explore.switch import SwitchReport
from ppcdbg.explore.tale import Tale
from ppcdbg.explore.together import Rules
from ppcdbg.views import interleavings, world_switch
from ppcdbg.views.interleavings import Named
from ppcdbg.views.report import POLICY, STYLE, table, text
from ppcdbg.views.spans import Line

WIDTH = 150
COLOURS = """
pre { white-space: pre; overflow-x: auto; } .failed, .warning { color: #c4322b; font-weight: bold; }
.ok { color: #2c8a4b; } .dim, .address { color: #777; } .symbol, .label { color: #3568a8; } .story { color: #8a5a00; }
"""


def of_vcpus(
    found: Report, rules: Rules, tales: Sequence[tuple[Failure, Tale]], guest: str, core: str, command: str,
    named: Named,
) -> Iterator[str]:  # fmt: skip
    """A search over interleavings; ``tales`` are failures told in columns. ``command`` is the command line up to
    --replay."""
    yield from _head(f"{guest} – races of {found.vcpus} vCPUs")
    yield _pre([*interleavings.title(found), *interleavings.rules(rules, named)])
    if not found.failures:
        yield _pre(interleavings.clean(found))
    rows = tuple((f.line, f.broken.condition, f.broken.reason) for f in found.failures)
    yield from _failures(("line", "rule", "what is wrong"), rows, command)
    for failure, tale in tales:
        yield f"<h2>{text(failure.line)}</h2>\n"
        yield _pre([
            *interleavings.table(tale, found.vcpus, named, core), *interleavings.verdict(failure.broken)
        ])  # fmt: skip
    yield "</body></html>\n"


def of_switches(found: Sequence[SwitchReport], command: str) -> Iterator[str]:
    """A search over variants of the world switch."""
    yield from _head("Races in the world switch")
    yield _pre([*world_switch.table(found, WIDTH), *world_switch.legend(WIDTH)])
    for report in found:
        yield f"<h2>{text(report.name)}</h2>\n<p class='note'>{text(report.variant.about)}</p>\n"
        yield _pre(world_switch.report(report, WIDTH, True))
    rows = tuple((line, v.condition, v.reason) for report in found for line, v in report.failures)
    yield from _failures(("line", "condition", "what is wrong"), rows, command)
    yield "</body></html>\n"


def _head(title: str) -> Iterator[str]:
    yield f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{text(title)}</title>\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
    yield f"<style>{STYLE}{COLOURS}</style></head><body>\n<h1>{text(title)}</h1>\n"


def _failures(heads: tuple[str, ...], rows: tuple[tuple[str, ...], ...], command: str) -> Iterator[str]:
    notes = (f"a line is replayed by: {command} --replay LINE",) if rows else ()
    yield from table(Table(f"Failures: {len(rows)}", heads, rows, notes))


def _pre(lines: Iterable[Line]) -> str:
    spans = (
        "".join(f'<span class="{s.role}">{text(s.text)}</span>' if s.role != "text" else text(s.text) for s in row)
        for row in lines
    )
    return "<pre>" + "\n".join(spans) + "</pre>\n"
