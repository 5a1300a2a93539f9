"""What a search for races found: a map with one row a site, the window instruction by instruction, failures as lines.

A cell of the map says in one sign what became of an interrupt that comes at that boundary; the legend stands beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from ppcdbg.debugger.races import RaceFound
from ppcdbg.explore.conditions import Verdict
from ppcdbg.explore.outcome import Fate, Outcome
from ppcdbg.explore.report import Report, SiteReport
from ppcdbg.explore.search import Failure
from ppcdbg.explore.sites import Boundary
from ppcdbg.isa.disassemble import Disassembler
from ppcdbg.views.numbers import count, plural
from ppcdbg.views.spans import Line, Span, column, fit, line

Named = Callable[[int], str]
"""The symbol of an address, or an empty string."""

SIGNS: dict[str, tuple[str, str]] = {
    "delivered": (".", "ok"), "deferred": ("-", "masked"), "LOST": ("L", "failed"), "inside": ("I", "failed"),
    "corrupt": ("C", "failed"), "twice": ("2", "failed"), "spoiled": ("S", "failed"), "stale": ("P", "failed"),
    "late": ("D", "failed"), "masked": ("m", "dim"),
    "open": ("?", "warning"),
}  # fmt: skip
FAILURES = 12
"""Lines of failures that a report shows for each site."""
CELLS = 64
"""Boundaries in a line of the map."""
MAP_LEFT = 42
"""Columns to the left of them."""


def sign(verdict: Verdict | None) -> Span:
    """One cell of the map."""
    if verdict is None:
        return Span(" ", "dim")
    text, role = SIGNS.get(verdict.word.split(" ")[0], ("!", "failed"))
    return Span(text, role)


def title(found: Report) -> list[Line]:
    """How much was tried, of how much."""
    share = f"{count(found.covered)} of {count(found.possible)}"
    plan = found.plan
    kind = f"{count(plan.samples)} drawn at each site with seed {plan.seed}" if plan.samples else "exhaustive"
    pairs = f", pairs up to {plan.span} boundaries apart" if plan.span else ""
    tried = f"{count(found.boundaries)} boundaries x {plural(len(plan.sources), 'source')}"
    head = f"{plural(len(found.sites), 'site')}, {tried}: {share} decided"
    rows = [line((head, "title"), (f" ({kind}{pairs})", "dim"))]
    if not found.complete:
        part = f"interrupted: {found.explored} of the {len(found.sites)} sites that were found are explored"
        rows = [line((part, "warning")), *rows]
    states = (
        f"{count(found.tried)} schedules; {count(found.followed)} run to their end, {count(found.joined)} came to a"
    )
    rows.append(line((f"{states} state whose future was known (factor {found.factor:.1f})", "dim")))
    return rows


def found_rows(found: RaceFound, named: Named, core: str, width: int) -> list[Line]:
    """A search of the debugger's, whole: what was tried, the map, each window, the failures."""
    report = found.report
    rows = [*title(report), counted(report), (), *heat_map(report, named, width), *windows(report, named, core)]
    told = failures(report)
    return [fit(row, width) for row in ([*rows, (), *told] if told else rows)]


def words_of(found: Report) -> dict[str, int]:
    """The verdicts that there are, and how often; those of conditions of a user's own come last."""
    words = Counter(v.word.split()[0] for s in found.sites for row in s.verdicts.values() for v in row if v)
    return {word: words[word] for word in (*SIGNS, *sorted(set(words) - set(SIGNS))) if words[word]}


def counted(found: Report) -> Line:
    """How many boundaries have which verdict."""
    words = words_of(found)
    spans: list[Span | str | tuple[str, str]] = []
    for word, number in words.items():
        spans += [("  " if spans else "", "dim"), (f"{count(number)} {word}", SIGNS.get(word, ("!", "failed"))[1])]
    return line(*spans)


def heat_map(found: Report, named: Named, width: int = MAP_LEFT + CELLS) -> list[Line]:
    """One row a site and source, one column a boundary; a long one goes on below."""
    narrow = width < 2 * MAP_LEFT
    left, cells = (14, max(width - 27, 8)) if narrow else (28, max(width - MAP_LEFT, 8))
    words = words_of(found)
    legend = [f"{SIGNS[word][0]} {word}" for word in words if word in SIGNS]
    rows = [line(("  ".join([*legend, *(["! other"] if set(words) - set(SIGNS) else [])]), "dim"))]
    for site in found.sites:
        for source, verdicts in site.verdicts.items():
            name, of = column(named(site.pc) or f"{site.pc:#010x}", left, "symbol"), column(source, 12, "label")
            for at in range(0, len(verdicts), cells):
                rows.append(
                    (name, Span(" "), of, Span("" if narrow else " "), *(sign(v) for v in verdicts[at : at + cells]))
                )
                name, of = column("", left, "dim"), column(f"  +{at + cells}", 12, "dim")
    return rows


def windows(found: Report, named: Named, core: str) -> list[Line]:
    """Each site with a failure, instruction by instruction, and what happens to an interrupt that comes before each."""
    disassembler = Disassembler(core)
    rows: list[Line] = []
    shown: set[tuple[object, ...]] = set()
    for site in found.sites:
        if any(site.window(source) for source in site.verdicts):
            rows += [(), *_window(site, named, disassembler, shown)]
    return rows


