"""The pane of the whole run: where one is, bookmarks and checkpoints, and how the exits of each kind lie in it."""

from __future__ import annotations

from ppcdbg.debugger.course import course_of
from ppcdbg.tui.panes.drawing import Drawing
from ppcdbg.tui.scene import Filled, Follow, Need, Scale
from ppcdbg.views import timeline


def fill(drawing: Drawing, need: Need) -> Filled:
    """Rows of the run; Enter on a bookmark goes there, on a kind of exit to the last one before now; left and right go
    through it."""
    course = course_of(drawing.debugger, timeline.room(need.width))
    shown, places = timeline.rows(course, need.width), timeline.bookmark_rows(course, need.width)
    follow: list[Follow | None] = [None] * len(shown)
    for number, kind in enumerate(course.kinds, len(shown) - len(course.kinds)):
        follow[number] = Follow("command", name=f"last exit {kind.name}")
    follow += [Follow("command", name=f"seek {place.name}") for place in course.bookmarks]
    rows = (*shown, *places)
    parts = timeline.parts(course, need.width)
    scale = Scale(timeline.lead(need.width), parts, course.start, course.end, course.now)
    return Filled(tuple(rows), "Timeline", total=len(rows), follow=tuple(follow), scale=scale)
