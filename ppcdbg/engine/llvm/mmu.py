"""Native helpers behind the inline software TLB: search of the architected TLB, refill, slow accesses, fetch.

They read the TLB arrays in the state block by the rules of ``cpu.mmu`` and touch nothing of the guest that an access
would not. Whatever they cannot do (a fault, a little-endian page) they hand back, and the interpreter does it whole.
"""

from __future__ import annotations

from typing import Self

from ppcdbg.cpu import interrupts as I
from ppcdbg.cpu import msr as M
from ppcdbg.cpu import shortcuts
from ppcdbg.cpu.models import CoreModel
from ppcdbg.cpu.state import TLB0_ENTRIES, TLB_ENTRY_WORDS
from ppcdbg.engine.llvm import layout as L
from ppcdbg.engine.llvm.emit import SIGNATURE
from ppcdbg.engine.llvm.layout import Left
from ppcdbg.engine.llvm.text import ENGINE, RAM, STATE, Number, Value
from ppcdbg.engine.llvm.threaded import HandlerEmitter, leaving
from ppcdbg.isa import slots
from ppcdbg.isa.sprs import SLOT

ENTRY_BYTES = TLB_ENTRY_WORDS * 4
LOAD, STORE, FETCH = 0, 1, 2
SIZES = (1, 2, 4, 8)
_SLOW = "preserve_mostcc i32"
_MAS8_VF = 0x40000000


