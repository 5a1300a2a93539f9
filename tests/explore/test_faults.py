"""Faults planted in the model or in the guest's sections, each found by the invariant that is there for it.

The clean model here is that with single-stepping, on which no condition is broken by anything.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ppcdbg.explore.report import Report
from ppcdbg.explore.strategies import Plan
from ppcdbg.kvm import booke, deferral, irqprio
from ppcdbg.kvm import magic_page as mp
from ppcdbg.kvm.vcpu import Vcpu
from tests.explore.rig import SOURCES, explored, search

Patch = pytest.MonkeyPatch


def broken(words: dict[int, int] | None = None, policy: str = "single-step") -> Report:
    """The report on the guest with some instructions replaced, by address."""
    searching = search(deferral=policy)
    ram = searching.system.board.bus.ram
    for address, word in (words or {}).items():
        ram[address : address + 4] = word.to_bytes(4, "big")
    again = type(searching)(searching.system, searching.conditions, searching.bounds)
    return explored(again, Plan(SOURCES))


def names(found: Report) -> set[str]:
    return {f.verdict.condition for f in found.failures}


def _inside(patch: Patch) -> None:
    patch.setattr(booke, "critical_section", lambda v: False)


def _dropped(patch: Patch) -> None:
    looked = deferral.Deferral.looked

    def forgets(self: deferral.Deferral) -> None:
        self.v.pending &= ~booke.held_by_section(self.v)
        looked(self)

    patch.setattr(deferral.Deferral, "looked", forgets)


def _twice(patch: Patch) -> None:
    deliver = booke._deliver

    def keeps(v: Vcpu, p: irqprio.IrqPrio) -> None:
        deliver(v, p)
        if p.number == irqprio.EXTERNAL and v.delivered_counts[p.number] == 1:
            v.pending |= 1 << p.number

    patch.setattr(booke, "_deliver", keeps)


def _saves(what: Callable[[int, int], tuple[int, int]]) -> Callable[[Patch], None]:
    def plant(patch: Patch) -> None:
        save = booke._save
        patch.setattr(booke, "_save", lambda v, cls, pc, msr: save(v, cls, *what(pc, msr)))

    return plant


@pytest.mark.parametrize(("plant", "condition"), [
    (_inside, "never-inside"),
    (_dropped, "never-lost"),
    (_twice, "never-twice"),
    (_saves(lambda pc, msr: (pc, msr ^ 0x1000)), "intact"),
    (_saves(lambda pc, msr: (pc - 4, msr)), "intact"),
])  # fmt: skip
def test_a_fault_of_the_model(plant: Callable[[Patch], None], condition: str, monkeypatch: Patch) -> None:
    assert not names(broken())
    plant(monkeypatch)
    assert condition in names(broken())


def test_int_pending_left_stale(monkeypatch: Patch) -> None:
    """KVM forgets to tell: every boundary up to the end of the section loses, not only those behind the look."""
    set32 = mp.SharedPage.set32
    monkeypatch.setattr(
        mp.SharedPage, "set32", lambda page, at, value: set32(page, at, 0 if at == mp.INT_PENDING else value)
    )
    assert len(broken(policy="stock").sites[2].window("external")) == 23


STW_MSR, LWZ_PENDING = 0x93E0F05C, 0x83C0F064


@pytest.mark.parametrize(("words", "register"), [
    ({0x100024: 0x80810008}, "r4"),  # it gives r4 what was r3
    ({0x100028: 0x60000000}, "r1"),  # it leaves its frame on the stack
])  # fmt: skip
def test_a_fault_of_the_handler(words: dict[int, int], register: str) -> None:
    changed = {name for f in broken(words).failures for fate in f.outcome.fates for name in fate.changed}
    assert register in changed


@pytest.mark.parametrize(("at", "word", "register"), [
    (0x100330, 0x83E0F008, "r31"),  # X1 takes r30's place
    (0x10033C, 0x83C0F000, "r30"),  # X4 takes r31's
    (0x100334, 0x83C0F008, "cr0"),  # X2 takes r30's for CR
])  # fmt: skip
def test_a_section_that_does_not_give_back_its_registers(at: int, word: int, register: str) -> None:
    assert register in broken({at: word}).sites[0].spoiled
    assert not broken().spoiled


def test_two_instructions_of_a_section_in_the_wrong_order() -> None:
    """The look at int_pending before the store of MSR: three boundaries more are in the window."""
    order = {0x10031C: LWZ_PENDING, 0x100324: STW_MSR}
    assert len(broken(order, "stock").sites[0].window("external")) > len(
        broken({}, "stock").sites[0].window("external")
    )
