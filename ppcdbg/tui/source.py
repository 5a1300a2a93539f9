"""The debugger as the screen's source: it fills the visible panes at one instant and carries out moves and commands.

Called on the worker's thread only, but for ``interrupt``. What a pane shows is made in :mod:`ppcdbg.tui.panes`, the
words in :mod:`ppcdbg.views`; here it is decided what the panes are about: now, or the exit that the user looks back at.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from ppcdbg.debugger.commands import registry
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.events import Event, EventKind, Verb
from ppcdbg.debugger.results import Quit, TlbView
from ppcdbg.debugger.stops import StopReport
from ppcdbg.kvm.records import ExitRecord
from ppcdbg.tui.panes import code, exits, guest, tlb
from ppcdbg.tui.scene import Ask, Command, Filled, Move, Need, Reply, Scene, Timeline
from ppcdbg.views import results, status, story, timeline
from ppcdbg.views.spans import Line, Span, line

SLOW_PERIOD = 0.5
"""Seconds between two drawings of a pane that reads hundreds of entries, while the guest runs."""
LOOKED_AT = 4000
"""Records that a filter looks at for one scene: the list fills while it looks, and keys are answered."""
NOTE_ROOM = 44
"""Columns beside the timeline's bars."""
PRESENT = frozenset({"registers", "irqprio", "tlb", "shadow", "paravirt"})
"""Panes that show the present state while the screen looks back at an exit, and say so in their frame."""


def _dated(filled: Filled) -> Filled:
    rest = (Span("  ", "label"), *filled.note) if filled.note else ()
    return replace(filled, note=(Span("now", "warning"), *rest))


