"""LLVM IR as text: values that behave like numbers, and a writer of instructions.

Knows nothing of the guest. A value of one bit is a flag; together with 32-bit values it widens by itself. Python
integers may stand wherever a value may, so constants fold before any IR exists.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Alias classes: register state, guest RAM, and everything of the engine's own.
STATE, RAM, ENGINE = "!3", "!4", "!7"

PRELUDE = """
declare i16 @llvm.bswap.i16(i16)
declare i32 @llvm.bswap.i32(i32)
declare i64 @llvm.bswap.i64(i64)
declare i32 @llvm.fshl.i32(i32, i32, i32)
declare i32 @llvm.ctlz.i32(i32, i1)
declare i64 @llvm.cttz.i64(i64, i1)
!0 = !{!"ppcdbg"}
!1 = !{!"state", !0}
!2 = !{!"ram", !0}
!3 = !{!1, !1, i64 0}
!4 = !{!2, !2, i64 0}
!5 = !{!"branch_weights", i32 1, i32 100000}
!8 = !{!"branch_weights", i32 100000, i32 1}
!6 = !{!"engine", !0}
!7 = !{!6, !6, i64 0}
"""


class Value:
    """An SSA value of 1, 8, 16, 32 or 64 bits."""

    __slots__ = ("bits", "text", "writer")

    def __init__(self, writer: Writer, text: str, bits: int) -> None:
        self.writer, self.text, self.bits = writer, text, bits

    def __add__(self, other: Any) -> Any:
        return self.writer.binary("add", self, other)

    def __radd__(self, other: Any) -> Any:
        return self.writer.binary("add", self, other)

    def __sub__(self, other: Any) -> Any:
        return self.writer.binary("sub", self, other)

    def __rsub__(self, other: Any) -> Any:
        return self.writer.binary("sub", other, self)

    def __mul__(self, other: Any) -> Any:
        return self.writer.binary("mul", self, other)

    def __rmul__(self, other: Any) -> Any:
        return self.writer.binary("mul", self, other)

    def __and__(self, other: Any) -> Any:
        return self.writer.binary("and", self, other)

    def __rand__(self, other: Any) -> Any:
        return self.writer.binary("and", self, other)

    def __or__(self, other: Any) -> Any:
        return self.writer.binary("or", self, other)

    def __ror__(self, other: Any) -> Any:
        return self.writer.binary("or", self, other)

    def __xor__(self, other: Any) -> Any:
        return self.writer.binary("xor", self, other)

    def __rxor__(self, other: Any) -> Any:
        return self.writer.binary("xor", self, other)

    def __lshift__(self, other: Any) -> Any:
        return self.writer.binary("shl", self, other)

    def __rshift__(self, other: Any) -> Any:
        return self.writer.binary("lshr", self, other)

    def __bool__(self) -> bool:
        raise TypeError("Python cannot decide on a value that exists only when the guest runs")


Number = Any
"""A Value or an int: what arithmetic gives is seen when the function runs, not before."""


def constant(value: int, bits: int) -> str:
    """An integer as IR wants it: signed, and i1 by name."""
    if bits == 1:
        return "true" if value & 1 else "false"
    value &= (1 << bits) - 1
    return str(value - (1 << bits) if value >> bits - 1 else value)


class Writer:
    """Collects the instructions of one function."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._count = 0
        self.block = "entry"

    # --- lines and blocks
    def line(self, text: str) -> None:
        self.lines.append("  " + text)

    def fresh(self) -> str:
        self._count += 1
        return f"%v{self._count}"

    def label(self) -> str:
        self._count += 1
        return f"L{self._count}"

    def place(self, label: str) -> None:
        self.lines.append(f"{label}:")
        self.block = label

    def goto(self, label: str) -> None:
        self.line(f"br label %{label}")

    def branch(self, flag: Number, yes: str, no: str, *, rare: bool = False, usual: bool = False) -> None:
        """Two-way branch; ``rare``: ``yes`` is hardly ever taken, ``usual``: ``no`` is."""
        weights = ", !prof !5" if rare else ", !prof !8" if usual else ""
        self.line(f"br i1 {self.flag(flag)}, label %{yes}, label %{no}{weights}")

    @contextmanager
    def when(self, flag: Number, *, rare: bool = False, ends: bool = True) -> Iterator[None]:
        """What is written inside runs where ``flag`` is 1; ``ends``: it leaves the function by itself."""
        yes, no = self.label(), self.label()
        self.branch(flag, yes, no, rare=rare)
        self.place(yes)
        yield
        if not ends:
            self.goto(no)
        self.place(no)

    # --- values
    def make(self, text: str, bits: int) -> Value:
        name = self.fresh()
        self.lines.append(f"  {name} = {text}")
        return Value(self, name, bits)

    def pointer(self, text: str) -> str:
        name = self.fresh()
        self.lines.append(f"  {name} = {text}")
        return name

    def as_bits(self, value: Number, bits: int) -> str:
        """The text of a value at a width; narrower values are zero-extended, wider ones cut."""
        if isinstance(value, int):
            return constant(value, bits)
        text: str = value.text
        if value.bits == bits:
            return text
        how = "zext" if value.bits < bits else "trunc"
        return self.make(f"{how} i{value.bits} {value.text} to i{bits}", bits).text

    def wide(self, value: Number) -> Value:
        """As 64 bits, zero-extended."""
        return Value(self, self.as_bits(value, 64), 64)

    def word(self, value: Number) -> Value:
        return Value(self, self.as_bits(value, 32), 32)

    def flag(self, value: Number) -> str:
        """The text of an i1: whether the value is not zero."""
        if isinstance(value, int):
            return "true" if value else "false"
        if value.bits == 1:
            return str(value.text)
        return self.make(f"icmp ne i{value.bits} {value.text}, 0", 1).text

    def binary(self, op: str, a: Number, b: Number) -> Number:
        bits = max(a.bits if isinstance(a, Value) else 1, b.bits if isinstance(b, Value) else 1)
        if bits == 1:
            other = b if isinstance(b, int) else a if isinstance(a, int) else 0
            if op not in ("and", "or", "xor") or other not in (0, 1):
                bits = 32
        elif bits < 32:
            bits = 32
        if isinstance(b, int):
            ones = (1 << bits) - 1
            if (op == "and" and b & ones == ones) or (op != "and" and op != "mul" and b & ones == 0):
                return a if isinstance(a, Value) and a.bits == bits else Value(self, self.as_bits(a, bits), bits)
        return self.make(f"{op} i{bits} {self.as_bits(a, bits)}, {self.as_bits(b, bits)}", bits)

    def compare(self, how: str, a: Number, b: Number) -> Value:
        bits = max(a.bits if isinstance(a, Value) else 1, b.bits if isinstance(b, Value) else 1, 32)
        return self.make(f"icmp {how} i{bits} {self.as_bits(a, bits)}, {self.as_bits(b, bits)}", 1)

    def choose(self, flag: Number, a: Number, b: Number) -> Number:
        if isinstance(flag, int):
            return a if flag else b
        bits = max(a.bits if isinstance(a, Value) else 1, b.bits if isinstance(b, Value) else 1)
        bits = bits if bits > 1 else 32
        x, y = self.as_bits(a, bits), self.as_bits(b, bits)
        return self.make(f"select i1 {self.flag(flag)}, i{bits} {x}, i{bits} {y}", bits)

    def phi(self, bits: int, *arms: tuple[Number, str]) -> Value:
        """Values must already have the width; each with the block that it comes from."""
        texts = (f"[{v.text if isinstance(v, Value) else constant(v, bits)}, %{block}]" for v, block in arms)
        return self.make(f"phi i{bits} {', '.join(texts)}", bits)

    # --- memory
    def at(self, base: str, offset: Number) -> str:
        """A pointer ``offset`` bytes behind ``base``; a 32-bit offset is zero-extended."""
        if isinstance(offset, int) and offset == 0:
            return base
        return self.pointer(f"getelementptr i8, ptr {base}, i64 {self.as_bits(offset, 64)}")

    def get(self, bits: int, pointer: str, alias: str) -> Value:
        return self.make(f"load i{bits}, ptr {pointer}, align 1, !tbaa {alias}", bits)

    def get_pointer(self, pointer: str, alias: str = ENGINE) -> str:
        return self.pointer(f"load ptr, ptr {pointer}, align 8, !tbaa {alias}")

    def put(self, bits: int, pointer: str, value: Number, alias: str) -> None:
        self.line(f"store i{bits} {self.as_bits(value, bits)}, ptr {pointer}, align 1, !tbaa {alias}")

    def put_pointer(self, pointer: str, value: str) -> None:
        self.line(f"store ptr {value}, ptr {pointer}, align 8, !tbaa {ENGINE}")

    def swap(self, value: Value) -> Value:
        """Bytes in the other order."""
        if value.bits == 8:
            return value
        return self.make(f"call i{value.bits} @llvm.bswap.i{value.bits}(i{value.bits} {value.text})", value.bits)

    def number_of(self, pointer: str) -> Value:
        return self.make(f"ptrtoint ptr {pointer} to i64", 64)

    def pointer_of(self, number: Number) -> str:
        return self.pointer(f"inttoptr i64 {self.as_bits(number, 64)} to ptr")

    def function(self, name: str, result: str, parameters: str, attributes: str = "nounwind") -> str:
        """The finished function."""
        return f"define {result} {name}({parameters}) {attributes} {{\nentry:\n" + "\n".join(self.lines) + "\n}\n"
