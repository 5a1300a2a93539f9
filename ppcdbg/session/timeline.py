"""Time as a place to go to: checkpoints of one running system, and motion between them.

A visitor of the run loop: it takes a checkpoint whenever the run since the last one would cost too much to repeat,
keeps of each page of RAM one copy for as long as it does not change, and thins the older ones when memory runs short.
To go somewhere is to restore the last checkpoint before it and to run on; input that had been taken comes again. Who
changes the past begins another future, and what was known of the old one is forgotten.

It knows no debugger: what a stop is, its caller says (:meth:`Timeline.last_stop`).
"""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence

from ppcdbg.cpu.plain import Saved
from ppcdbg.errors import InputError
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.input import InputEvent, Moment, first_apart
from ppcdbg.machine.system import Limits, Stop, StopKind, System
from ppcdbg.session.checkpoints import BROKEN
from ppcdbg.session.holding import PAGE_HELD, Checkpoint, Scale
from ppcdbg.session.pace import next_look, steady
from ppcdbg.session.pages import ZERO, Pages
from ppcdbg.session.places import Asked, Key, MidKey, go_into, key_of
from ppcdbg.session.recorded import Recorded
from ppcdbg.session.snapshots import Root, Snapshot, hash_of

SPACING = 0.03
"""Seconds of running between two checkpoints: what going to a random place costs at most, about."""
NEAR = 20_000
"""Instructions before the place gone to at which a checkpoint is put, for the next step back."""
NEAR_COST = 0.004
"""Seconds of running that a going may take without such a checkpoint."""
BUDGET = 512 << 20
"""Bytes that checkpoints may hold."""
FIRST = 200_000
WINDOW = 2_000
"""Instructions that a search backwards looks at first; each further look is so many times as long."""
GROWTH = 8

Search = Callable[[int], Stop | None]
"""Run on from where the system stands to the next stop before a position; None where there is none."""


