"""One session file, open: what is in it as values, and the writes that a recorder makes.

Writes gather in one transaction until ``commit``, so that a process that is killed leaves the file as it was at the
last commit. A recorder has them done behind its run (``later``). Layout and damage are :mod:`ppcdbg.session.format`'s.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ppcdbg.errors import InputError
from ppcdbg.machine.input import InputEvent, InputKind, Moment, TlbWrite
from ppcdbg.session import columns
from ppcdbg.session.behind import Behind
from ppcdbg.session.columns import EXIT_COLUMNS, INTERRUPT_COLUMNS
from ppcdbg.session.format import FAULTS, create, damaged, open_file
from ppcdbg.session.plain import DamagedError
from ppcdbg.session.snapshots import StateHash

Json = Any
WIDTHS = {"exit": len(EXIT_COLUMNS), "interrupt": len(INTERRUPT_COLUMNS), "console0": 2, "console1": 2}
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


class Store:
    """A session file. Every method raises InputError for what cannot be read or written."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._db = connection
        self._behind: Behind | None = None

    @classmethod
    def new(cls, path: Path) -> Store:
        store = cls(path, create(path))
        store._execute("BEGIN")
        return store

    @classmethod
    def open(cls, path: Path) -> Store:
        return cls(path, open_file(path))

    def close(self) -> None:
        """Keep what was written, and let go of the file."""
        behind, self._behind = self._behind, None
        try:
            if behind is not None:
                behind.close()
            if self._db.in_transaction:
                self.commit(again=False)
        finally:
            self._db.close()

    def later(self, work: Callable[[], object]) -> None:
        """Have something done behind the caller's back, after everything that was asked for before. What fails is
        raised by a later call; any other method waits until all is done."""
        if self._behind is None:
            self._behind = Behind()
        self._behind.put(work)

    def settle(self) -> None:
        """Wait for everything that was to be done later."""
        if self._behind is not None and not self._behind.here():
            self._behind.wait()

    def writable(self) -> bool:
        """Whether anything can be put in: the file may be read only, or in use."""
        self.settle()
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("ROLLBACK")
        except FAULTS:
            return False
        return True

    def commit(self, *, again: bool = True) -> None:
        """Everything up to here stays, whatever happens to this process."""
        self._execute("COMMIT")
        if again:
            self._execute("BEGIN")

    def _execute(self, statement: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        self.settle()
        try:
            return self._db.execute(statement, values)
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
        whole = isinstance(kept, list) and all(n is None or type(n) is int and 0 <= n < 1 << 63 for n in kept)
        if not whole or not 1 <= len(kept) <= 4 or None in kept[:3]:
            raise damaged(self.path, f"it says that it ends at {json.dumps(kept)[:80]}")
        return Moment(*kept)

    # --- images -----------------------------------------------------------------------------------
    def add_image(self, role: str, name: str, data: bytes, *, keep: bool) -> None:
        """Put an image in, later."""
        self.later(lambda: self._put_image(role, name, data, keep=keep))

    def _put_image(self, role: str, name: str, data: bytes, *, keep: bool) -> None:
        from hashlib import sha256

        held = columns.compress(data) if keep else None
        values = (role, name, len(data), sha256(data).hexdigest(), held)
        self._execute("INSERT INTO image VALUES (?, ?, ?, ?, ?)", values)

    def images(self) -> list[Image]:
        from hashlib import sha256

        found = []
        for role, name, size, digest, held in self.rows("SELECT role, name, size, sha256, data FROM image"):
            data = None if held is None else self._checked(columns.decompress, held)
            if data is not None and sha256(data).hexdigest() != digest:
                raise damaged(self.path, f"the {role} {name} in it is not the one that was put in")
            found.append(Image(str(role), str(name), int(size), str(digest), data))
        return found

    def _checked(self, read: Any, *values: object) -> Any:
        try:
            return read(*values)
        except (DamagedError, ValueError, TypeError, OverflowError, KeyError) as error:
            raise damaged(self.path, error) from None

    # --- input ------------------------------------------------------------------------------------
    def add_input(self, events: Sequence[InputEvent], first: int) -> None:
        rows = [
            (n, e.position, e.skipped, e.steps, e.pc, e.kind.value, e.target, _signed(e.value), e.data, e.name)
            for n, e in enumerate(events, first)
        ]
        self._many("INSERT INTO input VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def input(self) -> list[InputEvent]:
        """The events of the recorded run in the order in which they happened."""
        return [self._checked(_event, row) for row in self.rows("SELECT * FROM input ORDER BY number")]

    def _many(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        self.settle()
        try:
            self._db.executemany(statement, rows)
        except FAULTS as error:
            raise InputError(f"cannot write session {self.path}: {error}") from None

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
        return [self._checked(_mark, row) for row in self.rows("SELECT * FROM state_hash ORDER BY rowid")]

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
        for first, count in self.rows("SELECT first, count FROM chunk WHERE kind = ? ORDER BY first", (kind,)):
            if first != expected:
                raise damaged(self.path, f"the log {kind!r} lacks the rows from {expected} to {first}")
            data = self.rows("SELECT data FROM chunk WHERE kind = ? AND first = ?", (kind, first))[0][0]
            yield from self._checked(columns.unpack, data, count, WIDTHS[kind])
            expected += count

    def count(self, kind: str) -> int:
        """How many rows a log has."""
        return int(self.rows("SELECT coalesce(sum(count), 0) FROM chunk WHERE kind = ?", (kind,))[0][0])

    def add_line(self, port: int, position: int, text: str) -> None:
        self._execute("INSERT INTO console(port, position, text) VALUES (?, ?, ?)", (port, position, text))

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
        return [Bookmark(str(name), int(position), int(steps), str(note)) for name, position, steps, note in rows]


def _signed(value: int) -> int:
    """SQLite's numbers have 63 bits and a sign."""
    return value - (1 << 64) if value >= 1 << 63 else value


def _moment(m: Moment) -> tuple[int, int, int, int | None]:
    return m.position, m.skipped, m.steps, m.pc


def _mark(row: Sequence[Any]) -> Mark:
    position, skipped, steps, pc, core, board, kvm, ram = (None if v is None else int(v) for v in row)
    assert position is not None and skipped is not None and steps is not None
    parts = (core or 0, board or 0, kvm or 0, (ram or 0) % (1 << 64))
    return Mark(Moment(position, skipped, steps, pc), StateHash(*parts))


def _event(row: Sequence[Any]) -> InputEvent:
    number, position, skipped, steps, pc, kind, target, value, data, name = row
    event = InputEvent(
        int(position), int(number), InputKind(kind), int(target), int(value) % (1 << 64), bytes(data), str(name),
        int(skipped), int(steps), None if pc is None else int(pc),
    )  # fmt: skip
    if event.kind is InputKind.TLB:
        TlbWrite.of(event)
    return event
