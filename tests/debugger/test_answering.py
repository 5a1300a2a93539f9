"""``answer``: rules of the command language that answer exits to userspace."""

from __future__ import annotations

import pytest

from ppcdbg.debugger import Debugger, MmioExit, SprExit, UsageError, Vmm, open_guest
from ppcdbg.kvm.answers import Answer

OPTIONS = {"unknown_spr": "exit", "irqchip": "user", "spr_exits": "reset"}


def opened(*lines: str) -> Debugger:
    guest = open_guest("spr-exits", **OPTIONS)  # type: ignore[arg-type]
    for line in lines:
        guest.execute(line)
    return guest


def test_rules_answer_with_expressions_of_the_exit_and_of_the_guest() -> None:
    guest = opened(
        "answer SPR data = $r25 + sprn if sprn == 976 && !is_write && *(u32 *)$pc == 0x7ef0f2a6",
        "answer SPR data = 7 if sprn == 976 && !is_write", "answer spr if is_write", "answer RESET end poweroff",
    )  # fmt: skip
    stop = guest.continue_()
    assert "unknown SPR: 000003d0 is read, and 00000007 after" in guest.console()
    assert stop.stop.detail == "userspace ended the guest at KVM_EXIT_RESET: answer RESET end poweroff"


def test_the_first_rule_that_fits_wins_and_what_fits_none_is_the_built_in_userspaces() -> None:
    guest = opened("answer SPR status = 1 if is_write", "answer SPR data = 3")
    guest.continue_()
    assert "unknown SPR: 00000003 is read" in guest.console() and "EPR: vector 42" in guest.console()
    assert [str(a.left) for e in guest.exits for a in e.actions if a.note == "KVM_EXIT_SPR"][1].endswith("status=1")


def test_a_device_of_rules() -> None:
    """The transmitter is always empty: its status is never asked of the board."""
    guest = opened("answer MMIO data = 0x1_60 if phys_addr == 0xfe0004505 && !is_write")
    guest.continue_()
    reads, writes = guest.system.board.mmio_count["serial0"]
    assert reads == 0 and writes > 100


def test_an_immediate_answer_comes_back_completed() -> None:
    guest = opened("answer SPR data = 9, immediate if sprn == 976")
    guest.run_until("debug")
    names = [a.note for e in guest.exits for a in e.actions if a.note.startswith("KVM_EXIT")]
    assert names[:2] == ["KVM_EXIT_SPR", "KVM_EXIT_INTR"]


def test_rules_stand_before_a_userspace_in_python() -> None:
    class Board(Vmm):
        def on_spr(self, exit: SprExit) -> Answer:
            return exit

        def on_mmio(self, exit: MmioExit) -> Answer:
            assert self.get_regs().pc
            return None

    guest = opened()
    board = Board()
    guest.userspace = board
    guest.execute("answer SPR data = 0x77 if sprn == 976 && !is_write && $_exits < 15")
    guest.continue_()
    assert "unknown SPR: 00000077 is read, and 00000000 after" in guest.console()
    guest.execute("answer delete")
    assert guest.userspace is board


def test_deleting_and_the_list() -> None:
    guest = opened("answer SPR", "answer EPR epr = 5")
    assert guest.execute("info answers").rows == ((1, "SPR"), (2, "EPR epr = 5"))  # type: ignore[union-attr]
    guest.execute("answer delete 1")
    assert guest.execute("answer").rows == ((2, "EPR epr = 5"),)  # type: ignore[union-attr]
    guest.execute("answer delete 2")
    assert guest.userspace is None
    guest.execute("answer SPR")
    guest.execute("answer delete")
    assert guest.execute("info answers").notes == ("the built-in userspace answers",)  # type: ignore[union-attr]


@pytest.mark.parametrize(("line", "words"), [
    ("answer SPX", "no exit to userspace SPX; did you mean SPR"),
    ("answer SPR sprn = 3", "is no answer to KVM_EXIT_SPR"),
    ("answer RESET data = 3", "is no answer to KVM_EXIT_RESET; immediate or end"),
    ("answer SPR data", "is no answer"), ("answer SPR data = ", "is no answer"), ("answer SPR data = nosuch", "nosuch"),
    ("answer SPR end now", "cannot end by 'now'"), ("answer SPR data = 1, end reset", "gets no answer"),
    ("answer SPR if", "must follow 'if'"), ("answer delete 7", "no answer 7"),
])  # fmt: skip
def test_what_is_no_rule_is_said_and_nothing_changes(line: str, words: str) -> None:
    guest = opened()
    with pytest.raises(UsageError, match=words):
        guest.execute(line)
    assert guest.userspace is None


def test_another_future_reads_its_own_guest() -> None:
    """The rule's registers are those of the vcpu that asks, not of the guest that stays where it is."""
    guest = opened("answer SPR data = $r30 if sprn == 976 && !is_write")
    guest.run_until("unknown")
    apart = guest.what_if("set $r30 = 0x55", "set $pc = $pc + 4", until="interrupts")
    assert apart.console is not None and guest.value("$r30") == 0
    assert apart.console.second.startswith("55 is read")


def test_rules_make_a_recording_that_replays_without_them(tmp_path: object) -> None:
    guest = opened("answer SPR data = $r3 + sprn if sprn == 976 && !is_write", "answer SPR if is_write")
    guest.execute(f"record {tmp_path}/x.ppcdbg")
    guest.continue_()
    guest.execute("record stop")
    again = open_guest(f"{tmp_path}/x.ppcdbg")
    again.continue_()
    assert again.console() == guest.console() and [*again.exits] == [*guest.exits]
