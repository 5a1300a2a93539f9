"""Deferral policies: an interrupt at every boundary of Linux's own section, and what each remedy makes of it."""

from __future__ import annotations

import pytest

from ppcdbg.cpu.interrupts import DATA_STORAGE, DEBUG
from ppcdbg.debugger import open_guest
from ppcdbg.errors import UsageError
from ppcdbg.kvm import deferral, irqprio
from ppcdbg.kvm import magic_page as mp
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.kvm.vcpu import Vcpu
from ppcdbg.machine.description import CHOICES
from ppcdbg.machine.system import Limits
from tests.guests.expected import SECTIONS
from tests.kvm.machines import ENTRY, NOP, system, vcpu

NAMES = [p.name for p in deferral.POLICIES]
IN_TIME, LATE, RULE_BROKEN = ".", "L", "disordered"
EE = 0x8000
STORE_MSR, LOOK, LEAVE = 10, 12, 19
"""Instructions of the section: from the first on, to the one that stores MSR with EE, that reads int_pending, that ends
it. A boundary is how many of them were carried out."""


def rows(policy: str, engine: str = "reference") -> tuple[dict[str, str], deferral.Costs]:
    """What the guest prints, by round: one letter a boundary, without those behind the section."""
    guest = open_guest(SECTIONS, deferral=policy, engine=engine)
    guest.continue_()
    printed = bytes(guest.system.board.console.output).decode()
    lines = (line.rsplit(None, 1) for line in printed.splitlines())
    found = guest.system.kvm.deferral.costs()
    return {name: row.rstrip("-") for name, row in lines}, found


def late(row: str) -> list[int]:
    """The boundaries at which an interrupt came late. DEC counts the mtspr that sets it as well."""
    return [n for n, letter in enumerate(row) if letter == LATE]


def test_the_words_of_the_option_are_the_policies() -> None:
    assert list(CHOICES["deferral"]) == NAMES


@pytest.mark.parametrize("engine", ["reference", "llvm"])
def test_stock_loses_what_comes_between_the_look_and_the_end(engine: str) -> None:
    """The window of the seed: no other exit comes while the guest computes, so the interrupt waits for its own one."""
    found, costs = rows("stock", engine)
    assert late(found["plain"]) == list(range(LOOK, LEAVE))
    assert late(found["disordered"]) == list(range(LOOK, LEAVE + 1))  # its section is one instruction longer
    assert not late(found["nop exit"])
    assert set(found["plain"]) == {IN_TIME, LATE}
    assert costs.longest > 200
    assert (costs.exits, costs.steps, costs.page_changes, costs.stores, costs.waiting) == (0, 0, 0, 0, None)


@pytest.mark.parametrize("engine", ["reference", "llvm"])
@pytest.mark.parametrize("policy", ["single-step", "read-only"])
def test_no_interrupt_is_late_whatever_the_guest_does(policy: str, engine: str) -> None:
    found, costs = rows(policy, engine)
    assert [late(row) for row in found.values()] == [[], [], []]
    assert costs.longest == LEAVE - STORE_MSR + 1  # the disordered section is one longer
    assert costs.delivered == costs.withheld
    if policy == "single-step":
        assert costs.exits == costs.steps and not costs.stores and not costs.page_changes
        assert costs.steps == costs.delay  # each instruction of the delay is a step
    else:
        assert costs.exits == costs.stores and costs.page_changes == 2 * costs.withheld and not costs.steps


@pytest.mark.parametrize("engine", ["reference", "llvm"])
def test_the_ordering_rule_is_as_good_as_the_guest_that_keeps_it(engine: str) -> None:
    found, costs = rows("ordered", engine)
    assert not late(found["plain"]) and not late(found["nop exit"])
    assert late(found[RULE_BROKEN]) == [LOOK]  # behind the look, before the store that the rule forbids
    assert costs.exits == costs.stores + 3  # that store is trapped and proves too much, at 10 and 11 with reason


