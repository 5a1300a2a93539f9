"""Tier 1: a region as one LLVM function, with the signature of a handler, entered by overwriting its entries' ops.

Registers stay in the state block, so a fault needs nothing undone. The budget is checked where a region is entered and
at each jump backwards; between two checks no instruction runs twice, so it cannot be overrun. Whatever is not plain
sailing (a miss of the software TLB, a page whose translation is not the compiled one) goes on in tier 0.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ppcdbg.cpu.models import CoreModel
from ppcdbg.engine.llvm import layout as L
from ppcdbg.engine.llvm.context import ContextEmitter
from ppcdbg.engine.llvm.discover import Region, Step
from ppcdbg.engine.llvm.emit import SIGNATURE, NotEmitted
from ppcdbg.engine.llvm.jobs import Surroundings
from ppcdbg.engine.llvm.layout import PAGE, Left
from ppcdbg.engine.llvm.text import ENGINE, STATE, Number, Value, constant
from ppcdbg.isa import slots
from ppcdbg.isa.bits import M32
from ppcdbg.isa.insn import Insn


def pointer(address: int) -> str:
    """A host address as an IR constant."""
    return f"inttoptr (i64 {address} to ptr)"


def operands(insn: Insn, word: int) -> SimpleNamespace:
    """What a body gets as ``f``: numbers."""
    return SimpleNamespace(**{field.name: field.operand(word) for field in insn.form.fields})


class RegionEmitter(ContextEmitter):
    """Emits one region."""

    def __init__(self, model: CoreModel, region: Region, around: Surroundings) -> None:
        super().__init__(model)
        self._region, self._around = region, around
        self.cia = 0
        self._done = 0  # instructions of this block before the present one
        self._length = 0  # instructions of this block
        self._jumped = False
        self._returning = False

    # --- position -------------------------------------------------------------------------------------------------
    @property
    def nia(self) -> Number:
        return self.cia + 4 & M32

    def _left(self, done: int) -> Value:
        """Instructions left after ``done`` of this block."""
        budget = self.make("load i64, ptr %budget", 64)
        return Value(self, (budget - done).text, 64)

    def retired(self) -> Value:
        limit = self.get(64, self.at(self.engine_block(), L.LIMIT), ENGINE)
        value: Value = limit - self._left(self._done)
        return value

    # --- leaving --------------------------------------------------------------------------------------------------
    def helper(self, name: str) -> str:
        return pointer(self._around.helpers[name])

    def _tail(self, function: str, op: str, left: str) -> None:
        result = self.fresh()
        self.line(f"{result} = musttail call i64 {function}(ptr %s, ptr {op}, ptr %t, i64 {left})")
        self.line(f"ret i64 {result}")

    def _below(self, address: int, left: Value) -> None:
        """Go on in tier 0 at an address of the present page; never back into this region at once."""
        op = pointer(self._around.op(address))
        known = self._around.handlers.get(address)
        self._tail(pointer(known) if known is not None else self.get_pointer(op), op, left.text)

    def leave(self, why: Left) -> None:
        self._below(self.cia, self._left(self._done))

    def leave_rest(self) -> None:
        raise NotEmitted("acts")

    def refuse(self, vector: int, esr: int = 0) -> None:
        self.leave(Left.INTERPRET)

    def leave_slowly(self) -> None:
        self.leave(Left.INTERPRET)

    def missed(self, helper: str, arguments: str) -> bool:
        self.leave(Left.INTERPRET)
        return False

    def go_to(self, target: Number) -> None:
        raise NotEmitted("changes the context")

    def look(self) -> None:
        raise NotEmitted("may let an interrupt in")

    def system_call(self, level: int) -> None:
        raise NotEmitted("sc")

    def instruction_sync(self) -> None:
        raise NotEmitted("isync")

    def program(self, esr: int, when: Number = 1) -> None:
        if isinstance(when, int) and when:
            raise NotEmitted("always a program interrupt")
        with self.when(when, rare=True):
            self.leave(Left.INTERPRET)

    # --- going on -------------------------------------------------------------------------------------------------
    def _settle(self) -> None:
        """Count the block."""
        self.line(f"store i64 {self._left(self._length).text}, ptr %budget")

    def _to(self, target: int) -> None:
        """Jump to a known address; ends the block."""
        inside = target in self._region.blocks
        if target & PAGE != self.cia & PAGE:
            self.reg[slots.PC] = target
            if not inside:
                self._dispatch(target)
                return
            self._same_mapping(target)
        left = self._left(0)
        if not inside:
            op = pointer(self._around.op(target))
            self._tail(self.get_pointer(op), op, left.text)
        elif target <= self.cia:
            self._backwards(target, left)
        else:
            self.goto(f"at{target:x}")

    def _backwards(self, target: int, left: Value) -> None:
        spent = self.compare("ule", left, self._region.length)
        out = self.label()
        self.branch(spent, out, f"at{target:x}", rare=True)
        self.place(out)
        self._below(target, left)

    def _same_mapping(self, target: int) -> None:
        """Leave unless the set maps the page of ``target`` to the op page that the region was made from."""
        index = target >> 12 & L.SET_FETCH_ENTRIES - 1
        entry = self.at("%t", L.SET_FETCH + 16 * index)
        tag = self.get(32, entry, ENGINE)
        page = self.get(64, self.at(entry, 8), ENGINE)
        good = self.eq(tag, target & PAGE) & self.eq(page, self._around.op_pages[target & PAGE])
        with self.when(good ^ 1, rare=True):
            self._tail(self.helper("fetch"), "null", self._left(0).text)

    def _dispatch(self, target: Number) -> None:
        """To any address of the present context; PC is written. Ends the block."""
        word = self.word(target)
        left = self._left(0)
        index = word >> 8 & (L.SET_FETCH_ENTRIES - 1 << 4)
        entry = self.at("%t", self.wide(index) + L.SET_FETCH)
        with self.when(self.ne(self.get(32, entry, ENGINE), word & PAGE), rare=True):
            self._tail(self.helper("fetch"), "null", left.text)
        page = self.get_pointer(self.at(entry, 8))
        op = self.at(page, self.wide(word & 0xFFC) << 2)
        self._tail(self.get_pointer(op), op, left.text)

    def _split(self, when: Number) -> None:
        """Where ``when`` is 0, on to the next instruction."""
        if isinstance(when, int):
            assert when
            return
        yes, no = self.label(), self.label()
        self.branch(when, yes, no)
        self.place(no)
        self._to(self.nia)
        self.place(yes)

    def jump_relative(self, offset: Number, when: Number = 1) -> None:
        self.jump(self.cia + offset & M32, when)

    def jump(self, target: Number, when: Number = 1) -> None:
        self._jumped = True
        self._settle()
        self._split(when)
        if isinstance(target, int):
            self._to(target & 0xFFFFFFFC)
            return
        self._through_register(self.word(target))

    def _through_register(self, target: Value) -> None:
        """Straight to where calls of the region return to, or to its roots; anywhere else by the set's map."""
        known = self._region.returns if self._returning else self._region.targets
        cases = [(place, self.label()) for place in known]
        elsewhere = self.label()
        arms = " ".join(f"i32 {constant(place, 32)}, label %{label}" for place, label in cases)
        self.line(f"switch i32 {target.text}, label %{elsewhere} [{arms}]")
        for place, label in cases:
            self.place(label)
            self._to(place)
        self.place(elsewhere)
        self.reg[slots.PC] = target
        if not self._returning:
            self._note_stray(target)
        self._dispatch(target)

    def _note_stray(self, target: Value) -> None:
        """Remember a target that the region might have held."""
        block = self.engine_block()
        count = self.get(64, self.at(block, L.STRAYS), ENGINE)
        self.put(64, self.at(block, L.STRAYS), count + 1, ENGINE)
        place = self.at(block, self.wide(target >> 2 & L.STRAY_ENTRIES - 1) * 8 + L.STRAY_TABLE)
        self.put(32, place, self.cia, ENGINE)
        self.put(32, self.at(place, 4), target, ENGINE)

    # --- the function ---------------------------------------------------------------------------------------------
    def emit(self, name: str) -> str:
        """IR of the region."""
        self.line("%budget = alloca i64")
        self.line("store i64 %n, ptr %budget")
        cases = " ".join(f"i64 {self._around.op(e)}, label %enter{e:x}" for e in self._region.entries)
        number = self.number_of("%op")
        page = self.get(32, self.at("%s", L.PC), STATE) & PAGE
        self.line(f"switch i64 {number.text}, label %enter{self._region.entries[0]:x} [{cases}]")
        for entry in self._region.entries:
            self.place(f"enter{entry:x}")
            wrong = self.ne(page, entry & PAGE) | self.compare("ule", Value(self, "%n", 64), self._region.length)
            self.branch(wrong, f"below{entry:x}", f"at{entry:x}", rare=True)
            self.place(f"below{entry:x}")
            self._tail(pointer(self._around.handlers[entry]), "%op", "%n")
        for address, block in self._region.blocks.items():
            self._block(address, block)
        return self.function(f"@{name}", "i64", SIGNATURE.replace("ptr %s", "ptr noalias %s"))

    def _block(self, address: int, block: tuple[Step, ...]) -> None:
        self.place(f"at{address:x}")
        self._jumped = False
        self._length = len(block)
        for number, step in enumerate(block):
            self.cia, self._done = step.address, number
            if step.insn is None:
                self._below(step.address, self._left(number))
                return
            self._returning = step.insn.name == "bclr"
            self.check_privilege(step.insn)
            step.insn.body(self, operands(step.insn, step.word))
        if not self._jumped:
            self._settle()
            self._to(self.nia)


def usable(model: CoreModel, insn: Insn, word: int) -> bool:
    """Whether a region can hold an instruction: its body is tried."""
    if not insn.native:
        return False
    nowhere = Region({}, (), (), ())
    emitter = RegionEmitter(model, nowhere, Surroundings(_Anything(), {}, _Anything()))
    try:
        emitter.check_privilege(insn)
        insn.body(emitter, operands(insn, word))
    except NotEmitted:
        return False
    return True


class _Anything(dict[Any, int]):
    """Answers for the trial of a body, whose IR is thrown away."""

    def __missing__(self, key: Any) -> int:
        return 8
