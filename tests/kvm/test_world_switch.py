"""The switch as machine code against the model of KVM: the same guest, entered and left by both, is the same."""

from __future__ import annotations

import pytest

from ppcdbg.cpu.interrupts import DTLB_MISS, VECTORS
from ppcdbg.isa import slots
from ppcdbg.isa.sprs import BY_NAME, SLOT
from ppcdbg.kvm import world_switch
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.kvm.switch import layout as at
from ppcdbg.kvm.switch import sequences, sequences_pr
from ppcdbg.kvm.switch.build import build
from ppcdbg.kvm.switch.host import pair_of
from ppcdbg.kvm.switch.rig import GUEST_SPRS, GUEST_SPRS_PR, GuestState, Rig
from ppcdbg.kvm.switch.variants import VARIANTS, variant
from ppcdbg.machine.system import Limits
from tests.kvm.machines import load, system, vcpu

MSR = 0x00021002  # ME CE RI, as the guest sees it
FROM_CORE = {"SPRG9": "SPRG9", "VRSAVE": "USPRG0", "LR": "LR", "CTR": "CTR", "GIVPR": "GIVPR", "GIVOR2": "GIVOR2",
             "GIVOR8": "GIVOR8", "GEPR": "GEPR", "GPIR": "GPIR", "GUEST_PID": "PID"}  # fmt: skip
FROM_CORE_SHARED = {**{name: name for name in sequences.MAS}, **{f"SPRG{n}": f"SPRG{n}" for n in range(4, 8)},
                    **{f"SPRG{n}": f"GSPRG{n}" for n in range(4)}, "SRR0": "GSRR0", "SRR1": "GSRR1", "DAR": "GDEAR",
                    "ESR": "GESR"}  # fmt: skip


def modelled(cpu: str) -> KvmSystem:
    """The switch's guest under the KVM model, about to be entered, each register with a value of its own."""
    v = vcpu(cpu)
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
        if BY_NAME[name].on(cpu):
            v.core.write_spr(name, 0x13570000 + 0x111 * n)
    for n in range(4, 8):
        v.set_register(f"sprg{n}", 0x44440000 + n)
    v.set_register("pc", at.GUEST_EA)
    return s


def state_of(s: KvmSystem) -> GuestState:
    """The guest as KVM has it, before it is entered."""
    v, core, reg = s.kvm, s.core, s.core.state.reg
    cpu = core.model.name
    own = {f"R{n}": reg[n] for n in range(32)} | {"CR": core.state.cr_word, "XER": core.state.xer, "PC": at.GUEST_EA}
    own |= {field: core.read_spr(name) for field, name in FROM_CORE.items() if BY_NAME[name].on(cpu)}
    shared = {field: core.read_spr(name) for field, name in FROM_CORE_SHARED.items() if BY_NAME[name].on(cpu)}
    if v.ids is not None:
        own |= {"SHADOW_PID": v.ids.pid0, "SHADOW_PID1": v.ids.pid1, "SHADOW_MSR": v.shadow_msr}
        shared |= {f"SPRG{n}": 0x44440000 + n for n in range(4, 8)}
    return GuestState(own, shared | {"MSR": v.shared.msr})


def guest_registers(one: KvmSystem | Rig) -> dict[str, int]:
    core = one.core
    names = GUEST_SPRS if core.model.has_hv else GUEST_SPRS_PR
    out = {f"r{n}": core.state.gpr[n] for n in range(32)} | {name: core.read_spr(name) for name in names}
    return out | {"pc": core.state.pc, "msr": core.msr, "cr": core.state.cr_word}


@pytest.mark.parametrize(("cpu", "name"), [("e500mc", "linux"), ("e500v2", "linux-pr")])
def test_both_enter_and_leave_a_guest_alike(cpu: str, name: str) -> None:
    s = modelled(cpu)
    s.run(Limits(0))  # the first entry, and nothing else
    assert s.kvm.vm.host.lpid == at.LPID
    rig = Rig(variant(name), state_of(s))
    for _ in range(1000):
        if not rig.in_host():
            break
        rig.step()
    assert guest_registers(rig) == guest_registers(s), "entered"
    s.run(Limits(3))
    for _ in range(1000):
        if rig.over:
            break
        rig.step()
    assert guest_registers(rig) == guest_registers(s), "left and entered again"
    record = next(r for r in s.kvm.exits if r.vector == DTLB_MISS and r.pc == at.GUEST_EA + 4)
    number, pc, msr = rig.exits()[-1]
    assert (number, pc) == (record.vector, record.pc)
    assert msr == (record.msr if s.kvm.hv else s.kvm.shadow_msr)
    assert rig.field("FAULT_DEAR") == record.dar == at.GUEST_DATA_EA
    if not s.kvm.hv:
        assert rig.field("LAST_INST") == record.last_inst


@pytest.mark.parametrize(("hv", "cpu"), [(True, "e500mc"), (False, "e500v2")])
def test_an_exit_captures_what_the_model_captures(hv: bool, cpu: str) -> None:
    groups = sequences if hv else sequences_pr
    for number, (first, _, dear, esr, inst) in enumerate(world_switch._captures(hv)):
        if number not in VECTORS or number >= 42 or not hv and number >= 36:
            continue
        needs = groups.NEEDS.get(number, ())
        assert SLOT[pair_of(number, cpu) + "0"] == first
        found = "dear" in needs, "esr" in needs, "emulate" in needs or "instruction" in needs
        assert found == (dear, esr, inst), VECTORS[number].name


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
