"""Leaving the guest and entering it: what the assembly does around kvmppc_handle_exit (facts 8.1 to 8.3).

``leave`` reads the hardware's save registers into the vcpu, ``enter`` loads the hardware and goes. GPRs and the guest's
MAS stay in the core, because nothing else of the host runs on it.
"""

from __future__ import annotations

import sys
from struct import Struct
from typing import TYPE_CHECKING

from ppcdbg.cpu import interrupts as I
from ppcdbg.cpu.msr import ESR_EPID
from ppcdbg.isa import slots
from ppcdbg.isa.sprs import SLOT
from ppcdbg.kvm import fetch
from ppcdbg.kvm import magic_page as mp
from ppcdbg.kvm import words as W

if TYPE_CHECKING:
    from ppcdbg.kvm.vcpu import Vcpu

EPCR_KVM = 0x14C00000  # DSIGS DUVD DGTMI, and DMIUH, which is on while guest state is in the MAS (facts 8.4, H3)
MSRP_KVM = 0x04000004  # UCLEP PMMP
_unpack_word = Struct(">I").unpack_from
_unpack_sprgs = Struct(">4Q").unpack_from
SRR0, SRR1, ESR, DEAR = SLOT["SRR0"], SLOT["SRR1"], SLOT["ESR"], SLOT["DEAR"]
PID, PID1 = SLOT["PID"], SLOT["PID1"]
_SPRG4 = [SLOT[f"SPRG{n}"] for n in range(4, 8)]
_EXTRA = {I.CRITICAL: "CSRR", I.WATCHDOG: "CSRR", I.DOORBELL_CRITICAL: "CSRR", I.GUEST_DBELL_CRIT: "CSRR",
          I.MACHINE_CHECK: "MCSRR", I.GUEST_DBELL: "GSRR"}  # fmt: skip


def _pairs(hv: bool) -> list[tuple[int, int]]:
    """Slots of the save/restore pair of each exit number."""
    names = {**_EXTRA, I.DEBUG: "DSRR" if hv else "CSRR"}
    return [(SLOT[names.get(n, "SRR") + "0"], SLOT[names.get(n, "SRR") + "1"]) for n in range(43)]


_NEEDS_DEAR = frozenset({I.DATA_STORAGE, I.DTLB_MISS, I.ALIGNMENT, I.LRAT_ERROR})
_NEEDS_ESR = frozenset({I.DATA_STORAGE, I.INST_STORAGE, I.PROGRAM, I.DTLB_MISS, I.ALIGNMENT, I.LRAT_ERROR})
_PR_NEEDS_INST = frozenset({I.PROGRAM, I.DTLB_MISS, I.DEBUG})


def _captures(hv: bool) -> list[tuple[int, int, bool, bool, bool]]:
    """By exit number: the slots of the pair, and whether DEAR, ESR and the instruction are captured."""
    needs_inst = fetch.NEEDS_EMU if hv else _PR_NEEDS_INST
    return [
        (first, second, n in _NEEDS_DEAR, n in _NEEDS_ESR, n in needs_inst)
        for n, (first, second) in enumerate(_pairs(hv))
    ]


_CAPTURES = {False: _captures(False), True: _captures(True)}


def captures(hv: bool) -> list[tuple[str, str, bool, bool, bool]]:
    """By exit number: the names of the pair that it is saved in, and whether its DEAR, ESR and the instruction are
    captured; with the instruction go r15 to r31."""
    names = {slot: name for name, slot in SLOT.items()}
    return [(names[first], names[second], dear, esr, inst) for first, second, dear, esr, inst in _CAPTURES[hv]]


def leave(v: Vcpu, number: int) -> None:
    """An interrupt left the guest: fill in pc, DEAR, ESR and the instruction where that exit captures them."""
    reg, hv = v.reg, v.hv
    first, second, dear, esr, inst = _CAPTURES[hv][number]
    v.pc = pc = reg[first]
    if hv:
        msr = reg[second]
        v.shared.msr = msr
        v.fetch_fault = 0
        if inst:
            fetch.load(v, number, pc, msr)
    if dear:
        v.fault_dear = reg[DEAR]
    if esr:
        v.fault_esr = reg[ESR]
    if hv:
        if v.fetch_fault and fetch.overwrites(v):
            v.fault_dear = pc if dear else v.fault_dear
            v.fault_esr = ESR_EPID if esr else v.fault_esr
    elif inst:
        ea = reg[SRR0]
        entry = v.host_tlb.lookup(ea, 1, (reg[PID], reg[PID1]))
        if entry is not None:
            v.last_inst = _unpack_word(v.core.bus.ram, entry.real + ea - entry.start & ~3)[0]


def interrupted_msr(v: Vcpu, number: int) -> int:
    """The MSR that the guest ran with when it was left by an exit."""
    return v.reg[_CAPTURES[v.hv][number][1]]


def set_interrupted(v: Vcpu, number: int) -> None:
    """Somebody changed pc or MSR of a guest that an exit has left and nobody has looked at yet."""
    first, second, *_ = _CAPTURES[v.hv][number]
    v.reg[first], v.reg[second] = v.pc, v.core.msr


def enter(v: Vcpu) -> None:
    """Load the hardware and go to the guest's pc; leave in the vcpu's words what compiled code must know of it."""
    reg, core, words = v.reg, v.core, v.words
    if v.hv:
        msr = v.shared.msr
    else:
        msr = v.shadow_msr
        ids = v.ids
        assert ids is not None
        if reg[PID] != ids.pid0:
            core.write_spr("PID", ids.pid0)
        if reg[PID1] != ids.pid1:
            core.write_spr("PID1", ids.pid1)
        current = _unpack_sprgs(v.shared.page, mp.SPRG4)
        if current != v.sprg_loaded:
            v.sprg_loaded = current
            for n, slot in enumerate(_SPRG4):
                reg[slot] = current[n] & 0xFFFFFFFF
                words[W.SPRGS + n] = int.from_bytes(current[n].to_bytes(8, "big"), sys.byteorder)
        words[W.ENTERED_MSR], words[W.GUEST_PID], words[W.MAGIC_EA] = msr, v.pid, v.magic_page_ea
    words[W.FAULT_DEAR], words[W.FAULT_ESR], words[W.LAST_INST] = v.fault_dear, v.fault_esr, v.last_inst
    words[W.LAST_TYPE] = v.exit_type
    pc = v.pc
    reg[SRR0], reg[SRR1] = pc, msr
    core.set_msr(msr & core.model.msr_mask)
    reg[slots.PC] = pc & 0xFFFFFFFC


def load_vcpu(v: Vcpu) -> None:
    """HV: kvmppc_core_vcpu_load_e500mc, once, because nothing else is ever loaded."""
    if not v.hv:
        return
    core, lpid = v.core, v.vm.host.lpid
    context = 0x20000000 | lpid << 16
    values = {
        "LPID": lpid, "EPCR": EPCR_KVM, "GPIR": v.number, "MSRP": MSRP_KVM, "EPLC": context, "EPSC": context,
        "GIVPR": v.ivpr, "GIVOR2": v.ivor[0], "GIVOR8": v.ivor[8],
    }  # fmt: skip
    for name, value in values.items():
        core.write_spr(name, value)
