"""The native handlers: a move emulated, a miss mapped, a device access begun. See :mod:`.code` for what they mirror."""

from __future__ import annotations

from ppcdbg.cpu import interrupts as I
from ppcdbg.cpu import msr as M
from ppcdbg.cpu import shortcuts
from ppcdbg.cpu.models import CoreModel
from ppcdbg.cpu.state import TLB0_ENTRIES
from ppcdbg.engine.llvm import layout as L
from ppcdbg.engine.llvm.emit import SIGNATURE
from ppcdbg.engine.llvm.flow import counting
from ppcdbg.engine.llvm.layout import Left
from ppcdbg.engine.llvm.mmu import ENTRY_BYTES
from ppcdbg.engine.llvm.text import ENGINE, STATE, Number, Value
from ppcdbg.engine.llvm.threaded import leaving
from ppcdbg.isa.bits import M32, M64
from ppcdbg.isa.sprs import SLOT
from ppcdbg.kvm import codes
from ppcdbg.kvm import magic_page as mp
from ppcdbg.kvm import words as W
from ppcdbg.kvm.blocks import EMULATED, MAPPED, MMIO
from ppcdbg.kvm.e500_mmu import (
    MAS1_TS,
    MAS1_TSIZE_MASK,
    MAS1_VALID,
    MAS2_ATTRIB_MASK,
    MAS2_EPN,
    MAS3_ATTRIB_MASK,
    MAS3_SUPER_PERM,
    MAS3_USER_PERM,
    TSIZE_4K,
)
from ppcdbg.kvm.log import WRITES
from ppcdbg.kvm.native.parts import Part
from ppcdbg.kvm.shadow_tlb import MAS8_TGS, REF_MAS2, REF_TLB0, REF_VALID

NOWHERE = M32
_INTERNAL = "internal i64"


