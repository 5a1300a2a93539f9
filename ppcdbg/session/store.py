"""One session file, open: what is in it as values, and the writes that a recorder makes.

Writes gather in one transaction until ``commit``, so that a process that is killed leaves the file as it was at the
last commit. A recorder has them done behind its run (``later``). Layout and damage are :mod:`ppcdbg.session.format`'s.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from ppcdbg.engine.llvm.cache import recall_or_make
from ppcdbg.machine.input import InputEvent, InputKind, Moment, TlbWrite
from ppcdbg.session import columns
from ppcdbg.session.behind import Behind
from ppcdbg.session.columns import EVENT_COLUMNS, EXIT_COLUMNS, INTERRUPT_COLUMNS
from ppcdbg.session.files import claim, remove
from ppcdbg.session.format import FAULTS, create, damaged, mend, open_file, unwritable
from ppcdbg.session.plain import DamagedError
from ppcdbg.session.snapshots import StateHash

Json = Any
Work = Callable[["Store"], object]
"""Something that is done to a store."""
IMPORTED = "imported"
"""What is said of a trace that was read in; a recording has no such entry."""
SCHEDULE = "schedule"
"""A schedule of the explorer's in place of a recording."""
LARGE = 1 << 18
"""Bytes of an image that is worth a look whether it was compressed before."""
FAR = 1 << 50
"""Beyond every position, and every number of a moment: two weeks of a guest that never waits."""
WIDTHS = {"exit": len(EXIT_COLUMNS), "interrupt": len(INTERRUPT_COLUMNS), "console0": 2, "console1": 2,
          "event": EVENT_COLUMNS}  # fmt: skip
"""Kinds of chunks and the numbers in a row of each. A row of a console is a byte and its position."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The state's hash at one moment of the recorded run."""

    moment: Moment
    hash: StateHash


@dataclass(frozen=True, slots=True)
class Image:
    """A file that the machine was made from; ``data`` None: only its hash was kept."""

    role: str
    name: str
    size: int
    sha256: str
    data: bytes | None


@dataclass(frozen=True, slots=True)
class Bookmark:
    """A place that somebody named; ``steps`` exits were handled before it."""

    name: str
    position: int
    steps: int
    note: str


@dataclass(frozen=True, slots=True)
class Future:
    """A run that somebody tried: how it is called, of which it came and where, all of its input, and where one was on
    it last. ``recorded``: it is the run that the file holds."""

    name: str
    parent: str
    position: int
    steps: int
    place: tuple[int, int]
    events: tuple[InputEvent, ...]
    recorded: bool


