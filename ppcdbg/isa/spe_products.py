"""Products and accumulation of the SPE's multiplies (Power ISA I 8.3): what the letters of their names say.

``u`` or ``s``: unsigned or signed; ``m`` or ``s``: modulo or saturating; ``i`` or ``f``: integer or fractional, whose
product is shifted left by one. Numbers are Python's own, not patterns. Read next: :mod:`.insns.spe_multiply_half`.
"""

from __future__ import annotations

from collections.abc import Callable

Product = Callable[[int, int, int], tuple[int, bool]]
"""From two patterns of so many bits: the product as a number, and whether it was saturated."""


def number(pattern: int, width: int) -> int:
    """A two's complement pattern of ``width`` bits."""
    pattern &= (1 << width) - 1
    return pattern - (1 << width) if pattern >> width - 1 else pattern


def umi(a: int, b: int, width: int) -> tuple[int, bool]:
    return a * b, False


def smi(a: int, b: int, width: int) -> tuple[int, bool]:
    return number(a, width) * number(b, width), False


def smf(a: int, b: int, width: int) -> tuple[int, bool]:
    """-1 times -1 gives +1, which twice the width does not hold: a caller that keeps no more bits gets -1."""
    return number(a, width) * number(b, width) << 1, False


def ssf(a: int, b: int, width: int) -> tuple[int, bool]:
    """-1 times -1 gives the greatest fraction."""
    if a == b == 1 << width - 1:
        return (1 << 2 * width - 1) - 1, True
    return number(a, width) * number(b, width) << 1, False


def saturated_unsigned(value: int) -> tuple[int, bool]:
    """Into 32 bits, and whether it did not fit."""
    kept = min(max(value, 0), 0xFFFFFFFF)
    return kept, kept != value


def saturated_signed(value: int) -> tuple[int, bool]:
    kept = min(max(value, -0x80000000), 0x7FFFFFFF)
    return kept & 0xFFFFFFFF, kept != value
