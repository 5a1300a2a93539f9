"""One core as hardware: its parts, and what engines, boards and a hypervisor model may do to it.

The core does not fetch or execute (``engine``), knows no device (``cpu.bus`` is what it needs of one) and no KVM.
With ``tenant`` set, whoever set it stands behind the hypervisor-state vectors: an interrupt that goes there is taken
in full, and the engine then comes back instead of running at the vector.

Reading order: state, msr, tlb, mmu, interrupts, delivery, spr_access, timers, this file.
"""

from __future__ import annotations

from collections.abc import Callable

from ppcdbg.cpu import interrupts as I
from ppcdbg.cpu import msr as M
from ppcdbg.cpu.bus import Bus, InterruptSource
from ppcdbg.cpu.delivery import Delivery
from ppcdbg.cpu.doorbell import Doorbell
from ppcdbg.cpu.mmu import Access, Context, Mmu, Translation
from ppcdbg.cpu.models import CoreModel
from ppcdbg.cpu.observe import Observer
from ppcdbg.cpu.plain import Saved, numbers, octets, words
from ppcdbg.cpu.spr_access import SprAccess
from ppcdbg.cpu.state import RETIRED, SKIPPED, State
from ppcdbg.cpu.timers import Timers
from ppcdbg.cpu.tlb import Tlb, TlbEntry
from ppcdbg.isa import slots
from ppcdbg.isa.sprs import BY_NAME, SLOT, Spr, sprs_of

_CONTEXT_BITS = M.MSR_PR | M.MSR_IS | M.MSR_DS | M.MSR_GS


