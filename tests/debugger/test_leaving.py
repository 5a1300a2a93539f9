"""The debugger between an exit to userspace and its completion: what it shows, does, refuses, and how it comes back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ppcdbg.debugger import Debugger, StopReport, UsageError, open_guest
from ppcdbg.debugger.results import Note
from ppcdbg.kvm.answers import Answer, Vmm
from ppcdbg.kvm.payloads import SprExit
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.views.status import state_of
from ppcdbg.views.story import line_of

SPRS = {"unknown_spr": "exit", "irqchip": "user", "spr_exits": "reset"}


ANSWERED = ("answer SPR data = 3 if sprn == 976",)


def opened(*lines: str, guest: str = "spr-exits", **options: str) -> Debugger:
    made = open_guest(guest, **{**(SPRS if guest == "spr-exits" else {}), **options})  # type: ignore[arg-type]
    for line in lines:
        made.execute(line)
    return made


def ran(debugger: Debugger, line: str) -> StopReport:
    report = debugger.execute(line)
    assert isinstance(report, StopReport)
    return report


def said(debugger: Debugger) -> str:
    return "".join(span.text for span in line_of(debugger))


def test_it_stops_before_the_answer_and_says_what_is_asked() -> None:
    d = opened("break userspace SPR if sprn == 976 && !is_write")
    report = ran(d, "continue")
    assert report.left and dict(report.fields)["sprn"] == 976 and report.record is not None
    assert report.record.number == len(d.exits) == 13
    assert "KVM_EXIT_SPR sprn=0x3d0 data=0" in said(d) and "Nobody has answered yet" in said(d)
    assert d.complete("answer d").words == ("data", "delete") and "data" not in opened().complete("answer d").words
    assert "".join(s.text for s in state_of(d)) == "■ stopped: breakpoint 1, KVM_EXIT_SPR unanswered "
    note = d.execute("answer data = 0x70 + 7")
    assert isinstance(note, Note) and note.text == (
        "when the guest runs on: KVM_EXIT_SPR sprn=0x3d0 data=0x77 msr=0x1000 is_write=0 status=0"
    )
    asked = "exit 13 waits: KVM_EXIT_SPR sprn=0x3d0 data=0 msr=0x1000 is_write=0 status=0; "
    assert d.execute("info userspace")[0].notes == (  # type: ignore[index]
        asked + "it gets sprn=0x3d0 data=0x77 msr=0x1000 is_write=0 status=0",
    )
    before = d.value("$r23")
    step = ran(d, "stepi")
    assert not step.left and step.record is not None and step.record.number == 13
    assert (before, d.value("$r23"), d.pc) == (0xFFFFFFFF, 0x77, report.pc + 4)
    assert "nobody" not in said(d).lower() and "data=0x77" in said(d)


def test_a_program_answers_it_with_what_it_got() -> None:
    d = opened("break userspace SPR")
    asked = d.continue_().asked
    assert isinstance(asked, SprExit) and asked.sprn == 976
    d.answer(replace(asked, data=0x99))
    assert d.step().asked is None and d.value("$r23") == 0x99
    with pytest.raises(UsageError, match="does not stand at an exit"):
        d.answer(asked)


def test_after_and_both_and_a_trace() -> None:
    d = opened("break userspace SPR after")
    report = ran(d, "continue")
    assert not report.left and len(d.exits) == 14 and report.told == ("breakpoint 1, userspace SPR after",)
    d = opened(*ANSWERED, "break userspace SPR both")
    assert [ran(d, "continue").left for _ in range(4)] == [True, False, True, False]
    d = opened(*ANSWERED, "trace userspace SPR", "break *interrupts")
    hits = ran(d, "continue").traces
    assert len(hits) > 3 and all(h.record is not None and h.record.resume for h in hits)
    found = opened("run-until userspace EPR").last
    assert found.left and found.record is not None


@pytest.mark.parametrize("line", ["stepi", "nexti", "step-exit", "until", "advance *$pc + 4"])
def test_every_motion_completes_the_exit(line: str) -> None:
    d = opened("break userspace SPR", "continue")
    number = len(d.exits)
    ran(d, line)
    assert not d.last.left and len(d.exits) >= number + 1


def test_a_breakpoint_right_behind_the_access_is_come_to() -> None:
    d = opened("break userspace MMIO", guest="demo")
    report = ran(d, "continue")
    d.execute(f"tbreak *{report.pc:#x}")
    again = ran(d, "continue")
    assert not again.left and (again.pc, again.position) == (report.pc, report.position)


@pytest.mark.parametrize("line", [
    "set $r3 = 1", "set *(u32 *)0x100000 = 1", "set tlb TLB1[0] v=0", "withhold DECREMENTER", "guest-debug step",
    "jump *0x100000",
])  # fmt: skip
def test_nothing_but_the_answer_changes_anything(line: str) -> None:
    d = opened("break userspace SPR", "continue")
    try:
        d.execute(line)
    except UsageError as error:
        assert "between an exit to userspace and its completion" in str(error)
    else:
        raise AssertionError("it was done")
    assert d.system.left and not len(d.system.input)


@pytest.mark.parametrize(("line", "words"), [
    ("answer sprn = 3", "is no answer to KVM_EXIT_SPR"), ("answer data", "is no answer"),
    ("answer data = 1 if sprn == 976", "takes no condition"), ("answer data = nosuch", "nosuch"),
    ("answer end now", "cannot end by"),
])  # fmt: skip
def test_what_is_no_answer_to_this_exit(line: str, words: str) -> None:
    d = opened("break userspace SPR", "continue")
    with pytest.raises(UsageError, match=words):
        d.execute(line)
    assert d.system.left


def test_the_data_of_a_write_is_the_guests() -> None:
    d = opened(*ANSWERED, "break userspace SPR if is_write", "continue")
    with pytest.raises(UsageError, match="data of a write is the guest's"):
        d.execute("answer data = 1")
    d.execute("answer status = 1")
    ran(d, "stepi")
    assert "Userspace failed it" in said(d)


def test_without_one_to_stand_at_an_answer_needs_a_reason() -> None:
    with pytest.raises(UsageError, match="no exit to userspace data"):
        opened("answer data = 1")


def test_a_rule_and_a_userspace_answer_it_as_well() -> None:
    class Board(Vmm):
        def on_spr(self, exit: SprExit) -> Answer:
            raise AssertionError("the answer was given by hand")

    d = opened("break userspace SPR", "continue")
    d.execute("answer SPR data = 0x55 if !is_write")
    ran(d, "stepi")
    assert d.value("$r23") == 0x55
    d = opened("break userspace SPR", "continue")
    d.userspace = Board()
    d.execute("answer data = 9")
    ran(d, "stepi")
    assert d.value("$r23") == 9


@pytest.mark.parametrize(("guest", "lines"), [
    ("spr-exits", (*ANSWERED, "break userspace both", "break exit both", "break taken")),
    ("spr-exits", (*ANSWERED, "break exit both", "break *unknown + 0x14")),
    ("spr-exits", (*ANSWERED, "break userspace SPR", "break *unknown + 0xc")),
    ("demo", ("break userspace MMIO both if $_exits % 7 == 1", "break exit DTLB_MISS if $_exits % 5 == 0")),
])  # fmt: skip
def test_backwards_the_stops_are_the_same_in_mirrored_order(guest: str, lines: tuple[str, ...]) -> None:
    d = opened(*lines, guest=guest)
    seen = []
    for _ in range(40):
        report = ran(d, "continue")
        if d.system.ended is not None:
            break
        seen.append((report.stop.kind, report.position, len(d.exits), d.pc, report.told, report.fields))
    if d.system.ended is None:
        seen.pop()  # where it stands
    assert len(seen) > 8
    back = []
    for _ in seen:
        report = ran(d, "reverse-continue")
        back.append((report.stop.kind, report.position, len(d.exits), d.pc, report.told, report.fields))
    assert back == seen[::-1]


def test_places_are_come_back_to() -> None:
    d = opened(*ANSWERED, "break userspace SPR", "continue", "continue")
    there, number = d.past.here, len(d.exits)
    ran(d, "stepi")
    ran(d, "back")
    assert d.system.left and d.past.here == there and len(d.exits) == number
    ran(d, "forward")
    assert not d.system.left
    ran(d, "back")
    d.execute("writers 0x100000..0x10ffff")  # it looks through the past, and is back
    assert d.system.left and d.last.left and d.past.here == there
    looking = d.past.looking  # as the UI does when a row is selected
    assert looking.at(5) and not d.system.left and looking.back()
    assert d.system.left and d.last.left and d.past.here == there
    apart = d.what_if("answer status = 1", instructions=5)
    assert d.system.left and d.past.here == there and apart.exits is not None
    d.execute("reverse-stepi")
    assert not d.system.left and d.position == there[0] - 1


def test_an_exit_that_is_held_is_come_back_to_as_well() -> None:
    """It used to be left for before the exit: the next run held it again, and told it twice."""
    d = opened("break exit PROGRAM", "continue", "continue")
    there = d.past.here
    assert d.past.looking.at(0) and d.past.looking.back()
    assert d.past.here == there and isinstance(d.system, KvmSystem) and d.system.held is not None
    assert ran(d, "continue").position > there[0]
    ran(d, "back")
    assert d.past.here == there and d.system.held is not None


def test_another_answer_in_the_past_is_another_future() -> None:
    d = opened("break userspace SPR if !is_write", "continue", "answer data = 1", "continue", "continue")
    ran(d, "reverse-continue")
    ran(d, "reverse-continue")
    assert d.system.left and len(d.exits) == 13
    d.execute("answer data = 2")
    d.execute("delete")
    ran(d, "continue")
    assert "00000002 is read" in d.console()
    rows = d.execute("info input")
    assert rows is not None and len(rows.rows) == 1  # type: ignore[union-attr]


def test_a_recording_holds_what_was_answered_and_one_that_ends_there_is_whole(tmp_path: Path) -> None:
    d = opened(f"record {tmp_path}/x.ppcdbg", "break userspace SPR", "continue", "answer data = 0x77", "continue")
    assert d.system.left
    d.execute("record stop")  # the exit at hand is completed for it
    again = open_guest(f"{tmp_path}/x.ppcdbg")
    again.execute("break userspace SPR")
    assert ran(again, "continue").left and len(again.exits) >= 13
    ran(again, "stepi")
    assert again.value("$r23") == 0x77 and again.past.parted_at is None
    ran(again, "reverse-continue")
    again.execute("answer data = 0x78")
    assert again.past.parted_at is not None
    ran(again, "stepi")
    assert again.value("$r23") == 0x78


def test_races_and_branches_from_there() -> None:
    d = opened("break userspace SPR", "continue")
    d.execute("branch other")
    ran(d, "stepi")
    d.execute("branch switch main")
    assert d.past.here[1] == 13
