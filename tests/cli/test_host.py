"""What a host does to a process: full disks, folders that take nothing, a cache that goes, memory that is not given.

A sentence and a status for each, no traceback, and what lay there before lies there after.
"""

from __future__ import annotations

import ctypes
import os
import random
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ppcdbg.cli.main import main
from ppcdbg.debugger import open_guest
from ppcdbg.errors import InputError
from ppcdbg.machine.input import InputEvent, InputKind
from ppcdbg.paths import user_cache
from ppcdbg.session.files import write_whole
from ppcdbg.session.machines import session_machine
from ppcdbg.session.store import Store
from ppcdbg.session.tables import index
from tests.cli.conftest import ROOT, Cli

DEMO = ROOT / "sessions" / "demo-e500v2-kvm.ppcdbg"
TRACE = " qemu-1 [000] d.... 1.{:06}: kvm_exit: exit=EXTERNAL_LEVEL | pc=0x{:x} | msr=0x0 | dar=0x0 | srr1=0x0\n"
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2

Before = Callable[[], None]


def ppcdbg(
    *arguments: str | Path, before: Before | None = None, out: Path | None = None, **environment: str | Path
) -> tuple[int, str]:
    """Status, and stderr; ``before`` is called in the process; ``out`` takes stdout."""
    command = [sys.executable, "-m", "ppcdbg", *map(str, arguments)]
    env = {**os.environ, **{name: str(value) for name, value in environment.items()}}
    with (out or Path(os.devnull)).open("w") as stdout:
        done = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, env=env, cwd=ROOT,
                              preexec_fn=before, timeout=100, check=False)  # fmt: skip
    return done.returncode, done.stderr


def room(kibibytes: int) -> Before:
    """No file gets larger, which fails as a full disk does."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (kibibytes << 10, kibibytes << 10))


@contextmanager
def limited(kibibytes: int) -> Iterator[None]:
    """The same in this process."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (kibibytes << 10, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def bound_by_modes() -> None:
    """Permission bits count for root as well."""
    libc = ctypes.CDLL(None)
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


def one_sentence(done: tuple[int, str], *says: str) -> None:
    status, err = done
    assert status == 3 and err.count("\n") == 1 and err.startswith("ppcdbg: "), err
    assert all(each in err for each in says), err


@pytest.fixture
def session(tmp_path: Path) -> Path:
    return Path(shutil.copy(DEMO, tmp_path / "a.ppcdbg"))


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "read-only"
    folder.mkdir()
    shutil.copy(DEMO, folder / "a.ppcdbg")
    (folder / "a.ppcdbg").chmod(0o444)
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)


# --- a disk that fills -----------------------------------------------------------------------------------------------
def test_an_index_that_has_no_room_leaves_the_file_as_it_was(session: Path) -> None:
    before = session.read_bytes()
    one_sentence(ppcdbg("session", "index", session, before=room(80)), f"cannot write session {session}: ")
    assert session.read_bytes() == before and [*session.parent.iterdir()] == [session]


def test_what_sqlite_does_not_take_back_by_itself_is_taken_back(session: Path) -> None:
    """Where half of a transaction was in the file, a full disk left it grown, and its journal beside it."""
    before = session.read_bytes()
    store = Store.open(session)
    store.rows("PRAGMA cache_size = 10")  # pages go to the file before the end, as they do where there are many
    with limited(200), pytest.raises(InputError, match=f"cannot write session {session}"):
        store.alone(lambda: store.add_input([InputEvent(0, 0, InputKind.CONSOLE, data=os.urandom(1000))] * 900, 1_000))
    store.close()
    assert session.read_bytes() == before and [*session.parent.iterdir()] == [session]


@pytest.mark.parametrize("form", ["csv", "jsonl", "ftrace", "perfetto"])
def test_an_export_that_has_no_room_leaves_no_half_a_file(session: Path, tmp_path: Path, form: str, cli: Cli) -> None:
    out = tmp_path / "out"
    with limited(20):
        result = cli("session", "export", session, form, "-o", out)
    one_sentence((result.status, result.err), f"cannot write {out}: File too large")
    assert not out.exists()


