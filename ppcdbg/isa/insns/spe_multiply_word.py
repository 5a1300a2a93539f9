"""Word multiplies of the SPE (Power ISA I 8.3; category SP): evmw, and what happens to the accumulator.

``h`` and ``l`` keep the high or low word of each of two products; without them, the lower words give one product of 64
bits. A final ``a`` also sets ACC; ``aaw``, ``anw``, ``aa`` and ``an`` add to it and subtract from it as in
:mod:`.spe_multiply_half`. The letters between are :mod:`ppcdbg.isa.spe_products`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ppcdbg.isa.bits import M32, M64
from ppcdbg.isa.forms import EVX, RA, RB, RT
from ppcdbg.isa.insn import E500V2, Body, Chapter
from ppcdbg.isa.ops import Operands
from ppcdbg.isa.slots import ACC_HIGH, ACC_LOW, GPRH
from ppcdbg.isa.spe_products import Product, number, saturated_signed, saturated_unsigned, smf, smi, ssf, umi
from ppcdbg.isa.spe_status import overflowed
from ppcdbg.isa.sprs import SLOT

chapter = Chapter()
SPEFSCR = SLOT["SPEFSCR"]
Part = Callable[[int], int]


def evx(name: str, xo: int, body: Body, *, acc: bool = False, records: bool = False) -> None:
    """One mnemonic. ``acc``: alters the accumulator; ``records``: alters the overflow bits of SPEFSCR."""
    alters = {"RT"} | ({"ACC"} if acc else set()) | ({"SPEFSCR"} if records else set())
    note = partial(chapter.insn, cores=frozenset({E500V2}), spe=True, native=False, book="I 8.3")
    note(name, EVX(xo, RT, RA, RB), "RT, RA, RB", alters=alters)(body)


def high_word(product: int) -> int:
    return product >> 32 & M32


def low_word(product: int) -> int:
    return product & M32


def _set(m: Any, f: Operands, high: int, low: int, acc: bool) -> None:
    m.reg[f.RT + GPRH], m.gpr[f.RT] = high, low
    if acc:
        m.reg[ACC_HIGH], m.reg[ACC_LOW] = high, low


def parts(part: Part, product: Product, *, acc: bool = False) -> Body:
    """RT's words, and with ``acc`` ACC's, are one word of each product."""

    def body(m: Any, f: Operands) -> None:
        high, high_over = product(m.reg[f.RA + GPRH], m.reg[f.RB + GPRH], 32)
        low, low_over = product(m.gpr[f.RA], m.gpr[f.RB], 32)
        _set(m, f, part(high), part(low), acc)
        if product is ssf:
            m.reg[SPEFSCR] = overflowed(m.reg[SPEFSCR], high_over, low_over)

    return body


def low_modulo(product: Product, sign: int) -> Body:
    """RT and ACC are ACC's words plus or minus the low words of the products."""

    def body(m: Any, f: Operands) -> None:
        high, _ = product(m.reg[f.RA + GPRH], m.reg[f.RB + GPRH], 32)
        low, _ = product(m.gpr[f.RA], m.gpr[f.RB], 32)
        _set(m, f, m.reg[ACC_HIGH] + sign * high & M32, m.reg[ACC_LOW] + sign * low & M32, True)

    return body


def low_unsigned(sign: int) -> Body:
    """As ``low_modulo``, saturating the sum of unsigned words; overflow is recorded."""

    def body(m: Any, f: Operands) -> None:
        high = m.reg[f.RA + GPRH] * m.reg[f.RB + GPRH] & M32
        low = m.gpr[f.RA] * m.gpr[f.RB] & M32
        high, high_over = saturated_unsigned(m.reg[ACC_HIGH] + sign * high)
        low, low_over = saturated_unsigned(m.reg[ACC_LOW] + sign * low)
        _set(m, f, high, low, True)
        m.reg[SPEFSCR] = overflowed(m.reg[SPEFSCR], high_over, low_over)

    return body


