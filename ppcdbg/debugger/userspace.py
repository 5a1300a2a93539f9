"""What KVM leaves to userspace, as data: how often, who answers, what struct kvm_run held last; and by which rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ppcdbg.debugger import queries
from ppcdbg.debugger.answering import Rules
from ppcdbg.debugger.model import vcpu_of
from ppcdbg.debugger.results import Table
from ppcdbg.isa.operands import spr_name
from ppcdbg.kvm.answers import Vmm, answer_text
from ppcdbg.kvm.blocks import MMIO, USERSPACE, Compact
from ppcdbg.kvm.codes import EXIT_REASON_NAMES, KVM_EXIT_MMIO, RESUME_FLAG_HOST
from ppcdbg.kvm.records import payloads
from ppcdbg.kvm.spr_exits import DBCR0, EPR, SprExits, userspaces
from ppcdbg.kvm.vcpu import Vcpu
from ppcdbg.kvm.vm import UnknownSpr

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

_NATIVE, _WHOLE = 16, 14


def tables(debugger: Debugger) -> tuple[Table, ...]:
    """The exits to userspace so far, and who has what."""
    answers = queries.answers(debugger)
    vcpu = vcpu_of(debugger.system)
    assert vcpu is not None
    own = frozenset() if answers.vmm is None else answers.vmm.answered()
    counts: dict[int, int] = {}
    last: dict[int, int] = {}
    for number, row in enumerate(vcpu.exits.rows(0)):
        for reason in _reasons(row):
            counts[reason] = counts.get(reason, 0) + 1
            last[reason] = number
    rows: list[tuple[str | int, ...]] = []
    for reason in sorted(counts):
        number = last[reason]
        told = [each for each in payloads(vcpu.exits[number]) if reason == each.REASON]
        text = str(told[-1]).partition(" ")[2] if told else ""
        who = _name(answers.vmm) if reason in own else "built in"
        rows.append((EXIT_REASON_NAMES[reason], counts[reason], who, f"exit {number}", text or "-"))
    columns = "exit", "count", "answered by", "last", "struct kvm_run"
    return Table("userspace", columns, tuple(rows), _at_hand(debugger)), _rules(vcpu, answers.vmm)


def _at_hand(debugger: Debugger) -> tuple[str, ...]:
    """The exit that stands unanswered, and what it will get, if somebody has said that."""
    system = queries.kvm_of(debugger)
    asked, answer = system.leaving.asked, system.leaving.given()
    if asked is None:
        return ()
    gets = "nobody has answered yet" if answer is None else f"it gets {answer.name or answer_text(answer)}"
    return (f"exit {len(debugger.exits)} waits: {asked}; {gets}",)


def _name(vmm: Vmm | None) -> str:
    """Of whoever answers in place of the built-in userspace."""
    if isinstance(vmm, Rules):
        rules = f"{len(vmm.rules)} rule{'s' if len(vmm.rules) != 1 else ''}"
        return rules if vmm.below is None else f"{rules}, {_name(vmm.below)}"
    return "none" if vmm is None else type(vmm).__name__


def _reasons(row: Compact) -> Iterator[int]:
    """What one row of the log says went to userspace."""
    if len(row) == _NATIVE:
        if row[8] == MMIO and row[13] & RESUME_FLAG_HOST:
            yield KVM_EXIT_MMIO
        return
    if len(row) != _WHOLE:
        return  # a recording knows no more than that it happened
    for action in row[8]:
        if action[0] == USERSPACE:
            yield action[1].REASON
        elif action[0] == MMIO and row[11] & RESUME_FLAG_HOST:
            yield KVM_EXIT_MMIO


def _rules(v: Vcpu, vmm: Vmm | None) -> Table:
    vm = v.vm
    unknown = {UnknownSpr.FAIL: "emulation fails", UnknownSpr.IGNORE: "writes do nothing, reads give 0",
               UnknownSpr.EXIT: "userspace's, by KVM_EXIT_SPR"}  # fmt: skip
    mpic = "userspace" if vm.mpic_in_kernel is None else "KVM"
    if userspaces(vm, EPR):
        epr = "userspace's, and acknowledged by the read: KVM_EXIT_SPR"
    else:
        epr = "userspace fills it in at delivery: KVM_EXIT_EPR" if vm.mpic_in_kernel is None else "KVM's, as the MPIC"
    if v.hv:
        epr += "; a guest on this core reads it without an exit"
    rests = {SprExits.OFF: "RST is dropped", SprExits.RESET: "RST: KVM_EXIT_RESET",
             SprExits.SYSTEM_EVENT: "RST: KVM_EXIT_SYSTEM_EVENT"}  # fmt: skip
    rest = rests.get(vm.spr_exits, "RST and others: KVM_EXIT_SPR")
    dbcr0 = "userspace's, whole: KVM_EXIT_SPR" if userspaces(vm, DBCR0) else f"KVM's; {rest}"
    held = ", ".join(f"{spr_name(n)}={value:#x}" for n, value in vm.user_sprs) or "none"
    if v.taken_sprs:
        held += ", but KVM emulates them" + (" unasked" if vm.spr_exits is SprExits.TAKEN else ", as it was asked to")
    rows = (
        ("unknown SPRs", unknown[vm.unknown_spr], f"--unknown-spr {vm.unknown_spr.value}"),
        ("DBCR0", dbcr0, f"--spr-exits {vm.spr_exits.value}"),
        ("EPR", epr, f"--irqchip {'user' if vm.mpic_in_kernel is None else 'kernel'}"),
        ("SPRs that userspace knows", held, "--user-sprs"),
        ("the MPIC", f"in {mpic}", "--irqchip"),
        ("unknown hypercalls", "userspace's" if vm.hcall_exits else "EV_UNIMPLEMENTED", "--hcall-exits"),
        ("mfdcr, mtdcr", "userspace's, by KVM_EXIT_DCR" if vm.dcr else "illegal instructions", "--dcr"),
        ("what fails", vm.on_failure.value, "--on-emulation-failure"),
        ("in place of the built-in one", _name(vmm), "answer, guest.userspace = ..."),
    )
    return Table("who has what", ("what", "how", "by"), rows)