class Helper(HandlerEmitter):
    """Writes helpers; parameters are named as in the signatures below."""

    def __init__(self, model: CoreModel) -> None:
        super().__init__(model)
        self.ea = Value(self, "%ea", 32)
        self.n = Value(self, "%n", 64)
        self._engine = "%t"

    def variable(self, offset: int) -> Value:
        """A variable of the engine's block."""
        return self.get(64, self.at(self.engine_block(), offset), ENGINE)

    def set_variable(self, offset: int, value: Number) -> None:
        self.put(64, self.at(self.engine_block(), offset), value, ENGINE)

    def engine_block(self) -> str:
        return "%e" if self._engine == "%e" else super().engine_block()

    def of_engine(self) -> Self:
        """This helper gets the engine's block, ``%e``, instead of a set."""
        self._engine = "%e"
        return self

    def answer(self, bits: int, value: Number) -> None:
        self.line(f"ret i{bits} {self.as_bits(value, bits)}")

    # --- TLB entries ---------------------------------------------------------------------------------------------
    def entry_word(self, index: Number, word: int) -> Value:
        return self.get(32, self.at("%s", self.wide(index) * ENTRY_BYTES + (L.TLB + 4 * word)), STATE)

    def page_mask(self, index: Number) -> Value:
        """Minus the size of an entry's page, 64 bits; TLB0 holds 4 KiB pages whatever TSIZE says."""
        shift = (self.entry_word(index, 0) >> 7 & 0x1E) + 10
        own = self.make(f"shl i64 -1, {self.as_bits(shift, 64)}", 64)
        chosen = self.choose(self.ltu(index, TLB0_ENTRIES), (1 << 64) - 4096, own)
        assert isinstance(chosen, Value)
        return chosen

    def matches(self, index: Number, space: Number) -> Number:
        """``cpu.mmu.match`` for ``%ea`` in the present context."""
        mas1, mas2, mas8 = (self.entry_word(index, word) for word in (0, 1, 4))
        mask = self.word(self.page_mask(index))
        tid, lpid = mas1 >> 16 & 0xFF, mas8 & 0xFF
        found = self.ne(mas1 & 0x80000000, 0) & self.eq(self.ea & mask, mas2 & mask & 0xFFFFF000)
        found = found & self.eq(mas1 >> 12 & 1, space)
        owner: Number = self.eq(tid, 0)
        for name in ("PID", "PID1", "PID2"):
            owner = owner | self.eq(tid, self.reg[SLOT[name]])
        guest = self.word(self.reg[slots.MSR]) >> 28 & 1
        found = found & owner & self.eq(mas8 >> 31, guest)
        return found & (self.eq(lpid, 0) | self.eq(lpid, self.reg[SLOT["LPID"]]))

    def may(self, index: Number, access: int) -> Value:
        """Whether MAS3 permits the access at the present privilege."""
        user, supervisor = ((2, 1), (8, 4), (0x20, 0x10))[access]
        problem = self.ne(self.word(self.reg[slots.MSR]) & M.MSR_PR, 0)
        return self.compare("ne", self.entry_word(index, 2) & self.choose(problem, user, supervisor), 0)

    def give_up(self, flag: Number, why: Left = Left.INTERPRET) -> None:
        """Give up on an access with a reason for ``leave_slowly``."""
        with self.when(flag, rare=True):
            self.set_variable(L.STATUS, int(why))
            self.answer(32, 1)

    def resolve(self, ea: Value, access: int, *, looks: bool = False) -> tuple[Value, Value]:
        """Index of the entry and real address of a load or store that is permitted; gives up all others. ``looks``:
        somebody looks whether it touches a watched byte."""
        index = self.make(f"call i32 @find(ptr %s, ptr %t, i32 {ea.text}, i32 0)", 32)
        with self.when(self.eq(index, 0xFFFFFFFF), rare=True):
            self._storage_interrupt(I.DTLB_MISS, ea, access)
        with self.when(self.may(index, access) ^ 1, rare=True):
            self._storage_interrupt(I.DATA_STORAGE, ea, access)
        self.give_up(self.ne(self.entry_word(index, 4) & _MAS8_VF, 0))
        self.give_up(self.ne(self.entry_word(index, 1) & 1, 0))
        real = self.real(index, ea)
        if not looks:
            self.give_up(self.ne(self.touches(ea, real, 0), 0))
        return index, real

    def touches(self, ea: Value, real: Value, size: int) -> Value:
        """What an access of one page has to do with watched bytes: see ``_watched``."""
        arguments = f"ptr %s, ptr %op, ptr %t, i32 {ea.text}, i64 {real.text}, i32 {size}"
        return self.make(f"call i32 @watched({arguments})", 32)

    def _storage_interrupt(self, vector: int, ea: Value, access: int) -> None:
        """Note the interrupt for ``leave_slowly``."""
        self.set_variable(L.VECTOR, vector)
        self.set_variable(L.ESR, M.ESR_ST if access == STORE else 0)
        self.set_variable(L.DEAR, self.wide(ea))
        self.set_variable(L.STATUS, int(Left.RAISE))
        self.answer(32, 1)

    def real(self, index: Value, ea: Value) -> Value:
        mask = self.page_mask(index)
        page = self.wide(self.entry_word(index, 3) & 0xF) << 32 | self.wide(self.entry_word(index, 2) & 0xFFFFF000)
        address: Value = page & mask | self.wide(ea) & (mask ^ 0xFFFFFFFFFFFFFFFF)
        return address

    def serve(self, size: int, real: Value, *, write: bool) -> None:
        """Answer a device access that needs no device."""
        if size in shortcuts.SIZES:
            key = real | shortcuts.key(size, write=write)
            arguments = f"ptr {self.engine_block()}, i64 {key.text}, i64 {self.retired().text}"
            with self.when(self.ne(self.make(f"call i32 @serve({arguments})", 32), 0)):
                self.answer(32, 0)

    def in_ram(self, real: Value) -> Value:
        return self.compare("ult", real, self.variable(L.RAM_SIZE))

    def host(self, real: Value) -> str:
        return self.pointer_of(self.variable(L.RAM) + real)

    def ops_of(self, real: Value) -> Value:
        """Address of the op page of a real page, or 0."""
        table = self.pointer_of(self.variable(L.PAGE_OPS))
        return self.get(64, self.at(table, (real >> 12) * 8), ENGINE)

    def mark_of(self, real: Value) -> str:
        return self.at(self.pointer_of(self.variable(L.PAGE_MARKS)), real >> 12)

    # --- refill --------------------------------------------------------------------------------------------------
    def fill(self, index: Value, ea: Value, real: Value) -> None:
        """Put a page of RAM into the data TLB. Pages with ops, and pages that dcbz refuses, get no write tag."""
        page = ea & 0xFFFFF000
        attributes = self.entry_word(index, 1)
        writable = self.may(index, STORE) & self.eq(attributes & 0x18, 0) & self.eq(self.ops_of(real), 0)
        mark = self.mark_of(real)
        self.put(8, mark, self.choose(writable, L.WRITTEN | L.NOTED, self.get(8, mark, ENGINE)), ENGINE)
        entry = self._entry(ea)
        self.put(32, entry, self.choose(self.may(index, LOAD), page, L.NO_TAG), ENGINE)
        self.put(32, self.at(entry, 4), self.choose(writable, page, L.NO_TAG), ENGINE)
        self.put(64, self.at(entry, 8), self.variable(L.RAM) + real - self.wide(ea), ENGINE)
        self.note_present(ea)

    def present(self, ea: Value) -> str:
        """Where PRESENT says which sets may have the page."""
        index = self.wide(ea >> 12 & L.SET_DATA_ENTRIES - 1)
        return self.at(self.pointer_of(self.variable(L.PRESENT)), index * 4)

    def note_present(self, ea: Value) -> None:
        """This set has something of the page now."""
        place = self.present(ea)
        bit = self.word(self.get(64, self.at("%t", L.SET_BIT), ENGINE))
        self.put(32, place, self.get(32, place, ENGINE) | bit, ENGINE)