class Core:
    """An e500v2 or e500mc core on a bus."""

    def __init__(self, model: CoreModel, bus: Bus) -> None:
        self.model = model
        self.bus = bus
        self.state = State()
        self.tenant = False
        self.interrupt_source: InterruptSource | None = None
        self.observer = Observer()
        self.peers: tuple[Core, ...] = ()
        """The other cores of its coherence domain: they hear its messages and its tlbivax."""
        self.reset_cause: str | None = None
        self.attention = True
        """Set when interrupts, timers or the machine must be looked at before the next instruction."""
        self.machine_attention = True
        """Set when the machine must look: a timer was set, a device was touched, a reset was asked for. An engine
        comes back with ``Why.ATTENTION``, because its limit may be too far away now."""
        self.on_context: Callable[[], None] = lambda: None
        """Called when MSR context bits, a PID, LPID or EPCR changed: the engine selects its translations anew."""
        self.tlb = Tlb(self.state, model.tlb1_entries)
        self.mmu = Mmu(self)
        self.timers = Timers(self)
        self.doorbell = Doorbell(self)
        self.delivery = Delivery(self)
        self.sprs = SprAccess(self)
        self._reset_registers()

    def _reset_registers(self) -> None:
        reg = self.state.reg
        reg[SLOT["PVR"]] = self.model.pvr
        reg[SLOT["SVR"]] = self.model.svr
        for name, value in self.model.reset.items():
            reg[SLOT[name]] = value

    def copy_from(self, other: Core) -> None:
        """Become what another core of the same model is: registers, TLB, timers. Bus, tenant and observer stay."""
        self.state.copy_from(other.state)
        self.timers.edges = other.timers.edges
        self.reset_cause = other.reset_cause
        self.tlb.reloaded()
        self.on_context()

    def save(self) -> Saved:
        """See ``plain.Saves``: the state block, and the timers' edges, which are not in it."""
        return {"block": bytes(self.state.block), "edges": [*self.timers.edges], "reset": self.reset_cause}

    def restore(self, state: Saved) -> None:
        """See ``plain.Saves``; the engine must be told (``Engine.restored``)."""
        block = octets(state["block"])
        if len(block) != len(self.state.block):
            raise TypeError(f"a core's state has {len(block)} bytes, not {len(self.state.block)}")
        self.state.block[:] = block
        self.timers.edges = tuple(numbers(state["edges"]))
        self.reset_cause = None if state["reset"] is None else words(state["reset"])

    # --- time -------------------------------------------------------------------------------------
    @property
    def retired(self) -> int:
        """Retired instructions: the position."""
        return self.state.counters[RETIRED]

    @property
    def now(self) -> int:
        """The clock in time-base ticks: retired instructions plus skipped idle time."""
        return self.timers.now

    @property
    def time_base(self) -> int:
        return self.timers.time_base

    def retire(self, count: int = 1) -> None:
        """Instructions that were carried out outside the engine."""
        self.state.counters[RETIRED] += count

    def skip_to(self, tick: int) -> None:
        """Let idle time pass up to ``tick``."""
        ahead = tick - self.now
        if ahead > 0:
            self.state.counters[SKIPPED] += ahead

    def next_timer(self) -> int | None:
        return self.timers.next_event()

    # --- attention --------------------------------------------------------------------------------
    def noticed(self) -> None:
        """Something that can interrupt changed."""
        self.attention = True

    def call_machine(self) -> None:
        """Something that the run loop's horizon depends on changed."""
        self.attention = True
        self.machine_attention = True

    def context_changed(self) -> None:
        self.attention = True
        self.on_context()

    def request_reset(self, cause: str) -> None:
        """The core asks the board for a reset (watchdog, DBCR0[RST])."""
        self.reset_cause = cause
        self.call_machine()

    # --- registers --------------------------------------------------------------------------------
    @property
    def msr(self) -> int:
        return self.state.reg[slots.MSR]

    def set_msr(self, value: int) -> None:
        """Write MSR raw; whoever calls has kept the bits that must stay."""
        reg = self.state.reg
        changed = reg[slots.MSR] ^ value
        reg[slots.MSR] = value
        self.attention = True
        if changed & _CONTEXT_BITS:
            self.on_context()

    def read_spr(self, which: int | str) -> int:
        """Raw read by number or name, without privilege; KeyError if the core has no such register."""
        return self.sprs.read(self._spr(which))

    def write_spr(self, which: int | str, value: int) -> None:
        """Raw write by number or name, with what the write does."""
        self.sprs.write(self._spr(which), value)

    def _spr(self, which: int | str) -> Spr:
        if isinstance(which, str):
            return BY_NAME[which]
        return sprs_of(self.model.name)[which]

    # --- interrupts -------------------------------------------------------------------------------
    def set_external(self, level: bool) -> None:
        """The external input line."""
        self._line(1, level)

    def set_critical(self, level: bool) -> None:
        """The critical input line."""
        self._line(2, level)

    def _line(self, bit: int, level: bool) -> None:
        reg = self.state.reg
        reg[slots.LINES] = reg[slots.LINES] | bit if level else reg[slots.LINES] & ~bit
        self.attention = True

    def machine_check(self, mcsr: int, address: int = 0) -> None:
        """An asynchronous machine check becomes pending."""
        reg = self.state.reg
        reg[SLOT["MCSR"]] |= mcsr
        reg[SLOT["MCAR"]], reg[SLOT["MCARU"]] = address & 0xFFFFFFFF, address >> 32
        self._line(4, True)

    def take(self, vector: int, esr: int = 0, dear: int = 0, *, pc: int | None = None, vf: bool = False) -> bool:
        """Take an interrupt now; ``pc`` is what is saved. True when it went to the guest."""
        return self.delivery.take(vector, self.state.pc if pc is None else pc, esr, dear, vf)

    def deliverable(self) -> int | None:
        return self.delivery.deliverable()

    # --- questions --------------------------------------------------------------------------------
    def probe(self, ea: int, access: Access = Access.LOAD, context: Context | None = None) -> Translation | None:
        """Where an access would go, without any effect; None when it would take an interrupt."""
        context = context or self.mmu.context(fetch=access is Access.FETCH)
        try:
            return self.mmu.translate(ea, access, context)
        except I.GuestInterrupt:
            return None

    def entry(self, index: int) -> TlbEntry:
        return self.tlb.entry(index)
