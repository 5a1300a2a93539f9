"""The help page: what the focused pane can do, every key by group, and where to go on."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import ModalScreen

from ppcdbg.debugger.topics import Topic
from ppcdbg.tui.keys import GROUPS, MOVING, PANES, Key, hidden, show
from ppcdbg.tui.layout import Box
from ppcdbg.tui.panes.pane import Pane
from ppcdbg.tui.panes.table import KINDS, PaneKind
from ppcdbg.tui.scene import Filled
from ppcdbg.tui.styles import Styles
from ppcdbg.views.spans import Line, Span


def help_rows(keys: tuple[Key, ...], pane: Pane | None = None) -> tuple[Line, ...]:
    """The page as lines: what the focused pane can do, then every key by group."""
    rows: list[Line] = [] if pane is None else [*pane_rows(pane, keys)]
    for group in GROUPS:
        rows += [(), (Span(f" {group}", "title"),)]
        for key in keys:
            if key.group == group and key.help:
                names = " ".join(show(one) for one in key.keys.split(",") if not hidden(one))
                rows.append(_row(names, key.help))
        if group == PANES:
            rows += [_row(name, text) for name, text in MOVING]
            rows += [_row(kind.key, f"{kind.name}: {kind.about}") for kind in KINDS]
    rows += [
        (),
        (Span(" Signs", "title"),),
        (Span(f"   {'*':<12}", "changed"), Span("changed since the last stop, or the exit looked at before", "text")),
        (Span(f"   {'▶':<12}", "pc"), Span("the next instruction", "text")),
        (Span(f"   {'●':<12}", "breakpoint"), Span("a breakpoint", "text")),
        (),
        (Span(" Type ", "dim"), Span(":help", "selected"), Span(" for the commands.", "dim")),
    ]
    return tuple(rows[1:] if not rows[0] else rows)


def _row(names: str, text: str) -> Line:
    return (Span(f"   {names:<12} ", "selected"), Span(text, "text"))


def pane_rows(pane: Pane, keys: tuple[Key, ...]) -> list[Line]:
    """What one pane is for and what can be done in it."""
    about, by_id = pane.about, {key.id: show(key.keys) for key in keys}
    rows: list[Line] = [(Span(f" {pane.filled.title or about.name}", "title"), Span(f"  {about.about}", "dim"))]
    if about.views:
        rows.append(_row(by_id["view"], "the next of its views: " + ", ".join(about.views)))
    if about.orders:
        rows.append(_row(by_id["order"], "sort by the next of: " + ", ".join(about.orders)))
    by_id["scrub"] = "← →"
    rows += [_row(by_id[name], text) for name, text in about.keys]
    if pane.filled.follow:
        rows.append(_row(by_id["open"], "follow the row to what it is about; a click on it does too"))
    if about.command:
        rows.append(_row(":" + about.command, "prints it, here and at any prompt"))
    return rows


class HelpScreen(ModalScreen[None]):
    """The help page over the desk; any of its closing keys leaves it."""

    DEFAULT_CSS = """
    HelpScreen { align: center middle; background: $background 60%; }
    HelpScreen Pane { width: 78; max-width: 100%; height: 90%; background: $surface; }
    """

    BINDINGS = [Binding("escape,q,question_mark,f1,enter,ctrl+c", "app.pop_screen", "Close", show=False)]

    def __init__(self, styles: Styles, keys: tuple[Key, ...], pane: Pane | None = None) -> None:
        super().__init__()
        self.page = Pane(
            PaneKind(Topic("keys-page", "?", "every key", ""), lambda drawing, need: Filled((), "")), styles
        )
        self.rows = help_rows(keys, pane)

    def compose(self) -> ComposeResult:
        yield self.page

    def on_mount(self) -> None:
        self.set_focus(self.page)

    def on_resize(self) -> None:
        self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        self.page.box = Box(0, 0, self.page.size.width, self.page.size.height)
        note = (Span("Esc closes", "dim"),)
        self.page.feed(Filled(self.rows, "Keys", note=note, total=len(self.rows)))
        self.page.refresh()
