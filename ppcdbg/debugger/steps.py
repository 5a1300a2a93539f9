"""What step, next, finish and until mean: runs to places that follow from the instruction at hand.

A step is one instruction of the guest's own flow. An interrupt that comes in between (a page fault of this very
instruction, a timer) is let run to its end, unless the caller asks to see it: the step is over when the instruction has
retired in the context that it started in. ``sc`` and traps enter their handler on purpose, so a step follows them.
"""

from __future__ import annotations

from dataclasses import dataclass

from ppcdbg.cpu.mmu import Access
from ppcdbg.debugger.guest import PAGE, Guest
from ppcdbg.debugger.memory import GuestMemory
from ppcdbg.debugger.run import FOREVER, Outcome, Request, Runner
from ppcdbg.debugger.stops import Cause
from ppcdbg.debugger.symbols import SymbolTable
from ppcdbg.errors import UsageError
from ppcdbg.isa.bits import M32
from ppcdbg.isa.flow import Flow, To, flow
from ppcdbg.isa.slots import CTR, LR, PC
from ppcdbg.machine.system import StopKind

HANDLER_BUDGET = 5_000_000
"""Instructions that a handler may take before a step gives up waiting for it to return."""
_ENTERING = (3, 17)
"""Primary opcodes of twi and sc."""
_TW = 0x7C000008
_TRANSLATING = frozenset({146, 467, 978, 786, 18})
"""Extended opcodes under 31 of what can change the meaning of an address: mtmsr, mtspr, tlbwe, tlbivax, tlbilx."""
_BRANCHES = (16, 528)
"""Extended opcodes under 19 of what cannot: bclr and bcctr, but not rfi and its kin."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What tells that the guest is back where a step began: context and stack pointer."""

    context: tuple[int, ...]
    stack: int


