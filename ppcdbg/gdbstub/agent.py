"""gdb's agent expressions (GDB manual, appendix F): the bytecode of breakpoint conditions and commands.

A small stack machine of 64-bit numbers over registers and memory that it can only read. It is bounded in steps, stack
and output, so any bytes may be given to it: they give a number, or ``AgentError`` with the reason. gdbserver stops at a
breakpoint whose condition fails like that, and so do we.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from ppcdbg.errors import PpcdbgError

M64 = (1 << 64) - 1
DEEPEST = 256
"""Numbers on the stack; gdb itself uses a handful."""
MOST_STEPS = 20_000
LONGEST = 0x4000
"""Bytes of one expression; gdb's own limit is 255 in a tracepoint and little more here."""
LONGEST_OUTPUT = 4096


class AgentError(PpcdbgError):
    """An expression that cannot be evaluated."""


class Target(Protocol):
    """What an expression can see. Both raise AgentError for what is not there."""

    def register(self, number: int) -> int:
        """By the number that the target description gives it."""

    def load(self, address: int, size: int) -> int:
        """Big-endian, unsigned; no side effect."""


@dataclass
class Machine:
    """One evaluation. ``said`` is what printf put out."""

    code: bytes
    target: Target
    stack: list[int] = field(default_factory=list)
    pc: int = 0
    said: list[str] = field(default_factory=list)
    ended: bool = False

    # --- operands ----------------------------------------------------------------------------------------------------
    def operand(self, size: int) -> int:
        """The next ``size`` bytes of the code, big-endian."""
        end = self.pc + size
        if end > len(self.code):
            raise AgentError(f"the condition's bytecode ends within an operand at {self.pc}")
        value = int.from_bytes(self.code[self.pc : end], "big")
        self.pc = end
        return value

    def pop(self) -> int:
        if not self.stack:
            raise AgentError(f"the condition's bytecode takes a number from an empty stack before {self.pc}")
        return self.stack.pop()

    def push(self, value: int) -> None:
        if len(self.stack) >= DEEPEST:
            raise AgentError("the condition's bytecode fills the stack")
        self.stack.append(value & M64)

    def jump(self) -> None:
        place = self.operand(2)
        if place > len(self.code):
            raise AgentError(f"the condition's bytecode jumps to {place}, behind its end")
        self.pc = place

    def run(self) -> int:
        """Run to ``end``; the number on top of the stack, or 0 for none."""
        for _ in range(MOST_STEPS):
            act = OPERATIONS.get(self.operand(1))
            if act is None:
                raise AgentError(f"the condition's bytecode has the unknown operation {self.code[self.pc - 1]:#04x}")
            act(self)
            if self.ended:
                return self.stack[-1] if self.stack else 0
        raise AgentError("the condition's bytecode does not come to an end")


def evaluate(code: bytes, target: Target) -> int:
    """The value of an expression, unsigned, 64 bits. Raises AgentError."""
    return Machine(code, target).run()


def command(code: bytes, target: Target) -> str:
    """Carry out the expression of a breakpoint's command; what it printed. Raises AgentError."""
    machine = Machine(code, target)
    machine.run()
    return "".join(machine.said)


def signed(value: int, bits: int = 64) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


# --- the operations ---------------------------------------------------------------------------------------------------
Act = Callable[[Machine], None]


def _binary(act: Callable[[int, int], int]) -> Act:
    def run(m: Machine) -> None:
        b = m.pop()
        m.push(act(m.pop(), b))

    return run


def _unary(act: Callable[[int], int]) -> Act:
    return lambda m: m.push(act(m.pop()))


def _quotient(a: int, b: int) -> int:
    """C's division: towards zero."""
    _not_zero(b)
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def _remainder(a: int, b: int) -> int:
    return a - b * _quotient(a, b)


def _not_zero(b: int) -> None:
    if b == 0:
        raise AgentError("the condition divides by zero")


def _shift(a: int, count: int, left: bool) -> int:
    if count > 63:
        return 0 if left or a >= 0 else -1
    return a << count if left else a >> count


def _load(size: int) -> Act:
    return lambda m: m.push(m.target.load(m.pop(), size))


def _constant(size: int) -> Act:
    return lambda m: m.push(m.operand(size))


def _extend(m: Machine) -> None:
    bits = m.operand(1)
    value = m.pop()
    m.push(value if not 0 < bits < 64 else signed(value, bits))


def _zero_extend(m: Machine) -> None:
    bits = m.operand(1)
    m.push(m.pop() & ((1 << bits) - 1 if bits < 64 else M64))


def _if_goto(m: Machine) -> None:
    if m.pop():
        m.jump()
    else:
        m.operand(2)


def _end(m: Machine) -> None:
    m.ended = True


def _dup(m: Machine) -> None:
    value = m.pop()
    m.push(value)
    m.push(value)


def _swap(m: Machine) -> None:
    b, a = m.pop(), m.pop()
    m.push(b)
    m.push(a)


def _pick(m: Machine) -> None:
    depth = m.operand(1)
    if depth >= len(m.stack):
        raise AgentError("the condition's bytecode picks from below the stack")
    m.push(m.stack[-1 - depth])


def _rot(m: Machine) -> None:
    """(a b c => c a b)"""
    c, b, a = m.pop(), m.pop(), m.pop()
    for value in (c, a, b):
        m.push(value)


