"""The vocabulary of :mod:`ppcdbg.isa.ops` on Python numbers: arithmetic only."""

from __future__ import annotations

from ppcdbg.isa.bits import M32, bswap16, bswap32, rotate_left, sign_extend, signed


class Numbers:
    """Arithmetic of instruction bodies; every value is an unsigned 32-bit int."""

    __slots__ = ()

    @staticmethod
    def eq(a: int, b: int) -> int:
        return 1 if a == b else 0

    @staticmethod
    def ne(a: int, b: int) -> int:
        return 1 if a != b else 0

    @staticmethod
    def ltu(a: int, b: int) -> int:
        return 1 if a < b else 0

    @staticmethod
    def lts(a: int, b: int) -> int:
        return 1 if a ^ 0x80000000 < b ^ 0x80000000 else 0

    @staticmethod
    def select(flag: int, a: int, b: int) -> int:
        return a if flag else b

    @staticmethod
    def shl(a: int, count: int) -> int:
        return a << count & M32 if count < 32 else 0

    @staticmethod
    def shr(a: int, count: int) -> int:
        return a >> count if count < 32 else 0

    @staticmethod
    def sar(a: int, count: int) -> int:
        return signed(a) >> min(count, 31) & M32

    rotl = staticmethod(rotate_left)
    bswap16 = staticmethod(bswap16)
    bswap32 = staticmethod(bswap32)

    @staticmethod
    def clz(a: int) -> int:
        return 32 - a.bit_length()

    @staticmethod
    def sext8(a: int) -> int:
        return sign_extend(a, 8)

    @staticmethod
    def sext16(a: int) -> int:
        return sign_extend(a, 16)

    @staticmethod
    def mulhu(a: int, b: int) -> int:
        return a * b >> 32

    @staticmethod
    def mulhs(a: int, b: int) -> int:
        return signed(a) * signed(b) >> 32 & M32

    @staticmethod
    def divu(a: int, b: int) -> int:
        return a // b if b else 0

    @staticmethod
    def divs(a: int, b: int) -> int:
        if b == 0 or (a == 0x80000000 and b == M32):
            return M32 if a & 0x80000000 else 0
        x, y = signed(a), signed(b)
        quotient = abs(x) // abs(y)
        return (quotient if (x < 0) == (y < 0) else -quotient) & M32

    @staticmethod
    def add_carry(a: int, b: int, carry: int) -> tuple[int, int]:
        total = a + b + carry
        return total & M32, total >> 32
