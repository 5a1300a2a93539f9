"""Words from mnemonics, through our own table: enough of an assembler for the harness's own programs."""

from __future__ import annotations

from functools import cache

from ppcdbg.isa.forms import Kind
from ppcdbg.isa.insn import Insn
from ppcdbg.isa.sprs import BY_NAME
from ppcdbg.isa.table import TABLE


@cache
def instructions() -> dict[str, Insn]:
    return {insn.name: insn for insn in TABLE}


def spr_bits(number: int) -> int:
    """The SPR field of a register number: its halves are swapped."""
    return (number & 31) << 5 | number >> 5


def encode(name: str, **fields: int | str) -> int:
    """A word. Signed immediates may be negative; ``SPR`` may be a name; displacements are in bytes."""
    form = instructions()[name].form
    raw: dict[str, int] = {}
    for field_name, given in fields.items():
        f = form.by_name[field_name]
        value = BY_NAME[given].number if isinstance(given, str) else given
        if f.kind is Kind.SPR:
            value = spr_bits(value)
        elif f.kind is Kind.WORDS:
            value >>= 2
        raw[field_name] = value & (1 << (f.last - f.first + 1)) - 1
    return form.encode(**raw)


def load_immediate(register: int, value: int) -> list[int]:
    return [
        encode("addis", RT=register, RA0=0, SIS=value >> 16),
        encode("ori", RS=register, RA=register, UI=value & 0xFFFF),
    ]


def set_spr(name: str, value: int, scratch: int = 3) -> list[int]:
    return [*load_immediate(scratch, value), encode("mtspr", SPR=name, RS=scratch)]