def _printf(m: Machine) -> None:
    """dprintf of style agent: the number of arguments, a format with its length, the arguments on the stack."""
    count, length = m.operand(1), m.operand(2)
    raw = m.code[m.pc : m.pc + length]
    if len(raw) < length:
        raise AgentError("the format of a printf is cut off")
    m.pc += length
    m.pop()  # the function and its channel, which are a process's business
    m.pop()
    values = [m.pop() for _ in range(count)]
    m.said.append(printf(raw.rstrip(b"\0").decode("utf-8", "replace"), values, m.target))


def _trace(size: int) -> Act:
    """Trace operations collect nothing here; they take what they take."""

    def run(m: Machine) -> None:
        m.operand(size)

    return run


def _trace_pop(m: Machine) -> None:
    m.pop(), m.pop()


OPERATIONS: dict[int, Act] = {
    0x02: _binary(lambda a, b: a + b),
    0x03: _binary(lambda a, b: a - b),
    0x04: _binary(lambda a, b: a * b),
    0x05: _binary(lambda a, b: _quotient(signed(a), signed(b))),
    0x06: _binary(_quotient),
    0x07: _binary(lambda a, b: _remainder(signed(a), signed(b))),
    0x08: _binary(_remainder),
    0x09: _binary(lambda a, b: _shift(a, b, True)),
    0x0A: _binary(lambda a, b: _shift(signed(a), b, False)),
    0x0B: _binary(lambda a, b: _shift(a, b, False)),
    0x0C: _trace_pop,
    0x0D: _trace(1),
    0x0E: _unary(lambda a: int(not a)),
    0x0F: _binary(lambda a, b: a & b),
    0x10: _binary(lambda a, b: a | b),
    0x11: _binary(lambda a, b: a ^ b),
    0x12: _unary(lambda a: ~a),
    0x13: _binary(lambda a, b: int(a == b)),
    0x14: _binary(lambda a, b: int(signed(a) < signed(b))),
    0x15: _binary(lambda a, b: int(a < b)),
    0x16: _extend,
    0x17: _load(1),
    0x18: _load(2),
    0x19: _load(4),
    0x1A: _load(8),
    0x20: _if_goto,
    0x21: Machine.jump,
    0x22: _constant(1),
    0x23: _constant(2),
    0x24: _constant(4),
    0x25: _constant(8),
    0x26: lambda m: m.push(m.target.register(m.operand(2))),
    0x27: _end,
    0x28: _dup,
    0x29: lambda m: (m.pop(), None)[1],
    0x2A: _zero_extend,
    0x2B: _swap,
    0x30: _trace(2),
    0x32: _pick,
    0x33: _rot,
    0x34: _printf,
}
"""By number. Floating point, trace state variables and tracenz are refused: gdb compiles no condition to them."""


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "e": "\x1b", "\\": "\\", '"': '"'}


# --- printf -----------------------------------------------------------------------------------------------------------
def printf(text: str, values: list[int], target: Target) -> str:
    """C's conversions d i u x X o c p s, with flags, width and l, and its escapes, which gdb sends as they were typed.

    Anything else stands as it is.
    """
    out: list[str] = []
    given = iter(values)
    i = 0
    while i < len(text):
        if text[i] == "\\":
            out.append(_ESCAPES.get(text[i + 1 : i + 2], text[i : i + 2]))
            i += 2
            continue
        if text[i] != "%":
            out.append(text[i])
            i += 1
            continue
        end = i + 1
        while end < len(text) and text[end] in "-+ #0123456789.lhzj":
            end += 1
        letter = text[end : end + 1]
        out.append("%" if letter == "%" else _convert(text[i + 1 : end], letter, given, target))
        i = end + 1
    return "".join(out)[:LONGEST_OUTPUT]


def _convert(flags: str, letter: str, given: object, target: Target) -> str:
    """One conversion; without a value for it, its own letter."""
    value = next(given, None)  # type: ignore[call-overload]
    if value is None or letter not in "diuxXocps" or not letter:
        return f"%{flags}{letter}"
    bits = 64 if "ll" in flags or "j" in flags else 32
    plain = "".join(c for c in flags if c in "-+ #0123456789")[:8]
    width = min(int(plain.lstrip("-+ #0") or 0), 256) if plain.lstrip("-+ #0").isdecimal() else 0
    match letter:
        case "d" | "i":
            text = str(signed(value, bits))
        case "u":
            text = str(value & (1 << bits) - 1)
        case "c":
            text = chr(value & 0x7F)
        case "s":
            text = _string(value, target)
        case "o":
            text = f"{value & (1 << bits) - 1:o}"
        case _:
            digits = f"{value & (1 << bits) - 1:x}"
            text = ("0x" if letter == "p" or "#" in plain else "") + (digits.upper() if letter == "X" else digits)
    if "-" in plain:
        return text.ljust(width)
    return text.rjust(width, "0" if plain.lstrip("+ #").startswith("0") and letter not in "sc" else " ")


def _string(address: int, target: Target) -> str:
    out = bytearray()
    while len(out) < 200:
        byte = target.load(address + len(out), 1)
        if not byte:
            break
        out.append(byte)
    return out.decode("utf-8", "replace")