# --- the helpers ---------------------------------------------------------------------------------------------
def _find(model: CoreModel) -> str:
    """TLB0's set, then the valid entries of TLB1 in order; the first that matches, as ``cpu.mmu.find``."""
    h = Helper(model)
    msr = h.word(h.reg[slots.MSR])
    space = h.choose(h.ne(Value(h, "%fetch", 32), 0), msr >> 5, msr >> 4) & 1
    first = (h.ea >> 12 & 127) << 2
    for way in range(4):
        index = first + way
        with h.when(h.matches(index, space)):
            h.answer(32, index)
    valid = h.variable(L.TLB1_VALID)
    before, loop, test, following, none = h.block, h.label(), h.label(), h.label(), h.label()
    h.goto(loop)
    h.place(loop)
    rest = h.fresh()
    left = h.make(f"phi i64 [{valid.text}, %{before}], [{rest}, %{following}]", 64)
    h.branch(h.eq(left, 0), none, test)
    h.place(test)
    number = h.word(h.make(f"call i64 @llvm.cttz.i64(i64 {left.text}, i1 false)", 64))
    index = number + TLB0_ENTRIES
    with h.when(h.matches(index, space)):
        h.answer(32, index)
    h.goto(following)
    h.place(following)
    less = left - 1
    h.line(f"{rest} = and i64 {left.text}, {less.text}")
    h.goto(loop)
    h.place(none)
    h.answer(32, 0xFFFFFFFF)
    return h.function("@find", "internal i32", "ptr %s, ptr %t, i32 %ea, i32 %fetch")


def _each_byte(h: Helper, size: int, hosts: tuple[str, str], first: Number, value: Value | None) -> Value:
    """Bytes one after the other, ``first`` of them at the first pointer; a store where ``value`` is given."""
    before, loop, done = h.block, h.label(), h.label()
    h.goto(loop)
    h.place(loop)
    following, grown = h.fresh(), h.fresh()
    i = h.make(f"phi i64 [0, %{before}], [{following}, %{loop}]", 64)
    total = h.make(f"phi i64 [0, %{before}], [{grown}, %{loop}]", 64)
    one, two = (h.number_of(p) for p in hosts)
    inside = h.ltu(i, h.wide(first))
    place = h.pointer_of(h.choose(inside, one + i, two + i - h.wide(first)))
    if value is None:
        byte = h.wide(h.get(8, place, RAM))
        h.line(f"{grown} = or i64 {(total << 8).text}, {byte.text}")
    else:
        shift = (size - 1 - i) << 3
        h.put(8, place, h.make(f"lshr i64 {value.text}, {shift.text}", 64), RAM)
        h.line(f"{grown} = or i64 {total.text}, 0")
    h.line(f"{following} = add i64 {i.text}, 1")
    h.branch(h.eq(Value(h, following, 64), size), done, loop)
    h.place(done)
    return Value(h, grown, 64)


