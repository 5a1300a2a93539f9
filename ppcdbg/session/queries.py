"""Questions to a session in SQL: its tables, and beside them ``exits`` and ``interrupts`` with a row each.

The logs lie in the file as compressed chunks; a question gets them as temporary tables in memory. A question can look
and nothing else, and cannot reach another file.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from ppcdbg.errors import UsageError
from ppcdbg.kvm.trace import exit_name
from ppcdbg.session.columns import EXIT_COLUMNS, INTERRUPT_COLUMNS
from ppcdbg.session.format import FAULTS, damaged, open_file
from ppcdbg.session.store import Store

LOOKING = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE})
LOGS = {"exits": ("exit", EXIT_COLUMNS), "interrupts": ("interrupt", INTERRUPT_COLUMNS)}


def ask(path: Path, statement: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The names of the columns and the rows. Raises UsageError for a statement that SQLite does not take."""
    connection = open_file(path)
    store = Store(path, connection)
    try:
        for table, (kind, names) in LOGS.items():
            if table in statement.lower():
                _fill(connection, store, table, kind, names)
        connection.set_authorizer(_only_looking)
        try:
            cursor = connection.execute(statement)
            rows = cursor.fetchall()
        except sqlite3.OperationalError as error:
            raise UsageError(f"the statement cannot be carried out: {error}") from None
        except (sqlite3.ProgrammingError, sqlite3.Warning) as error:
            raise UsageError(f"the statement is no single question: {error}") from None
        except FAULTS as error:
            if "not authorized" in str(error):
                raise UsageError("a question may only look: begin the statement with SELECT") from None
            raise damaged(path, error) from None
        return [column[0] for column in cursor.description or ()], rows
    finally:
        connection.set_authorizer(None)
        store.close()


def _fill(connection: sqlite3.Connection, store: Store, table: str, kind: str, names: tuple[str, ...]) -> None:
    """Numbers of 64 bits are theirs modulo SQLite's; no column here has more than 63."""
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute(f"CREATE TEMP TABLE {table}(number INTEGER PRIMARY KEY, name TEXT, {', '.join(names)})")
    at = names.index("vector")
    rows = (
        (number, exit_name(row[at]), *(v - (1 << 64) if v >> 63 else v for v in row))
        for number, row in enumerate(store.log(kind))
    )
    marks = ", ".join("?" * (len(names) + 2))
    connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


def _only_looking(action: int, *_: object) -> int:
    return sqlite3.SQLITE_OK if action in LOOKING else sqlite3.SQLITE_DENY
