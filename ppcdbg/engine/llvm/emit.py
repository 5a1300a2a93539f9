"""The vocabulary of :mod:`ppcdbg.isa.ops` on IR values: arithmetic and registers.

What differs between a handler of the threaded interpreter and a compiled region (where operands come from, how the
function is left, how control goes on) is abstract here. Read next: :mod:`.storage`, :mod:`.context`, :mod:`.threaded`.
"""

from __future__ import annotations

from ppcdbg.cpu.models import CoreModel
from ppcdbg.cpu.state import FPR_OFFSET
from ppcdbg.engine.llvm.layout import Left
from ppcdbg.engine.llvm.text import STATE, Number, Value, Writer
from ppcdbg.isa import slots
from ppcdbg.isa.bits import rotate_left, sign_extend

SIGNATURE = "ptr %s, ptr %op, ptr %t, i64 %n"
"""Every handler and region: state block, op, set of translations, instructions left."""


class NotEmitted(Exception):
    """This body, with these static operands, is left to the interpreter."""


class CrBit:
    """A CR bit chosen by an operand: which field, and the mask within it."""

    def __init__(self, field: Value, mask: Value) -> None:
        self.field, self.mask = field, mask


class Registers:
    """A register array of the vocabulary: ``width`` bits a register from byte ``base`` of the state block."""

    def __init__(self, emitter: Emitter, base: int, width: int = 32) -> None:
        self._emitter, self._base, self._width = emitter, base, width

    def _pointer(self, index: Number) -> str:
        e, size = self._emitter, self._width // 8
        if isinstance(index, int):
            return e.at("%s", self._base + index * size)
        return e.at("%s", e.wide(index) * size + self._base)

    def __getitem__(self, index: Number) -> Number:
        if isinstance(index, int) and index == slots.ZERO and self._width == 32 and self._base == 0:
            return 0
        return self._emitter.get(self._width, self._pointer(index), STATE)

    def __setitem__(self, index: Number, value: Number) -> None:
        self._emitter.put(self._width, self._pointer(index), value, STATE)


