"""What QEMU 7.2 is known to do differently from the cores, with the reason: the one place where that is excused.

Bits of a register can be left out of the comparison (``IGNORED``), or an instruction not be run against QEMU at all
(``SKIPPED``). Everything else that differs is a failure.
"""

from __future__ import annotations

from dataclasses import dataclass

from ppcdbg.cpu.interrupts import SPE_FP_DATA, SPE_FP_ROUND
from ppcdbg.isa import spe_status as status
from tests.differential.peers import General
from tests.differential.world import vector_address
from tests.golden.float.cases import Case
from tests.golden.float.deviations import DEVIATIONS, Deviation
from tests.golden.float.qemu import Outcome
from tests.golden.spe.cases import Case as VectorCase
from tests.golden.spe.deviations import ABSENT
from tests.golden.spe.deviations import DEVIATIONS as VECTOR_DEVIATIONS
from tests.golden.spe.qemu import Outcome as VectorOutcome
from tests.isa.spe_machine import SPE

BOTH = ("e500v2", "e500mc")
MISS = "tlbsx without a hit"
VECTOR = "an instruction of the SPE"
DEBUGGED = "a debug interrupt that has a level of its own"


@dataclass(frozen=True)
class Ignored:
    """Bits of a register that are not compared after certain instructions ("!": after an interrupt)."""

    register: str
    mask: int
    insns: frozenset[str]
    reason: str


IGNORED: tuple[Ignored, ...] = (
    Ignored("msr", 0x00020200, frozenset("!"), "QEMU clears CE and DE at base-class interrupts; III-E 7.6 leaves them"),
    Ignored("csrr0", 0xFFFFFFFF, frozenset({DEBUGGED}), "QEMU saves a debug interrupt in CSRR and DSRR on every core"),
    Ignored("csrr1", 0xFFFFFFFF, frozenset({DEBUGGED}), "the same"),
    Ignored(
        "srr1", 0x001C0000, frozenset("!"), "QEMU says the cause of a program interrupt in SRR1, as Book III-S does"
    ),
    Ignored("srr1", 0x00020000, frozenset({"tw", "twi"}), "the same for traps, in the place of CE"),
    Ignored("esr", 0xFFFFFFFF, frozenset({"lwarx"}), "QEMU leaves ESR at alignment interrupts; III-E 7.6.6 clears it"),
    Ignored("esr", 0x00800000, frozenset({"dcbi"}), "store class (III-E 7.6.4), but QEMU loads first"),
    Ignored("dear", 0x3F, frozenset({"icbi", "icbiep"}), "any byte of the block will do; QEMU gives its first"),
    Ignored("esr", 0x80, frozenset({VECTOR}), "QEMU sets no ESR[SPV] (e500 RM 5.7)"),
    Ignored("mas2", 0x60, frozenset("!"), "QEMU does not copy MAS4[X0D,X1D]"),
    Ignored("mas0", 0x0FFF0FFF, frozenset({"!", MISS}), "which way a miss proposes is up to the implementation"),
    Ignored("mas0", 0xFFF, frozenset({"tlbre", "tlbsx"}), "as is the next victim"),
)

_EXTERNAL_PID = (
    "lbepx", "lhepx", "lwepx", "lfdepx", "stbepx", "sthepx", "stwepx", "stfdepx", "dcbfep", "dcbstep", "dcbtep",
    "dcbtstep", "dcbzep", "icbiep",
)  # fmt: skip
SKIPPED: dict[tuple[str, str], str] = {
    (core, name): reason
    for cores, names, reason in (
        (("e500mc",), ("ehpriv", "rfgi", "dnh"), "illegal in QEMU: it has no embedded hypervisor"),
        (BOTH, ("dcbtstls", "dcblc", "icbtls", "icblc"), "illegal in QEMU"),
        (BOTH, ("dcbtls",), "QEMU does not translate its address"),
        (("e500v2",), ("bblels", "bbelr"), "illegal in QEMU"),
        (("e500v2",), ("rfdi",), "QEMU executes it on e500v2, which has no debug level"),
        (("e500mc",), ("lbdx", "lhdx", "lwdx", "lfddx", "stbdx", "sthdx", "stwdx", "stfddx", "dsn"), "illegal in QEMU"),
        (("e500v2",), ("rfmci",), "hangs QEMU"),
        (("e500v2",), tuple(n for n in SPE if ABSENT.fullmatch(n)), "illegal in QEMU: tests/isa/test_spe_book.py"),
        (("e500v2",), _EXTERNAL_PID, "QEMU executes them on e500v2, which has no EPLC and EPSC"),
    )
    for core in cores
    for name in names
}

