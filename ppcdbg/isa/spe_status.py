"""SPEFSCR: its bits, and how the outcome of an instruction enters it (Power ISA I 8.2, 9.2; e500 RM, SPEFSCR).

Pure functions on 32-bit integers. The outcome of one element of a floating-point instruction is a set of the bits FG,
FX, FINV, FDBZ, FUNF, FOVF at the places of the low element. Read next: :mod:`ppcdbg.isa.softfloat_embedded`.
"""

from __future__ import annotations

SOVH, OVH, SOV, OV = 0x80000000, 0x40000000, 0x8000, 0x4000
FINXS, FINVS, FDBZS, FUNFS, FOVFS = 0x200000, 0x100000, 0x80000, 0x40000, 0x20000
FG, FX, FINV, FDBZ, FUNF, FOVF = 0x2000, 0x1000, 0x800, 0x400, 0x200, 0x100
FINXE, FINVE, FDBZE, FUNFE, FOVFE, FRMC = 0x40, 0x20, 0x10, 0x08, 0x04, 0x03
ELEMENT = FG | FX | FINV | FDBZ | FUNF | FOVF
TO_HIGH = 16  # the bits of the high element stand this much above those of the low one
_TO_STICKY = 9  # FINV FDBZ FUNF FOVF to FINVS FDBZS FUNFS FOVFS
_TO_ENABLE = 6  # and from FINVE FDBZE FUNFE FOVFE
_ERRORS = FINV | FDBZ | FUNF | FOVF

NEAREST, TO_ZERO, TO_PLUS_INFINITY, TO_MINUS_INFINITY = range(4)  # FRMC

SPEFSCR_BITS: tuple[tuple[str, int], ...] = (
    ("SOVH", SOVH), ("OVH", OVH), ("FGH", FG << TO_HIGH), ("FXH", FX << TO_HIGH), ("FINVH", FINV << TO_HIGH),
    ("FDBZH", FDBZ << TO_HIGH), ("FUNFH", FUNF << TO_HIGH), ("FOVFH", FOVF << TO_HIGH), ("FINXS", FINXS),
    ("FINVS", FINVS), ("FDBZS", FDBZS), ("FUNFS", FUNFS), ("FOVFS", FOVFS), ("SOV", SOV), ("OV", OV), ("FG", FG),
    ("FX", FX), ("FINV", FINV), ("FDBZ", FDBZ), ("FUNF", FUNF), ("FOVF", FOVF), ("FINXE", FINXE), ("FINVE", FINVE),
    ("FDBZE", FDBZE), ("FUNFE", FUNFE), ("FOVFE", FOVFE),
)  # fmt: skip


def overflowed(spefscr: int, high: bool | int, low: bool | int) -> int:
    """SPEFSCR after an integer instruction that records overflow: OVH and OV are new, their summaries accumulate."""
    spefscr &= ~(OVH | OV)
    return spefscr | (SOVH | OVH if high else 0) | (SOV | OV if low else 0)


def settled(spefscr: int, low: int, high: int | None = None) -> int:
    """SPEFSCR after a floating-point instruction; a scalar one (``high`` None) leaves the high element's bits."""
    spefscr = spefscr & ~ELEMENT | low
    flags = low
    if high is not None:
        spefscr = spefscr & ~(ELEMENT << TO_HIGH) | high << TO_HIGH
        flags |= high
    spefscr |= (flags & _ERRORS) << _TO_STICKY
    if not data_enabled(spefscr, flags) and flags & (FG | FX | FOVF | FUNF):
        spefscr |= FINXS
    return spefscr


def data_enabled(spefscr: int, flags: int) -> bool:
    """Whether the errors in ``flags`` (of both elements) take the data interrupt; the target then stays as it was."""
    return flags >> _TO_ENABLE & spefscr & (FINVE | FDBZE | FUNFE | FOVFE) != 0


def round_enabled(spefscr: int, flags: int, *, truncating: bool = False) -> bool:
    """Whether ``flags`` without a data interrupt take the round interrupt; the target then holds truncated values.

    FINXE asks for it on every inexact result. The e500 rounds to nearest and to zero only: in the other two modes every
    instruction that could round takes it, those with an exact result too, as was measured (FRMC; kernel math_efp.c,
    speround_handler, and its commit 28414a6def9d). ``truncating``: it rounds to zero in every mode, or never.
    """
    if spefscr & FINXE and flags & (FG | FX | FOVF | FUNF):
        return True
    return not truncating and spefscr & FRMC >= TO_PLUS_INFINITY
