"""Native helpers of control: entering compiled code and coming back, fetch, op pages, forgetting translations and code.

Functions with a handler's signature go on by jumping; those that Python calls take the engine's block.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ppcdbg.cpu import interrupts as I
from ppcdbg.cpu import msr as M
from ppcdbg.cpu.models import CoreModel
from ppcdbg.cpu.state import RETIRED
from ppcdbg.engine.llvm import layout as L
from ppcdbg.engine.llvm.emit import SIGNATURE
from ppcdbg.engine.llvm.layout import Left
from ppcdbg.engine.llvm.mmu import FETCH, SIZES, Helper
from ppcdbg.engine.llvm.text import ENGINE, STATE, Number, Value
from ppcdbg.engine.llvm.threaded import leaving
from ppcdbg.isa import slots
from ppcdbg.isa.sprs import SLOT

HANDLER = "i64"
EXPORTS = (
    *("enter", "resume", "invalidate", "forget", "written", "op_page", "undecoded", "fetch", "switch", "leave_slowly"),
    *(f"slow_{what}{n}" for what in ("load", "store") for n in SIZES),
    *("refill_read", "refill_write", "refill_block"),
    *(f"leave_{why.name.lower()}" for why in Left),
)


@contextmanager
def counting(h: Helper, count: Number) -> Iterator[Value]:
    """A loop over 0..count-1, at least once; gives the index (64 bits)."""
    before, loop, done = h.block, h.label(), h.label()
    h.goto(loop)
    h.place(loop)
    following, back = h.fresh(), h.label()
    index = h.make(f"phi i64 [0, %{before}], [{following}, %{back}]", 64)
    yield index
    h.goto(back)
    h.place(back)
    h.line(f"{following} = add i64 {index.text}, 1")
    h.branch(h.eq(Value(h, following, 64), h.wide(count)), done, loop)
    h.place(done)


def _leave(model: CoreModel, name: str, why: Left | None) -> str:
    h = Helper(model)
    e = h.engine_block()
    if why is None:
        with h.when(h.eq(h.get(64, h.at(e, L.STATUS), ENGINE), int(Left.RAISE))):
            h.tail("@raise", "%op", "%n")
    h.put_pointer(h.at(e, L.OP), "%op")
    h.put(64, h.at(e, L.N), h.n, ENGINE)
    h.answer(64, int(why) if why is not None else h.get(64, h.at(e, L.STATUS), ENGINE))
    return h.function(name, HANDLER, SIGNATURE)


def _invalidate(model: CoreModel) -> str:
    """Forget one effective page in every set that may have it."""
    h = Helper(model).of_engine()
    page = Value(h, "%page", 32)
    base, place = h.variable(L.SETS), h.present(page)
    start, before, loop, some, done = h.get(32, place, ENGINE), h.block, h.label(), h.label(), h.label()
    h.goto(loop)
    h.place(loop)
    back, rest, kept = h.label(), h.fresh(), h.fresh()
    left = h.make(f"phi i32 [{start.text}, %{before}], [{rest}, %{back}]", 32)
    stay = h.make(f"phi i32 [0, %{before}], [{kept}, %{back}]", 32)
    h.branch(h.eq(left, 0), done, some)
    h.place(some)
    number = h.make(f"call i64 @llvm.cttz.i64(i64 {h.as_bits(left, 64)}, i1 false)", 64)
    bit = left & (0 - left)
    still = _drop(h, h.pointer_of(base + number * L.SET_SIZE), page)
    h.goto(back)
    h.place(back)
    h.line(f"{rest} = xor i32 {left.text}, {bit.text}")
    h.line(f"{kept} = or i32 {stay.text}, {h.choose(still, bit, 0).text}")
    h.goto(loop)
    h.place(done)
    h.put(32, place, stay, ENGINE)
    h.line("ret void")
    return h.function("@invalidate", "void", "ptr %e, i32 %page")


def _drop(h: Helper, one: str, page: Value) -> Number:
    """Forget a page in one set; whether the set keeps something that PRESENT counts with the same page."""
    data = h.at(one, h.wide(page >> 8 & (L.SET_DATA_ENTRIES - 1 << 4)) + L.SET_DATA)
    still: Number = 0
    for offset in (0, 4):
        tag = h.get(32, h.at(data, offset), ENGINE)
        tag = h.word(h.choose(h.eq(tag & 0xFFFFF000, page), L.NO_TAG, tag))
        h.put(32, h.at(data, offset), tag, ENGINE)
        still = still | h.ne(tag, L.NO_TAG)
    code = h.at(one, h.wide(page >> 8 & (L.SET_FETCH_ENTRIES - 1 << 4)) + L.SET_FETCH)
    tag = h.get(32, code, ENGINE)
    tag = h.word(h.choose(h.eq(tag & 0xFFFFF000, page), L.NO_TAG, tag))
    h.put(32, code, tag, ENGINE)
    alike = h.eq((tag ^ page) >> 12 & L.SET_DATA_ENTRIES - 1, 0)
    return still | h.ne(tag, L.NO_TAG) & alike


def _forget(model: CoreModel) -> str:
    """Forget the ops of one real page."""
    h = Helper(model).of_engine()
    h.line("call void @written(ptr %e, i64 %real, i64 4096)")
    h.line("ret void")
    return h.function("@forget", "void", "ptr %e, i64 %real")


def _protect(model: CoreModel) -> str:
    """A real page becomes code: take away its write tags, so that stores to it are noticed."""
    h = Helper(model).of_engine()
    base, host = h.variable(L.SETS), Value(h, "%host", 64)
    with counting(h, h.variable(L.SET_COUNT) * L.SET_DATA_ENTRIES) as number:
        place = base + (number >> 10) * L.SET_SIZE + (number & L.SET_DATA_ENTRIES - 1) * 16 + L.SET_DATA
        entry = h.pointer_of(place)
        tag = h.get(32, h.at(entry, 4), ENGINE)
        there = h.get(64, h.at(entry, 8), ENGINE) + h.wide(tag)
        h.put(32, h.at(entry, 4), h.choose(h.eq(there, host), L.NO_TAG, tag), ENGINE)
    h.line("ret void")
    assert L.SET_DATA_ENTRIES == 1024
    return h.function("@protect", "internal void", "ptr %e, i64 %host", "noinline nounwind")


def _room(h: Helper) -> Value:
    """Address of an unused op page: one that was given up, else the next of the slab."""
    free = h.variable(L.FREE_PAGES)
    again, new, ready = h.label(), h.label(), h.label()
    h.branch(h.ne(free, 0), again, new)
    h.place(again)
    h.set_variable(L.FREE_PAGES, h.get(64, h.at(h.pointer_of(free), L.PAGE_HOST), ENGINE))
    h.goto(ready)
    h.place(new)
    fresh = h.variable(L.SLAB_NEXT)
    with h.when(h.eq(fresh, h.variable(L.SLAB_END)), rare=True):
        h.line("ret ptr null")
    h.set_variable(L.SLAB_NEXT, fresh + L.PAGE_STRIDE)
    behind = h.block
    h.goto(ready)
    h.place(ready)
    return h.phi(64, (free, again), (fresh, behind))


def _retire(model: CoreModel) -> str:
    """Give up the op page of a real page: no set may name it any more."""
    h = Helper(model).of_engine()
    real = Value(h, "%real", 64)
    table = h.at(h.pointer_of(h.variable(L.PAGE_OPS)), (real >> 12) * 8)
    page, base = h.get(64, table, ENGINE), h.variable(L.SETS)
    with counting(h, h.variable(L.SET_COUNT) * L.SET_FETCH_ENTRIES) as number:
        place = base + (number >> 8) * L.SET_SIZE + (number & L.SET_FETCH_ENTRIES - 1) * 16 + L.SET_FETCH
        entry = h.pointer_of(place)
        tag = h.get(32, entry, ENGINE)
        there = h.get(64, h.at(entry, 8), ENGINE)
        h.put(32, entry, h.choose(h.eq(there, page), L.NO_TAG, tag), ENGINE)
    assert L.SET_FETCH_ENTRIES == 256
    h.put(64, h.at(h.pointer_of(page), L.PAGE_HOST), h.variable(L.FREE_PAGES), ENGINE)
    h.set_variable(L.FREE_PAGES, page)
    h.put(64, table, 0, ENGINE)
    h.line("ret void")
    return h.function("@retire", "internal void", "ptr %e, i64 %real", "noinline nounwind")


def _op_page(model: CoreModel) -> str:
    """The op page of a real page, made when there is none; null when there is no room for it."""
    h = Helper(model).of_engine()
    real = Value(h, "%real", 64)
    table = h.at(h.pointer_of(h.variable(L.PAGE_OPS)), (real >> 12) * 8)
    known = h.get(64, table, ENGINE)
    with h.when(h.ne(known, 0)):
        h.line(f"ret ptr {h.pointer_of(known)}")
    fresh = _room(h)
    page = h.pointer_of(fresh)
    with counting(h, L.OPS_PER_PAGE) as number:
        h.put_pointer(h.at(page, number * L.OP_SIZE), "@undecoded")
    h.put_pointer(h.at(page, L.CROSS_OP), "@cross")
    host = h.variable(L.RAM) + (real & 0xFFFFFFFFFFFFF000)
    h.put(64, h.at(page, L.PAGE_HOST), host, ENGINE)
    h.put(64, h.at(page, L.PAGE_REAL), real & 0xFFFFFFFFFFFFF000, ENGINE)
    h.put(64, h.at(page, L.PAGE_FLAGS), 0, ENGINE)
    h.put(64, table, fresh, ENGINE)
    mark = h.mark_of(real)
    flags = h.get(8, mark, ENGINE)
    with h.when(h.ne(flags & L.WRITTEN, 0), ends=False):
        h.line(f"call void @protect(ptr %e, i64 {host.text})")
        h.put(8, mark, flags & L.NOTED, ENGINE)
    h.line(f"ret ptr {page}")
    return h.function("@op_page", "ptr", "ptr %e, i64 %real", "noinline nounwind")


def _fetch(model: CoreModel) -> str:
    """Run the instruction at PC: the set's map of pages, else the architected TLB, else Python."""
    h = Helper(model)
    pc = h.word(h.reg[slots.PC])
    entry = h.at("%t", h.wide(pc >> 8 & (L.SET_FETCH_ENTRIES - 1 << 4)) + L.SET_FETCH)
    go, miss = h.label(), h.label()
    h.branch(h.eq(h.get(32, entry, ENGINE), pc & 0xFFFFF000), go, miss)
    h.place(miss)

    def refuse(flag: Number, why: Left = Left.FETCH) -> None:
        with h.when(flag, rare=True):
            h.tail(leaving(why), "null", "%n")

    refuse(h.ne(h.variable(L.BREAKPOINTS), 0))
    index = h.make(f"call i32 @find(ptr %s, ptr %t, i32 {pc.text}, i32 1)", 32)
    for flag, vector in ((h.eq(index, 0xFFFFFFFF), I.ITLB_MISS), (None, I.INST_STORAGE)):
        with h.when(flag if flag is not None else h.may(index, FETCH) ^ 1, rare=True):
            _fetch_interrupt(h, vector)
    real = h.real(index, pc)
    refuse(h.in_ram(real) ^ 1)
    page = h.pointer(f"call ptr @op_page(ptr {h.engine_block()}, i64 {real.text})")
    refuse(h.make(f"icmp eq ptr {page}, null", 1), Left.FULL)
    h.put(32, entry, pc & 0xFFFFF000, ENGINE)
    h.put_pointer(h.at(entry, 8), page)
    h.note_present(pc)
    h.goto(go)
    h.place(go)
    ops = h.get_pointer(h.at(entry, 8))
    op = h.at(ops, h.wide(pc & 0xFFC) << 2)
    h.tail(h.get_pointer(op), op, "%n")
    return h.function("@fetch", HANDLER, SIGNATURE)


