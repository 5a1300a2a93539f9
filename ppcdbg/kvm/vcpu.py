"""One virtual CPU: everything that KVM keeps about it. The rooms that act on it take it as their argument.

In PR mode (e500v2) the guest's supervisor registers are fields of the shared page; in HV mode (e500mc) most are the
core's guest registers. GPRs, CR, LR, CTR, XER stay in the core. Reading order: this file, booke, exits, emulate,
shadow_tlb, run.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from ppcdbg.cpu.bus import Bus
from ppcdbg.cpu.core import Core
from ppcdbg.cpu.timers import TIMEBASE_HZ
from ppcdbg.isa import slots
from ppcdbg.isa.sprs import SLOT
from ppcdbg.kvm import booke, codes, irqprio, spr_exits, words
from ppcdbg.kvm import magic_page as mp
from ppcdbg.kvm.debug_points import GuestDebugger
from ppcdbg.kvm.debug_registers import DebugRegisters
from ppcdbg.kvm.deferral import Counts, policy
from ppcdbg.kvm.e500_mmu import LEGACY, TSIZE_256M, Geometry, GuestTlb
from ppcdbg.kvm.fetch import READS, InstructionFetch
from ppcdbg.kvm.host_tlb import HostTlb
from ppcdbg.kvm.log import ExitLog
from ppcdbg.kvm.magic_page import SharedPage
from ppcdbg.kvm.mas import HardwareMas, Mas, PageMas
from ppcdbg.kvm.payloads import IntrExit, UserspaceExit
from ppcdbg.kvm.printk import HostLog
from ppcdbg.kvm.rewriting import PAGE_EA, Rewriter
from ppcdbg.kvm.shadow_ids import ShadowIds
from ppcdbg.kvm.shadow_tlb import ShadowTlb
from ppcdbg.kvm.timing import STAT, STATS, Timing
from ppcdbg.kvm.trace import Listener
from ppcdbg.kvm.userspace import KvmRun
from ppcdbg.kvm.vm import Vm
from ppcdbg.kvm.words import address, table

if TYPE_CHECKING:
    from ppcdbg.kvm.emulate import Decoded
    from ppcdbg.kvm.emulate_loadstore import Access

TLB1_SLOT0 = 512
EXITS = 64
_EMULATED = STAT["emulated_inst_exits"]
SHADOW_MSR = 0x0002D032  # MSR_USER | IS | DS, less what the core does not implement
LEGACY_UART = 0xE0004000
IDLE_PATIENCE = 10_000
"""Events in a row that wake no halted vcpu (say, of a masked device timer), after which it counts as idle for ever."""
_GUEST_HARDWARE = {"srr0": "GSRR0", "srr1": "GSRR1", "dear": "GDEAR", "esr": "GESR", "epr": "GEPR", "pir": "GPIR",
                   "sprg0": "GSPRG0", "sprg1": "GSPRG1", "sprg2": "GSPRG2", "sprg3": "GSPRG3"}  # fmt: skip
_PAGE = {"srr0": mp.SRR0, "srr1": mp.SRR1, "dear": mp.DAR, "sprg0": mp.SPRG0, "sprg1": mp.SPRG1, "sprg2": mp.SPRG2,
         "sprg3": mp.SPRG3, "sprg4": mp.SPRG4, "sprg5": mp.SPRG5, "sprg6": mp.SPRG6, "sprg7": mp.SPRG7}  # fmt: skip
_PAGE_WORDS = {"esr": mp.ESR, "pir": mp.PIR}
_OWN = ("csrr0", "csrr1", "dsrr0", "dsrr1", "mcsrr0", "mcsrr1", "mcsr", "ivpr", "decar", "tcr", "tsr", "l1csr0",
        "l1csr1", "hid0", "hid1", "pwrmgtcr0", "epr", "svr", "pvr", "dbsr")  # fmt: skip


def words_of(vm: Vm, core: Core, shared: SharedPage) -> array[int]:
    """The words of a new vcpu, with what never changes filled in."""
    made, costs = table(words.COUNT), vm.host.costs
    made[words.PAGE], made[words.MEMORY_SIZE] = shared.host_address, vm.memory_size
    made[words.LPID], made[words.WIMG], made[words.MSR_MASK] = vm.host.lpid, vm.host.wimg, core.model.msr_mask
    made[words.SWITCH_COST], made[words.EMULATE_COST] = costs.world_switch, costs.emulate
    made[words.FETCH] = READS[vm.instruction_fetch]
    made[words.MAP_COST], made[words.USERSPACE_COST] = costs.map, costs.userspace
    return made


class Vcpu:
    """State of one vcpu. Plain attributes carry the kernel's names; numbers are unsigned 32-bit unless said."""

    def __init__(self, vm: Vm, core: Core, shared: SharedPage, shared_real: int, number: int = 0) -> None:
        self.vm, self.core, self.hv, self.quirks, self.number = vm, core, vm.hv, vm.quirks, number
        vm.vcpus.append(self)
        self.reg, self.gpr = core.state.reg, core.state.gpr
        self.shared = shared
        self.shared_real = shared_real
        self.words = words_of(vm, core, shared)
        self.mas: Mas = HardwareMas(core.state) if vm.hv else PageMas(shared)
        self.run = KvmRun()
        self.prios = irqprio.irqprios(vm.hv)
        # --- at an exit
        self.pc = 0
        self.last_inst = 0
        self.fault_dear = 0
        self.fault_esr = 0
        self.fetch_fault = 0
        """HV: the interrupt that the host's read of the instruction met, by its number; 0 for none"""
        # --- interrupts
        self.pending = 0
        self.requests = 0
        self.queued_dear = 0
        self.queued_esr = 0
        self.queued_by: dict[int, tuple[int, int]] = {}
        """priority -> (exit number, tick) at which it was last queued"""
        self.ivpr = 0x55550000
        self.ivor = [0x7700 | i * 4 for i in range(irqprio.MAX)]
        self.epr_flags = 0
        self.epr_needed = False
        self.mpic_acknowledge: Callable[[], int | None] = lambda: None
        self._clear_registers()
        self._clear_accounting()
        # --- paravirtual
        self.magic_page_pa = 0
        self.magic_page_ea = 0
        self.deferral = policy(vm.deferral, self)
        self.rewriter = Rewriter(self) if vm.rewrites else None
        if self.rewriter is not None:
            self.magic_page_pa = self.magic_page_ea = PAGE_EA
        self.kick: Callable[[], None] = lambda: None
        """kvm_vcpu_kick, by the one who runs it."""
        self.code_changed: Callable[[int, int], None] = lambda real, length: None
        """Tells the engine that KVM has written into the guest's memory."""
        # --- MMIO in flight
        self.mmio_needed = False
        self.mmio_access: tuple[Access, int, bool] | None = None
        """The access, the effective address for its update, and whether it advanced before the device answered."""
        self.accesses: dict[int, Access] = {}
        self.spr_needed = self.dcr_needed = self.hcall_needed = False
        self.taken_sprs = spr_exits.taken(vm)
        """SPRs of userspace's that this KVM emulates, with what they hold"""
        self.kernel_bus: Bus = core.bus
        self.device_at: Callable[[int], str] = lambda gpa: ""
        self.devices_touched = True
        """an access or an event may have changed when a device next acts; whoever asks the devices clears it"""
        self._clear_thread()
        self._create()

    def _clear_thread(self) -> None:
        """What the thread waits for that KVM_RUN is called by, and what waits for it."""
        self.wait_for_event: Callable[[], bool] = lambda: False
        """Let time pass until something may have made the vcpu runnable; false when nothing ever will."""
        self.stalled: str | None = None
        self.signal = False
        """one waits for the process that KVM_RUN is called by: the next entry returns to userspace with -EINTR"""
        self.resched = 0
        """need_resched: ticks that another task gets before the next entry; 0: nobody wants the processor"""
        self.give_away: Callable[[int], None] = lambda ticks: None
        """Let time pass while another task has the processor."""
        self.papr_enabled = False

    def _clear_registers(self) -> None:
        """Registers that are nowhere else, and the timers (ticks of the machine's clock; None: not running)."""
        self.pid, self.pid1, self.pid2 = 0, 0, 0
        self.csrr0 = self.csrr1 = self.dsrr0 = self.dsrr1 = self.mcsrr0 = self.mcsrr1 = self.mcsr = 0
        self.l1csr0 = self.l1csr1 = self.hid0 = self.hid1 = self.pwrmgtcr0 = self.epr = self.epcr = 0
        self.pvr, self.svr = self.vm.host.pvr, self.vm.host.svr
        self.debug = DebugRegisters()
        self.host_debug = self.thread_debug = DebugRegisters()
        """the host debugs nothing; neither set is changed in place"""
        self.guest_debug = 0
        self.debugger = GuestDebugger()
        self.dbsr = 0
        self.shadow_msr = SHADOW_MSR & self.core.model.msr_mask
        self.sprg_loaded: tuple[int, ...] = ()
        """SPRG4..7 of the shared page as the hardware's were last loaded from it"""
        self.tcr = self.tsr = self.dec = self.decar = 0
        self.dec_start = 0
        self.dec_deadline: int | None = None
        self.watchdog_deadline: int | None = None
        self.fit_deadline: int | None = None
        self.timer_deadline: int | None = None
        """the first of the three"""
        self.watchdog_enabled = False

    def _clear_accounting(self) -> None:
        """What is counted, and what is noted of the exit at hand."""
        self.exit_type = codes.NO_EXIT_TYPE
        self.stats = table(len(STATS))
        """The counts of ``stat``, in the order of STATS."""
        self.timing = Timing()
        self.deferral_counts = Counts()
        self.counts = table(EXITS)
        """By exit number: how often."""
        self.known = table(words.KNOWN_ENTRIES * words.KNOWN_WORDS)
        """Instructions that compiled code may emulate, and how often it did."""
        self.rows = table(words.ROOM * words.ROW.size // 8)
        """Exits that compiled code handled and nobody has read yet."""
        self._emulated: dict[int, int] = {}
        self.queue_counts = [0] * irqprio.MAX
        self.delivered_counts = [0] * irqprio.MAX
        self.hypercalls: dict[int, int] = {}
        self.mmio_counts: Counter[tuple[str, bool]] = Counter()
        each = self.hv and self.vm.instruction_fetch is not InstructionFetch.WALK
        self.exits = ExitLog(self.hv, lambda gpa: self.device_at(gpa), each)
        hz = self.vm.host.hz
        self.host_log = HostLog(TIMEBASE_HZ // hz, hz)
        self.trace: Listener | None = None
        self.cost = 0
        self.actions: list[tuple[object, ...]] = []
        self.queued: list[int] = []
        self.delivered: int | None = None
        self.decoded: dict[int, Decoded] = {}
        t, w = self.timing, self.words
        for place, held in (
            (words.STATS, self.stats), (words.EXIT_COUNTS, self.counts), (words.KNOWN, self.known),
            (words.LOG, self.rows), (words.TIME_COUNT, t.count), (words.TIME_MINIMUM, t.minimum),
            (words.TIME_MAXIMUM, t.maximum), (words.TIME_TOTAL, t.total), (words.TIME_SQUARES, t.squares),
        ):  # fmt: skip
            w[place] = address(held)

    def _create(self) -> None:
        """kvmppc_core_vcpu_create with KVM's default TLB geometry."""
        self.shared.set32(mp.PIR, self.number)
        self.shared.msr = 0x10000000 if self.hv else 0
        self.gpr[1] = 0x00FFFFF8
        self.tlbcfg = [0, 0]
        self.mmucfg = self.vm.host.mmucfg & ~0x0F000000
        self.host_tlb = HostTlb(self.vm.host, self.core.tlb, self.words, TLB1_SLOT0)
        self.ids = None if self.hv else ShadowIds(self._identity, self.host_tlb.flush)
        self.words[words.IDS] = 0 if self.ids is None else address(self.ids.table)
        self.set_geometry(LEGACY)
        if not self.hv:
            self._boot_entries()
            if not self.quirks.stale_legacy_tlb1_range:
                self.gtlb.recalculate_range()
        if self.ids is not None:
            self.ids.recalculate()

    def _boot_entries(self) -> None:
        """The two TLB1 entries that e500v2 KVM makes for a kernel without SW_TLB (facts 5.5)."""
        self.gtlb.put(1, 0, 0x80000000 | TSIZE_256M << 7, 0, 0x15)
        self.gtlb.put(1, 1, 0x80000100, LEGACY_UART | 0xA, LEGACY_UART | 0x15)

    def _identity(self) -> tuple[int, int, int]:
        msr = self.shared.msr
        space = 1 if msr & (0x30 if self.quirks.as_is_is_or_ds else 0x20) else 0
        return space, self.pid & 0xFF, msr >> 14 & 1

    def set_geometry(self, geometry: Geometry) -> None:
        """An empty guest TLB, and nothing that shadows it."""
        self.gtlb = GuestTlb(geometry, self.words)
        self.shadow = ShadowTlb(self, self.gtlb, self.host_tlb, self.ids)
        host = self.vm.host
        self.tlbcfg[0] = host.tlb0cfg & 0x00FFF000 | geometry.tlb0_ways << 24 | geometry.tlb0_entries
        self.tlbcfg[1] = host.tlb1cfg & 0x00FFF000 | geometry.tlb1_entries << 24 | geometry.tlb1_entries
        if geometry.tlb0_entries > 2048:
            self.tlbcfg[0] &= ~0xFFF

    def configure_tlb(self, geometry: Geometry) -> GuestTlb:
        """KVM_CAP_SW_TLB: an empty guest TLB of this geometry; call ``recalculate_range`` after filling it."""
        self.shadow.flush()
        self.set_geometry(geometry)
        return self.gtlb

    # --- the guest's view of its registers --------------------------------------------------------
    @property
    def guest_msr(self) -> int:
        """The guest's MSR; in HV mode the real one while the guest runs."""
        return self.shared.msr

    @property
    def guest_pid(self) -> int:
        return self.reg[SLOT["PID"]] if self.hv else self.pid

    def guest_spr(self, name: str) -> int:
        """A register by its architected name as the guest would read it, in either mode. KeyError for one that the
        guest cannot have."""
        n = name.lower()
        if n.startswith("mas"):
            return self._mas(n)
        if n == "pid":
            return self.guest_pid
        if n in ("pid1", "pid2") and not self.hv:  # the hardware's hold shadow ids
            return self.pid1 if n == "pid1" else self.pid2
        if n == "dec":
            return self.dec_left()
        if n.startswith("ivor"):
            return self.ivor[irqprio.IVOR_PRIO[int(n[4:])]]
        if n in ("dbcr0", "dbcr1", "dbcr2", "iac1", "iac2", "dac1", "dac2"):
            return getattr(self.debug, n)  # type: ignore[no-any-return]
        if self.hv and n in _GUEST_HARDWARE:
            return self.reg[SLOT[_GUEST_HARDWARE[n]]]
        if self.hv and n in ("sprg4", "sprg5", "sprg6", "sprg7"):
            return self.reg[SLOT[n.upper()]]
        if n in _PAGE:
            return self.shared.get64(_PAGE[n]) & 0xFFFFFFFF
        if n in _PAGE_WORDS:
            return self.shared.get32(_PAGE_WORDS[n])
        if n in _OWN:
            return getattr(self, n)  # type: ignore[no-any-return]
        return self.core.read_spr(name.upper())

    def _mas(self, name: str) -> int:
        if name == "mas3":
            return self.mas.mas7_3 & 0xFFFFFFFF
        if name == "mas7":
            return self.mas.mas7_3 >> 32
        if name in ("mas5", "mas8"):  # the hypervisor's own
            raise KeyError(name)
        return getattr(self.mas, name)  # type: ignore[no-any-return]

    def set_register(self, name: str, value: int) -> None:
        """Set a register of the guest's by name; KeyError for one that it cannot have or that cannot be set."""
        n, word = name.lower(), value & 0xFFFFFFFF
        if n == "pc":
            self.pc = self.core.state.pc = word & 0xFFFFFFFC
        elif n == "msr":
            booke.set_msr(self, word)
        elif self.core.state.write_named(n, value):
            return
        elif n in ("lr", "ctr", "xer"):
            self.core.write_spr(name.upper(), word)
        elif self.hv and n in _GUEST_HARDWARE:
            self.reg[SLOT[_GUEST_HARDWARE[n]]] = word
        elif n in _PAGE:
            self.shared.set64(_PAGE[n], word)
        elif n in _PAGE_WORDS:
            self.shared.set32(_PAGE_WORDS[n], word)
        elif n in _OWN:
            setattr(self, n, word)
        else:
            raise KeyError(name)

    def dec_left(self) -> int:
        """kvmppc_get_dec: what is left of DEC, 0 once it has run out."""
        elapsed = self.core.now - self.dec_start
        return self.dec - elapsed if elapsed <= self.dec else 0

    @property
    def withheld(self) -> int:
        """Priorities whose next delivery is not to be: a bitmap, in the core's state. Somebody asked from outside."""
        return self.reg[slots.WITHHELD]

    @withheld.setter
    def withheld(self, bits: int) -> None:
        self.reg[slots.WITHHELD] = bits

    # --- small acts that many rooms need ----------------------------------------------------------
    @property
    def sane(self) -> bool:
        """kvmppc_sanity_check: whether KVM_RUN may run it at all."""
        return not self.papr_enabled

    @property
    def runnable(self) -> bool:
        """kvm_arch_vcpu_runnable: anything pending, masked or not."""
        return bool(self.pending or self.requests)

    def asks(self) -> UserspaceExit:
        """What KVM_RUN has come back to userspace with."""
        return IntrExit() if self.run.immediate_exit else self.run.left()

    def account(self, exit_type: int, stat: str) -> None:
        """kvmppc_account_exit."""
        self.exit_type = exit_type
        self.stats[STAT[stat]] += 1

    # --- what was counted -------------------------------------------------------------------------
    @property
    def stat(self) -> dict[str, int]:
        """The vcpu statistics by the kernel's names."""
        return dict(zip(STATS, self.stats, strict=True))

    @property
    def exit_counts(self) -> dict[int, int]:
        """Exit number -> how often, for those that happened."""
        return {number: n for number, n in enumerate(self.counts) if n}

    @property
    def emulated(self) -> dict[int, int]:
        """Instruction word -> how often it was emulated."""
        total = dict(self._emulated)
        for i in range(0, len(self.known), words.KNOWN_WORDS):
            if self.known[i + 1]:
                word = self.known[i] & 0xFFFFFFFF
                total[word] = total.get(word, 0) + self.known[i + 1]
        return total

    def count_emulated(self, word: int) -> None:
        self.stats[_EMULATED] += 1
        self._emulated[word] = self._emulated.get(word, 0) + 1

    def emulated_were(self, counts: dict[int, int]) -> None:
        """The counts become those of a snapshot; what compiled code may emulate stays, for it is no state."""
        self._emulated = counts
        for i in range(1, len(self.known), words.KNOWN_WORDS):
            self.known[i] = 0

    def let_native(self, word: int, how: int) -> None:
        """Compiled code may emulate this instruction from now on; see ``emulate.Move``."""
        at = words.known_index(word) * words.KNOWN_WORDS
        if self.known[at]:
            at ^= words.KNOWN_WORDS
        old, times = self.known[at] & 0xFFFFFFFF, self.known[at + 1]
        if times:
            self._emulated[old] = self._emulated.get(old, 0) + times
        self.known[at], self.known[at + 1] = word | how << 32, 0

    def halt(self) -> None:
        """kvm_vcpu_halt: let idle time pass until the vcpu is runnable. ``stalled`` says why if it never will be."""
        start = self.core.now
        waited = not self.runnable
        events = 0
        while not (self.runnable or self.signal):
            events += 1
            if events > IDLE_PATIENCE or not self.wait_for_event():
                self.stalled = "idle"
                return
        if self.trace is not None:
            ns = (self.core.now - start) * 1_000_000_000 // TIMEBASE_HZ
            self.trace("kvm_vcpu_wakeup", (ns, int(waited), 1))