def test_an_import_that_has_no_room_leaves_nothing(tmp_path: Path) -> None:
    trace = tmp_path / "trace.txt"
    chance = random.Random(5)
    lines = (TRACE.format(n, chance.getrandbits(32)) for n in range(20_000))
    trace.write_text("".join(lines))
    out = tmp_path / "t.ppcdbg"
    one_sentence(ppcdbg("import", trace, "-o", out, before=room(64)), f"cannot write session {out}: ")
    assert [*tmp_path.iterdir()] == [trace]


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "demo"), ("stat", "demo", "-1"), ("info", "exits"), ("repl", "demo", "-n", "-c", "info exits"),
        ("repl", "demo", "--json", "-n", "-c", "continue"), ("session", "export", str(DEMO), "csv"),
        ("record", "demo", "-o", "FILE"),
    ],
    ids=lambda arguments: "-".join(arguments[:2]),
)  # fmt: skip
def test_what_is_printed_onto_a_full_disk(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """It was a fault of ppcdbg's own, with a traceback and a report."""
    given = [str(tmp_path / "a.ppcdbg") if each == "FILE" else each for each in arguments]
    done = ppcdbg(*given, out=Path("/dev/full"), XDG_STATE_HOME=tmp_path)
    one_sentence(done, "cannot write what this prints: No space left on device")
    assert not (tmp_path / "ppcdbg").exists()


def test_nobody_hears_why_it_ends() -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "ppcdbg", "info", "exits"]
        assert subprocess.run(command, stdout=full, stderr=full, cwd=ROOT, check=False).returncode == 3


def test_a_file_is_written_whole_or_stays_as_it_was(tmp_path: Path) -> None:
    """A layout, the lines that were typed, results as data: each was gone where the disk was full."""
    path = tmp_path / "layout.toml"
    write_whole(path, "first")
    path.chmod(0o640)
    with limited(4), pytest.raises(OSError, match="too large"):
        write_whole(path, "x" * 5000)
    assert path.read_text() == "first" and [*tmp_path.iterdir()] == [path]
    write_whole(path, "second")
    assert path.read_text() == "second" and path.stat().st_mode & 0o777 == 0o640
    link = tmp_path / "link"
    link.symlink_to(path)
    write_whole(link, "third")
    assert link.is_symlink() and path.read_text() == "third"
    write_whole(Path("/dev/null"), "nothing")


# --- folders that take nothing ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("run demo --json F/x.json", "cannot write F/x.json: Permission denied"),
        ("record demo -o F/x.ppcdbg", "cannot write session F/x.ppcdbg: Permission denied"),
        ("session index F/a.ppcdbg", "cannot write session F/a.ppcdbg: the file or its folder is read only"),
        ("session note F/a.ppcdbg hello", "cannot write session F/a.ppcdbg: the file or its folder is read only"),
        ("session export F/a.ppcdbg csv -o F/x.csv", "cannot write F/x.csv: Permission denied"),
        (
            "session branch F/a.ppcdbg --at 5000 --edit withhold\\ DECREMENTER -o F/b.ppcdbg",
            "cannot write session F/b.ppcdbg: ",
        ),
        ("repl demo -n -c record\\ F/r.ppcdbg", "cannot write session F/r.ppcdbg: Permission denied"),
        ("import T -o F/i.ppcdbg", "cannot write session F/i.ppcdbg: Permission denied"),
    ],
)
def test_output_into_a_folder_that_is_read_only(arguments: str, says: str, read_only: Path, tmp_path: Path) -> None:
    import shlex

    trace = tmp_path / "t"
    trace.write_text(TRACE.format(0, 0xC0))
    given = shlex.split(arguments.replace("F/", f"{read_only}/").replace(" T ", f" {trace} "))
    status, err = ppcdbg(*given, before=bound_by_modes)
    assert status == 3 and says.replace("F/", f"{read_only}/") in err.splitlines()[-1], err
    assert "Traceback" not in err and [each.name for each in read_only.iterdir()] == ["a.ppcdbg"]


