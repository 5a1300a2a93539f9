"""Values in gdb's output formats: ``print/x``, ``x/8xw`` and their kin."""

from __future__ import annotations

import struct

from ppcdbg.debugger.results import Examined, ExaminedUnit, Printed, Space
from ppcdbg.views.numbers import ea, real
from ppcdbg.views.spans import Line, Span, clean, fit, line

_PER_ROW = {1: 8, 2: 8, 4: 4, 8: 2}


def printed(value: Printed) -> Line:
    """One value; an address is followed by its symbol, a field's number by its names."""
    also = "".join(f" {clean(str(v))}" for v in value.also)
    if isinstance(value.value, str):
        return line((f'"{clean(value.value)}"', "number"), (also, "symbol"))
    letter = value.format or ("d" if value.signed or value.bits == 64 else "x")
    shown = number(value.value, letter, value.bits, value.signed)
    symbol = f" <{value.symbol}>" if value.symbol and letter in "xaiz" else ""
    return line((shown, "number"), (symbol + also, "symbol"))


def number(value: int, letter: str, bits: int, signed: bool = False) -> str:
    """A number in one format letter; ``bits`` is its width."""
    raw = value & (1 << bits) - 1
    match letter:
        case "d":
            return str(raw - (1 << bits) if raw >> (bits - 1) and (signed or letter == "d") else raw)
        case "u":
            return str(raw)
        case "o":
            return f"0{raw:o}" if raw else "0"
        case "t":
            return f"{raw:b}"
        case "c":
            code = raw & 0xFF
            return f"{code} '{chr(code)}'" if 32 <= code < 127 else f"{code} '\\{code:03o}'"
        case "z":
            return f"0x{raw:0{bits // 4}x}"
        case "f":
            return _float(raw, bits)
        case _:
            return f"{raw:#x}"


def _float(raw: int, bits: int) -> str:
    if bits == 64:
        return repr(struct.unpack(">d", raw.to_bytes(8, "big"))[0])
    return repr(struct.unpack(">f", (raw & 0xFFFFFFFF).to_bytes(4, "big"))[0])


def examined(found: Examined, width: int) -> list[Line]:
    """Rows as gdb lays them out: address, symbol, and as many units as a row takes."""
    per_row = 1 if found.format in ("s", "a") else _PER_ROW[found.size]
    out = []
    for i in range(0, len(found.units), per_row):
        row = found.units[i : i + per_row]
        first = row[0]
        address = ea(first.address) if found.space is Space.EA else real(first.address)
        name = Span(f" <{first.symbol}>", "symbol") if first.symbol else Span("")
        spans = [Span(address, "address"), name, Span(":")]
        for unit in row:
            spans += (Span("  "), _unit(unit, found))
        out.append(fit(tuple(s for s in spans if s.text), width))
    return out


def _unit(unit: ExaminedUnit, found: Examined) -> Span:
    if unit.value is None:
        return Span("not readable", "dim")
    if isinstance(unit.value, str):
        return Span(f'"{clean(unit.value)}"', "number")
    letter = "z" if found.format == "x" else found.format
    return Span(number(unit.value, letter, 8 * found.size), "number")
