"""Session files that are cut, overwritten or forged, and disks that are full: a sentence, or what is left; never a
traceback, never a hang."""

from __future__ import annotations

import io
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ppcdbg.cli.main import main
from ppcdbg.errors import InputError
from ppcdbg.machine.system import Limits
from ppcdbg.session import tables
from ppcdbg.session.format import TABLES
from ppcdbg.session.machines import session_machine, write_machine
from ppcdbg.session.recorder import Recorder
from ppcdbg.session.replay import verify
from ppcdbg.session.store import Bookmark, Future, Store
from ppcdbg.session.writes import Threaded
from tests.session.systems import demo, make
from tests.session.test_files import meddle, record, verified

PATIENCE = 30
"""Seconds of processor time for a command that takes one or less."""
COMMANDS = (
    "session info FILE", "session verify FILE", "session export FILE csv -o /dev/null",
    "session export FILE jsonl -o /dev/null", "session export FILE ftrace -o /dev/null",
    "session export FILE perfetto -o /dev/null", "session export FILE html -o /dev/null",
    "session sql FILE SELECT~count(*),~sum(pc),~max(name)~FROM~exits", "session sql FILE SELECT~*~FROM~tlb",
    "session sql FILE SELECT~*~FROM~console,~bookmark,~note,~branch", "session note FILE", "session note FILE more",
    "session diff FILE GOOD", "session index FILE",
    "session index FILE --drop", "session list FOLDER", "replay FILE --verify", "run FILE",
    "repl FILE -n -c stepi -c continue -c reverse-stepi",
    "repl FILE -n -c branches -c note -c branch~switch~other -c stepi",
)  # fmt: skip
FINE = frozenset({0, 1, 3, 4, 5, 6})
"""Damage that nobody can tell from another run makes another run: it may hang, crash or differ, and that is said."""
VALUES: tuple[object, ...] = (
    None, 0, -1, 7, 1 << 62, -(1 << 63), 1e300, float("inf"), "", "x", "[]", "{}", "null", "[1e999]", "[1,2,3,99]",
    '{"cpu":5}', "[" * 5000, b"", b"\xff\xfe", bytes(300),
)  # fmt: skip


