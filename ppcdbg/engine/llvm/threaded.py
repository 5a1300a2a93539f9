"""Tier 0: one handler per instruction and combination of static operands, each ending in a jump to the next op's.

A handler takes its operands from the op. Handlers that come out alike are one. Read next: :mod:`.decode`, which fills
ops in, and :mod:`.mmu`, whose helpers do what the inline software TLB cannot.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace

from ppcdbg.cpu import interrupts as I
from ppcdbg.cpu.models import CoreModel
from ppcdbg.engine.llvm import layout as L
from ppcdbg.engine.llvm.context import ContextEmitter
from ppcdbg.engine.llvm.emit import SIGNATURE, CrBit, NotEmitted
from ppcdbg.engine.llvm.layout import Left
from ppcdbg.engine.llvm.text import ENGINE, STATE, Number, Value
from ppcdbg.isa import slots
from ppcdbg.isa.forms import Field, Form, Kind
from ppcdbg.isa.insn import Insn
from ppcdbg.isa.sprs import sprs_of

WIDEST_TABLE = 10  # bits of static operands for which every combination gets an entry
_WORDS = (Kind.SIGNED, Kind.SHIFTED, Kind.WORDS, Kind.MASK)


def leaving(why: Left) -> str:
    """The helper that comes back to Python; it has a handler's signature and serves as one."""
    return f"@leave_{why.name.lower()}"


@dataclass(frozen=True)
class Place:
    """Where an operand lies in the op: byte offset and size; a CR bit takes two bytes, its slot and its mask."""

    field: Field
    offset: int
    size: int


def places(form: Form) -> tuple[Place, ...]:
    """Where the dynamic operands of a form lie in its ops."""
    found = []
    byte = 0
    word = False
    for field in form.fields:
        if field.static:
            continue
        if field.kind in _WORDS or field.last - field.first >= 8:
            assert not word, f"{form.name} has two long operands"
            found.append(Place(field, L.OP_OPERANDS + 4, 4))
            word = True
        else:
            size = 2 if field.kind is Kind.CRB else 1
            found.append(Place(field, L.OP_OPERANDS + byte, size))
            byte += size
    assert byte <= (4 if word else 8), f"the operands of {form.name} do not fit an op"
    return tuple(found)