class Timeline:
    """The past of one system from the moment of construction on, and what a recording knows of its future.

    ``taken``: the input that had come before that."""

    def __init__(
        self,
        system: System,
        budget: int = BUDGET,
        clock: Callable[[], float] = time.perf_counter,
        recorded: Recorded | None = None,
        taken: Sequence[InputEvent] = (),
    ) -> None:
        self.system = system
        self.budget = budget
        self._clock = clock = steady(clock)
        self._pages = Pages(system)
        self._taken = [*taken]
        self._told_taken, self._told_added = system.input.taken, system.input.added
        system.input.taken = self._note_taken
        self._told_refused, system.input.refused = system.input.refused, self._note_refused
        if system.ended is None:
            system.run(Limits(system.position))  # a vcpu that was never entered is entered now, at the same moment
        system.input.added = self._note_added
        self.moving = False
        self._pages.changed()
        first = Checkpoint(self._key(), system.save(), len(self._taken), dict(self._pages.all()))
        self._points = [first]
        self._versions: dict[int, list[Key]] = {page: [first.key] for page in first.pages}
        self._base = first
        self._scale = Scale()
        self.held = len(first.pages) * PAGE_HELD
        self.start = self.end = self.been = first.key
        """The first moment; the last that is known, run to or recorded; the last that was run to."""
        self.told: list[str] = []
        """What went wrong with a recording's checkpoints, a sentence each."""
        self.parted: list[Callable[[], None]] = []
        """Called when the past was changed, and what was known of the future is forgotten."""
        self.leaving: list[Callable[[], None]] = []
        """Called when the guest is about to be moved elsewhere in time."""
        self._recorded = recorded
        self._source = None if recorded is None else recorded.path
        if recorded is not None:
            self.end = max(self.end, recorded.end)
        self._seen, self._due = clock(), system.position + FIRST
        self._at, self._hurried = system.position, False
        self.final: Stop | None = system.ended
        system.visitors.append(self)
        system.visit_at = 0

    def _key(self) -> Key:
        return key_of(self.system)

    @property
    def taken(self) -> tuple[InputEvent, ...]:
        """The input up to the present, in the order in which it came."""
        return tuple(self._taken)

    @property
    def history(self) -> tuple[InputEvent, ...]:
        """All of this run's input: what has come, and what is still to come."""
        return (*self._taken, *self.system.input.pending())

    @property
    def checkpoints(self) -> tuple[Key, ...]:
        """Where they are."""
        return tuple(point.key for point in self._points)

    def points(self) -> tuple[Checkpoint, ...]:
        """The checkpoints that are in memory, in order of time, all that is known to be right."""
        return tuple(point for point in self._points if point.unproved is None)

    def first(self) -> tuple[Saved, Mapping[int, bytes]]:
        """The state at the start, and its RAM."""
        return self._points[0].state, self._points[0].pages

    # --- hearing of the run -----------------------------------------------------------------------
    def _note_taken(self, event: InputEvent) -> None:
        self._taken.append(event)
        self._told_taken(event)

    def _note_refused(self, event: InputEvent) -> None:
        self._taken.remove(event)
        self._told_refused(event)

    def _note_added(self, event: InputEvent) -> None:
        self._told_added(event)
        if self._key() < self.end:
            self.branch()

    def due(self) -> int:
        """See ``Visitor.due``."""
        return self._due

    def wants(self) -> bool:
        """See ``Visitor.wants``: whether the guest got so slow that the next visit would come far too late."""
        return not self._hurried and self._clock() - self._seen > 2 * SPACING

    def pause(self) -> None:
        """See ``Visitor.pause``."""
        self._hurried, self._due = True, self.system.position + 1

    def visit(self) -> None:
        """See ``Visitor.visit``: take a checkpoint, if it is time and there is none."""
        now, position = self._clock(), self.system.position
        self._hurried = False
        done, took = max(position - self._at, 1), max(now - self._seen, 1e-6)
        self._due = next_look(position, done, took, SPACING)
        if self.system.ended is not None:
            self.final = self.system.ended
        elif took >= SPACING / 2:
            self._take()
            self._at, self._seen = position, self._clock()
        self._been()

    def _been(self) -> None:
        self.been = max(self.been, self._key())
        self.end = max(self.end, self.been)

    # --- checkpoints ------------------------------------------------------------------------------
    def _take(self) -> None:
        """A checkpoint here, unless there is one."""
        key = self._key()
        place = bisect_right(self._points, key, key=lambda point: point.key)
        if self._points[place - 1].key == key:
            return
        previous = self._points[place - 1]
        before = self._pages.changed()
        if previous is not self._base:  # the run came through checkpoints that were there already
            passed = self._points[self._points.index(self._base) + 1 : place]
            pages = {*before, *(page for point in passed for page in point.pages)}
            before = {page: self._content(page, previous.key) for page in pages}
            before = {page: then for page, then in before.items() if then != self._pages.known(page)}
        point = Checkpoint(key, self.system.save(), len(self._taken))
        following = self._points[place] if place < len(self._points) else None
        self._keep(point, {page: self._pages.known(page) for page in before})
        if following is not None:
            # Its pages were told apart from the base's; from now on they are told apart from these.
            self._keep(following, {page: then for page, then in before.items() if page not in following.pages})
        self._hang(point, place)
        self._base = point
        if self.held > self.budget:
            self._thin()

    def _hang(self, point: Checkpoint, place: int) -> None:
        """Put a checkpoint between the others."""
        point.weight = self._scale.weigh(point.state)
        self.held += point.weight
        self._points.insert(place, point)

    def _keep(self, point: Checkpoint, pages: Mapping[int, bytes]) -> None:
        for page, content in pages.items():
            point.pages[page] = content
            keys = self._versions.setdefault(page, [])
            if not keys or keys[-1] < point.key:
                keys.append(point.key)
            elif keys[found := bisect_left(keys, point.key)] != point.key:
                keys.insert(found, point.key)
        self.held += len(pages) * PAGE_HELD

    def _drop(self, place: int) -> None:
        """Forget the checkpoint at a place; the one behind it takes over what it alone knew."""
        point = self._points.pop(place)
        following = self._points[place] if place < len(self._points) else None
        for page in point.pages:
            keys = self._versions[page]
            del keys[bisect_left(keys, point.key)]
        self.held -= len(point.pages) * PAGE_HELD + point.weight
        if following is not None:
            self._keep(following, {p: content for p, content in point.pages.items() if p not in following.pages})

    def _thin(self) -> None:
        """Of the checkpoints that lie far from here every second one goes, then those near, until there is room."""
        while self.held > self.budget * 3 // 4:
            here = self._points.index(self._base)
            inner = [i for i in range(1, len(self._points)) if i != here]
            far = [i for i in inner if abs(i - here) > 3] or inner
            if not far:
                return  # RAM twice, as it was first and as it is here: without that there is no way back
            for place in reversed(far[len(far) > 1 :: 2]):
                self._drop(place)

    def _content(self, page: int, key: Key) -> bytes:
        """A page as it was at a checkpoint."""
        keys = self._versions.get(page, [])
        place = bisect_right(keys, key)
        if not place:
            return ZERO
        found = bisect_right(self._points, keys[place - 1], key=lambda point: point.key)
        return self._points[found - 1].pages[page]

    def _restore(self, place: int) -> None:
        """Be at a checkpoint, whose input is still to come; at an earlier one, where this one turns out to be none."""
        for tell in self.leaving:
            tell()
        point = self._points[place]
        try:
            self._put(point, place)
            if point.unproved is None:
                return
            if point.unproved == hash_of(point.state, self._pages.total()):
                point.unproved = None
                return
            found = "it is not the state that was recorded there"
        except BROKEN as error:
            if point.unproved is None:
                raise
            found = str(error)
        where = "" if self._source is None else f" of {self._source}"
        self._doubt(f"the checkpoint at position {point.key[0]:,}{where} is of no use: {found}")
        self._restore(bisect_right(self._points, point.key, key=lambda point: point.key) - 1)

    def _put(self, point: Checkpoint, place: int) -> None:
        here = self._points.index(self._base)
        self._been()
        low, high = sorted((here, place))
        pages = {page for between in self._points[low + 1 : high + 1] for page in between.pages}
        pages.update(self._pages.changed())
        self._pages.put({page: self._content(page, point.key) for page in pages})
        self._base = point
        system, queue = self.system, self.system.input
        events = [*self._taken, *queue.pending()]
        order = queue.order
        try:
            system.restore(point.state)
        finally:  # the input is whole whatever came of the rest
            self._taken = events[: point.taken]
            queue.restore(events[point.taken :], order)
        self._moved()

    def _moved(self) -> None:
        self._at, self._seen = self.system.position, self._clock()
        self._due, self._hurried = self._at + FIRST, False
        self.system.visit_at = 0

    def branch(self) -> None:
        """What lies after the present is no longer known: somebody changed the past, or is about to."""
        key = self._key()
        while self._points[-1].key > key:
            self._drop(len(self._points) - 1)
        board = self.system.board
        board.console.forget()
        board.console1.forget()
        if isinstance(self.system, KvmSystem):
            self.system.kvm.exits.forget()
        self.end = self.been = key
        self.final = self._recorded = None
        for tell in self.parted:
            tell()

    # --- checkpoints of a recording ---------------------------------------------------------------
    def _fetch(self, before: Callable[[Key], bool], *, always: bool = False) -> None:
        """Take over the checkpoints of the file, if the last one before a place is nearer to it than memory's."""
        recorded = self._recorded
        if recorded is None or not recorded.places:
            return
        place = bisect_left(recorded.places, True, key=lambda key: not before(key)) - 1
        known = self._points[max(bisect_left(self._points, True, key=lambda each: not before(each.key)) - 1, 0)].key
        if before(self._key()) and self.system.ended is None:
            known = max(known, self._key())
        if not always and (place < 0 or recorded.places[place] <= known):
            return
        self._recorded = None
        last = self._points[0]
        try:
            for kept in recorded.load(self.system):
                key = (kept.moment.position, kept.moment.steps)
                if key > last.key:
                    last = self._insert(Checkpoint(key, kept.state, kept.taken, dict(kept.pages), kept.hash()), last)
        except InputError as error:
            self.told.append(str(error))

    def _insert(self, point: Checkpoint, last: Checkpoint) -> Checkpoint:
        """Put a checkpoint of a file in its place: its pages are told apart from those of ``last``, an earlier one."""
        place = bisect_right(self._points, point.key, key=lambda each: each.key)
        previous = self._points[place - 1]
        if previous.key == point.key:
            return previous
        pages = point.pages
        if previous is not last:
            passed = {p for each in self._points[self._points.index(last) + 1 : place] for p in each.pages}
            now = {p: self._content(p, last.key) for p in passed} | pages
            pages = {p: content for p, content in now.items() if content != self._content(p, previous.key)}
        following = self._points[place] if place < len(self._points) else None
        if following is not None:
            own = {p: self._content(p, previous.key) for p in pages if p not in following.pages}
            self._keep(following, own)
        point.pages = {}
        self._keep(point, pages)
        self._hang(point, place)
        return point

    def _doubt(self, sentence: str) -> None:
        """Forget what came from a file and was not found right."""
        self.told.append(sentence)
        self._base = first = self._points[0]
        self._pages.put({p: self._content(p, first.key) for p in (*self._pages.all(), *first.pages)})
        for place in range(len(self._points) - 1, 0, -1):
            if self._points[place].unproved is not None:
                self._drop(place)

    # --- other futures ----------------------------------------------------------------------------
    def root(self, key: Key, *histories: Sequence[InputEvent]) -> Root:
        """The last checkpoint up to a place at which some histories were still all this run."""
        point = self._points[self._common(key, *histories)]
        pages = {page: self._content(page, point.key) for page in self._versions}
        return Root(Snapshot(*point.key, point.state, pages), point.taken)

    def _common(self, key: Key, *histories: Sequence[InputEvent]) -> int:
        apart = first_apart(self.history, *histories)
        if apart is not None:
            key = min(key, (apart, -1))
        place = max(bisect_right(self._points, key, key=lambda point: point.key) - 1, 0)
        while self._points[place].unproved is not None:  # the first never is
            place -= 1
        return place

    def become(self, events: Sequence[InputEvent]) -> None:
        """Get other input from the first event on that is not this run's: another future begins, and the system stands
        at a checkpoint before that."""
        self._restore(self._common(self._points[-1].key, events))
        taken = len(self._taken)
        self._taken = [*events[:taken]]
        self.system.input.restore(events[taken:], 1 + max((e.order for e in events), default=-1))
        self.branch()

    def know(self, recorded: Recorded) -> None:
        """This is the run of a recording: its future is known again."""
        self._recorded, self.end = recorded, max(self.end, recorded.end)

    # --- motion -----------------------------------------------------------------------------------
    def seek(self, position: int, asked: Asked | None = None) -> Stop:
        """Be at a position, when what comes in there has come, or as near as there is: both ends are stops."""
        return self._go((position, 0), lambda limits: self.system.run(limits), asked, near=True)

    def seek_exit(self, exits: int, asked: Asked | None = None) -> Stop:
        """Be where so many exits have been handled."""
        self._fetch(lambda key: key[1] <= exits)
        place = bisect_right(self._points, exits, key=lambda point: point.key[1]) - 1
        if not self._reached(lambda key: key[1], exits, place):
            self._restore(max(place, 0))
        left = exits - self.system.steps
        if left <= 0:
            return self._here(StopKind.LIMIT)
        return self.system.run(Limits(1 << 62, exits=left, interrupted=asked))

    def take_over(self) -> None:
        """Have a recording's checkpoints at hand, whatever is gone to next."""
        self._fetch(lambda key: True, always=True)

    def last_point(self, before: Callable[[Saved], bool]) -> Key:
        """The last checkpoint of whose state something is true that is true of all earlier ones; else the first."""
        return self._points[max(bisect_left(self._points, True, key=lambda each: not before(each.state)) - 1, 0)].key

    def go_to(self, key: Key, asked: Asked | None = None) -> Stop:
        """Be at a position after so many exits: where somebody was."""
        if isinstance(key, MidKey):
            return go_into(self.system, key, self.seek_exit, asked)
        stop = self.seek(key[0], asked)
        while self.system.position == key[0] and self.system.steps < key[1] and self.system.ended is None:
            before = self._key()
            stop = self.system.run(Limits(key[0] + 1, exits=1, interrupted=asked))
            if self._key() == before or stop.kind is StopKind.INTERRUPTED:
                break
        return stop

    def be_at(self, moment: Moment, asked: Asked | None = None) -> Stop:
        """Be at a moment where somebody was, an interrupt that was taken there included."""
        stop, here = self.go_to((moment.position, moment.steps), asked), self.system.moment()
        if here == moment or here.position != moment.position or moment.pc is None or self.system.ended is not None:
            return stop
        self.system.run(Limits(moment.position + 1, frozenset({moment.pc}), interrupted=asked))
        if self.system.position != moment.position:  # it is not come to by running
            return self.go_to((moment.position, moment.steps), asked)
        return self._here(StopKind.LIMIT)

    def _reached(self, of: Callable[[Key], int], target: int, place: int) -> bool:
        """Whether running on from here is the shortest way to a target."""
        here = self._key()
        if self.system.left:
            return False
        return of(here) <= target and place >= 0 and self._points[place].key <= here and self.system.ended is None

    def _go(self, key: Key, run: Callable[[Limits], Stop], asked: Asked | None, *, near: bool) -> Stop:
        if key <= self.start:
            return self._begin()
        position = key[0]
        self._fetch(lambda kept: kept[0] < position or kept <= key)
        place = bisect_right(self._points, key, key=lambda point: point.key) - 1
        if self._points[place].key[0] == position and self._points[place].key[1] > 0 and place and key[1] == 0:
            place -= 1
        if self._key() == key or not (self._key()[0] < position and self._points[place].key <= self._key()):
            self._restore(place)
        begun, first = self._clock(), self.system.position
        if near and position - first > 2 * NEAR:
            stop = run(Limits(position - NEAR, interrupted=asked))
            if stop.kind is not StopKind.LIMIT:
                return stop
            if self._clock() - begun > NEAR_COST:
                self._take()
                self._at, self._seen = self.system.position, self._clock()
        return run(Limits(position, interrupted=asked))

    def _begin(self) -> Stop:
        self._restore(0)
        self.system.run(Limits(self.system.position))  # what came in there is in it
        return self._here(StopKind.LIMIT, "the beginning: nothing before it was seen")

    def last_stop(self, search: Search, asked: Asked | None = None, floor: int = 0) -> int | None:
        """Go back to the last stop before the present, not before position ``floor``; None where there is none, and at
        the beginning if that was looked at.

        ``search`` runs on from where the system stands to its next stop before a position. Gives how many stops lie
        between the place from which the last look began and the stop gone to, that one included.
        """
        end, width = self._key(), WINDOW
        high, first = end[0], max(self.start[0], floor)
        while high > first or end > self.start:
            low = max(high - width, first)
            self.seek(low, asked)
            count = self._count(search, high, end)
            if asked is not None and asked():
                return None
            if count:
                self.seek(low, asked)
                for _ in range(count):
                    search(high + 1)
                return count
            if low == first:
                break
            high, width = low, width * GROWTH
            end = (high, 1 << 62)
        if first == self.start[0]:
            self._begin()
        return None

    def _count(self, search: Search, high: int, end: Key) -> int:
        """The stops from here to a position that lie before an end."""
        count, before = 0, None
        while True:
            stop = search(high + 1)
            here = self._key()
            if stop is None or here >= end or stop.kind is StopKind.INTERRUPTED or self.system.ended is not None:
                return count
            now = self.system.moment(), here, stop.kind
            if now == before:
                return count
            count, before = count + 1, now

    def _here(self, kind: StopKind, detail: str = "") -> Stop:
        return Stop(kind, self.system.position, self.system.core.state.pc, detail)
