"""What a session file is: SQLite tables, how to know one, how to bring an old one up to date, and what is refused.

Everything about the layout is here and only here. A change of a table is a new entry of ``MIGRATIONS`` and a line of
``TABLES``; FORMAT follows. Nothing in a file is executed: objects that are not ours (triggers, views) are refused,
sizes are bounded, and whatever SQLite finds damaged is said in one sentence. What the rows mean:
:mod:`ppcdbg.session.store`.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

from ppcdbg.errors import InputError
from ppcdbg.session.files import journal, remove
from ppcdbg.session.magic import APPLICATION_ID, HEAD, has_magic

LARGEST_BLOB = 256 << 20
LARGEST_FILE = 64 << 30
FAULTS = (sqlite3.Error, UnicodeDecodeError, OverflowError)
"""What SQLite raises over a damaged file; the second, where its own message quotes what it found."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE session(key TEXT PRIMARY KEY, value) WITHOUT ROWID",
        "CREATE TABLE image(role TEXT PRIMARY KEY, name TEXT, size INTEGER, sha256 TEXT, data BLOB)",
        "CREATE TABLE input(number INTEGER PRIMARY KEY, position INTEGER, skipped INTEGER, steps INTEGER, pc INTEGER,"
        " kind TEXT, target INTEGER, value INTEGER, data BLOB, name TEXT)",
        "CREATE TABLE state_hash(position INTEGER, skipped INTEGER, steps INTEGER, pc INTEGER, core INTEGER,"
        " board INTEGER, kvm INTEGER, ram INTEGER)",
        "CREATE TABLE console(number INTEGER PRIMARY KEY, port INTEGER, position INTEGER, text TEXT)",
        "CREATE TABLE chunk(kind TEXT, first INTEGER, count INTEGER, data BLOB, PRIMARY KEY(kind, first))",
        "CREATE TABLE checkpoint(number INTEGER PRIMARY KEY, position INTEGER, skipped INTEGER, steps INTEGER,"
        " pc INTEGER, state BLOB, addresses BLOB, pages BLOB)",
        "CREATE TABLE bookmark(name TEXT PRIMARY KEY, position INTEGER, steps INTEGER, note TEXT)",
    ),
    (),  # input may be of the kinds tlb and withhold
    (
        "CREATE TABLE note(number INTEGER PRIMARY KEY, text TEXT)",
        "CREATE TABLE branch(number INTEGER PRIMARY KEY, name TEXT, parent TEXT, position INTEGER, steps INTEGER,"
        " place INTEGER, place_steps INTEGER, recorded INTEGER)",
        "CREATE TABLE branch_input(number INTEGER PRIMARY KEY, branch TEXT, position INTEGER, skipped INTEGER,"
        " steps INTEGER, pc INTEGER, kind TEXT, target INTEGER, value INTEGER, data BLOB, name TEXT)",
    ),
)
"""By format, from 0 on: the statements that make the next one of it."""
FORMAT = len(MIGRATIONS)
TABLES = ("session", "image", "input", "state_hash", "console", "chunk", "checkpoint", "bookmark", "note",
          "branch", "branch_input")  # fmt: skip
DERIVED: dict[str, str] = {
    "exits": "number INTEGER PRIMARY KEY, name TEXT, position INTEGER, tick INTEGER, vector INTEGER, pc INTEGER,"
    " msr INTEGER, dar INTEGER, esr INTEGER, inst INTEGER, resume INTEGER, exit_type INTEGER, cost INTEGER",
    "interrupts": "number INTEGER PRIMARY KEY, name TEXT, vector INTEGER, pc INTEGER, msr INTEGER, guest INTEGER,"
    " position INTEGER",
    "tlb": "number INTEGER PRIMARY KEY, position INTEGER, exit INTEGER, pc INTEGER, tlb TEXT, tlbsel INTEGER,"
    " esel INTEGER, how TEXT, guest_tlbsel INTEGER, guest_esel INTEGER, ea INTEGER, size INTEGER, old_mas1 INTEGER,"
    " old_mas2 INTEGER, old_mas7_3 INTEGER, old_mas8 INTEGER, mas1 INTEGER, mas2 INTEGER, mas7_3 INTEGER, mas8 INTEGER",
    "events": "number INTEGER PRIMARY KEY, position INTEGER, time INTEGER, cpu INTEGER, pid INTEGER, task TEXT,"
    " name TEXT, text TEXT",
}
"""Tables with a row each of what the other tables have packed, or what a replay tells: a question gets them in memory,
``session index`` puts them into the file. They can be taken out again and nothing is lost."""
INDEXES: dict[str, str] = {
    "exits_position": "exits(position)", "interrupts_position": "interrupts(position)", "tlb_position": "tlb(position)",
    "events_position": "events(position)",
    "tlb_ea": "tlb(ea)", "console_position": "console(position)",
}  # fmt: skip


def table_sql(name: str, kind: str = "TABLE") -> str:
    """The statement that makes one of ``DERIVED``; ``kind``: also TEMP TABLE."""
    return f"CREATE {kind} {name}({DERIVED[name]})"


def index_sql(name: str) -> str:
    """The statement that makes one of ``INDEXES``."""
    return f"CREATE INDEX {name} ON {INDEXES[name]}"


