"""The tables of a session: every change of the TLBs by a replay, in memory or in the file, whole or not at all."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ppcdbg.cpu.state import TLB0_ENTRIES, TLB_ENTRIES
from ppcdbg.errors import InputError
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.system import Limits, System
from ppcdbg.session import tables
from ppcdbg.session.format import DERIVED
from ppcdbg.session.machines import session_machine
from ppcdbg.session.queries import ask
from ppcdbg.session.store import Store
from ppcdbg.session.systems import open_system
from tests.session.systems import DEMOS, demo, linux
from tests.session.test_files import record, verified

Entries = dict[tuple[str, int, int], tuple[int, ...]]
CHANGES = "SELECT * FROM tlb ORDER BY number"


def entries(system: System) -> Entries:
    """Every entry of the TLBs that are told of, as MAS1, MAS2, MAS7 and MAS3, MAS8."""
    found: Entries = {}
    real = "guest"
    if isinstance(system, KvmSystem):
        real = "shadow"
        for e in system.kvm.gtlb.all():
            found["guest", e.tlbsel, e.esel] = e.mas1, e.mas2, e.mas7_3, 0
    for index in range(TLB_ENTRIES):
        t = system.core.tlb.entry(index)
        tlbsel = int(index >= TLB0_ENTRIES)
        found[real, tlbsel, index - tlbsel * TLB0_ENTRIES] = t.mas1, t.mas2, t.mas7 << 32 | t.mas3, t.mas8
    return found


def held(path: Path, machine: MachineDescription) -> list[tuple[Any, ...]]:
    """The changes of a recording; carried out one after the other they make its last TLBs of its first."""
    system = open_system(machine)
    now = entries(system)
    system.run(Limits(1 << 40))
    _, rows = ask(path, CHANGES, lambda: machine)
    for row in rows:
        _, _, _, _, which, tlbsel, esel, how, *_ = row
        if how != "forget":
            assert now[which, tlbsel, esel] == row[-8:-4], row
            now[which, tlbsel, esel] = row[-4:]
    assert now == entries(system)
    if isinstance(system, KvmSystem):
        v = system.kvm
        made = sum(row[4] == "shadow" and row[7] in ("write", "evict") for row in rows)
        assert made == v.shadow.fills > 0
        at = dict(ask(path, "SELECT number, position FROM exits")[1])
        assert all(at[row[2]] == row[1] for row in rows)
    return rows


@pytest.mark.parametrize(("cpu", "hv"), DEMOS)
def test_the_changes_make_the_last_tlbs_of_the_first(tmp_path: Path, cpu: str, hv: str) -> None:
    path = tmp_path / "a.ppcdbg"
    record(path, demo(cpu, hv, "llvm"), often=False)
    rows = [held(path, session_machine(path, {"engine": engine})) for engine in ("reference", "llvm")]
    assert rows[0] == rows[1]
    guest = {row[7] for row in rows[0] if row[4] == "guest"}
    assert {"tlbwe", "tlbivax"} <= guest and "userspace" not in guest
    assert any(row[4] == "shadow" for row in rows[0]) == (hv == "kvm")


@pytest.mark.parametrize(("name", "hv"), [("linux-e500mc", "kvm"), ("linux-e500v2", "none")])
def test_the_changes_of_linux_do_too(shared: Path, tmp_path: Path, name: str, hv: str) -> None:
    path = tmp_path / "a.ppcdbg"
    system = record(path, linux(shared, name, hv), often=False)
    rows = held(path, session_machine(path, {}))
    written = sum(row[4:8:3] == ("guest", "tlbwe") for row in rows)
    if isinstance(system, KvmSystem):
        assert written == sum(n for word, n in system.kvm.emulated.items() if word & 0x7FF == 978 << 1)
    wanted = {"e500v2": "mtspr MMUCSR0", "e500mc": "tlbilx 1"}[name.removeprefix("linux-")]
    assert {"tlbwe", "tlbivax", wanted} <= {row[7] for row in rows}


def test_a_change_from_outside_is_no_instructions(tmp_path: Path) -> None:
    """What userspace writes into the guest's TLB between two exits is not laid at the next one's door."""
    path = tmp_path / "a.ppcdbg"
    record(path, demo("e500v2", "kvm", "llvm"), often=False)
    machine = session_machine(path, {})

    def meddling(which: MachineDescription) -> System:
        system = open_system(which)
        assert isinstance(system, KvmSystem)
        run, gtlb = system.run, system.kvm

        def meddled(limits: Limits) -> Any:
            gtlb.gtlb.put(1, 7, 0, 0x5000, 0)
            return run(limits)

        system.run = meddled  # type: ignore[method-assign]
        return system

    store = Store.open(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ppcdbg.session.changes.open_system", meddling)
        first = next(iter(tables.rows("tlb", store, lambda: machine)))
    store.close()
    assert first[1:3] == (0, None) and first[7] == "userspace" and first[-3] == 0x5000


def test_a_program_asks_by_the_debuggers_api() -> None:
    from ppcdbg.debugger import ask_session

    names, rows = ask_session("demo-e500v2-kvm", "SELECT max(exit), how FROM tlb WHERE tlb = 'guest'")
    assert names == ["max(exit)", "how"] and rows[0][1].startswith("tlb")
    with pytest.raises(InputError, match="cannot read session"):
        ask_session("there-is-no-such-session", "SELECT 1")


# --- in the file ---------------------------------------------------------------------------------
def plain(path: Path, statement: str) -> list[tuple[Any, ...]]:
    """As any SQL tool asks."""
    connection = sqlite3.connect(path)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


@pytest.mark.parametrize("hv", ["kvm", "none"])
def test_an_index_is_the_same_rows_for_any_tool(tmp_path: Path, hv: str) -> None:
    path = tmp_path / "a.ppcdbg"
    record(path, demo("e500v2", hv, "llvm"))
    wanted = {name: ask(path, f"SELECT * FROM {name} ORDER BY number")[1] for name in DERIVED}
    size = path.stat().st_size
    for _ in range(2):  # again over the first
        found = tables.index(path, lambda: session_machine(path, {}))
        assert found == {name: len(rows) for name, rows in wanted.items()}
    for name, rows in wanted.items():
        assert plain(path, f"SELECT * FROM {name} ORDER BY number") == rows
        assert f"{name}_position" in str(plain(path, f"EXPLAIN QUERY PLAN SELECT * FROM {name} WHERE position = 7"))
    assert verified(path, "llvm").complete

    def no_machine() -> MachineDescription:
        raise AssertionError("nothing is replayed for what is in the file")

    assert ask(path, CHANGES, no_machine)[1] == wanted["tlb"]
    assert tables.drop(path) and not tables.drop(path)
    assert path.stat().st_size <= size
    assert ask(path, CHANGES)[1] == wanted["tlb"]


def test_a_question_replays_only_for_the_changes_of_the_tlbs(tmp_path: Path) -> None:
    path = tmp_path / "a.ppcdbg"
    record(path, demo("e500v2", "kvm", "llvm"))

    def no_machine() -> MachineDescription:
        raise InputError("a replay")

    for statement in ("SELECT 'tlb'", "SELECT count(*) AS tlb FROM exits WHERE name = 'DTLB_MISS'", "SELECT 1 -- tlb"):
        ask(path, statement, no_machine)
    for statement in ("SELECT 1 FROM TLB", 'WITH t AS (SELECT * FROM "tlb") SELECT count(*) FROM t'):
        with pytest.raises(InputError, match="a replay"):
            ask(path, statement, no_machine)


def test_an_old_index_of_a_file_that_has_grown_is_not_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.ppcdbg"
    record(path, demo("e500v2", "kvm", "llvm"))
    tables.index(path, lambda: session_machine(path, {}))
    plain(path, "SELECT 1")
    with sqlite3.connect(path) as db:
        db.execute("UPDATE session SET value = '[1, 2, 3, 4]' WHERE key = 'index'")
        db.execute("DELETE FROM exits")
    db.close()
    assert ask(path, "SELECT count(*) FROM exits")[1] != [(0,)]


@pytest.mark.parametrize("statement", [
    "CREATE TABLE tlb(number, position DEFAULT (random()))", "CREATE INDEX tlb_ea ON console(text)",
    "CREATE VIEW exits AS SELECT 1", "CREATE TABLE exits2(number)",
])  # fmt: skip
def test_other_tables_of_such_names_are_refused(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "a.ppcdbg"
    Store.new(path).close()
    with sqlite3.connect(path) as db:
        db.execute(statement)
    db.close()
    with pytest.raises(InputError, match="which ppcdbg never makes"):
        Store.open(path)


@pytest.mark.parametrize("after", [0, 3, 40])
def test_an_index_that_is_interrupted_leaves_the_file_as_it_was(tmp_path: Path, after: int) -> None:
    path = tmp_path / "a.ppcdbg"
    record(path, demo("e500v2", "kvm", "llvm"))
    before = path.read_bytes()
    left = [after]

    def asked() -> bool:
        left[0] -= 1
        return left[0] < 0

    found = tables.index(path, lambda: session_machine(path, {}), asked=asked)
    assert (found is None) == (left[0] < 0)
    assert found is not None or path.read_bytes() == before


STOPPED = """
import sys, time
from pathlib import Path
from ppcdbg.session import tables
from ppcdbg.session.machines import session_machine
path, left = Path(sys.argv[1]), [int(sys.argv[2])]

