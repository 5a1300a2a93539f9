"""The debugger as the screen's source: it fills the visible panes at one instant and carries out moves and commands.

Called on the worker's thread only, but for ``interrupt``. What a pane shows is made in :mod:`ppcdbg.tui.panes`, the
words in :mod:`ppcdbg.views`; here it is decided what the panes are about: now, or the exit that the user looks back at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType

from ppcdbg.debugger.commands import registry
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.events import Event, EventKind, Verb
from ppcdbg.debugger.lessons import Lesson
from ppcdbg.debugger.results import LayoutWish, Quit, Shown
from ppcdbg.debugger.searches import SlotHistory
from ppcdbg.debugger.stops import Cause, StopReport
from ppcdbg.debugger.world_switch import SwitchPlace, SwitchRegisters
from ppcdbg.kvm.log import KnownExits
from ppcdbg.kvm.records import ExitRecord
from ppcdbg.nested.audit import Audit
from ppcdbg.session.pace import steady
from ppcdbg.tui.panes.drawing import Drawing
from ppcdbg.tui.panes.table import BY_NAME
from ppcdbg.tui.scene import Ask, Command, Filled, Move, Need, Pulse, Reply, Scene, Timeline, no_pulse
from ppcdbg.views import progress, results, searches, status, story, summaries, timeline
from ppcdbg.views.completion import Candidates, candidates
from ppcdbg.views.spans import Line, Span, line, to_text

SLOW_PERIOD = 0.5
"""Seconds between two drawings of a pane that reads hundreds of entries, while the guest runs."""
LOOKED_AT = 4000
"""Records that a filter looks at for one scene: the list fills while it looks, and keys are answered."""
EVERY_ROW = 100_000
"""Rows of a pane that is searched."""
KEY = "Esc"
"""What ends whatever goes on."""
FIRST = line(" ", ("]", "selected"), " runs to the first exit, ", ("u", "selected"), " is a tutorial.")
"""Where to begin, for who has just opened it."""
NOTE_ROOM = 44
"""Columns beside the timeline's bars."""


_SHOWN_IN: Mapping[type, tuple[str, ...]] = MappingProxyType({
    SwitchPlace: ("switch", "owners"), SwitchRegisters: ("owners", "switch"), Audit: ("nested",),
})  # fmt: skip
"""Results that a pane shows, where one of these is visible."""


def _dated(filled: Filled) -> Filled:
    """Of a pane that shows the present while the screen looks back, because the guest runs and cannot be moved."""
    rest = (Span("  ", "label"), *filled.note) if filled.note else ()
    return replace(filled, note=(Span("now", "warning"), *rest))


