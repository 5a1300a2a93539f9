"""The measurements with tiny amounts: that they measure what they say. How long anything takes is never asserted."""

from __future__ import annotations

import ast
import os
from collections import Counter
from pathlib import Path

import pytest

from ppcdbg.bench import inside, loops, races, recording, rows, whole
from ppcdbg.bench.guests import linux, loop_image, with_repetitions
from ppcdbg.bench.results import NotRun
from ppcdbg.bench.snapshot import restore, save
from ppcdbg.bench.systems import REFERENCE, limits, under_kvm
from ppcdbg.machine.description import MachineDescription

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "ppcdbg" / "_guests" / "demo.elf"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "bench-c.elf"
    path.write_bytes(loop_image("c", 1 << 31))
    return path


def test_a_repetition_count_replaces_one_word() -> None:
    assert with_repetitions(b"head PPCBENCH\0\0\0\1tail", 0x01020304) == b"head PPCBENCH\1\2\3\4tail"
    for image in (b"none", b"PPCBENCH....PPCBENCH...."):
        with pytest.raises(ValueError, match="markers"):
            with_repetitions(image, 1)


def test_an_interval_is_counted_exactly(tmp_path: Path) -> None:
    loop = loops.Loop("c", loops.Lengths(lead=1, span=1), tmp_path, 60.0, REFERENCE)
    interval = loop.interval
    assert (interval.short, interval.long) == (1, 2)
    assert (interval.start, interval.short_output) == loop.whole(1)
    assert (interval.end, interval.long_output) == loop.whole(2)
    assert 50_000 < interval.end - interval.start < 500_000


def test_the_reference_engine_is_measured_over_its_own_interval(tmp_path: Path) -> None:
    lengths = loops.Lengths(reference_lead=1000, reference_span=2000)
    assert loops.Loop("a", lengths, tmp_path, 60.0, REFERENCE).reference()[REFERENCE] > 0


def test_every_loop_has_a_row_with_the_asked_figures(tmp_path: Path) -> None:
    all_rows = loops.rows(loops.Lengths(), tmp_path, 60.0)
    assert [row.name for row in all_rows] == ["loop-a", "loop-b", "loop-c"]
    for row in all_rows:
        assert [(ask.figure, ask.bound, ask.peer) for ask in row.asks] == [
            ("llvm", 1.5, "qemu -icount"),
            ("llvm", 1.0, "qemu"),
            ("tier 0", 0.5, "qemu -icount"),
        ]


def test_steps_go_as_far_as_they_say(image: Path) -> None:
    assert inside.engine_steps(image, REFERENCE, 50) > 0
    assert inside.system_steps(image, REFERENCE, 50) > 0


def test_the_clock_of_exits_changes_nothing_and_counts_all() -> None:
    plain, clocked = (under_kvm(MachineDescription(DEMO), REFERENCE) for _ in range(2))
    clock = inside.ExitClock(clocked.engine)
    clocked.engine = clock
    stops = [system.run(limits(1 << 62, 300)) for system in (plain, clocked)]
    assert stops[0] == stops[1]
    counted = Counter(plain.kvm.exit_counts)
    # The last exit of a run that is stopped there has nothing behind it that could be clocked.
    assert sum(clock.counts.values()) == 299
    assert sum((counted - clock.counts).values()) == 1


def test_exits_are_named_by_kind() -> None:
    rates = inside.exit_rates(MachineDescription(DEMO), REFERENCE, 200)
    assert list(rates)[:2] == ["whole run", "all x 199"]
    assert any(name.startswith("DTLB_MISS x ") for name in rates)


def test_a_restored_machine_runs_on_as_the_first_time(image: Path) -> None:
    machine = inside.loop_machine(image, REFERENCE)
    before = save(machine)
    machine.run(limits(inside.LEAD + 20_000))
    after = save(machine)
    assert after.block != before.block and after.ram != before.ram
    restore(machine, before)
    assert save(machine) == before
    machine.run(limits(inside.LEAD + 20_000))
    assert save(machine) == after


