"""The float chapter by the book, where QEMU is no witness: FX, CR1 with an interrupt, compares, moves, encodings."""

from __future__ import annotations

import capstone
import pytest

from ppcdbg.isa import softfloat_fpscr as status
from ppcdbg.isa.insn import E500MC, E500V2, Insn
from ppcdbg.isa.insns import float as chapter
from ppcdbg.isa.table import Decoder
from tests.isa.float_machine import BY_NAME, FloatMachine, word_of

ONE, TWO, HALF, MAX = 0x3FF0000000000000, 0x4000000000000000, 0x3FE0000000000000, 0x7FEFFFFFFFFFFFFF
INF, QNAN, SNAN, NEGATIVE = 0x7FF0000000000000, 0x7FF8000000000055, 0xFFF0000000000055, 1 << 63
TINY = 0x0010000000000000  # least normal double
BEFORE = 0xDEAD


def run(name: str, fpscr: int = 0, a: int = 0, b: int = 0, c: int = 0, **raw: int) -> FloatMachine:
    """``name`` on f1, f2, f3, target f4, recording where it can."""
    m = FloatMachine()
    m.fpr[1:5] = a, b, c, BEFORE
    m.fpscr = fpscr
    fields = {"FRT": 4, "FRA": 1, "FRB": 2, "FRC": 3, "BF": 2, "Rc": 1} | raw
    m.run(word_of(name, **{k: v for k, v in fields.items() if k in BY_NAME[name].form.by_name}))
    return m


def test_fx_is_set_only_by_a_bit_that_was_clear() -> None:
    inexact = {"a": ONE, "b": 0x4008000000000000}
    assert run("fdiv", 0, **inexact).fpscr & status.FX
    again = run("fdiv", status.XX, **inexact)
    assert not again.fpscr & status.FX
    assert again.fpscr & status.XX


def test_fr_and_fi_are_replaced_by_an_exact_result() -> None:
    m = run("fadd", status.FR | status.FI | status.XX | status.QUIET_NAN, ONE, ONE)
    assert m.fpscr == status.XX | status.PLUS_NORMAL


def test_enabled_invalid_operation_keeps_the_target_and_fprf() -> None:
    m = run("fadd", status.VE | status.MINUS_ZERO | status.FI | status.FR, INF, INF | NEGATIVE)
    assert m.fpr[4] == BEFORE
    assert m.fpscr == status.FX | status.FEX | status.VX | status.VXISI | status.MINUS_ZERO | status.VE
    assert (m.cr[1], m.floating) == (0b1110, 1)


def test_enabled_zero_divide_keeps_the_target() -> None:
    m = run("fdiv", status.ZE, ONE, NEGATIVE)
    assert m.fpr[4] == BEFORE
    assert m.fpscr == status.FX | status.FEX | status.ZX | status.ZE
    assert m.floating == 1


def test_enable_of_another_exception_is_no_interrupt() -> None:
    m = run("fdiv", status.OE | status.UE | status.VE | status.XE, ONE, 0)
    assert m.fpr[4] == INF
    assert m.floating == 0


def test_an_old_enabled_exception_is_not_caused_again() -> None:
    """III-E 7.6.7: the instruction must cause it."""
    m = run("fadd", status.FX | status.FEX | status.ZX | status.ZE, ONE, ONE)
    assert m.fpscr & status.FEX
    assert m.floating == 0


@pytest.mark.parametrize(
    ("name", "fpscr", "operands", "target", "fprf"),
    [
        ("fmul", status.OE, {"a": MAX, "c": TWO}, 0x1FFFFFFFFFFFFFFF, status.PLUS_NORMAL),
        ("fmul", status.UE, {"a": TINY | NEGATIVE, "c": HALF}, 0xE000000000000000, status.MINUS_NORMAL),
        ("fmuls", status.OE, {"a": 0x47EFFFFFE0000000, "c": TWO}, 0x3BFFFFFFE0000000, status.PLUS_NORMAL),
        ("frsp", status.OE, {"b": MAX}, 0x73F0000000000000, status.PLUS_NORMAL),
        ("frsp", status.UE, {"b": 1}, 0x08D0000000000000, status.PLUS_NORMAL),
    ],
)
def test_enabled_overflow_and_underflow_adjust_the_exponent(
    name: str, fpscr: int, operands: dict[str, int], target: int, fprf: int
) -> None:
    """1536 for double, 192 for single (I 4.4.3.1, 4.4.4.1); an exact tiny result raises UX only when enabled."""
    m = run(name, fpscr, **operands)
    assert m.fpr[4] == target
    assert m.fpscr & status.FPRF == fprf
    assert m.floating == 1
    assert m.fpscr & (status.OX | status.UX) == (status.OX if fpscr & status.OE else status.UX)


def test_exact_tiny_result_is_no_underflow_while_disabled() -> None:
    m = run("fmul", 0, a=TINY, c=HALF)
    assert m.fpr[4] == TINY >> 1
    assert m.fpscr == status.PLUS_DENORMAL


