"""What the keys do. A mixin of the app: each action is a few lines and touches the guest only through the worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import App

from ppcdbg.tui.help import HelpScreen
from ppcdbg.tui.layout import PANES, key_of
from ppcdbg.tui.panes.pane import Pane
from ppcdbg.tui.scene import Move, Reply

if TYPE_CHECKING:
    from ppcdbg.tui.desk import Desk
    from ppcdbg.tui.keys import Key
    from ppcdbg.tui.prompt import Prompt
    from ppcdbg.tui.scene import Ask, Source
    from ppcdbg.tui.styles import Styles
    from ppcdbg.tui.worker import Worker
    from ppcdbg.views.theme import Theme


class Actions(App[int]):
    """Needs of the app: the attributes below."""

    worker: Worker
    source: Source
    desk: Desk
    prompt: Prompt
    keys: tuple[Key, ...]
    themes: dict[str, Theme]
    looks: Styles
    asked: Ask
    selected: int | None
    trail: list[str]
    filter: str

    def ask_again(self, *, row: int | None = None, keep: int | None = None) -> None:
        """Ask for a scene of what is visible now."""
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

    # The guest.

    def action_run(self, how: str) -> None:
        """Let the guest run; the cursors go back to now."""
        if self.worker.running:
            return
        self.action_now()
        self.worker.move(Move(how))
        self.on_running(True)

    def on_running(self, running: bool) -> None:
        """Called when the guest starts; the next scene tells when it stopped."""

    def action_interrupt(self) -> None:
        """Stop a running guest."""
        self.worker.interrupt()

    def action_halt(self) -> None:
        """Stop a running guest; when it stands, close the zoomed pane, else go back to now."""
        if self.worker.running:
            self.worker.interrupt()
        elif self.desk.choice.zoom:
            self.desk.zoom("")
            self.ask_again()
        else:
            self.action_now()

    def action_neighbour(self, step: int) -> None:
        """The exit before or after; past the newest one the guest runs to its next exit."""
        exits = self.desk.panes["exits"]
        last = exits.filled.total - 1
        if step > 0 and (exits.cursor is None or exits.cursor >= last):
            self.action_run("exit")
        elif exits.cursor is not None:
            exits.go(exits.cursor + step)

    def action_alike(self, step: int) -> None:
        """Select the next or previous exit of the selected one's kind."""
        number = self.selected

        def find() -> Reply | None:
            found = self.source.same_kind(number, step)
            if found is None:
                return Reply(((("no further exit of this kind", "dim"),),))  # type: ignore[arg-type]
            self.call_later(self.keep_exit, found)
            return None

        self.worker.do(find)

    def keep_exit(self, number: int) -> None:
        """Select an exit by its number."""
        exits = self.desk.panes["exits"]
        exits.follow = False
        self.ask_again(keep=number)

    def action_breakpoint(self) -> None:
        """A breakpoint at the instruction under the disassembly's cursor, or at pc."""
        address = self.desk.panes["disassembly"].mark()
        if address is not None:
            self.worker.do(lambda: self.source.toggle_breakpoint(address))

    # The screen.

    def action_now(self) -> None:
        """Every pane follows the newest exit and pc again."""
        for pane in self.desk.panes.values():
            if not pane.follow and pane.kind != "log":
                pane.release()
        self.ask_again()

    def action_open(self) -> None:
        """From a list to the details of what is selected."""
        pane = self.pane()
        if pane is not None and pane.kind == "exits":
            self.trail.append(pane.kind)
            self.desk.show("detail")
            self.ask_again()

    def action_return(self) -> None:
        """Back to the pane that was left by Enter."""
        if self.trail:
            self.desk.show(self.trail.pop())
            self.ask_again()

    def action_pane(self, key: str) -> None:
        """Show the pane that has this key and go there."""
        self.desk.show(next(pane for pane in PANES if key_of(pane) == key))
        self.ask_again()

    def action_zoom(self) -> None:
        """The focused pane alone, or all again."""
        pane = self.pane()
        self.desk.zoom("" if self.desk.choice.zoom or pane is None else pane.kind)
        self.ask_again()

    def action_copy(self) -> None:
        """Copy the row under the cursor (OSC 52)."""
        pane = self.pane()
        if pane is not None:
            self.copy_to_clipboard(pane.row_text())

    def action_prompt(self, sign: str) -> None:
        """Open the command line or the filter."""
        self.prompt.open(sign, self.filter if sign == "/" else "")

    def action_theme(self) -> None:
        """The next theme by name."""
        names = sorted(self.themes)
        self.use_theme(names[(names.index(self.looks.theme.name) + 1) % len(names)])

    def action_help(self) -> None:
        """Show the keys."""
        self.push_screen(HelpScreen(self.looks, self.keys))
