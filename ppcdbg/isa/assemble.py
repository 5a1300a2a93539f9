"""Text to words: the inverse of :mod:`ppcdbg.isa.operands`, derived from the same table.

It is for programs of our own, which stand in the tree as text: plain mnemonics of the table, a few extended ones,
labels and named constants. It refuses to be an assembler for users: no directives, no sections, no macros.

    entry:  mfspr r3, EPCR          # a note, kept with the line
            oris  r3, r3, 0x40
            stw   r3, HOST_PID+4(r4)
            bne   entry
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from ppcdbg.errors import UsageError
from ppcdbg.isa.forms import Field, Kind
from ppcdbg.isa.insn import Insn
from ppcdbg.isa.sprs import BY_NAME as SPRS
from ppcdbg.isa.table import by_name

_NAME = re.compile(r"[A-Za-z]\w*")
_LABEL = re.compile(r"([A-Za-z_][\w.]*):\s*")
_TERM = re.compile(r"([+-]?)([^+-]+)")
# Extended mnemonics (Power ISA I appendix): {0}, {1}... are the operands.
_EXTENDED: dict[str, str] = {
    "li": "addi {0},0,{1}", "lis": "addis {0},0,{1}", "mr": "or {0},{1},{1}", "nop": "ori r0,r0,0",
    "beq": "bc 12,2,{0}", "bne": "bc 4,2,{0}", "blr": "bclr 20,0", "bctr": "bcctr 20,0", "mtcr": "mtcrf 255,{0}",
    "cmpwi": "cmpi cr0,{0},{1}", "cmplw": "cmpl cr0,{0},{1}", "cmpw": "cmp cr0,{0},{1}",
    **{f"mt{name.lower()}": f"mtspr {name},{{0}}" for name in ("LR", "CTR", "XER")},
    **{f"mf{name.lower()}": f"mfspr {{0}},{name}" for name in ("LR", "CTR", "XER")},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class AsmLine:
    """One instruction of a program: where, the word, its text as written, and the note behind it."""

    address: int
    word: int
    text: str
    note: str = ""


@dataclass(frozen=True)
class Program:
    """Instructions in order of address, and what the labels mean."""

    lines: tuple[AsmLine, ...]
    labels: Mapping[str, int]

    @property
    def end(self) -> int:
        """The address behind the last instruction."""
        return self.lines[-1].address + 4 if self.lines else 0


def assemble(text: str, address: int, names: Mapping[str, int] | None = None) -> Program:
    """The program that lines of text are, from an effective address on. Raises UsageError, which names the line."""
    known = dict(names or {})
    labels: dict[str, int] = {}
    wanted: list[tuple[int, str, str]] = []
    at = address
    for raw in text.splitlines():
        code, _, note = raw.partition("#")
        code = code.strip()
        while (label := _LABEL.match(code)) is not None:
            if label[1] in labels:
                raise UsageError(f"the label {label[1]!r} stands twice")
            labels[label[1]] = at
            code = code[label.end() :]
        if code:
            wanted.append((at, " ".join(code.split()), note.strip()))
            at += 4
    known |= labels
    lines = []
    for at, code, note in wanted:
        try:
            lines.append(AsmLine(at, word(code, at, known), code, note))
        except (KeyError, ValueError) as error:
            raise UsageError(f"{code!r} is no instruction: {error}") from None
    return Program(tuple(lines), labels)


def word(code: str, address: int, names: Mapping[str, int]) -> int:
    """One instruction. Raises KeyError for a name that there is not, ValueError for an operand that does not fit."""
    name, _, rest = code.partition(" ")
    operands = rest.replace(" ", "")
    if name in _EXTENDED:
        return word(_EXTENDED[name].format(*operands.split(",")), address, names)
    insn, bits = _named(name)
    found = _pattern(insn).fullmatch(operands)
    if found is None:
        raise ValueError(f"its operands must be {insn.operands!r}")
    raw = {key: _raw(insn.form.by_name[key], text, address, names) for key, text in found.groupdict().items()}
    return insn.form.encode(**raw, **bits)


@cache
def _named(name: str) -> tuple[Insn, dict[str, int]]:
    """The instruction of a mnemonic, and the record or link bit that its ending asks for."""
    try:
        return by_name(name), {}
    except KeyError:
        bit = {".": "Rc", "l": "LK"}.get(name[-1:], "")
        insn = by_name(name[:-1])
        if bit not in insn.form.by_name:
            raise
        return insn, {bit: 1}


@cache
def _pattern(insn: Insn) -> re.Pattern[str]:
    parts = []
    at = 0
    for name in _NAME.finditer(insn.operands):
        parts.append(re.escape(insn.operands[at : name.start()].replace(" ", "")))
        two = insn.form.by_name[name[0]].kind is Kind.MASK
        parts.append(f"(?P<{name[0]}>{'[^,()]+,[^,()]+' if two else '[^,()]+'})")
        at = name.end()
    return re.compile("".join(parts) + re.escape(insn.operands[at:].replace(" ", "")))


def _raw(field: Field, text: str, address: int, names: Mapping[str, int]) -> int:
    """The bits of a field from its operand's text."""
    width = field.last - field.first + 1
    match field.kind:
        case Kind.GPR | Kind.FPR | Kind.CRF | Kind.GPR0 if text != "0":
            return int(text.lstrip("rfc"))
        case Kind.SPR:
            number = SPRS[text].number
            return (number & 31) << 5 | number >> 5
        case Kind.MASK:
            first, last = text.split(",")
            return int(first) << 5 | int(last)
    value = _value(text, names)
    if field.kind is Kind.WORDS:
        value = (value - address + 0x80000000) % (1 << 32) - 0x80000000
        if value & 3:
            raise ValueError(f"{text} is no address of an instruction")
        return _signed(value >> 2, width, text)
    if field.kind is Kind.SIGNED or field.kind is Kind.SHIFTED and value < 0:
        return _signed(value, width, text)
    return value >> field.scale


def _signed(value: int, width: int, text: str) -> int:
    if not -(1 << width - 1) <= value < 1 << width - 1:
        raise ValueError(f"{text} is too far away")
    return value & (1 << width) - 1


def _value(text: str, names: Mapping[str, int]) -> int:
    """A sum of numbers and names; ``@h``, ``@ha`` and ``@l`` take a half of a term."""
    total = 0
    for sign, term in _TERM.findall(text):
        name, _, half = term.partition("@")
        number = int(name, 0) if name[0].isdecimal() else names[name]
        if half:
            number = {"h": number >> 16, "ha": number + 0x8000 >> 16, "l": number}[half] & 0xFFFF
            if half == "l" and number & 0x8000:
                number -= 0x10000
        total += -number if sign == "-" else number
    return total
