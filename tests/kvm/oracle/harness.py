"""The oracle's own VMM (oracle/host/vmm.c) over our model, and its events in the form that norm.py gives.

One run of one bare-metal guest: ports at 0x80000000, 16 MiB of RAM, SW_TLB 512/4 + 16 with its two TLB1 entries.
"""

from __future__ import annotations

import lzma
from dataclasses import replace
from pathlib import Path

from ppcdbg.cpu.core import Core
from ppcdbg.cpu.models import CORES
from ppcdbg.kvm import codes, ioctl, queueing, timers
from ppcdbg.kvm.e500_mmu import Geometry
from ppcdbg.kvm.host import E500V2_HOST, Backing, HostModel
from ppcdbg.kvm.magic_page import SharedPage
from ppcdbg.kvm.native.code import KVM_CODE
from ppcdbg.kvm.quirks import Quirks
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.kvm.trace import format_event
from ppcdbg.kvm.userspace import Ending
from ppcdbg.kvm.vcpu import Vcpu
from ppcdbg.kvm.vm import HOST_PAGES, Vm
from ppcdbg.machine.board import Board
from ppcdbg.machine.input import InputEvent, InputKind, InputQueue
from ppcdbg.machine.system import Limits, Stop, StopKind
from tests.engines import engine_under_test

DATA = Path(__file__).parent / "data"
MEMORY = 16 << 20
PORTS = 0x80000000
TICKS_PER_10US = 4000
HOSTS: dict[str, HostModel] = {
    "anon": E500V2_HOST,
    "huge": replace(E500V2_HOST, backing=Backing.HUGE),
    "devmem": replace(E500V2_HOST, backing=Backing.DEVMEM, wimg=0xA, tlbcam_index=2),
}


class OracleUserspace:
    """The userspace side of every exit, as vmm.c has it."""

    def __init__(self, mark, queue_input) -> None:  # type: ignore[no-untyped-def]
        self.mark = mark
        self.queue_input = queue_input
        self.scratch = bytearray((0x80 + i) & 0xFF for i in range(256))
        self.fails = 0
        self.console = bytearray()
        self.steps = 0

    def handle(self, v: Vcpu) -> Ending | None:
        run = v.run
        end = Ending(StopKind.POWEROFF, "the guest wrote the stop port")
        match run.exit_reason:
            case codes.KVM_EXIT_MMIO:
                return end if self._mmio(v) else None
            case codes.KVM_EXIT_UNKNOWN:
                self.mark(f"EXIT UNKNOWN hw={run.hardware_exit_reason:x}")
                self.fails += 1
                return end if self.fails > 200 else None
            case codes.KVM_EXIT_DEBUG:
                self.mark(f"EXIT DEBUG address={run.debug_address:x} status={run.debug_status:x}")
                pc = v.pc & 0xFFFFFC
                if int.from_bytes(v.core.bus.ram[pc : pc + 4], "big") in (0x00DDDD00, 0x7C000A1C):
                    v.pc += 4
                if self.steps:
                    self.steps -= 1
                    if not self.steps:
                        ioctl.set_guest_debug(v, 0)
                        self.mark("USER SET_GUEST_DEBUG 0")
                self.fails += 1
                return end if self.fails > 200 else None
            case codes.KVM_EXIT_EPR:
                self.fails += 1
                run.epr = 0x1000 + self.fails
                self.mark(f"EXIT EPR -> {run.epr:x}")
            case codes.KVM_EXIT_WATCHDOG:
                self.mark(state(v, "watchdog"))
                return end
            case other:
                self.mark(f"EXIT reason={other}")
        return None

    def _mmio(self, v: Vcpu) -> bool:
        m = v.run.mmio
        n, port = m.len, m.phys_addr - PORTS
        stop = False
        if m.is_write:
            self.mark(f"MMIO W len={n} pa={m.phys_addr:x} data={int.from_bytes(m.data, 'big'):0{2 * n}x}")
        if port >= 0x100 and port + n <= 0x200:
            if m.is_write:
                self.scratch[port - 0x100 : port - 0x100 + n] = m.data
            else:
                m.data = bytes(self.scratch[port - 0x100 : port - 0x100 + n])
        elif m.is_write:
            stop = self._port(v, port, int.from_bytes(m.data, "big") & 0xFFFFFFFF)
        else:
            m.data = b"\xff" * n
        if not m.is_write:
            self.mark(f"MMIO R len={n} pa={m.phys_addr:x} data={int.from_bytes(m.data, 'big'):0{2 * n}x}")
        return stop

    def _port(self, v: Vcpu, port: int, value: int) -> bool:
        match port:
            case 0:
                self.console.append(v.run.mmio.data[0])
            case 4:
                return True
            case 8:
                queueing.interrupt(v, value)
                self.mark(f"USER KVM_INTERRUPT {value:x} -> 0")
            case 12:
                self.mark(f"GUESTMARK {value:x}")
            case 16:
                self.mark(state(v, "port"))
            case 20:
                timers.set_tsr_bits(v, value)
                self.mark(f"USER OR_TSR {value:x} -> 0")
            case 24:
                r = ioctl.set_guest_debug(v, value)
                self.mark(f"USER SET_GUEST_DEBUG {value:x} -> {r}")
                self.steps = 6 if value & 2 else 0
            case 28:
                irq = codes.KVM_INTERRUPT_SET_LEVEL if value >> 16 else codes.KVM_INTERRUPT_SET
                self.queue_input(irq, v.core.retired + (value & 0xFFFF) * TICKS_PER_10US)
            case 32:
                r = ioctl.enable_cap(v, value)
                self.mark(f"USER ENABLE_CAP {value} -> {r}")
        return False


