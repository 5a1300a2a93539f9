"""The grammar of expressions: text to a tree. Nothing is evaluated here; there is no way from text to Python code.

C's operators and precedence, and the words ``and``, ``or``, ``not`` as in Python (``not`` binds looser than a
comparison); ``is`` and ``is not`` are ``==`` and ``!=``. Operands: numbers (0x, 0b, 0o, _ between digits), 'c', "text",
$registers and their fields (``$msr.ee``), names (fields of an exit record, symbols, constants), ``*address``,
``*(u32 *)address``, ``{u32}address``, ``w(address)``, casts, and of gdb's history ``$``, ``$$`` and ``$1``. Read next:
:mod:`ppcdbg.debugger.expressions`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from ppcdbg.errors import UsageError

LONGEST = 2000
DEEPEST = 60
MOST_TOKENS = 400


@dataclass(frozen=True, slots=True)
class Type:
    """An integer type. A pointer to it has ``pointer`` set: then the value itself is a 32-bit address."""

    bits: int
    signed: bool = False
    pointer: bool = False


U8, U16, U32, U64 = Type(8), Type(16), Type(32), Type(64)
S8, S16, S32, S64 = Type(8, True), Type(16, True), Type(32, True), Type(64, True)

TYPES: dict[str, Type] = {
    "u8": U8, "u16": U16, "u32": U32, "u64": U64, "s8": S8, "s16": S16, "s32": S32, "s64": S64,
    "char": U8, "short": S16, "int": S32, "long": S32, "unsigned": U32,
    "uint8_t": U8, "uint16_t": U16, "uint32_t": U32, "uint64_t": U64,
    "int8_t": S8, "int16_t": S16, "int32_t": S32, "int64_t": S64,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Number:
    value: int
    type: Type
    at: int = 0


@dataclass(frozen=True, slots=True)
class Text:
    value: str
    at: int = 0


@dataclass(frozen=True, slots=True)
class Name:
    """A bare word: a field, a register, a symbol or a constant; the evaluator decides."""

    name: str
    at: int = 0


@dataclass(frozen=True, slots=True)
class Register:
    name: str
    at: int = 0


@dataclass(frozen=True, slots=True)
class Unary:
    operator: str  # + - ~ ! * &
    operand: Node
    at: int = 0


@dataclass(frozen=True, slots=True)
class Cast:
    type: Type
    operand: Node
    at: int = 0


@dataclass(frozen=True, slots=True)
class Binary:
    operator: str
    left: Node
    right: Node
    at: int = 0


Node = Number | Text | Name | Register | Unary | Cast | Binary

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|[0-9][0-9_]*)(?P<bad>[A-Za-z.][\w.]*)?
    | (?P<register>\$(?:[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z]\w*)?|\$?\d*))
    | (?P<name>[A-Za-z_.][A-Za-z0-9_.]*(?:\$[A-Za-z0-9_.]+)*)
    | (?P<text>"[^"]*"|'[^']*')
    | (?P<operator>\|\||&&|==|!=|<=|>=|<<|>>|[-+*/%&|^~!<>(){}])
    )""",
    re.VERBOSE,
)

# Loosest first; each row binds tighter than the one before (C11 6.5). The word ``not`` sits at row _NOT.
_ROWS = (("||", "or"), ("&&", "and"), (), ("|",), ("^",), ("&",), ("==", "!=", "is"), ("<", "<=", ">", ">="),
         ("<<", ">>"), ("+", "-"), ("*", "/", "%"))  # fmt: skip
_LEVEL = {operator: i for i, row in enumerate(_ROWS) for operator in row}
_NOT = 2
_LOADS = {"b": 8, "h": 16, "w": 32, "d": 64}
"""``w(address)`` and its kin, as in Forth and monitors: memory of that size."""
_CANONICAL = {"or": "||", "and": "&&", "is": "=="}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


@lru_cache(maxsize=1024)  # a script's loop asks the same again and again; trees are values
def parse(text: str) -> Node:
    """The tree of an expression. Raises UsageError, naming the column and what was expected there."""
    if len(text) > LONGEST:
        raise UsageError(f"the expression has {len(text)} characters; at most {LONGEST} are read")
    parser = _Parser(text, _tokens(text))
    node = parser.expression(0)
    parser.end()
    return node


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            raise UsageError(f"column {start + 1} of {text!r}: {text[start]!r} does not belong in an expression")
        kind = found.lastgroup or ""
        if kind == "bad":
            raise UsageError(
                f"{found.group('number') + found.group('bad')!r} is not a number; write hexadecimal as 0x1f"
            )
        tokens.append(_Token(kind, found.group(kind), found.start(kind)))
        at = found.end()
    if len(tokens) > MOST_TOKENS:
        raise UsageError(f"the expression has {len(tokens)} words and signs; at most {MOST_TOKENS} are read")
    return tokens


def names_in(node: Node) -> set[str]:
    """The bare words of a tree, in lower case."""
    match node:
        case Name():
            return {node.name.lower()}
        case Unary() | Cast():
            return names_in(node.operand)
        case Binary():
            return names_in(node.left) | names_in(node.right)
        case _:
            return set()


