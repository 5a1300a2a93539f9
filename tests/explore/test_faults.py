"""Faults planted in the model, in a remedy, in the guest's handler and in its sections: each is found by the invariant
that is there for it. On the clean model none is broken.

The guest is the one whose sections lose interrupts, with handlers that have a section of their own, as those of Linux
have: so the clean model is that with a remedy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from ppcdbg.cpu.msr import MSR_EE
from ppcdbg.debugger.symbols import read_symbols
from ppcdbg.explore.conditions import Bounds
from ppcdbg.explore.report import Report
from ppcdbg.explore.strategies import Plan
from ppcdbg.isa.bits import M32
from ppcdbg.kvm import booke, deferral, emulate, irqprio
from ppcdbg.kvm import magic_page as mp
from ppcdbg.kvm.vcpu import Vcpu
from tests.explore.rig import SOURCES, explored, search
from tests.guests.expected import WINDOW

Patch = pytest.MonkeyPatch
Plant = Callable[[Patch], None]
GUEST = WINDOW / "nested.elf"
HANDLER, WRTEEI_1, WRTEEI_0, MTMSR = (
    read_symbols(GUEST).address(name) or 0 for name in ("vectors", "block_wrteei_1", "block_wrteei_0", "block_mtmsr")
)
NOP = 0x60000000


def tried(policy: str, words: dict[int, int], sources: tuple[str, ...] = ("external",)) -> Report:
    """The report on the guest with some instructions replaced, by address."""
    searching = search(deferral=policy, guest=GUEST, bounds=Bounds(steps=400))
    ram = searching.system.board.bus.ram
    for address, word in words.items():
        ram[address : address + 4] = word.to_bytes(4, "big")
    again = type(searching)(searching.system, searching.conditions, searching.bounds)
    return explored(again, Plan(sources))


def broken(found: Report) -> set[str]:
    """Names of the conditions that a search found broken; a section that is wrong by itself breaks gives-back."""
    return {f.verdict.condition for f in found.failures} | ({"gives-back"} if found.spoiled else set())


# --- the model --------------------------------------------------------------------------------------
def _inside(patch: Patch) -> None:
    patch.setattr(booke, "critical_section", lambda v: False)


def _other_register(patch: Patch) -> None:
    """``critical`` is compared with r2."""
    patch.setattr(booke, "critical_section", lambda v: v.shared.get32(mp.CRITICAL + 4) == v.gpr[2])


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


def _saves(what: Callable[[int, int], tuple[int, int]]) -> Plant:
    def plant(patch: Patch) -> None:
        save = booke._save
        patch.setattr(booke, "_save", lambda v, cls, pc, msr: save(v, cls, *what(pc, msr)))

    return plant


def _int_pending(always: int) -> Plant:
    def plant(patch: Patch) -> None:
        set32 = mp.SharedPage.set32
        patch.setattr(
            mp.SharedPage, "set32", lambda page, at, value: set32(page, at, always if at == mp.INT_PENDING else value)
        )

    return plant


def _rfi(patch: Patch) -> None:
    """It returns with interrupts disabled."""
    rfi = emulate._rfi

    def drops(v: Vcpu) -> emulate.Effect:
        v.shared.set64(mp.SRR1, v.shared.get64(mp.SRR1) & ~MSR_EE)
        return rfi(v)

    patch.setattr(emulate, "_rfi", drops)


# --- the remedies -----------------------------------------------------------------------------------
def _no_step(patch: Patch) -> None:
    patch.setattr(deferral.SingleStep, "hold", lambda self: None)


def _one_step(patch: Patch) -> None:
    """It steps once and then lets go."""
    stepped = deferral.SingleStep.stepped

    def lets_go(self: deferral.SingleStep) -> bool:
        own = stepped(self)
        self._step(False)
        return own

    patch.setattr(deferral.SingleStep, "stepped", lets_go)
    patch.setattr(deferral.SingleStep, "hold", lambda self: self.v.core.retired == self.since and self._step(True))


def _carries_out(change: Callable[[int], int]) -> Plant:
    """The store that KVM carries out is another."""

    def plant(patch: Patch) -> None:
        carry_out = deferral.ReadOnly._carry_out
        patch.setattr(
            deferral.ReadOnly, "_carry_out", lambda self, word, form, ea: carry_out(self, change(word), form, ea)
        )

    return plant


def _stays_inside(patch: Patch) -> None:
    """The store that KVM carries out does not reach the page."""
    carry_out = deferral.ReadOnly._carry_out

    def loses(self: deferral.ReadOnly, word: int, form: object, ea: int) -> None:
        before = bytes(self.v.shared.page)
        carry_out(self, word, form, ea)  # type: ignore[arg-type]
        self.v.shared.page[:] = before

    patch.setattr(deferral.ReadOnly, "_carry_out", loses)


@dataclass(frozen=True)
class Fault:
    """``plant`` changes the model, ``words`` the guest."""

    name: str
    condition: str
    plant: Plant | None = None
    words: tuple[tuple[int, int], ...] = ()
    policy: str = "single-step"


def _template(name: str, condition: str, *words: tuple[int, int], policy: str = "single-step") -> Fault:
    return Fault(name, condition, None, words, policy)


FAULTS = (
    Fault("delivers inside the section", "never-inside", _inside),
    Fault("takes critical for what r2 is", "never-inside", _other_register),
    Fault("forgets what a section holds back", "never-lost", _dropped),
    Fault("delivers twice", "never-twice", _twice),
    Fault("saves another MSR", "intact", _saves(lambda pc, msr: (pc, msr ^ 0x1000))),
    Fault("saves the pc of the instruction before", "intact", _saves(lambda pc, msr: (pc - 4 & M32, msr))),
    Fault("never sets int_pending", "told", _int_pending(0)),
    Fault("never clears int_pending", "told", _int_pending(1)),
    Fault("returns from an interrupt with EE off", "intact", _rfi),
    Fault("single-step: steps not at all", "never-lost", _no_step),
    Fault("single-step: steps once", "never-lost", _one_step),
    Fault("read-only: stores another register", "gives-back", _carries_out(lambda word: word ^ 1 << 21), (),
          "read-only"),
    Fault("read-only: the store has no effect", "bounded-delay", _stays_inside, (), "read-only"),
    _template("handler: r4 from the slot of r3", "intact", (HANDLER + 0x54, 0x80810008)),
    _template("handler: the frame stays", "intact", (HANDLER + 0x5C, NOP)),
    _template("handler: its section spoils CR", "intact", (HANDLER + 0x40, 0x83C0F008)),
    _template("X1 takes the slot of r30", "gives-back", (WRTEEI_1 + 0x38, 0x83E0F008)),
    _template("X2 takes the slot of r30", "gives-back", (WRTEEI_1 + 0x3C, 0x83C0F008)),
    _template("X3 is left out", "gives-back", (WRTEEI_1 + 0x40, NOP)),
    _template("X4 is left out", "gives-back", (MTMSR + 0x74, NOP)),
    _template("told of an interrupt, X1 takes the slot of r30", "gives-back", (WRTEEI_1 + 0x50, 0x83E0F008)),
    _template("told of an interrupt, X3 is left out", "gives-back", (WRTEEI_1 + 0x58, NOP)),
    _template("C5 writes over scratch2", "gives-back", (WRTEEI_0 + 0x10, 0x93E0F008)),
    _template("W3 inserts another bit", "gives-back", (WRTEEI_1 + 0x1C, 0x53DF0462)),
    _template("M4 stores no MSR", "gives-back", (MTMSR + 0x50, NOP)),
    _template("C1 and C2 swapped", "gives-back", (WRTEEI_0, 0x93E0F000), (WRTEEI_0 + 4, 0x9020F01C)),
    _template("X4 and X5 swapped", "gives-back", (WRTEEI_1 + 0x44, 0x9040F01C), (WRTEEI_1 + 0x48, 0x83C0F008)),
    _template("the look and the store of MSR swapped", "never-lost", (WRTEEI_1 + 0x24, 0x83C0F064),
              (WRTEEI_1 + 0x2C, 0x93E0F05C), policy="ordered"),
    _template("the look is left out", "never-lost", (MTMSR + 0x54, 0x3BE00000), policy="ordered"),
)  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_found(fault: Fault, monkeypatch: Patch) -> None:
    if fault.plant is not None:
        fault.plant(monkeypatch)
    assert fault.condition in broken(tried(fault.policy, dict(fault.words)))


@pytest.mark.parametrize(
    ("policy", "sources"), [("single-step", SOURCES), ("read-only", SOURCES), ("ordered", ("external",))]
)
def test_the_clean_model_breaks_nothing(policy: str, sources: tuple[str, ...]) -> None:
    found = tried(policy, {}, sources)
    assert not broken(found) and found.covered == found.possible


def test_there_are_twenty_at_least() -> None:
    assert len({f.name for f in FAULTS}) >= 20 and len({f.condition for f in FAULTS}) == 7


def test_int_pending_left_stale_loses_more(monkeypatch: Patch) -> None:
    """KVM forgets to tell: every boundary up to the end of the section loses, not only those behind the look."""
    _int_pending(0)(monkeypatch)
    found = tried("stock", {}).sites[2]
    assert len(found.window("external")) == 23


def test_a_look_that_comes_too_early_loses_three_more() -> None:
    words = {WRTEEI_1 + 0x24: 0x83C0F064, WRTEEI_1 + 0x2C: 0x93E0F05C}
    windows = [len(tried("stock", w).sites[0].window("external")) for w in (words, {})]
    assert windows == [9, 7]
