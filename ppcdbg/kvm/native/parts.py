"""The pieces of the native handlers: the vcpu's words and tables, its guest state, leaving and entering, the record.

Read next: :mod:`.handlers`.
"""

from __future__ import annotations

from ppcdbg.cpu import msr as M
from ppcdbg.cpu.models import CoreModel
from ppcdbg.cpu.state import SKIPPED
from ppcdbg.engine.llvm import layout as L
from ppcdbg.engine.llvm.layout import Left
from ppcdbg.engine.llvm.mmu import Helper
from ppcdbg.engine.llvm.text import ENGINE, RAM, STATE, Number, Value
from ppcdbg.engine.llvm.threaded import leaving
from ppcdbg.isa import slots
from ppcdbg.isa.bits import M64
from ppcdbg.isa.sprs import SLOT
from ppcdbg.kvm import codes
from ppcdbg.kvm import magic_page as mp
from ppcdbg.kvm import words as W
from ppcdbg.kvm.timing import STAT

ROW_BYTES = W.ROW.size


class Part(Helper):
    """Emits for one vcpu; ``hv`` says which build of KVM it is."""

    def __init__(self, model: CoreModel) -> None:
        super().__init__(model)
        self.hv = model.has_hv
        self._words = ""

    # --- memory that is shared with Python ------------------------------------------------------------------------
    def begin(self) -> None:
        """Find the vcpu's words; first of all in each function."""
        self._words = self.pointer_of(self.variable(L.TENANT_BLOCK))

    def w(self, index: int) -> Value:
        return self.get(64, self.at(self._words, 8 * index), ENGINE)

    def set_w(self, index: int, value: Number) -> None:
        self.put(64, self.at(self._words, 8 * index), value, ENGINE)

    def cell(self, index: int, number: Number) -> str:
        """Where an element of the table lies that a word points to."""
        return self.at(self.pointer_of(self.w(index)), self.wide(number) * 8)

    def count(self, index: int, number: Number, more: Number = 1) -> None:
        """Add to an element of a table."""
        place = self.cell(index, number)
        self.put(64, place, self.get(64, place, ENGINE) + more, ENGINE)

    def python(self, flag: Number) -> None:
        """Where ``flag`` is 1, the exit is Python's from the start."""
        with self.when(flag, rare=True):
            self.tail(leaving(Left.EXIT), "null", "%n")

    # --- the shared page ------------------------------------------------------------------------------------------
    def field(self, offset: Number, bits: int = 32) -> Value:
        page = self.pointer_of(self.w(W.PAGE))
        return self.swap(self.get(bits, self.at(page, offset), RAM))

    def set_field(self, offset: Number, value: Number, bits: int = 32) -> None:
        page = self.pointer_of(self.w(W.PAGE))
        self.put(bits, self.at(page, offset), self.swap(Value(self, self.as_bits(value, bits), bits)), RAM)

    # --- at an exit -----------------------------------------------------------------------------------------------
    def saved(self) -> tuple[Value, Value]:
        """The guest's pc, and its MSR as KVM sees it."""
        pc = self.word(self.reg[SLOT["SRR0"]])
        return pc, self.word(self.reg[SLOT["SRR1"]]) if self.hv else self.field(mp.MSR + 4)

    def tick(self) -> Value:
        skipped = self.get(64, self.at("%s", L.COUNTERS + 8 * SKIPPED), STATE)
        total: Value = self.retired() + skipped
        return total

    def instruction(self, pc: Value, msr: Value) -> Value:
        """The word at ``pc``, through the real TLB0 (``world_switch.leave``, ``fetch.load``)."""
        space = msr >> 5 & 1 if self.hv else 1
        problem = self.ne(msr & M.MSR_PR, 0)
        reads = self.word(self.w(W.FETCH))
        wanted = self.choose(problem, reads >> 8 & 0xFF, reads & 0xFF) if self.hv else 0
        place = self.make(
            f"call i64 @kvm_code(ptr %s, i32 {pc.text}, i32 {self.as_bits(space, 32)}, i32 {self.as_bits(wanted, 32)})",
            64,
        )
        self.python(self.in_ram(place) ^ 1)
        return self.swap(self.get(32, self.host(place), RAM))

    # --- the end of an exit ---------------------------------------------------------------------------------------
    def book(self, tick: Value) -> None:
        """The exit before this one and the guest's time after it (``Timing.add_exit``)."""
        cost, kind = self.w(W.LAST_COST), self.w(W.LAST_TYPE)
        none = self.eq(cost, M64) | self.eq(kind, codes.NO_EXIT_TYPE)
        with self.when(none ^ 1, ends=False):
            self._time(kind, cost)
            self._time(codes.TIMEINGUEST, tick - self.w(W.ENTERED_AT))

    def _time(self, kind: Number, duration: Value) -> None:
        self.count(W.TIME_COUNT, kind)
        self.count(W.TIME_TOTAL, kind, duration)
        self.count(W.TIME_SQUARES, kind, duration * duration)
        for table, how in ((W.TIME_MINIMUM, "ult"), (W.TIME_MAXIMUM, "ugt")):
            place = self.cell(table, kind)
            old = self.get(64, place, ENGINE)
            self.put(64, place, self.choose(self.compare(how, duration, old), duration, old), ENGINE)

    def row(self, tick: Value, vector: int, known: tuple[Number, ...], did: tuple[Number, ...]) -> None:
        """A row of the log; ``known``: pc, MSR, DEAR, ESR, instruction; ``did``: the rest."""
        number = self.w(W.LOG_COUNT)
        place = self.at(self.pointer_of(self.w(W.LOG)), number * ROW_BYTES)
        self.put(64, place, self.retired(), ENGINE)
        self.put(64, self.at(place, 8), tick, ENGINE)
        for i, value in enumerate((vector, *known, *did)):
            self.put(32, self.at(place, 16 + 4 * i), value, ENGINE)
        self.set_w(W.LOG_COUNT, number + 1)
        position = self.retired()
        again = self.eq(position, self.w(W.LAST_POSITION))
        self.set_w(W.STREAK, self.choose(again, self.w(W.STREAK) + 1, 0))
        self.set_w(W.LAST_POSITION, position)

    def close(self, tick: Value, vector: int, stat: str, exit_type: Number, cost: Value, more: int) -> None:
        """Book what handling took; ``more``: instructions that were emulated."""
        self.count(W.EXIT_COUNTS, vector)
        self.count(W.STATS, STAT[stat])
        self.set_w(W.LAST_TYPE, self.wide(exit_type))
        self.set_w(W.LAST_COST, cost + more)
        self.set_w(W.ENTERED_AT, tick + more)
        self.set_field(mp.INT_PENDING, 0)

    def enter(self, pc: Value, msr: Value) -> None:
        """The hardware as the guest is entered (``world_switch.enter``); whoever calls this goes on at PC."""
        real = msr if self.hv else self.word(self.w(W.ENTERED_MSR))
        self.set_w(W.PC, self.wide(pc))
        self.reg[SLOT["SRR0"]] = pc
        self.reg[SLOT["SRR1"]] = real
        self.reg[slots.MSR] = real & self.word(self.w(W.MSR_MASK))
        self.reg[slots.PC] = pc & 0xFFFFFFFC
