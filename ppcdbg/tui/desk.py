"""The desk: the panes and where they stand, as :mod:`ppcdbg.tui.layout` says; the focus stays on what is seen."""

from __future__ import annotations

from dataclasses import replace

from textual.app import ComposeResult
from textual.events import DescendantFocus
from textual.geometry import Offset, Region, Size, Spacing
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.widget import Widget

from ppcdbg.tui.layout import Box, Choice, arrange, place_of
from ppcdbg.tui.panes.pane import Pane
from ppcdbg.tui.panes.table import KINDS
from ppcdbg.tui.scene import Need, Scene
from ppcdbg.tui.styles import Styles


class _Fixed(Layout):
    """Places each visible pane at its box."""

    name = "desk"

    def arrange(
        self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True
    ) -> ArrangeResult:  # fmt: skip
        return [
            WidgetPlacement(
                Region(pane.box.x, pane.box.y, pane.box.width, pane.box.height), Offset(), Spacing(), pane
            )
            for pane in children
            if isinstance(pane, Pane) and pane.box.width
        ]  # fmt: skip


class Desk(Widget):
    """Holds every pane; only those that the layout shows are displayed."""

    DEFAULT_CSS = "Desk { width: 1fr; height: 1fr; overflow: hidden hidden; }"

    def __init__(self, styles: Styles, choice: Choice) -> None:
        super().__init__(id="desk")
        self.palette = styles
        self.choice = choice
        self.last = "exits"
        self.space = (0, 0)
        """Columns and rows, as the app gave them: while a line is typed or closed the widget's own may be others."""
        self.panes = {kind.name: Pane(kind, styles) for kind in KINDS}
        self._fixed = _Fixed()

    @property
    def layout(self) -> Layout:
        """Textual knows layouts by name only when they are its own; this one is the desk's."""
        return self._fixed

    def compose(self) -> ComposeResult:
        yield from self.panes.values()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        if isinstance(event.widget, Pane):
            self.last = event.widget.kind

    def shown(self) -> list[Pane]:
        """The panes that are shown, in reading order."""
        shown = [pane for pane in self.panes.values() if pane.box.width]
        return sorted(shown, key=lambda pane: (pane.box.x, pane.box.y))

    def arrange_panes(self, width: int, height: int) -> None:
        """Give each pane its box for this size, and the focus to one that is visible."""
        self.space = (width, height)
        boxes = arrange(width, height, self.choice)
        for kind, pane in self.panes.items():
            pane.box = boxes.get(kind, Box(0, 0, 0, 0))
            pane.display = kind in boxes
        order = [pane.kind for pane in self.shown()]
        self.sort_children(key=lambda child: order.index(child.id) if child.id in order else len(order))
        focused = self.screen.focused if self.is_attached else None
        if isinstance(focused, Pane) and focused.kind not in boxes:
            self.screen.set_focus(self.panes[next(iter(boxes))])
        self.refresh(layout=True)

    def show(self, kind: str) -> None:
        """Make a pane visible and give it the focus."""
        hidden = not self.panes[kind].box.width
        self.choice = self.choice.choose(kind)
        if hidden:
            self.arrange_panes(*self.space)
        self.screen.set_focus(self.panes[kind])  # now: the next key may already be meant for it

    def zoom(self, kind: str) -> None:
        """Give a pane the whole desk; with an empty kind all get their places back."""
        self.use(replace(self.choice, zoom=kind))

    def use(self, choice: Choice) -> None:
        """Another layout, or other sizes of this one."""
        self.choice = choice
        self.arrange_panes(*self.space)

    def grow(self, wider: int, higher: int) -> None:
        """Make the pane with the focus larger by so many cells, or smaller."""
        place = place_of(self.last, *self.space, self.choice)
        self.use(self.choice.grow(place, wider, higher))

    def needs(self) -> dict[str, Need]:
        """What the visible panes need of the debugger; the output of commands is the screen's own."""
        shown = [pane for pane in self.panes.values() if pane.box.width]
        return {pane.kind: pane.need() for pane in shown if pane.about.command}

    def feed(self, scene: Scene) -> None:
        """Hand each pane its rows."""
        for kind, filled in scene.panes.items():
            if kind in self.panes:
                self.panes[kind].feed(filled)

    def restyle(self, styles: Styles) -> None:
        """Draw with another theme."""
        self.palette = styles
        for pane in self.panes.values():
            pane.restyle(styles)