class Store:
    """A session file. Every method raises InputError for what cannot be read or written."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._db = connection
        self._behind: Behind | None = None
        self._has_behind = True

    @classmethod
    def new(cls, path: Path) -> Store:
        """A new file. Raises InputError also where there is one."""
        claim(path)
        return cls.begun(path)

    @classmethod
    def begun(cls, path: Path, *, behind: bool = True) -> Store:
        """A new file, of an empty one that is the caller's. Without ``behind`` nothing is ever done later: the caller
        is behind already."""
        store = cls(path, create(path))
        store._has_behind = behind
        store._execute("BEGIN")
        return store

    @classmethod
    def open(cls, path: Path) -> Store:
        return cls(path, open_file(path))

    def close(self, *, keep: bool = True) -> None:
        """Keep what was written, and let go of the file. Where writing has failed, or it is not to be kept, the file
        is as at the last commit."""
        behind, self._behind = self._behind, None
        try:
            if behind is not None:
                behind.close()
            if keep and self._db.in_transaction and not (behind is not None and behind.failed):
                self.commit(again=False)
        finally:
            self._db.close()
            mend(self.path)

    def remove(self) -> None:
        """Take the file away, which is closed: nothing is in it."""
        remove(self.path)

    def later(self, work: Work) -> None:
        """Have something done behind the caller's back, after everything that was asked for before, or at once where
        that is asked for there. What fails is raised by a later call, and ends it: nothing more is written. Any other
        method waits until all is done."""
        if self._behind is None and self._has_behind:
            self._behind = Behind()
        if self._behind is None or self._behind.here():
            work(self)
        else:
            self._behind.put(partial(self.carry_out, work))

    def carry_out(self, work: Work) -> None:
        """Do something to this store; where it fails, everything since the last commit is taken back."""
        try:
            work(self)
        except BaseException:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise

    def inside(self) -> bool:
        """Whether this is the thread that does what was to be done later."""
        return self._behind is not None and self._behind.here()

    def settle(self) -> None:
        """Wait for everything that was to be done later."""
        if self._behind is not None and not self._behind.here():
            self._behind.wait()

    def writable(self) -> bool:
        """Whether anything can be put in: the file may be read only, or in use."""
        self.settle()
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._db.execute("DELETE FROM checkpoint WHERE 0")  # to begin is nothing that a read-only file refuses
            finally:
                self._db.execute("ROLLBACK")
        except FAULTS:
            return False
        return True

    def alone(self, act: Callable[[], None]) -> None:
        """Do something to a file that is not being recorded: all of it or nothing, and nobody else writes meanwhile."""
        self._execute("BEGIN IMMEDIATE")
        try:
            act()
        except BaseException:
            self._execute("ROLLBACK")
            raise
        self._execute("COMMIT")

    def commit(self, *, again: bool = True) -> None:
        """Everything up to here stays, whatever happens to this process."""
        self._execute("COMMIT")
        if again:
            self._execute("BEGIN")

    def _execute(self, statement: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        self.settle()
        try:
            return self._db.execute(statement, values)
        except sqlite3.OperationalError as error:
            raise unwritable(self.path, error) from None
        except FAULTS as error:
            raise damaged(self.path, error) from None

    def rows(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """The rows of one statement."""
        self.settle()
        try:
            return self._db.execute(statement, values).fetchall()
        except FAULTS as error:
            raise damaged(self.path, error) from None

    # --- words about the session ------------------------------------------------------------------
    def set(self, key: str, value: Json) -> None:
        self._execute("INSERT OR REPLACE INTO session VALUES (?, ?)", (key, json.dumps(value)))

    def get(self, key: str, default: Json = None) -> Json:
        found = self.rows("SELECT value FROM session WHERE key = ?", (key,))
        if not found:
            return default
        try:
            return json.loads(found[0][0])
        except (ValueError, TypeError, RecursionError) as error:
            raise damaged(self.path, f"the entry {key!r} is no JSON: {error}") from None

    def reached(self) -> Moment:
        """Where the recording ends; its beginning, where nothing was recorded yet."""
        kept = self.get("reached", [0])
        if not isinstance(kept, list) or not 1 <= len(kept) <= 4:
            raise damaged(self.path, f"it says that it ends at {json.dumps(kept)[:80]}")
        return Moment(*self._checked(_natural, kept[:3]), *(self._checked(_maybe, n) for n in kept[3:]))

    # --- images -----------------------------------------------------------------------------------
    def add_image(self, role: str, name: str, data: bytes, *, keep: bool, cache: Path | None = None) -> None:
        """Put an image in, later; ``cache``: a folder where it may lie compressed already, by its hash."""
        self.later(lambda _: self._put_image(role, name, data, cache if len(data) > LARGE else None, keep=keep))

    def _put_image(self, role: str, name: str, data: bytes, cache: Path | None, *, keep: bool) -> None:
        from hashlib import sha256

        digest, held = sha256(data).hexdigest(), None
        if keep:
            held = recall_or_make(cache, f"{digest}-{columns.LEVEL}", lambda: columns.compress(data))
        values = (role, name, len(data), digest, held)
        self._execute("INSERT INTO image VALUES (?, ?, ?, ?, ?)", values)

    def images(self) -> list[Image]:
        from hashlib import sha256

        found = []
        for row in self.rows("SELECT role, name, size, sha256, data FROM image"):
            image = self._checked(_image, row)
            if image.data is not None and sha256(image.data).hexdigest() != image.sha256:
                raise damaged(self.path, f"the {image.role} {image.name} in it is not the one that was put in")
            found.append(image)
        return found

    def _checked(self, read: Any, *values: object) -> Any:
        try:
            return read(*values)
        except (DamagedError, ValueError, TypeError, OverflowError, KeyError) as error:
            raise damaged(self.path, error) from None

    # --- input ------------------------------------------------------------------------------------
    def add_input(self, events: Sequence[InputEvent], first: int) -> None:
        rows = [(n, *_columns(e)) for n, e in enumerate(events, first)]
        self._many("INSERT INTO input VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def input(self) -> list[InputEvent]:
        """The events of the recorded run in the order in which they happened."""
        return [self._checked(_event, row) for row in self.rows("SELECT * FROM input ORDER BY number")]

    def _many(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        self.settle()
        try:
            self._db.executemany(statement, rows)
        except FAULTS as error:
            raise unwritable(self.path, error) from None

    # --- hashes -----------------------------------------------------------------------------------
    def add_marks(self, marks: Sequence[Mark]) -> None:
        rows = [
            (*_moment(m.moment), m.hash.core, m.hash.board, m.hash.kvm, _signed(m.hash.ram)) for m in marks
        ]  # fmt: skip
        self._many("INSERT INTO state_hash VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def unmark(self, position: int, steps: int) -> None:
        """Take out the hashes of a place."""
        self._execute("DELETE FROM state_hash WHERE position = ? AND steps = ?", (position, steps))

    def marks(self) -> list[Mark]:
        """The hashes in order of time."""
        marks = [self._checked(_mark, row) for row in self.rows("SELECT * FROM state_hash ORDER BY rowid")]
        for before, after in pairwise(marks):
            if after.moment.position < before.moment.position:
                raise damaged(self.path, f"a hash of position {after.moment.position:,} follows a later one")
        return marks

    # --- logs -------------------------------------------------------------------------------------
    def add_chunk(self, kind: str, first: int, rows: Sequence[Sequence[int]]) -> None:
        if rows:
            self._execute(
                "INSERT INTO chunk VALUES (?, ?, ?, ?)",
                (kind, first, len(rows), columns.pack(rows, columns.GROWING[kind])),
            )

    def add_exits(self, first: int, kept: Sequence[object]) -> int:
        """A piece of the exit log as it is kept, from exit ``first`` on; returns how many exits it has."""
        if not kept:
            return 0
        count, data = columns.pack_exits(kept)
        self._execute("INSERT INTO chunk VALUES (?, ?, ?, ?)", ("exit", first, count, data))
        return count

    def log(self, kind: str) -> Iterator[tuple[int, ...]]:
        """The rows of one kind of log, in order."""
        expected = 0
        for row in self.rows("SELECT first, count FROM chunk WHERE kind = ? ORDER BY first", (kind,)):
            first, count = self._checked(_numbers, row)
            if first != expected:
                raise damaged(self.path, f"the log {kind!r} lacks the rows from {expected} to {first}")
            data = self.rows("SELECT data FROM chunk WHERE kind = ? AND first = ?", (kind, first))[0][0]
            rows = self._checked(columns.unpack, data, count, WIDTHS[kind])
            at = columns.GROWING[kind][0]
            if rows and max(row[at] for row in rows) >= FAR:
                raise damaged(self.path, f"the log {kind!r} has a row at a position that no run comes to")
            yield from rows
            expected += count

    def count(self, kind: str) -> int:
        """How many rows a log has."""
        found = self.rows("SELECT coalesce(sum(count), 0) FROM chunk WHERE kind = ?", (kind,))
        return int(self._checked(_numbers, found[0])[0])

    def add_line(self, port: int, position: int, text: str) -> int:
        """A line that a serial port printed; its number."""
        done = self._execute("INSERT INTO console(port, position, text) VALUES (?, ?, ?)", (port, position, text))
        return int(done.lastrowid or 0)

    def change_line(self, number: int, text: str) -> None:
        """What a line is now."""
        self._execute("UPDATE console SET text = ? WHERE number = ?", (text, number))

    def lines(self, port: int) -> list[tuple[int, str]]:
        """What a serial port printed, line by line, each with the position at which it began."""
        rows = self.rows("SELECT position, text FROM console WHERE port = ? ORDER BY number", (port,))
        return [(self._checked(_natural, row[:1])[0], str(row[1])) for row in rows]

    # --- another future ---------------------------------------------------------------------------
    def cut(self, counts: Mapping[str, int], key: tuple[int, int]) -> None:
        """Take out what lies after a moment: of each log, and of the input, so many entries stay."""
        position, steps = key
        self._execute("DELETE FROM input WHERE number >= ?", (counts["input"],))
        for table in ("state_hash", "checkpoint"):
            self._execute(
                f"DELETE FROM {table} WHERE position > ? OR position = ? AND steps > ?", (position, position, steps)
            )
        self._execute("DELETE FROM console WHERE position > ?", (position,))
        for kind in WIDTHS:
            if kind in counts:  # events are of a real host's trace, which is no run that goes on
                self._shorten(kind, counts[kind])

    def _shorten(self, kind: str, count: int) -> None:
        found = self.rows(
            "SELECT first, count, data FROM chunk WHERE kind = ? AND first + count > ? ORDER BY first", (kind, count)
        )
        for first, held, data in found:
            self._execute("DELETE FROM chunk WHERE kind = ? AND first = ?", (kind, first))
            if first < count:
                self.add_chunk(kind, first, self._checked(columns.unpack, data, held, WIDTHS[kind])[: count - first])

    # --- checkpoints ------------------------------------------------------------------------------
    def put_checkpoint(self, row: Sequence[object]) -> None:
        """A row of :mod:`ppcdbg.session.checkpoints`."""
        self._execute("INSERT OR REPLACE INTO checkpoint VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def clear_checkpoints(self, after: int = -1) -> None:
        """Take out those behind a position."""
        self._execute("DELETE FROM checkpoint WHERE position > ?", (after,))

    # --- bookmarks --------------------------------------------------------------------------------
    def set_bookmark(self, mark: Bookmark) -> None:
        values = (mark.name, mark.position, mark.steps, mark.note)
        self._execute("INSERT OR REPLACE INTO bookmark VALUES (?, ?, ?, ?)", values)

    def replace_bookmarks(self, marks: Sequence[Bookmark]) -> None:
        self._execute("DELETE FROM bookmark")
        for mark in marks:
            self.set_bookmark(mark)

    def drop_bookmark(self, name: str) -> None:
        self._execute("DELETE FROM bookmark WHERE name = ?", (name,))

    def bookmarks(self) -> list[Bookmark]:
        rows = self.rows("SELECT name, position, steps, note FROM bookmark ORDER BY position, steps, name")
        return [self._checked(_bookmark, row) for row in rows]

    # --- notes ------------------------------------------------------------------------------------
    def notes(self) -> list[str]:
        """What was said about the run as a whole."""
        return [str(text) for (text,) in self.rows("SELECT text FROM note ORDER BY number")]

    def replace_notes(self, notes: Sequence[str]) -> None:
        self._execute("DELETE FROM note")
        self._many("INSERT INTO note VALUES (?, ?)", [*enumerate(notes, 1)])

    # --- branches ---------------------------------------------------------------------------------
    def futures(self) -> list[Future]:
        """The runs that were tried, in the order in which they were made."""
        return [self._checked(self._future, row) for row in self.rows("SELECT * FROM branch ORDER BY number")]

    def _future(self, row: Sequence[Any]) -> Future:
        _, name, parent, *numbers = row
        position, steps, place, place_steps, recorded = _natural(numbers)
        rows = self.rows(
            "SELECT position, skipped, steps, pc, kind, target, value, data, name FROM branch_input WHERE branch = ?"
            " ORDER BY number", (name,),
        )  # fmt: skip
        events = tuple(_event((order, *each)) for order, each in enumerate(rows))
        return Future(str(name), str(parent), position, steps, (place, place_steps), events, bool(recorded))

    def replace_futures(self, futures: Sequence[Future]) -> None:
        for table in ("branch", "branch_input"):
            self._execute(f"DELETE FROM {table}")
        for number, f in enumerate(futures):
            values = (number, f.name, f.parent, f.position, f.steps, *f.place, int(f.recorded))
            self._execute("INSERT INTO branch VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
            rows = [(None, f.name, *_columns(e)) for e in f.events]
            self._many("INSERT INTO branch_input VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def _columns(e: InputEvent) -> tuple[object, ...]:
    return e.position, e.skipped, e.steps, e.pc, e.kind.value, e.target, _signed(e.value), e.data, e.name


def _signed(value: int) -> int:
    """SQLite's numbers have 63 bits and a sign."""
    return value - (1 << 64) if value >= 1 << 63 else value