@contextmanager
def patience() -> Iterator[None]:
    """An AssertionError for what takes too much of the processor, or sleeps."""

    def late(number: int, frame: object) -> None:
        raise AssertionError(f"it takes longer than {PATIENCE} s")

    before = [(number, signal.signal(number, late)) for number in (signal.SIGPROF, signal.SIGALRM)]
    signal.setitimer(signal.ITIMER_PROF, PATIENCE)
    signal.alarm(20 * PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
        for number, handler in before:
            signal.signal(number, handler)


def told(command: str, path: Path, good: Path) -> str:
    """What a command says of a file on stderr."""
    names = {"FILE": str(path), "GOOD": str(good), "FOLDER": str(path.parent)}
    words = [names.get(word, word.replace("~", " ")) for word in command.split()]
    out = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
    err = io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), patience():
        status = main(words)
    meant_for_another = ("bare machine", "there is no branch 'other'")  # a file that is cut may have lost its branches
    assert status in FINE or any(text in err.getvalue() for text in meant_for_another), (
        f"{command}: status {status}: {err.getvalue()}"
    )
    assert "Traceback" not in err.getvalue()
    if status == 3:
        sentence = err.getvalue().strip().splitlines()[-1]
        assert sentence.startswith("ppcdbg: ") and len(sentence) < 400, sentence
    return err.getvalue()


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Sessions that have everything: exits, input and bookmarks; interrupts; tables."""
    folder = tmp_path_factory.mktemp("good")
    kvm, bare, indexed = (folder / f"{name}.ppcdbg" for name in ("kvm", "bare", "indexed"))
    record(kvm, demo("e500v2", "kvm", "llvm"), meddle)
    store = Store.open(kvm)
    store.set_bookmark(Bookmark("here", 100, 3, "a note"))
    store.replace_notes(["one", "another"])
    events = tuple(store.input())
    store.replace_futures(
        [Future("main", "", 0, 0, (9, 0), events, True), Future("other", "main", 7, 0, (8, 1), events[1:], False)]
    )
    store.close()
    record(bare, demo("e500mc", "none", "llvm"))
    indexed.write_bytes(kvm.read_bytes())
    tables.index(indexed, lambda: session_machine(indexed, {}))
    return [kvm, bare, indexed]


def harmed(data: st.DataObject, path: Path) -> str:
    """Do something to a file; says what."""
    whole = bytearray(path.read_bytes())
    kind = data.draw(st.sampled_from(("cut", "bytes", "scattered", "cell")))
    if kind == "cut":
        at = data.draw(st.integers(0, len(whole) - 1))
        del whole[at:]
        path.write_bytes(whole)
        return f"cut at {at}"
    if kind == "cell":
        return forged(data, path)
    count = 1 if kind == "bytes" else data.draw(st.integers(2, 64))
    places = [data.draw(st.integers(0, len(whole) - 1)) for _ in range(count)]
    for at in places:
        for offset in range(data.draw(st.integers(1, 16)) if kind == "bytes" else 1):
            whole[min(at + offset, len(whole) - 1)] = data.draw(st.sampled_from((0, 1, 0x7F, 0x80, 0xFF)))
    path.write_bytes(whole)
    return f"{kind} at {places}"


def forged(data: st.DataObject, path: Path) -> str:
    """Another value in one column, as nobody but a forger can write it."""
    connection = sqlite3.connect(path)
    try:
        table = data.draw(st.sampled_from(TABLES))
        key = "key" if table == "session" else "rowid"
        column = data.draw(st.sampled_from([row[1] for row in connection.execute(f"PRAGMA table_info({table})")]))
        rows = connection.execute(f"SELECT {key}, {column} FROM {table}").fetchall()
        if not rows:
            return "nothing"
        row, old = data.draw(st.sampled_from(rows))
        values = list(VALUES)
        if isinstance(old, int):
            values += [old + 1, old - 1, old * 3, old ^ 1 << data.draw(st.integers(0, 61))]
        elif isinstance(old, (bytes, str)) and old:
            at = data.draw(st.integers(0, len(old) - 1))
            values += [old[:at], old[:at] + old[at + 1 :], old[:at] + old[at : at + 1] * 2 + old[at + 1 :]]
        value = data.draw(st.sampled_from(values))
        try:
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", (value, row))
            connection.commit()
        except (sqlite3.Error, OverflowError):  # SQLite has no such number
            return "nothing"
        return f"{table}.{column} of {row}: {value!r}"[:200]
    finally:
        connection.close()


def hold(good: list[Path], folder: Path, examples: int, commands: int, derandomize: bool) -> None:
    @settings(
        max_examples=examples, deadline=None, database=None, derandomize=derandomize, print_blob=True,
        suppress_health_check=list(HealthCheck), phases=(Phase.generate,),
    )  # fmt: skip
    @given(st.data())
    def held(data: st.DataObject) -> None:
        chosen = data.draw(st.sampled_from(good))
        path = folder / "harmed.ppcdbg"
        path.write_bytes(chosen.read_bytes())
        what = harmed(data, path)
        after = path.read_bytes()
        for command in data.draw(st.lists(st.sampled_from(COMMANDS), min_size=commands, max_size=commands)):
            for each in folder.iterdir():
                each.unlink()
            path.write_bytes(after)
            try:
                told(command, path, chosen)
            except BaseException as error:
                raise AssertionError(f"{chosen.name}, {what}: {command}: {error}") from error

    held()


def test_a_damaged_file_gives_a_sentence_or_what_is_left(good: list[Path], tmp_path: Path) -> None:
    hold(good, tmp_path, 40, 2, True)


@pytest.mark.soak
def test_many_damaged_files_do(good: list[Path], tmp_path: Path) -> None:
    hold(good, tmp_path, 600, 3, False)


@pytest.mark.parametrize(("statement", "words"), [
    ("UPDATE session SET value = '[4611686018427387904, 0, 0, 0]' WHERE key = 'reached'", "something is counted"),
    ("UPDATE session SET value = '[9, 0, 0, []]' WHERE key = 'reached'", "where a number belongs"),
    ("UPDATE chunk SET count = 1152921504606846976 WHERE kind = 'exit'", "is damaged"),
    ("UPDATE chunk SET data = NULL", "is damaged"), ("UPDATE image SET size = 'x'", "is damaged"),
    ("UPDATE image SET name = '..' WHERE role = 'kernel'", "by its name '..': Is a directory"),
    ("UPDATE image SET name = hex(zeroblob(300)) WHERE role = 'kernel'", "by its name"),
    ("UPDATE image SET name = 'a' || char(0) WHERE role = 'kernel'", "by its name 'a\\x00'"),
    ("UPDATE input SET data = 4294967296", "no bytes for its data"),
    ("UPDATE input SET name = 'MMUCFG' WHERE kind = 'register'", "the input register MMUCFG at position"),
    ("UPDATE input SET target = 1073741824 WHERE kind = 'memory'", "the input memory 1073741824 at position"),
    ("UPDATE state_hash SET position = 1 WHERE rowid > 9", "follows a later one"),
    ("UPDATE state_hash SET core = 'x'", "where a number belongs"),
])  # fmt: skip
def test_what_is_wrong_is_said(good: list[Path], tmp_path: Path, statement: str, words: str) -> None:
    path = tmp_path / "a.ppcdbg"
    path.write_bytes(good[0].read_bytes())
    with sqlite3.connect(path) as db:
        assert db.execute(statement).rowcount > 0
    db.close()
    assert words in told("session verify FILE", path, good[0])


# --- a file that cannot be written -----------------------------------------------------------------
def test_a_disk_that_fills_ends_the_recording_and_not_the_file(tmp_path: Path) -> None:
    """The run goes on; what was committed stays and replays; the recorder says how much that is."""
    path, machine, now = tmp_path / "a.ppcdbg", demo("e500v2", "kvm", "llvm"), [0.0]
    store = Store.new(path)
    write_machine(store, machine)
    system = make(machine)

    def clock() -> float:
        now[0] += 0.2
        return now[0]

    recorder = Recorder(system, Threaded(store), 500, clock)
    system.run(Limits(8_000))
    store.settle()
    kept = recorder.kept
    assert kept is not None and 0 < kept <= 8_000
    store.rows("PRAGMA max_page_count = 1")  # as few as there are
    system.run(Limits(1 << 40))
    assert system.ended is not None, "the run goes on"
    with pytest.raises(InputError, match="cannot write session .*full; it holds the run up to position") as caught:
        recorder.finish()
    assert system.visitors == [] and f"{recorder.kept:,}" in str(caught.value)
    store.close()
    found = verified(path, "llvm")
    assert found.complete and found.position == recorder.kept >= kept


@pytest.mark.parametrize(("pages", "left"), [(3, False), (17, True)])
def test_record_says_that_there_is_no_room(tmp_path: Path, pages: int, left: bool) -> None:
    """A limit of the process on the size of files, which fails as a full disk does. Python ignores its signal."""
    path = tmp_path / "a.ppcdbg"

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (pages * 4096, pages * 4096))

    command = [sys.executable, "-m", "ppcdbg", "record", "demo", "--hash-every", "100", "-o", str(path)]
    done = subprocess.run(command, preexec_fn=limited, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 3 and done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"ppcdbg: cannot write session {path}: ")
    assert [*tmp_path.iterdir()] == ([path] if left else []), done.stderr
    if left:
        store = Store.open(path)
        try:
            assert verify(store, session_machine(path, {})).complete
        finally:
            store.close()


@pytest.mark.parametrize("folder", ["no", "/proc"])
def test_a_folder_that_takes_no_file(tmp_path: Path, folder: str) -> None:
    path = tmp_path / folder / "a.ppcdbg"
    err = io.StringIO()
    with redirect_stderr(err):
        assert main(["record", "demo", "-o", str(path)]) == 3
    assert err.getvalue() == f"ppcdbg: cannot write session {path}: No such file or directory\n"
