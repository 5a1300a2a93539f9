"""What the keys do to the desk: panes, layouts, themes, copying, pictures. A mixin of the app."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import App

from ppcdbg.errors import UsageError
from ppcdbg.session.files import write_whole
from ppcdbg.tui.help import HelpScreen
from ppcdbg.tui.panes.pane import Pane
from ppcdbg.tui.picture import picture
from ppcdbg.tui.scene import Reply
from ppcdbg.views.spans import Span

if TYPE_CHECKING:
    from ppcdbg.tui.desk import Desk
    from ppcdbg.tui.keys import Key
    from ppcdbg.tui.prompt import Prompt
    from ppcdbg.tui.saved import Layouts
    from ppcdbg.tui.scene import Source
    from ppcdbg.tui.styles import Styles
    from ppcdbg.tui.worker import Worker
    from ppcdbg.views.theme import Theme


class Windows(App[int]):
    """Needs of the app: the attributes below."""

    worker: Worker
    source: Source
    desk: Desk
    prompt: Prompt
    keys: tuple[Key, ...]
    themes: dict[str, Theme]
    looks: Styles
    layouts: Layouts
    layout_name: str

    def answer(self, reply: Reply) -> None:
        """Show what a command said."""
        raise NotImplementedError

    def ask_again(self, *, row: int | None = None, keep: int | None = None) -> None:
        """Ask for a scene of what is visible now."""
        raise NotImplementedError

    def fold(self) -> None:
        """Take the whole desk from the pane that has it. After a long answer whoever asked has the keys again."""
        raise NotImplementedError

    def say(self, spans: list[Span]) -> None:
        """A sentence in the story's place, until something else happens."""
        raise NotImplementedError

    def use_theme(self, name: str) -> None:
        """Draw with another theme."""
        raise NotImplementedError

    async def perform(self, action: str) -> None:
        """Carry out an action by its name, as the palette does."""
        await self.run_action(action)

    def pane(self) -> Pane | None:
        """The pane that has the focus."""
        return self.focused if isinstance(self.focused, Pane) else None

    # Panes.

    def action_pane(self, name: str) -> None:
        """Show a pane and go there."""
        self.worker.do(lambda: self.source.called_for(name))
        self.desk.show(name)
        self.ask_again()

    def action_zoom(self) -> None:
        """The focused pane alone, or all again."""
        pane = self.pane()
        self.desk.zoom("" if self.desk.choice.zoom or pane is None else pane.kind)
        self.ask_again()

    def action_close(self) -> None:
        """Close what is zoomed, else the focused pane: what stood there before comes back."""
        pane, choice = self.pane(), self.desk.choice
        if choice.zoom:
            self.fold()
            return
        if pane is not None and pane.kind in choice.recent:
            recent = tuple(one for one in choice.recent if one != pane.kind)
            self.desk.use(replace(choice, recent=recent))
        self.ask_again()

    def action_view(self) -> None:
        """The focused pane's next view."""
        pane = self.pane()
        if pane is not None and pane.about.views:
            views = pane.about.views
            pane.turn(views[(views.index(pane.view) + 1) % len(views)])
            self.ask_again()

    def action_order(self) -> None:
        """Sort the focused pane by its next column."""
        pane = self.pane()
        if pane is not None and pane.about.orders:
            pane.order = (pane.order + 1) % len(pane.about.orders)
            self.ask_again()

    def action_grow(self, wider: int, higher: int) -> None:
        """Make the focused pane larger or smaller."""
        self.desk.grow(wider, higher)
        self.ask_again()

    def action_tell(self) -> None:
        """The focused pane in one sentence, in the story's place."""
        pane = self.pane()
        if pane is not None and pane.about.command:
            self.worker.execute(f"tell {pane.kind}")

    def action_copy(self, every: bool = False) -> None:
        """Copy the row under the cursor, or all that are seen (OSC 52)."""
        pane = self.pane()
        if pane is not None:
            text = pane.rows_text() if every else pane.row_text()
            self.copy_to_clipboard(text)
            lines = text.count("\n") + 1
            self.say([Span(f"{lines} {'row' if lines == 1 else 'rows'} copied to the terminal's clipboard.", "dim")])

    # The whole.

    def action_layout(self) -> None:
        """The next layout: those that ship, then the user's own."""
        names = list(self.layouts.named)
        at = names.index(self.layout_name) if self.layout_name in names else -1
        self.use_layout(names[(at + 1) % len(names)])

    def use_layout(self, name: str) -> None:
        """A layout by its name, as it ships or was kept. Raises UsageError."""
        self.desk.use(self.layouts.get(name))
        self.layout_name = name
        self.say([Span(f"Layout {name}", "title"), Span(f": {self.layouts.about(name)}.", "dim")])
        self.ask_again()

    def action_save_layout(self) -> None:
        """Keep the layout for the next time."""
        self.arrange_layout("keep", "")

    def arrange_layout(self, verb: str, name: str) -> None:
        """What the command ``layout`` asks for: to use, save or delete one, to keep the one at hand, or a list."""
        try:
            self._arrange_layout(verb, name)
        except OSError as error:
            self.say([Span(f"cannot write {error.filename}: {error.strerror}", "error")])
        except UsageError as error:
            self.say([Span(str(error), "error")])

    def _arrange_layout(self, verb: str, name: str) -> None:
        match verb:
            case "use":
                self.use_layout(name)
            case "keep":
                path = self.layouts.keep(self.desk.choice)
                said = f"The UI opens with this layout from now on: {path}." if path else "Nothing is kept here."
                self.say([Span(said, "ok")])
            case "save":
                path = self.layouts.save(name, self.desk.choice)
                self.layout_name = name
                where = f" in {path}" if path else ""
                self.say([Span(f"Layout {name} is kept{where}; F3 comes by it.", "ok")])
            case "delete":
                self.layouts.delete(name)
                self.say([Span(f"Layout {name} is deleted.", "ok")])
            case _:
                rows = [(Span(f"{one:<12} ", "selected"), Span(self.layouts.about(one), "text"))
                        for one in self.layouts.named]  # fmt: skip
                self.answer(Reply(tuple(rows)))
        self.worker.do(lambda: self.source.know_layouts(tuple(self.layouts.named)))

    def action_picture(self) -> None:
        """Write the screen as an SVG file into the current folder."""
        path = next(p for p in (Path(f"ppcdbg-{i}.svg") for i in range(1, 10_000)) if not p.exists())
        try:
            write_whole(path, picture(self))
        except OSError as error:
            self.say([Span(f"cannot write {path}: {error.strerror}", "error")])
        else:
            self.say([Span(f"The screen is in {path}.", "ok")])

    def action_prompt(self, sign: str, text: str = "") -> None:
        """Open the command line or the filter."""
        self.prompt.open(sign, text)

    def action_theme(self) -> None:
        """The next theme by name."""
        names = sorted(self.themes)
        self.use_theme(names[(names.index(self.looks.theme.name) + 1) % len(names)])

    def action_help(self) -> None:
        """Show the keys, those of the focused pane first."""
        self.push_screen(HelpScreen(self.looks, self.keys, self.pane()))
