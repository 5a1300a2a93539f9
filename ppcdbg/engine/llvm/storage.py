"""Storage of the vocabulary on IR values: software TLB inline, everything else by the helpers of :mod:`.mmu`.

An access that the helpers cannot do (a fault, a device) leaves compiled code with nothing of the instruction done.
"""

from __future__ import annotations

from ppcdbg.engine.llvm import layout as L
from ppcdbg.engine.llvm.emit import Emitter
from ppcdbg.engine.llvm.layout import Left
from ppcdbg.engine.llvm.text import ENGINE, RAM, Number, Value
from ppcdbg.isa import slots

SIGNATURE_ARGUMENTS = "ptr %s, ptr %op, ptr %t, i64 %n"
"""Storage helpers get what a handler got, in the same registers: nothing need be saved around the call."""


class StorageEmitter(Emitter):
    """Loads, stores, reservations and cache blocks."""

    # --- software TLB --------------------------------------------------------------------------------------------
    def engine_block(self) -> str:
        return self.get_pointer("%t")

    def _entry(self, ea: Number) -> str:
        """The data TLB's entry for ``ea``."""
        index = self.word(ea) >> 8 & (L.SET_DATA_ENTRIES - 1 << 4)
        return self.at("%t", self.wide(index) + L.SET_DATA)

    def _hit(self, entry: str, last: Number, *, write: bool) -> Value:
        """Whether the entry covers the byte ``last``; an access that crosses a page never matches."""
        tag = self.get(32, self.at(entry, 4 if write else 0), ENGINE)
        return self.compare("eq", self.word(last) & 0xFFFFF000, tag)

    def _host(self, entry: str, ea: Number) -> str:
        addend = self.get(64, self.at(entry, 8), ENGINE)
        return self.pointer_of(addend + self.wide(ea))

    def missed(self, helper: str, arguments: str) -> bool:
        """Written where the software TLB has no entry: True if a helper did the access, False if the block ended."""
        operands = f"{SIGNATURE_ARGUMENTS}, {arguments}"
        status = self.make(f"call preserve_mostcc i32 {self.helper(helper)}({operands})", 32)
        with self.when(self.ne(status, 0), rare=True):
            self.leave_slowly()
        return True

    def _begin(self, size: int, ea: Number, *, write: bool) -> tuple[str, str]:
        """The inline test. Gives the label of the slow arm, and the host pointer for the arm that goes on here."""
        entry = self._entry(ea)
        hit, miss = self.label(), self.label()
        self.branch(self._hit(entry, self.word(ea) + (size - 1), write=write), hit, miss, usual=True)
        self.place(hit)
        return miss, self._host(entry, ea)

    def _read(self, size: int, ea: Number) -> Value:
        bits = 8 * size
        miss, host = self._begin(size, ea, write=False)
        done = self.label()
        fast, hit = self.swap(self.get(bits, host, RAM)), self.block
        self.goto(done)
        self.place(miss)
        arms = [(fast, hit)]
        if self.missed(f"slow_load{size}", f"i32 {self.as_bits(ea, 32)}"):
            slow = self.get(bits, self.at(self.engine_block(), L.VALUE), ENGINE)
            arms.append((slow, self.block))
            self.goto(done)
        self.place(done)
        return self.phi(bits, *arms)

    # --- loads and stores -------------------------------------------------------------------------
    def load(self, size: int, ea: Number) -> Number:
        return self.word(self._read(size, ea))

    def load64(self, ea: Number) -> Number:
        return self._read(8, ea)

    def store(self, size: int, ea: Number, value: Number) -> None:
        bits = 8 * size
        narrow, wide = self.as_bits(value, bits), self.as_bits(value, 64)
        miss, host = self._begin(size, ea, write=True)
        done = self.label()
        self.put(bits, host, self.swap(Value(self, narrow, bits)), RAM)
        self.goto(done)
        self.place(miss)
        if self.missed(f"slow_store{size}", f"i32 {self.as_bits(ea, 32)}, i64 {wide}"):
            self.goto(done)
        self.place(done)

    def store64(self, ea: Number, value: Number) -> None:
        self.store(8, ea, value)

    # --- several words, reservations, blocks: inline or not at all -----------------------------------------------
    def _aligned(self, ea: Number) -> None:
        with self.when(self.ne(self.word(ea) & 3, 0), rare=True):
            self.leave(Left.INTERPRET)

    def _span(self, ea: Number, last: Number, *, write: bool, helper: str = "") -> str:
        """Host pointer for an access from ``ea`` to ``last`` in one page of RAM; leaves where there is none."""
        entry = self._entry(ea)
        found, fill = self.label(), self.label()
        self.branch(self._hit(entry, last, write=write), found, fill, usual=True)
        self.place(fill)
        helper = helper or ("refill_write" if write else "refill_read")
        if self.missed(helper, f"i32 {self.as_bits(ea, 32)}"):
            with self.when(self._hit(entry, last, write=write) ^ 1, rare=True):
                self.leave(Left.INTERPRET)
            self.goto(found)
        self.place(found)
        return self._host(entry, ea)

    def _each_register(self, first: Number, host: str, *, write: bool) -> None:
        """GPRs ``first``..31 and words from ``host`` on; a loop where ``first`` is an operand."""
        if isinstance(first, int):
            for number in range(first, 32):
                self._one_register(number, self.at(host, 4 * (number - first)), write=write)
            return
        before, loop, done = self.block, self.label(), self.label()
        start = self.wide(first)
        self.goto(loop)
        self.place(loop)
        following = self.fresh()
        index = self.make(f"phi i64 [{start.text}, %{before}], [{following}, %{loop}]", 64)
        self._one_register(index, self.at(host, (index - start) * 4), write=write)
        self.line(f"{following} = add i64 {index.text}, 1")
        self.branch(self.compare("eq", Value(self, following, 64), 32), done, loop)
        self.place(done)

    def _one_register(self, index: Number, place: str, *, write: bool) -> None:
        if write:
            self.put(32, place, self.swap(self.word(self.gpr[index])), RAM)
        else:
            self.gpr[index] = self.swap(self.get(32, place, RAM))

    def _multiple(self, first: Number, ea: Number, *, write: bool) -> None:
        self._aligned(ea)
        length = (32 - (first if isinstance(first, int) else self.word(first))) * 4
        host = self._span(ea, self.word(ea) + (length - 1), write=write)
        self._each_register(first, host, write=write)

    def load_multiple(self, first: Number, ea: Number) -> None:
        self._multiple(first, ea, write=False)

    def store_multiple(self, first: Number, ea: Number) -> None:
        self._multiple(first, ea, write=True)

    def _real_of(self, host: str) -> Number:
        base = self.get(64, self.at(self.engine_block(), L.RAM), ENGINE)
        return self.number_of(host) - base

    def load_reserve(self, ea: Number) -> Number:
        self._aligned(ea)
        host = self._span(ea, ea, write=False)
        real = self._real_of(host)
        self.reg[slots.RESERVED] = 1
        self.reg[slots.RESERVE_PA] = self.word(real)
        self.reg[slots.RESERVE_PA_HIGH] = self.word(real >> 32)
        return self.swap(self.get(32, host, RAM))

    def store_conditional(self, ea: Number, value: Number) -> Number:
        self._aligned(ea)
        elsewhere = self.ne((self.word(ea) ^ self.word(self.reg[slots.RESERVE_PA])) & 0xFFF, 0)
        with self.when(self.eq(self.reg[slots.RESERVED], 0) | elsewhere, rare=True):
            self.leave(Left.INTERPRET)  # nothing can be stored; what is looked at then is the core's own
        host = self._span(ea, ea, write=True)
        reserved = self.wide(self.reg[slots.RESERVE_PA_HIGH]) << 32 | self.wide(self.reg[slots.RESERVE_PA])
        held = self.ne(self.reg[slots.RESERVED], 0) & self.eq(reserved, self._real_of(host))
        self.reg[slots.RESERVED] = 0
        with self.when(held, ends=False):
            self.put(32, host, self.swap(self.word(value)), RAM)
        return held

    def zero_block(self, ea: Number) -> None:
        """A page where dcbz takes an alignment interrupt has no write tag, so it is left to the interpreter.

        A page that held code is about to be used anew: its ops are given up.
        """
        line = self.model.cache_line
        start = self.word(ea) & (0x100000000 - line)
        host = self._span(start, start, write=True, helper="refill_block")
        for offset in range(0, line, 8):
            self.put(64, self.at(host, offset), 0, RAM)

    def check_block(self, ea: Number, *, write: bool) -> None:
        self._span(ea, ea, write=write)

    def check_code(self, ea: Number) -> None:
        """Of a page just written or looked at, as a rule; what DEAR gets of another is the interpreter's to say."""
        with self.when(self._hit(self._entry(ea), ea, write=False) ^ 1, rare=True):
            self.leave(Left.INTERPRET)
