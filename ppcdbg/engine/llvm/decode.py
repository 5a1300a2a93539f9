"""The native decoder: turns the word behind an op into handler and operands, and runs it. Derived from the forms.

It is itself a handler: every op starts as ``@undecoded``.
"""

from __future__ import annotations

from ppcdbg.cpu.models import CoreModel
from ppcdbg.engine.llvm import layout as L
from ppcdbg.engine.llvm.emit import SIGNATURE
from ppcdbg.engine.llvm.layout import Left
from ppcdbg.engine.llvm.text import ENGINE, RAM, Number, Value, constant
from ppcdbg.engine.llvm.threaded import HandlerEmitter, Handlers, HandlerTable, Place, leaving, places
from ppcdbg.isa import slots
from ppcdbg.isa.bits import mask
from ppcdbg.isa.forms import Field, Kind
from ppcdbg.isa.table import TABLE


class DecoderEmitter(HandlerEmitter):
    """Emits ``@undecoded`` for the instructions of a core."""

    def __init__(self, model: CoreModel, tables: list[HandlerTable]) -> None:
        super().__init__(model)
        self._tables = tables
        self.constants: list[str] = []
        self._found: list[tuple[str, str]] = []
        """Block and handler pointer of each way to the end."""

    def emit(self) -> str:
        """The function and its tables."""
        masks = ", ".join(f"i32 {constant(mask(i >> 5, i & 31), 32)}" for i in range(1024))
        self.constants.append(f"@masks = private constant [1024 x i32] [{masks}]")
        self._read_word()
        self._select()
        for i, table in enumerate(self._tables):
            self.place(f"insn{i}")
            self._instruction(i, table)
        self.place("none")
        self._found.append(("none", leaving(Left.INTERPRET)))
        self.goto("done")
        self.place("done")
        arms = ", ".join(f"[{handler}, %{block}]" for block, handler in self._found)
        handler = self.pointer(f"phi ptr {arms}")
        self.put_pointer("%op", handler)
        self.tail(handler, "%op", "%n")
        return "\n".join(self.constants) + "\n" + self.function("@undecoded", "i64", SIGNATURE)

    def _read_word(self) -> None:
        number = self.number_of("%op")
        offset = number & L.PAGE_STRIDE - 1
        page = self.pointer_of(number - offset)
        host = self.get_pointer(self.at(page, L.PAGE_HOST))
        self._offset = self.word(offset >> 2)
        self._word = self.swap(self.get(32, self.at(host, offset >> 2), RAM))

    def _switch(self, value: Value, default: str, arms: list[tuple[int, str]]) -> None:
        cases = " ".join(f"i32 {constant(k, 32)}, label %{label}" for k, label in arms)
        self.line(f"switch i32 {value.text}, label %{default} [{cases}]")

    def _select(self) -> None:
        """By primary opcode, then by the masks of the forms, the most specific first."""
        by_opcode: dict[int, list[int]] = {}
        for i, table in enumerate(self._tables):
            by_opcode.setdefault(table.insn.form.match >> 26, []).append(i)
        self._switch(self._word >> 26, "none", [(opcode, f"opcode{opcode}") for opcode in by_opcode])
        for opcode, indexes in by_opcode.items():
            self.place(f"opcode{opcode}")
            groups: dict[int, list[int]] = {}
            for i in indexes:
                groups.setdefault(self._tables[i].insn.form.mask, []).append(i)
            ordered = sorted(groups, key=lambda bits: -bits.bit_count())
            for position, bits in enumerate(ordered):
                default = f"opcode{opcode}_{position + 1}" if position + 1 < len(ordered) else "none"
                arms = [(self._tables[i].insn.form.match, f"insn{i}") for i in groups[bits]]
                self._switch(self.word(self._word & bits), default, arms)
                if default != "none":
                    self.place(default)

    # --- one instruction -----------------------------------------------------------------------------------------
    def _bits(self, field: Field) -> Value:
        value: Value = self._word >> 31 - field.last & (1 << field.last - field.first + 1) - 1
        return value

    def _instruction(self, i: int, table: HandlerTable) -> None:
        near: Number = 0
        index: Number = 0
        for field in table.static:
            index = index << field.last - field.first + 1 | self._bits(field)
        for place in places(table.insn.form) if table.handlers != (leaving(Left.INTERPRET),) else ():
            if place.field.kind is Kind.WORDS:
                near = self._distance_into_op(place)
            else:
                self._operand_into_op(place)
        if table.has_near:
            if "AA" in table.insn.form.by_name:
                near = near & (self._bits(table.insn.form.by_name["AA"]) ^ 1)
            index = index << 1 | near
        if len(table.handlers) == 1:
            handler = table.handlers[0]
        else:
            entries = ", ".join(f"ptr {h}" for h in table.handlers)
            self.constants.append(f"@table{i} = private constant [{len(table.handlers)} x ptr] [{entries}]")
            handler = self.pointer(
                f"load ptr, ptr {self.at(f'@table{i}', self.wide(index) * 8)}"  # fmt: skip
            )
        self._found.append((self.block, handler))
        self.goto("done")

    def _operand_into_op(self, place: Place) -> None:
        field, pointer = place.field, self.at("%op", place.offset)
        bits = self._bits(field)
        value: Number = bits
        match field.kind:
            case Kind.GPR0:
                value = self.choose(self.eq(bits, 0), slots.ZERO, bits)
            case Kind.CRB:
                self.put(8, self.at(pointer, 1), self.make(f"lshr i32 8, {self.as_bits(bits & 3, 32)}", 32), ENGINE)
                value = (bits >> 2) + slots.CR
            case Kind.SIGNED:
                width = field.last - field.first + 1
                value = self.make(f"ashr i32 {(bits << 32 - width).text}, {32 - width}", 32)
            case Kind.SHIFTED:
                value = bits << 16
            case Kind.MASK:
                value = self.make(f"load i32, ptr {self.at('@masks', self.wide(bits) * 4)}", 32)
            case _:
                value = bits << field.scale
        self.put(8 if place.size == 2 else 8 * place.size, pointer, value, ENGINE)

    def _distance_into_op(self, place: Place) -> Number:
        """Store the operand of a relative jump; whether its target lies in the page."""
        width = place.field.last - place.field.first + 1
        raised = self._bits(place.field) << 32 - width
        distance = self.make(f"ashr i32 {raised.text}, {30 - width}", 32)
        near = self.ltu(self._offset + distance, 0x1000)
        self.put(32, self.at("%op", place.offset), self._jump_operand(distance, near), ENGINE)
        return near

    def _jump_operand(self, distance: Value, near: Number) -> Number:
        """Distance in ops' bytes within a page; else, and for an absolute address, as it is."""
        absolute = self.ne(self._word & 2, 0)
        return self.choose(near & (absolute ^ 1), distance << 2, distance)


def threaded_text(model: CoreModel) -> tuple[str, set[str]]:
    """IR of handlers and decoder of a core model, and the names of the instructions that are always interpreted."""
    handlers = Handlers(model)
    tables = [handlers.table(insn) for insn in TABLE if model.name in insn.cores]
    decoder = DecoderEmitter(model, tables).emit()
    return "\n".join(handlers.text) + decoder, handlers.interpreted