class DebuggerSource:
    """One debugger for one screen."""

    def __init__(self, debugger: Debugger) -> None:
        self.debugger = debugger
        self._filter = debugger.exit_filter()
        self._width = 80
        self._code_top: int | None = None
        self._kept: dict[str, tuple[float, Need, Filled]] = {}
        self._bars: tuple[float, int, tuple[int, ...]] = (0.0, 0, ())

    # Running.

    def move(self, move: Move, between: Callable[[], None]) -> Reply:
        """Let the guest run; the story says why it stopped, so there is no reply."""
        d = self.debugger
        runs: dict[Move, Callable[[], StopReport]] = {
            Move.CONTINUE: d.continue_,
            Move.STEP: d.step,
            Move.NEXT: d.next,
            Move.EXIT: d.step_exit,
        }
        self._while_running(runs[move], between)
        return Reply()

    def execute(self, text: str, between: Callable[[], None]) -> Reply:
        """A command; a stop that it brings about is told by the story, not by a reply."""
        said: list[Line] = []  # by the commands of a script, each as it comes: a stop is told while it is the last
        script = self.debugger.script
        script.tell = lambda statement, part: said.extend(results.lines(part, self.debugger, self._width))
        try:
            result = self._while_running(partial(self.debugger.execute, text), between)
        finally:
            script.tell = None
        if isinstance(result, Quit):
            return Reply(leave=True)
        if isinstance(result, StopReport):
            return Reply()
        return Reply((*said, *results.lines(result, self.debugger, self._width)))

    def _while_running(self, run: Callable[[], object], between: Callable[[], None]) -> object:
        runner = self.debugger.runner
        runner.finished()  # an interrupt that came after the last run had ended was not meant for this one
        runner.between = between
        try:
            return run()
        finally:
            runner.between = None
            self._kept.clear()

    def interrupt(self) -> None:
        """From any thread: make the run return."""
        self.debugger.interrupt()

    # Questions.

    def check_filter(self, text: str) -> None:
        """Raises UsageError for what is no condition on exits."""
        self.debugger.exit_filter(text)

    def same_kind(self, number: int | None, step: int) -> int | None:
        """The nearest exit before or after with the same name; the newest one's kind when none is selected."""
        log = self.debugger.exits
        at = len(log) - 1 if number is None else number
        if not 0 <= at < len(log):
            return None
        vector = log[at].vector
        places = range(at + 1, len(log)) if step > 0 else range(at - 1, -1, -1)
        return next((i for i in places if log[i].vector == vector), None)

    def toggle_breakpoint(self, address: int) -> Reply:
        """Delete the plain breakpoints at the address, or set one."""
        d = self.debugger
        here = [
            b for b in d.breakpoints
            if b.verb is Verb.BREAK and b.event.kind is EventKind.ADDRESS and b.event.address == address
        ]  # fmt: skip
        for b in here:
            d.breakpoints.delete(b.number)
        if here:
            numbers = ", ".join(str(b.number) for b in here)
            return Reply((line((f"breakpoint {numbers} at {address:08x} deleted", "text")),))
        made = d.add_breakpoint(Verb.BREAK, Event(EventKind.ADDRESS, d.symbols.name(address), address))
        return Reply(tuple(results.lines(made, d, self._width)))

    def complete(self, text: str) -> tuple[int, tuple[str, ...]]:
        """Candidates for the end of a command line."""
        found = self.debugger.complete(text)
        return found.start, found.words

    def commands(self) -> tuple[Command, ...]:
        """The registry's commands."""
        return tuple(Command(c.name, c.usage, c.summary) for c in registry.commands().all)

    # Drawing.

    def draw(self, ask: Ask, running: bool) -> Scene:
        """Everything that is visible, now."""
        d = self.debugger
        self._width = max(20, ask.width - 2)
        if ask.filter != self._filter.text:
            self._filter = d.exit_filter(ask.filter)
            self._filter.patience = 0
        whole = self._filter.extend(LOOKED_AT)
        cursor = self._cursor(ask)
        record = None if cursor is None else self._filter[cursor]
        past = record if ask.row is not None or ask.keep is not None else None
        view: list[TlbView] = []
        panes = {kind: self._pane(kind, need, cursor, record, past, running, view) for kind, need in ask.needs.items()}
        if past is not None:
            panes |= {kind: _dated(panes[kind]) for kind in PRESENT & panes.keys()}
        return Scene(
            ask=ask,
            status=status.line_of(d, ask.width, running),
            story=self._story(past, running),
            timeline=self._timeline(ask, past, running),
            panes=panes,
            selected=None if record is None else record.number,
            running=running,
            pc=d.pc,
            partial=not whole,
        )

    def _cursor(self, ask: Ask) -> int | None:
        total = len(self._filter)
        if not total:
            return None
        wanted = ask.row
        if ask.keep is not None:
            wanted = self._filter.place(ask.keep)
        return total - 1 if wanted is None else max(0, min(wanted, total - 1))

    def _story(self, past: ExitRecord | None, running: bool) -> tuple[Span, ...]:
        if running and past is None:
            return line(("The guest runs. ", "running"), ("Esc", "selected"), " interrupts it.")
        return story.line_of(self.debugger, past)

    def _pane(
        self,
        kind: str,
        need: Need,
        cursor: int | None,
        record: ExitRecord | None,
        past: ExitRecord | None,
        running: bool,
        view: list[TlbView],
    ) -> Filled:
        d = self.debugger
        kept = self._kept.get(kind)
        if running and kept and kept[1] == need and time.monotonic() - kept[0] < SLOW_PERIOD:
            return kept[2]
        match kind:
            case "exits":
                return exits.fill(d, self._filter, need, cursor)
            case "detail":
                return exits.detail(d, record, need)
            case "disassembly":
                filled = code.fill(d, past, need, self._code_top)
                self._code_top = filled.first
                return filled
            case "registers":
                return code.register_rows(d, need)
            case "irqprio":
                return guest.priorities(d, need)
            case "console":
                return guest.printed(d, need)
            case "statistics":
                filled = guest.statistics(d, need)
            case "paravirt":
                filled = guest.paravirtual(d, need)
            case "tlb" | "shadow":
                if not view:
                    view.append(d.tlb())
                filled = (tlb.guest if kind == "tlb" else tlb.shadow)(d, view[0], need)
            case _:
                return Filled((), kind)
        self._kept[kind] = (time.monotonic(), need, filled)
        return filled

    def _timeline(self, ask: Ask, past: ExitRecord | None, running: bool) -> Timeline:
        d = self.debugger
        width = max(8, ask.width - NOTE_ROOM)
        drawn, before, bars = self._bars
        if not running or before != width or time.monotonic() - drawn >= SLOW_PERIOD:
            bars = timeline.heights(timeline.counts(d.exits, d.position, width))
            self._bars = (time.monotonic(), width, bars)
        here = None if past is None or not bars else min(past.position * width // max(1, d.position), width - 1)
        return Timeline(bars, here, timeline.note(d, past))
