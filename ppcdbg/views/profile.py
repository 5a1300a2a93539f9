"""Where the exits come from: by kind with trend and spread of costs, by function, by instruction."""

from __future__ import annotations

from ppcdbg.debugger.profile import HotRow, Hottest, KindRow, Profile
from ppcdbg.views import story
from ppcdbg.views.kinds import kind_role
from ppcdbg.views.numbers import count, ea, plural
from ppcdbg.views.spans import Line, Span, column, fit, line
from ppcdbg.views.spark import bar, spark

NAME, COUNT, SHARE, TICKS = 13, 9, 7, 8
NARROW = 30
"""Columns below which the share is left out."""
TREND, SPREAD = 12, 12


def _room(width: int) -> tuple[int, int, int]:
    """Columns for the trend, for times (min, mean, max, deviation: so many of them), and for the spread."""
    rest = width - NAME - COUNT - SHARE
    times = 4 if rest >= 4 * TICKS + TREND + SPREAD + 4 else 2 if rest >= 2 * TICKS + TREND + 2 else 0
    rest -= times * TICKS
    spread = SPREAD if rest >= TREND + SPREAD + 4 else 0
    return max(rest - (spread + 2 if spread else 0) - 2, 0), times, spread


def header(profile: Profile, width: int) -> Line:
    """The names of the columns; the one that orders the rows is marked."""
    if profile.what != "exits":
        what = "function" if profile.what == "symbols" else "instruction"
        return fit((column("count", COUNT, "label", True), column("share", SHARE, "label", True),
                    Span("  "), column(what, 34, "label"), Span("mostly", "label")), width)  # fmt: skip
    trend, times, spread = _room(width)
    names = {2: ("mean", "max"), 4: ("min", "mean", "max", "dev")}.get(times, ())

    def cell(name: str, size: int, right: bool = True) -> Span:
        chosen = name == profile.order or name == "exit" and profile.order == "name"
        return column(name + ("▾" if chosen else ""), size, "selected" if chosen else "label", right)

    cells = [cell("exit", NAME, False), cell("count", COUNT), *([cell("share", SHARE)] if width >= NARROW else [])]
    cells += [cell(name, TICKS) for name in names]
    cells += [Span("  "), column("over the run" if trend >= 12 else "trend", trend, "label")] if trend >= 5 else []
    cells += [Span("  "), column("log2 of cost", spread, "label")] if spread else []
    return fit(tuple(cells), width)


def kind_row(r: KindRow, width: int) -> Line:
    """One exit kind."""
    trend, times, spread = _room(width)
    values = {2: (round(r.mean), r.maximum), 4: (r.minimum, round(r.mean), r.maximum, round(r.deviation))}
    cells = [column(r.name, NAME, kind_role(r.name)), column(count(r.count), COUNT, "number", True)]
    if width >= NARROW:
        cells.append(column(f"{100 * r.share:.1f}%", SHARE, "text", True))
    cells += [column(count(v), TICKS, "number", True) for v in values.get(times, ())]
    cells += [Span("  "), Span(spark(r.trend, trend), kind_role(r.name))] if trend >= 5 else []
    cells += [Span("  "), Span(spark(r.spread, spread), "mapped")] if spread else []
    return fit(tuple(cells), width)


def hot_row(r: HotRow, width: int) -> Line:
    """One function or instruction."""
    cells = [column(count(r.count), COUNT, "number", True), column(f"{100 * r.share:.1f}%", SHARE, "text", True)]
    cells += [Span("  "), column(r.name, 34, "symbol" if r.address else "mnemonic"), Span(r.kind, kind_role(r.kind))]
    room = width - COUNT - SHARE - 2 - 34 - NAME - 1
    if room >= 6:
        cells += [Span(" " * (NAME + 1 - len(r.kind))), Span(bar(r.share, min(room, 24)), "did")]
    return fit(tuple(cells), width)


def total(profile: Profile) -> Line:
    """All of them in one line."""
    if not profile.exits:
        return line(("no exit yet", "dim"))
    every = round(profile.position / profile.exits)
    share = 100 * profile.time / max(profile.time + profile.ticks, 1)
    return line((count(profile.exits), "position"), (" exits, one in ", "label"), (count(every), "position"),
                (" instructions; KVM ", "label"), (f"{share:.0f}%", "position"), (" of the time", "label"))  # fmt: skip


def body(profile: Profile, width: int) -> list[Line]:
    """The rows below ``header``."""
    if profile.what == "exits":
        return [kind_row(r, width) for r in profile.kinds]
    return [hot_row(r, width) for r in (profile.symbols if profile.what == "symbols" else profile.instructions)]


def rows(profile: Profile, width: int, most: int = 40) -> list[Line]:
    """For a prompt: heading, rows, total."""
    found = body(profile, width)
    more = [line((f"… {len(found) - most} more", "dim"))] if len(found) > most else []
    why = [fit(line(("`most` tells of the most frequent one from which function it comes, and why", "dim")), width)]
    return [header(profile, width), *found[:most], *more, fit(total(profile), width), *why * bool(profile.exits)]


def hottest(found: Hottest) -> Line:
    """The most frequent exit, or another kind, in words: how many, from where, and why."""
    lead, *rest = story.sentence(found.example)
    share, inside = 100 * found.count / found.exits, 100 * found.inside / found.count
    return line(
        f"{count(found.count)} of {plural(found.exits, 'exit')} ({share:.0f} %) are ",
        (found.kind, kind_role(found.kind)), f"; {inside:.0f} % of these come from ", (found.function, "symbol"),
        ", most at ", (ea(found.address), "address"), ". For example, ",
        Span(lead.text.lower(), lead.role), *rest,
    )  # fmt: skip
