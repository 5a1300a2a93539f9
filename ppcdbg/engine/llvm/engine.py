"""The llvm engine: compiled code runs the guest, Python does what compiled code came back for.

Same stops and same state as the reference engine, to the bit; it refuses to know timers, boards or hypervisors as that
one does. Read next: :mod:`.flow` (what ``enter`` does), :mod:`.slowpath`.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ppcdbg.cpu import msr as M
from ppcdbg.cpu.bus import BusFault
from ppcdbg.cpu.core import Core
from ppcdbg.cpu.debug import EVENTS
from ppcdbg.cpu.interrupts import VECTORS, GuestInterrupt
from ppcdbg.cpu.observe import Observer
from ppcdbg.cpu.state import RETIRED
from ppcdbg.engine.api import EngineStop, Pattern, Stops, TenantCode, Why
from ppcdbg.engine.llvm import layout as L
from ppcdbg.engine.llvm.build import tier0
from ppcdbg.engine.llvm.layout import Left
from ppcdbg.engine.llvm.memory import EngineMemory
from ppcdbg.engine.llvm.policy import DEFAULT, Policy, Seen
from ppcdbg.engine.llvm.slowpath import SlowPath
from ppcdbg.errors import EngineError
from ppcdbg.isa import slots
from ppcdbg.isa.sprs import SLOT

if TYPE_CHECKING:
    from ppcdbg.engine.llvm.tier1 import Tier1

DBCR0 = SLOT["DBCR0"]
AT_LIMIT = EngineStop(Why.LIMIT)
NOTHING_SERVED: Sequence[int] = (0,)
AT_TENANT = EngineStop(Why.TENANT)
_EXIT, _TENANT = int(Left.EXIT), int(Left.TENANT)
_READ, _WRITE = int(Left.READ), int(Left.WRITE)
_EXITS = {vector: EngineStop(Why.EXIT, vector) for vector in VECTORS}
_VECTOR, _LOG_COUNT = L.VECTOR >> 3, L.LOG_COUNT >> 3
_ADDRESS, _SIZE, _VALUE, _PENDING = L.ADDRESS >> 3, L.SIZE >> 3, L.VALUE >> 3, L.PENDING >> 3
_ENTER = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_uint64, ctypes.c_uint64)
_PAGE = ctypes.CFUNCTYPE(None, ctypes.c_uint64, ctypes.c_uint32)
_REAL = ctypes.CFUNCTYPE(None, ctypes.c_uint64, ctypes.c_uint64)
_RANGE = ctypes.CFUNCTYPE(None, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_uint64)
_OP_PAGE = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_uint64, ctypes.c_uint64)


class LlvmEngine:
    """Runs one core by compiled code. Implements ``engine.api.Engine``."""

    name = "llvm"
    slice = 4_000_000

    def __init__(self, core: Core, policy: Policy | None = DEFAULT, tenant: TenantCode | None = None) -> None:
        """``policy`` says when hot code is compiled as regions; None never. ``tenant``: code that comes with it."""
        self.core = core
        self._reg = core.state.reg
        self._counters = core.state.counters
        self._tenant_code = tenant
        self._tier0 = tier0(core.model.name, tenant)
        self._symbols = symbols = self._tier0.symbols
        self._enter, self._resume = _ENTER(symbols["enter"]), _ENTER(symbols["resume"])
        self._invalidate, self._forget = _PAGE(symbols["invalidate"]), _REAL(symbols["forget"])
        self._native_written, self._op_page = _RANGE(symbols["written"]), _OP_PAGE(symbols["op_page"])
        self._memory = EngineMemory(core)
        self._block = self._memory.block.address
        self._vars = self._memory.block.words
        self._slow = SlowPath(core, self._memory, self._written)
        self._policy = policy
        self.tier1: Tier1 | None = None
        self._seen: Seen = {}
        self._look_at = core.retired + policy.period if policy is not None else 1 << 62
        self._tenant, self._observer, self._logging = False, core.observer, False
        self._bus, self._served = core.bus, NOTHING_SERVED
        self._meet()
        self._breakpoints: frozenset[int] = frozenset()
        self._plain: Stops | None = None
        """The stops of the last run, where they ask for nothing: a step like the one before need not look at them."""
        self._broken_ops: dict[int, tuple[int, bytes]] = {}
        """Ops that come back instead of running: the handler of each, and the word that it was decoded from."""
        self._special = False
        self._classes: tuple[Pattern, ...] = ()
        self._searched: set[int] = set()
        """Real pages of code in which every instruction of ``_classes`` is known."""
        self.left = [0] * len(Left)
        """How often compiled code came back, by reason."""
        core.tlb.changed = self._translation_changed
        core.on_context = lambda: None

    def serve(self, words: int) -> bool:
        """See ``engine.api.TenantHost``."""
        self._memory.set(L.TENANT_BLOCK, words)
        return self._tenant_code is not None

    # --- told from outside ---------------------------------------------------------------------------------------
    def code_changed(self, address: int, length: int) -> None:
        for page in range(address & ~0xFFF, address + length, 0x1000):
            self._memory.note_written(page)
            if self._memory.op_page(page):
                if self.tier1 is not None:
                    self.tier1.written(page)
                self._forget(self._block, page)
                if page in self._searched:
                    self._search(self._memory.op_page(page), page, range(0, 0x1000, 4))

    def translations_changed(self) -> None:
        self.core.tlb.reloaded()
        if self._policy is not None and not self._classes:  # the position may have been set back
            self._look_at = min(self._look_at, self._counters[RETIRED] + self._policy.longest)

    def restored(self, translations: bool = True) -> None:
        if translations:
            self.translations_changed()
        self._slow.hits.clear()

    def rest(self) -> None:
        if self.tier1 is not None:
            self.tier1.finish()

    def written(self) -> list[int]:
        return self._memory.written()

    def take_written(self) -> list[int]:
        return self._memory.take_written()

    def _translation_changed(self, page: int | None) -> None:
        if page is None:
            self._memory.set(L.FLUSH, 1)
        else:
            self._invalidate(self._block, page << 12)

    def _written(self, real: int, size: int) -> None:
        self._memory.note_written(real)
        if self.tier1 is not None and self.tier1.installed:
            self.tier1.written(real)
        self._native_written(self._block, real, size)
        if real & ~0xFFF in self._searched:
            start, end = real & 0xFFC, min((real & 0xFFF) + size, 0x1000)
            self._search(self._memory.op_page(real & ~0xFFF), real & ~0xFFF, range(start, end, 4))

    # --- running -------------------------------------------------------------------------------------------------
    def run(self, limit: int, stops: Stops) -> EngineStop:
        core = self.core
        core.machine_attention = False
        if core.tenant is not self._tenant or core.observer is not self._observer or core.bus is not self._bus:
            self._meet()
        if stops is not self._plain or self._reg[DBCR0]:
            if stops.breakpoints != self._breakpoints:
                self._set_breakpoints(stops.breakpoints)
            if (self._special or stops.watches or stops.instructions) and (told := self._watch(stops)) is not None:
                return told
            self._plain = None if self._special or self._breakpoints else stops
            if self._must_watch(first=True):
                return self._run(limit, None)
        why = self._go(limit)
        if why == _EXIT:  # first, because a guest under KVM leaves a hundred thousand times in a boot
            self.left[_EXIT] += 1
            return _EXITS[self._vars[_VECTOR]]
        if why == _TENANT:
            self.left[_TENANT] += 1
            return AT_TENANT
        return AT_LIMIT if why == 0 else self._run(limit, why)

    def _watch(self, stops: Stops) -> EngineStop | None:
        """Take over watches and classes; the stop for a store that an interrupt of its instruction followed."""
        slow = self._slow
        before, deaf = (slow.watched_ea, slow.watched_real), slow.deaf
        slow.take_over(stops)
        self._special = bool(stops.watches or stops.instructions)
        if anew := (slow.watched_ea, slow.watched_real) != before:
            self._memory.watch(slow.watched_ea, slow.watched_real)
        if self._memory.watched is not None and (anew or slow.deaf is not deaf):
            self._memory.watched.deafen(slow.deaf)
        if stops.instructions != self._classes:
            self._classes = stops.instructions
            self._set_breakpoints(self._breakpoints)
            resting = self._policy is None or bool(self._classes)
            self._look_at = 1 << 62 if resting else self._counters[RETIRED] + (self._policy or DEFAULT).period
        return slow.take_hits()

    def _meet(self) -> None:
        """Somebody else stands behind hypervisor state, listens, or has the devices."""
        core, memory = self.core, self._memory
        self._tenant, self._observer = core.tenant, core.observer
        memory.set(L.TENANT, int(core.tenant))
        silent = type(core.observer).interrupt_taken is Observer.interrupt_taken
        counts = core.observer.counts
        self._logging = core.observer.deferrable and not silent and counts is None
        how = 1 if silent else L.LOGGED if self._logging else 0
        memory.set(L.NATIVE_INTERRUPTS, how if counts is None else L.COUNTED)
        memory.set(L.COUNTS, 0 if counts is None else counts.buffer_info()[0])
        self._bus, shortcuts = core.bus, core.bus.shortcuts
        self._served = NOTHING_SERVED if shortcuts is None else shortcuts.words
        memory.serve(shortcuts)

    def _go(self, limit: int) -> int:
        """Run compiled code up to the limit, and tell who listens what it did."""
        why: int = self._enter(self._block, limit) if limit <= self._look_at else self._run_compiled(limit)
        if self._logging and self._vars[_LOG_COUNT]:
            self._tell()
        if self._served[0]:
            self._bus.settle()
        return why

    def _tell(self) -> None:
        self._observer.interrupts_taken(self._memory.take_log())

    def _look(self, pc: int) -> None:
        """Let tier 1 see where the guest is. It is made when a page is hot: that takes 10 ms, and a boot may not need
        it."""
        tier1 = self.tier1
        if tier1 is None:
            policy = self._policy
            assert policy is not None
            if policy.cold(self._seen, pc):
                self._look_at += policy.period
                return
            from ppcdbg.engine.llvm.tier1 import Tier1

            tier1 = self.tier1 = Tier1(self.core, self._memory, self._symbols, policy, self._seen)
            tier1.avoid(None if self._classes else self._breakpoints)
        tier1.look(pc)
        self._look_at += tier1.period

    def _run_compiled(self, limit: int) -> int:
        """Run compiled code, looking where it is from time to time."""
        while True:
            if limit <= self._look_at:
                return int(self._enter(self._block, limit))
            why = int(self._enter(self._block, self._look_at))
            if self._counters[RETIRED] < self._look_at:
                return why
            self._look(self._reg[slots.PC])
            if why:
                return why

    def _must_watch(self, *, first: bool) -> bool:
        """Whether the next instruction must run in Python: for debug events, for timers that are frozen, or to pass a
        breakpoint."""
        dbcr0 = self._reg[DBCR0]
        if dbcr0 & M.DBCR0_IDM and dbcr0 & EVENTS or dbcr0 & M.DBCR0_FT and self.core.timers.frozen:
            return True
        return first and bool(self._breakpoints) and self._reg[slots.PC] in self._breakpoints

    def _run(self, limit: int, why: int | None) -> EngineStop:
        """Go on until there is a reason to stop; ``why`` is what compiled code came back for, None at the start."""
        core = self.core
        first = why is None
        while True:
            stop: EngineStop | int | None = None
            if why is None:
                stop = self._watched(limit, first) if self._must_watch(first=first) else None
            elif why in (_READ, _WRITE):
                stop = self._device(limit, write=why == _WRITE)
            elif why == Left.ATTENTION:
                stop = self._attend(limit)
            else:
                stop = self._after(Left(why))
            if isinstance(stop, int):
                why = stop
                continue
            if stop is not None:
                return stop
            if self._slow.hits and (told := self._slow.take_hits()) is not None:
                return told
            if core.machine_attention:
                return EngineStop(Why.ATTENTION)
            first = False
            why = None if self._must_watch(first=False) else self._go(limit)
            if why == 0:
                return AT_LIMIT

    def _before(self, limit: int) -> EngineStop | bool:
        """What comes before the next instruction: a stop, or whether an interrupt was taken."""
        core = self.core
        if self._counters[RETIRED] >= limit:
            return AT_LIMIT
        core.attention = False
        vector = core.deliverable()
        if vector is not None:
            return self._slow.take_asynchronous(vector) or True
        if self._reg[slots.WAITING] or self._reg[slots.MSR] & M.MSR_WE:
            return EngineStop(Why.WAIT)
        return False

    def _watched(self, limit: int, first: bool) -> EngineStop | None:
        looked = self._before(limit)
        if isinstance(looked, EngineStop) or looked:
            return looked if isinstance(looked, EngineStop) else None
        if not self._must_watch(first=False):
            limit = self._counters[RETIRED] + 1
        return self._slow.watched(limit, self._breakpoints, first)

    # --- what compiled code came back for ------------------------------------------------------------------------
    def _after(self, why: Left) -> EngineStop | None:
        self.left[why] += 1
        match why:
            case Left.INTERPRET:
                return self._interpret()
            case Left.FETCH:
                return self._fetch()
            case Left.BREAKPOINT:
                if self._reg[slots.PC] in self._breakpoints:
                    return EngineStop(Why.BREAKPOINT)
                return EngineStop(Why.INSTRUCTION) if self._classes and self._held_up() else self._interpret()
            case Left.LIMIT:
                return AT_LIMIT
            case Left.TENANT:
                return AT_TENANT
            case Left.EXIT | Left.STUCK:
                vector = self._memory.get(L.VECTOR)
                return EngineStop(Why.EXIT if why is Left.EXIT else Why.STUCK, vector)
            case _:
                self._mend(why)
                return None

    def _mend(self, why: Left) -> None:
        """Give compiled code what it lacked."""
        match why:
            case Left.CONTEXT:
                self._memory.select()
            case Left.FLUSH:
                self._memory.forget_translations()
            case Left.FULL:
                self._memory.forget_code()
                if self.tier1 is not None:
                    self.tier1.drop()
                self._memory.forget_translations()
                self._broken_ops.clear()
                self._searched.clear()
            case _:
                raise EngineError(f"compiled code came back for {why.name} at {self._reg[slots.PC]:#010x}")

    def _attend(self, limit: int) -> EngineStop | int | None:
        """An interrupt may be pending. Where none is deliverable after all, go on without asking again."""
        self.left[Left.ATTENTION] += 1
        looked = self._before(limit)
        if isinstance(looked, EngineStop):
            return looked
        return None if looked else self._go_on(limit)

    def _go_on(self, limit: int) -> int | None:
        """Run on without a look at pending interrupts; None at the limit, or where tier 1 wants to look."""
        why = int(self._resume(self._block, min(limit, self._look_at)))
        if self._logging and self._vars[_LOG_COUNT]:
            self._tell()
        if self._served[0]:
            self._bus.settle()
        return why or None

    def _interpret(self) -> EngineStop | None:
        op = self._memory.get(L.OP)
        return self._slow.perform(self._reg[slots.PC], self._memory.real_of(op))

    def _device(self, limit: int, *, write: bool) -> int | None:
        """Do the access whose address compiled code found, and let it go on, as long as it comes back for another.

        What else it came back for, or None where interrupts or the machine must be looked at before it goes on.
        """
        core, words, reg = self.core, self._vars, self._reg
        while True:
            self.left[_WRITE if write else _READ] += 1
            lines = reg[slots.LINES]
            try:
                if write:
                    core.bus.write(words[_ADDRESS], words[_SIZE], words[_VALUE])
                else:
                    words[_VALUE] = core.bus.read(words[_ADDRESS], words[_SIZE])
            except BusFault:
                return int(Left.INTERPRET)
            words[_PENDING] = 2 if write else 1
            if core.machine_attention or reg[slots.LINES] != lines or words[L.FLUSH >> 3]:
                break
            why = self._go_on(limit)
            if why != _READ and why != _WRITE:
                return why
            write = why == _WRITE
        target = self._counters[RETIRED] + 1
        while (left := Left(self._resume(self._block, target))) is not Left.LIMIT:
            self._mend(left)
        return None

    def _fetch(self) -> EngineStop | None:
        """Take the fetch's interrupt; with breakpoints set, also make the page runnable and put them in."""
        slow, pc = self._slow, self._reg[slots.PC]
        slow.cia = slow.nia = pc
        try:
            real = slow.code_page(pc)
        except GuestInterrupt as interrupt:
            return slow.synchronous(interrupt)
        page = self._op_page(self._block, real)
        if not page:
            self._mend(Left.FULL)
            return None
        self._memory.map_page(self._memory.select(), pc, page)
        for address in self._breakpoints:
            if address >> 12 == pc >> 12:
                op = page + (address & 0xFFC) * (L.OP_SIZE // 4)
                self._break(op)
        if self._classes and real not in self._searched:
            self._searched.add(real)
            self._memory.set_page_flags(page, L.SEARCHED)
            self._search(page, real, range(0, 0x1000, 4))
        return None

    # --- breakpoints ---------------------------------------------------------------------------------------------
    def _break(self, op: int) -> None:
        handler = self._memory.handler(op) if self.tier1 is None else self.tier1.below(op)
        self._broken_ops.setdefault(op, (handler, self._word(op)))
        self._memory.set_handler(op, self._symbols["leave_breakpoint"])

    def _word(self, op: int) -> bytes:
        real = self._memory.real_of(op)
        return bytes(self.core.bus.ram[real : real + 4])

    def _search(self, page: int, real: int, offsets: range) -> None:
        """Let the instructions of a class in a page of code come back instead of running."""
        ram, held_up = self.core.bus.ram, self._slow.held_up
        for offset in offsets:
            if held_up(int.from_bytes(ram[real + offset : real + offset + 4], "big")):
                self._break(page + offset * (L.OP_SIZE // 4))

    def _held_up(self) -> bool:
        """Whether the instruction that compiled code came back at is of a class, and may not pass."""
        slow, real = self._slow, self._memory.real_of(self._memory.get(L.OP))
        slow.cia = self._reg[slots.PC]
        word = int.from_bytes(self.core.bus.ram[real : real + 4], "big")
        return slow.held_up(word) and not slow.passes()

    def _set_breakpoints(self, breakpoints: frozenset[int]) -> None:
        """Each page that is entered from now on is looked at in ``_fetch``."""
        for op, (handler, word) in self._broken_ops.items():  # its page is still there: none is given up meanwhile
            self._memory.set_handler(op, handler if self._word(op) == word else self._symbols["undecoded"])
        self._broken_ops.clear()
        self._breakpoints = breakpoints
        for real in self._searched:
            self._memory.set_page_flags(self._memory.op_page(real), 0)
        self._searched.clear()
        if self.tier1 is not None:
            self.tier1.avoid(None if self._classes else breakpoints)
        self._memory.set(L.BREAKPOINTS, len(breakpoints) + len(self._classes))
        self._memory.set(L.FLUSH, 1)
