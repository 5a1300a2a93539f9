"""ftrace text into sessions: what is read, what is odd and said so, and the way back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppcdbg.cli.main import main
from ppcdbg.errors import InputError
from ppcdbg.kvm.trace import EVENTS, EXIT_NAMES, PRIO_NAMES, format_event, parse_event
from ppcdbg.session.ftrace import Reading, TraceLine, line_of
from ppcdbg.session.importing import events, import_trace, imported
from ppcdbg.session.store import Store

HEAD = "# tracer: nop\n#\n# entries-in-buffer/entries-written: 5/12   #P:1\n#\n"
EXIT = "kvm_exit: exit=DTLB_MISS | pc=0x10304 | msr=0x0 | dar=0x80000110 | last_inst=0xa48b0006"
FTRACE = f"""{HEAD}            init-1       [000] d....     0.173401: {EXIT}
            init-1       [000] .....     0.173404: kvm_ppc_instr: inst 2760572934 pc 0x10304 emulate 1

            init-1       [000] .....     0.173405: kvm_userspace_exit: reason KVM_EXIT_MMIO (6)
"""
REPORT = f"""cpus=2
 qemu-system-ppc-1234  [001]   812.345678: kvm_exit:             {EXIT[10:]}
 qemu-system-ppc-1234  [001]   812.345680: kvm_booke_queue_irqprio: vcpu=0 prio=DECREMENTER pending=40000
           <idle>-0     [000]   812.345700: sched_switch:         swapper/0:0 [120] R ==> qemu-system-ppc:1234 [120]
