"""The machine of the oracle's host: one guest under the model with the userspace of :mod:`.ports`, and its events.

The core is QEMU's e500v2, for that host runs in QEMU; the TLB that userspace shares and the memory behind the guest are
as the trace says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ppcdbg.conform.normal import Event, Page, normal
from ppcdbg.conform.ports import PORTS, PortUserspace, state
from ppcdbg.cpu.core import Core
from ppcdbg.cpu.models import CORES
from ppcdbg.cpu.timers import TIMEBASE_HZ
from ppcdbg.engine.choose import engine_factory
from ppcdbg.errors import InputError
from ppcdbg.isa.insn import E500V2
from ppcdbg.kvm import codes, ioctl, queueing
from ppcdbg.kvm.e500_mmu import TSIZE_256M, Geometry
from ppcdbg.kvm.host import E500V2_HOST, backed
from ppcdbg.kvm.magic_page import SharedPage
from ppcdbg.kvm.native.code import KVM_CODE
from ppcdbg.kvm.quirks import Quirks
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.kvm.vcpu import LEGACY_UART, Vcpu
from ppcdbg.kvm.vm import HOST_PAGES, Vm
from ppcdbg.machine.board import Board
from ppcdbg.machine.devices.device import Clock
from ppcdbg.machine.input import InputQueue
from ppcdbg.machine.system import Limits, Stop

ENTRY = 0x10000
STACK = 0x00FFFFF8
MEBIBYTE = 1 << 20
TICKS_A_US = TIMEBASE_HZ // 1_000_000
BEGUN = 173_400 * TICKS_A_US
"""The time base when a guest starts: so long had the host been up."""
JIFFY = TIMEBASE_HZ // E500V2_HOST.hz
ALARM = 3 * TIMEBASE_HZ
"""Ticks after which that userspace's alarm interrupts KVM_RUN."""
TSIZE_4K, TSIZE_16M = 2, 14
ALL, SUPERVISOR, IO = 0x3F, 0x15, 0xA  # SX UX SW UW SR UR; SX SW SR; I G
VALID = 0x80000000
TLBS = ("sw", "sw2", "legacy")


@dataclass(frozen=True)
class Setting:
    """How the guest was run: ``backing`` behind its memory, ``tlb`` as in TLBS, ``memory`` in bytes."""

    backing: str
    tlb: str = "sw"
    memory: int = 16 * MEBIBYTE

    @property
    def ports(self) -> int:
        """Real address of the page with the ports."""
        return PORTS if self.tlb == "sw" else LEGACY_UART


class _Board(Board):
    """A board on which other threads of that userspace act as well, each at its tick. The host has one processor: a
    thread gets it when the vcpu halts, or after a jiffy."""

    def __init__(self, ram_size: int, clock: Clock, model: str, *, mpic_timers: bool) -> None:
        super().__init__(ram_size, clock, model, mpic_timers=mpic_timers)
        self.idle = False
        """Whether the vcpu is halted"""
        self._acts: list[tuple[int, int, Callable[[], None]]] = []

    def at(self, tick: int, act: Callable[[], None], busy: int = 0) -> None:
        """Have something done at a tick, or while the vcpu is busy not before another."""
        self._acts.append((tick, max(tick, busy), act))

    def _first(self) -> tuple[int, Callable[[], None]] | None:
        due = [(tick if self.idle else busy, n) for n, (tick, busy, _) in enumerate(self._acts)]
        if not due:
            return None
        tick, n = min(due)
        return tick, self._acts[n][2]

    def next_event(self, now: int) -> int | None:
        """See ``Board.next_event``."""
        first, own = super().next_event(now), self._first()
        if own is not None:
            tick = max(now, own[0])
            first = tick if first is None else min(first, tick)
        return first

    def advance(self, now: int) -> None:
        """See ``Board.advance``."""
        super().advance(now)
        while (own := self._first()) is not None and own[0] <= now:
            self._acts = [entry for entry in self._acts if entry[2] is not own[1]]
            own[1]()


