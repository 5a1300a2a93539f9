"""The interpreter: fetch, decode from the table, run the body on Python numbers, one instruction after the other.

The reference engine is this and a run loop. A compiling engine leaves to it for what it does not emit, one instruction
at a time. It is plain: a decoded op per word, a translation cache, and no other cleverness.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ppcdbg.cpu import interrupts as I
from ppcdbg.cpu import msr as M
from ppcdbg.cpu.core import Core
from ppcdbg.cpu.interrupts import GuestInterrupt
from ppcdbg.cpu.state import IN_A_ROW, RETIRED, TAKEN_AT
from ppcdbg.engine.api import EngineStop, Pattern, Stops, Why
from ppcdbg.engine.common import qemu
from ppcdbg.engine.common.context import ContextOps
from ppcdbg.engine.common.watching import AccessStop
from ppcdbg.isa import slots
from ppcdbg.isa.bits import M32
from ppcdbg.isa.insn import Insn, Privilege
from ppcdbg.isa.ops import Operands
from ppcdbg.isa.sprs import SLOT
from ppcdbg.isa.table import decoder

Op = tuple[Callable[[Any, Any], None], Any]
STUCK_AFTER = 65
"""Interrupts in a row without a retired instruction: no handler of real software takes that many."""


class PlaceStop(Exception):
    """The instruction is of a class that must not run yet."""


class Fields:
    """The operands of one decoded instruction, by the book's field names."""

    def __init__(self, insn: Insn, word: int) -> None:
        for field in insn.form.fields:
            setattr(self, field.name, field.operand(word))
        self.word = word


