"""The help page: every key by group, and where to go on."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import ModalScreen

from ppcdbg.tui.keys import LOOK, MOVING, PANES, RUN, WINDOW, Key, show
from ppcdbg.tui.layout import PANES as KINDS
from ppcdbg.tui.layout import Box
from ppcdbg.tui.panes.pane import Pane
from ppcdbg.tui.scene import Filled
from ppcdbg.tui.styles import Styles
from ppcdbg.views.spans import Line, Span


def help_rows(keys: tuple[Key, ...]) -> tuple[Line, ...]:
    """The page as lines."""
    rows: list[Line] = []
    for group in (RUN, LOOK, PANES, WINDOW):
        rows += [(), (Span(f" {group}", "title"),)]
        for key in keys:
            if key.group == group and key.help:
                names = " ".join(show(one) for one in key.keys.split(","))
                rows.append((Span(f"   {names:<12}", "selected"), Span(key.help, "text")))
        if group == PANES:
            rows += [(Span(f"   {name:<12}", "selected"), Span(text, "text")) for name, text in MOVING]
            digits = "  ".join(f"{(i + 1) % 10} {kind}" for i, kind in enumerate(KINDS[:10]))
            half = digits.index("6 ")
            rows.append((Span(f"   {'1 ... 9 0':<12}", "selected"), Span(digits[:half].rstrip(), "text")))
            rows.append((Span(" " * 15), Span(digits[half:], "text")))
    rows += [
        (),
        (Span(" Signs", "title"),),
        (Span(f"   {'*':<12}", "changed"), Span("changed since the last stop", "text")),
        (Span(f"   {'>':<12}", "pc"), Span("the next instruction; the selected exit", "text")),
        (),
        (Span(" Type ", "dim"), Span(":help", "selected"), Span(" for the commands.", "dim")),
    ]
    return tuple(rows[1:])


class HelpScreen(ModalScreen[None]):
    """The help page over the desk; any of its closing keys leaves it."""

    DEFAULT_CSS = """
    HelpScreen { align: center middle; background: $background 60%; }
    HelpScreen Pane { width: 78; max-width: 100%; height: 90%; background: $surface; }
    """

    BINDINGS = [Binding("escape,q,question_mark,f1,enter,ctrl+c", "app.pop_screen", "Close", show=False)]

    def __init__(self, styles: Styles, keys: tuple[Key, ...]) -> None:
        super().__init__()
        self.page = Pane("keys-page", "?", styles)
        self.rows = help_rows(keys)

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