class ConformRun:
    """One guest; ``events`` are its normalised events after ``go``."""

    def __init__(
        self, image: bytes, setting: Setting, engine: str = "auto", quirks: Quirks | None = None
    ) -> None:  # fmt: skip
        self.setting = setting
        self.most = 1 << 40
        """Events after which the run is given up, as by the alarm"""
        self.image = image
        self.events: list[Event] = []
        memory = setting.memory
        if ENTRY + len(image) > memory:
            raise InputError(f"the guest's {len(image)} bytes do not fit from {ENTRY:#x} on into {memory} bytes")
        cores: list[Core] = []
        board = _Board(memory + HOST_PAGES, lambda: cores[0].now if cores else 0, E500V2, mpic_timers=False)
        core = Core(replace(CORES[E500V2], qemu=True), board.bus)
        cores.append(core)
        board.bus.ram[ENTRY : ENTRY + len(image)] = image
        host = replace(backed(E500V2_HOST, setting.backing), busy=True)
        printing = replace(quirks or Quirks(), failure_log_unlimited=True)  # which took that host its time
        self.vm = Vm(memory, False, host, printing)
        self.v = v = Vcpu(self.vm, core, SharedPage(board.bus.ram[memory : memory + 4096]), memory)
        board.bus.written_outside.append((memory, 4096))
        self.initial = initial_registers(v)
        _share_tlb(v, setting)
        self.shared_registers = initial_registers(v)
        v.gpr[1] = STACK
        ioctl.set_regs(v, ENTRY, 0)
        queue = InputQueue(lambda: core.retired)
        self.userspace = PortUserspace(self._mark, self._later, setting.ports)
        self.system = KvmSystem(v, engine_factory(engine, KVM_CODE)(core), board, queue, self.userspace)
        self._board = board
        self._wait, v.wait_for_event = v.wait_for_event, self._halted
        core.timers.set_time_base(BEGUN)
        board.at(ALARM, self._alarm)
        v.trace = self._event

    def go(self, limits: Limits | None = None) -> Stop:
        """Run to the end, and note the registers there as that userspace does."""
        stop = self.system.run(limits or Limits(2 * ALARM))
        self._mark(state(self.v, "final"))
        return stop

    # --- what happens -----------------------------------------------------------------------------------------------
    def _later(self, irq: int, microseconds: int) -> None:
        now = self.v.core.now
        self._board.at(now + microseconds * TICKS_A_US, lambda: self._interrupt(irq), now + JIFFY)

    def _halted(self) -> bool:
        """Time passes with the vcpu halted, and other threads run."""
        self._board.idle = self.v.devices_touched = True
        try:
            return self._wait()
        finally:
            self._board.idle, self.v.devices_touched = False, True

    def _interrupt(self, irq: int) -> None:
        level = irq == codes.KVM_INTERRUPT_SET_LEVEL
        self._mark(f"USER thread KVM_INTERRUPT {'SET_LEVEL' if level else 'SET'}")
        queueing.interrupt(self.v, irq)
        self.system.kick()

    def _alarm(self) -> None:
        self.v.signal = True
        self.system.kick()

    def _mark(self, text: str) -> None:
        self.events.append(Event(f"user: {text}", self.v.pc))

    def _event(self, name: str, args: tuple[int, ...]) -> None:
        event = normal(self.v, name, args, self._page)
        if event is not None:
            self.events.append(event)
            if len(self.events) > self.most:
                self._alarm()

    def _page(self, frame: int) -> Page:
        return f"gpa:{frame << 12:x}" if frame << 12 < self.setting.memory else "shared"

    # --- what the guest left ----------------------------------------------------------------------------------------
    def word(self, address: int) -> int:
        """A word of the guest's memory."""
        return int.from_bytes(self.v.core.bus.ram[address : address + 4], "big")


def initial_registers(v: Vcpu) -> dict[str, int]:
    """Of a new vcpu what KVM_GET_REGS and KVM_GET_SREGS show, by the names that userspace prints them with."""
    named = {"pvr": "pvr", "svr": "svr", "mmucfg": "mmucfg", "ivpr": "ivpr"}
    found = {name: int(getattr(v, attribute)) for name, attribute in named.items()}
    found |= {f"tlb{n}cfg": v.tlbcfg[n] for n in (0, 1)}
    found |= {f"ivor{n}": v.guest_spr(f"IVOR{n}") for n in (0, 1, 15, 32)}
    return found | {"pc": v.pc, "msr": v.guest_msr, "r1": v.gpr[1]}


def _share_tlb(v: Vcpu, setting: Setting) -> None:
    """KVM_CAP_SW_TLB with the two entries that the guest starts with, unless KVM's own TLB is wanted."""
    if setting.tlb == "legacy":
        return
    plain = setting.tlb == "sw"
    tlb = v.configure_tlb(Geometry(512, 4, 16) if plain else Geometry(256, 2, 16))
    rights = ALL if plain else SUPERVISOR
    tlb.put(1, 0, VALID | (TSIZE_16M if plain else TSIZE_256M) << 7, 0, rights)
    tlb.put(1, 1, VALID | TSIZE_4K << 7, setting.ports | IO, setting.ports | rights)
    tlb.recalculate_range()