def state(v: Vcpu, what: str) -> str:
    s = v.guest_spr
    mas7_3 = s("MAS7") << 32 | s("MAS3")
    return (
        f"STATE {what} pc={v.pc:x} msr={v.guest_msr:x} r1={v.gpr[1]:x} r3={v.gpr[3]:x} r4={v.gpr[4]:x}"
        f" srr0={s('SRR0'):x} srr1={s('SRR1'):x} esr={s('ESR'):x} dear={s('DEAR'):x} csrr0={s('CSRR0'):x}"
        f" csrr1={s('CSRR1'):x} tsr={s('TSR'):x} tcr={s('TCR'):x} pid={v.guest_pid:x} mas0={s('MAS0'):x}"
        f" mas1={s('MAS1'):x} mas2={s('MAS2'):x} mas7_3={mas7_3:x} mas4={s('MAS4'):x} mas6={s('MAS6'):x}"
    )


class OracleRun:
    """One guest on one backing; ``events`` are its normalised events after ``go``."""

    def __init__(self, guest: str, backing: str, quirks: Quirks | None = None, image: bytes | None = None) -> None:
        self.events: list[str] = []
        cores: list[Core] = []
        board = Board(MEMORY + HOST_PAGES, lambda: cores[0].now if cores else 0, "e500v2", mpic_timers=False)
        core = Core(CORES["e500v2"], board.bus)
        cores.append(core)
        code = image if image is not None else lzma.decompress((DATA / f"{guest}.bin.xz").read_bytes())
        board.bus.ram[0x10000 : 0x10000 + len(code)] = code
        vm = Vm(MEMORY, False, HOSTS[backing], quirks or Quirks())
        self.v = v = Vcpu(vm, core, SharedPage(board.bus.ram[MEMORY : MEMORY + 4096]), MEMORY)
        tlb = v.configure_tlb(Geometry(512, 4, 16))
        tlb.put(1, 0, 0x80000000 | 14 << 7, 0, 0x3F)
        tlb.put(1, 1, 0x80000000 | 2 << 7, PORTS | 0xA, PORTS | 0x3F)
        tlb.recalculate_range()
        v.gpr[1] = 0x00FFFFF8
        ioctl.set_regs(v, 0x10000, 0)
        queue = InputQueue(lambda: core.retired)
        queue.taken = self._taken
        self.userspace = OracleUserspace(
            self._mark, lambda irq, at: queue.add(InputKind.KVM, value=irq, name="interrupt", position=at)
        )
        self.system = KvmSystem(v, engine_under_test(core, KVM_CODE), board, queue, self.userspace)
        v.trace = self._event

    def go(self, limit: int = 20_000_000) -> Stop:
        stop = self.system.run(Limits(limit))
        self._mark(state(self.v, "final"))
        return stop

    def _mark(self, text: str) -> None:
        self.events.append(f"user: {text}")

    def _taken(self, event: InputEvent) -> None:
        level = event.value == codes.KVM_INTERRUPT_SET_LEVEL
        self._mark(f"USER thread KVM_INTERRUPT {'SET_LEVEL' if level else 'SET'}")

    def _event(self, name: str, args: tuple[int, ...]) -> None:
        text = format_event(name, args, spellings=False)
        if name == "kvm_exit" and args[0] in (4, 10):
            return
        if name == "kvm_booke206_stlb_write":
            mas0, _, mas1, mas2, mas7_3 = args
            first = f"{mas0:x}" if mas0 & 0x10000000 else "T0"
            page = _page(mas7_3 >> 12)
            text = f"{name}: mas0={first} mas1={mas1:x} mas2={mas2:x} mas7_3={page}|{mas7_3 & 0xFFF:x}"
        elif name == "kvm_booke206_ref_release":
            text = f"{name}: {_page(args[0])} flags={args[1]:x}"
        elif name == "kvm_vcpu_wakeup":
            text = f"{name}: T, polling valid"
        self.events.append(text)


def _page(frame: int) -> str:
    return f"gpa:{frame << 12:x}" if frame << 12 < MEMORY else "shared"
