"""Other futures of one guest: named ones that one can switch between and compare, and the question "what if".

A branch is all of a run's input and nothing else, for a run is the same whenever it is made again. Whatever changes the
guest (``set``, ``inject``, ``withhold``, ``send``) is input, so the branch that one is on is edited by doing things in
it. To switch is to go back to a checkpoint that both have in common and to run on with the other's input.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ppcdbg.debugger import futures, inputs
from ppcdbg.debugger.futures import Comparison, Side
from ppcdbg.debugger.positions import where_of
from ppcdbg.debugger.stops import StopReport
from ppcdbg.debugger.work import Work
from ppcdbg.errors import Interrupted, UsageError
from ppcdbg.machine.input import InputEvent, apart_at, first_apart
from ppcdbg.session.forks import fork
from ppcdbg.session.places import Key
from ppcdbg.session.snapshots import Root

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger
    from ppcdbg.session.store import Future

MAIN = "main"
NEAR = 16
"""Instructions before a place at which the two futures begin at the latest, to be shown what came before it."""
AHEAD = 1_000_000
"""Instructions that two futures are compared for where nothing says how far."""


@dataclass(frozen=True)
class Branch:
    """One future: its name, the branch that it came of, where it began (a position, and exits before it), all of its
    input, and where one was on it last."""

    name: str
    parent: str
    position: int
    exits: int
    events: tuple[InputEvent, ...]
    place: Key


@dataclass(frozen=True, slots=True)
class BranchRow:
    """A branch in a list. ``edits``: what its input has and its parent's has not, in words."""

    name: str
    parent: str
    position: int
    now: int
    current: bool
    edits: tuple[str, ...]


@dataclass(frozen=True)
class BranchList:
    rows: tuple[BranchRow, ...]


