"""Make a system from a machine description: the bare machine, or a guest under the KVM model.

The only place that chooses between them. The model is imported where it is wanted: a bare machine starts without it.
"""

from __future__ import annotations

from ppcdbg.cpu.models import CORES
from ppcdbg.engine.choose import engine_factory
from ppcdbg.errors import UsageError
from ppcdbg.machine.build import build_bare
from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.inputfile import read_input
from ppcdbg.machine.system import System


def build_system(description: MachineDescription) -> System:
    """The system that a description asks for, its input queued. Raises InputError and UsageError."""
    if description.quirks:
        from ppcdbg.kvm.assemble import quirks_of

        quirks_of(description)
    if description.dcr == "on" and CORES[description.cpu].has_hv:
        raise UsageError(f"--dcr on is for e500v2: {description.cpu} has hypervisor state, which no core with DCRs has")
    system: System
    if description.hv == "none" and description.deferral != "stock":
        raise UsageError(f"--deferral {description.deferral} is KVM's; with --hv none there is no KVM")
    if description.hv == "none" and description.patch_by != "guest":
        raise UsageError("--patch-by hypervisor is KVM's; with --hv none there is no KVM")
    if description.hv == "none" and (description.spr_exits != "off" or description.hcall_exits != "off"):
        raise UsageError("--spr-exits and --hcall-exits are KVM's; with --hv none there is no KVM")
    if description.hv == "none":
        system, _ = build_bare(description, engine_factory(description.engine))
    else:
        from ppcdbg.kvm.assemble import build_kvm
        from ppcdbg.kvm.native.code import KVM_CODE

        system, _ = build_kvm(description, engine_factory(description.engine, KVM_CODE))
    system.description = description
    if description.input is not None:
        system.input.extend(read_input(description.input))
    return system
