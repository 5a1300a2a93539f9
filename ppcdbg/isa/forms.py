"""Instruction forms of Power ISA Book I 1.6, with the book's field names.

A form is an opcode pattern and the operand fields that a body may use. Decoders (the reference engine's and the
native one) are derived from these; nothing is listed twice. A field's ``kind`` says how its bits become an
operand, and whether it is *static*: a static field may steer Python's own ``if`` inside a body, any other may
only be used as a register index or as a value, because an engine may see it only when the code runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property

from ppcdbg.isa.bits import M32, extract, mask, sign_extend


class Kind(Enum):
    """How the bits of a field become an operand."""

    GPR = auto()  # register number 0..31
    GPR0 = auto()  # RA, where 0 means the constant 0: becomes slot 32, which always holds zero
    FPR = auto()  # floating-point register number 0..31
    CRF = auto()  # CR field 0..7
    CRB = auto()  # CR bit 0..31
    UNSIGNED = auto()  # the bits, zero-extended
    SIGNED = auto()  # the bits, sign-extended to 32
    SHIFTED = auto()  # the 16 bits, shifted left by 16
    WORDS = auto()  # sign-extended, then two zero bits: BD, LI
    MASK = auto()  # MB and ME together, as MASK(MB, ME)
    SPR = auto()  # a register number with swapped halves: SPR, TBR, PMR, DCRN
    STATIC = auto()  # the bits, known when the op is made


@dataclass(frozen=True)
class Field:
    """One operand field; ``first`` and ``last`` are the book's bit numbers.

    ``scale`` zero bits are put below an UNSIGNED field: the displacements of the SPE.
    """

    name: str
    first: int
    last: int
    kind: Kind
    scale: int = 0

    @property
    def static(self) -> bool:
        return self.kind in (Kind.STATIC, Kind.SPR)

    def operand(self, word: int) -> int:
        """The operand that an engine hands to the instruction's body for this word."""
        raw = extract(word, self.first, self.last)
        match self.kind:
            case Kind.GPR0:
                return raw or 32
            case Kind.SIGNED:
                return sign_extend(raw, self.last - self.first + 1)
            case Kind.SHIFTED:
                return raw << 16
            case Kind.WORDS:
                return sign_extend(raw << 2, self.last - self.first + 3)
            case Kind.MASK:
                return mask(raw >> 5, raw & 31)
            case Kind.SPR:
                return (raw & 31) << 5 | raw >> 5
            case _:
                return raw << self.scale


def _field(name: str, first: int, last: int, kind: Kind) -> Field:
    return Field(name, first, last, kind)


RT = _field("RT", 6, 10, Kind.GPR)
RS = _field("RS", 6, 10, Kind.GPR)
RA = _field("RA", 11, 15, Kind.GPR)
RA0 = _field("RA0", 11, 15, Kind.GPR0)
RB = _field("RB", 16, 20, Kind.GPR)
FRT = _field("FRT", 6, 10, Kind.FPR)
FRS = _field("FRS", 6, 10, Kind.FPR)
FRA = _field("FRA", 11, 15, Kind.FPR)
FRB = _field("FRB", 16, 20, Kind.FPR)
FRC = _field("FRC", 21, 25, Kind.FPR)
BF = _field("BF", 6, 8, Kind.CRF)
BFA = _field("BFA", 11, 13, Kind.CRF)
BT = _field("BT", 6, 10, Kind.CRB)
BA = _field("BA", 11, 15, Kind.CRB)
BB = _field("BB", 16, 20, Kind.CRB)
BI = _field("BI", 11, 15, Kind.CRB)
BC = _field("BC", 21, 25, Kind.CRB)
BO = _field("BO", 6, 10, Kind.STATIC)
SI = _field("SI", 16, 31, Kind.SIGNED)
D_ = _field("D", 16, 31, Kind.SIGNED)
SIS = _field("SIS", 16, 31, Kind.SHIFTED)
UI = _field("UI", 16, 31, Kind.UNSIGNED)
UIS = _field("UIS", 16, 31, Kind.SHIFTED)
BD = _field("BD", 16, 29, Kind.WORDS)
LI = _field("LI", 6, 29, Kind.WORDS)
SH = _field("SH", 16, 20, Kind.UNSIGNED)
MASK = _field("MASK", 21, 30, Kind.MASK)
TO = _field("TO", 6, 10, Kind.UNSIGNED)
SPR = _field("SPR", 11, 20, Kind.SPR)
FXM = _field("FXM", 12, 19, Kind.STATIC)
FLM = _field("FLM", 7, 14, Kind.STATIC)
U4 = _field("U", 16, 19, Kind.STATIC)
LEV = _field("LEV", 20, 26, Kind.STATIC)
OC = _field("OC", 6, 20, Kind.STATIC)
E16 = _field("E", 16, 16, Kind.STATIC)
T6 = _field("T", 6, 10, Kind.STATIC)
CT = _field("CT", 6, 10, Kind.STATIC)
MO = _field("MO", 6, 10, Kind.STATIC)
L_SYNC = _field("L", 9, 10, Kind.STATIC)
WC = _field("WC", 9, 10, Kind.STATIC)
OE = _field("OE", 21, 21, Kind.STATIC)
AA = _field("AA", 30, 30, Kind.STATIC)
LK = _field("LK", 31, 31, Kind.STATIC)
RC = _field("Rc", 31, 31, Kind.STATIC)
UI_A = _field("UI", 11, 15, Kind.UNSIGNED)
UI_B = _field("UI", 16, 20, Kind.UNSIGNED)
SI_A = _field("SI", 11, 15, Kind.SIGNED)
D_HALVES = Field("D", 16, 20, Kind.UNSIGNED, 1)
D_WORDS = Field("D", 16, 20, Kind.UNSIGNED, 2)
D_DOUBLES = Field("D", 16, 20, Kind.UNSIGNED, 3)
BFA_EVS = _field("BFA", 29, 31, Kind.CRF)