"""


def _read(text: str) -> tuple[list[TraceLine], Reading]:
    reading = Reading()
    return [*reading.read(text.splitlines(keepends=True))], reading


def test_the_kernels_own_text() -> None:
    found, reading = _read(FTRACE)
    assert [e.name for e in found] == ["kvm_exit", "kvm_ppc_instr", "kvm_userspace_exit"]
    assert found[0].args == (13, 0x10304, 0, 0x80000110, 0xA48B0006)
    assert (found[0].time, found[0].cpu, found[0].pid, found[0].task) == (173_401_000, 0, 1, "init")
    assert reading.malformed == 0 and reading.lost == 7


def test_trace_cmds_report() -> None:
    found, reading = _read(REPORT)
    assert [e.args for e in found] == [(13, 0x10304, 0, 0x80000110, 0xA48B0006), (0, 18, 0x40000)]
    assert found[0].task == "qemu-system-ppc" and found[0].cpu == 1 and found[0].flags == ""
    assert reading.others == {"sched_switch": 1} and not reading.malformed


def test_names_with_blanks_and_dashes_and_a_column_of_thread_groups() -> None:
    line = f"     CPU 0/KVM-x-77    (    70) [003] d..1  9.000001: kvm:{EXIT}\n"
    (found,), _ = _read(line)
    assert (found.task, found.pid, found.cpu, found.flags) == ("CPU 0/KVM-x", 77, 3, "d..1")


def test_odd_lines_are_named_by_number_and_lost_events_counted() -> None:
    text = FTRACE + "CPU:0 [LOST 42 EVENTS]\ngarbage\n  x-1 [000] 1.0: kvm_exit: exit=NO_SUCH | pc=?\n"
    found, reading = _read(text)
    assert len(found) == 4 and found[3].args is None
    assert reading.lost == 49 and reading.malformed == 2
    assert [number for number, _ in reading.odd] == [10, 11]


@pytest.mark.parametrize("text", ["", "nothing here\n", "  a-1 [000] 1.0: sched_switch: x\n"])
def test_a_file_without_an_event_makes_no_session(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match="holds no event of the trace systems kvm"):
        import_trace(text.splitlines(), "t", tmp_path / "t.ppcdbg")
    assert not (tmp_path / "t.ppcdbg").exists()


# --- sessions ----------------------------------------------------------------------------------------------------
@pytest.fixture
def session(tmp_path: Path) -> Path:
    (tmp_path / "trace").write_text(FTRACE + "odd\n")
    assert main(["import", str(tmp_path / "trace"), "-o", str(tmp_path / "t.ppcdbg")]) == 0
    return tmp_path / "t.ppcdbg"


def test_what_import_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "trace").write_text(FTRACE + "odd\n")
    assert main(["import", str(tmp_path / "trace")]) == 0
    assert (tmp_path / "trace.ppcdbg").exists()
    out = capsys.readouterr().out
    assert "3 events, 1 exits, from 9 lines" in out
    assert "1 lines are no events:\n    line 9: odd" in out


def test_info_sql_and_exports(session: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["session", "info", str(session), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["causes"] == "DTLB_MISS 1" and facts["vcpus"] == "init-1 1 exits" and facts["malformed"] == 1
    question = "SELECT x.name, e.text FROM exits x JOIN events e ON e.position = x.position + 1"
    assert main(["session", "sql", str(session), question, "--json"]) == 0
    assert "inst 2760572934 pc 0x10304 emulate 1" in capsys.readouterr().out
    assert main(["session", "export", str(session), "csv"]) == 0
    assert "0,DTLB_MISS,0,69360400,13,66308,0," in capsys.readouterr().out
    assert main(["session", "export", str(session), "ftrace"]) == 0
    assert capsys.readouterr().out.splitlines()[2:] == FTRACE.splitlines()[4:]


def test_the_prompt_shows_its_exits(session: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["repl", str(session), "-n", "-c", "info exits", "-c", "continue"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "DTLB_MISS 00010304" in out and "no guest to run" in out


@pytest.mark.parametrize("command", [["run"], ["record", "-o", "x"], ["race"], ["replay", "--verify"]])
def test_what_would_run_it_is_refused(session: Path, command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command[0], str(session), *command[1:]]) == 3
    assert "is a trace of a real host, with no guest to run" in capsys.readouterr().err


@pytest.mark.parametrize("action", ["verify", "checkpoint"])
def test_it_has_nothing_to_verify(session: Path, action: str) -> None:
    assert main(["session", action, str(session)]) == 3


def test_an_export_of_our_own_is_the_same_again(tmp_path: Path) -> None:
    recorded, back = tmp_path / "r.ppcdbg", tmp_path / "i.ppcdbg"
    assert main(["record", "demo", "-o", str(recorded), "--max-insns", "20000"]) == 6
    for source, name in ((recorded, "1.txt"), (back, "2.txt")):
        assert main(["session", "export", str(source), "ftrace", "-o", str(tmp_path / name)]) == 0
        if source is recorded:
            assert main(["import", str(tmp_path / name), "-o", str(back)]) == 0
    assert (tmp_path / "1.txt").read_text() == (tmp_path / "2.txt").read_text()
    ours, theirs = Store.open(recorded), Store.open(back)
    try:
        assert (imported(theirs) or {})["malformed"] == 0
        assert [row[2:6] for row in ours.log("exit")] == [row[2:6] for row in theirs.log("exit")]
    finally:
        ours.close()
        theirs.close()


def test_ten_thousand_lines(tmp_path: Path) -> None:
    """Synthetic lines with every tenth odd: all are read, none is fatal, the odd ones are counted and some named."""
    lines = [
        f"          vcpu-{n % 3 + 1}       [00{n % 2}] .....   {n}.000001: {EXIT}\n" if n % 10 else f"odd {n}\n"
        for n in range(10_000)
    ]
    facts = import_trace(lines, "many", tmp_path / "many.ppcdbg")
    assert (facts["exits"], facts["malformed"], facts["lines"]) == (9_000, 1_000, 10_000)
    store = Store.open(tmp_path / "many.ppcdbg")
    try:
        assert sum(1 for _ in events(store)) == 9_000
    finally:
        store.close()


# --- any text ----------------------------------------------------------------------------------------------------
_word = st.integers(0, (1 << 32) - 1)
_long = st.integers(0, (1 << 64) - 1)
ARGUMENTS = {
    "kvm_exit": st.tuples(st.sampled_from([*EXIT_NAMES, 42, 99]), _long, _word, _long, _word),
    "kvm_ppc_instr": st.tuples(_word, _long, st.integers(0, 4)),
    "kvm_booke206_stlb_write": st.tuples(_word, _word, _word, _long, _long),
    "kvm_booke206_gtlb_write": st.tuples(_word, _word, _long, _long),
    "kvm_booke206_ref_release": st.tuples(_long, _word),
    "kvm_booke_queue_irqprio": st.tuples(_word, st.integers(0, len(PRIO_NAMES[True]) - 1), _long),
    "kvm_check_requests": st.tuples(_word, _long),
    "kvm_userspace_exit": st.one_of(
        st.tuples(st.sampled_from([0, 4, 6, 10, 17, 21, 23, 77]), st.just(0)),
        st.tuples(st.just(0), st.integers(-99, -1)),
    ),
    "kvm_vcpu_wakeup": st.tuples(_long, st.integers(0, 1), st.integers(0, 1)),
}  # fmt: skip


def test_every_event_has_a_way_back() -> None:
    assert {*ARGUMENTS} == {*EVENTS} - {"kvm_ack_irq"}


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_what_is_printed_is_read(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(ARGUMENTS)))
    args, hv = data.draw(ARGUMENTS[name]), data.draw(st.booleans())
    text = format_event(name, args, hv, spellings=False)
    back = parse_event(name, text.removeprefix(f"{name}: "))
    assert back is not None and format_event(name, back, hv, spellings=False) == text
    line = line_of(
        TraceLine(data.draw(st.integers(0, 1 << 60)) // 1000 * 1000, 3, 7, "a b-c", "d....", name, "", args, hv)
    )
    (event,), reading = _read(line)
    assert line_of(event) == line and not reading.malformed


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=80), max_size=12))
def test_any_text_is_survived(lines: list[str]) -> None:
    _, reading = _read("\n".join(lines))
    assert reading.malformed <= reading.lines


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.binary(max_size=12))
def test_a_damaged_trace_is_survived(at: int, damage: bytes) -> None:
    data = bytearray((FTRACE + REPORT).encode())
    at %= len(data)
    data[at : at + len(damage)] = damage
    found, reading = _read(data.decode(errors="replace"))
    assert len(found) + reading.malformed + sum(reading.others.values()) >= 3