class Stepper:
    """Steps of one system."""

    def __init__(self, runner: Runner, guest: Guest, memory: GuestMemory) -> None:
        self.runner, self.guest, self.memory = runner, guest, memory
        self.state = runner.system.core.state
        self._pages: dict[tuple[int, tuple[int, ...]], int] = {}
        self._until = (-1, -1)
        """Position and count of input up to which ``_pages`` holds: where the last plain step ended."""

    def frame(self) -> Frame:
        return Frame(self.guest.context(), self.state.gpr[1])

    def flow_here(self) -> Flow | None:
        word = self.memory.instruction(self.state.pc)
        return None if word is None else flow(word, self.state.pc)

    def successors(self, at: Flow, pc: int, lr: int, ctr: int) -> frozenset[int]:
        """Every address that the instruction at ``pc`` can continue at by itself; ``lr`` and ``ctr`` from before it."""
        following = pc + 4 & M32
        out = {following} if at.conditional or at.to is To.NEXT else set()
        if at.to is To.TARGET and at.target is not None:
            out.add(at.target)
        elif at.to is To.LR:
            out.add(lr & ~3)
        elif at.to is To.CTR:
            out.add(ctr & ~3)
        elif at.to is To.RETURN:
            pair = "SRR0" if at.pair == "GSRR0" and self.guest.kind != "bare" else at.pair
            out.add(self.guest.spr(pair) & ~3)
        elif at.to is To.SYSCALL:
            out.add(following)
        return frozenset(out)

    # --- one instruction ---------------------------------------------------------------------------------------------
    def step(self, into_interrupts: bool) -> Outcome:
        """``sc``, traps and an instruction that cannot be read end at the handler that they enter.

        Any other runs first and is looked at afterwards, which costs one run: if the guest is then where the
        instruction leads by itself, that was the step; otherwise an interrupt came, the first instruction of its
        handler has run, and the handler is let go to its end.
        """
        if self.runner.system.left:
            return self.runner.go(Request(exits=1))  # the instruction that is under way
        reg, start = self.state.reg, self.runner.system.position
        pc, frame = reg[PC], self.frame()
        word = self._word(pc, frame.context)
        if into_interrupts or word is None or word >> 26 in _ENTERING or word & 0xFC0007FE == _TW:
            return self._plain(start, self.guest.vectors())
        lr, ctr = reg[LR], reg[CTR]
        while True:
            outcome = self._one()
            if outcome.cause is not Cause.STEP or reg[PC] == pc + 4:
                return self._known(outcome, word)
            own = self.successors(flow(word, pc), pc, lr, ctr)
            if reg[PC] in own:
                return self._known(outcome, word)
            outcome = self._skip_handler(own | {pc}, frame, start)
            if outcome.cause is not Cause.UNTIL or reg[PC] != pc or outcome.numbers:
                return self._as_step(outcome)

    def _word(self, pc: int, context: tuple[int, ...]) -> int | None:
        """``memory.instruction``, with the real pages of the code kept from step to step while none can have moved."""
        system, ram = self.runner.system, self.memory.bus.ram
        if (system.position, system.input.order) != self._until:
            self._pages.clear()
        page = self._pages.get((pc >> 12, context))
        if page is None:
            word = self.memory.instruction(pc)
            real = None if word is None else self.memory.real(pc & -PAGE, access=Access.FETCH)
            if real is not None:
                self._pages[pc >> 12, context] = real
            return word
        at = page | pc & PAGE - 1
        return int.from_bytes(ram[at : at + 4], "big")

    def _known(self, outcome: Outcome, word: int) -> Outcome:
        """After a plain step: what is known of pages holds on, unless the instruction can change translations."""
        extended = word >> 1 & 0x3FF
        if not (word >> 26 == 31 and extended in _TRANSLATING or word >> 26 == 19 and extended not in _BRANCHES):
            self._until = self.runner.system.position, self.runner.system.input.order
        return outcome

    def _one(self) -> Outcome:
        """One retired instruction, whosever it is."""
        runner = self.runner
        if not runner.free:
            return runner.go(Request(runner.system.position + 1))
        stop = runner.one()
        return Outcome(stop, Cause.STEP if stop.kind is StopKind.LIMIT else Cause.ENDED)

    def _plain(self, position: int, vectors: frozenset[int]) -> Outcome:
        """One retired instruction, or the first instruction of an interrupt handler, whichever comes first."""
        outcome = self.runner.go(Request(position + 1, vectors))
        if outcome.cause is Cause.UNTIL and not outcome.numbers:
            return Outcome(outcome.stop, Cause.STEP, outcome.record, (), True)
        return outcome

    def _skip_handler(self, places: frozenset[int], frame: Frame, start: int) -> Outcome:
        budget = start + HANDLER_BUDGET
        outcome = self.runner.go(Request(budget, places, lambda: self.frame() == frame))
        if outcome.cause is Cause.STEP:
            return Outcome(outcome.stop, Cause.SKIPPED, outcome.record)
        if outcome.cause is Cause.UNTIL and not outcome.numbers and self.state.pc in places:
            return Outcome(outcome.stop, Cause.UNTIL, outcome.record, (), True)
        return outcome

    # --- over calls ------------------------------------------------------------------------------------------------
    def next(self) -> Outcome:
        """A step that runs calls and system calls to their return."""
        at = None if self.runner.system.left else self.flow_here()
        if at is None or not (at.link or at.to is To.SYSCALL):
            return self.step(False)
        frame = self.frame()
        place = frozenset({self.state.pc + 4 & M32})
        return self._as_step(self.runner.go(Request(FOREVER, place, lambda: self.frame() == frame)))

    def past(self) -> Outcome:
        """To the following word of this context: out of a loop at its end."""
        frame = self.frame()
        place = frozenset({self.state.pc + 4 & M32})
        return self._as_step(self.runner.go(Request(FOREVER, place, lambda: self.frame() == frame)))

    def _as_step(self, outcome: Outcome) -> Outcome:
        if outcome.cause is Cause.UNTIL and not outcome.numbers:
            return Outcome(outcome.stop, Cause.STEP, outcome.record, (), True)
        return outcome

    def finish(self, symbols: SymbolTable) -> Outcome:
        """Run until this function returns: to LR from a leaf, else to the LR saved at back chain + 4."""
        start = self.frame()
        here = symbols.place(self.state.pc)
        leaf = self.state.reg[LR] & ~3
        chain = self.memory.number(start.stack, 4)
        saved = None if chain is None else self.memory.number(chain + 4 & M32, 4)
        places = {leaf} if here is None or not _inside(leaf, self.state.pc - here.offset, here.size) else set()
        if chain is not None and saved and chain > start.stack:
            places.add(saved & ~3)
        if not places:
            raise UsageError("finish finds no return address: LR points into this function and there is no back chain")

        def returned() -> bool:
            now = self.frame()
            if now.context != start.context:
                return False
            return now.stack == chain or now.stack == start.stack and self.state.pc == leaf

        return self.runner.go(Request(FOREVER, frozenset(places), returned))


def _inside(address: int, start: int, size: int) -> bool:
    return start <= address < start + size
