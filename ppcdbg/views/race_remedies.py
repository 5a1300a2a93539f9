"""The remedies of a lost interrupt side by side: one row a policy, what it loses, what it costs, and on which guest."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from ppcdbg.explore.remedies import Remedy
from ppcdbg.views.numbers import count
from ppcdbg.views.spans import Line, column, line

HEADS = (("policy", 16), ("lost", 6), ("other", 6), ("of", 7), ("deferrals", 10), ("exits", 7), ("steps", 7),
         ("TLB writes", 11), ("stores", 7), ("mean wait", 10), ("longest", 8), ("standing", 9))  # fmt: skip
WIDTH = 92
_NOTES = (
    "lost, other: schedules of one interrupt that break never-lost, or another condition; of: all that were tried",
    "standing: exits that the policy costs from the first site to the last where no interrupt is put in",
)


def table(found: Sequence[Remedy], sources: Sequence[str]) -> list[Line]:
    """The table, what its columns are, and what each policy does and asks."""
    if not found:
        return [line(("nothing was judged", "warning"))]
    sites = len(found[0].report.sites)
    title = f"{sites} sites, {', '.join(sources)}; costs over every schedule at {found[0].counted} of the sites"
    rows: list[Line] = [line((title, "title"))]
    rows.append(tuple(column(text, width, "label", right=i > 0) for i, (text, width) in enumerate(HEADS)))
    rows += map(_row, found)
    return [*rows, (), *notes(found)]


def notes(found: Sequence[Remedy]) -> list[Line]:
    """What the columns are, and what each policy does, asks of a guest, and was given here."""
    sites = len(found[0].report.sites)
    rows: list[Line] = [*(line((note, "dim")) for note in _NOTES), ()]
    for r in found:
        first, *more = wrap(r.about, WIDTH)
        rows.append(line((f"{r.policy:<16}", "symbol"), f" {first}"))
        rows += [line(" " * 17, part) for part in more]
        if r.guest_must:
            rows += [line(" " * 17, part) for part in wrap(f"the guest must {r.guest_must}", WIDTH)]
            patience = r.report.bounds.patience
            late = f"; an interrupt may wait {patience} instructions for it" if patience else ""
            guest = f"the guest {r.guest}{late}" if not r.why else f"* the guest as it is, which does not: {r.why}"
            rows += [line(" " * 17, (part, "warning" if r.why else "ok")) for part in wrap(f"here {guest}", WIDTH)]
        if len(r.report.sites) != sites:
            rows.append(line(" " * 17, (f"{len(r.report.sites)} of the {sites} sites came again", "warning")))
    return rows


def judged(r: Remedy) -> tuple[int, int, int]:
    """Lost, otherwise broken, and tried."""
    verdicts = [v for site in r.report.sites for row in site.verdicts.values() for v in row if v]
    lost = sum(v.condition == "never-lost" for v in verdicts)
    return lost, sum(bool(v.condition) for v in verdicts) - lost, len(verdicts)


def cells(r: Remedy) -> tuple[str, ...]:
    """One row as text, without the name."""
    lost, other, tried = judged(r)
    n = r.counts
    mean = f"{n['delay'] / n['delivered']:.1f}" if n["delivered"] else "-"
    numbers = (lost, other, tried, n["withheld"], n["exits"], n["steps"], n["page_changes"], n["stores"])
    return (*map(count, numbers), mean, count(n["longest"]), count(r.standing))


def _row(r: Remedy) -> Line:
    lost, other, _ = judged(r)
    roles = ["failed" if lost else "ok", "failed" if other else "ok", *["number"] * (len(HEADS) - 3)]
    mark = "*" if r.why else ""
    return (column(r.policy + mark, HEADS[0][1], "symbol"), *(
        column(text, width, role, right=True) for text, role, (_, width) in zip(cells(r), roles, HEADS[1:])
    ))  # fmt: skip