def test_an_import_log_is_split_by_whose_code_it_is() -> None:
    log = (
        "import time: self [us] | cumulative | imported package\n"
        "import time:       100 |        100 |   re\n"
        "import time:        20 |        120 | ppcdbg.cli\n"
        "import time:         3 |          3 |     ppcdbg\n"
        "import time:         7 |          7 | ppcdbgother\n"
    )
    assert whole.import_seconds(log) == (23 / 1e6, 107 / 1e6)


def test_absent_linux_guests_are_said_to_be_absent(tmp_path: Path) -> None:
    with pytest.raises(NotRun, match="PPCDBG_SHARED"):
        linux("e500mc", None)
    with pytest.raises(NotRun, match="there is no .*linux-e500mc.uImage"):
        linux("e500mc", tmp_path)


def test_linux_guests_are_where_one_says_or_beside_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "CHECKOUT", tmp_path / "checkout")
    named = {"PPCDBG_SHARED": str(tmp_path / "elsewhere")}
    assert rows.linux_folder(None, {}) is None
    assert rows.linux_folder(None, named) == tmp_path / "elsewhere" / "guests"
    (tmp_path / "shared" / "guests").mkdir(parents=True)
    assert rows.linux_folder(None, {}) == tmp_path / "shared" / "guests"
    assert rows.linux_folder(None, named) == tmp_path / "elsewhere" / "guests"
    assert rows.linux_folder("given", named) == Path("given").absolute()


def test_a_measured_process_keeps_its_bytecode_and_reads_no_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without bytecode each start compiles every source, which no installed package does."""
    own = whole.inherited({"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": "there", "OTHER": "kept"})
    assert own == {"PYTHONPATH": os.pathsep.join((str(ROOT), "there")), "OTHER": "kept"}
    (tmp_path / ".ppcdbg.toml").write_text('engine = "no such engine"\n')
    monkeypatch.chdir(tmp_path)
    assert whole.ppcdbg(["run", "--quiet", "demo"], 60.0).status == 0


def test_a_process_that_fails_or_hangs_is_no_figure() -> None:
    with pytest.raises(NotRun, match="exit status 2"):
        whole.ppcdbg(["run", "--no-such-option"], 60.0)
    with pytest.raises(NotRun, match="still running"):
        whole.ppcdbg(["--version"], 0.001)


def test_the_clock_is_read_in_one_place() -> None:
    """Imports of ``time`` and ``subprocess``: clock, and the gdb peer, which keeps a process beside it."""
    readers: dict[str, set[str]] = {"time": set(), "subprocess": set()}
    for path in (ROOT / "ppcdbg" / "bench").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    readers.get(alias.name, set()).add(path.stem)
    assert readers == {"time": {"clock"}, "subprocess": {"clock", "gdbpeer"}}


def test_the_explorer_is_measured_over_all_its_schedules() -> None:
    search = races.prepared(REFERENCE)
    assert races.remembered(search) == races.alone(search) == races.SCHEDULES
    assert set(races.race_row(1).subjects[0].measure()) == {"search"}


def test_recording_is_held_to_the_run_of_its_own_round(tmp_path: Path) -> None:
    (row,) = recording.rows(None, tmp_path, 60.0)
    assert {(ask.figure, ask.bound, ask.peer) for ask in row.asks} == {
        (f"{boot.name}, recorded", 1.1, boot.name) for boot in whole.BOOTS
    }
    assert not any(subject.peer for subject in row.subjects)
    with pytest.raises(NotRun):
        row.warm()


def test_a_guest_is_run_and_recorded_and_no_file_stays(shared: Path, tmp_path: Path) -> None:
    boot = whole.BOOTS[0]
    row = recording.record_row((boot,), shared / "guests", tmp_path, 60.0)
    found = row.subjects[0].measure()
    names = {boot.name, f"{boot.name}, recorded"}
    assert set(found) == names | {f"{name}, processor" for name in names}
    assert all(found[f"{name}, processor"] > 0 for name in names)
    assert not [*tmp_path.iterdir()]