@pytest.mark.parametrize("engine", ["reference", "llvm"])
@pytest.mark.parametrize("policy", ["notify", "notify-unmapped"])
def test_a_notification_page_helps_the_guest_that_stores_there(policy: str, engine: str) -> None:
    found, costs = rows(policy, engine)
    assert late(found["plain"]) == list(range(LOOK, LEAVE))
    assert not late(found["notify"])
    window = LEAVE - LOOK
    assert costs.exits == window  # one each, and only where one was held back when the guest came there
    assert costs.stores == costs.steps == 0


def test_a_nop_exit_costs_one_each_time() -> None:
    found, costs = rows("nop-exit")
    assert not late(found["nop exit"]) and late(found["plain"])
    assert costs.exits == 160  # 40 of that round, and the one with which each of the 120 tries ends


def test_the_notification_page_is_offered_only_by_its_policies() -> None:
    assert "notify" not in rows("stock")[0]
    assert "notify" in rows("notify-unmapped")[0]


def test_hv_mode_takes_stock_alone() -> None:
    with pytest.raises(UsageError, match="magic page"):
        open_guest(SECTIONS, cpu="e500mc", deferral="read-only")
    with pytest.raises(UsageError, match="no KVM"):
        open_guest(SECTIONS, hv="none", deferral="read-only")


# --- one store at a time ------------------------------------------------------------------------------
R1 = 0x8000
STW_R2_CRITICAL, STMW_30, STWU = 0x9040F01C, 0xBFC0F000, 0x9464FFE4  # stw r2,..; stmw r30,..; stwu r3,-28(r4)


def in_a_section(policy: str, code: list[int]) -> tuple[Vcpu, KvmSystem]:
    """A guest in a section, with an edge interrupt that nothing else holds back, before ``code``."""
    v = vcpu(deferral=policy)
    v.magic_page_ea = v.magic_page_pa = 0xFFFFF000
    v.ivpr, v.ivor[irqprio.EXTERNAL] = 0, 0x2000
    v.gpr[1] = R1
    s = system(v, [*code, NOP, NOP, NOP, NOP], msr=EE)
    v.shared.set64(mp.CRITICAL, R1)
    v.pending = 1 << irqprio.EXTERNAL
    return v, s


@pytest.mark.parametrize("policy", ["read-only", "ordered"])
def test_a_store_that_cannot_be_carried_out_is_let_through_with_one_step(policy: str) -> None:
    v, s = in_a_section(policy, [STMW_30, STW_R2_CRITICAL])
    v.gpr[30], v.gpr[31] = 0x30303030, 0x31313131
    s.run(Limits(2))
    assert [r.vector for r in v.exits if r.vector in (DATA_STORAGE, DEBUG)] == [DATA_STORAGE, DEBUG, DATA_STORAGE]
    assert (v.shared.get32(0), v.shared.get32(4)) == (0x30303030, 0x31313131)
    assert v.delivered_counts[irqprio.EXTERNAL] == 1 and v.guest_spr("SRR0") == ENTRY + 8
    assert v.deferral.costs().longest == 2


def test_a_store_with_update_moves_its_register() -> None:
    v, s = in_a_section("read-only", [STWU])
    v.gpr[3], v.gpr[4] = 0, 0xFFFFF038
    s.run(Limits(1))
    assert v.gpr[4] == 0xFFFFF01C and v.guest_spr("SRR0") == ENTRY + 4
    assert v.deferral.costs() == deferral.Costs("read-only", 1, 1, 0, 1, 0, 1, 1, 1, 1, None)


@pytest.mark.parametrize("policy", NAMES)
def test_an_interrupt_that_is_withdrawn_leaves_nothing_behind(policy: str) -> None:
    v, s = in_a_section(policy, [NOP])
    before = v.reg[deferral._DBCR0], v.shadow_msr
    s.run(Limits(1))
    v.pending = 0
    s.run(Limits(2, frozenset(), 1))
    v.deferral.looked()
    assert v.deferral.costs().masked == 1 and v.deferral.costs().waiting is None
    assert (v.reg[deferral._DBCR0], v.shadow_msr) == before and not v.deferral.protected
