"""Faults planted in how an exit to userspace is filled in, answered and completed: each changes what a guest of ours
says, what its userspace sees, or what a replay does, and none is in the model as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from ppcdbg.debugger import (
    DcrExit,
    Debugger,
    Ending,
    EprExit,
    HcallExit,
    MmioExit,
    ResetExit,
    SprExit,
    StopKind,
    Vmm,
    open_guest,
)
from ppcdbg.kvm import (
    answers,
    codes,
    emulate_dcr,
    emulate_loadstore,
    emulate_sprs,
    exits,
    hypercalls,
    ioctl,
    queueing,
    spr_exits,
)
from ppcdbg.kvm.answers import Answer
from ppcdbg.kvm.payloads import SPR_STATUS_FAIL, SPR_STATUS_OK
from ppcdbg.kvm.vcpu import Vcpu
from ppcdbg.machine.input import InputQueue
from ppcdbg.machine.system import Limits
from tests.kvm.machines import ENTRY, SC, system, vcpu

Patch = pytest.MonkeyPatch
UNKNOWN = 976


class Board(Vmm):
    """Notes every question, with pc and what the destination held; fails one SPR, and ends at the reset."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[object, ...]] = []

    def _note(self, exit: object) -> None:
        regs = self.get_regs()
        self.asked.append((str(exit), regs.pc, regs.msr, regs.gpr[15], regs.gpr[23]))

    def on_spr(self, exit: SprExit) -> Answer:
        self._note(exit)
        if exit.sprn == 702:
            return replace(exit, status=SPR_STATUS_FAIL)
        if exit.is_write and exit.data & 0x30000000:
            return Ending(StopKind.POWEROFF, "off")
        return exit if exit.is_write else replace(exit, data=0x42, immediate_exit=True)

    def on_dcr(self, exit: DcrExit) -> Answer:
        self._note(exit)
        return exit if exit.is_write else replace(exit, data=0x77)

    def on_mmio(self, exit: MmioExit) -> Answer:
        if exit.is_write or exit.phys_addr & 0xFFFFF != 0x4505:
            return None
        self._note(exit)
        return replace(exit, data=b"\x60")

    def on_epr(self, exit: EprExit) -> Answer:
        self._note(exit)
        return None  # whoever has the controller must acknowledge

    def on_intr(self, exit: object) -> Answer:
        self._note(exit)
        return None

    def on_reset(self, exit: ResetExit) -> Answer:
        self._note(exit)
        return Ending(StopKind.POWEROFF, "off")


def run(spr: str) -> tuple[Debugger, Board]:
    guest = open_guest("dcr-exits", unknown_spr="exit", irqchip="user", spr_exits=spr, engine="reference")
    board = Board()
    guest.userspace = board
    guest.continue_(20_000)
    return guest, board


def told(guest: Debugger) -> tuple[object, ...]:
    ended = guest.system.ended
    return guest.console(), guest.position, len(guest.exits), ended and ended.detail


def outcome() -> tuple[object, ...]:
    """All that a fault could change: two machines, each gone back to its beginning and run again; and a hypercall."""
    found: list[object] = []
    for spr in ("all", "reset"):
        guest, board = run(spr)
        found += [told(guest), tuple(board.asked)]
        calls = len(board.asked)
        guest.execute("seek 3")
        guest.continue_(20_000)
        found += [told(guest), len(board.asked) - calls]
    v = vcpu()
    v.vm.hcall_exits = True
    s = system(v, [SC, 0x48000000])
    v.gpr[0], v.gpr[11], v.gpr[3] = codes.SC_MAGIC_R0, 0x00010001, 8

    class Calls(Vmm):
        def on_hcall(self, exit: HcallExit) -> Answer:
            found.append(exit)
            return replace(exit, ret=3, args=(11, 12, 13, 14, 15, 16, 17, 18))

    s.answers.put_in(Calls(), (0, 0))
    s.run(Limits(4))
    return (*found, *v.gpr[3:12], s.core.state.pc - ENTRY)