class Interpreter(ContextOps):
    """Runs the instruction table on Python numbers. Implements ``isa.ops.SystemOps``."""

    def __init__(self, core: Core) -> None:
        super().__init__(core)
        self._decoder = decoder(core.model.name)
        self._classes: tuple[Pattern, ...] = ()
        self._beginning: tuple[int, int] | None = None

    # --- running -----------------------------------------------------------------------------------------------------
    def restored(self, translations: bool = True) -> None:
        super().restored(translations)
        self.hits.clear()

    def take_over(self, stops: Stops) -> None:
        """What a run asks for beside addresses."""
        self.set_watches(stops)
        self._beginning = stops.beginning
        if stops.instructions != self._classes:
            self._classes = stops.instructions
            self.code.clear()

    def held_up(self, word: int) -> bool:
        """Whether an instruction is of a class that ends the run before it."""
        return any(word & c.mask == c.match for c in self._classes)

    def passes(self) -> bool:
        """Whether the instruction at ``cia`` may run although it is of such a class."""
        return (self.core.retired, self.cia) == self._beginning

    def take_asynchronous(self, vector: int) -> EngineStop | None:
        if self.core.delivery.withheld(vector):
            return None
        guest = self.core.delivery.take_asynchronous(vector)
        return self._taken(vector, guest)

    def _taken(self, vector: int, guest: bool) -> EngineStop | None:
        counters = self.core.state.counters
        in_a_row = counters[IN_A_ROW] + 1 if counters[RETIRED] == counters[TAKEN_AT] else 1
        counters[TAKEN_AT], counters[IN_A_ROW] = counters[RETIRED], in_a_row
        if in_a_row > STUCK_AFTER:
            return EngineStop(Why.STUCK, vector)
        return EngineStop(Why.EXIT, vector) if not guest and self.core.tenant else None

    def burst(self, limit: int, breakpoints: frozenset[int], first: bool) -> EngineStop | None:
        """Run until the limit, an interrupt, a breakpoint or something that asks for attention."""
        core, reg, counters = self.core, self.reg, self.core.state.counters
        retired = counters[RETIRED]
        pc = reg[slots.PC]
        debugging = self.debugging()
        try:
            while retired < limit:
                page = pc & ~0xFFF
                self.cia = pc
                real = self.code_page(pc)
                ops = self.code.get(real)
                if ops is None:
                    ops = self.code[real] = [None] * 1024
                while retired < limit:
                    if pc in breakpoints and not first:
                        reg[slots.PC] = pc
                        return EngineStop(Why.BREAKPOINT)
                    first = False
                    op = ops[pc >> 2 & 1023]
                    self.cia = pc
                    if op is None:
                        op = ops[pc >> 2 & 1023] = self._decoded(real | pc & 0xFFC)
                    self.nia = pc + 4 & M32
                    if debugging:
                        self.debug_before(real | pc & 0xFFC)
                    op[0](self, op[1])
                    retired += 1
                    counters[RETIRED] = retired
                    pc = self.nia
                    if debugging:
                        self.debug_after()
                    if core.attention:
                        reg[slots.PC] = pc
                        return None
                    if pc & ~0xFFF != page:
                        break
            reg[slots.PC] = pc
            return None
        except GuestInterrupt as interrupt:
            return self.synchronous(interrupt)
        except AccessStop as stop:
            return self.given_up(stop)
        except PlaceStop:
            reg[slots.PC] = self.cia
            return EngineStop(Why.INSTRUCTION)

    def synchronous(self, interrupt: GuestInterrupt) -> EngineStop | None:
        core, reg = self.core, self.reg
        reg[slots.PC] = self.cia
        self.forget_reads()
        vector = interrupt.vector
        if vector == I.MACHINE_CHECK:
            if not reg[slots.MSR] & (M.MSR_ME | M.MSR_GS):
                return EngineStop(Why.CHECKSTOP, vector)
            reg[SLOT["MCSR"]] |= interrupt.mcsr
            reg[SLOT["MCAR"]], reg[SLOT["MCARU"]] = interrupt.dear & M32, interrupt.dear >> 32
        saved = self.cia
        if interrupt.completed:
            saved = self.nia
            core.retire()
        guest = core.take(vector, interrupt.esr, interrupt.dear, pc=saved, vf=interrupt.vf)
        if interrupt.completed:
            self.debug_interrupted(guest)
        return self._taken(vector, guest)

    # --- decoding -----------------------------------------------------------------------------------------------------
    def _decoded(self, real: int) -> Op:
        op = self.decode(real)
        if self._classes and self.held_up(int.from_bytes(self._ram[real : real + 4], "big")):
            return _held_up, op
        return op

    def decode(self, real: int) -> Op:
        word = int.from_bytes(self._ram[real : real + 4], "big")
        insn = self._decoder.decode(word)
        if self.core.model.qemu:
            esr = qemu.refused(None if insn is None else insn.name, word)
            if esr is not None:
                return _refused, esr
        if insn is None:
            return _illegal, word
        fields = Fields(insn, word)
        if insn.privilege is not Privilege.USER:
            return _PRIVILEGED[insn.privilege], (insn, fields)
        if insn.fp:
            return _floating, (insn, fields)
        if insn.spe:
            return _vector, (insn, fields)
        return insn.body, fields

    # --- control vocabulary -------------------------------------------------------------------------------------------
    def jump_relative(self, offset: int, when: int = 1) -> None:
        if when:
            self.nia = self.cia + offset & M32

    def jump(self, target: int, when: int = 1) -> None:
        if when:
            self.nia = target

    def program(self, esr: int, when: int = 1) -> None:
        if when:
            if esr & M.ESR_PTR:
                self.debug_trap()
            raise GuestInterrupt(I.PROGRAM, esr)

    def record(self, value: int) -> None:
        self.reg[slots.CR] = (8 if value & 0x80000000 else 4 if value else 2) | self.reg[slots.SO]

    def cr_bit(self, bit: int) -> int:
        return self.cr[bit >> 2] >> (3 - (bit & 3)) & 1

    def set_cr_bit(self, bit: int, value: int) -> None:
        shift = 3 - (bit & 3)
        self.cr[bit >> 2] = self.cr[bit >> 2] & ~(1 << shift) | value << shift


