"""Halfword multiplies of the SPE (Power ISA I 8.3; category SP): evmh, and what happens to the accumulator.

``e`` and ``o`` take the even (upper) or odd (lower) halfword of each word, the guarded ``eg`` and ``og`` only that of
the lower word, with a 64-bit sum. A final ``a`` also sets ACC; ``aaw`` and ``anw`` add to ACC's words or subtract from
them, ``aa`` and ``an`` to and from all of it. The letters between are :mod:`ppcdbg.isa.spe_products`.
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
Half = Callable[[int], int]
Sum = Callable[[int], tuple[int, bool]]


def evx(name: str, xo: int, body: Body, *, acc: bool = False, records: bool = False) -> None:
    """One mnemonic. ``acc``: alters the accumulator; ``records``: alters the overflow bits of SPEFSCR."""
    alters = {"RT"} | ({"ACC"} if acc else set()) | ({"SPEFSCR"} if records else set())
    note = partial(chapter.insn, cores=frozenset({E500V2}), spe=True, native=False, book="I 8.3")
    note(name, EVX(xo, RT, RA, RB), "RT, RA, RB", alters=alters)(body)


def even(word: int) -> int:
    return word >> 16


def odd(word: int) -> int:
    return word & 0xFFFF


def signed_acc(word: int) -> int:
    return number(word, 32)


def unsigned_acc(word: int) -> int:
    return word


def _set(m: Any, f: Operands, high: int, low: int, acc: bool) -> None:
    m.reg[f.RT + GPRH], m.gpr[f.RT] = high, low
    if acc:
        m.reg[ACC_HIGH], m.reg[ACC_LOW] = high, low


def products(half: Half, product: Product, *, acc: bool = False) -> Body:
    """RT's words, and with ``acc`` ACC's, are the products."""

    def body(m: Any, f: Operands) -> None:
        high, high_over = product(half(m.reg[f.RA + GPRH]), half(m.reg[f.RB + GPRH]), 16)
        low, low_over = product(half(m.gpr[f.RA]), half(m.gpr[f.RB]), 16)
        _set(m, f, high & M32, low & M32, acc)
        if product is ssf:
            m.reg[SPEFSCR] = overflowed(m.reg[SPEFSCR], high_over, low_over)

    return body


def modulo(half: Half, product: Product, sign: int) -> Body:
    """RT and ACC are ACC's words plus or minus the products."""

    def body(m: Any, f: Operands) -> None:
        high, _ = product(half(m.reg[f.RA + GPRH]), half(m.reg[f.RB + GPRH]), 16)
        low, _ = product(half(m.gpr[f.RA]), half(m.gpr[f.RB]), 16)
        _set(m, f, m.reg[ACC_HIGH] + sign * high & M32, m.reg[ACC_LOW] + sign * low & M32, True)

    return body


def saturating(half: Half, product: Product, sign: int) -> Body:
    """As ``modulo``, saturating product and sum; overflow is recorded."""
    bounded: Sum = saturated_unsigned if product is umi else saturated_signed
    acc: Half = unsigned_acc if product is umi else signed_acc

    def word(accumulated: int, a: int, b: int) -> tuple[int, bool]:
        value, product_over = product(half(a), half(b), 16)
        total, over = bounded(acc(accumulated) + sign * value)
        return total, product_over or over

    def body(m: Any, f: Operands) -> None:
        high, high_over = word(m.reg[ACC_HIGH], m.reg[f.RA + GPRH], m.reg[f.RB + GPRH])
        low, low_over = word(m.reg[ACC_LOW], m.gpr[f.RA], m.gpr[f.RB])
        _set(m, f, high, low, True)
        m.reg[SPEFSCR] = overflowed(m.reg[SPEFSCR], high_over, low_over)

    return body


def guarded(half: Half, product: Product, sign: int) -> Body:
    """RT and ACC are all of ACC plus or minus one product; -1 times -1 is +1 here."""

    def body(m: Any, f: Operands) -> None:
        value, _ = product(half(m.gpr[f.RA]), half(m.gpr[f.RB]), 16)
        total = (m.reg[ACC_HIGH] << 32 | m.reg[ACC_LOW]) + sign * value & M64
        _set(m, f, total >> 32, total & M32, True)

    return body


