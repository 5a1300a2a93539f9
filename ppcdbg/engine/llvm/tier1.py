"""Chooses what to compile, has it compiled in the background, puts it in place and takes it away again.

Choice is by looking where the guest is at fixed distances of retired instructions. When a region is ready depends on
the host; what the guest sees does not, because a region leaves the same state at the same count as tier 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from threading import Thread
from typing import TYPE_CHECKING

from ppcdbg.cpu.core import Core
from ppcdbg.cpu.mmu import Access
from ppcdbg.engine.llvm import layout as L
from ppcdbg.engine.llvm.discover import Discovery, Region
from ppcdbg.engine.llvm.jobs import Installed, Job, Surroundings
from ppcdbg.engine.llvm.layout import PAGE
from ppcdbg.engine.llvm.memory import EngineMemory
from ppcdbg.engine.llvm.policy import Policy, Seen
from ppcdbg.isa.bits import mask
from ppcdbg.isa.insn import Insn
from ppcdbg.isa.table import decoder

if TYPE_CHECKING:
    from ppcdbg.engine.llvm.jit import Jit, Linked

MOST_ROOTS, MOST_TARGETS = 16, 40
STRAY_SHARE = 200
"""A region is extended when more than one in so many instructions jumps out of it through CTR."""
MOST_IDLE = 64
"""Regions that wait for breakpoints to go."""
MOST_CLOSED = 500
"""Regions given up before the compiler, which keeps a little of each, is made anew; all others go with it."""
OFTEN_CHANGED = 3
"""Times that a page's regions may be dropped before the page is left to tier 0 for good."""


class Behind(Thread):
    """One compilation on a thread of its own, which ends with it."""

    def __init__(self, compile: Callable[[], Linked]) -> None:
        super().__init__(name="ppcdbg-region")
        self._compile = compile
        self._made: Linked | None = None
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._made = self._compile()
        except BaseException as error:
            self._error = error

    def made(self) -> Linked:
        """What it gave; raises what it raised."""
        if self._made is None:
            assert self._error is not None
            raise self._error
        return self._made


