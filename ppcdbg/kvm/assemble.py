"""Put a guest under the KVM model together: board, core, engine, vcpu, userspace. What the pieces do is theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ppcdbg.cpu.core import Core
from ppcdbg.cpu.models import CORES, core_model
from ppcdbg.engine.choose import EngineFactory
from ppcdbg.errors import UsageError
from ppcdbg.isa.operands import spr_name
from ppcdbg.kvm import codes, ioctl
from ppcdbg.kvm.capabilities import EV_IDLE, pvinfo
from ppcdbg.kvm.e500_mmu import Geometry
from ppcdbg.kvm.emulate_sprs import readers, writers
from ppcdbg.kvm.fetch import InstructionFetch
from ppcdbg.kvm.host import HOSTS, HostModel, backed
from ppcdbg.kvm.magic_page import SharedPage
from ppcdbg.kvm.quirks import Quirks, listing
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.kvm.spr_exits import EPR, SprExits, userspaces
from ppcdbg.kvm.vcpu import Vcpu
from ppcdbg.kvm.vm import HOST_PAGES, FailurePolicy, RamWindow, UnknownSpr, Vm
from ppcdbg.kvm.vmm import BoardUserspace
from ppcdbg.machine.board import MPIC_BASE, Board
from ppcdbg.machine.boot import BootState
from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.devices.mpic_registers import SIZE as MPIC_SIZE
from ppcdbg.machine.devicetree import HypervisorNode
from ppcdbg.machine.input import InputQueue
from ppcdbg.machine.loaders import LoadedImage, load_image


def quirks_of(description: MachineDescription) -> Quirks:
    """The switches that a description sets; UsageError names one that does not exist."""
    return quirks_with(dict(description.quirks))


def quirks_with(switches: Mapping[str, bool]) -> Quirks:
    """Linux 6.1's oddities with some switched by name. Raises UsageError."""
    known = {q.name for q in listing()}
    for name in switches:
        if name not in known:
            raise UsageError(f"there is no quirk {name!r}; the quirks are {', '.join(sorted(known))}")
    return replace(Quirks(), **switches)


def hypervisor_node(description: MachineDescription) -> HypervisorNode | None:
    """What the device tree says of KVM (facts 7.2); nothing with the interface off, or as it was in 2010."""
    if description.pv != "magic-page" or description.patch_by != "guest":
        return None
    info = pvinfo(CORES[description.cpu].has_hv)
    return HypervisorNode(info.hcall, bool(info.flags & EV_IDLE))


def build_kvm(
    description: MachineDescription, factory: EngineFactory, host: HostModel | None = None
) -> tuple[KvmSystem, LoadedImage]:
    """A guest under the KVM model, loaded and ready to run. Raises InputError for images that do not fit."""
    model = core_model(description.cpu, dcr=description.dcr == "on")
    if model.has_hv and description.deferral != "stock":
        raise UsageError(
            f"--deferral {description.deferral} is for guests with a magic page; {description.cpu} runs without one,"
            " in HV mode, and KVM does there what stock does"
        )
    if model.has_hv and description.pv == "2010":
        raise UsageError(f"--pv 2010 is for guests in PR mode, whose mfpvr exits; {description.cpu} runs in HV mode")
    if model.has_hv and description.patch_by != "guest":
        raise UsageError(
            f"--patch-by hypervisor is for guests in PR mode, whose privileged instructions exit; {description.cpu}"
            " runs in HV mode"
        )
    if not model.has_hv and description.instruction_fetch != "walk":
        raise UsageError(
            f"--instruction-fetch {description.instruction_fetch} is for guests in HV mode; {description.cpu} runs in"
            " PR mode, where the host reads instructions with a permission that each shadow entry has"
        )
    cores: list[Core] = []
    board = Board(
        description.memory + HOST_PAGES,
        lambda: cores[0].now if cores else 0,
        description.cpu,
        lambda: cores[0].retired if cores else 0,
        mpic_timers=description.irqchip == "user",
        dcr=description.dcr == "on",
    )
    core = Core(model, board.bus)
    cores.append(core)
    image = load_image(description, RamWindow(board.ram, description.memory), hypervisor_node(description))
    engine = factory(core)
    vcpu = make_vcpu(make_vm(description, host), core, board)
    boot_vcpu(vcpu, image.boot)
    queue = InputQueue(lambda: core.retired)
    return KvmSystem(vcpu, engine, board, queue, BoardUserspace(board, dict(description.user_sprs))), image


def make_vm(description: MachineDescription, host: HostModel | None = None) -> Vm:
    """The virtual machine of a description, with no vcpu yet."""
    return Vm(
        memory_size=description.memory,
        hv=CORES[description.cpu].has_hv,
        host=host or backed(HOSTS[description.cpu], description.backing),
        quirks=quirks_of(description),
        on_failure=FailurePolicy(description.on_emulation_failure),
        unknown_spr=UnknownSpr(description.unknown_spr),
        instruction_fetch=InstructionFetch(description.instruction_fetch),
        magic_page=description.pv != "off" and description.patch_by == "guest",
        pv_2010=description.pv == "2010",
        deferral=description.deferral,
        rewrites=description.patch_by == "hypervisor",
        mpic_in_kernel=(MPIC_BASE, MPIC_SIZE) if description.irqchip == "kernel" else None,
        spr_exits=SprExits(description.spr_exits),
        user_sprs=description.user_sprs,
        dcr=description.dcr == "on",
        hcall_exits=description.hcall_exits == "on",
    )


def make_vcpu(vm: Vm, core: Core, board: Board) -> Vcpu:
    """The next vcpu of a machine. Its shared page is the host's: behind the guest's RAM, which in PR mode maps it."""
    number = len(vm.vcpus)
    page = vm.memory_size + 4096 * number
    shared = SharedPage(bytearray(4096) if vm.hv else board.bus.ram[page : page + 4096])
    board.bus.written_outside.append((page, 4096))
    vcpu = Vcpu(vm, core, shared, page, number)
    vcpu.epr_flags = codes.EPR_USER if vm.mpic_in_kernel is None else codes.EPR_KERNEL
    if userspaces(vm, EPR):
        vcpu.epr_flags = 0  # nobody acknowledges before the guest reads the register
    ioctl.enable_cap(vcpu, ioctl.Cap.BOOKE_WATCHDOG)
    _check_sprs(vcpu)
    return vcpu


def _check_sprs(v: Vcpu) -> None:
    """Userspace can have no SPR that KVM has. Raises UsageError."""
    if not v.vm.user_sprs:
        return
    taken, v.taken_sprs = v.taken_sprs, {}
    known = {*readers(v), *writers(v)}
    v.taken_sprs = taken
    for number, _ in v.vm.user_sprs:
        if number in known:
            raise UsageError(f"--user-sprs names {spr_name(number)} ({number:#x}), which KVM emulates itself")


def boot_vcpu(v: Vcpu, state: BootState) -> None:
    """What QEMU does before the first KVM_RUN: SW_TLB, the boot mapping, registers."""
    tlb = v.configure_tlb(Geometry(512, 4, v.vm.host.tlb1_entries))
    e = state.tlb1
    tlb.put(1, 0, e.mas1, e.mas2, e.mas7 << 32 | e.mas3)
    tlb.recalculate_range()
    for number, value in state.gprs:
        v.gpr[number] = value
    v.set_register("pc", state.pc)
    v.set_register("msr", state.msr)
