"""What step, next, finish and until mean: runs to places that follow from the instruction at hand.

A step is one instruction of the guest's own flow. An interrupt that comes in between (a page fault of this very
instruction, a timer) is let run to its end, unless the caller asks to see it: the step is over when the instruction has
retired in the context that it started in. ``sc`` and traps enter their handler on purpose, so a step follows them.
"""

from __future__ import annotations

from dataclasses import dataclass

from ppcdbg.debugger.guest import Guest
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
        if not into_interrupts and self.runner.free:
            outcome = self._look_afterwards()
            if outcome is not None:
                return outcome
        at = self.flow_here()
        start = self.runner.system.position
        pc = self.state.pc
        if into_interrupts or at is None:
            return self._plain(start, self.guest.vectors())
        own = self.successors(at, pc, self.state.reg[LR], self.state.reg[CTR])
        frame = self.frame()
        while True:
            outcome = self._plain(self.runner.system.position, self.guest.vectors() - own)
            if outcome.cause not in (Cause.STEP, Cause.UNTIL) or outcome.numbers:
                return outcome
            if self.state.pc in own and not outcome.place or at.to in (To.SYSCALL, To.TRAP):
                return outcome
            outcome = self._skip_handler(own | {pc}, frame, start)
            if outcome.cause is not Cause.UNTIL or self.state.pc != pc or outcome.numbers:
                return self._as_step(outcome)

    def _look_afterwards(self) -> Outcome | None:
        """The same while nobody waits for anything, for the price of one run: if the guest is then where the
        instruction leads by itself, that was the step; otherwise an interrupt came, and the first instruction of its
        handler has run already. None, and nothing is done, for ``sc`` and traps, and where no instruction can be read:
        steps that end at a handler.
        """
        reg, pc = self.state.reg, self.state.pc
        word = self.memory.instruction(pc)
        if word is None or word >> 26 in (3, 17) or word & 0xFC0007FE == 0x7C000008:
            return None
        lr, ctr, frame, start = reg[LR], reg[CTR], self.frame(), self.runner.system.position
        while True:
            stop = self.runner.one()
            if stop.kind is not StopKind.LIMIT:
                return Outcome(stop, Cause.ENDED)
            if reg[PC] == pc + 4:
                return Outcome(stop, Cause.STEP)
            own = self.successors(flow(word, pc), pc, lr, ctr)
            if reg[PC] in own:
                return Outcome(stop, Cause.STEP)
            outcome = self._skip_handler(own | {pc}, frame, start)
            if outcome.cause is not Cause.UNTIL or reg[PC] != pc or outcome.numbers:
                return self._as_step(outcome)

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
        at = self.flow_here()
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