evx("evmheumi", 1032, products(even, umi))
evx("evmhesmi", 1033, products(even, smi))
evx("evmhesmf", 1035, products(even, smf))
evx("evmhessf", 1027, products(even, ssf), records=True)
evx("evmhoumi", 1036, products(odd, umi))
evx("evmhosmi", 1037, products(odd, smi))
evx("evmhosmf", 1039, products(odd, smf))
evx("evmhossf", 1031, products(odd, ssf), records=True)
evx("evmheumia", 1064, products(even, umi, acc=True), acc=True)
evx("evmhesmia", 1065, products(even, smi, acc=True), acc=True)
evx("evmhesmfa", 1067, products(even, smf, acc=True), acc=True)
evx("evmhessfa", 1059, products(even, ssf, acc=True), acc=True, records=True)
evx("evmhoumia", 1068, products(odd, umi, acc=True), acc=True)
evx("evmhosmia", 1069, products(odd, smi, acc=True), acc=True)
evx("evmhosmfa", 1071, products(odd, smf, acc=True), acc=True)
evx("evmhossfa", 1063, products(odd, ssf, acc=True), acc=True, records=True)

evx("evmheumiaaw", 1288, modulo(even, umi, 1), acc=True)
evx("evmhesmiaaw", 1289, modulo(even, smi, 1), acc=True)
evx("evmhesmfaaw", 1291, modulo(even, smf, 1), acc=True)
evx("evmhoumiaaw", 1292, modulo(odd, umi, 1), acc=True)
evx("evmhosmiaaw", 1293, modulo(odd, smi, 1), acc=True)
evx("evmhosmfaaw", 1295, modulo(odd, smf, 1), acc=True)
evx("evmheumianw", 1416, modulo(even, umi, -1), acc=True)
evx("evmhesmianw", 1417, modulo(even, smi, -1), acc=True)
evx("evmhesmfanw", 1419, modulo(even, smf, -1), acc=True)
evx("evmhoumianw", 1420, modulo(odd, umi, -1), acc=True)
evx("evmhosmianw", 1421, modulo(odd, smi, -1), acc=True)
evx("evmhosmfanw", 1423, modulo(odd, smf, -1), acc=True)

evx("evmheusiaaw", 1280, saturating(even, umi, 1), acc=True, records=True)
evx("evmhessiaaw", 1281, saturating(even, smi, 1), acc=True, records=True)
evx("evmhessfaaw", 1283, saturating(even, ssf, 1), acc=True, records=True)
evx("evmhousiaaw", 1284, saturating(odd, umi, 1), acc=True, records=True)
evx("evmhossiaaw", 1285, saturating(odd, smi, 1), acc=True, records=True)
evx("evmhossfaaw", 1287, saturating(odd, ssf, 1), acc=True, records=True)
evx("evmheusianw", 1408, saturating(even, umi, -1), acc=True, records=True)
evx("evmhessianw", 1409, saturating(even, smi, -1), acc=True, records=True)
evx("evmhessfanw", 1411, saturating(even, ssf, -1), acc=True, records=True)
evx("evmhousianw", 1412, saturating(odd, umi, -1), acc=True, records=True)
evx("evmhossianw", 1413, saturating(odd, smi, -1), acc=True, records=True)
evx("evmhossfanw", 1415, saturating(odd, ssf, -1), acc=True, records=True)

evx("evmhegumiaa", 1320, guarded(even, umi, 1), acc=True)
evx("evmhegsmiaa", 1321, guarded(even, smi, 1), acc=True)
evx("evmhegsmfaa", 1323, guarded(even, smf, 1), acc=True)
evx("evmhogumiaa", 1324, guarded(odd, umi, 1), acc=True)
evx("evmhogsmiaa", 1325, guarded(odd, smi, 1), acc=True)
evx("evmhogsmfaa", 1327, guarded(odd, smf, 1), acc=True)
evx("evmhegumian", 1448, guarded(even, umi, -1), acc=True)
evx("evmhegsmian", 1449, guarded(even, smi, -1), acc=True)
evx("evmhegsmfan", 1451, guarded(even, smf, -1), acc=True)
evx("evmhogumian", 1452, guarded(odd, umi, -1), acc=True)
evx("evmhogsmian", 1453, guarded(odd, smi, -1), acc=True)
evx("evmhogsmfan", 1455, guarded(odd, smf, -1), acc=True)
