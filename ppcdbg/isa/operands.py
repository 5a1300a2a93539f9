"""An instruction's text from the table alone: mnemonic and operands as the table's own operand strings say.

Used for what capstone does not know, and wherever a few words are enough and capstone must not be loaded.
"""

from __future__ import annotations

import re

from ppcdbg.isa.bits import M32, extract, signed
from ppcdbg.isa.forms import Field, Kind
from ppcdbg.isa.insn import Insn
from ppcdbg.isa.sprs import SPRS, sprs_of

_NAME = re.compile(r"[A-Za-z]\w*")
_EVERY_SPR = {s.number: s.name for s in SPRS}


def mnemonic(insn: Insn, word: int) -> str:
    """The mnemonic with the suffixes that the word asks for: o, l, a, and the dot."""
    name = insn.name
    fields = insn.form.by_name
    if "OE" in fields and extract(word, 21, 21):
        name += "o"
    if "LK" in fields and word & 1:
        name += "l"
    if "AA" in fields and word & 2:
        name += "a"
    if "Rc" in fields and word & 1:
        name += "."
    return name


def operands(insn: Insn, word: int, address: int = 0, core: str = "") -> str:
    """The operands in the book's order, without blanks, as gdb prints them."""
    by_name = insn.form.by_name

    def text(found: re.Match[str]) -> str:
        name = found.group()
        if name in ("PMR", "DCR"):  # the form calls the field of every register number SPR
            return str(by_name["SPR"].operand(word))
        return operand(by_name[name], word, address, core)

    return _NAME.sub(text, insn.operands).replace(", ", ",")


def operand(field: Field, word: int, address: int, core: str = "") -> str:
    """One operand's text. ``address`` is the instruction's, for relative branches."""
    raw = extract(word, field.first, field.last)
    match field.kind:
        case Kind.GPR:
            return f"r{raw}"
        case Kind.GPR0:
            return f"r{raw}" if raw else "0"
        case Kind.FPR:
            return f"f{raw}"
        case Kind.CRF:
            return f"cr{raw}"
        case Kind.SIGNED:
            return str(signed(field.operand(word)))
        case Kind.WORDS:
            offset = field.operand(word)
            return f"{offset if word & 2 else address + offset & M32:#x}"
        case Kind.MASK:
            return f"{raw >> 5},{raw & 31}"
        case Kind.SPR:
            return spr_name(field.operand(word), core)
        case Kind.CRB | Kind.STATIC:
            return str(raw)
        case _ if field.scale:
            return str(field.operand(word))
        case _:
            return str(raw)


def spr_name(number: int, core: str = "") -> str:
    """The name of an SPR on a core (any core when empty); its number where there is none."""
    found = sprs_of(core).get(number) if core else None
    return found.name if found is not None else _EVERY_SPR.get(number, str(number))
