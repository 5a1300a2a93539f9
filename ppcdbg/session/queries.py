"""Questions to a session in SQL: its tables, and beside them ``exits``, ``interrupts`` and ``tlb`` with a row each.

The logs lie in the file as compressed chunks, and changes of the TLBs are known by a replay; a question gets those that
it names as temporary tables in memory, unless ``session index`` has put them into the file. A question can look and
nothing else, and cannot reach another file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Set
from itertools import chain
from pathlib import Path
from typing import Any

from ppcdbg.errors import UsageError
from ppcdbg.session.changes import Progress
from ppcdbg.session.differ import Asked
from ppcdbg.session.format import DERIVED, FAULTS, MIGRATIONS, damaged, open_file, table_sql
from ppcdbg.session.machines import session_machine
from ppcdbg.session.store import Store
from ppcdbg.session.tables import Machine, fill, indexed, rows

LOOKING = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE})
STEPS = 20_000
"""Steps of SQLite's machine between two looks whether somebody asked."""
Answer = tuple[list[str], list[tuple[Any, ...]]]
"""The names of the columns, and the rows."""


def ask(
    path: Path,
    statement: str,
    machine: Machine | None = None,
    progress: Progress | None = None,
    asked: Asked | None = None,
) -> Answer:
    """One question. ``machine`` gives the session's where it is not all in the file. An answer is without rows where
    somebody ``asked`` for an end. Raises UsageError for a statement that SQLite does not take."""
    connection = open_file(path)
    store = Store(path, connection)
    try:
        connection.execute("PRAGMA temp_store = MEMORY")
        there = indexed(connection, store)
        for name in _named(statement) - {*there}:
            fill(connection, name, rows(name, store, machine or (lambda: session_machine(path, {})), progress, asked),
                 "TEMP TABLE")  # fmt: skip
            if asked is not None and asked():
                return [], []
        if asked is not None:
            connection.set_progress_handler(asked, STEPS)
        return _answered(path, connection, statement, asked)
    except FAULTS as error:
        raise damaged(path, error) from None
    finally:
        connection.set_progress_handler(None, 0)
        connection.set_authorizer(None)
        store.close()


def _named(statement: str) -> Set[str]:
    """Which of the derived tables a statement reads: SQLite says so of one that it only looks at."""
    named: set[str] = set()

    def noted(action: int, first: str | None, *_: object) -> int:
        if action == sqlite3.SQLITE_READ and str(first).lower() in DERIVED:
            named.add(str(first).lower())
        return sqlite3.SQLITE_OK if action in LOOKING else sqlite3.SQLITE_DENY

    empty = sqlite3.connect(":memory:")
    try:
        for sql in (*chain(*MIGRATIONS), *map(table_sql, DERIVED)):
            empty.execute(sql)
        empty.set_authorizer(noted)
        empty.execute(f"EXPLAIN {statement}")
    except (sqlite3.Error, sqlite3.Warning):
        pass  # what is wrong with it is said when it is carried out
    finally:
        empty.close()
    return named


def _answered(path: Path, connection: sqlite3.Connection, statement: str, asked: Asked | None) -> Answer:
    connection.set_authorizer(_only_looking)
    try:
        cursor = connection.execute(statement)
        found = cursor.fetchall()
    except sqlite3.OperationalError as error:
        if asked is not None and asked():
            return [], []
        raise UsageError(f"the statement cannot be carried out: {error}") from None
    except (sqlite3.ProgrammingError, sqlite3.Warning) as error:
        raise UsageError(f"the statement is no single question: {error}") from None
    except FAULTS as error:
        if "not authorized" in str(error):
            raise UsageError("a question may only look: begin the statement with SELECT") from None
        raise damaged(path, error) from None
    return [column[0] for column in cursor.description or ()], found


def _only_looking(action: int, *_: object) -> int:
    return sqlite3.SQLITE_OK if action in LOOKING else sqlite3.SQLITE_DENY