def _window(site: SiteReport, named: Named, disassembler: Disassembler, shown: set[tuple[object, ...]]) -> list[Line]:
    name = named(site.pc) or f"{site.pc:#010x}"
    sources = [*site.verdicts]
    alike = tuple((b.word >> 26, tuple(sign(site.verdicts[s][i]).text for s in sources))
                  for i, b in enumerate(site.boundaries))  # fmt: skip
    if alike in shown:
        return [line((name, "title"), (": as a site above", "dim"))]
    shown.add(alike)
    rows = [line((f"{name}: an interrupt that comes before this instruction is", "title"))]
    head = [column("position", 12, "label"), column("pc", 12, "label"), column("instruction", 28, "label")]
    rows.append((*head, *(column(source, 14, "label") for source in sources)))
    for i, boundary in enumerate(site.boundaries):
        cells = [_cell(site.verdicts[source][i]) for source in sources]
        rows.append((*_instruction(boundary, disassembler), *cells))
    return rows


def _cell(verdict: Verdict | None) -> Span:
    return column("" if verdict is None else verdict.word, 14, sign(verdict).role)


def _instruction(boundary: Boundary, disassembler: Disassembler) -> tuple[Span, ...]:
    text = str(disassembler.one(boundary.word, boundary.pc))
    mark = "|" if boundary.section else " "
    return (
        column(count(boundary.position), 12, "position"), column(f"{boundary.pc:#010x}", 12, "address"),
        Span(f"{mark} ", "masked"), column(text, 26, "mnemonic"),
    )  # fmt: skip


@dataclass(frozen=True)
class Group:
    """Failures of one site that are wrong in the same way, at neighbouring boundaries: lines that replay them."""

    first: str
    last: str
    number: int
    condition: str
    reason: str

    @property
    def lines(self) -> str:
        return self.first if self.number == 1 else f"{self.first} to {self.last}"


def failure_groups(site: SiteReport) -> list[Group]:
    """The failures of a site, those alike together."""
    groups: list[Group] = []
    key: tuple[object, ...] = ()
    for f in sorted(site.failures, key=_order):
        names = tuple(event.source.name for event in f.outcome.schedule)
        before, key = key, (names, f.outcome.schedule[0].position, f.verdict)
        follows = before and before[0] == names and before[2] == f.verdict and len(names) == 1
        if follows and before[1] == f.outcome.schedule[0].position - 1:
            groups[-1] = replace(groups[-1], last=f.line, number=groups[-1].number + 1)
        else:
            groups.append(Group(f.line, f.line, 1, f.verdict.condition, f.verdict.reason))
    return groups


def _order(f: Failure) -> tuple[object, ...]:
    schedule = f.outcome.schedule
    return len(schedule), [e.source.name for e in schedule], [e.position for e in schedule]


def places(found: Report, named: Named) -> list[tuple[str, Line]]:
    """The failures, those alike in one row, each with the line that replays the first of them; empty where the section
    itself is wrong."""
    rows: list[tuple[str, Line]] = []
    for site in found.sites:
        if site.spoiled:
            text = f"does not give back {', '.join(site.spoiled)}"
            name = named(site.pc) or f"{site.pc:#010x}"
            rows.append(("", line((f"section at {name}: ", "cause"), (text, "failed"))))
        for group in failure_groups(site):
            told = line((f"{group.lines:<28} ", "cause"), (f"{group.condition}: ", "failed"), group.reason)
            rows.append((group.first, told))
    return rows


def failures(found: Report) -> list[Line]:
    """The lines that replay each failure, shortest schedules first, with what is wrong; those alike in one row."""
    rows: list[Line] = []
    for site in found.sites:
        told = [row for _, row in places(replace(found, sites=(site,)), lambda pc: "")]
        rows += told[:FAILURES]
        if len(told) > FAILURES:
            rows.append(line((f"... {len(told) - FAILURES} more of this site in --json and --html", "dim")))
    return rows


def outcome(found: Outcome, verdict: Verdict, boundaries: tuple[Boundary, ...], named: Named, core: str) -> list[Line]:
    """One schedule: where it came, and what became of each interrupt."""
    disassembler = Disassembler(core)
    at = {b.position: b for b in boundaries}
    rows: list[Line] = []
    for event, fate in zip(found.schedule, found.fates):
        symbol = named(fate.pc)
        where = f" <{symbol}>" if symbol else ""
        section = ", in a critical section" if fate.section else ""
        text = f", before {disassembler.one(at[fate.position].word, fate.pc)}" if fate.position in at else ""
        rows.append(line((f"{event}", "cause"), f" comes at {fate.pc:#010x}{where}{section}{text}"))
        rows.append(line(f"  {_fate(found, fate)}"))
    role = "failed" if verdict.condition else "ok"
    rows.append(line((f"{verdict.condition or 'all conditions hold'}: ", role), verdict.reason or verdict.word))
    return rows


def _fate(found: Outcome, fate: Fate) -> str:
    since = "" if fate.overlooked is None else f"free to come at position {count(fate.overlooked)}, but no exit came; "
    if fate.delivered is None:
        return f"{since}not delivered up to position {count(found.position)}; {found.detail}"
    return f"{since}delivered at position {count(fate.delivered)}, at {fate.interrupted:#010x}"
