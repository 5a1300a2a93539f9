"""Expressions, checked and compiled: conditions, filters, addresses and ``print`` all come through here.

Values are C's integers: registers and memory are unsigned unless cast, and the usual conversions apply, so that
``$r3 == -1`` and ``dear >= 0xc0000000`` mean what they mean in C. Fields of an exit record may have several values
(an exit may queue two interrupts): ``==`` then asks for any of them. There is no eval: a tree becomes closures over a
``Scope``, which knows registers, symbols, memory and the record at hand and never changes anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ppcdbg.debugger.syntax import (
    S32,
    U32,
    U64,
    Binary,
    Cast,
    Name,
    Node,
    Number,
    Register,
    Text,
    Type,
    Unary,
    parse,
)  # fmt: skip
from ppcdbg.errors import UsageError

Scalar = int | str
Values = tuple[Scalar, ...]


class Scope(Protocol):
    """Where an expression lives. Unknown names are found when it is compiled, unreadable memory when it runs."""

    def has_register(self, name: str) -> bool: ...
    def register(self, name: str) -> int: ...
    def register_type(self, name: str) -> Type:
        """u32 for a register; a variable of the debugger keeps the type that it was given."""

    def register_names(self) -> list[str]: ...
    def symbol(self, name: str) -> int | None: ...
    def nearest(self, name: str) -> str:
        """The known name that is most like an unknown one, or an empty string."""

    def load(self, address: int, size: int) -> int:
        """Memory at an effective address, unsigned; raises UsageError where it cannot be read."""

    def field(self, name: str) -> Callable[[], Values] | None:
        """A reader of a field of the record at hand, or None for an unknown name."""

    def constant(self, field: str, name: str) -> Scalar | None:
        """What a bare name means beside ``field``: ``DTLB_MISS`` beside ``exit``, ``reflect`` beside ``did``."""


@dataclass(frozen=True, slots=True)
class Value:
    """A result: an integer with its C type, or text (then ``type`` is u32 and has no meaning)."""

    value: Scalar
    type: Type

    @property
    def number(self) -> int:
        """The integer; raises UsageError for text."""
        if isinstance(self.value, str):
            raise UsageError(f"{self.value!r} is text; a number is needed here")
        return self.value


@dataclass(frozen=True, slots=True)
class _Code:
    """A compiled node. ``many`` marks a field with several values."""

    run: Callable[[], int]
    type: Type
    many: Callable[[], Values] | None = None
    text: str | None = None
    field: str = ""
    name: str = ""  # the bare name that was written
    unknown: bool = False  # a name that can only mean something beside a field


class Compiled:
    """An expression bound to one scope; it may be evaluated any number of times."""

    def __init__(self, text: str, code: _Code) -> None:
        self.text = text
        self._code = code

    @property
    def type(self) -> Type:
        """The C type of the value, known without evaluating."""
        return self._code.type

    def value(self) -> Value:
        """Raises UsageError for memory that cannot be read or a division by zero."""
        code = self._code
        if code.text is not None:
            return Value(code.text, U32)
        if code.many is not None:
            values = code.many()
            first = values[0] if values else 0
            return Value(first, code.type)
        return Value(code.run(), code.type)

    def all_values(self) -> Values:
        """Every value of a field that has several; one value otherwise."""
        return self._code.many() if self._code.many is not None else (self.value().value,)

    def true(self) -> bool:
        """The condition's outcome; a field with several values is true when any is not zero and not empty."""
        code = self._code
        if code.many is not None:
            return any(code.many())
        return bool(code.run())


def compile_expression(text: str, scope: Scope) -> Compiled:
    """Parse and bind. Raises UsageError with one sentence for bad grammar and unknown names."""
    return compile_node(parse(text), text, scope)


def compile_node(node: Node, text: str, scope: Scope) -> Compiled:
    """The same of one part of a text that was parsed before."""
    compiler = _Compiler(text, scope)
    return Compiled(text, compiler.resolved(compiler.code(node)))


def evaluate(text: str, scope: Scope) -> Value:
    """The value of an expression now."""
    return compile_expression(text, scope).value()


def wrap(value: int, kind: Type) -> int:
    """``value`` converted to a type, as C converts."""
    bits = 32 if kind.pointer else kind.bits
    value &= (1 << bits) - 1
    if kind.signed and not kind.pointer and value >> (bits - 1):
        value -= 1 << bits
    return value