class Emitter(Writer):
    """Emits bodies. ``cia`` and ``nia`` are values where a subclass says so."""

    def __init__(self, model: CoreModel) -> None:
        super().__init__()
        self.model = model
        self.reg = Registers(self, 0)
        self.gpr = Registers(self, 0)
        self.cr = Registers(self, slots.CR * 4)
        self.fpr = Registers(self, FPR_OFFSET, 64)

    # --- what a subclass provides --------------------------------------------------------------------------------
    def helper(self, name: str) -> str:
        """What to call a helper of the tier-0 object by."""
        raise NotImplementedError

    def leave(self, why: Left) -> None:
        """Come back to Python before this instruction; ends the block."""
        raise NotImplementedError

    def refuse(self, vector: int, esr: int = 0) -> None:
        """The instruction takes a synchronous interrupt, nothing of it done; ends the block."""
        raise NotImplementedError

    def leave_slowly(self) -> None:
        """As ``leave``, for the reason that a storage helper noted; ends the block."""
        raise NotImplementedError

    # --- arithmetic ----------------------------------------------------------------------------------------------
    def eq(self, a: Number, b: Number) -> Number:
        return self.compare("eq", a, b)

    def ne(self, a: Number, b: Number) -> Number:
        return self.compare("ne", a, b)

    def ltu(self, a: Number, b: Number) -> Number:
        return self.compare("ult", a, b)

    def lts(self, a: Number, b: Number) -> Number:
        return self.compare("slt", a, b)

    def select(self, flag: Number, a: Number, b: Number) -> Number:
        return self.choose(flag, a, b)

    def _shift(self, how: str, a: Number, count: Number) -> Number:
        wide = self.make(f"{how} i64 {self.as_bits(a, 64)}, {self.as_bits(count, 64)}", 64)
        return self.word(wide)

    def shl(self, a: Number, count: Number) -> Number:
        return self._shift("shl", a, count)

    def shr(self, a: Number, count: Number) -> Number:
        return self._shift("lshr", a, count)

    def sar(self, a: Number, count: Number) -> Number:
        wide = self.make(f"sext i32 {self.as_bits(a, 32)} to i64", 64)
        return self._shift("ashr", wide, count)

    def rotl(self, a: Number, count: Number) -> Number:
        if isinstance(a, int) and isinstance(count, int):
            return rotate_left(a, count)
        x = self.as_bits(a, 32)
        return self.make(f"call i32 @llvm.fshl.i32(i32 {x}, i32 {x}, i32 {self.as_bits(count, 32)})", 32)

    def clz(self, a: Number) -> Number:
        return self.make(f"call i32 @llvm.ctlz.i32(i32 {self.as_bits(a, 32)}, i1 false)", 32)

    def _extend(self, a: Number, bits: int) -> Number:
        if isinstance(a, int):
            return sign_extend(a, bits)
        return self.make(f"sext i{bits} {self.as_bits(a, bits)} to i32", 32)

    def sext8(self, a: Number) -> Number:
        return self._extend(a, 8)

    def sext16(self, a: Number) -> Number:
        return self._extend(a, 16)

    def bswap16(self, a: Number) -> Number:
        return self.word(self.swap(Value(self, self.as_bits(a, 16), 16)))

    def bswap32(self, a: Number) -> Number:
        return self.swap(self.word(a))

    def _multiply_high(self, how: str, a: Number, b: Number) -> Number:
        x, y = (self.make(f"{how} i32 {self.as_bits(v, 32)} to i64", 64) for v in (a, b))
        return self.word(x * y >> 32)

    def mulhu(self, a: Number, b: Number) -> Number:
        return self._multiply_high("zext", a, b)

    def mulhs(self, a: Number, b: Number) -> Number:
        return self._multiply_high("sext", a, b)

    def divu(self, a: Number, b: Number) -> Number:
        zero = self.eq(b, 0)
        divisor = self.choose(zero, 1, b)
        quotient = self.make(f"udiv i32 {self.as_bits(a, 32)}, {self.as_bits(divisor, 32)}", 32)
        return self.choose(zero, 0, quotient)

    def divs(self, a: Number, b: Number) -> Number:
        bad = self.eq(b, 0) | self.eq(a, 0x80000000) & self.eq(b, 0xFFFFFFFF)
        divisor = self.choose(bad, 1, b)
        quotient = self.make(f"sdiv i32 {self.as_bits(a, 32)}, {self.as_bits(divisor, 32)}", 32)
        sign = self.make(f"ashr i32 {self.as_bits(a, 32)}, 31", 32)
        return self.choose(bad, sign, quotient)

    def add_carry(self, a: Number, b: Number, carry: Number) -> tuple[Number, Number]:
        total = self.wide(a) + self.wide(b) + self.wide(carry)
        return self.word(total), self.word(total >> 32)

    def record(self, value: Number) -> None:
        positive = self.choose(self.ne(value, 0), 4, 2)
        self.reg[slots.CR] = self.choose(self.lts(value, 0), 8, positive) | self.reg[slots.SO]

    # --- condition register bits ---------------------------------------------------------------------------------
    def cr_bit(self, bit: CrBit | int) -> Number:
        if isinstance(bit, int):
            return self.ne(self.cr[bit >> 2] & 8 >> (bit & 3), 0)
        return self.ne(self.reg[bit.field] & bit.mask, 0)

    def set_cr_bit(self, bit: CrBit | int, value: Number) -> None:
        field, mask = (slots.CR + (bit >> 2), 8 >> (bit & 3)) if isinstance(bit, int) else (bit.field, bit.mask)
        cleared = self.reg[field] & (mask ^ 0xFFFFFFFF)
        self.reg[field] = cleared | self.choose(value, mask, 0)
