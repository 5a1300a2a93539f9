"""Conversion between single and double bit patterns as lfs and stfs do it (Power ISA I 4.6.2, 4.6.3).

KVM runs those two instructions on the host to complete MMIO of floating-point registers.
"""

from __future__ import annotations


def single_to_double(word: int) -> int:
    """DOUBLE(word): the 64-bit pattern that lfs leaves in a register."""
    sign, exponent, fraction = word >> 31 & 1, word >> 23 & 0xFF, word & 0x7FFFFF
    if exponent == 0xFF:
        return sign << 63 | 0x7FF << 52 | fraction << 29
    if exponent == 0:
        if fraction == 0:
            return sign << 63
        shift = 24 - fraction.bit_length()
        return sign << 63 | (897 - shift) << 52 | (fraction << shift & 0x7FFFFF) << 29
    return sign << 63 | (exponent + 896) << 52 | fraction << 29


def double_to_single(pattern: int) -> int:
    """SINGLE(pattern): the 32-bit pattern that stfs stores; no rounding."""
    exponent = pattern >> 52 & 0x7FF
    sign = pattern >> 63
    if exponent > 896 or pattern & 0x7FFFFFFFFFFFFFFF == 0:
        return sign << 31 | (pattern >> 62 & 1) << 30 | pattern >> 29 & 0x3FFFFFFF
    if 874 <= exponent <= 896:
        fraction = 1 << 52 | pattern & 0xFFFFFFFFFFFFF
        return sign << 31 | fraction >> (896 - exponent) >> 30
    return 0