class Tier1:
    """The compiled regions of one engine."""

    def __init__(self, core: Core, memory: EngineMemory, helpers: dict[str, int], policy: Policy, seen: Seen) -> None:
        """``seen`` are looks that came before there was a page hot enough."""
        self._core, self._memory, self._helpers, self._policy = core, memory, helpers, policy
        self._discovery = Discovery(decoder(core.model.name), self._read, self._usable)
        self._waiting: tuple[Job, Behind] | None = None
        self._seen = seen
        self._covered: set[int] = set()
        self._pages: dict[int, int | None] = {}
        self._tier0: dict[int, int] = {}
        """Handlers that ops had before a region took them."""
        self._known: dict[tuple[str, int], bool] = {}
        self._changes: Counter[int] = Counter()
        self._epoch = 0
        self._numbers = 0
        self.period = policy.period
        self.installed: list[Installed] = []
        self.idle: list[Installed] = []
        """Those that breakpoints keep out of place, the latest last."""
        self._breakpoints: frozenset[int] | None = frozenset()
        self.compiled = self._closed = 0

    @cached_property
    def _jit(self) -> Jit:
        from ppcdbg.engine.llvm.jit import Jit

        return Jit()

    # --- code -------------------------------------------------------------------------------------------------------
    def _real(self, address: int) -> int | None:
        found = self._core.probe(address, Access.FETCH)
        if found is None or found.address + 4 > len(self._core.bus.ram):
            return None
        return found.address

    def _read(self, address: int) -> int | None:
        page = self._pages.get(address & PAGE, -1)
        if page == -1:
            page = self._pages[address & PAGE] = self._real(address & PAGE)
        if page is None:
            return None
        real = page + (address & 0xFFC)
        return int.from_bytes(self._core.bus.ram[real : real + 4], "big")

    def _usable(self, insn: Insn, word: int, address: int) -> bool:
        if self._breakpoints is None or address in self._breakpoints:
            return False
        static = sum(word & mask(f.first, f.last) for f in insn.form.fields if f.static)
        key = insn.name, static
        known = self._known.get(key)
        if known is None:
            from ppcdbg.engine.llvm.regions import usable

            known = self._known[key] = usable(self._core.model, insn, word)
        return known

    # --- choosing ---------------------------------------------------------------------------------------------------
    def look(self, pc: int) -> None:
        """The guest is at ``pc`` after another ``period`` instructions."""
        self._take_finished()
        if self._waiting is not None:
            return
        strays = self._memory.take_strays()
        if strays is not None and strays[0] > self.period // STRAY_SHARE and self._extend(strays[1]):
            return
        if pc in self._covered:
            self.period = min(self.period * 2, self._policy.longest)
            return
        self.period = self._policy.period
        page = self._seen.setdefault(pc & PAGE, Counter())
        page[pc] += 1
        if page.total() >= self._policy.hot:
            del self._seen[pc & PAGE]
            self._pages = {}
            roots = self._discovery.leaders(page).most_common(MOST_ROOTS)
            job = self._prepare([address for address, _ in roots])
            if job is not None:
                self._start(job)

    def _extend(self, jumps: list[tuple[int, int]]) -> bool:
        """Compile a region again with the targets that its jumps through CTR turned out to have."""
        for one in self.installed:
            region = one.job.region
            found = [t for jump, t in jumps if jump in one.job.addresses and t not in region.targets]
            if found and len(region.targets) < MOST_TARGETS:
                job = self._prepare([*region.targets, *dict.fromkeys(found)][:MOST_TARGETS])
                if job is not None:
                    self._start(replace(job, replaces=one.address))
                    return True
        return False

    def _prepare(self, roots: list[int]) -> Job | None:
        self._pages = {}
        region = self._discovery.region(roots)
        if region is None:
            return None
        memory = self._memory
        reals = {page: real for page in region.pages if (real := self._pages.get(page)) is not None}
        op_pages = {page: memory.op_page(real) for page, real in reals.items()}
        if len(op_pages) != len(region.pages) or not all(op_pages.values()):
            return None
        if any(self._changes[real] >= OFTEN_CHANGED for real in reals.values()):
            return None
        handlers = self._below(region, Surroundings(op_pages, {}, self._helpers))
        region = replace(region, entries=tuple(e for e in region.entries if e in handlers))
        if not region.entries:
            return None
        steps = [step for block in region.blocks.values() for step in block]
        words = tuple((reals[s.address & PAGE] + (s.address & 0xFFC), s.word) for s in steps)
        self._numbers += 1
        name = f"region{self._numbers}_{region.entries[0]:x}"
        around = Surroundings(op_pages, handlers, self._helpers)
        return Job(region, around, reals, words, name, self._epoch)

    def _below(self, region: Region, around: Surroundings) -> dict[int, int]:
        """The tier-0 handlers of a region's entries, as far as they are decoded."""
        handlers = {}
        for entry in region.entries:
            op = around.op(entry)
            handler = self.below(op)
            if handler not in (self._helpers["undecoded"], self._helpers["leave_breakpoint"]):
                handlers[entry] = handler
        return handlers

    def below(self, op: int) -> int:
        """The handler that an op has where no region has taken it."""
        return self._tier0.get(op) or self._memory.handler(op)

    # --- compiling --------------------------------------------------------------------------------------------------
    def _start(self, job: Job) -> None:
        if self._closed >= MOST_CLOSED:
            self._renew()
        if not self._policy.background:
            self._finished(job, self._compile(job))
        else:
            self._waiting = job, Behind(lambda: self._compile(job))

    def _renew(self) -> None:
        """Begin with another compiler; all that this one made goes first."""
        self._give_up(self.installed)
        self._close([one.code for one in self.idle])
        self.idle, self._closed = [], 0
        self._jit.close()
        del self._jit

    def _compile(self, job: Job) -> Linked:
        """The region as code; may run on another thread, and touches nothing of the machine."""
        from ppcdbg.engine.llvm.regions import RegionEmitter
        from ppcdbg.engine.llvm.text import PRELUDE

        text = PRELUDE + RegionEmitter(self._core.model, job.region, job.around).emit(job.name)
        code = self._jit.compile(text, self._policy.optimize, 2)
        return self._jit.link(code, (job.name,))

    def _take_finished(self) -> None:
        if self._waiting is not None and not self._waiting[1].is_alive():
            job, behind = self._waiting
            self._waiting = None
            self._finished(job, behind.made())

    def _finished(self, job: Job, code: Linked) -> None:
        self.compiled += 1
        if not self._install(job, code):
            self._close([code])

    def finish(self) -> None:
        """Wait for what is being compiled."""
        if self._waiting is not None:
            self._waiting[1].join()
            self._take_finished()

    # --- in and out of place ----------------------------------------------------------------------------------------
    def _install(self, job: Job, code: Linked) -> bool:
        """Overwrite the handlers of the entries, if everything is still as it was when the job was prepared, and no
        breakpoint stands in it; whether that is so."""
        if self._breakpoints is None or self._breakpoints & job.performed:
            return False
        ram, memory = self._core.bus.ram, self._memory
        if job.epoch != self._epoch or any(
            memory.op_page(job.real[p]) != ops for p, ops in job.around.op_pages.items()
        ):
            return False
        if any(int.from_bytes(ram[real : real + 4], "big") != word for real, word in job.words):
            return False
        slots = tuple((job.around.op(e), job.around.handlers[e]) for e in job.region.entries)
        stopped = self._helpers["leave_breakpoint"]  # at the same place by another address
        if any(memory.handler(op) == stopped or self.below(op) != handler for op, handler in slots):
            return False
        self._give_up([one for one in self.installed if one.address == job.replaces])
        made = Installed(job, code, slots)
        for op, handler in slots:
            self._tier0[op] = handler
            memory.set_handler(op, made.address)
        for page in job.around.op_pages.values():
            memory.set_page_flags(page, L.HAS_REGIONS)
        self.installed.append(made)
        self._covered.update(job.addresses)
        return True

    def _remove(self, gone: list[Installed]) -> None:
        self.installed = [one for one in self.installed if one not in gone]
        held = {op for one in self.installed for op, _ in one.slots}
        for one in gone:
            for op, handler in one.slots:
                if self._memory.handler(op) == one.address:
                    self._memory.set_handler(op, handler)
                if op not in held:
                    self._tier0.pop(op, None)
        self._forget_looks()
        kept = {page for one in self.installed for page in one.job.around.op_pages.values()}
        for one in gone:
            for page in one.job.around.op_pages.values():
                if page not in kept:
                    self._memory.set_page_flags(page, 0)

    def written(self, real: int) -> None:
        """A real page that may hold code of regions was written: they go."""
        page = real & ~0xFFF
        gone = [one for one in self.installed if page in one.job.real.values()]
        if gone:
            self._changes[page] += 1
            self._give_up(gone)

    def avoid(self, addresses: frozenset[int] | None) -> None:
        """Breakpoints stand at these effective addresses, or may stand anywhere: no region may run over them, and none
        is made that does."""
        self._breakpoints = addresses
        pages = {a & PAGE for a in addresses or ()}
        gone = [one for one in self.installed if addresses is None or pages & one.job.region.pages]
        self._remove(gone)
        again = [*self.idle, *gone]
        self.idle = [one for one in again if not self._install(one.job, one.code)]
        self._close([one.code for one in self.idle[:-MOST_IDLE]])
        del self.idle[:-MOST_IDLE]

    def drop(self) -> None:
        """All op pages are gone, and all regions with them."""
        self._close([one.code for one in (*self.installed, *self.idle)])
        self.installed, self.idle = [], []
        self._tier0.clear()
        self._forget_looks()
        self._epoch += 1

    def _give_up(self, gone: list[Installed]) -> None:
        self._remove(gone)
        self._close([one.code for one in gone])

    def _close(self, gone: list[Linked]) -> None:
        """Give memory back. Compiled code is not on the stack: it has come back whenever anything runs in Python."""
        for code in gone:
            code.close()
        self._closed += len(gone)

    def _forget_looks(self) -> None:
        """What was seen may no longer be so."""
        self._seen.clear()
        self._covered = {address for one in self.installed for address in one.job.addresses}