def _watched(model: CoreModel) -> str:
    """0: the page is not watched, so that a tag may be made for it; 1: it is, and this access touches no watched byte;
    2: it does, and is the interpreter's, as any of no ``size`` is on a watched page."""
    h = Helper(model)
    real, size = Value(h, "%real", 64), Value(h, "%size", 32)
    with h.when(h.eq(h.variable(L.WATCHES), 0)):
        h.answer(32, 0)
    table = h.pointer_of(h.variable(L.WATCHES))
    number = h.choose(h.in_ram(real), real >> 12, h.variable(L.RAM_SIZE) >> 12)
    pages = h.wide(h.ea >> 12), h.wide(number) + (1 << 20)
    kinds = [h.word(h.get(8, h.at(table, page + L.WATCH_PAGES), ENGINE)) for page in pages]
    with h.when(h.eq(kinds[0] | kinds[1], 0)):
        h.answer(32, 0)
    first = h.ea & 0xFFF
    touched: Number = h.eq(size, 0)
    for kind in kinds:
        span = h.at(table, h.wide(kind << 2) + L.WATCH_SPANS)
        start, last = h.word(h.get(16, span, ENGINE)), h.word(h.get(16, h.at(span, 2), ENGINE))
        touched = touched | h.compare("ule", first, last) & h.compare("ugt", first + size, start)
    with h.when(h.eq(touched, 0)):
        h.answer(32, 1)
    cia = h.cia
    tag = h.get(32, h.at(table, h.wide((cia >> 2 & L.DEAF_ENTRIES - 1) << 2) + L.WATCH_DEAF), ENGINE)
    h.answer(32, h.choose(h.ne(size, 0) & h.eq(tag, cia), 1, 2))
    return h.function("@watched", "internal i32", "ptr %s, ptr %op, ptr %t, i32 %ea, i64 %real, i32 %size")


def _slow_access(model: CoreModel, size: int, *, write: bool) -> str:
    """A load or store that missed: refill, a page crossing, a device, a page with ops."""
    h = Helper(model)
    access = STORE if write else LOAD
    with h.when(h.eq(h.variable(L.PENDING), 2 if write else 1)):
        h.set_variable(L.PENDING, 0)
        h.answer(32, 0)
    index, real = h.resolve(h.ea, access, looks=True)
    room = 0x1000 - (h.ea & 0xFFF)
    crossing = h.ltu(room, size)
    watched = h.touches(h.ea, real, size)
    h.give_up(h.eq(watched, 2) | h.ne(watched, 0) & crossing)
    with h.when(h.in_ram(real) ^ 1, rare=True):
        h.give_up(crossing)
        if write:
            h.set_variable(L.VALUE, Value(h, "%value", 64) & (1 << 8 * size) - 1)
        h.serve(size, real, write=write)
        h.set_variable(L.ADDRESS, real)
        h.set_variable(L.SIZE, size)
        h.give_up(1, Left.WRITE if write else Left.READ)
        h.line("unreachable")
    with h.when(h.eq(watched, 0), ends=False):
        h.fill(index, h.ea, real)
    host = h.host(real)
    before, second, ready = h.block, h.label(), h.label()
    h.branch(crossing, second, ready)
    h.place(second)
    other, other_real = h.resolve(h.ea + room, access)
    h.give_up(h.in_ram(other_real) ^ 1)
    h.fill(other, h.ea + room, other_real)
    other_host, behind = h.host(other_real), h.block
    h.goto(ready)
    h.place(ready)
    host2 = h.pointer(f"phi ptr [{host}, %{before}], [{other_host}, %{behind}]")
    real2 = h.phi(64, (real, before), (other_real, behind))
    first = h.choose(crossing, room, size)
    if write:
        _store_and_notice(h, size, (host, host2), (real, real2), first)
    else:
        h.set_variable(L.VALUE, _each_byte(h, size, (host, host2), first, None))
    h.answer(32, 0)
    name, extra = ("@slow_store", ", i64 %value") if write else ("@slow_load", "")
    return h.function(f"{name}{size}", _SLOW, f"{SIGNATURE}, i32 %ea{extra}")