MSR_ABSENT: dict[str, int] = {"e500v2": 0x4, "e500mc": 0}
"""MSR bits that the core has and QEMU lacks: PMM on e500v2."""

FOR_ALL_IN_QEMU = frozenset({"dcbfep", "dcbstep", "dcbtep", "dcbtstep", "dcbzep", "icbiep"})
"""Privileged (III-E 5.4.3), but QEMU lets the user execute them: compared in supervisor state only."""

SPRS_EXCLUDED: dict[str, str] = {
    "DECAR": "write-only; what reading it does is not specified",
    "TLB1CFG": "QEMU says MAXSIZE 0xC, the cores 0xB (facts 2.2)",
    "BBEAR": "user registers (e500 RM 2.9), which QEMU keeps for the supervisor",
    "BBTAR": "as BBEAR",
}

PLAIN_PAGES = frozenset({"stwcx.", "stmw"})
"""Run where no storage interrupt comes: without a reservation QEMU does not even translate, and how much of a store
multiple is done before its interrupt is up to the implementation (III-E 7.7)."""

ALIGNED = frozenset({"lmw", "stmw", "stwcx."})
"""QEMU carries these out where they are misaligned; the cores take an alignment interrupt (e500 RM 5.7.6)."""

FLOAT_MOVES = frozenset({"mtfsf", "mtfsfi", "mtfsb0", "mtfsb1"})
"""With FEX=1 after one of these and FE0 = FE1 = 0 QEMU runs away instead of ending the step."""


def comparable_fpscr(value: int, msr: int) -> int:
    """``value`` without the enables while FE0 = FE1 = 0: QEMU then acts on an exception as if it were not enabled."""
    return value if msr & 0x900 else value & ~0xF8


def undefined_bits(name: str, word: int, general: General) -> dict[str, int]:
    """Bits of results that the book leaves undefined, by register; ``general`` is the state before."""
    target = f"r{word >> 21 & 31}"
    if name == "mfocrf":  # fields that FXM does not name
        field = 7 - ((word >> 12 & 0xFF).bit_length() - 1)
        return {target: 0xFFFFFFFF & ~(0xF0000000 >> 4 * field)}
    if name in ("divw", "divwu"):
        dividend, divisor = general[word >> 16 & 31], general[word >> 11 & 31]
        overflow = name == "divw" and dividend == 0x80000000 and divisor == 0xFFFFFFFF
        if divisor == 0 or overflow:
            return {target: 0xFFFFFFFF, "cr": 0xE0000000 if word & 1 else 0}
    return {}


def float_deviations(case: Case, ours: Outcome) -> list[Deviation]:
    """Those that ``tests.golden.float.deviations`` lists for this execution: floating point has its own table."""
    return [d for d in DEVIATIONS if d.applies(case, ours)]


def vector_deviations(case: VectorCase, ours: VectorOutcome) -> VectorOutcome:
    """The bits that may differ after an instruction of the SPE, by ``tests.golden.spe.deviations``. CR is as for BF=2,
    memory's are always compared."""
    masks = [0] * len(ours)
    for deviation in VECTOR_DEVIATIONS:
        masks = [a | b for a, b in zip(masks, deviation.mask(case, ours), strict=True)]
    return VectorOutcome(*masks)


def embedded_interrupt(name: str, pc: int, spefscr: int) -> bool:
    """Whether our core stands at an embedded floating-point interrupt, which QEMU never takes, and rightly so: data for
    an error whose enable is set, round for an inexact result with FINXE or always in a mode that e500 leaves to
    software (its handler finds the exact ones out)."""
    flags = spefscr | spefscr >> status.TO_HIGH if name.startswith("evfs") else spefscr
    data = flags >> 6 & spefscr & (status.FINVE | status.FDBZE | status.FUNFE | status.FOVFE)
    if pc == vector_address(SPE_FP_DATA):
        return data != 0
    inexact = spefscr & status.FINXE and flags & (status.FG | status.FX | status.FOVF | status.FUNF)
    asked = inexact or spefscr & status.FRMC >= status.TO_PLUS_INFINITY
    return pc == vector_address(SPE_FP_ROUND) and not data and bool(asked)