class _Parser:
    """Precedence climbing over a list of tokens; depth is bounded so that hostile text cannot exhaust the stack."""

    def __init__(self, text: str, tokens: list[_Token]) -> None:
        self.text, self.tokens, self.index, self.depth = text, tokens, 0, 0

    def peek(self) -> _Token | None:
        return self.tokens[self.index] if self.index < len(self.tokens) else None

    def take(self, *texts: str) -> _Token | None:
        token = self.peek()
        if token and token.kind in ("operator", "name") and token.text in texts:
            self.index += 1
            return token
        return None

    def fail(self, wanted: str) -> UsageError:
        token = self.peek()
        if token is None:
            return UsageError(f"{self.text!r} ends where {wanted} should follow")
        return UsageError(f"column {token.at + 1} of {self.text!r}: {wanted} should stand there, not {token.text!r}")

    def end(self) -> None:
        if self.peek() is not None:
            raise self.fail("an operator or the end")

    def expression(self, least: int) -> Node:
        """Operators of level ``least`` and tighter; ``not`` takes everything from comparisons on."""
        with _Deeper(self):
            token = self.take("not")
            left = self.unary() if token is None else Unary("!", self.expression(_NOT), token.at)
            while (found := self.peek()) and _LEVEL.get(found.text, -1) >= least and found.kind != "text":
                self.index += 1
                operator = _CANONICAL.get(found.text, found.text)
                if found.text == "is" and self.take("not"):
                    operator = "!="
                left = Binary(operator, left, self.expression(_LEVEL[found.text] + 1), found.at)
            return left

    def unary(self) -> Node:
        with _Deeper(self):
            token = self.take("+", "-", "~", "!", "*", "&")
            if token is not None:
                return Unary(token.text, self.unary(), token.at)
            cast = self.cast()
            if cast is not None:
                return cast
            return self.primary()

    def cast(self) -> Node | None:
        """``(type)`` or ``(type *)`` before an operand; leaves the tokens alone where there is none."""
        start = self.index
        opened = self.take("(")
        if opened is None:
            return None
        name = self.peek()
        if name is None or name.kind != "name" or name.text not in TYPES:
            self.index = start
            return None
        self.index += 1
        kind = TYPES[name.text]
        if name.text == "unsigned" and (more := self.peek()) and more.kind == "name" and more.text in TYPES:
            self.index += 1
            kind = Type(TYPES[more.text].bits)
        if self.take("*"):
            kind = Type(kind.bits, kind.signed, True)
        if self.take(")") is None:
            raise self.fail("')' after the type")
        return Cast(kind, self.unary(), opened.at)

    def opens_call(self) -> bool:
        """Whether a parenthesis follows the present word."""
        following = self.tokens[self.index + 1] if self.index + 1 < len(self.tokens) else None
        return following is not None and following.kind == "operator" and following.text == "("

    def braced(self, at: int) -> Node:
        """gdb's ``{type} address``: what lies there."""
        name = self.peek()
        if name is None or name.text not in TYPES:
            raise self.fail("a type such as u32")
        self.index += 1
        if self.take("}") is None:
            raise self.fail("'}' after the type")
        kind = TYPES[name.text]
        return Unary("*", Cast(Type(kind.bits, kind.signed, True), self.unary(), at), at)

    def primary(self) -> Node:
        token = self.peek()
        if token is None:
            raise self.fail("a value")
        if self.take("{"):
            return self.braced(token.at)
        if token.text in _LOADS and token.kind == "name" and self.opens_call():
            self.index += 1
            inner = self.primary()
            return Unary("*", Cast(Type(_LOADS[token.text], pointer=True), inner, token.at), token.at)
        if self.take("("):
            node = self.expression(0)
            if self.take(")") is None:
                raise self.fail("')'")
            return node
        if token.kind == "operator" or token.text in ("and", "or", "not", "is"):
            raise self.fail("a value")
        self.index += 1
        if token.kind == "number":
            return _number(token)
        if token.kind == "register":
            return Register(token.text[1:], token.at)
        if token.kind == "text":
            return _text(token)
        return Name(token.text, token.at)


class _Deeper:
    """Counts nesting while it is open."""

    def __init__(self, parser: _Parser) -> None:
        self.parser = parser

    def __enter__(self) -> None:
        self.parser.depth += 1
        if self.parser.depth > DEEPEST:
            raise UsageError(f"the expression nests deeper than {DEEPEST} levels")

    def __exit__(self, *_: object) -> None:
        self.parser.depth -= 1


def _number(token: _Token) -> Number:
    """The type is C's: the first of int, unsigned int (not for decimal), long long, unsigned long long that fits."""
    digits = token.text.replace("_", "")
    decimal = not digits[:2].lower().startswith(("0x", "0b", "0o"))
    try:
        value = int(digits, 10 if decimal else 0)
    except ValueError:
        raise UsageError(f"{token.text!r} is not a number; write hexadecimal as 0x1f") from None
    if value >> 64:
        raise UsageError(f"{token.text} does not fit 64 bits")
    if value < 1 << 31:
        return Number(value, S32, token.at)
    if value < 1 << 32 and not decimal:
        return Number(value, U32, token.at)
    return Number(value, S64 if value < 1 << 63 else U64, token.at)


def _text(token: _Token) -> Node:
    """'c' is a number as in C; anything longer, and "..." always, is text."""
    inside = token.text[1:-1]
    if token.text[0] == "'" and len(inside) == 1 and ord(inside) < 256:
        return Number(ord(inside), S32, token.at)
    return Text(inside, token.at)