def _held_up(m: Interpreter, op: Op) -> None:
    if not m.passes():
        raise PlaceStop
    op[0](m, op[1])


def _illegal(m: Interpreter, word: int) -> None:
    raise GuestInterrupt(I.PROGRAM, M.ESR_PIL)


def _refused(m: Interpreter, esr: int) -> None:
    raise GuestInterrupt(I.PROGRAM, esr)


def _vector(m: Interpreter, op: tuple[Insn, Operands]) -> None:
    """An SPE instruction: needs MSR[SPE], and marks its storage interrupts with ESR[SPV]."""
    if not m.reg[slots.MSR] & M.MSR_SPE:
        raise GuestInterrupt(I.SPE_UNAVAIL, M.ESR_SPV)
    try:
        op[0].body(m, op[1])
    except GuestInterrupt as interrupt:
        if interrupt.vector in (I.DATA_STORAGE, I.DTLB_MISS, I.ALIGNMENT) and not m.core.model.qemu:
            interrupt.esr |= M.ESR_SPV
        raise


def _floating(m: Interpreter, op: tuple[Insn, Operands]) -> None:
    if not m.reg[slots.MSR] & M.MSR_FP:
        raise GuestInterrupt(I.FP_UNAVAIL)
    op[0].body(m, op[1])


def _supervisor(m: Interpreter, op: tuple[Insn, Operands]) -> None:
    if m.reg[slots.MSR] & M.MSR_PR:
        raise GuestInterrupt(I.PROGRAM, M.ESR_PPR)
    if op[0].fp and not m.reg[slots.MSR] & M.MSR_FP:
        raise GuestInterrupt(I.FP_UNAVAIL)
    op[0].body(m, op[1])


def _hypervisor(m: Interpreter, op: tuple[Insn, Operands]) -> None:
    msr = m.reg[slots.MSR]
    if msr & M.MSR_PR:
        raise GuestInterrupt(I.PROGRAM, M.ESR_PPR)
    if msr & M.MSR_GS:
        raise GuestInterrupt(I.HV_PRIV)
    op[0].body(m, op[1])


def _guest_tlb(m: Interpreter, op: tuple[Insn, Operands]) -> None:
    msr = m.reg[slots.MSR]
    if msr & M.MSR_PR:
        raise GuestInterrupt(I.PROGRAM, M.ESR_PPR)
    if msr & M.MSR_GS and m.reg[SLOT["EPCR"]] & M.EPCR_DGTMI:
        raise GuestInterrupt(I.HV_PRIV)
    op[0].body(m, op[1])


def _cache_lock(m: Interpreter, op: tuple[Insn, Operands]) -> None:
    """User mode needs MSR[UCLE]; MSRP[UCLEP] takes the right from guest state (facts 1.3)."""
    if m.core.model.qemu:
        return  # of these it has dcbtls alone, which does nothing
    msr = m.reg[slots.MSR]
    protected = msr & M.MSR_GS and m.reg[SLOT["MSRP"]] & M.MSRP_UCLEP
    if msr & M.MSR_PR and (protected or not msr & M.MSR_UCLE):
        ilk = op[0].name.startswith("ic")
        ea = m.gpr[op[1].RA0] + m.gpr[op[1].RB] & M32
        raise GuestInterrupt(I.DATA_STORAGE, M.ESR_ILK if ilk else M.ESR_DLK, ea)
    if protected:
        raise GuestInterrupt(I.HV_PRIV)
    op[0].body(m, op[1])


_PRIVILEGED: dict[Privilege, Callable[[Any, Any], None]] = {
    Privilege.SUPERVISOR: _supervisor,
    Privilege.HYPERVISOR: _hypervisor,
    Privilege.GUEST_TLB: _guest_tlb,
    Privilege.CACHE_LOCK: _cache_lock,
}