def _promoted(kind: Type) -> Type:
    if kind.pointer:
        return U32
    return S32 if kind.bits < 32 else kind


def _common(a: Type, b: Type) -> Type:
    """C11 6.3.1.8, for the widths that there are."""
    a, b = _promoted(a), _promoted(b)
    if a.bits == b.bits:
        return a if not a.signed else b
    return a if a.bits > b.bits else b


class _Compiler:
    """Turns a tree into closures; one instance an expression."""

    def __init__(self, text: str, scope: Scope) -> None:
        self.text, self.scope = text, scope

    def code(self, node: Node) -> _Code:
        match node:
            case Number():
                return self.number(node)
            case Text():
                return _Code(self.not_a_number(node.value), U32, text=node.value)
            case Register():
                return self.register(node)
            case Name():
                return self.bare(node)
            case Cast():
                return self.cast(node)
            case Unary():
                return self.unary(node)
            case Binary():
                return self.binary(node)

    def number(self, node: Number) -> _Code:
        value = wrap(node.value, node.type)
        return _Code(lambda: value, node.type)

    def not_a_number(self, text: str) -> Callable[[], int]:
        def run() -> int:
            raise UsageError(f"{text!r} is text; a number is needed there in {self.text!r}")

        return run

    def register(self, node: Register) -> _Code:
        name = node.name.lower()
        if not self.scope.has_register(name):
            raise UsageError(f"there is no register ${node.name}{_hint(self.scope.nearest('$' + node.name))}")
        read = self.scope.register
        return _Code(lambda: read(name), self.scope.register_type(name))

    def bare(self, node: Name) -> _Code:
        """A field first, then a symbol, then a register; otherwise a constant that waits for a field beside it."""
        read = self.scope.field(node.name.lower())
        if read is not None:
            return _Code(_first(read, node.name), U64, many=read, field=node.name.lower())
        address = self.scope.symbol(node.name)
        if address is not None:
            return _Code(lambda: address, U32, name=node.name)
        lower = node.name.lower()
        if self.scope.has_register(lower):
            register = self.scope.register
            return _Code(lambda: register(lower), U32, name=node.name)
        return _Code(lambda: 0, U32, name=node.name, unknown=True)

    def resolved(self, code: _Code) -> _Code:
        """Refuses a name that no field beside it has given a meaning."""
        if code.unknown:
            raise UsageError(f"nothing is called {code.name!r}{_hint(self.scope.nearest(code.name))}")
        return code

    def cast(self, node: Cast) -> _Code:
        inner, kind = self.resolved(self.code(node.operand)), node.type
        run = inner.run
        return _Code(lambda: wrap(run(), kind), kind)

    def unary(self, node: Unary) -> _Code:
        inner = self.resolved(self.code(node.operand))
        run, kind = inner.run, _promoted(inner.type)
        match node.operator:
            case "*":
                return self.dereference(inner)
            case "&":
                if not inner.name:
                    raise UsageError(f"'&' in {self.text!r} needs a symbol after it")
                return inner
            case "!":
                many = inner.many
                return _Code((lambda: int(not any(many()))) if many else lambda: int(not run()), S32)
            case "-":
                return _Code(lambda: wrap(-run(), kind), kind)
            case "~":
                return _Code(lambda: wrap(~run(), kind), kind)
            case _:
                return _Code(run, kind)

    def dereference(self, inner: _Code) -> _Code:
        kind = Type(inner.type.bits, inner.type.signed) if inner.type.pointer else U32
        load, run, size = self.scope.load, inner.run, kind.bits // 8
        return _Code(lambda: wrap(load(run() & 0xFFFFFFFF, size), kind), kind)

    def binary(self, node: Binary) -> _Code:
        left, right = self.code(node.left), self.code(node.right)
        operator = node.operator
        if operator in ("==", "!="):
            field_code = self.match_field(left, right, operator)
            if field_code is not None:
                return field_code
        left, right = self.resolved(left), self.resolved(right)
        if operator in ("&&", "||"):
            a, b = _truth(left), _truth(right)
            return _Code((lambda: int(a() and b())) if operator == "&&" else (lambda: int(a() or b())), S32)
        if operator in _COMPARE and (left.many or right.many):
            return self.compare_many(left, right, operator)
        return _arithmetic(operator, left, right, self.text)

    def match_field(self, left: _Code, right: _Code, operator: str) -> _Code | None:
        """``exit == DTLB_MISS``, ``did == map``, ``cause == "mfspr*"``, and fields with several values."""
        if not left.many and right.many:
            left, right = right, left
        if not left.many:
            return None
        many = left.many
        if right.name and (constant := self.scope.constant(left.field, right.name)) is not None:
            wanted: Callable[[], Values] = lambda: (constant,)  # noqa: E731
        elif right.text is not None:
            text = right.text
            wanted = lambda: (text,)  # noqa: E731
        elif right.many:
            wanted = right.many
        else:
            if right.unknown:
                hint = _hint(self.scope.nearest(right.name))
                raise UsageError(f"{left.field} is never {right.name!r}{hint}")
            run = right.run
            wanted = lambda: (run() & 0xFFFFFFFFFFFFFFFF,)  # noqa: E731
            if right.type.bits <= 32:
                wanted = lambda: (run() & 0xFFFFFFFF,)  # noqa: E731
        positive = operator == "=="
        return _Code(lambda: int(_meet(many(), wanted()) is positive), S32)

    def compare_many(self, left: _Code, right: _Code, operator: str) -> _Code:
        """``<`` and the like: true when it holds for any of the values; numbers only."""
        compare, kind = _COMPARE[operator], _common(left.type, right.type)
        a, b = _numbers(left, kind), _numbers(right, kind)
        return _Code(lambda: int(any(compare(x, y) for x in a() for y in b())), S32)