@dataclass(frozen=True)
class Form:
    """An encoding: a word belongs to it when ``word & mask == match``."""

    name: str
    match: int
    mask: int
    fields: tuple[Field, ...]

    @cached_property
    def by_name(self) -> dict[str, Field]:
        return {f.name: f for f in self.fields}

    def encode(self, **raw: int) -> int:
        """A word of this form from raw field bits (not operands), for tests and examples."""
        word = self.match
        for name, value in raw.items():
            f = self.by_name[name]
            width = f.last - f.first + 1
            if value >> width:
                raise ValueError(f"{name}={value:#x} does not fit its {width} bits")
            word |= value << (31 - f.last)
        return word & M32


_OPCODE = 0xFC000000


def _form(name: str, opcode: int, bits: int, span: int, fields: tuple[Field, ...]) -> Form:
    return Form(name, opcode << 26 | bits, _OPCODE | span, fields)


def D(opcode: int, *fields: Field) -> Form:  # noqa: N802
    return _form("D", opcode, 0, 0, fields)


def I(opcode: int) -> Form:  # noqa: N802, E743
    return _form("I", opcode, 0, 0, (LI, AA, LK))


def B(opcode: int) -> Form:  # noqa: N802
    return _form("B", opcode, 0, 0, (BO, BI, BD, AA, LK))


def SC(opcode: int) -> Form:  # noqa: N802
    return _form("SC", opcode, 2, 2, (LEV,))


def M(opcode: int, *fields: Field) -> Form:  # noqa: N802
    return _form("M", opcode, 0, 0, (*fields, RC))


def X(opcode: int, xo: int, *fields: Field, rc: int | None = None) -> Form:  # noqa: N802
    """X-form. Pass ``RC`` among the fields for an optional record bit, or ``rc=1`` where the form demands it."""
    fixed = 0x7FE if rc is None else 0x7FF
    return _form("X", opcode, xo << 1 | (rc or 0), fixed, fields)


def XL(opcode: int, xo: int, *fields: Field) -> Form:  # noqa: N802
    return _form("XL", opcode, xo << 1, 0x7FE, fields)


def XFX(opcode: int, xo: int, *fields: Field, bit11: int | None = None) -> Form:  # noqa: N802
    """XFX-form; ``bit11`` tells mfcr from mfocrf and mtcrf from mtocrf."""
    if bit11 is None:
        return _form("XFX", opcode, xo << 1, 0x7FE, fields)
    return _form("XFX", opcode, xo << 1 | bit11 << 20, 0x7FE | 1 << 20, fields)


def XO(opcode: int, xo: int, *fields: Field) -> Form:  # noqa: N802
    """XO-form with OE and Rc."""
    return _form("XO", opcode, xo << 1, 0x3FE, (*fields, OE, RC))


def XH(opcode: int, xo: int, *fields: Field) -> Form:  # noqa: N802
    """XO-form without OE (mulhw, mulhwu): bit 21 is reserved and ignored."""
    return _form("XO", opcode, xo << 1, 0x3FE, (*fields, RC))


def A(opcode: int, xo: int, *fields: Field) -> Form:  # noqa: N802
    """A-form: five bits of extended opcode. Pass ``RC`` among the fields where there is a record bit."""
    return _form("A", opcode, xo << 1, 0x3E, fields)


def EVX(xo: int, *fields: Field) -> Form:  # noqa: N802
    return _form("EVX", 4, xo, 0x7FF, fields)


def EVS(xo: int, *fields: Field) -> Form:  # noqa: N802
    """EVS-form (evsel): eight bits of extended opcode, and the CR field behind them."""
    return _form("EVS", 4, xo << 3, 0x7F8, (*fields, BFA_EVS))
