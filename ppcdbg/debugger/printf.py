"""C's formats and escapes for ``printf`` and ``echo``. Nothing is printed here: text goes in, text comes out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ppcdbg.debugger.expressions import Value
from ppcdbg.errors import UsageError

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "e": "\x1b", "\\": "\\", '"': '"', "'": "'"}
_CONVERSION = re.compile(r"%([-+ #0]*)(\d*)(\.\d*)?(?:hh|h|ll|l|z|j)?(.)", re.DOTALL | re.ASCII)
_STRING = re.compile(r'\s*"((?:[^"\\]|\\.)*)"\s*', re.DOTALL)
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|\(|\)|,|[^"(),]+|"', re.DOTALL)
WIDEST = 1000
LONGEST = 4096


def unescaped(text: str) -> str:
    """Backslashes as in C; one before any other character stands for that character."""

    def one(found: re.Match[str]) -> str:
        code = found[1]
        if code[0] == "x" and len(code) > 1:
            return chr(int(code[1:], 16))
        return chr(int(code, 8) & 0xFF) if code[0] in "01234567" else _ESCAPES.get(code, code)

    return _ESCAPE.sub(one, text)


def quoted(text: str) -> tuple[str, str] | None:
    """The text between the quotes at the beginning, escapes resolved, and what follows; None where there is none."""
    found = _STRING.match(text)
    return None if found is None else (unescaped(found[1]), text[found.end() :])


def formatted(debugger: Debugger, argument: str) -> str:
    """``"FORMAT", EXPRESSION...`` as text. Raises UsageError for a format that does not fit its values."""
    found = _STRING.match(argument)
    if found is None:
        raise UsageError('printf needs a format in quotes, for example: printf "r3=%x\\n", $r3')
    rest = argument[found.end() :]
    if rest and not rest.startswith(","):
        raise UsageError(f"a comma must follow the format, not {rest!r}")
    values = [debugger.evaluate(part) for part in _split(rest[1:])] if rest else []
    given = iter(values)
    used = 0

    def one(match: re.Match[str]) -> str:
        nonlocal used
        if match[4] == "%":
            return "%"
        used += 1
        value = next(given, None)
        if value is None:
            raise UsageError(f"the format asks for more than the {len(values)} values that follow it")
        return _conversion(debugger, match, value)

    text = _CONVERSION.sub(one, unescaped(found[1]))
    if used < len(values):
        raise UsageError(f"the format takes {used} values, and {len(values)} follow it")
    return text


def _split(text: str) -> list[str]:
    """Expressions between commas; those in brackets and quotes do not count."""
    parts, depth = [""], 0
    for piece in _PIECE.findall(text):
        depth += (piece == "(") - (piece == ")")
        if piece == "," and not depth:
            parts.append("")
        else:
            parts[-1] += piece
    return parts


def _conversion(debugger: Debugger, match: re.Match[str], value: Value) -> str:
    flags, width, precision, letter = match[1], match[2], match[3] or "", match[4]
    if int(width or 0) > WIDEST or int(precision[1:] or 0) > WIDEST:
        raise UsageError(f"{match[0]!r} is wider than {WIDEST} characters")
    shape = f"%{flags}{width}{precision}"
    if letter == "s":
        return f"%{flags.replace('0', '')}{width}{precision}s" % _string(debugger, value)
    bits = max(value.type.bits, 32)
    number = value.number & (1 << bits) - 1
    match letter:
        case "d" | "i":
            return f"{shape}d" % (number - (1 << bits) if number >> (bits - 1) else number)
        case "u":
            return f"{shape}d" % number
        case "x" | "X" | "o":
            return f"{shape}{letter}" % number
        case "c":
            return f"%{flags}{width}s" % chr(number & 0xFF)
        case "p":
            return f"%{flags}{width}s" % f"{number:#x}"
    raise UsageError(f"{match[0]!r} is no conversion of printf; there are d i u x X o c s p and %%")


def _string(debugger: Debugger, value: Value) -> str:
    if isinstance(value.value, str):
        return value.value
    text = debugger.memory.text(value.value & 0xFFFFFFFF, LONGEST)
    if text is None:
        raise UsageError(f"there is no text at {value.value:#x}: {debugger.why_unreadable(value.value)}")
    return text
