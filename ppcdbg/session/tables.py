"""The tables of ``format.DERIVED``: filled in memory for a question, or written into the file once for all questions.

What is in the file is the same rows; ``index`` writes all of them or none, and ``drop`` takes them out again. An index
of a file that has grown since is not used.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from ppcdbg.kvm.trace import exit_name, format_event
from ppcdbg.machine.description import MachineDescription
from ppcdbg.session.changes import Progress, changes
from ppcdbg.session.columns import EXIT_COLUMNS, INTERRUPT_COLUMNS
from ppcdbg.session.differ import Asked
from ppcdbg.session.format import DERIVED, FAULTS, INDEXES, damaged, index_sql, open_file, table_sql, unwritable
from ppcdbg.session.importing import events, imported
from ppcdbg.session.store import Store

Rows = Iterator[tuple[Any, ...]]
Machine = Callable[[], MachineDescription]
"""Gives the session's machine, where a replay is needed."""
LOGS = {"exits": ("exit", EXIT_COLUMNS), "interrupts": ("interrupt", INTERRUPT_COLUMNS)}
EVENTS = "events"
KEY = "index"
LOOK = 1_000
"""Rows between two looks whether somebody asked."""


def rows(
    name: str, store: Store, machine: Machine, progress: Progress | None = None, asked: Asked | None = None
) -> Rows:
    """The rows of one of the tables, numbered; they end early where somebody ``asked``."""
    if name in LOGS:
        return _until(asked, _logged(store, *LOGS[name]))
    if name == EVENTS:
        return _until(asked, _events(store))
    if imported(store) is not None:
        return iter(())  # a trace tells of no TLB that could be followed
    found = changes(store, machine(), progress, asked)
    return ((number, *row) for number, row in enumerate(found))


def _logged(store: Store, kind: str, names: tuple[str, ...]) -> Rows:
    """Numbers of 64 bits are theirs modulo SQLite's; no column here has more than 63."""
    at = names.index("vector")
    for number, row in enumerate(store.log(kind)):
        yield number, exit_name(row[at]), *(v - (1 << 64) if v >> 63 else v for v in row)


def _events(store: Store) -> Rows:
    """The events of an imported trace; a recording's come by a replay, as ``session export FILE ftrace``."""
    for number, e in enumerate(events(store) if imported(store) is not None else ()):
        text = e.text if e.args is None else format_event(e.name, e.args, e.hv, spellings=False).partition(": ")[2]
        yield number, number, e.time, e.cpu, e.pid, e.task, e.name, text


def _until(asked: Asked | None, found: Rows) -> Rows:
    for number, row in enumerate(found):
        if number % LOOK == 0 and asked is not None and asked():
            return
        yield row


def fill(connection: sqlite3.Connection, name: str, found: Rows, kind: str = "TABLE") -> None:
    """Make a table and put rows into it."""
    connection.execute(table_sql(name, kind))
    marks = ", ".join("?" * (DERIVED[name].count(",") + 1))
    connection.executemany(f"INSERT INTO {name} VALUES ({marks})", found)


def indexed(connection: sqlite3.Connection, store: Store) -> Collection[str]:
    """The tables that are in the file, complete."""
    present = {str(name) for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return present & {*DERIVED} if store.get(KEY) == _extent(store) else ()


def _extent(store: Store) -> object:
    reached = store.reached()
    return [reached.position, reached.steps, store.count("exit"), store.count("interrupt")]


def index(
    path: Path, machine: Machine, progress: Progress | None = None, asked: Asked | None = None
) -> dict[str, int] | None:
    """Put the tables into a session file; their numbers of rows, or None where somebody ``asked`` and nothing is
    changed."""
    connection = open_file(path)
    store = Store(path, connection)
    try:
        found = {name: rows(name, store, machine, progress, asked) for name in DERIVED}  # a replay opens the file too
        with _writing(path, connection):
            _take_out(connection)
            for name, each in found.items():
                fill(connection, name, each)
                if asked is not None and asked():
                    connection.execute("ROLLBACK")
                    return None
            for name in INDEXES:
                connection.execute(index_sql(name))
            store.set(KEY, _extent(store))
            connection.execute("COMMIT")
        return {name: int(store.rows(f"SELECT count(*) FROM {name}")[0][0]) for name in DERIVED}
    finally:
        store.close()


def drop(path: Path) -> bool:
    """Take the tables out of a session file and give their space back; whether there were any."""
    connection = open_file(path)
    store = Store(path, connection)
    try:
        there = bool(store.rows("SELECT 1 FROM sqlite_master WHERE name = 'exits'"))
        if there:
            with _writing(path, connection):
                _take_out(connection)
                connection.execute("DELETE FROM session WHERE key = ?", (KEY,))
                connection.execute("COMMIT")
                connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 1)  # SQLite vacuums by way of another file
                connection.execute("VACUUM")
        return there
    finally:
        store.close()


def _take_out(connection: sqlite3.Connection) -> None:
    for name in INDEXES:
        connection.execute(f"DROP INDEX IF EXISTS {name}")
    for name in DERIVED:
        connection.execute(f"DROP TABLE IF EXISTS {name}")


class _writing:
    """A transaction that is taken back whatever ends it early."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path, self._connection = path, connection

    def __enter__(self) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise unwritable(self._path, error) from None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if kind is not None and self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            raise damaged(self._path, error) from None
        if isinstance(error, FAULTS):
            raise unwritable(self._path, error) from None
