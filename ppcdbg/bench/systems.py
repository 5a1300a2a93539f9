"""Systems made in this process to be measured: a guest on the bare machine or under KVM, on an engine by name."""

from __future__ import annotations

from ppcdbg.bench.results import NotRun
from ppcdbg.engine import choose
from ppcdbg.engine.api import TenantCode
from ppcdbg.engine.choose import EngineFactory, engine_factory
from ppcdbg.errors import PpcdbgError
from ppcdbg.kvm.assemble import build_kvm
from ppcdbg.kvm.native.code import KVM_CODE
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.build import build_bare
from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.machine import Machine
from ppcdbg.machine.system import Limits

REFERENCE, TIER0, LLVM = "reference", "tier 0", "llvm"
ENGINES = (LLVM, TIER0, REFERENCE)
"""``tier 0`` is the llvm engine without its region compiler."""


def factory(name: str, tenant: TenantCode | None = None) -> EngineFactory:
    """How to make an engine for a core; NotRun where it cannot be made here."""
    try:
        return engine_factory(choose.TIER0 if name == TIER0 else name, tenant)
    except PpcdbgError as error:
        raise NotRun(str(error)) from None


def fastest() -> str:
    """The name of the fastest engine that can be made here."""
    try:
        factory(LLVM)
    except NotRun:
        return REFERENCE
    return LLVM


def bare(description: MachineDescription, engine: str) -> Machine:
    """The guest alone on the machine, before its first instruction."""
    machine, _ = build_bare(description, factory(engine))
    return machine


def under_kvm(description: MachineDescription, engine: str, *, native: bool = False) -> KvmSystem:
    """The guest under the KVM model, before its first instruction; ``native``: frequent exits in compiled code."""
    system, _ = build_kvm(description, factory(engine, KVM_CODE if native else None))
    return system


def limits(position: int, exits: int = 0) -> Limits:
    """A run up to a position or so many exits; it is asked between slices whether to stop, as in every front end."""
    return Limits(position, exits=exits, interrupted=lambda: False)
