"""The app: it owns the screen and the worker, hands scenes to the desk and keys to the actions. Wiring only.

The debugger is touched by the worker's thread alone (:mod:`ppcdbg.tui.worker`); what keys do is in
:mod:`ppcdbg.tui.actions`, what panes look like in :mod:`ppcdbg.tui.panes.pane`.
"""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.command import Provider
from textual.events import Resize
from textual.filter import Monochrome, NoColor
from textual.message import Message

from ppcdbg.tui import terminal
from ppcdbg.tui.actions import Footprint
from ppcdbg.tui.bars import Bar, KeyBar, Story, TimelineBar
from ppcdbg.tui.desk import Desk
from ppcdbg.tui.glyphs import AsciiOnly
from ppcdbg.tui.history import History
from ppcdbg.tui.keys import bindings, with_keymap
from ppcdbg.tui.offers import Offers
from ppcdbg.tui.palette import Everything
from ppcdbg.tui.panes.pane import Pane
from ppcdbg.tui.prompt import Prompt
from ppcdbg.tui.saved import Layouts
from ppcdbg.tui.scene import Ask, Command, Filled, Reply, Scene, Source
from ppcdbg.tui.styles import TRUE_COLOUR, Styles, textual_theme
from ppcdbg.tui.typed import Typed
from ppcdbg.tui.worker import Worker
from ppcdbg.views.spans import Line, Span, length
from ppcdbg.views.theme import Theme

TURN = 0.001
"""Seconds for which one thread may keep the interpreter from another. A key passes four threads until it is painted; at
Python's own 5 ms a guest whose exits are handled in Python would hold each of them up for so long."""
TALL = 45
"""Rows of a screen that has room for two lines of story, however much one holds."""
LOG_ROWS = 5000
"""Lines of command output that are kept."""


