"""The races screen: a search from where the guest stands, row by row as it goes on; Enter on a failure goes there."""

from __future__ import annotations

from ppcdbg.tui.panes.drawing import Drawing
from ppcdbg.tui.panes.notice import notice
from ppcdbg.tui.scene import Filled, Follow, Need
from ppcdbg.views import races
from ppcdbg.views.numbers import count
from ppcdbg.views.spans import Line, fit, line

VIEWS = ("map", "failures", "windows")
TITLE = "Races"
HINT = "No search yet. :race tries an interrupt at every boundary of the critical sections that the guest enters next."


def fill(drawing: Drawing, need: Need) -> Filled:
    """The map of the last search, its failures, or each window instruction by instruction."""
    debugger = drawing.debugger
    if debugger.guest.kind != "pr":
        return notice(TITLE, "This guest has no critical sections; one on e500v2 under --hv kvm may.", need)
    found = debugger.races.found()
    if found is None:
        return notice(TITLE, HINT, need)
    named = debugger.symbols.name
    rows: list[Line]
    follow: list[Follow | None]
    if need.view == "windows":
        rows = races.windows(found.report, named, debugger.core.model.name)
        follow = []
    elif need.view == "failures":
        rows, follow = _failures(races.places(found.report, named))
    else:
        rows = races.heat_map(found.report, named, need.width)
        follow = [None] * len(rows)
        more, lead = _failures(races.places(found.report, named))
        rows, follow = [*rows, (), *more], [*follow, None, *lead]
    report = found.report
    note = f"{len(report.sites)} sites, {count(report.covered)} of {count(report.possible)} decided, {found.deferral}"
    if found.searching:
        note = f"{found.done} of {found.total} done; Esc stops it"
    shown = tuple(fit(row, need.width) for row in rows) or (line(("no interrupt is lost", "ok")),)
    return Filled(shown, TITLE, line((note, "dim")), total=len(shown), follow=tuple(follow),
                  head=fit(races.counted(report), need.width))  # fmt: skip


def _failures(places: list[tuple[str, Line]]) -> tuple[list[Line], list[Follow | None]]:
    if not places:
        return [line(("no condition is broken", "ok"))], [None]
    return [row for _, row in places], [Follow("command", name=f"race-put {at}") if at else None for at, _ in places]