def asked():
    left[0] -= 1
    if left[0] == 0:
        print("here", flush=True)
        time.sleep(60)
    return False

connect = tables.open_file
def small(path):
    connection = connect(path)
    connection.execute("PRAGMA cache_size = 1")  # so that pages are written before the end
    return connection
tables.open_file = small
tables.index(path, lambda: session_machine(path, {}), asked=asked)
"""


def unwritable(uri: str) -> sqlite3.Connection:
    raise sqlite3.OperationalError("attempt to write a readonly database")


@pytest.mark.parametrize("after", [1, 3, 4, 5])
def test_an_index_that_is_killed_leaves_no_half(tmp_path: Path, after: int) -> None:
    path = tmp_path / "a.ppcdbg"
    record(path, demo("e500v2", "kvm", "llvm"))
    exits = ask(path, "SELECT * FROM exits")
    command = [sys.executable, "-c", STOPPED, str(path), str(after)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    process.kill()
    process.wait()
    process.stdout.close()
    assert path.with_name(path.name + "-journal").exists(), "nothing was in the way of being written"
    with pytest.MonkeyPatch.context() as patch:  # a folder that only root could write
        patch.setattr("ppcdbg.session.format._connect", unwritable)
        with pytest.raises(InputError, match="copy it and a.ppcdbg-journal to a folder that can be written"):
            Store.open(path)
    assert ask(path, "SELECT name FROM sqlite_master WHERE name IN ('exits', 'tlb')")[1] == []
    assert ask(path, "SELECT * FROM exits") == exits
    assert verified(path, "llvm").complete


def test_a_replay_that_ends_elsewhere_is_no_index(tmp_path: Path) -> None:
    path = tmp_path / "a.ppcdbg"
    record(path, demo("e500v2", "kvm", "llvm"))
    before = path.read_bytes()
    with sqlite3.connect(path) as db:
        db.execute("DELETE FROM chunk WHERE kind = 'none'")
        db.execute("UPDATE session SET value = '[36493, 0, 7, 1]' WHERE key = 'reached'")
    db.close()
    changed = path.read_bytes()
    assert changed != before
    with pytest.raises(InputError, match="`ppcdbg session verify` says where they part"):
        tables.index(path, lambda: session_machine(path, {}))
    assert path.read_bytes() == changed
