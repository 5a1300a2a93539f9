"""Small vcpus and systems for the tests of this room."""

from __future__ import annotations

from dataclasses import replace

from ppcdbg.cpu.core import Core
from ppcdbg.cpu.models import CORES
from ppcdbg.kvm import ioctl
from ppcdbg.kvm.e500_mmu import Geometry
from ppcdbg.kvm.fetch import InstructionFetch
from ppcdbg.kvm.host import HOSTS, HostModel
from ppcdbg.kvm.magic_page import SharedPage
from ppcdbg.kvm.native.code import KVM_CODE
from ppcdbg.kvm.quirks import Quirks
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.kvm.userspace import Userspace
from ppcdbg.kvm.vcpu import Vcpu
from ppcdbg.kvm.vm import HOST_PAGES, FailurePolicy, UnknownSpr, Vm
from ppcdbg.kvm.vmm import BoardUserspace
from ppcdbg.machine.board import Board
from ppcdbg.machine.input import InputQueue
from tests.engines import engine_under_test

MEMORY = 4 << 20
ENTRY = 0x1000


def vcpu(
    cpu: str = "e500v2",
    quirks: Quirks | None = None,
    host: HostModel | None = None,
    on_failure: FailurePolicy = FailurePolicy.BOTH,
    unknown_spr: UnknownSpr = UnknownSpr.FAIL,
    deferral: str = "stock",
    instruction_fetch: InstructionFetch = InstructionFetch.WALK,
    **off: bool,
) -> Vcpu:
    """A vcpu on a board of its own, with TLB1[0] mapping 4 MiB one to one. Keywords switch quirks."""
    cores: list[Core] = []
    board = Board(MEMORY + HOST_PAGES, lambda: cores[0].now if cores else 0, cpu, mpic_timers=False)
    core = Core(CORES[cpu], board.bus)
    cores.append(core)
    chosen = replace(quirks or Quirks(), **off)
    vm = Vm(MEMORY, core.model.has_hv, host or HOSTS[cpu], chosen, on_failure, unknown_spr, deferral=deferral,
            instruction_fetch=instruction_fetch)  # fmt: skip
    page = bytearray(4096) if vm.hv else board.bus.ram[MEMORY : MEMORY + 4096]
    v = Vcpu(vm, core, SharedPage(page), MEMORY)
    v.configure_tlb(Geometry(512, 4, vm.host.tlb1_entries))
    v.gtlb.put(1, 0, 0x80000000 | 12 << 7, 0, 0x3F)
    v.gtlb.put(1, 1, 0x80000000 | 2 << 7, 0x80000000 | 0xA, 0x80000000 | 0x3F)
    v.gtlb.recalculate_range()
    v.board = board  # type: ignore[attr-defined]
    return v


def system(v: Vcpu, code: list[int], userspace: Userspace | None = None, msr: int = 0) -> KvmSystem:
    """A system about to run ``code`` at ``ENTRY``."""
    board: Board = v.board  # type: ignore[attr-defined]
    load(v, ENTRY, code)
    ioctl.set_regs(v, ENTRY, msr)
    queue = InputQueue(lambda: v.core.retired)
    return KvmSystem(v, engine_under_test(v.core, KVM_CODE), board, queue, userspace or BoardUserspace(board))


def load(v: Vcpu, address: int, code: list[int]) -> None:
    for i, word in enumerate(code):
        v.core.bus.ram[address + 4 * i : address + 4 * i + 4] = word.to_bytes(4, "big")


def mtspr(spr: int, rs: int) -> int:
    return 0x7C0003A6 | rs << 21 | (spr & 31) << 16 | (spr >> 5) << 11


def mfspr(spr: int, rt: int) -> int:
    return 0x7C0002A6 | rt << 21 | (spr & 31) << 16 | (spr >> 5) << 11


def li(rt: int, value: int) -> int:
    return 0x38000000 | rt << 21 | value & 0xFFFF


def lis(rt: int, value: int) -> int:
    return 0x3C000000 | rt << 21 | value & 0xFFFF


NOP, SC, SC1, RFI, BRANCH_SELF = 0x60000000, 0x44000002, 0x44000022, 0x4C000064, 0x48000000
