"""Several vcpus of one guest, each on a core of its own, where somebody else says which retires the next instruction.

As :mod:`ppcdbg.machine.cluster` for bare cores: one instruction of one vcpu at a time, with the exits that it takes;
time is the count of all. A message of the guest's is emulated and kicks its receiver, and so does the MPIC, which has a
destination for each vcpu; nothing else goes from vcpu to vcpu. No timer may run, and the host's cores hear nothing of
each other.
"""

from __future__ import annotations

from functools import partial

from ppcdbg.cpu.core import Core
from ppcdbg.cpu.models import core_model
from ppcdbg.cpu.msr import MSR_CE, MSR_EE, MSR_WE
from ppcdbg.engine.shared import sharing
from ppcdbg.errors import UsageError
from ppcdbg.isa import slots
from ppcdbg.kvm import irqprio, timers
from ppcdbg.kvm.assemble import boot_vcpu, hypervisor_node, make_vcpu, make_vm
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.kvm.vcpu import Vcpu
from ppcdbg.kvm.vm import HOST_PAGES, RamWindow
from ppcdbg.kvm.vmm import BoardUserspace
from ppcdbg.machine.board import Board
from ppcdbg.machine.boot import released_state
from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.input import InputQueue
from ppcdbg.machine.loaders import LoadedImage, load_image
from ppcdbg.machine.system import FINAL, Limits, Stop, StopKind

_MESSAGES = (irqprio.DBELL, irqprio.DBELL_CRIT)


class KvmCluster:
    """``count`` vcpus of the machine that a description asks for. Raises InputError and UsageError."""

    def __init__(self, description: MachineDescription, count: int) -> None:
        self.board = Board(
            description.memory + HOST_PAGES, lambda: self.now, description.cpu, lambda: self.position,
            mpic_timers=False, cores=count, dcr=description.dcr == "on",
        )  # fmt: skip
        model, bus = core_model(description.cpu, dcr=description.dcr == "on"), self.board.bus
        self._userspace = BoardUserspace(self.board, dict(description.user_sprs))
        self.cores = tuple(Core(model, bus) for _ in range(count))
        window = RamWindow(self.board.ram, description.memory)
        self.image: LoadedImage = load_image(description, window, hypervisor_node(description))
        self.engines = sharing(description.engine, self.cores)
        vm = make_vm(description)
        self.systems = tuple(self._system(make_vcpu(vm, core, self.board), n) for n, core in enumerate(self.cores))
        for number, system in enumerate(self.systems):
            self.board.connect(system.external, core=number)
            system.kvm.mpic_acknowledge = partial(self.board.proxy_acknowledge, number)
        self.board.release = self._release
        self.held = [number > 0 for number in range(count)]
        self.stopped = [""] * count
        for system in self.systems:
            boot_vcpu(system.kvm, self.image.boot)

    def _system(self, vcpu: Vcpu, number: int) -> KvmSystem:
        queue = InputQueue(lambda: vcpu.core.retired)
        return KvmSystem(vcpu, self.engines[number], self.board, queue, self._userspace)

    # --- questions ------------------------------------------------------------------------------------------------
    @property
    def position(self) -> int:
        """Instructions that all vcpus have retired."""
        return sum(core.retired for core in self.cores) if hasattr(self, "cores") else 0

    @property
    def now(self) -> int:
        """The clock, the same for every vcpu."""
        return self.cores[0].now if hasattr(self, "cores") else 0

    @property
    def over(self) -> str:
        """See ``Cluster.over``."""
        return self.board.over

    def rests(self, number: int) -> bool:
        """See ``Cluster.rests``; a vcpu that is halted in KVM rests as well."""
        system = self.systems[number]
        if self.held[number] or self.stopped[number]:
            return True
        if system.ended is not None:
            return not system.kvm.runnable
        reg = system.core.state.reg
        waits = reg[slots.WAITING] or reg[slots.MSR] & MSR_WE
        return bool(waits) and not system.kicked and system.core.deliverable() is None

    def interruptible(self, number: int) -> bool:
        """See ``Cluster.interruptible``."""
        system = self.systems[number]
        msr = system.core.msr if system.kvm.hv else system.kvm.shared.msr
        return bool(msr & (MSR_EE | MSR_CE)) or system.kicked

    def messages(self, number: int) -> int:
        """See ``Cluster.messages``: what KVM has pending."""
        pending = self.systems[number].kvm.pending
        return sum((pending >> priority & 1) << kind for kind, priority in enumerate(_MESSAGES))

    def next_tick(self) -> int | None:
        """Always None: raises UsageError when a timer has been set."""
        ticks = [timers.next_event(system.kvm) for system in self.systems] + [self.board.next_event(self.now)]
        if any(tick is not None for tick in ticks):
            raise UsageError(
                f"a timer runs at position {self.position:,}; several vCPUs under KVM are searched without timers,"
                " so leave it off or give --hv none"
            )
        return None

    # --- running --------------------------------------------------------------------------------------------------
    def step(self, number: int) -> Stop | None:
        """See ``Cluster.step``: one instruction, and the exits before it or with it."""
        system = self.systems[number]
        if system.ended is not None:
            system.wake()
        core = system.core
        self.board.mpic_registers.current = number
        before = core.retired
        stop = system.run(Limits(before + 1))
        for other in self.cores:
            other.skip_to(core.now)
        if stop.kind not in FINAL:
            return None
        if stop.kind in (StopKind.RESET, StopKind.POWEROFF, StopKind.IDLE):
            return stop
        self.stopped[number] = stop.detail
        return stop

    def pass_time(self) -> bool:
        """Nothing happens by itself here."""
        return False

    def device_moved(self) -> None:
        """Nothing waits for a device."""

    def _release(self, number: int, address: int, r3: int) -> None:
        """Userspace lets a vcpu leave the spin table, as QEMU does."""
        if self.held[number]:
            self.held[number] = False
            boot_vcpu(self.systems[number].kvm, released_state(address, r3))