def test_single_denormal_is_classified_as_a_single() -> None:
    least_single = 0x36A0000000000000
    assert run("frsp", 0, b=least_single).fpscr == status.PLUS_DENORMAL
    assert run("fadd", 0, least_single, 0).fpscr == status.PLUS_NORMAL


@pytest.mark.parametrize(
    ("a", "b", "c", "target"),
    [
        (QNAN, SNAN, ONE, QNAN),
        (ONE, SNAN, QNAN, SNAN | 1 << 51),
        (ONE, ONE, SNAN, SNAN | 1 << 51),
        (INF, QNAN, 0, QNAN),
        (INF, ONE, 0, 0x7FF8000000000000),
    ],
)
def test_first_nan_in_operand_order_wins_and_keeps_its_sign(a: int, b: int, c: int, target: int) -> None:
    for name in ("fmadd", "fmsub", "fnmadd", "fnmsub"):
        m = run(name, 0, a, b, c)
        assert m.fpr[4] == target
        assert m.fpscr & status.FPRF == status.QUIET_NAN


def test_frsp_of_a_nan_clears_what_a_single_has_no_room_for() -> None:
    assert run("frsp", 0, b=0xFFF00000FFFFFFFF).fpr[4] == 0xFFF80000E0000000


def test_infinity_times_zero_plus_signalling_nan_raises_both() -> None:
    m = run("fmadd", 0, INF, SNAN, 0)
    assert m.fpscr & status.INVALID == status.VXSNAN | status.VXIMZ


@pytest.mark.parametrize("mode", range(4))
@pytest.mark.parametrize(("positive", "negative"), [("fmadd", "fnmadd"), ("fmsubs", "fnmsubs")])
def test_negative_forms_negate_the_rounded_result(positive: str, negative: str, mode: int) -> None:
    for a, b, c in ((ONE, 1, 0x3FB999999999999A), (MAX, MAX, MAX), (0, 0, 0), (TINY, 0, TINY), (INF, INF, ONE)):
        p, n = run(positive, mode, a, b, c), run(negative, mode, a, b, c)
        if p.fpscr & status.FPRF == status.QUIET_NAN:
            assert (n.fpr[4], n.fpscr) == (p.fpr[4], p.fpscr)
        else:
            assert n.fpr[4] == p.fpr[4] ^ NEGATIVE
            assert (n.fpscr ^ p.fpscr) & ~status.FPRF == 0


def test_fres_of_zero_is_infinity() -> None:
    m = run("fres", 0, b=NEGATIVE)
    assert m.fpr[4] == INF | NEGATIVE
    assert m.fpscr == status.FX | status.ZX | status.MINUS_INFINITY


@pytest.mark.parametrize(
    ("name", "fpscr", "a", "invalid"),
    [
        ("fcmpu", 0, QNAN, 0),
        ("fcmpu", 0, SNAN, status.VXSNAN),
        ("fcmpo", 0, QNAN, status.VXVC),
        ("fcmpo", 0, SNAN, status.VXSNAN | status.VXVC),
        ("fcmpo", status.VE, SNAN, status.VXSNAN),
        ("fcmpo", status.VE, QNAN, status.VXVC),
    ],
)
def test_unordered_compare(name: str, fpscr: int, a: int, invalid: int) -> None:
    """FR, FI and C stay; CR and FPCC are written whatever is enabled (I 4.6.8)."""
    kept = status.FR | status.FI | 0x10000
    m = run(name, fpscr | kept | 0x8000, a, ONE)
    assert m.cr[2] == 1
    assert m.fpscr & (kept | status.FPCC) == kept | 0x1000
    assert m.fpscr & status.INVALID == invalid
    assert m.floating == (1 if invalid and fpscr else 0)


def test_move_to_fpscr_derives_the_summaries_and_takes_fx_as_it_comes() -> None:
    m = run("mtfsf", 0, b=0x6F << 24 | status.VXSOFT | status.ZE | 0xDEADBEEF << 32, FLM=0xFF)
    assert m.fpscr == 0x0F000000 | status.VX | status.FEX | status.VXSOFT | status.ZE
    assert m.floating == 1
    assert run("mtfsf", status.FX | 0x7, b=0, FLM=0x01).fpscr == status.FX
    assert run("mtfsfi", status.FX, U=1, BF=0).fpscr == status.OX


def test_reserved_bit_of_fpscr_stays_zero() -> None:
    assert run("mtfsf", 0, b=status.RESERVED, FLM=0xFF).fpscr == 0
    assert run("mtfsb1", 0, BT=20).fpscr == 0


def test_mtfsb1_of_an_exception_sets_fx_and_of_a_summary_does_nothing() -> None:
    assert run("mtfsb1", 0, BT=22).fpscr == status.FX | status.VX | status.VXSQRT
    assert run("mtfsb1", status.VX | status.VXSQRT, BT=22).fpscr == status.VX | status.VXSQRT
    assert run("mtfsb1", 0, BT=1).fpscr == 0
    assert run("mtfsb1", 0, BT=2).fpscr == 0
    assert run("mtfsb1", 0, BT=29).fpscr == status.NI


