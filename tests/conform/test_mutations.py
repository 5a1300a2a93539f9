"""Faults planted in the model, one at a time: the traces of the real KVM find each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ppcdbg.conform import results
from ppcdbg.conform.conform import conform
from ppcdbg.conform.oracle import open_oracle
from ppcdbg.engine.common import qemu
from ppcdbg.engine.common.debug_events import DebugOps
from ppcdbg.kvm import (
    booke,
    codes,
    debug_registers,
    emulate_loadstore,
    emulate_sprs,
    emulate_tlb,
    exits,
    hypercalls,
    ioctl,
    irqprio,
    queueing,
    shadow_ids,
    shadow_tlb,
    timers,
)
from ppcdbg.kvm.capabilities import CAPABILITIES, pvinfo
from ppcdbg.kvm.e500_mmu import GuestTlb
from ppcdbg.kvm.quirks import Quirks
from ppcdbg.kvm.shadow_tlb import ShadowTlb
from ppcdbg.kvm.vcpu import Vcpu

ORACLE = open_oracle(Path(__file__).parent / "oracle")
Patch = Callable[[pytest.MonkeyPatch], object]


def _nothing(*args: Any) -> None:
    """What does nothing."""


def _without_iprot(tlb: GuestTlb, tlbsel: int, esel: int) -> bool:
    i = tlb.offset[tlbsel] + esel
    tlb.mas1[i] = 0
    tlb._tlb1 = None
    return True


def _edges_only(v: Vcpu, irq: int) -> None:
    if irq == codes.KVM_INTERRUPT_UNSET:
        v.pending &= ~(1 << irqprio.EXTERNAL)
    else:
        queueing.queue(v, irqprio.EXTERNAL_LEVEL if irq == codes.KVM_INTERRUPT_SET_LEVEL else irqprio.EXTERNAL)


def _edges_stay(v: Vcpu, irq: int) -> None:
    if irq == codes.KVM_INTERRUPT_UNSET:
        v.pending &= ~(1 << irqprio.EXTERNAL_LEVEL)
    else:
        _interrupt(v, irq)


_interrupt = queueing.interrupt


def _keeps_ee(p: pytest.MonkeyPatch) -> None:
    table = irqprio.irqprios(False)
    p.setattr(irqprio, "irqprios", lambda hv: tuple(replace(each, keeps=each.keeps | 0x8000) for each in table))


def _decrementer_first(p: pytest.MonkeyPatch) -> None:
    """The decrementer before an external interrupt."""
    real = booke.allowed
    later = 1 << irqprio.DECREMENTER
    p.setattr(booke, "allowed", lambda v, q: not (q.number == irqprio.EXTERNAL and v.pending & later) and real(v, q))


def _unsigned(v: Vcpu, register: int, form: Any, value: int) -> None:
    v.gpr[register] = value


def _silent_flush(shadow: ShadowTlb) -> None:
    shadow.flush_host()
    shadow.flags[:] = type(shadow.flags)("Q", bytes(8 * len(shadow.flags)))


MUTATIONS: dict[str, tuple[str, Patch]] = {
    "a supervisor's rights are not lent": ("n", lambda p: p.setattr(
        shadow_tlb, "shadow_permissions", lambda mas3, user: mas3 & 0x3FF | 0x15)),
    "invalidating a page keeps its shadow": ("b", lambda p: p.setattr(ShadowTlb, "_kill_page", _nothing)),
    "ids live on over a flush": ("b", lambda p: p.setattr(ShadowTlb, "flush_host", _nothing)),
    "ids end at 199": ("i", lambda p: p.setattr(shadow_ids, "NUM_TIDS", 200)),
    "the victim does not step": ("b", lambda p: p.setattr(GuestTlb, "next_victim", lambda tlb: tlb.nv[0])),
    "IPROT protects nothing": ("b", lambda p: p.setattr(GuestTlb, "invalidate", _without_iprot)),
    "flushes say nothing": ("b", lambda p: p.setattr(ShadowTlb, "flush", _silent_flush)),
    "tlbwe maps nothing": ("b", lambda p: p.setattr(emulate_tlb, "_host_safe", lambda v, a, b: False)),
    "a miss leaves MAS6": ("b", lambda p: p.setattr(emulate_tlb, "_miss_tid", lambda v, mas4, pid: 1)),
    "unset leaves a level": ("e", lambda p: p.setattr(queueing, "interrupt", _edges_only)),
    "interrupts leave EE on": ("e", _keeps_ee),
    "the decrementer goes before an external interrupt": ("e", _decrementer_first),
    "no critical section": ("f", lambda p: p.setattr(booke, "critical_section", lambda v: False)),
    "a user can be in one": ("f", lambda p: p.setattr(booke, "MSR_PR", 0)),
    "WRC can be cleared": ("j", lambda p: p.setattr(timers, "TCR_WRC", 0)),
    "the watchdog needs no ENW": ("k", lambda p: p.setattr(timers, "TSR_ENW", timers.TSR_WIS)),
    "DECAR is never used": ("j", lambda p: p.setattr(timers, "TCR_ARE", 0)),
    "EPR makes no exit": ("l", lambda p: p.setattr(booke, "_update_epr", _nothing)),
    "an edge cannot be taken back": ("t", lambda p: p.setattr(queueing, "interrupt", _edges_stay)),
    "what userspace says EPR is is not what the guest reads": ("t", lambda p: p.setattr(booke, "set_epr", _nothing)),
    "a vcpu with PAPR runs": ("u", lambda p: p.setattr(Vcpu, "sane", True)),
    "a capability that nobody has is enabled": ("u", lambda p: p.setattr(codes, "EINVAL", 0)),
    "SPE stays on over exits to userspace": ("o", lambda p: p.setattr(ioctl, "MSR_SPE", 0)),
    "DBCR0 keeps RST": ("a", lambda p: p.setattr(emulate_sprs, "DBCR0_KEPT", 0x7DFF0000)),
    "debug registers never reach the core": ("m", lambda p: p.setattr(debug_registers, "switch", _nothing)),
    "QEMU's branch event comes of taken branches only": ("r", lambda p: p.setattr(
        DebugOps, "_is_branch", staticmethod(lambda word: word >> 26 == 18))),
    "a user may have counters of a host that has none": ("q", lambda p: p.setattr(qemu, "UNKNOWN", frozenset())),
    "lha is not signed": ("c", lambda p: p.setattr(emulate_loadstore, "_loaded", _unsigned)),
    "no page at 0 before MAP": ("f", lambda p: p.setattr(exits, "_magic_there", lambda v: v.magic_page_ea != 0)),
    "MAP promises nothing": ("f", lambda p: p.setattr(hypercalls, "magic_features", lambda v: 0)),
    "rfi is timed as an instruction like others": ("a", lambda p: p.setattr(codes, "EMULATED_RFI_EXITS", 9)),
    "KVM has no SW_TLB": ("a", lambda p: p.setattr(
        results, "check_extension", lambda number: int(number in CAPABILITIES and number != 69))),
    "a hypercall is sc 1": ("a", lambda p: p.setattr(results, "pvinfo", lambda hv: pvinfo(True))),
    "mtspr MMUCSR0 flushes nothing": ("b", lambda p: p.setattr(emulate_sprs, "_write_mmucsr0", _nothing)),
}  # fmt: skip


@pytest.mark.parametrize("what", MUTATIONS)
def test_a_planted_fault_is_found(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    guest, plant = MUTATIONS[what]
    plant(monkeypatch)
    assert not conform(ORACLE, guest, "anon").agrees


@pytest.mark.parametrize(
    ("quirk", "guest"),
    [
        ("zero_r1_is_critical", "f"), ("magic_page_at_zero", "f"), ("rfmci_missing", "g"), ("sprg4_7_read_fails", "a"),
        ("tlbilx_pid_exact", "b"), ("requests_print_zero", "e"), ("never_injected", "s"),
        ("single_step_waits_for_set_msr", "h"), ("mmio_commits_first", "c"), ("host_interrupt_drops_debug", "v"),
    ],
)  # fmt: skip
def test_a_quirk_that_is_off_is_found(quirk: str, guest: str) -> None:
    assert not conform(ORACLE, guest, "anon", quirks=replace(Quirks(), **{quirk: False})).agrees
