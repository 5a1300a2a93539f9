"""The model against the real Linux 6.1 KVM: every event of the traces beside this file, in order, and what was left."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ppcdbg.cli.main import main
from ppcdbg.conform.align import REFILL, RELEASE, WAITING, align
from ppcdbg.conform.conform import conform, reader
from ppcdbg.conform.normal import Event
from ppcdbg.conform.oracle import Oracle, open_oracle
from ppcdbg.conform.waiting import waiting_loops
from ppcdbg.errors import InputError

HERE = Path(__file__).parent / "oracle"
ORACLE = open_oracle(HERE)
MOST_LEFT_OUT = 8
"""Lines of one trace that may differ from run to run; the README of the oracle says which."""


@pytest.mark.parametrize(("guest", "backing"), ORACLE.traces)
def test_a_guest_agrees(guest: str, backing: str) -> None:
    found = conform(ORACLE, guest, backing)
    assert found.alignment.difference is None, _shown(found.run.events, found.trace.events, found.alignment.difference)
    assert not found.findings
    assert sum(found.alignment.left_out.values()) <= MOST_LEFT_OUT


@pytest.mark.soak
@pytest.mark.parametrize("engine", ["reference", "llvm"])
def test_all_agree_on_each_engine(shared: Path, engine: str) -> None:
    for oracle in (ORACLE, open_oracle(shared / "oracle")):
        for guest, backing in oracle.traces:
            assert conform(oracle, guest, backing, engine=engine).agrees, (oracle.folder, guest, backing, engine)


def test_the_oracle_itself_agrees(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conform", str(shared / "oracle")]) == 0
    assert "no difference" in capsys.readouterr().out


def _shown(ours, theirs, at) -> str:  # type: ignore[no-untyped-def]
    return "\n".join([e.text for e in ours[at.ours : at.ours + 5]] + ["---"] + [*theirs[at.theirs : at.theirs + 5]])


# --- what is said where they differ ------------------------------------------------------------------------------
def _changed(folder: Path, old: str, new: str, part: str = "core") -> Oracle:
    """An oracle of guest f alone, one text of whose trace was changed."""
    (folder / "guests").mkdir()
    (folder / "traces").mkdir()
    (folder / "guests" / "f.bin").write_bytes(ORACLE.image("f"))
    for ending in ("core", "info"):
        text = (HERE / "traces" / f"f-anon.{ending}").read_text()
        if ending == part:
            assert old in text
            text = text.replace(old, new, 1)
        (folder / "traces" / f"f-anon.{ending}").write_text(text)
    return open_oracle(folder)


def test_a_difference_is_named_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _changed(tmp_path, "prio=SYSCALL pending=0", "prio=SYSCALL pending=1")
    assert main(["conform", str(tmp_path), "--json", str(tmp_path / "out.json")]) == 5
    text = capsys.readouterr().out
    assert "> theirs  kvm_booke_queue_irqprio: vcpu=0 prio=SYSCALL pending=1" in text
    assert "after mark 4: sc" in text
    found = json.loads((tmp_path / "out.json").read_text())
    assert found["status"] == "divergence"
    (one,) = found["comparisons"]
    assert one["difference"]["ours_place"]["instruction"] == "sc"
    assert one["difference"]["before"][-1].startswith("kvm_exit: exit=SYSCALL")


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("syscall_exits: 13", "syscall_exits: 12", "counter syscall_exits"),
        ("tlb0cfg=4110200", "tlb0cfg=4110100", "initial tlb0cfg"),
        ("5a5a5a5a 00000000", "5a5a5a5a 00000001", "result word 1"),
        ("srr1=00008000", "srr1=00009000", "log, entry"),
        ("TLB1[0] mas1=80000700", "TLB1[0] mas1=80000500", "TLB, line 0"),
    ],
)
def test_what_the_guest_left_is_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, what: str
) -> None:
    _changed(tmp_path, old, new, "info")
    assert main(["conform", str(tmp_path)]) == 5
    assert what in capsys.readouterr().out


def test_a_quirk_switched_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conform", str(HERE), "f", "--quirk", "zero_r1_is_critical=off"]) == 5
    assert "after mark d" in capsys.readouterr().out


# --- what may differ ---------------------------------------------------------------------------------------------
MISS = "kvm_exit: exit=DTLB_MISS | pc=0x10000 | msr=0x0 | dar=0xa0000000 | last_inst=0x80830000"
WRITE = "kvm_booke206_stlb_write: mas0=T0 mas1=80021100 mas2=a0000000 mas7_3=gpa:100000|3f"
OTHER = "kvm_exit: exit=PROGRAM | pc=0x10004 | msr=0x0 | dar=0x{:x} | last_inst=0x7c0004ac"


def _never(a: int, b: int) -> bool:
    return False


def test_a_page_mapped_again_is_left_out_and_counted() -> None:
    ours = [Event(MISS), Event(WRITE), Event(OTHER.format(1))]
    theirs = [MISS, WRITE, MISS, WRITE, OTHER.format(2)]
    found = align(ours, theirs, _never)
    assert found.difference is None and found.left_out == {REFILL: 2}


@pytest.mark.parametrize(
    "again",
    [WRITE.replace("gpa:100000", "gpa:200000"), WRITE.replace("80021100", "80031100"), WRITE.replace("3f", "15")],
)
def test_a_page_mapped_otherwise_is_a_difference(again: str) -> None:
    found = align([Event(MISS), Event(WRITE)], [MISS, WRITE, MISS, again], _never)
    assert found.difference is not None and found.difference.theirs == 2


def test_a_page_that_the_guest_took_away_is_not_one_pushed_out() -> None:
    """tlbilx drops the shadow of a protected entry: not to do so must be found."""
    drop = "kvm_ppc_instr: inst 2087727140 pc 0x10008 emulate 0"
    ours = [Event(MISS), Event(WRITE), Event(drop, unmapped=(0xA0000000,))]
    found = align(ours, [MISS, WRITE, drop, MISS, WRITE], _never)
    assert found.difference is not None and found.difference.theirs == 3


def test_a_first_miss_is_a_difference() -> None:
    assert align([], [MISS, WRITE], _never).difference is not None


def test_the_page_of_a_large_entry_may_be_another_after_a_refill_only() -> None:
    a, b = (f"kvm_booke206_ref_release: gpa:{page}000 flags=a0000000" for page in ("3f", "10"))
    refilled = align([Event(MISS), Event(WRITE), Event(a)], [MISS, WRITE, MISS, WRITE, b], _never)
    assert refilled.difference is None and refilled.left_out[RELEASE] == 2
    assert align([Event(a)], [b], _never).difference is not None


def test_where_a_waiting_loop_is_interrupted_may_differ() -> None:
    waits = waiting_loops(reader(bytes.fromhex("7c058800 4182fffc 60000000 4bfffff8")))
    line = "kvm_ppc_instr: inst 1275068516 pc {:#x} emulate 0"
    found = align([Event(line.format(0x10000))], [line.format(0x10004)], waits)
    assert found.difference is None and found.left_out == {WAITING: 2}
    assert align([Event(line.format(0x10004))], [line.format(0x10008)], waits).difference is not None
    assert align([Event(line.format(0x10008))], [line.format(0x1000C)], waits).difference is not None


# --- files -------------------------------------------------------------------------------------------------------
def test_a_folder_that_is_no_oracle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no oracle: it needs the folders"):
        open_oracle(tmp_path)


def test_a_guest_without_a_trace_is_refused() -> None:
    with pytest.raises(InputError, match="no trace of a guest zz"):
        open_oracle(HERE, ["zz"])


def test_a_line_that_is_no_event_is_named(tmp_path: Path) -> None:
    oracle = _changed(tmp_path, "kvm_exit: exit=ITLB_MISS", "\x00garbage")
    with pytest.raises(InputError, match="line 1 of the trace .* is no event"):
        oracle.trace("f", "anon")


def test_a_large_image_is_refused(tmp_path: Path) -> None:
    oracle = _changed(tmp_path, "kvm_exit", "kvm_exit")
    (tmp_path / "guests" / "f.bin").write_bytes(bytes(17 << 20))
    with pytest.raises(InputError, match="do not fit"):
        conform(oracle, "f", "anon")


def test_settings_of_another_kind_are_refused(tmp_path: Path) -> None:
    oracle = _changed(tmp_path, "tlb=sw", "tlb=sw9", "info")
    with pytest.raises(InputError, match="tlb=sw9"):
        oracle.setting(oracle.trace("f", "anon"))
    trace = ORACLE.trace("f", "anon")
    linux = replace(trace, info={**trace.info, "BEGIN": ("guest=f linux=1",)})
    with pytest.raises(InputError, match="Linux"):
        ORACLE.setting(linux)