def test_mtfsb0_updates_the_summaries_and_interrupts_never() -> None:
    m = run("mtfsb0", status.FX | status.FEX | status.VX | status.VXISI | status.VE, BT=8)
    assert m.fpscr == status.FX | status.VE
    m = run("mtfsb0", status.FX | status.FEX | status.ZX | status.ZE, BT=0)
    assert (m.fpscr, m.cr[1], m.floating) == (status.FEX | status.ZX | status.ZE, 0b0100, 0)


def test_mcrfs_resets_the_exceptions_it_copies_but_no_other_bit() -> None:
    fpscr = status.summarized(0xFFFFFFFF & ~status.RESERVED)
    copied = [run("mcrfs", fpscr, BFA=i) for i in range(8)]
    assert [m.cr[2] for m in copied] == [fpscr >> 28 - 4 * i & 15 for i in range(8)]
    lost = [fpscr ^ m.fpscr for m in copied]
    assert lost == [0x90000000, 0x0F000000, 0x00F00000, 0x00080000, 0, 0x00000700, 0, 0]


@pytest.mark.parametrize("name", ["lfs", "lfd", "stfs", "stfd"])
def test_addresses_and_updates(name: str) -> None:
    size, load = (8 if name[-1] == "d" else 4), name.startswith("l")
    register = "FRT" if load else "FRS"
    stored = 0x400921FB40000000  # exact as a single
    image = bytes.fromhex("400921fb40000000" if size == 8 else "40490fda")
    for suffix, base, ea in (("", 5, 0x0FF8), ("u", 5, 0x0FF8), ("x", 5, 0x1010), ("ux", 5, 0x1010), ("x", 0, 0x10)):
        m = FloatMachine()
        m.gpr[5], m.gpr[6] = 0x1000, 0x10
        ra = "RA" if "u" in suffix else "RA0"
        where = {"RB": 6} if "x" in suffix else {"D": 0xFFF8}
        word = word_of(name + suffix, **{register: 9, ra: base}, **where)
        if load:
            m.memory = {ea + i: byte for i, byte in enumerate(image)}
            m.run(word)
            assert m.fpr[9] == stored
        else:
            m.fpr[9] = stored
            m.run(word)
            assert m.memory == {ea + i: byte for i, byte in enumerate(image)}
        assert m.gpr[5] == (ea if "u" in suffix else 0x1000)


def test_stfiwx_stores_the_low_word() -> None:
    m = FloatMachine()
    m.fpr[9], m.gpr[6] = 0x0123456789ABCDEF, 0x40
    m.run(word_of("stfiwx", FRS=9, RB=6))
    assert m.memory == {0x40: 0x89, 0x41: 0xAB, 0x42: 0xCD, 0x43: 0xEF}


# What capstone does not know, as GNU as writes it with 6 in every field.
ASSEMBLED = {"fcmpo": [0xFF063040], "mtfsb0": [0xFCC0008C, 0xFCC0008D], "mtfsb1": [0xFCC0004C, 0xFCC0004D]}


@pytest.mark.parametrize("insn", chapter.chapter.insns, ids=lambda i: i.name)
def test_encoding_is_what_capstone_or_the_assembler_reads(insn: Insn) -> None:
    disassembler = capstone.Cs(capstone.CS_ARCH_PPC, capstone.CS_MODE_32 | capstone.CS_MODE_BIG_ENDIAN)
    raw = {f.name: min(6, (1 << f.last - f.first + 1) - 1) for f in insn.form.fields if f.name != "Rc"}
    for rc in (0, 1) if "Rc" in insn.form.by_name else (0,):
        word = insn.form.encode(**raw, **({"Rc": rc} if "Rc" in insn.form.by_name else {}))
        if insn.name in ASSEMBLED:
            assert word == ASSEMBLED[insn.name][rc]
        else:
            assert next(disassembler.disasm(word.to_bytes(4, "big"), 0)).mnemonic == insn.name + "." * rc
        assert Decoder(E500MC).decode(word) is insn
        assert Decoder(E500V2).decode(word) is None
    assert insn.fp


# Opcode and extended opcode of what ISA 2.06 has and e500mc has not.
@pytest.mark.parametrize(
    ("name", "opcode", "xo"),
    [
        ("fsqrt", 63, 22), ("fsqrts", 59, 22), ("fre", 63, 24), ("frsqrtes", 59, 26), ("fctid", 63, 814),
        ("fctidz", 63, 815), ("fcfid", 63, 846), ("fcpsgn", 63, 8), ("frin", 63, 392), ("ftdiv", 63, 128),
        ("fctiwu", 63, 142), ("lfiwax", 31, 855), ("lfdpx", 31, 791),
    ],
)  # fmt: skip
def test_absent_from_e500mc(name: str, opcode: int, xo: int) -> None:
    assert name not in BY_NAME
    assert Decoder(E500MC).decode(opcode << 26 | xo << 1) is None
