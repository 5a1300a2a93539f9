"""The switch as machine code against the model of KVM: the same guest, entered and left by both, is the same."""

from __future__ import annotations

import pytest

from ppcdbg.cpu.interrupts import DTLB_MISS, VECTORS
from ppcdbg.isa import slots
from ppcdbg.isa.sprs import SLOT
from ppcdbg.kvm import world_switch
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.kvm.switch import layout as at
from ppcdbg.kvm.switch import sequences
from ppcdbg.kvm.switch.build import build
from ppcdbg.kvm.switch.host import pair_of
from ppcdbg.kvm.switch.rig import GUEST_SPRS, GuestState, Rig
from ppcdbg.kvm.switch.variants import VARIANTS, variant
from ppcdbg.machine.system import Limits
from tests.kvm.machines import load, system, vcpu

MSR = 0x00021002  # ME CE RI, as the guest sees it
FROM_CORE = {"SPRG9": "SPRG9", "VRSAVE": "USPRG0", "LR": "LR", "CTR": "CTR", "GIVPR": "GIVPR", "GIVOR2": "GIVOR2",
             "GIVOR8": "GIVOR8", "GEPR": "GEPR", "GPIR": "GPIR", "GUEST_PID": "PID"}  # fmt: skip
FROM_CORE_SHARED = {**{name: name for name in sequences.MAS}, **{f"SPRG{n}": f"SPRG{n}" for n in range(4, 8)},
                    **{f"SPRG{n}": f"GSPRG{n}" for n in range(4)}, "SRR0": "GSRR0", "SRR1": "GSRR1", "DAR": "GDEAR",
                    "ESR": "GESR"}  # fmt: skip


def modelled() -> KvmSystem:
    """The switch's guest under the KVM model, about to be entered, each register with a value of its own."""
    v = vcpu("e500mc")
    code = build(variant("linux"))
    words = [code.words[at.GUEST_TEXT + 4 * i] for i in range(4)]
    load(v, at.GUEST_EA, words)
    load(v, at.GUEST_DATA_EA, [0x600D0000])
    s = system(v, words, msr=MSR)
    for n in range(32):
        v.core.state.gpr[n] = 0x51000000 + 0x10001 * n
    v.core.state.gpr[22] = at.GUEST_DATA_EA
    v.core.state.cr_word, v.core.state.xer = 0x87654321, 0xE0000011
    named = {*FROM_CORE.values(), *FROM_CORE_SHARED.values()} - {"GIVPR", "GIVOR2", "GIVOR8", "GPIR", "PID"}
    for n, name in enumerate(sorted(named)):
        v.core.write_spr(name, 0x13570000 + 0x111 * n)
    v.set_register("pc", at.GUEST_EA)
    return s


def state_of(s: KvmSystem) -> GuestState:
    """The guest as KVM has it, before it is entered."""
    core, reg = s.core, s.core.state.reg
    own = {f"R{n}": reg[n] for n in range(32)} | {"CR": core.state.cr_word, "XER": core.state.xer, "PC": at.GUEST_EA}
    own |= {field: core.read_spr(name) for field, name in FROM_CORE.items()}
    shared = {field: core.read_spr(name) for field, name in FROM_CORE_SHARED.items()} | {"MSR": s.kvm.shared.msr}
    return GuestState(own, shared)


def guest_registers(system_or_rig: KvmSystem | Rig) -> dict[str, int]:
    core = system_or_rig.core
    out = {f"r{n}": core.state.gpr[n] for n in range(32)} | {name: core.read_spr(name) for name in GUEST_SPRS}
    return out | {"pc": core.state.pc, "msr": core.msr, "cr": core.state.cr_word}


def test_both_enter_and_leave_a_guest_alike() -> None:
    s = modelled()
    s.run(Limits(0))  # the first entry, and nothing else
    assert s.kvm.vm.host.lpid == at.LPID
    rig = Rig(variant("linux"), state_of(s))
    for _ in range(1000):
        if not rig.hypervisor():
            break
        rig.step()
    assert guest_registers(rig) == guest_registers(s), "entered"
    s.run(Limits(3))
    for _ in range(1000):
        if rig.over:
            break
        rig.step()
    assert guest_registers(rig) == guest_registers(s)
    record = next(r for r in s.kvm.exits if r.vector == DTLB_MISS and r.pc == at.GUEST_EA + 4)
    assert rig.exits()[-1] == (record.vector, record.pc, record.msr)
    assert rig.word(at.VCPU + at.VCPU_FIELDS["FAULT_DEAR"]) == record.dar == at.GUEST_DATA_EA


def test_an_exit_captures_what_the_model_captures() -> None:
    for number, (first, _, dear, esr, emulate) in enumerate(world_switch._captures(True)):
        if number not in VECTORS or number >= 42:
            continue
        needs = sequences.NEEDS.get(number, ())
        assert SLOT[pair_of(number) + "0"] == first
        assert ("dear" in needs, "esr" in needs, "emulate" in needs) == (dear, esr, emulate), VECTORS[number].name


@pytest.mark.parametrize("name", [v.name for v in VARIANTS if v.name != "gs-early"])
def test_each_variant_alone_brings_the_guest_back(name: str) -> None:
    rig = Rig(variant(name))
    for _ in range(1000):
        if rig.over:
            break
        rig.step()
    assert rig.over == "guest" and [e[0] for e in rig.exits()] == [DTLB_MISS]
    assert rig.core.state.reg[slots.GPR + 21] == 0x600D0001


def test_what_is_put_away_comes_back() -> None:
    rig = Rig(variant("dmiuh-first"))
    for _ in range(60):
        rig.step()
    state, before = rig.save(), rig.registers()
    for _ in range(80):
        rig.step()
    after = rig.registers()
    rig.restore(state)
    assert rig.registers() == before != after
    for _ in range(80):
        rig.step()
    assert rig.registers() == after