@pytest.fixture(scope="module")
def clean() -> tuple[object, ...]:
    return outcome()


def _spr(change: Callable[[Vcpu], None]) -> Callable[[Patch], None]:
    """Another completion of KVM_EXIT_SPR."""
    return lambda patch: patch.setattr(exits, "complete_spr", change)


def _no_advance(v: Vcpu) -> None:
    v.spr_needed = False
    v.gpr[v.last_inst >> 21 & 31] = v.run.spr.data


def _ignores_status(v: Vcpu) -> None:
    v.run.spr = replace(v.run.spr, status=SPR_STATUS_OK)
    _complete_spr(v)


def _forgets_data(v: Vcpu) -> None:
    v.run.spr = replace(v.run.spr, data=0)
    _complete_spr(v)


def _fails_behind(v: Vcpu) -> None:
    v.pc += 4 * (v.run.spr.status != SPR_STATUS_OK)
    _complete_spr(v)


def _wrong_cause(patch: Patch) -> None:
    program = queueing.program
    patch.setattr(exits.queueing, "program", lambda v, esr: program(v, 0x04000000))


def _write_reads_back(v: Vcpu) -> None:
    v.dcr_needed = False
    v.gpr[v.last_inst >> 21 & 31] = v.run.dcr.data ^ 1


def _dcr_nowhere(v: Vcpu) -> None:
    v.dcr_needed = False


def _early(patch: Patch) -> None:
    """The value is in the register before userspace has been asked."""
    leave = spr_exits.leave

    def at_once(v: Vcpu, sprn: int, data: int, *, write: bool) -> None:
        leave(v, sprn, data, write=write)
        v.gpr[v.last_inst >> 21 & 31] = 0x42

    patch.setattr(emulate_sprs.spr_exits, "leave", at_once)


def _no_msr(patch: Patch) -> None:
    leave = spr_exits.leave

    def without(v: Vcpu, sprn: int, data: int, *, write: bool) -> None:
        leave(v, sprn, data, write=write)
        v.run.spr = replace(v.run.spr, msr=0)

    patch.setattr(emulate_sprs.spr_exits, "leave", without)


def _runs_on(patch: Patch) -> None:
    """immediate_exit is forgotten."""
    run_vcpu = ioctl.vcpu_run

    def without(v: Vcpu) -> int:
        v.run.immediate_exit = False
        return run_vcpu(v)

    patch.setattr(ioctl, "vcpu_run", without)


def _comes_back_first(patch: Patch) -> None:
    """immediate_exit comes back before anything is completed."""
    run_vcpu = ioctl.vcpu_run

    def at_once(v: Vcpu) -> int:
        return -codes.EINTR << 2 | codes.RESUME_FLAG_HOST if v.run.immediate_exit else run_vcpu(v)

    patch.setattr(ioctl, "vcpu_run", at_once)


def _mmio_first(patch: Patch) -> None:
    """The destination of a load is written before the answer."""
    access = emulate_loadstore._access

    def loaded(v: Vcpu, *rest: object) -> int:
        result = access(v, *rest)  # type: ignore[arg-type]
        if not v.run.mmio.is_write and v.mmio_needed:
            v.run.mmio.data = bytes(v.run.mmio.len)
            emulate_loadstore.complete(v)
            v.mmio_needed = False
        return result

    patch.setattr(emulate_loadstore, "_access", loaded)


def _stale_epr(patch: Patch) -> None:
    patch.setattr(ioctl.booke, "set_epr", lambda v, value: None)


def _hcall_shifted(patch: Patch) -> None:
    complete = hypercalls.complete

    def shifted(v: Vcpu) -> None:
        v.run.hcall = replace(v.run.hcall, args=v.run.hcall.args[1:] + (0,))
        complete(v)

    patch.setattr(ioctl.hypercalls, "complete", shifted)


def _hcall_status(patch: Patch) -> None:
    """r3 is KVM's own status, not userspace's."""
    complete = hypercalls.complete

    def own(v: Vcpu) -> None:
        complete(v)
        v.gpr[3] = 0

    patch.setattr(ioctl.hypercalls, "complete", own)


