"""The run from its beginning to the end that is known: where one is in it, and how its exits lie in it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ppcdbg.kvm.log import ExitLog, KnownExits
from ppcdbg.views.kinds import kind_role
from ppcdbg.views.spans import Line, Span, fit, length, line

if TYPE_CHECKING:
    from ppcdbg.debugger.course import Course
    from ppcdbg.debugger.debugger import Debugger
    from ppcdbg.kvm.records import ExitRecord

HEIGHT = 8
"""The tallest bar."""
BARS = " ▁▂▃▄▅▆▇█"
LABEL, COUNT = 18, 9
"""Columns before the bars: what a row is about, and how many."""
NARROW, NARROW_LABEL = 70, 9
"""Below so many columns what a row is about has less room, and how many is left out."""


def counts(exits: Sequence[ExitRecord], end: int, width: int) -> tuple[int, ...]:
    """Exits in each of ``width`` equal parts of the positions 0..``end``; reads some ``width * log2`` records."""
    if end <= 0 or width <= 0:
        return ()
    places = range(len(exits))
    at = exits.position if isinstance(exits, ExitLog | KnownExits) else lambda i: exits[i].position
    edges = [bisect_left(places, end * part // width, key=at) for part in range(1, width)]
    edges = [0, *edges, len(exits)]
    return tuple(after - before for before, after in zip(edges, edges[1:]))


def heights(values: Sequence[int]) -> tuple[int, ...]:
    """Bars of 0..HEIGHT by the square root of the share, so that a quiet part still shows beside a storm; 0 is none."""
    most = max(values, default=0)
    return tuple(0 if not v else max(1, round(HEIGHT * (v / most) ** 0.5)) for v in values)


def note(debugger: Debugger, record: ExitRecord | None = None, end: int | None = None) -> Line:
    """Where the selected exit, or the guest, lies in the run, which is known up to ``end``."""
    end = debugger.position if end is None else end
    here = debugger.position if record is None else record.position
    if here == end:
        return line((f"{end:,}", "position"), (" instructions", "label"))
    return line((f"{here:,}", "position"), (" of ", "label"), (f"{end:,}", "position"))


def lead(width: int) -> int:
    """Columns before the bars."""
    return LABEL + COUNT + 1 if width >= NARROW else NARROW_LABEL + 1


def room(width: int) -> int:
    """How many parts of the run a screen of this width shows."""
    return max(8, width - lead(width))


def parts(course: Course, width: int) -> int:
    """Of how many parts the rows are."""
    return len(course.kinds[0].parts) if course.kinds else room(width)


def rows(course: Course, width: int) -> list[Line]:
    """The run as rows of marks and bars, one below the other; bookmarks follow, one a row (``bookmark_rows``)."""
    span = parts(course, width)

    def row(name: str, count: str, *bars: Span) -> Line:
        if width < NARROW:
            return (*line((f"{name:<{NARROW_LABEL}.{NARROW_LABEL}} ", "label")), *bars)
        return (*line((f"{name:<{LABEL}.{LABEL}}{count:>{COUNT}} ", "label")), *bars)

    out = [_heading(course, width), row("now", "", *_marks(course, span, (course.now,), "▲", "changed"))]
    if course.bookmarks:
        places = [place.position for place in course.bookmarks]
        out.append(row("bookmarks", str(len(places)), *_marks(course, span, places, "◆", "symbol")))
    if course.kept:
        out.append(row("in the file", str(len(course.kept)), *_marks(course, span, course.kept, "●", "label")))
    points = _marks(course, span, course.checkpoints, "•", "label")
    out.append(row("checkpoints", str(len(course.checkpoints)), *points))
    if course.kinds:
        whole = [sum(column) for column in zip(*(kind.parts for kind in course.kinds))]
        out.append(row("exits", f"{course.exits:,}", _bars(whole, "exit")))
        out += [row(kind.name, f"{kind.total:,}", _bars(kind.parts, kind_role(kind.name))) for kind in course.kinds]
    return [fit(each, width) for each in out]


def bookmark_rows(course: Course, width: int) -> list[Line]:
    """The bookmarks in order of time, with their notes."""
    return [
        fit(line((f"{p.name:<{LABEL}.{LABEL}}", "symbol"), (f"{p.position:>{COUNT},} ", "position"), p.note), width)
        for p in course.bookmarks
    ]


def _heading(course: Course, width: int) -> Line:
    share = 100 * (course.now - course.start) // max(course.end - course.start, 1)
    exits = f"   exits {course.exits_now:,} of {course.exits:,}" if course.exits else ""
    told = line(
        (f"{course.now:,}", "position"), (" of ", "label"), (f"{course.end:,}", "position"), (f" ({share} %)", "label"),
        (exits, "label"), (f"   clock {course.ticks:,}", "label"),
        (f"   {course.file}" if course.file else "", "dim"),
        (f"   recording into {course.recording}" if course.recording else "", "running"),
    )  # fmt: skip
    return fit(told, width) if length(told) > width else told


def _column(course: Course, parts: int, position: int) -> int:
    return min((position - course.start) * parts // max(course.end - course.start, 1), parts - 1)


def _marks(course: Course, parts: int, places: Sequence[int], sign: str, role: str) -> list[Span]:
    taken = {_column(course, parts, place) for place in places if course.start <= place <= course.end}
    return [Span(sign, role) if part in taken else Span("─", "dim") for part in range(parts)]


def _bars(values: Sequence[int], role: str) -> Span:
    return Span("".join(BARS[height] for height in heights(values)), role)
