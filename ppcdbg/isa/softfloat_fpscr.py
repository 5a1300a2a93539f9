"""FPSCR: its bits, its summary bits, and how the outcome of an operation enters it (Power ISA I 4.2.2, 4.4).

Pure functions on 32-bit integers. An operation describes its outcome as a *status*: exception bits, FR, FI and FPRF at
their places in FPSCR (``VX`` together with any invalid operation bit). Read next: :mod:`ppcdbg.isa.softfloat_round`.
"""

from __future__ import annotations

FX, FEX, VX, OX, UX, ZX, XX = 0x80000000, 0x40000000, 0x20000000, 0x10000000, 0x08000000, 0x04000000, 0x02000000
VXSNAN, VXISI, VXIDI, VXZDZ, VXIMZ, VXVC = 0x01000000, 0x00800000, 0x00400000, 0x00200000, 0x00100000, 0x00080000
FR, FI, FPRF, FPCC, RESERVED = 0x00040000, 0x00020000, 0x0001F000, 0x0000F000, 0x00000800
VXSOFT, VXSQRT, VXCVI = 0x400, 0x200, 0x100
VE, OE, UE, ZE, XE, NI, RN = 0x80, 0x40, 0x20, 0x10, 0x08, 0x04, 0x03

INVALID = VXSNAN | VXISI | VXIDI | VXZDZ | VXIMZ | VXVC | VXSOFT | VXSQRT | VXCVI
EXCEPTIONS = OX | UX | ZX | XX | INVALID  # FX and the summaries VX and FEX are consequences
SUMMARIES = FEX | VX
ENABLES = VE | OE | UE | ZE | XE
_TO_ENABLES = 22  # VX OX UX ZX XX stand 22 bits above VE OE UE ZE XE

# FPRF codes of table "Floating-Point Result Flags" (I 4.2.2), at their place.
PLUS_NORMAL, PLUS_DENORMAL, PLUS_ZERO, PLUS_INFINITY, QUIET_NAN = 0x4000, 0x14000, 0x2000, 0x5000, 0x11000
MINUS_NORMAL, MINUS_DENORMAL, MINUS_ZERO, MINUS_INFINITY = 0x8000, 0x18000, 0x12000, 0x9000

FPSCR_BITS: tuple[tuple[str, int], ...] = (
    ("FX", FX), ("FEX", FEX), ("VX", VX), ("OX", OX), ("UX", UX), ("ZX", ZX), ("XX", XX), ("VXSNAN", VXSNAN),
    ("VXISI", VXISI), ("VXIDI", VXIDI), ("VXZDZ", VXZDZ), ("VXIMZ", VXIMZ), ("VXVC", VXVC), ("FR", FR), ("FI", FI),
    ("VXSOFT", VXSOFT), ("VXSQRT", VXSQRT), ("VXCVI", VXCVI), ("VE", VE), ("OE", OE), ("UE", UE), ("ZE", ZE),
    ("XE", XE), ("NI", NI),
)  # fmt: skip


def summarized(fpscr: int) -> int:
    """``fpscr`` with VX and FEX derived from the exception and enable bits; nothing else sets those two."""
    fpscr &= ~SUMMARIES
    if fpscr & INVALID:
        fpscr |= VX
    if fpscr >> _TO_ENABLES & fpscr & ENABLES:
        fpscr |= FEX
    return fpscr


def settled(fpscr: int, status: int) -> int:
    """FPSCR after an operation. FR and FI are always new, FPRF where the status has one; exceptions accumulate.

    FX is set only by an exception bit that was clear (I 4.2.2).
    """
    after = fpscr & ~(FR | FI | FPRF if status & FPRF else FR | FI) | status
    return _accrued(fpscr, after, status) if status & EXCEPTIONS else after


def compared(fpscr: int, condition: int, status: int) -> int:
    """FPSCR after fcmpu or fcmpo, which leave FR, FI and C alone: ``condition`` goes to FPCC (I 4.6.8)."""
    after = fpscr & ~FPCC | condition << 12 | status
    return _accrued(fpscr, after, status) if status & EXCEPTIONS else after


def _accrued(fpscr: int, after: int, status: int) -> int:
    return summarized(after | FX if status & EXCEPTIONS & ~fpscr else after)


def enabled(fpscr: int, status: int) -> bool:
    """Whether an exception in ``status`` has its enable bit set: the operation causes FEX (I 4.4, III-E 7.6.7)."""
    return status >> _TO_ENABLES & fpscr & ENABLES != 0


def written(fpscr: int, value: int, mask: int) -> int:
    """A Move To FPSCR of the bits in ``mask``: VX and FEX follow, FX only changes by its own bit, bit 52 stays 0."""
    return summarized((fpscr & ~mask | value & mask) & ~RESERVED)


def bit_set(fpscr: int, bit: int) -> int:
    """mtfsb1: as :func:`written`, but an exception bit that was clear sets FX as well."""
    if bit & EXCEPTIONS & ~fpscr:
        return written(fpscr, bit | FX, bit | FX)
    return written(fpscr, bit, bit)


def field_moved(fpscr: int, field: int) -> tuple[int, int]:
    """mcrfs: the four bits of ``field``, and FPSCR with the exception bits among them (FX too) reset."""
    shift = 28 - 4 * field
    return fpscr >> shift & 15, summarized(fpscr & ~(15 << shift & (EXCEPTIONS | FX)))