# --- searches ----------------------------------------------------------------------------------------------------
def _code(model: CoreModel) -> str:
    """Real address of the instruction at ``%ea`` by the real TLB0, or all ones; ``%wanted``: a permission or 0."""
    h = Part(model)
    first = (h.ea >> 12 & TLB0_ENTRIES // 4 - 1) << 2
    guest = int(model.has_hv)
    pids = [h.reg[SLOT[name]] for name in (("PID",) if guest else ("PID", "PID1"))]
    for way in range(4):
        index = first + way
        mas1, mas2, mas3 = (h.entry_word(index, n) for n in range(3))
        tid = mas1 >> 16 & 0xFF
        owner: Number = h.eq(tid, 0)
        for pid in pids:
            owner = owner | h.eq(tid, pid)
        found = h.ne(mas1 & MAS1_VALID, 0) & h.eq(mas2 & MAS2_EPN, h.ea & MAS2_EPN)
        found = found & h.eq(mas1 >> 12 & 1, Value(h, "%space", 32)) & owner
        with h.when(found):
            wanted = Value(h, "%wanted", 32)
            with h.when(h.eq(mas3 & wanted, 0) & h.ne(wanted, 0), rare=True):
                h.answer(64, M64)
            h.answer(64, h.real(index, h.ea & 0xFFFFFFFC))
    h.answer(64, M64)
    return h.function("@kvm_code", _INTERNAL, "ptr %s, i32 %ea, i32 %space, i32 %wanted")


class _GuestEntry:
    """One entry of the guest's TLB, by its index in the arrays."""

    def __init__(self, h: Part, index: Value) -> None:
        self.index = index
        self.mas1, self.mas2, self.mas7_3 = (
            h.get(64, h.cell(table, index), ENGINE) for table in (W.GUEST_MAS1, W.GUEST_MAS2, W.GUEST_MAS7_3)
        )
        shift = (self.mas1 >> 7 & 0x1F) + 10
        self.size = h.make(f"shl i64 1, {h.as_bits(shift, 64)}", 64)


def _guest(model: CoreModel) -> str:
    """Index of the first guest entry that translates ``%ea``, or NOWHERE (``GuestTlb.search``)."""
    h = Part(model).of_engine()
    h.begin()
    ea, space, pid = h.wide(h.ea), Value(h, "%space", 32), Value(h, "%pid", 32)

    def test(index: Value, wrap: bool) -> None:
        e = _GuestEntry(h, index)
        start, end = e.mas2 & MAS2_EPN, (e.mas2 & MAS2_EPN) + e.size - 1
        end = end & M32 if wrap else end
        tid = h.word(e.mas1 >> 16 & 0xFF)
        hit = h.ne(e.mas1 & MAS1_VALID, 0) & h.compare("ule", start, ea) & h.compare("ule", ea, end)
        hit = hit & (h.eq(tid, 0) | h.eq(tid, pid)) & h.eq(h.word(e.mas1 >> 12) & 1, space)
        with h.when(hit):
            h.answer(32, h.word(index))

    ways = h.w(W.WAYS)
    base = (ea >> 12 & h.w(W.SET_MASK)) * ways
    with counting(h, ways) as way:
        test(base + way, wrap=False)
    outside = h.compare("ugt", h.w(W.TLB1_MIN), ea) | h.compare("ult", h.w(W.TLB1_MAX), ea)
    with h.when(outside):
        h.answer(32, NOWHERE)
    first = _tlb0_entries(h)
    with counting(h, h.w(W.TLB1_ENTRIES)) as esel:
        test(first + esel, wrap=True)
    h.answer(32, NOWHERE)
    return h.function("@kvm_guest", "internal i32", "ptr %e, i32 %ea, i32 %pid, i32 %space")


def _tlb0_entries(h: Part) -> Value:
    entries: Value = (h.w(W.SET_MASK) + 1) * h.w(W.WAYS)
    return entries


# --- shadow entries ----------------------------------------------------------------------------------------------
def _shadow(model: CoreModel) -> str:
    """Make the shadow entry of ``%ea`` through a guest entry: ``ShadowTlb.map`` where it ends in the real TLB0.

    Gives 0, with nothing done, where it does not: a large page of the host, or an identity without a shadow id.
    """
    h = Part(model).of_engine()
    h.begin()
    e = _GuestEntry(h, h.wide(Value(h, "%index", 32)))
    msr = Value(h, "%msr", 32)
    first = _tlb0_entries(h)
    own = h.make(f"icmp ult i64 {e.index.text}, {first.text}", 1)
    with h.when((own ^ 1) & h.eq(h.w(W.SHADOW), 0), rare=True):
        h.answer(32, 0)
    tid: Number = h.word(e.mas1 >> 16 & 0xFF)
    permissions = h.word(e.mas7_3) & MAS3_ATTRIB_MASK
    space: Number = h.word(e.mas1) & MAS1_TS
    mas8: Number = 0
    if h.hv:
        mas8 = h.word(h.w(W.LPID)) | MAS8_TGS
    else:
        user = msr >> 14 & 1
        identity = h.word(e.mas1 >> 12 & 1) << 9 | tid << 1 | user
        tid = h.word(h.get(64, h.cell(W.IDS, identity), ENGINE))
        with h.when(h.eq(tid, 0), rare=True):
            h.answer(32, 0)
        lent = permissions & (MAS3_USER_PERM ^ M32) | (permissions & MAS3_SUPER_PERM) << 1
        permissions = h.word(h.choose(user, permissions, lent)) | MAS3_SUPER_PERM
        space = MAS1_TS
    page, frame, flags = _refer(h, e, own)
    mas2 = page | flags & REF_MAS2
    _write0(h, e, own, (space | tid << 16 | (MAS1_VALID | TSIZE_4K << 7), mas2, frame, permissions, mas8))
    h.answer(32, 1)
    return h.function("@kvm_shadow", "internal i32", "ptr %s, ptr %e, i32 %ea, i32 %gpa, i32 %index, i32 %msr")


def _refer(h: Part, e: _GuestEntry, own: Value) -> tuple[Value, Value, Value]:
    """The reference from guest entry to page frame, noted; gives page, frame and flags.

    An entry of the guest's TLB0 keeps the reference that it has; one of TLB1 gets a new one each time.
    """
    place, frames = h.cell(W.REFERENCES, e.index), h.cell(W.PFNS, e.index)
    flags, frame = h.get(64, place, ENGINE), h.get(64, frames, ENGINE)
    fresh = h.word(e.mas2 & MAS2_ATTRIB_MASK) | h.word(h.w(W.WIMG)) | REF_VALID
    had = h.ne(flags & REF_VALID, 0)
    keeps = own & had
    own_page = h.choose(had, h.ea & MAS2_EPN, h.word(e.mas2) & MAS2_EPN)
    page = h.word(h.choose(own, own_page, h.ea & MAS2_EPN))
    gpa = Value(h, "%gpa", 32)
    new = h.wide(h.choose(own, e.mas7_3 >> 12, h.wide(gpa >> 12)))
    frame = h.wide(h.choose(keeps, frame, new))
    fresh = h.choose(own, fresh, fresh | REF_TLB0)
    flags = h.word(h.choose(keeps, h.word(flags), fresh))
    h.put(64, place, h.wide(flags), ENGINE)
    h.put(64, frames, frame, ENGINE)
    large = (own ^ 1) & h.ne(e.mas1 & MAS1_TSIZE_MASK, TSIZE_4K << 7)
    h.set_w(W.SPLITS, h.w(W.SPLITS) + large)
    return page, frame, flags


def _write0(h: Part, e: _GuestEntry, own: Value, entry: tuple[Number, ...]) -> None:
    """``HostTlb.write0``: the entry goes to the way of the victim hint."""
    mas1, mas2, frame, permissions, mas8 = entry
    way = h.w(W.NEXT_WAY)
    following = way + 1
    h.set_w(W.NEXT_WAY, h.choose(h.ltu(following, h.w(W.HOST_WAYS)), following, 0))
    slot = (h.wide(mas2 >> 12) & h.w(W.HOST_SET_MASK)) * h.w(W.HOST_WAYS) + way
    place = h.at("%s", slot * ENTRY_BYTES + L.TLB)
    old1, old2 = (h.get(32, h.at(place, 4 * n), STATE) for n in (0, 1))
    mas7_3 = frame << 12 | permissions
    for n, value in enumerate((mas1, mas2, h.word(mas7_3), h.word(mas7_3 >> 32), mas8)):
        h.put(32, h.at(place, 4 * n), value, STATE)
    esel = h.choose(own, e.index, e.index - _tlb0_entries(h))
    parent = h.wide(h.choose(own, 0, 1 << 16)) | esel | 1 << 32
    h.put(64, h.cell(W.PARENTS, slot), parent, ENGINE)
    with h.when(h.ne(old1 & MAS1_VALID, 0), ends=False):
        h.line(f"call void @invalidate(ptr %e, i32 {h.word(old2 & MAS2_EPN).text})")
    h.line(f"call void @invalidate(ptr %e, i32 {h.word(mas2 & MAS2_EPN).text})")
    h.set_w(W.FILLS, h.w(W.FILLS) + 1)


# --- the exits ---------------------------------------------------------------------------------------------------
def _tenant(model: CoreModel) -> str:
    """Which exit it is; Python's unless the vcpu is ready, its log has room, and a handler is here."""
    h = Part(model)
    h.begin()
    h.python(h.eq(h.w(W.READY), 0))
    h.python(h.eq(h.w(W.LOG_COUNT), W.ROOM))
    h.python(h.ne(h.saved()[1] & M.MSR_WE, 0))
    if not model.has_hv:
        page = h.pointer_of(h.w(W.PAGE))
        for n in range(4):
            h.python(h.ne(h.get(64, h.at(page, mp.SPRG4 + 8 * n), ENGINE), h.w(W.SPRGS + n)))
    vector = h.variable(L.VECTOR)
    targets = [(I.DTLB_MISS, "@kvm_data"), (I.ITLB_MISS, "@kvm_fetch")]
    targets += [] if model.has_hv else [(I.PROGRAM, "@kvm_emulate")]
    for number, target in targets:
        with h.when(h.eq(vector, number)):
            h.tail(target, "null", "%n")
    h.tail(leaving(Left.EXIT), "null", "%n")
    return h.function("@tenant", _INTERNAL, SIGNATURE)


def _miss(model: CoreModel, vector: int, name: str) -> str:
    """A TLB miss of the guest's: RAM behind a guest entry is mapped, a device goes on in ``@kvm_access``."""
    h = Part(model)
    h.begin()
    data = vector == I.DTLB_MISS
    pc, msr = h.saved()
    ea = h.word(h.reg[SLOT["DEAR"]]) if data else pc
    if data and not h.hv:
        h.python(h.eq(ea & MAS2_EPN, h.word(h.w(W.MAGIC_EA)) & MAS2_EPN))
    pid = h.word(h.reg[SLOT["PID"]] if h.hv else h.w(W.GUEST_PID)) & 0xFF
    space = msr >> (4 if data else 5) & 1
    block = h.engine_block()
    index = h.make(f"call i32 @kvm_guest(ptr {block}, i32 {ea.text}, i32 {pid.text}, i32 {space.text})", 32)
    h.python(h.eq(index, NOWHERE))
    e = _GuestEntry(h, h.wide(index))
    gpa = e.mas7_3 & (M64 ^ 0xFFF) | h.wide(ea) & (e.size - 1)
    ram = h.ltu(gpa, h.w(W.MEMORY_SIZE))
    instruction: Number = h.word(h.w(W.LAST_INST))
    if data:
        instruction = h.instruction(pc, msr)
        with h.when(ram ^ 1, rare=True):
            _access(h, gpa, pc, msr, instruction)
    else:
        h.python(ram ^ 1)
    low = h.word(gpa)
    made = h.make(
        f"call i32 @kvm_shadow(ptr %s, ptr {block}, i32 {ea.text}, i32 {low.text}, i32 {index.text}, i32 {msr.text})",
        32,
    )
    h.python(h.eq(made, 0))
    dear, esr = _capture(h, data, msr, instruction)
    tick = h.tick()
    h.book(tick)
    exit_type = codes.DTLB_VIRT_MISS_EXITS if data else codes.ITLB_VIRT_MISS_EXITS
    cost = h.w(W.SWITCH_COST) + h.w(W.MAP_COST)
    first = _tlb0_entries(h)
    own = h.make(f"icmp ult i64 {h.wide(index).text}, {first.text}", 1)
    esel = h.choose(own, index, index - h.word(first))
    did = (MAPPED, ea, low, own ^ 1, esel, codes.RESUME_GUEST, exit_type, h.word(cost))
    h.row(tick, vector, (pc, msr, dear, esr, instruction), did)
    h.close(tick, vector, "dtlb_virt_miss_exits" if data else "itlb_virt_miss_exits", exit_type, cost, 0)
    h.enter(pc, msr)
    h.tail("@switch", "null", "%n")
    return h.function(name, _INTERNAL, SIGNATURE)


def _capture(h: Part, data: bool, msr: Value, instruction: Number) -> tuple[Value, Value]:
    """What the world switch saves of the exit; DEAR and ESR as they then are."""
    if h.hv:
        h.set_field(mp.MSR, h.wide(msr), 64)
    if data:
        h.set_w(W.FAULT_DEAR, h.wide(h.reg[SLOT["DEAR"]]))
        h.set_w(W.FAULT_ESR, h.wide(h.reg[SLOT["ESR"]]))
        h.set_w(W.LAST_INST, h.wide(instruction))
    return h.word(h.w(W.FAULT_DEAR)), h.word(h.w(W.FAULT_ESR))


def _known(h: Part, word: Value, first: int, last: int) -> tuple[Value, str]:
    """How an instruction is handled, and where its count lies; Python's where it is not known as one of some kinds."""
    size = 8 * W.KNOWN_WORDS
    at = h.wide(word * W.KNOWN_FACTOR >> W.KNOWN_SHIFT) * size
    table = h.pointer_of(h.w(W.KNOWN))
    here = h.eq(h.word(h.get(64, h.at(table, at), ENGINE)), word)
    entry = h.at(table, h.wide(h.choose(here, at, at ^ size)))
    found = h.get(64, entry, ENGINE)
    how = h.word(found >> 32)
    fits = h.eq(h.word(found), word) & h.compare("ule", (how & 15) - first, last - first)
    h.python(fits ^ 1)
    return how, h.at(entry, 8)


def _emulate(model: CoreModel) -> str:
    """PR mode: a privileged move between a GPR and the shared page (``emulate.emulate``)."""
    h = Part(model)
    h.begin()
    pc, msr = h.saved()
    h.python(h.ne(msr & (M.MSR_PR | M.MSR_GS), 0))
    word = h.instruction(pc, msr)
    how, times = _known(h, word, W.GET, W.NOTHING)
    kind, register, exit_type, offset = how & 15, h.wide(how >> 4 & 31), how >> 9 & 31, h.wide(how >> 16 & 0xFF)
    h.set_w(W.FAULT_ESR, h.wide(h.reg[SLOT["ESR"]]))
    h.set_w(W.LAST_INST, h.wide(word))
    tick = h.tick()
    h.book(tick)
    with h.when(h.eq(kind, W.GET), ends=False):
        h.gpr[register] = h.field(offset)
    value = h.word(h.gpr[register])
    with h.when(h.eq(kind, W.SET), ends=False):
        h.set_field(offset, value)
    with h.when(h.eq(kind, W.SET_DOUBLE), ends=False):
        h.set_field(offset, h.wide(value), 64)
    immediate = h.eq(kind, W.EE_IMMEDIATE)
    with h.when(immediate | h.eq(kind, W.EE), ends=False):
        chosen = h.choose(immediate, h.choose(h.ne(offset, 0), M.MSR_EE, 0), value & M.MSR_EE)
        h.set_field(mp.MSR, h.wide(msr & (M.MSR_EE ^ M32) | chosen), 64)
    h.put(64, times, h.get(64, times, ENGINE) + 1, ENGINE)
    cost = h.w(W.SWITCH_COST) + h.w(W.EMULATE_COST)
    did = (EMULATED, h.choose(immediate, 0, value), immediate ^ 1, 0, 0, codes.RESUME_GUEST_NV, exit_type, h.word(cost))
    h.row(tick, I.PROGRAM, (pc, msr, h.w(W.FAULT_DEAR), h.w(W.FAULT_ESR), word), did)
    h.close(tick, I.PROGRAM, "emulated_inst_exits", exit_type, cost, 1)
    h.enter(h.word(pc + 4), msr)
    h.tail("@switch", "null", h._spend().text)
    return h.function("@kvm_emulate", _INTERNAL, SIGNATURE)


def _access(h: Part, gpa: Value, pc: Value, msr: Value, word: Value) -> None:
    """A load or store to a device: the whole exit, where the engine may serve it, else all of it but the device."""
    in_kernel = h.ltu(gpa - h.w(W.KERNEL_BASE), h.w(W.KERNEL_SIZE))
    h.python(h.eq(h.w(W.MMIO), 0) | h.ne(gpa >> 36, 0) | in_kernel)
    how, _ = _known(h, word, W.LOAD, W.STORE)
    register, size = h.wide(how >> 4 & 31), how >> 16 & 0xF
    writes = h.eq(how & 15, W.STORE)
    dear, esr = _capture(h, True, msr, word)
    tick = h.tick()
    h.book(tick)
    mask = h.make(f"lshr i32 -1, {(32 - (size << 3)).text}", 32)
    stored = h.choose(writes, h.word(h.gpr[register]) & mask, 0)
    what = size | h.choose(writes, WRITES, 0)
    h.set_variable(L.VALUE, h.wide(stored))
    served = _served(h, gpa, size, writes)
    value = h.word(h.choose(served, h.word(h.variable(L.VALUE)), stored))
    with h.when(served & (writes ^ 1), ends=False):
        h.gpr[register] = value
    cost = h.w(W.SWITCH_COST) + h.w(W.EMULATE_COST) + h.w(W.USERSPACE_COST)
    did = (MMIO, h.word(gpa), value, what, h.word(gpa >> 32), codes.RESUME_HOST_NV, codes.MMIO_EXITS, h.word(cost))
    h.row(tick, I.DTLB_MISS, (pc, msr, dear, esr, word), did)
    h.close(tick, I.DTLB_MISS, "mmio_exits", codes.MMIO_EXITS, cost, 1)
    h.enter(h.word(pc + 4), msr)
    with h.when(served):
        h.tail("@switch", "null", h._spend().text)
    h.set_w(W.ACCESS, register)
    h.tail(leaving(Left.TENANT), "null", h._spend().text)


def _served(h: Part, gpa: Value, size: Value, writes: Value) -> Value:
    """Whether the engine did the access. The instruction has advanced when the device sees it."""
    key = gpa | h.wide(size) << 40 | h.wide(h.choose(writes, shortcuts.key(0, write=True), 0))
    position = h.retired() + 1
    done = h.make(f"call i32 @serve(ptr {h.engine_block()}, i64 {key.text}, i64 {position.text})", 32)
    return h.compare("ne", done, 0)


def handlers_text(model: CoreModel) -> str:
    """IR of this file's functions."""
    parts = [_code(model), _guest(model), _shadow(model), _tenant(model)]
    parts += [_miss(model, I.DTLB_MISS, "@kvm_data"), _miss(model, I.ITLB_MISS, "@kvm_fetch")]
    if not model.has_hv:
        parts.append(_emulate(model))
    return "\n".join(parts)
