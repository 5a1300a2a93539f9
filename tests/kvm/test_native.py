"""The native exits against their models in Python: the same guest with and without, compared whole."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ppcdbg.engine.choose import engine_factory
from ppcdbg.kvm import words as W
from ppcdbg.kvm.assemble import build_kvm
from ppcdbg.kvm.native.code import KVM_CODE
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.description import MachineDescription, describe
from ppcdbg.machine.system import FINAL, Limits, StopKind
from ppcdbg.paths import PACKAGE
from tests.kvm.machines import BRANCH_SELF, lis, system, vcpu

SEED = 20121
FOREVER = 1 << 62
_SCALARS = (
    "pc last_inst fault_dear fault_esr fetch_fault pending requests queued_dear queued_esr queued_by ivpr ivor"
    " epr_flags magic_page_pa magic_page_ea mmio_needed spr_needed pid pid1 pid2 csrr0 csrr1 mcsr epr debug"
    " thread_debug guest_debug dbsr shadow_msr sprg_loaded tcr tsr dec dec_start dec_deadline timer_deadline exit_type"
    " dcr_needed hcall_needed taken_sprs stat exit_counts emulated"
    " queue_counts delivered_counts hypercalls mmio_counts cost actions queued delivered"
)


def described(guest: str, shared: Path | None = None) -> MachineDescription:
    if shared is None:
        return MachineDescription(PACKAGE / "_guests" / "demo.elf", cpu=guest.removeprefix("demo-"))
    folder = shared / "guests" / guest
    cpu = guest.removeprefix("linux-").removesuffix("-pv")
    return MachineDescription(folder / "vmlinux", cpu=cpu, initrd=folder / "initrd.gz", append="console=ttyS0,115200")


def built(guest: str, shared: Path | None = None, *, native: bool = True, irqchip: str = "kernel") -> KvmSystem:
    return build_kvm(
        replace(described(guest, shared), irqchip=irqchip), engine_factory("llvm", KVM_CODE if native else None)
    )[0]


def whole(system: KvmSystem) -> dict[str, Any]:
    """Everything that a run leaves, log aside."""
    v = system.kvm
    found: dict[str, Any] = {name: getattr(v, name) for name in _SCALARS.split()}
    found |= {
        "run": v.run, "state": bytes(v.core.state.block), "ram": hashlib.sha256(system.board.bus.ram).hexdigest(),
        "page": bytes(v.shared.page), "guest TLB": [list(t) for t in (v.gtlb.mas1, v.gtlb.mas2, v.gtlb.mas7_3)],
        "victim": v.gtlb.nv, "references": list(v.shadow.flags), "frames": list(v.shadow.pfn),
        "parents": list(v.host_tlb.parents), "fills": (v.shadow.fills, v.shadow.splits, v.shadow.evictions),
        "ids": None if v.ids is None else (list(v.ids.table), v.ids.last_used, v.ids.pid0, v.ids.pid1),
        "timing": v.timing.rows(), "words": list(v.words[W.ENTERED_MSR : W.PC]), "console": system.board.console.text,
        "devices": system.board.mmio_count, "now": v.core.now, "exits": len(v.exits),
    }  # fmt: skip
    return found


def differences(a: dict[str, Any], b: dict[str, Any]) -> list[str]:
    return [f"{name}: {a[name]!r:.200} / {b[name]!r:.200}" for name in a if a[name] != b[name]]


def native_rows(system: KvmSystem) -> int:
    return sum(1 for row in system.kvm.exits.rows(0) if len(row) == 16)


def stops(guest: str, until: int) -> Iterator[int]:
    chance = random.Random(f"{SEED} {guest}")
    yield from sorted(chance.randrange(1, until) for _ in range(6))
    yield until


@pytest.mark.parametrize("options", [
    {}, {"irqchip": "user", "spr_exits": "all", "unknown_spr": "exit", "user_sprs": "976"}, {"spr_exits": "reset"},
])  # fmt: skip
def test_native_exits_between_exits_to_userspace(options: dict[str, str]) -> None:
    """Device control registers, SPRs and a reset, whose exits are Python's, among accesses that are compiled code's."""
    machine = describe(PACKAGE / "_guests" / "dcr-exits.toml", options)
    native, model = (build_kvm(machine, engine_factory("llvm", code))[0] for code in (KVM_CODE, None))
    for system_ in (native, model):
        system_.run(Limits(20_000))
    assert native_rows(native) > 50 and not differences(whole(native), whole(model))
    assert [*native.kvm.exits] == [*model.kvm.exits]


@pytest.mark.parametrize("guest", ["demo-e500v2", "demo-e500mc"])
def test_native_exits_are_those_of_the_model(guest: str) -> None:
    compare(guest, built(guest), built(guest, native=False), 30_000)


@pytest.mark.parametrize(("guest", "until", "irqchip"), [
    ("linux-e500v2-pv", 180_000_000, "kernel"), ("linux-e500v2", 20_000_000, "kernel"),
    ("linux-e500mc", 30_000_000, "kernel"), ("linux-e500mc", 10_000_000, "user"),
])  # fmt: skip
def test_native_exits_of_linux_are_those_of_the_model(guest: str, until: int, irqchip: str, shared: Path) -> None:
    native, model = (built(guest, shared, native=native, irqchip=irqchip) for native in (True, False))
    compare(guest, native, model, until)


def compare(guest: str, native: KvmSystem, model: KvmSystem, until: int) -> None:
    """Both stopped at random places, and there and at the end compared whole and record by record."""
    for position in stops(guest, until):
        ended = [system.run(Limits(position)) for system in (native, model)]
        assert ended[0] == ended[1]
        assert not differences(whole(native), whole(model)), f"at {position}"
    for mine, theirs in zip(native.kvm.exits, model.kvm.exits, strict=True):
        assert mine == theirs
    assert native_rows(model) == 0
    assert native_rows(native) > len(native.kvm.exits) // 2


def test_who_wants_to_see_each_exit_gets_each_from_the_model() -> None:
    system = built("demo-e500v2")
    while system.run(Limits(FOREVER, exits=1)).kind is StopKind.EXIT:
        pass
    assert native_rows(system) == 0
    traced = built("demo-e500v2")
    seen: list[str] = []
    traced.kvm.trace = lambda name, arguments: seen.append(name)
    assert traced.run(Limits(FOREVER)).kind in FINAL
    assert native_rows(traced) == 0
    assert seen.count("kvm_exit") == len(traced.kvm.exits) == len(system.kvm.exits)


def test_a_log_that_is_full_makes_room_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """More exits in one stretch than the native log holds: none is lost, none is out of order."""
    monkeypatch.setenv("PPCDBG_ENGINE", "llvm")
    times = 2 * W.ROOM + 100
    mfmsr, bdnz, mtctr = 0x7C8000A6, 0x4200FFFC, 0x7C6903A6
    v = vcpu()
    running = system(v, [lis(3, 0), 0x60630000 | times, mtctr, mfmsr, bdnz, BRANCH_SELF])
    running.run(Limits(3 + 2 * times))
    emulated = [record for record in v.exits if record.name == "PROGRAM"]
    assert [record.position for record in emulated] == [3 + 2 * i for i in range(times)]
    assert v.emulated == {mfmsr: times}
    assert v.exit_counts[6] == times
    rows = v.exits.rows(0)
    by_model = [record.number for record in emulated if len(rows[record.number]) != 16]
    assert 2 <= len(by_model) <= 4  # the first, which is decoded, and where the log was full


@pytest.mark.parametrize("count", [1, W.ROOM - 1, W.ROOM, W.ROOM + 1, W.ROOM + 2, 3 * W.ROOM + 7])
def test_who_wants_a_number_of_exits_gets_it_from_compiled_code(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Each of them came from Python, and a million took twenty times as long as a run to the same place."""
    monkeypatch.setenv("PPCDBG_ENGINE", "llvm")
    mfmsr, bdnz, mtctr = 0x7C8000A6, 0x4200FFFC, 0x7C6903A6
    ended = []
    for each in (count, 1):
        running = system(vcpu(), [lis(3, 1), mtctr, mfmsr, bdnz, BRANCH_SELF])
        while running.steps < count:
            stop = running.run(Limits(FOREVER, exits=each))
        assert stop.kind is StopKind.EXIT and running.steps == count
        ended.append((running, (stop.position, stop.pc)))
    (many, one), (apart, other) = ended
    assert one == other and [*many.kvm.exits] == [*apart.kvm.exits] and not differences(whole(many), whole(apart))
    assert native_rows(apart) == 0 and (native_rows(many) > 0) is (count > W.ROOM)