def _moment(m: Moment) -> tuple[int, int, int, int | None]:
    return m.position, m.skipped, m.steps, m.pc


def _numbers(row: Sequence[object]) -> list[int]:
    """Numbers, whatever else may stand in a column of SQLite's. Raises TypeError."""
    for value in row:
        if type(value) is not int:
            raise TypeError(f"{value!r} stands where a number belongs"[:100])
    return list(row)  # type: ignore[arg-type]


def _natural(row: Sequence[object]) -> list[int]:
    """Numbers that count something. Raises TypeError or ValueError."""
    found = _numbers(row)
    for value in found:
        if not 0 <= value < FAR:
            raise ValueError(f"{value} stands where something is counted")
    return found


def _maybe(value: object) -> int | None:
    return None if value is None else _numbers((value,))[0]


def _mark(row: Sequence[object]) -> Mark:
    position, skipped, steps = _natural(row[:3])
    core, board, kvm, ram = _numbers(row[4:])
    return Mark(Moment(position, skipped, steps, _maybe(row[3])), StateHash(core, board, kvm, ram % (1 << 64)))


def _image(row: Sequence[Any]) -> Image:
    role, name, size, digest, held = row
    data = None if held is None else columns.decompress(held)
    return Image(str(role), str(name), _natural((size,))[0], str(digest), data)


def _bookmark(row: Sequence[Any]) -> Bookmark:
    position, steps = _natural(row[1:3])
    return Bookmark(str(row[0]), position, steps, str(row[3]))


def _event(row: Sequence[Any]) -> InputEvent:
    number, position, skipped, steps, pc, kind, target, value, data, name = row
    order, position, skipped, steps, target = _natural((number, position, skipped, steps, target))
    (value,) = _numbers((value,))
    if type(data) is not bytes:
        raise TypeError("an event of the input has no bytes for its data")
    event = InputEvent(
        position, order, InputKind(kind), target, value % (1 << 64), data, str(name), skipped, steps, _maybe(pc)
    )  # fmt: skip
    if event.kind is InputKind.TLB:
        TlbWrite.of(event)
    if event.kind is InputKind.ANSWER and event.name:
        from ppcdbg.machine.system import StopKind  # a file without one need not load what runs guests

        StopKind(event.name.partition(" ")[0])
    return event
