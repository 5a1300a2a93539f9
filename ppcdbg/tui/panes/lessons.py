"""The tutorial's column: the step that is to be done; Enter or a click on a command of it carries it out."""

from __future__ import annotations

from ppcdbg.tui.panes.drawing import Drawing
from ppcdbg.tui.scene import Filled, Follow, Need
from ppcdbg.views import lessons
from ppcdbg.views.spans import fit, line

ENTER = line(("Enter", "selected"), (" does it", "label"))


def fill(drawing: Drawing, need: Need) -> Filled:
    """The step, or where no chapter was begun all chapters; the cursor is on the first command of a step."""
    found = drawing.debugger.lessons.look()
    places = (
        lessons.chapters(drawing.debugger.lessons.contents(), need.width)
        if found is None
        else lessons.places(found, need.width)
    )
    follow = tuple(Follow("command", name=lead) if lead else None for _, lead in places)
    cursor = None if found is None else next((i for i, lead in enumerate(follow) if lead is not None), None)
    shown = tuple(fit(row, need.width) for row, _ in places)
    return Filled(shown, "Tutorial", ENTER, total=len(places), follow=follow, cursor=cursor)