def _first(read: Callable[[], Values], name: str) -> Callable[[], int]:
    def run() -> int:
        for value in read():
            if isinstance(value, int):
                return value
        raise UsageError(f"{name} has no numeric value here")

    return run


def _truth(code: _Code) -> Callable[[], bool]:
    many, run = code.many, code.run
    if many is not None:
        return lambda: any(many())
    return lambda: bool(run())


def _numbers(code: _Code, kind: Type) -> Callable[[], list[int]]:
    many, run = code.many, code.run
    if many is None:
        return lambda: [wrap(run(), kind)]
    return lambda: [v for v in many() if isinstance(v, int)]


def _meet(found: Values, wanted: Values) -> bool:
    return any(_same(a, b) for a in found for b in wanted)


def _same(value: Scalar, wanted: Scalar) -> bool:
    if isinstance(value, str) and isinstance(wanted, str):
        return _like(value.lower(), wanted.lower())
    return value == wanted


def _like(text: str, pattern: str) -> bool:
    """``*`` stands for anything; linear in time, unlike a general glob with many stars."""
    parts = pattern.split("*")
    if len(parts) == 1:
        return text == pattern
    if not text.startswith(parts[0]) or not text.endswith(parts[-1]):
        return False
    at, end = len(parts[0]), len(text) - len(parts[-1])
    for part in parts[1:-1]:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return at <= end


_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


def _arithmetic(operator: str, left: _Code, right: _Code, text: str) -> _Code:
    a, b = left.run, right.run
    if operator in ("<<", ">>"):
        kind = _promoted(left.type)
        if operator == "<<":
            return _Code(lambda: wrap(a() << _count(b(), kind), kind), kind)
        return _Code(lambda: wrap(a(), kind) >> _count(b(), kind), kind)
    kind = _common(left.type, right.type)
    if operator in _COMPARE:
        compare = _COMPARE[operator]
        return _Code(lambda: int(compare(wrap(a(), kind), wrap(b(), kind))), S32)
    step = _STEP.get(operator)
    if step is not None:
        return _Code(lambda: wrap(step(a(), b()), kind), kind)

    def divide() -> int:
        x, y = wrap(a(), kind), wrap(b(), kind)
        if y == 0:
            raise UsageError(f"{text!r} divides by zero")
        quotient = abs(x) // abs(y) if (x < 0) == (y < 0) else -(abs(x) // abs(y))
        return wrap(quotient if operator == "/" else x - quotient * y, kind)

    return _Code(divide, kind)


def _count(count: int, kind: Type) -> int:
    """A shift count; one that is negative or too large shifts everything out (C leaves it undefined)."""
    return count if 0 <= count < kind.bits else kind.bits


_STEP: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
}


def _hint(nearest: str) -> str:
    return f"; did you mean {nearest}?" if nearest else ""