def test_folders_of_the_user_that_are_read_only_are_done_without(read_only: Path, tmp_path: Path) -> None:
    """Cache, settings, state and data: nothing of a run needs them, and a session that cannot be written is read."""
    own = dict.fromkeys(("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"), read_only)
    status, err = ppcdbg("repl", read_only / "a.ppcdbg", "--engine", "reference", "-c", "seek 5000", "-c", "note seen",
                         before=bound_by_modes, **own)  # fmt: skip
    assert (status, err) == (0, "")
    under_a_file = dict.fromkeys(own, read_only / "a.ppcdbg")
    status, err = ppcdbg("--snapshot", tmp_path / "s.txt", "--keys", "F4", "demo", "--engine", "reference",
                         "-c", "continue", **under_a_file)  # fmt: skip
    assert (status, err) == (0, "") and "36,493 instructions" in (tmp_path / "s.txt").read_text()


# --- the cache -------------------------------------------------------------------------------------------------------
def same(arguments: tuple[str, ...], count: int, cache: Path, tmp_path: Path) -> set[str]:
    """What so many processes at once say that share a cache."""
    env = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    command = [sys.executable, "-m", "ppcdbg", *arguments]
    started = [subprocess.Popen([*command, "--json", str(tmp_path / f"{n}.json")], stdout=subprocess.DEVNULL, env=env,
                                stderr=subprocess.PIPE, cwd=ROOT, text=True) for n in range(count)]  # fmt: skip
    for process in started:
        _, err = process.communicate(timeout=280)
        assert process.returncode == 0 and "Traceback" not in err, err
    return {(tmp_path / f"{n}.json").read_text() for n in range(count)}


def objects(cache: Path) -> list[Path]:
    return sorted((cache / "ppcdbg").iterdir())


@pytest.mark.soak
def test_an_object_of_the_cache_that_is_damaged_is_made_anew(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = same(("run", "demo"), 1, cache, tmp_path)
    (kept,) = objects(cache)
    data = kept.read_bytes()
    kept.write_bytes(data[:1000] + bytes([data[1000] ^ 1]) + data[1001:])
    assert same(("run", "demo"), 1, cache, tmp_path) == first
    assert objects(cache) == [kept] and kept.read_bytes() == data


@pytest.mark.soak
def test_eight_processes_that_share_an_empty_cache(tmp_path: Path) -> None:
    """All compile, all keep, each while the others read; the folder then has the object once, whole."""
    cache = tmp_path / "cache"
    assert len(same(("run", "demo"), 8, cache, tmp_path)) == 1
    (kept,) = objects(cache)
    data = kept.read_bytes()
    assert len(same(("run", "demo"), 8, cache, tmp_path)) == 1
    assert objects(cache) == [kept] and kept.read_bytes() == data


def test_the_cache_goes_while_the_guest_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The code is in memory, and what was put out of the exit log lies in a file that has no name."""
    place = user_cache(os.environ)
    if place.is_dir():
        shutil.copytree(place, tmp_path / "cache" / "ppcdbg", dirs_exist_ok=True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("ppcdbg.kvm.archive.BLOCK", 256)
    monkeypatch.setattr("ppcdbg.kvm.log.BLOCK", 256)
    monkeypatch.setattr("ppcdbg.kvm.log.AT_HAND", 256)
    kept = open_guest("demo", engine="llvm")
    kept.continue_()
    guest = open_guest("demo", engine="llvm")
    guest.continue_(20_000)
    shutil.rmtree(tmp_path / "cache")
    guest.continue_()
    assert guest.position == 36_493 and guest.exits.recorded(0) == kept.exits.recorded(0)


# --- memory ----------------------------------------------------------------------------------------------------------
def test_a_process_that_gets_no_memory_says_so() -> None:
    limit = 200 << 20
    done = ppcdbg("run", "demo", before=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
    one_sentence(done, "no more memory")


def test_memory_that_runs_out_in_the_middle_is_no_fault_of_ours(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> object:
        raise MemoryError

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr("ppcdbg.kvm.run.KvmSystem.run", none)
    result = cli("run", "demo")
    one_sentence((result.status, result.err), "gives this process no more memory", "--memory")
    assert not (tmp_path / "ppcdbg").exists()
    assert main(["--version"]) == 0


def test_the_index_goes_in_where_there_is_room(session: Path) -> None:
    """What the tests above have fail does not fail by itself."""
    found = index(session, lambda: session_machine(session, {}))
    assert found is not None and found["exits"] == 2_159