class HandlerEmitter(ContextEmitter):
    """Emits one handler. ``near``: a relative jump stays in the page, and its operand is the distance in op bytes.

    ``twin``: the handler that does the instruction when the software TLB misses, calling helpers. A handler that leaves
    misses to its twin calls nothing, so that it needs no stack.
    """

    def __init__(self, model: CoreModel, *, near: bool = False, twin: str = "") -> None:
        super().__init__(model)
        self._near = near
        self._twin = twin
        self.calls = False
        self.ended = False
        self._unreachable = False

    # --- operands ------------------------------------------------------------------------------------------------
    def operands(self, form: Form, static: dict[str, int]) -> SimpleNamespace:
        """What a body gets as ``f``."""
        values: dict[str, object] = dict(static)
        for place in places(form):
            values[place.field.name] = self._operand(place)
        return SimpleNamespace(**values)

    def _operand(self, place: Place) -> object:
        pointer = self.at("%op", place.offset)
        kind = place.field.kind
        if kind is Kind.CRB:
            mask = self.get(8, self.at("%op", place.offset + 1), ENGINE)
            return CrBit(self.wide(self.get(8, pointer, ENGINE)), self.word(mask))
        value = self.get(8 * place.size, pointer, ENGINE)
        return self.wide(value) if kind in (Kind.GPR, Kind.GPR0, Kind.FPR, Kind.CRF) else self.word(value)

    # --- position ------------------------------------------------------------------------------------------------
    @property
    def cia(self) -> Value:
        page = self.get(32, self.at("%s", L.PC), STATE) & 0xFFFFF000
        offset = (self.number_of("%op") & L.PAGE_STRIDE - 1) >> 2
        address: Value = page + self.word(offset)
        return address

    @property
    def nia(self) -> Value:
        following: Value = self.cia + 4
        return following

    def retired(self) -> Value:
        limit = self.get(64, self.at(self.engine_block(), L.LIMIT), ENGINE)
        value: Value = limit - Value(self, "%n", 64)
        return value

    # --- leaving -------------------------------------------------------------------------------------------------
    def helper(self, name: str) -> str:
        return f"@{name}"

    def tail(self, function: str, op: str, n: str) -> None:
        """Jump to a function of a handler's signature; ends the block."""
        result = self.fresh()
        self.line(f"{result} = musttail call i64 {function}(ptr %s, ptr {op}, ptr %t, i64 {n})")
        self.line(f"ret i64 {result}")

    def leave(self, why: Left) -> None:
        self.tail(leaving(why), "%op", "%n")

    def leave_rest(self) -> None:
        self.leave(Left.INTERPRET)
        self.ended = True
        self._unreachable = True  # as is what the body still writes
        self.place(self.label())

    def refuse(self, vector: int, esr: int = 0) -> None:
        self._raise(vector, esr, "@raise")

    def _raise(self, vector: int, esr: int, how: str) -> None:
        block = self.engine_block()
        self.put(64, self.at(block, L.VECTOR), vector, ENGINE)
        self.put(64, self.at(block, L.ESR), esr, ENGINE)
        self.tail(how, "%op", "%n")

    def leave_slowly(self) -> None:
        self.tail("@leave_slowly", "%op", "%n")

    def missed(self, helper: str, arguments: str) -> bool:
        if self._twin:
            self.tail(self._twin, "%op", "%n")
            return False
        self.calls = True
        return super().missed(helper, arguments)

    # --- going on ------------------------------------------------------------------------------------------------
    def _spend(self) -> Value:
        return self.make("sub i64 %n, 1", 64)

    def _next(self, op: str) -> None:
        """Count this instruction and run ``op``, or stop there."""
        left = self._spend()
        with self.when(self.eq(left, 0), rare=True):
            self.tail(leaving(Left.LIMIT), op, left.text)
        self.tail(self.get_pointer(op), op, left.text)

    def finish(self) -> None:
        """Go on at the next op, unless the body has gone elsewhere."""
        if not self.ended:
            self._next(self.at("%op", L.OP_SIZE))
        elif self._unreachable:
            self.line("unreachable")

    def look(self) -> None:
        following = self.at("%op", L.OP_SIZE)
        with self.when(self.pending(), rare=True):
            self.tail(leaving(Left.ATTENTION), following, self._spend().text)

    def go_to(self, target: Number) -> None:
        self.reg[slots.PC] = target
        self.tail("@switch", "null", self._spend().text)
        self.ended = True

    def _unless(self, when: Number) -> bool:
        """Where ``when`` is 0 the handler ends at the next op; True if it never goes on after that."""
        if isinstance(when, int):
            if not when:
                self._next(self.at("%op", L.OP_SIZE))
            return not when
        yes, no = self.label(), self.label()
        self.branch(when, yes, no)
        self.place(no)
        self._next(self.at("%op", L.OP_SIZE))
        self.place(yes)
        return False

    def jump_relative(self, offset: Number, when: Number = 1) -> None:
        if not self._near:
            self.jump(self.cia + offset, when)
            return
        self.ended = True
        if self._unless(when):
            return
        distance = self.make(f"sext i32 {self.as_bits(offset, 32)} to i64", 64)
        self._next(self.at("%op", distance))

    def jump(self, target: Number, when: Number = 1) -> None:
        self.ended = True
        if self._unless(when):
            return
        self.dispatch(target, self._spend())

    def dispatch(self, target: Number, left: Value) -> None:
        """Run the instruction at an effective address of the present context; ends the block."""
        self.reg[slots.PC] = target
        with self.when(self.eq(left, 0), rare=True):
            self.tail(leaving(Left.LIMIT), "null", left.text)
        self.enter_page(target, left)

    def enter_page(self, target: Number, left: Value) -> None:
        """As ``dispatch``, when PC is written and something is left."""
        word = self.word(target)
        index = word >> 8 & (L.SET_FETCH_ENTRIES - 1 << 4)
        entry = self.at("%t", self.wide(index) + L.SET_FETCH)
        tag = self.get(32, entry, ENGINE)
        with self.when(self.ne(tag, word & 0xFFFFF000), rare=True):
            self.tail("@fetch", "null", left.text)
        page = self.get_pointer(self.at(entry, 8))
        op = self.at(page, self.wide(word & 0xFFC) << 2)
        self.tail(self.get_pointer(op), op, left.text)

    # --- traps and calls -----------------------------------------------------------------------------------------
    def program(self, esr: int, when: Number = 1) -> None:
        if isinstance(when, int):
            if when:
                self.refuse(I.PROGRAM, esr)
                self.ended = True
            return
        with self.when(when, rare=True):
            self.refuse(I.PROGRAM, esr)

    def system_call(self, level: int) -> None:
        self._raise(I.HV_SYSCALL if level & 1 and self.model.has_hv else I.SYSCALL, 0, "@call")
        self.ended = True

    def instruction_sync(self) -> None:
        """Ops are dropped when their words are written, so there is nothing left to do."""