def low_signed(sign: int) -> Body:
    """As ``low_unsigned``, of signed words; a product's high word is lost all the same."""

    def body(m: Any, f: Operands) -> None:
        high = number(m.reg[f.RA + GPRH] * m.reg[f.RB + GPRH], 32)
        low = number(m.gpr[f.RA] * m.gpr[f.RB], 32)
        high, high_over = saturated_signed(number(m.reg[ACC_HIGH], 32) + sign * high)
        low, low_over = saturated_signed(number(m.reg[ACC_LOW], 32) + sign * low)
        _set(m, f, high, low, True)
        m.reg[SPEFSCR] = overflowed(m.reg[SPEFSCR], high_over, low_over)

    return body


def wide(product: Product, *, acc: bool = False) -> Body:
    """RT, and with ``acc`` ACC, is the product of the lower words."""

    def body(m: Any, f: Operands) -> None:
        value, over = product(m.gpr[f.RA], m.gpr[f.RB], 32)
        _set(m, f, high_word(value), low_word(value), acc)
        if product is ssf:
            m.reg[SPEFSCR] = overflowed(m.reg[SPEFSCR], False, over)

    return body


def wide_sum(product: Product, sign: int) -> Body:
    """RT and ACC are ACC plus or minus the product. The sum never saturates; evmwssf's kin record its overflow."""

    def body(m: Any, f: Operands) -> None:
        value, over = product(m.gpr[f.RA], m.gpr[f.RB], 32)
        before = m.reg[ACC_HIGH] << 32 | m.reg[ACC_LOW]
        exact = number(before, 64) + sign * value
        total = exact & M64
        _set(m, f, total >> 32, total & M32, True)
        if product is ssf:
            m.reg[SPEFSCR] = overflowed(m.reg[SPEFSCR], False, over or exact != number(total, 64))

    return body


evx("evmwhumi", 1100, parts(high_word, umi))
evx("evmwhsmi", 1101, parts(high_word, smi))
evx("evmwhsmf", 1103, parts(high_word, smf))
evx("evmwhssf", 1095, parts(high_word, ssf), records=True)
evx("evmwhumia", 1132, parts(high_word, umi, acc=True), acc=True)
evx("evmwhsmia", 1133, parts(high_word, smi, acc=True), acc=True)
evx("evmwhsmfa", 1135, parts(high_word, smf, acc=True), acc=True)
evx("evmwhssfa", 1127, parts(high_word, ssf, acc=True), acc=True, records=True)

evx("evmwlumi", 1096, parts(low_word, umi))
evx("evmwlumia", 1128, parts(low_word, umi, acc=True), acc=True)
evx("evmwlumiaaw", 1352, low_modulo(umi, 1), acc=True)
evx("evmwlsmiaaw", 1353, low_modulo(smi, 1), acc=True)
evx("evmwlumianw", 1480, low_modulo(umi, -1), acc=True)
evx("evmwlsmianw", 1481, low_modulo(smi, -1), acc=True)
evx("evmwlusiaaw", 1344, low_unsigned(1), acc=True, records=True)
evx("evmwlssiaaw", 1345, low_signed(1), acc=True, records=True)
evx("evmwlusianw", 1472, low_unsigned(-1), acc=True, records=True)
evx("evmwlssianw", 1473, low_signed(-1), acc=True, records=True)

evx("evmwumi", 1112, wide(umi))
evx("evmwsmi", 1113, wide(smi))
evx("evmwsmf", 1115, wide(smf))
evx("evmwssf", 1107, wide(ssf), records=True)
evx("evmwumia", 1144, wide(umi, acc=True), acc=True)
evx("evmwsmia", 1145, wide(smi, acc=True), acc=True)
evx("evmwsmfa", 1147, wide(smf, acc=True), acc=True)
evx("evmwssfa", 1139, wide(ssf, acc=True), acc=True, records=True)

evx("evmwumiaa", 1368, wide_sum(umi, 1), acc=True)
evx("evmwsmiaa", 1369, wide_sum(smi, 1), acc=True)
evx("evmwsmfaa", 1371, wide_sum(smf, 1), acc=True)
evx("evmwssfaa", 1363, wide_sum(ssf, 1), acc=True, records=True)
evx("evmwumian", 1496, wide_sum(umi, -1), acc=True)
evx("evmwsmian", 1497, wide_sum(smi, -1), acc=True)
evx("evmwsmfan", 1499, wide_sum(smf, -1), acc=True)
evx("evmwssfan", 1491, wide_sum(ssf, -1), acc=True, records=True)