class DebuggerSource:
    """One debugger for one screen."""

    def __init__(self, debugger: Debugger) -> None:
        self.debugger = debugger
        self._filter = debugger.exit_filter(whole=True)
        self._width = 80
        self._tops: dict[str, int | None] = {}
        self._visible: frozenset[str] = frozenset()
        """Panes of the last scene."""
        self._told: int | None = None
        """The exit whose list row and story were drawn before the guest is brought there."""
        self._progress = progress.Progress(debugger, KEY)
        self._clock = steady()
        self._kept: dict[str, tuple[float, Need, Filled]] = {}
        self._bars: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
        """The heights of the line of the run, after what they are of."""
        self._bars_at = 0.0
        self._dear = 0
        """How many things that read a lot the scene at hand has drawn."""

    @property
    def desktop(self) -> str:
        """Exits where there are any to come; else the machine itself; and what suits a tutorial that was begun."""
        if self.debugger.lessons.on:
            return "teaching"
        return "exits" if self.debugger.has_exits else "machine"

    # Running.

    def move(self, move: Move, between: Callable[[], None]) -> Reply:
        """Let the guest run; the story says why it stopped, so there is no reply."""
        d = self.debugger
        runs: dict[Move, Callable[[], StopReport]] = {
            Move.CONTINUE: d.continue_,
            Move.STEP: d.step,
            Move.NEXT: d.next,
            Move.EXIT: d.step_exit,
            Move.BACK: d.past.reverse_continue,
            Move.BACK_STEP: d.past.reverse_step,
            Move.BACK_NEXT: d.past.reverse_next,
        }
        self.debugger.past.looking.stay()
        self._while_running(runs[move], between)
        return Reply(moved=True)

    def execute(self, text: str, between: Callable[[], None]) -> Reply:
        """A command; a stop that it brings about is told by the story, not by a reply."""
        said: list[Line] = []  # by the commands of a script, each as it comes: a stop is told while it is the last
        script = self.debugger.script
        lessons = self.debugger.lessons
        lessons.look()  # what was done is seen before what comes next is taken for a part of it
        begun = lessons.on
        script.tell = lambda statement, part: said.extend(results.lines(part, self.debugger, self._width))
        here = self.debugger.past.here
        try:
            result = self._while_running(partial(self.debugger.execute, text), between)
        finally:
            script.tell = None
        if isinstance(result, Quit):
            return Reply(leave=True)
        moved = self.debugger.past.here != here
        if moved:
            self.debugger.past.looking.stay()
        if isinstance(result, Lesson) and not begun:  # whatever the layout was, one reads much now
            return Reply(moved=moved, layout=("use", "teaching"))
        if isinstance(result, StopReport) or isinstance(result, Lesson) and "tutorial" in self._visible:
            return Reply(moved=moved)
        if isinstance(result, Shown):
            return Reply((summaries.sentence(result.topic, self.debugger),), moved=moved, show=result.topic)
        if isinstance(result, SlotHistory):
            shown = "shadow" if result.shadow else "tlb"
            return Reply((searches.slot_total(result),), show=shown, view="slot")
        if isinstance(result, LayoutWish):
            return Reply(layout=(result.verb, result.name))
        pane = next((one for one in _SHOWN_IN.get(type(result), ()) if one in self._visible), None)
        if pane is not None:  # it shows it all: a sentence will do
            return Reply((summaries.sentence(pane, self.debugger),), moved=moved)
        return Reply((*said, *results.lines(result, self.debugger, self._width)), moved=moved)

    def _while_running(self, run: Callable[[], object], between: Callable[[], None]) -> object:
        runner = self.debugger.runner
        self._progress = progress.Progress(self.debugger, KEY)
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
        return self._filter.same_kind(number, step)

    def is_code(self, address: int) -> bool:
        """Inside a function, by the symbols; without symbols where the image has instructions."""
        symbols = self.debugger.symbols
        place = symbols.place(address)
        symbol = None if place is None else symbols.symbol(place.name)
        return symbol.function if symbol is not None else self.debugger.image_word(address) is not None

    def find(self, pane: str, need: Need, text: str, row: int, step: int) -> int | None:
        """The nearest row of a pane that holds a text, upper and lower case alike; around at the ends."""
        kind = BY_NAME[pane]
        drawing = Drawing(self.debugger, self._filter, None, None, None, {})
        if kind.find is not None:
            return kind.find(drawing, text, row, step)
        filled = kind.fill(drawing, replace(need, top=0, height=EVERY_ROW))
        found = [filled.first + i for i, one in enumerate(filled.rows) if text.lower() in to_text((one,)).lower()]
        if not found:
            return None
        if step > 0:
            return next((i for i in found if i > row), found[0])
        return next((i for i in reversed(found) if i < row), found[-1])

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

    def switch_breakpoint(self, number: int) -> Reply:
        """Let a breakpoint act, or pass over it from now on."""
        word = "disable" if self.debugger.breakpoints.get(number).enabled else "enable"
        return Reply(tuple(results.lines(self.debugger.execute(f"{word} {number}"), self.debugger, self._width)))

    def type(self, text: str) -> Reply:
        """Type a text at the guest's console: it enters by the input queue, so it is recorded."""
        self.debugger.send(text.encode())
        told = "" if self.debugger.running else " It arrives when the guest runs on."
        return Reply((line((f"{len(text) - 1} characters and Enter typed.", "text"), (told, "dim")),))

    def complete(self, text: str) -> Candidates:
        """Candidates for the end of a command line, as the prompt offers them."""
        return candidates(self.debugger, text)

    def commands(self) -> tuple[Command, ...]:
        """The registry's commands."""
        return tuple(Command(c.name, c.usage, c.summary) for c in registry.commands().all)

    def know_layouts(self, names: tuple[str, ...]) -> None:
        """The layouts there are, for completion."""
        self.debugger.layouts = names

    # Drawing.

    def draw(self, ask: Ask, running: bool, pulse: Pulse = no_pulse) -> Scene:
        """Everything that is visible, at one instant: now, or when the selected exit had been handled.

        A scene that has to bring the guest elsewhere first is drawn twice: at once without what must wait for that,
        so that a list can be gone through faster than the guest can follow.
        """
        d = self.debugger
        self._width = max(20, ask.width - 2)
        if ask.filter != self._filter.text:
            self._filter = d.exit_filter(ask.filter, whole=True)
            self._filter.patience = 0
        whole = self._filter.extend(LOOKED_AT)
        looks = ask.row is not None or ask.keep is not None
        cursor = self._cursor(ask)
        record = None if cursor is None else self._filter[cursor]
        past = record if looks else None
        there = running or self._bring(past, pulse)
        if past is None:  # the guest stands elsewhere now, if it had been looked back from
            cursor = self._cursor(ask)
            record = None if cursor is None else self._filter[cursor]
        self._sees(frozenset(ask.needs))
        self._dear = 0
        drawing = Drawing(d, self._filter, cursor, record, past, self._tops)
        panes = {kind: self._pane(kind, need, drawing, running) for kind, need in ask.needs.items()
                 if there or BY_NAME[kind].timeless}  # fmt: skip
        if past is not None and running:
            panes = {kind: filled if BY_NAME[kind].timeless else _dated(filled) for kind, filled in panes.items()}
        return Scene(
            ask=ask,
            status=status.line_of(d, ask.width, running, past.number if past is not None else None),
            story=self._story(past if there else record, running),
            timeline=self._timeline(ask, past, running),
            panes=panes,
            selected=None if record is None else record.number,
            running=running,
            pc=d.pc,
            partial=not whole or not there or not running and any(filled.partial for filled in panes.values()),
        )

    def _sees(self, panes: frozenset[str]) -> None:
        for kind in sorted(panes - self._visible if self._visible else ()):
            self.called_for(kind)
        self._visible = panes

    def called_for(self, pane: str) -> None:
        """A pane that the user called for is as good to a tutorial as the command that prints it."""
        lessons, command = self.debugger.lessons, BY_NAME[pane].command
        lessons.look()
        if command:
            lessons.carried_out(registry.find(command)[0].name)

    def _bring(self, past: ExitRecord | None, pulse: Pulse) -> bool:
        """Have the guest stand where the screen looks; false where that is still to be done."""
        looking = self.debugger.past.looking
        number = None if past is None else past.number
        if looking.exit == number and (number is not None or looking.present is None):
            self._told = number
            return True
        if self._told != number:  # the list answers at once
            self._told = number
            return False
        self._kept.clear()
        shown = progress.Progress(self.debugger, KEY)
        runner = self.debugger.runner
        runner.finished()

        def between() -> None:
            if pulse(shown.line()):
                runner.interrupt()

        runner.between = between
        try:
            return looking.at(number) if number is not None else looking.back()
        finally:
            runner.between = None
            runner.finished()

    def _cursor(self, ask: Ask) -> int | None:
        total = len(self._filter)
        if not total:
            return None
        wanted = ask.row
        if ask.keep is not None:
            wanted = self._filter.place(ask.keep)
        elif wanted is None:  # the last one before the present; a recording tells of later ones
            present = self.debugger.past.looking.present
            wanted = self._filter.place(self.debugger.system.steps if present is None else present.key[1]) - 1
            if wanted < 0:
                return None
        return max(0, min(wanted, total - 1))

    def _story(self, past: ExitRecord | None, running: bool) -> tuple[Span, ...]:
        if running and past is None:
            return self._progress.line() or line(("The guest runs. ", "running"), (KEY, "selected"), " stops it.")
        told = story.line_of(self.debugger, past)
        fresh = past is None and self.debugger.last.cause is Cause.START and not self.debugger.lessons.on
        return (*told, *FIRST) if fresh and self.debugger.has_exits else told

    def _pane(self, name: str, need: Need, drawing: Drawing, running: bool) -> Filled:
        kind = BY_NAME[name]
        kept = self._kept.get(name)
        if running and kept and kept[1] == need and self._waits(kept[0]):
            return kept[2]
        filled = kind.fill(drawing, need)
        if kind.dear:
            self._dear += 1
            self._kept[name] = (self._clock(), need, filled)
        return filled

    def _waits(self, drawn: float) -> bool:
        """Whether what reads a lot need not be drawn again while the guest runs, or is left for the next scene: a scene
        that draws all of them comes late."""
        return bool(self._dear) or self._clock() - drawn < SLOW_PERIOD

    def _timeline(self, ask: Ask, past: ExitRecord | None, running: bool) -> Timeline:
        d = self.debugger
        log, width = self._filter.log, max(8, ask.width - NOTE_ROOM)
        history = log.history if isinstance(log, KnownExits) else 0
        (of, bars), now = self._bars, (width, self._end, len(log), history)
        if of != now and not (running and of[:1] == now[:1] and self._waits(self._bars_at)):
            self._dear += 1
            bars = timeline.heights(timeline.counts(log, self._end, width))
            self._bars, self._bars_at = (now, bars), self._clock()
        here = None
        if bars and (past is not None or d.position < self._end):
            here = min((d.position if past is None else past.position) * width // max(1, self._end), width - 1)
        return Timeline(bars, here, timeline.note(d, past, self._end), self._end)

    @property
    def _end(self) -> int:
        """The position up to which the run is known."""
        log = self._filter.log
        last = log.position(len(log) - 1) if log and isinstance(log, KnownExits) else 0
        return max(self.debugger.past.end[0], last)