def _unrecorded(patch: Patch) -> None:
    """Answers are not kept as input, so that going back asks again."""
    answer = InputQueue.answer

    def silent(self: InputQueue, *rest: object, **more: object) -> object:
        taken, self.taken = self.taken, lambda event: None
        try:
            return answer(self, *rest, **more)  # type: ignore[arg-type]
        finally:
            self.taken = taken

    patch.setattr(InputQueue, "answer", silent)


def _another_moment(patch: Patch) -> None:
    """The wrong one of the recorded answers is taken."""
    recorded = InputQueue.recorded_answer

    def last(self: InputQueue, fits: Callable[[object], bool]) -> object:
        if len(self.answers) > 1:
            self.answers.pop(0)
        return recorded(self, fits)

    patch.setattr(InputQueue, "recorded_answer", last)


def _dropped_reset(patch: Patch) -> None:
    patch.setattr(emulate_sprs.spr_exits, "rest_of_dbcr0", lambda v, value: codes.EMULATE_DONE)


def _kvm_keeps_dbcr0(patch: Patch) -> None:
    userspaces = spr_exits.userspaces
    patch.setattr(emulate_sprs.spr_exits, "userspaces", lambda vm, sprn: sprn != 308 and userspaces(vm, sprn))


def _dcr_stands(patch: Patch) -> None:
    """pc does not move before a DCR is answered, nor behind it."""
    patch.setattr(emulate_dcr, "_EXIT", codes.EMULATE_EXIT_USER)


def _declines_forgotten(patch: Patch) -> None:
    """What was left to the built-in userspace is not kept."""
    answer = InputQueue.answer

    def kept(self: InputQueue, *rest: object, **more: object) -> object:
        if more.get("value") != answers._DECLINED:
            return answer(self, *rest, **more)  # type: ignore[arg-type]
        return None

    patch.setattr(InputQueue, "answer", kept)


_complete_spr = exits.complete_spr
FAULTS: dict[str, Callable[[Patch], None]] = {
    "an SPR is answered and pc stays": _spr(_no_advance),
    "the status of an SPR is not looked at": _spr(_ignores_status),
    "what an SPR reads as is lost": _spr(_forgets_data),
    "a failed SPR is skipped": _spr(_fails_behind),
    "a failed SPR is privileged, not illegal": _wrong_cause,
    "an SPR is read before userspace answers": _early,
    "the payload has no MSR": _no_msr,
    "DBCR0 is KVM's though it is userspace's": _kvm_keeps_dbcr0,
    "DBCR0[RST] is dropped though it is to exit": _dropped_reset,
    "a DCR's write changes its source": lambda patch: patch.setattr(emulate_dcr, "complete", _write_reads_back),
    "a DCR's value goes nowhere": lambda patch: patch.setattr(emulate_dcr, "complete", _dcr_nowhere),
    "a DCR does not move pc": _dcr_stands,
    "immediate_exit runs the guest": _runs_on,
    "immediate_exit completes nothing": _comes_back_first,
    "a load from a device completes at once": _mmio_first,
    "EPR is not filled in": _stale_epr,
    "a hypercall's results are shifted": _hcall_shifted,
    "a hypercall's status is KVM's": _hcall_status,
    "answers are not input": _unrecorded,
    "an answer is given to the question behind it": _another_moment,
    "what was declined is asked again": _declines_forgotten,
}


def test_the_model_as_it_is_gives_the_same_each_time(clean: tuple[object, ...]) -> None:
    assert outcome() == clean
    assert clean[3] == 0 and clean[7] == 0, "going back has asked somebody"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_seen(fault: str, clean: tuple[object, ...], monkeypatch: Patch) -> None:
    FAULTS[fault](monkeypatch)
    try:
        found: tuple[object, ...] = outcome()
    except (AssertionError, TypeError, ValueError) as error:
        found = (repr(error),)
    assert found != clean
