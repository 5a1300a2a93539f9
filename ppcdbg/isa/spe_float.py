"""The last step of an embedded floating-point instruction: its target, SPEFSCR, and its two interrupts (I 9.2.3).

An error whose enable is set takes the data interrupt and leaves the target alone; an inexact result that asks for it
takes the round interrupt after the instruction, as does every one in a mode that e500 leaves to software. Read next:
:mod:`.insns.spe_float_single`.
"""

from __future__ import annotations

from typing import Any

from ppcdbg.isa.bits import M32
from ppcdbg.isa.slots import GPRH
from ppcdbg.isa.softfloat_embedded import Element
from ppcdbg.isa.spe_status import data_enabled, round_enabled, settled
from ppcdbg.isa.sprs import SLOT

SPEFSCR = SLOT["SPEFSCR"]


def double(m: Any, register: int) -> int:
    """All 64 bits of a GPR."""
    value: int = m.reg[register + GPRH] << 32 | m.gpr[register]
    return value


def set_double(m: Any, register: int, value: int) -> None:
    m.reg[register + GPRH], m.gpr[register] = value >> 32, value & M32


def _settle(m: Any, low: int, high: int | None) -> int:
    """SPEFSCR, and the data interrupt; the flags of both elements."""
    m.reg[SPEFSCR] = settled(m.reg[SPEFSCR], low, high)
    flags = low | (high or 0)
    if data_enabled(m.reg[SPEFSCR], flags):
        m.embedded_float_data()
    return flags


def finish_single(m: Any, register: int, result: Element, *, truncating: bool = False) -> None:
    """A scalar result for the lower word; the upper one stays."""
    value, low = result
    flags = _settle(m, low, None)
    m.gpr[register] = value
    if round_enabled(m.reg[SPEFSCR], flags, truncating=truncating):
        m.embedded_float_round()


def finish_double(m: Any, register: int, result: Element, *, truncating: bool = False) -> None:
    """A scalar result of 64 bits."""
    value, low = result
    flags = _settle(m, low, None)
    set_double(m, register, value)
    if round_enabled(m.reg[SPEFSCR], flags, truncating=truncating):
        m.embedded_float_round()


def finish_vector(m: Any, register: int, high: Element, low: Element, *, truncating: bool = False) -> None:
    """Results for both words."""
    flags = _settle(m, low[1], high[1])
    m.reg[register + GPRH], m.gpr[register] = high[0], low[0]
    if round_enabled(m.reg[SPEFSCR], flags, truncating=truncating):
        m.embedded_float_round()


def finish_compare(m: Any, field: int, met: bool, flags: int) -> None:
    """A scalar comparison: the second bit of the CR field; the others, undefined by the book, become 0."""
    _settle(m, flags, None)
    m.cr[field] = 4 if met else 0


def finish_vector_compare(m: Any, field: int, high: tuple[bool, int], low: tuple[bool, int]) -> None:
    """High, low, either, both."""
    _settle(m, low[1], high[1])
    m.cr[field] = vector_condition(high[0], low[0])


def vector_condition(high: bool, low: bool) -> int:
    return high << 3 | low << 2 | (high or low) << 1 | (high and low)