class PpcdbgApp(Typed):
    """The terminal UI over one source."""

    CSS = """
    Screen { layout: vertical; layers: default above; overflow: hidden hidden; }
    #story { height: 2; } .brief #story { height: 1; }
    """
    AUTO_FOCUS = ""  # it would come late, and take the focus from a line that is being typed
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {Everything}
    BINDINGS: ClassVar[list[BindingType]] = [*bindings()]

    class News(Message):
        """The worker has something for the screen."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, PpcdbgApp.News)

    def __init__(
        self,
        source: Source,
        themes: Mapping[str, Theme],
        theme: str,
        *,
        depth: int = TRUE_COLOUR,
        ascii_only: bool = False,
        history: Path | None = None,
        keymap: Mapping[str, str] | None = None,
        layout_file: Path | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        self.looks = Styles(themes[theme], depth)
        self.themes = dict(themes)
        self.keys = with_keymap(keymap or {})
        super().__init__()
        for known in themes.values():
            self.register_theme(textual_theme(known))
        self.theme = "ppcdbg-" + theme
        self.set_keymap(dict(keymap or {}))
        if self.no_color or depth == 1:  # the toolkit's own choice makes the terminal's colours black on black
            self._filters = [*(one for one in self._filters if not isinstance(one, Monochrome)), NoColor()]
        if ascii_only:
            self._filters.append(AsciiOnly())
        self.source = source
        self.worker = Worker(source, self._has_news)
        skipped = list(notes)
        self.layouts = Layouts(layout_file, source.desktop, skipped)
        self.layout_name = self.layouts.first.desktop
        self.desk = Desk(self.looks, self.layouts.first)
        self.status = Bar(self.looks, "status", "bar")
        self.timeline = TimelineBar(self.looks)
        self.story = Story(self.looks)
        self.offers = Offers(self.looks)
        self.prompt = Prompt({":": History(history), "/": History(history and history.with_name("filters")),
                              "?": History(), ">": History()}, self.offers)  # fmt: skip
        self.key_bar = KeyBar(self.looks, self.keys)
        self.commands: tuple[Command, ...] = ()
        self.log_rows: list[Line] = []
        self.filter = ""
        self.selected: int | None = None
        self.asked = Ask()
        self.trail: list[Footprint] = []
        self.crash: BaseException | None = None
        self._told: tuple[Span, ...] | None = None
        self._notes = tuple(skipped)
        self._shown: Ask | None = None
        self._settled_in = False
        self._unfolded, self._asker = False, ""
        """Whether a long answer has the desk for itself, unasked; and the pane that gets the keys back then."""
        self._turn = sys.getswitchinterval()

    def _has_news(self) -> None:
        self.post_message(self.News())

    def compose(self) -> ComposeResult:
        yield self.status
        yield self.desk
        yield self.timeline
        yield self.story
        yield self.prompt
        yield self.key_bar
        yield self.offers

    def on_mount(self) -> None:
        if not self.is_headless:
            self._undo_signals = terminal.on_signals(self.exit, self.worker.interrupt)
            self.set_interval(terminal.LOOK, self._look_for_terminal)
            sys.setswitchinterval(TURN)
        first = self.desk.shown() or [self.desk.panes["exits"]]
        self.screen.set_focus(first[0])
        self.desk.panes["log"].feed(Filled((), "Output"))
        self.worker.start()
        self.worker.do(self._learn_commands)

    def _look_for_terminal(self) -> None:
        if terminal.is_gone():
            self.exit(terminal.CODE_OF_SIGNAL + signal.SIGHUP)

    def _learn_commands(self) -> Reply | None:
        self.commands = self.source.commands()
        self.source.know_layouts(tuple(self.layouts.named))
        notes = tuple((Span(f"skipped: {note}", "warning"),) for note in self._notes)
        return Reply(notes) if notes else None

    def on_resize(self, event: Resize) -> None:
        brief = event.size.width >= 160 and event.size.height < TALL
        self.screen_stack[0].set_class(brief, "brief")
        self.desk.arrange_panes(event.size.width, max(1, event.size.height - (4 if brief else 5)))
        self.ask_again()

    def on_unmount(self) -> None:
        sys.setswitchinterval(self._turn)
        self.worker.close()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The keys that open the line are looked at before the focused widget, but not while a line is typed."""
        return action not in ("prompt", "search") or (
            self.focused is not self.prompt.line and len(self.screen_stack) == 1
        )

    # Scenes.

    def ask_again(self, *, row: int | None = None, keep: int | None = None) -> None:
        exits = self.desk.panes["exits"]
        if row is None and keep is None and not exits.follow:
            row = exits.cursor
        self.asked = Ask(self.desk.needs(), self.size.width, row, keep, self.filter)
        self.worker.ask(self.asked)

    def on_pane_wants(self, message: Pane.Wants) -> None:
        self.ask_again()

    def on_ppcdbg_app_news(self, message: News) -> None:
        scene, replies, crash = self.worker.take()
        if crash is not None:
            self.leave_with(crash)
            return
        if scene is not None:
            self._show(scene)
        elif self.worker.progress:
            self.say([*self.worker.progress])
        for reply in replies:
            self.answer(reply)

    @property
    def settled(self) -> bool:
        """Whether the screen shows what was asked for, all of it, and nothing goes on."""
        return self._shown == self.asked and not self.worker.busy and not any(
            pane.starved() for pane in self.desk.panes.values() if pane.box.width and pane.about.command
        )  # fmt: skip

    def _show(self, scene: Scene) -> None:
        self._shown = None if scene.partial else scene.ask
        if self._shown and not self._settled_in and not self.is_headless:
            self._settled_in = True
            gc.freeze()  # what the start made stays: each look through it for garbage takes 60 ms
        self.status.show_rows((scene.status,))
        self.timeline.feed(scene.timeline)
        self.key_bar.set_running(scene.running)
        if scene.story != self._told:  # else an answer stays in its place
            self._told = scene.story
            self.story.tell(scene.story)
        self.selected = scene.selected
        exits = self.desk.panes["exits"]
        filled = scene.panes.get("exits")
        if scene.ask.keep is not None and filled is not None and filled.cursor is not None:
            exits.go(filled.cursor)
        self.desk.feed(scene)
        if any(self.desk.panes[kind].starved() for kind in scene.panes) and scene.ask == self.asked:
            self.ask_again()

    def answer(self, reply: Reply) -> None:
        """Show what a command said: short in the story's place, long in the output pane."""
        if reply.leave:
            self.exit(0)
            return
        if reply.moved and not self.worker.running:
            self.action_now()
        if self.scrubbing and not self.worker.running:
            self.scrub_on()
        if self.stepping and not self.worker.running:
            self.step_on()
        if reply.show:
            self.desk.panes[reply.show].turn(reply.view)
            self.action_pane(reply.show)
        if reply.layout is not None:
            self.arrange_layout(*reply.layout)
        if self._unfolded and (reply.rows or reply.moved):  # what is said now may need no room: the desk comes back
            self._unfolded = False
            if self.desk.choice.zoom == "log":
                self.desk.zoom("")
                self.ask_again()
        first = len(self.log_rows)
        self.log_rows += reply.rows
        del self.log_rows[:-LOG_ROWS]
        first = max(0, len(self.log_rows) - len(reply.rows))
        log = self.desk.panes["log"]
        note = (Span("Esc closes", "dim"),)
        log.feed(Filled(tuple(self.log_rows), "Output", note, total=len(self.log_rows)))
        if len(reply.rows) > 2:
            focused = self.focused
            asker = focused.kind if isinstance(focused, Pane) and focused.kind != "log" else ""
            self.desk.show("log")
            taught = self.desk.panes["tutorial"].box.width > 0  # one reads each answer to its end
            cut = taught and max(map(length, reply.rows)) > log.box.width - 2
            room = not reply.moved and not self.desk.choice.zoom  # who moves wants to see the panes; the story tells it
            if room and (cut or len(reply.rows) > log.height_of_rows):
                self.desk.zoom("log")
                self._unfolded, self._asker = True, asker or "tutorial" * taught
            log.scroll_rows(first - log.top)
            self.ask_again()
        elif reply.rows:
            self.say([span for row in reply.rows for span in (*row, Span(" "))])

    def fold(self) -> None:
        """See ``Windows.fold``."""
        self.desk.zoom("")
        if self._unfolded and self._asker:
            self.desk.show(self._asker)
        self._unfolded = False
        self.ask_again()

    def say(self, spans: list[Span]) -> None:
        self.story.tell(spans)

    # Looks and leaving.

    def use_theme(self, name: str) -> None:
        self.looks = Styles(self.themes[name], self.looks.depth)
        self.theme = "ppcdbg-" + name
        self.desk.restyle(self.looks)
        for bar in (self.status, self.timeline, self.story, self.key_bar, self.offers):
            bar.restyle(self.looks)

    def leave_with(self, crash: BaseException) -> None:
        """Leave because of an internal error; ``run_app`` raises it once the terminal is restored."""
        self.crash = self.crash or crash
        self.exit(70)

    def _fatal_error(self) -> None:
        # Textual would print its own rendering; the plain traceback is the command line's to print.
        self.leave_with(self._exception or RuntimeError("the screen failed without a reason"))

    async def action_quit(self) -> None:
        """Interrupt the guest and leave."""
        self.worker.interrupt()
        self.exit(0)
