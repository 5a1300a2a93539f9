"""The run at a glance: marks stand where their moments are, bars where the exits are, at any width."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter

import pytest

from ppcdbg.debugger.course import course_of
from ppcdbg.views import timeline
from ppcdbg.views.glyphs import to_ascii
from ppcdbg.views.results import lines
from ppcdbg.views.spans import length, to_text
from tests.debugger.test_travel import on_demo


def test_counts_are_those_of_the_exits_part_by_part() -> None:
    d = on_demo()
    d.execute("continue")
    end = d.position
    course = course_of(d, 50)
    names = Counter(record.name for record in d.exits)
    assert {kind.name: kind.total for kind in course.kinds} == names
    edges = [end * part // 50 for part in range(50)]
    for kind in course.kinds:
        parts = Counter(bisect_right(edges, r.position) - 1 for r in d.exits if r.name == kind.name)
        assert kind.parts == tuple(parts[i] for i in range(50))
    assert [kind.total for kind in course.kinds] == sorted((k.total for k in course.kinds), reverse=True)


def test_the_counts_are_the_same_wherever_the_exits_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    d = on_demo()
    d.execute("continue")
    whole = course_of(d, 40)
    small = on_demo()
    for room in ("archive", "blocks", "log"):
        monkeypatch.setattr(f"ppcdbg.kvm.{room}.BLOCK", 16)
    monkeypatch.setattr("ppcdbg.kvm.log.AT_HAND", 64)
    small.execute("continue")
    assert course_of(small, 40).kinds == whole.kinds and small.profiler.profile() == d.profiler.profile()
    small.execute("seek %40")
    assert course_of(small, 40).kinds == whole.kinds
    d.execute("seek %40")
    assert small.profiler.profile("symbols") == d.profiler.profile("symbols")


@pytest.mark.parametrize("hv", ["kvm", "none"])
@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_marks_stand_where_the_moments_are(hv: str, width: int) -> None:
    d = on_demo(hv=hv)
    d.execute("run-to 20000")
    d.execute("bookmark half @10000 in the middle")
    d.execute("seek 5000")
    course = course_of(d, timeline.room(width))
    rows = [*timeline.rows(course, width), *timeline.bookmark_rows(course, width)]
    assert all(length(row) <= width for row in rows)
    if width < 40:
        return
    text = to_text(rows).splitlines()
    lead, parts = timeline.lead(width), timeline.room(width)
    assert text[1].index("▲") - lead == parts // 4
    assert text[2].index("◆") - lead == parts // 2
    assert "5,000 of 20,000 (25 %)" in text[0]
    if width < 80:
        return
    assert text[-1].split() == ["half", "10,000", "in", "the", "middle"]
    assert to_text(lines(d.execute("timeline"), d, width)).isascii() is False
    assert all(to_ascii(row).isascii() and len(to_ascii(row)) == len(row) for row in text)
