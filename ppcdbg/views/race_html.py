"""A search for races as one HTML file that needs nothing else: coverage, a heat map with a row a site, each window
instruction by instruction, the failures with the lines that replay them, and the remedies side by side.

There is no script in it and nothing is fetched, which its own policy forbids; all that came from the guest is escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ppcdbg.debugger.results import Table
from ppcdbg.explore.conditions import Verdict
from ppcdbg.explore.remedies import Remedy
from ppcdbg.explore.report import Report, SiteReport
from ppcdbg.isa.disassemble import Disassembler
from ppcdbg.views import race_remedies
from ppcdbg.views.numbers import count
from ppcdbg.views.races import SIGNS, Named, failure_groups, sign, words_of
from ppcdbg.views.report import POLICY, STYLE, table, text
from ppcdbg.views.spans import to_text

CELLS = """
.map td { padding: 0 .6em 0 0; border: 0; white-space: nowrap; } .map b { display: inline-block; width: .62em;
height: 1em; font-weight: normal; text-align: center; font: .8em/1.25 ui-monospace, monospace; color: #fff; }
.ok { background: #3a9d5d; } .masked { background: #8aa4c8; } .failed { background: #c4322b; }
.dim { background: #bbb; } .warning { background: #d98e04; } .seq .failed, .seq .ok, .seq .masked, .seq .dim,
.seq .warning { color: #fff; padding: 0 .4em; } .in { border-left: 4px solid #8aa4c8; padding-left: .5em; }
"""


@dataclass(frozen=True)
class Told:
    """What the file says of the search beside what was found: ``command`` is the command line that a failure's line is
    replayed by, up to --replay."""

    guest: str
    core: str
    policy: str
    command: str
    named: Named


def pieces(found: Report, told: Told, remedies: Sequence[Remedy] = ()) -> Iterator[str]:
    """The file, in order."""
    title = text(f"{told.guest} – races")
    yield f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
    yield f"<style>{STYLE}{CELLS}</style></head><body>\n"
    yield f"<h1>{title}</h1>\n"
    yield from table(Table("The search", ("", ""), _facts(found, told)))
    yield from table(_verdicts(found))
    if remedies:
        yield from _remedies(remedies)
    yield from _map(found, told)
    yield from _failures(found, told)
    yield from _windows(found, told)
    yield "</body></html>\n"


def _facts(found: Report, told: Told) -> tuple[tuple[str, str | int], ...]:
    plan, bounds = found.plan, found.bounds
    kind = f"{count(plan.samples)} drawn at each site, seed {plan.seed}" if plan.samples else "exhaustive"
    pairs = (("pairs", f"up to {plan.span} boundaries apart"),) if plan.span else ()
    made: tuple[tuple[str, str | int], ...] = (
        ("guest", told.guest), ("core", told.core), ("deferral", told.policy), ("begins at position", found.start),
        ("sources", ", ".join(plan.sources)), ("strategy", kind), *pairs, ("sites", len(found.sites)),
        ("boundaries", found.boundaries), ("possible: boundaries x sources", found.possible),
        ("explored and decided of these", f"{count(found.covered)} ({_percent(found.covered, found.possible)})"),
        ("schedules tried", found.tried), ("run to their end", found.followed),
        ("came to a state whose future was known", f"{count(found.joined)} (factor {found.factor:.1f})"),
        ("undecided", found.undecided),
        ("judged by", f"patience {bounds.patience}, delay {bounds.delay}, steps {count(bounds.steps)}"),
    )  # fmt: skip
    if found.complete:
        return made
    return (("interrupted", f"{found.explored} of the {len(found.sites)} sites that were found are explored"), *made)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "none"


def _verdicts(found: Report) -> Table:
    return Table("What became of one interrupt", ("verdict", "boundaries"), tuple(words_of(found).items()))


def _remedies(remedies: Sequence[Remedy]) -> Iterator[str]:
    rows = tuple((r.policy, *race_remedies.cells(r)) for r in remedies)
    notes = tuple(to_text([row]) for row in race_remedies.notes(remedies))
    yield from table(Table("The remedies", tuple(name for name, _ in race_remedies.HEADS), rows, notes))


def _map(found: Report, told: Told) -> Iterator[str]:
    yield "<h2>One row a site, one column an instruction boundary</h2>\n<p class='seq'>"
    for word, (letter, role) in SIGNS.items():
        yield f'<span class="{role}">{letter}</span> {text(word)} &nbsp; '
    yield "</p>\n<table class='map'>\n"
    for n, site in enumerate(found.sites):
        for first, (source, row) in enumerate(site.verdicts.items()):
            cells = "".join(_cell(v, site, i) for i, v in enumerate(row))
            name = f'<a href="#s{n}">{text(_name(site, told))}</a>' if _loses(site) else text(_name(site, told))
            yield f"<tr><td>{name if not first else ''}</td><td>{text(source)}</td><td>{cells}</td></tr>\n"
    yield "</table>\n"


def _cell(verdict: Verdict | None, site: SiteReport, i: int) -> str:
    span, b = sign(verdict), site.boundaries[i]
    word = verdict.word if verdict else "not tried"
    return f'<b class="{span.role}" title="{count(b.position)} {b.pc:#010x}: {text(word)}">{text(span.text)}</b>'


def _failures(found: Report, told: Told) -> Iterator[str]:
    rows = []
    for site in found.sites:
        if site.spoiled:
            rows.append((_name(site, told), "the section itself", f"does not give back {', '.join(site.spoiled)}"))
        rows += [(_name(site, told), f.line, f"{f.verdict.condition}: {f.verdict.reason}") for f in site.failures]
    notes = (f"a line is replayed by: {told.command} --replay LINE",) if rows else ()
    yield from table(Table(f"Failures: {len(rows)}", ("site", "line", "what is wrong"), tuple(rows), notes))


def _windows(found: Report, told: Told) -> Iterator[str]:
    disassembler = Disassembler(told.core)
    for n, site in enumerate(found.sites):
        if not _loses(site):
            continue
        groups = "; ".join(f"{g.lines}: {g.condition}" for g in failure_groups(site))
        yield f'<h2 id="s{n}">{text(_name(site, told))}</h2>\n<p class="note">{text(groups)}</p>\n<table class="seq">\n'
        heads = ("position", "pc", "an interrupt that comes before", *site.verdicts)
        yield "<tr>" + "".join(f"<th>{text(head)}</th>" for head in heads) + "</tr>\n"
        for i, b in enumerate(site.boundaries):
            code = text(str(disassembler.one(b.word, b.pc)))
            inside = ' class="m in"' if b.section else ' class="m"'
            words = "".join(_word(row[i]) for row in site.verdicts.values())
            yield f'<tr><td class="n">{count(b.position)}</td><td class="m">{b.pc:#010x}</td><td{inside}>{code}</td>'
            yield f"{words}</tr>\n"
        yield "</table>\n"


def _word(verdict: Verdict | None) -> str:
    role = sign(verdict).role
    return f'<td><span class="{role}">{text(verdict.word)}</span></td>' if verdict else "<td></td>"


def _loses(site: SiteReport) -> bool:
    return any(site.window(source) for source in site.verdicts)


def _name(site: SiteReport, told: Told) -> str:
    return told.named(site.pc) or f"{site.pc:#010x}"
