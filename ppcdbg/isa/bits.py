"""Bit arithmetic in the book's numbering: bit 0 is the most significant bit of a 32-bit word.

Pure functions on Python integers; nothing here knows an instruction or a register.
"""

from __future__ import annotations

M32 = 0xFFFFFFFF
M64 = 0xFFFFFFFFFFFFFFFF


def extract(word: int, first: int, last: int) -> int:
    """Bits ``first``..``last`` (big-endian numbers, inclusive) of a 32-bit word, right-justified."""
    return (word >> (31 - last)) & ((1 << (last - first + 1)) - 1)


def sign_extend(value: int, width: int) -> int:
    """The ``width``-bit two's complement ``value`` as an unsigned 32-bit number."""
    sign = 1 << (width - 1)
    return ((value & ((1 << width) - 1)) ^ sign) - sign & M32


def signed(value: int) -> int:
    """An unsigned 32-bit number read as two's complement."""
    return value - 0x1_0000_0000 if value & 0x8000_0000 else value


def rotate_left(value: int, count: int) -> int:
    """ROTL32 of Power ISA I 3.3.14; ``count`` is taken modulo 32."""
    count &= 31
    return (value << count | value >> (32 - count)) & M32


def mask(mb: int, me: int) -> int:
    """MASK(mb, me) of Power ISA I 3.3.14: ones from bit ``mb`` to bit ``me``, wrapping around."""
    if mb <= me:
        return (M32 >> mb) & (M32 << (31 - me)) & M32
    return (M32 >> mb | M32 << (31 - me)) & M32


def bswap16(value: int) -> int:
    return (value & 0xFF) << 8 | value >> 8 & 0xFF


def bswap32(value: int) -> int:
    return int.from_bytes(value.to_bytes(4, "little"), "big")