def _store_and_notice(h: Helper, size: int, hosts: tuple[str, str], reals: tuple[Value, Value], first: Number) -> None:
    """The store, and the ops of words that it changed; pages that Python put something into are the interpreter's."""
    value = Value(h, "%value", 64)
    for real in reals:
        ops = h.ops_of(real)
        with h.when(h.ne(ops, 0), ends=False):
            flags = h.get(64, h.at(h.pointer_of(ops), L.PAGE_FLAGS), ENGINE)
            h.give_up(h.ne(flags, 0))
        h.put(8, h.mark_of(real), h.get(8, h.mark_of(real), ENGINE) | L.NOTED, ENGINE)
    _each_byte(h, size, hosts, first, value)
    block = h.engine_block()
    h.line(f"call void @written(ptr {block}, i64 {reals[0].text}, i64 {h.wide(first).text})")
    rest = size - h.wide(first)
    h.line(f"call void @written(ptr {block}, i64 {reals[1].text}, i64 {rest.text})")


def _refill(model: CoreModel, name: str, access: int, *, retire: bool = False) -> str:
    """Make the data TLB hold the page of ``%ea`` if it is RAM and the access is permitted."""
    h = Helper(model)
    index, real = h.resolve(h.ea, access)
    h.give_up(h.in_ram(real) ^ 1)
    if retire:
        _give_up_ops(h, real)
    h.fill(index, h.ea, real)
    h.answer(32, 0)
    return h.function(f"@{name}", _SLOW, f"{SIGNATURE}, i32 %ea")


def _give_up_ops(h: Helper, real: Value) -> None:
    """Let go of a page's ops, unless it is the one that runs, or Python has put something into it."""
    ops = h.ops_of(real)
    with h.when(h.ne(ops, 0), rare=True, ends=False):
        page = h.pointer_of(ops)
        flags = h.get(64, h.at(page, L.PAGE_FLAGS), ENGINE)
        own = h.number_of("%op") & (1 << 64) - L.PAGE_STRIDE
        h.give_up(h.ne(flags | h.variable(L.BREAKPOINTS), 0) | h.eq(own, ops))
        h.line(f"call void @retire(ptr {h.engine_block()}, i64 {real.text})")


def _written(model: CoreModel) -> str:
    """Words of RAM changed: their ops, if there are any, must be decoded again. Breakpoints stay."""
    h = Helper(model).of_engine()
    real, size = Value(h, "%real", 64), Value(h, "%size", 64)
    ops = h.ops_of(real)
    with h.when(h.eq(ops, 0) | h.eq(size, 0)):
        h.line("ret void")
    start, end = (real & 0xFFC) << 2, ((real & 0xFFF) + size - 1 & 0xFFC) << 2
    before, loop, done = h.block, h.label(), h.label()
    h.goto(loop)
    h.place(loop)
    following = h.fresh()
    offset = h.make(f"phi i64 [{start.text}, %{before}], [{following}, %{loop}]", 64)
    op = h.pointer_of(ops + offset)
    handler = h.get_pointer(op)
    stays = h.pointer(f"icmp eq ptr {handler}, {leaving(Left.BREAKPOINT)}")
    h.put_pointer(op, h.pointer(f"select i1 {stays}, ptr {handler}, ptr @undecoded"))
    h.line(f"{following} = add i64 {offset.text}, {L.OP_SIZE}")
    h.branch(h.make(f"icmp ugt i64 {following}, {end.text}", 1), done, loop)
    h.place(done)
    h.line("ret void")
    return h.function("@written", "void", "ptr %e, i64 %real, i64 %size")


def helpers_text(model: CoreModel) -> str:
    """IR of what handlers call for storage."""
    parts = [_find(model), _watched(model), _written(model)]
    parts += [_refill(model, "refill_read", LOAD), _refill(model, "refill_write", STORE)]
    parts.append(_refill(model, "refill_block", STORE, retire=True))
    parts += [_slow_access(model, size, write=write) for size in SIZES for write in (False, True)]
    return "\n".join(parts)