def _fetch_interrupt(h: Helper, vector: int) -> None:
    """PC already holds the address to save."""
    log_full = h.eq(h.variable(L.LOG_COUNT), L.LOG_LENGTH)
    with h.when(h.eq(h.variable(L.NATIVE_INTERRUPTS), 0) | log_full, rare=True):
        h.tail(leaving(Left.FETCH), "null", "%n")
    h.set_variable(L.VECTOR, vector)
    h.set_variable(L.ESR, 0)
    h.tail("@interrupt", "null", "%n")


def _cross(model: CoreModel) -> str:
    """The op after a page's last word."""
    h = Helper(model)
    pc = (h.word(h.reg[slots.PC]) & 0xFFFFF000) + 0x1000
    h.reg[slots.PC] = pc
    h.enter_page(pc, h.n)
    return h.function("@cross", "internal i64", SIGNATURE)


def _switch(model: CoreModel) -> str:
    """Go on at PC after MSR changed: budget, interrupts, then the set of the new context."""
    h = Helper(model)
    with h.when(h.eq(h.n, 0), rare=True):
        h.tail(leaving(Left.LIMIT), "null", "%n")
    waits = h.ne(h.word(h.reg[slots.MSR]) & M.MSR_WE, 0)
    with h.when(h.pending() | waits, rare=True):
        h.tail(leaving(Left.ATTENTION), "null", "%n")
    chosen = h.next_set()
    with h.when(h.eq(chosen, 0), rare=True):
        h.tail(leaving(Left.CONTEXT), "null", "%n")
    result = h.fresh()
    h.line(f"{result} = musttail call i64 @fetch(ptr %s, ptr null, ptr {h.pointer_of(chosen)}, i64 %n)")
    h.line(f"ret i64 {result}")
    return h.function("@switch", HANDLER, SIGNATURE)