@dataclass(frozen=True)
class HandlerTable:
    """The handlers of one instruction: indexed by its static operands' bits, the last bit saying ``near``."""

    insn: Insn
    static: tuple[Field, ...]
    has_near: bool
    handlers: tuple[str, ...]


class Handlers:
    """All handlers of a core model; ``text`` is their IR."""

    def __init__(self, model: CoreModel) -> None:
        self._model = model
        self._names: dict[str, str] = {}
        self.text: list[str] = []
        self.interpreted: set[str] = set()

    def table(self, insn: Insn) -> HandlerTable:
        """Emit what is new of an instruction and give its table."""
        static = tuple(f for f in insn.form.fields if f.static)
        near = any(f.kind is Kind.WORDS for f in insn.form.fields)
        if not insn.native or sum(f.last - f.first + 1 for f in static) > WIDEST_TABLE:
            self.interpreted.add(insn.name)
            return HandlerTable(insn, (), False, (self._interpreting(insn),))
        names = []
        for operands in _combinations(insn, static):
            for is_near in (False, True) if near else (False,):
                wanted = _wanted(operands, self._model) and not (is_near and operands.get("AA"))
                names.append(self._handler(insn, operands, is_near) if wanted else leaving(Left.INTERPRET))
        if len(set(names)) == 1:
            return HandlerTable(insn, (), False, (names[0],))
        return HandlerTable(insn, static, near, tuple(names))

    def _interpreting(self, insn: Insn) -> str:
        """A handler that looks whether the instruction may run at all, and leaves it to the interpreter if so."""
        emitter = HandlerEmitter(self._model)
        try:
            emitter.check_privilege(insn)
        except NotEmitted:
            return leaving(Left.INTERPRET)
        emitter.leave(Left.INTERPRET)
        return self._named(insn, emitter)

    def _handler(self, insn: Insn, static: dict[str, int], near: bool) -> str:
        try:
            whole = self._emit(insn, static, near, "")
            if not whole.calls:
                return self._named(insn, whole)
            return self._named(insn, self._emit(insn, static, near, self._named(insn, whole)))
        except NotEmitted:
            return leaving(Left.INTERPRET)

    def _emit(self, insn: Insn, static: dict[str, int], near: bool, twin: str) -> HandlerEmitter:
        emitter = HandlerEmitter(self._model, near=near, twin=twin)
        emitter.check_privilege(insn)
        insn.body(emitter, emitter.operands(insn.form, static))
        emitter.finish()
        return emitter

    def _named(self, insn: Insn, emitter: HandlerEmitter) -> str:
        """The name of a handler with this body, which may be another instruction's."""
        body = "\n".join(emitter.lines)
        name = self._names.get(body)
        if name is None:
            name = self._names[body] = f"@op{len(self._names)}_{insn.name.replace('.', '_')}"
            self.text.append(emitter.function(name, "internal i64", SIGNATURE))
        return name


def _combinations(insn: Insn, static: tuple[Field, ...]) -> Iterator[dict[str, int]]:
    """Static operands for each value of the static bits, counting up with the last field lowest."""
    bits = [f.last - f.first + 1 for f in static]
    for index in range(1 << sum(bits)):
        raw = {}
        rest = index
        for field, width in zip(reversed(static), reversed(bits)):
            raw[field.name] = rest & (1 << width) - 1
            rest >>= width
        word = insn.form.encode(**raw)
        yield {f.name: f.operand(word) for f in static}


def _wanted(static: dict[str, int], model: CoreModel) -> bool:
    """Leave out what only bad code uses, and all but the usual of the 256 forms of mtcrf."""
    if "SPR" in static and static["SPR"] not in sprs_of(model.name):
        return False
    fields = static.get("FXM")
    return fields is None or fields.bit_count() == 1 or fields in (0xFF, 0x38, 0x30, 0x20 | 0x80)