class Branches:
    """The branches of one debugger's guest. The run that it began with is ``main``."""

    def __init__(self, debugger: Debugger) -> None:
        self._debugger = debugger
        self._known: dict[str, Branch] = {}
        self._made = 0
        self.current = self._recorded = MAIN
        """The branch that one is on; the one whose run the session file holds."""
        self.changed: list[Callable[[], None]] = []
        """Called when there are others, or they got input: whoever writes the run down elsewhere."""
        for f in debugger.past.kept_in.read(lambda store: store.futures()):
            self._known[f.name] = Branch(f.name, f.parent, f.position, f.steps, f.events, f.place)
            if f.recorded:
                self.current = self._recorded = f.name
        self._kept = self._state()

    # --- what there is ----------------------------------------------------------------------------------------------
    def _present(self) -> Branch:
        """The current one as it is now."""
        past = self._debugger.past
        known = self._known.get(self.current)
        parent, position, exits = (known.parent, known.position, known.exits) if known else ("", 0, 0)
        return Branch(self.current, parent, position, exits, past.timeline.history, past.here)

    def get(self, name: str) -> Branch:
        """Raises UsageError for a name that no branch has."""
        if name == self.current:
            return self._present()
        if name not in self._known:
            raise UsageError(f"there is no branch {name!r}; there are {', '.join(self.names)}")
        return self._known[name]

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys((MAIN, *self._known, self.current)))

    def rows(self) -> BranchList:
        """All of them, with what makes each another than its parent."""
        rows = []
        for name in self.names:
            b = self.get(name)
            edits = self.edits(b.events, self.get(b.parent).events) if b.parent in self.names else ()
            rows.append(BranchRow(name, b.parent, b.position, b.place[0], name == self.current, edits))
        return BranchList(tuple(rows))

    def edits(self, events: Sequence[InputEvent], others: Sequence[InputEvent]) -> tuple[str, ...]:
        """In words: the input that one has and another has not, and the other way round."""
        ours, theirs = {e.content for e in events}, {e.content for e in others}
        found = [(e, "") for e in events if e.content not in theirs]
        found += [(e, "not: ") for e in others if e.content not in ours]
        told = sorted(found, key=lambda each: each[0].position)
        return tuple(f"{e.position:,}: {lead}{inputs.text(self._debugger, e)}" for e, lead in told)

    # --- keeping them -----------------------------------------------------------------------------------------------
    def _state(self) -> tuple[object, ...]:
        """Another one when there is something to be kept."""
        edits = 0 if self.current == self._recorded else self._debugger.system.input.order
        return self.current, *self._known, edits

    def futures(self, recorded: str) -> list[Future]:
        """As a session file has them that holds the run of one of them; none where there is but that."""
        from ppcdbg.session.store import Future

        found = [self.get(name) for name in self.names] if self._known else []
        return [Future(b.name, b.parent, b.position, b.exits, b.place, b.events, b.name == recorded) for b in found]

    def keep(self) -> str:
        """Have them in the session file that is replayed, and in the one that is recorded, if anything is new. Says
        where the first cannot be."""
        state, file = self._state(), self._debugger.past.kept_in
        if state == self._kept:
            return ""
        self._kept = state
        for tell in self.changed:
            tell()
        futures = self.futures(self._recorded) if file.path is not None else []
        return file.write(lambda store: store.replace_futures(futures))

    def settle(self) -> None:
        """After each command: as ``keep``, and where they cannot be kept it is told at the next motion."""
        if failed := self.keep():
            self._debugger.past.tell(f"the branches are kept{failed.removeprefix(';')}")

    # --- making and leaving -----------------------------------------------------------------------------------------
    def start(self, name: str) -> Branch:
        """A branch from here on, as what is done to the guest from now on. Raises UsageError for a name in use."""
        self._free(name)
        self._known[self.current] = here = self._present()
        self._known[name] = made = Branch(name, self.current, *self._debugger.past.here, here.events, here.place)
        self.current = name
        return made

    def _free(self, name: str) -> None:
        if name in self.names:
            raise UsageError(f"there is a branch {name!r} already; `branch switch {name}` goes to it")

    def switch(self, name: str) -> StopReport:
        """Be on another branch, where one was on it last."""
        wanted = self.get(name)
        if name == self.current:
            raise UsageError(f"the guest is on branch {name} already")
        past = self._debugger.past
        self._known[self.current] = self._present()
        self.current = name
        return past.go_on(wanted.events, wanted.place)

    def delete(self, name: str) -> None:
        """Forget a branch. Raises UsageError for the one that the guest is on, and for one that others came of."""
        self.get(name)
        if name == self.current:
            raise UsageError(f"the guest is on branch {name}; switch to another first")
        children = [b.name for b in self._known.values() if b.parent == name]
        if children or name == MAIN:
            raise UsageError(f"branch {name} stays: {', '.join(children) or 'the guest'} began on it")
        del self._known[name]

    # --- comparing --------------------------------------------------------------------------------------------------
    def compare(self, first: str, second: str, instructions: int = 0, until: str = "") -> Comparison:
        """Run both from where their inputs part: at most so many ``instructions``, or ``until`` an event. Raises
        UsageError, and Interrupted; the guest stays where it is."""
        one, two = self.get(first), self.get(second)
        apart = first_apart(one.events, two.events)
        position = max(one.position, two.position) if apart is None else apart
        root = self._debugger.past.timeline.root((position - NEAR, 0), one.events, two.events)
        sides = [self._side(root, b.events, b.name) for b in (one, two)]
        return self._compared(sides[0], sides[1], one, two, position, instructions, until)

    def what_if(self, edits: Sequence[str], instructions: int = 0, until: str = "", at: str = "") -> Comparison:
        """Compare this run from a place on (default: here) with what it would be after some commands; that future
        becomes a branch. Raises UsageError for what cannot be carried out, and Interrupted; the guest stays."""
        with self._debugger.past.aside():
            if at:
                self._debugger.past.go(where_of(self._debugger, at))
            return self._what_if(edits, instructions, until)

    def _what_if(self, edits: Sequence[str], instructions: int, until: str) -> Comparison:
        past, present = self._debugger.past, self._present()
        here, events = past.here, present.events
        root = past.timeline.root((here[0] - NEAR, 0))
        edited = self._side(root, events, self._name())
        edited.debugger.past.go_to(here)
        for text in edits:
            edited.debugger.execute(text)
            if self._asked():
                raise Interrupted("interrupted; nothing was changed")
        other = edited.debugger.past.timeline.history
        apart = first_apart(events, other)
        if apart is None:
            raise UsageError(f"{'; '.join(edits)} changes nothing of what comes into the guest")
        made = Branch(edited.name, self.current, *here, other, here)
        found = self._compared(
            self._side(root, events, self.current), edited, present, made, apart, instructions, until
        )
        self._known[self.current], self._known[made.name] = present, made
        return found

    def _compared(
        self, one: Side, two: Side, first: Branch, second: Branch, position: int, instructions: int, until: str
    ) -> Comparison:
        """Two guests that have the moment before ``position`` in their past."""
        for side in (one, two):
            side.go(max(position - 1, side.debugger.past.timeline.start[0]), self._asked)
        edits = self.edits(second.events, first.events)
        places = first.place[0], second.place[0]
        last = position + instructions if instructions else max(position + AHEAD, self._end(), *places)
        suspects = apart_at(first.events, second.events)

        def measure() -> Work:
            return Work("comparing two futures", min(one.debugger.position, two.debugger.position), last)

        with self._debugger.works.doing(measure):
            return futures.compare(one, two, last, self._asked, until, edits, suspects)

    def _end(self) -> int:
        """How far the present run is known."""
        return self._debugger.past.known[0]

    def _name(self) -> str:
        while True:
            self._made += 1
            if (name := f"whatif-{self._made}") not in self.names:
                return name

    def _side(self, root: Root, events: Sequence[InputEvent], name: str) -> Side:
        """A second guest with this input, at a moment of the past."""
        from ppcdbg.debugger.debugger import Debugger

        own = self._debugger
        made = Debugger(fork(own.system, root, events), own.image, own.name)
        made.files = own.files
        made.script.variables.update(own.script.variables)
        made.script.defined.update(own.script.defined)
        for place in own.past.bookmarks.values():
            made.past.bookmarks.set(place)
        made.past.follow(events[: root.taken])
        made.runner.between = lambda: self._pass_on(made)
        return Side(made, name)

    def _pass_on(self, made: Debugger) -> None:
        """While a second guest runs: show where it is, and hear whether somebody asked for the end."""
        if self._asked():
            made.interrupt()

    def _asked(self) -> bool:
        return self._debugger.past.asked()
