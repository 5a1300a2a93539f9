"""Operand values worth trying: the edges of each format, and random bits between them."""

from __future__ import annotations

import random
import struct

WORDS = (
    0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 31, 32, 33, 63, 64, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0x8001, 0xFFFF,
    0x10000, 0x7FFFFFFE, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xAAAAAAAA, 0x55555555, 0xFFFF0000, 0xFFFF7FFF,
    0xFFFF8000, 0xFFFFFF80, 0xFFFFFFFE, 0xFFFFFFFF,
)  # fmt: skip

_EXPONENTS = (0, 1, 2, 51, 52, 53, 54, 873, 874, 896, 897, 898, 1000, 1022, 1023, 1024, 1050, 1053, 1054, 1055, 1075,
              1076, 1077, 1150, 1151, 1278, 1279, 2044, 2045, 2046, 2047)  # fmt: skip
_FRACTIONS = (
    0, 1, 2, 3, 0xFFFFFFFFFFFFF, 0xFFFFFFFFFFFFE, 0x8000000000000, 0x8000000000001, 0x7FFFFFFFFFFFF, 0x4000000000000,
    0x10000000, 0x20000000, 0x30000000, 0x1FFFFFFF, 0x10000001, 0x0FFFFFFF, 0xFFFFFE0000000, 0xFFFFFF0000000,
    0xFFFFFF0000001, 0xFFFFFEFFFFFFF,
)  # fmt: skip


def word(rng: random.Random) -> int:
    """A 32-bit value: an edge, a single bit or run of bits, or anything."""
    kind = rng.random()
    if kind < 0.45:
        return rng.choice(WORDS)
    if kind < 0.6:
        return (1 << rng.randrange(32)) - rng.randrange(2) & 0xFFFFFFFF
    return rng.getrandbits(32)


def double(rng: random.Random) -> int:
    """The bits of a double: zeros, denormals, limits of both formats, infinities, both NaNs, ordinary numbers."""
    kind = rng.random()
    sign = rng.getrandbits(1) << 63
    if kind < 0.5:
        return sign | rng.choice(_EXPONENTS) << 52 | rng.choice(_FRACTIONS)
    if kind < 0.7:
        return sign | rng.randrange(1013, 1034) << 52 | rng.getrandbits(52) & ~((1 << rng.randrange(52)) - 1)
    if kind < 0.85:
        return single_as_double(rng)
    return rng.getrandbits(64)


def single_as_double(rng: random.Random) -> int:
    """A number of the single format, in double format."""
    exponent = rng.choice((0, 1, 2, 126, 127, 128, 150, 253, 254, 255, rng.randrange(256)))
    bits = rng.getrandbits(1) << 31 | exponent << 23 | rng.choice((0, 1, 0x7FFFFF, 0x400000, rng.getrandbits(23)))
    if exponent == 255:  # the host's conversion would quieten a NaN
        return (bits >> 31) << 63 | 0x7FF << 52 | (bits & 0x7FFFFF) << 29
    (number,) = struct.unpack(">f", bits.to_bytes(4, "big"))
    return int.from_bytes(struct.pack(">d", number), "big")


# FPSCR: exception bits, their enables, and what is computed from them (Power ISA I 4.2.2).
VX_BITS = 0x01F80700
_FX_ANY = 0x80000000
_ENABLED = ((0x10000000, 0x40), (0x08000000, 0x20), (0x04000000, 0x10), (0x02000000, 0x08))


def consistent_fpscr(value: int) -> int:
    """``value`` with VX and FEX as they follow from the rest; bit 20 is reserved."""
    value &= ~(0x20000000 | 0x40000000 | 0x800)
    if value & VX_BITS:
        value |= 0x20000000
    enabled = value & 0x20000000 and value & 0x80
    if enabled or any(value & status and value & enable for status, enable in _ENABLED):
        value |= 0x40000000
    return value


def fpscr(rng: random.Random) -> int:
    kind = rng.random()
    rounding = rng.randrange(4)
    if kind < 0.4:
        return rounding
    value = rng.getrandbits(32) & ~0x7  # NI: non-IEEE mode is up to the implementation
    if kind < 0.7:
        value &= ~0xF8
    return consistent_fpscr(value | rounding)