def create(path: Path) -> sqlite3.Connection:
    """What makes a session of an empty file. Raises InputError where it cannot be written."""
    try:
        connection = _connect(f"{path.absolute().as_uri()}?mode=rw")
        connection.execute("PRAGMA synchronous = OFF")  # a run waits for no disk: what was committed is the system's
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        _migrate(connection, 0)
    except sqlite3.Error as error:
        remove(path)
        raise InputError(f"cannot write session {path}: {error}") from None
    return connection


def open_file(path: Path) -> sqlite3.Connection:
    """An existing session file, brought to the present format. Raises InputError for anything that is none."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
        size = path.stat().st_size
    except OSError as error:
        raise InputError(f"cannot read session {path}: {error.strerror or error}") from None
    if not has_magic(head):
        raise InputError(f"{path} is not a session file of ppcdbg, or its beginning is damaged")
    if size > LARGEST_FILE:
        raise InputError(f"session {path} has {size >> 30} GiB; at most {LARGEST_FILE >> 30} are opened")
    try:
        return _open(path)
    except FAULTS as error:
        raise damaged(path, error) from None


def damaged(path: Path | str, error: object) -> InputError:
    """What a reader says when SQLite, or the decoder of a column, finds something that was never written."""
    if any(word in str(error) for word in _UNWRITABLE):
        return unwritable(path, error)
    what = "text that is not UTF-8" if isinstance(error, UnicodeDecodeError) else " ".join(str(error).split())
    return InputError(f"session {path} is damaged: {what}")


_UNWRITABLE = {
    "readonly": "the file or its folder is read only",
    "locked": "another process uses it",
}


def unwritable(path: Path | str, error: object) -> InputError:
    """What a writer says when the file does not take it."""
    known = [said for word, said in _UNWRITABLE.items() if word in str(error)]
    return InputError(f"cannot write session {path}: {known[0] if known else error}")


def _open(path: Path) -> sqlite3.Connection:
    where = path.absolute().as_uri()
    try:
        connection = _connect(f"{where}?mode=rw")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # takes back what a killed writer left
    except (sqlite3.OperationalError, UnicodeDecodeError) as error:
        if _half_written(path):
            raise InputError(
                f"session {path} was left in the middle of a write, and cannot be mended where it is ({error}); copy "
                f"it and {journal(path).name} to a folder that can be written"
            ) from None
        connection = _connect(f"{where}?mode=ro&immutable=1")
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > FORMAT:
        raise InputError(f"session {path} has format {version}; this ppcdbg knows formats up to {FORMAT}: take a newer")
    foreign = [
        f"{kind} {name}"
        for kind, name, sql in connection.execute("SELECT type, name, sql FROM sqlite_master")
        if not _ours(str(kind), str(name), sql)
    ]
    if foreign:
        raise InputError(f"session {path} holds a {foreign[0]}, which ppcdbg never makes; it is not opened")
    if version < FORMAT:
        connection = _migrated(connection, version)
    for table in TABLES:
        connection.execute(f"SELECT * FROM {table} LIMIT 1").fetchone()
    return connection


def _migrated(connection: sqlite3.Connection, version: int) -> sqlite3.Connection:
    """An older file in the present format: itself, or where it cannot be written a copy that nobody else sees and that
    cannot be written either."""
    try:
        _migrate(connection, version)
        return connection
    except sqlite3.OperationalError as error:
        if "readonly" not in str(error):
            raise
    from ppcdbg.scratch import scratch

    with scratch("session") as folder:
        where = (folder / "copy").as_uri()
        copy = _connect(f"{where}?mode=rwc")
        connection.backup(copy)
        connection.close()
        _migrate(copy, version)
        copy.close()
        copy = _connect(f"{where}?mode=ro&immutable=1")
        copy.execute("SELECT count(*) FROM sqlite_master").fetchone()  # opens it; it has no name from here on
    return copy


def mend(path: Path) -> None:
    """Take back what a write left that failed: SQLite itself does so only for the next who opens the file."""
    if _half_written(path):
        with suppress(*FAULTS):
            connection = _connect(f"{path.absolute().as_uri()}?mode=rw")
            try:
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            finally:
                connection.close()


def _half_written(path: Path) -> bool:
    """Whether there is anything to take back: a journal that is not empty or struck out."""
    try:
        with journal(path).open("rb") as file:
            return any(file.read(8))
    except OSError:
        return False


def _ours(kind: str, name: str, sql: object) -> bool:
    """Whether an object is one that we make; what is derived is known to the letter."""
    if kind == "table":
        return name in TABLES or name in DERIVED and sql == table_sql(name)
    return kind == "index" and (name.startswith("sqlite_autoindex_") or name in INDEXES and sql == index_sql(name))


def _connect(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=2, check_same_thread=False)
    connection.text_factory = lambda text: text.decode("utf-8", "replace")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_BLOB)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0", "synchronous = NORMAL"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _migrate(connection: sqlite3.Connection, version: int) -> None:
    """From a format to the present one: all of it or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    for statements in MIGRATIONS[version:]:
        for statement in statements:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("COMMIT")
