"""What the keys do to the guest and to the selection. A mixin of the app: each action is a few lines and touches the
guest only through the worker. What they do to the desk is in :mod:`ppcdbg.tui.windows`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ppcdbg.tui.bars import Bar, KeyBar, TimelineBar
from ppcdbg.tui.panes.pane import Pane
from ppcdbg.tui.scene import Follow, Move, Reply
from ppcdbg.tui.windows import Windows
from ppcdbg.views.spans import Span

if TYPE_CHECKING:
    from ppcdbg.tui.scene import Ask


@dataclass(frozen=True)
class Footprint:
    """Where the user was: the pane, the exit that was looked at, and the windows of panes that show addresses."""

    pane: str
    exit: int | None
    windows: tuple[tuple[str, int, int | None, bool], ...]


class Actions(Windows):
    """Needs of the app: the attributes below."""

    asked: Ask
    selected: int | None
    trail: list[Footprint]
    filter: str
    ahead = 0
    """Exits that are still to be gone to, because the key for it was pressed while the guest was on its way to one."""
    stepping = False
    """Whether the guest is on its way to an exit for the user who goes through them."""
    scrubbing = False
    scrubbed: int | None = None
    """Where the run is to be gone to once it is where it was sent before."""

    def action_run(self, how: str) -> None:
        """Let the guest run on from the moment that the screen shows; then the cursors follow it. In a pane about
        another machine that one runs."""
        if self.worker.running:
            return
        self.stepping = self.stepping and how == "exit"
        pane = self.pane()
        own = {} if pane is None else dict(pane.about.moves)
        if pane is not None and own:
            if how in own:
                pane.release()
                self.worker.execute(own[how])
            return
        self.worker.move(Move(how))  # first: what is asked for next must not bring the guest back to the present
        self.action_now()

    def action_interrupt(self) -> None:
        """Stop a running guest."""
        self.ahead = 0
        self.worker.interrupt()

    def action_halt(self) -> None:
        """Stop a running guest; when it stands, close the zoomed pane, else go back to now."""
        if self.worker.running:
            self.action_interrupt()
        elif self.desk.choice.zoom:
            self.fold()
        else:
            self.action_now()

    def action_neighbour(self, step: int) -> None:
        """The exit before or after; past the newest one the guest runs to its next exit."""
        exits = self.desk.panes["exits"]
        last = exits.filled.total - 1
        if self.stepping and self.worker.running:
            self.ahead = max(0, self.ahead + step)
        elif step > 0 and (exits.cursor is None or exits.cursor >= last):
            self.to_exit(1)
        elif exits.cursor is not None:
            exits.go(exits.cursor + step)

    def to_exit(self, count: int) -> None:
        """Let the guest run to its next exit, or so many further."""
        if self.worker.running:
            return
        self.stepping, self.ahead = True, 0
        if count > 1:
            self.worker.execute(f"step-exit {count}")
            self.action_now()
        else:
            self.action_run("exit")

    def step_on(self) -> None:
        """The guest stands again: what was pressed meanwhile has its turn."""
        count, self.stepping = self.ahead, False
        if count:
            self.to_exit(count)

    def action_alike(self, step: int) -> None:
        """Select the next or previous exit of the selected one's kind, or the next match of a pane's search."""
        pane = self.pane()
        if pane is not None and pane.sought:
            self.seek_text(pane, pane.sought, step)
            return
        number = self.selected

        def find() -> Reply | None:
            found = self.source.same_kind(number, step)
            if found is None:
                return Reply(((Span("no further exit of this kind", "dim"),),))
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

    def action_edit(self) -> None:
        """Change what the row under the cursor shows: the command line opens with the command that does it."""
        pane = self.pane()
        mark = None if pane is None else pane.mark()
        if pane is None:
            return
        if pane.about.edit:
            self.prompt.open(":", pane.about.edit, complete=True)
        elif pane.kind == "breakpoints" and mark is not None:
            self.worker.do(lambda: self.source.switch_breakpoint(mark))
        elif pane.kind == "memory":
            where = pane.top * 16 if mark is None else mark
            self.prompt.open(":", f"set var *(u32 *){where:#x} = ")
        else:
            self.prompt.open(":", "set var $")

    def action_past(self) -> None:
        """The history of what the row under the cursor shows."""
        pane = self.pane()
        if pane is not None and pane.past():
            self.worker.execute(pane.past())

    def action_delete(self) -> None:
        """Delete the breakpoint under the cursor."""
        pane = self.pane()
        mark = None if pane is None else pane.mark()
        if pane is not None and pane.kind == "breakpoints" and mark is not None:
            self.worker.execute(f"delete {mark}")

    # Looking.

    def action_now(self) -> None:
        """Every pane follows the guest again, where it stood before the screen looked back."""
        for pane in self.desk.panes.values():
            if not pane.follow and pane.kind != "log":
                pane.release()
        self.ask_again()

    def action_open(self) -> None:
        """Follow the row under the cursor."""
        pane = self.pane()
        follow = None if pane is None else pane.followed()
        if pane is not None and pane.kind == "console":
            self.prompt.open(">")
        elif follow is not None:
            self.follow_to(follow)

    def on_pane_followed(self, message: Pane.Followed) -> None:
        follow = message.follow
        if follow.kind != "address":
            self.follow_to(follow)
            return

        def decide() -> Reply | None:
            kind = "code" if self.source.is_code(follow.value) else "memory"
            self.call_later(self.follow_to, Follow(kind, follow.value))
            return None

        self.worker.do(decide)

    def on_pane_wanted(self, message: Pane.Wanted) -> None:
        self.desk.show(message.pane.kind)
        acts = {"zoom": self.action_zoom, "view": self.action_view, "order": self.action_order}
        acts.get(message.action, self.action_breakpoint)()

    def on_pane_dragged(self, message: Pane.Dragged) -> None:
        self.desk.last = message.pane.kind
        self.action_grow(message.wider, message.higher)

    async def on_key_bar_chosen(self, message: KeyBar.Chosen) -> None:
        await self.run_action(message.action)

    def on_timeline_bar_chosen(self, message: TimelineBar.Chosen) -> None:
        self.scrub(message.position)

    def on_pane_scrubbed(self, message: Pane.Scrubbed) -> None:
        self.scrub(message.position)

    def scrub(self, position: int) -> None:
        """Go to a position; while one is gone to the last that was asked for waits."""
        if self.worker.running:
            self.scrubbed = position if self.scrubbing else None
            return
        self.scrubbing, self.scrubbed = True, None
        self.worker.execute(f"seek {position}")

    def scrub_on(self) -> None:
        """The guest stands: at the position that was asked for meanwhile, or there for good."""
        waiting, self.scrubbing = self.scrubbed, False
        if waiting is not None:
            self.scrub(waiting)

    def on_bar_chosen(self, message: Bar.Chosen) -> None:
        if message.name == "status":
            self.action_command_palette()

    def follow_to(self, follow: Follow) -> None:
        """Go to what a row is about; Backspace comes back."""
        self.trail.append(self._footprint())
        del self.trail[:-100]
        match follow.kind:
            case "exit":
                self.keep_exit(follow.value)
                return  # what is asked for next would forget which exit that was
            case "code" | "memory":
                kind, unit = ("disassembly", 4) if follow.kind == "code" else ("memory", 16)
                self.desk.show(kind)
                pane = self.desk.panes[kind]
                pane.lead(follow.value // unit)
            case "command":
                self.worker.execute(follow.name)
            case "row":
                self.desk.show(follow.name)
                pane = self.desk.panes[follow.name]
                pane.view = pane.about.views[0]
                pane.lead(follow.value)
            case "pane":
                self.desk.show(follow.name)
            case _:
                raise AssertionError(f"nothing is known of rows that lead to {follow.kind!r}")
        self.ask_again()

    def _footprint(self) -> Footprint:
        exits = self.desk.panes["exits"]
        windows = tuple((p.kind, p.top, p.cursor, p.follow) for p in self.desk.panes.values() if p.filled.endless)
        return Footprint(self.desk.last, None if exits.follow else self.selected, windows)

    def action_return(self) -> None:
        """Back to where the last Enter came from."""
        if not self.trail:
            return
        was = self.trail.pop()
        for kind, top, cursor, follow in was.windows:
            pane = self.desk.panes[kind]
            pane.top, pane.cursor, pane.follow = top, cursor, follow
        self.desk.show(was.pane)
        if was.exit is not None:
            self.keep_exit(was.exit)
        else:
            self.desk.panes["exits"].release()
            self.ask_again()

    # Searching.

    def action_search(self) -> None:
        """Filter the exits, or search the pane that has the focus."""
        pane = self.pane()
        if pane is None or pane.kind == "exits":
            self.prompt.open("/", self.filter)
        else:
            self.prompt.open("?", pane.sought)

    def seek_text(self, pane: Pane, text: str, step: int) -> None:
        """Put a pane's cursor on the next row that holds a text; the source looks, as it knows all rows."""
        pane.sought = text
        row = pane.top if pane.cursor is None else pane.cursor
        need = pane.need()

        def find() -> Reply | None:
            found = self.source.find(pane.kind, need, text, row, step)
            if found is None:
                return Reply(((Span(f"{text!r} was not found in this pane", "dim"),),))
            self.call_later(pane.lead, found)
            return None

        if text:
            self.worker.do(find)