def _key(h: Helper) -> Value:
    """The PIDs and LPID as one number."""
    parts = [h.wide(h.reg[SLOT[name]]) << 16 * i for i, name in enumerate(("PID", "PID1", "PID2", "LPID"))]
    key: Value = parts[0] | parts[1] | parts[2] | parts[3]
    return key


def _enter(model: CoreModel, name: str, *, look: bool) -> str:
    """Run from PC up to an absolute count; ``look``: first see whether an interrupt is pending.

    PC and the count of retired instructions are exact when it returns.
    """
    h = Helper(model).of_engine()
    limit = Value(h, "%limit", 64)
    h.line(f"%s = load ptr, ptr {h.at('%e', L.STATE)}, align 8, !tbaa {ENGINE}")
    counter = h.at("%s", L.COUNTERS + 8 * RETIRED)
    budget = limit - h.get(64, counter, STATE)
    with h.when(h.make(f"icmp sle i64 {budget.text}, 0", 1), rare=True):
        h.answer(64, int(Left.LIMIT))
    with h.when(h.ne(h.variable(L.FLUSH), 0), rare=True):
        h.answer(64, int(Left.FLUSH))
    if look:
        waits = h.ne(h.word(h.reg[slots.MSR]) & M.MSR_WE, 0) | h.ne(h.reg[slots.WAITING], 0)
        with h.when(h.pending() | waits, rare=True):
            h.answer(64, int(Left.ATTENTION))
    with h.when(h.ne(h.variable(L.KEY), _key(h)), rare=True):
        h.answer(64, int(Left.CONTEXT))
    chosen = h.next_set()
    with h.when(h.eq(chosen, 0), rare=True):
        h.answer(64, int(Left.CONTEXT))
    h.set_variable(L.LIMIT, limit)
    why = h.make(f"call i64 @fetch(ptr %s, ptr null, ptr {h.pointer_of(chosen)}, i64 {budget.text})", 64)
    h.put(64, counter, limit - h.variable(L.N), STATE)
    op = h.variable(L.OP)
    with h.when(h.ne(op, 0), ends=False):
        page = h.word(h.reg[slots.PC]) & 0xFFFFF000
        h.reg[slots.PC] = page + h.word((op & L.PAGE_STRIDE - 1) >> 2)
    h.answer(64, why)
    return h.function(f"@{name}", "i64", "ptr %e, i64 %limit")


def flow_text(model: CoreModel) -> str:
    """IR of all helpers of this file."""
    leaves = [_leave(model, leaving(why), why) for why in Left]
    helpers = (_invalidate, _forget, _protect, _retire, _op_page, _fetch, _cross, _switch)
    parts = [*leaves, _leave(model, "@leave_slowly", None), *(helper(model) for helper in helpers)]
    return "\n".join([*parts, _enter(model, "enter", look=True), _enter(model, "resume", look=False)])
