"""A hypervisor that rewrites what it has emulated: which words, where, and that its state goes with the guest."""

from __future__ import annotations

import os
import zlib
from dataclasses import replace

import pytest

from ppcdbg.engine.choose import compiles
from ppcdbg.errors import UsageError
from ppcdbg.kvm.build import build_system
from ppcdbg.kvm.patching import replacement
from ppcdbg.kvm.rewriting import PAGE_EA
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.description import MachineDescription, describe
from ppcdbg.machine.guests import guest_file
from ppcdbg.machine.system import Limits
from ppcdbg.session.snapshots import hash_of


def machine(guest: str = "hazard-checksum", **options: str) -> MachineDescription:
    return replace(describe(guest_file(guest, os.environ)), patch_by="hypervisor", **options)  # type: ignore[arg-type]


def ran(described: MachineDescription, position: int = 1 << 40) -> KvmSystem:
    system = build_system(described)
    assert isinstance(system, KvmSystem)
    system.run(Limits(position))
    return system


@pytest.mark.parametrize("engine", ["reference", "llvm"])
def test_each_is_what_a_guest_would_have_put_there_and_exits_once(engine: str) -> None:
    if engine == "llvm" and not compiles():
        pytest.skip("llvmlite is not installed")
    system = ran(machine(engine=engine))
    rewriter = system.kvm.rewriter
    assert rewriter is not None and len(rewriter.entries) == 9
    for entry in rewriter.entries:
        assert entry.word == replacement(entry.original, PAGE_EA)
        assert int.from_bytes(system.board.bus.ram[entry.real : entry.real + 4], "big") == entry.word
        times = [r for r in system.kvm.exits if r.pc == entry.address and r.name == "PROGRAM"]
        assert [r.number for r in times] == [entry.exit]
        assert any("rewrote" in a.note for a in times[0].actions)


def test_both_engines_leave_the_same() -> None:
    if not compiles():
        pytest.skip("llvmlite is not installed")
    systems = [ran(machine(engine=name)) for name in ("reference", "llvm")]
    first, second = (hash_of(system.save(), zlib.crc32(system.board.bus.ram)) for system in systems)
    assert first == second


def test_the_demo_guest_says_the_same_without_knowing() -> None:
    rewritten = ran(machine("demo"))
    alone = ran(replace(machine("demo"), patch_by="guest", pv="off"))
    assert rewritten.board.console.text.splitlines()[-3:] == alone.board.console.text.splitlines()[-3:]
    assert len(rewritten.kvm.exits) < len(alone.kvm.exits)


def test_the_page_of_2010_serves_for_what_it_has() -> None:
    system = ran(machine(pv="2010"))
    rewriter = system.kvm.rewriter
    assert rewriter is not None
    names = {entry.original >> 11 & 0x3FF for entry in rewriter.entries}
    assert len(rewriter.entries) == 4 and names  # SPRG0, SPRG1 written; mfmsr and SPRG0 read; no MAS


def test_it_is_part_of_the_state() -> None:
    system = ran(machine(), 40)
    state, entries = system.save(), [*system.kvm.rewriter.entries]  # type: ignore[union-attr]
    ram = bytes(system.board.bus.ram)
    system.run(Limits(1_000))
    assert system.kvm.rewriter is not None and len(system.kvm.rewriter.entries) > len(entries) > 0
    system.board.bus.ram[:] = ram
    system.restore(state)
    assert system.kvm.rewriter.entries == entries
    assert system.save() == state
    assert "rewritten" not in ran(replace(machine(), patch_by="guest"), 40).save()["loop"]["vcpu"]  # type: ignore[operator,index,call-overload]


def test_it_is_for_guests_in_pr_mode_under_kvm() -> None:
    for options in ({"cpu": "e500mc"}, {"hv": "none"}):
        with pytest.raises(UsageError, match="--patch-by hypervisor"):
            build_system(machine(**options))
