"""Debug events by their registers: which address compares match, which events are enabled, which are recorded.

Sources: e500 RM 8.4 (e500v2) and 8.2.4, of what it does otherwise than Book E; Power ISA III-E 8.4 and 8.5 (DBCR0 to
DBCR2). Both cores compare effective addresses only, and have two IAC and two DAC. Of an access it is the address that
is compared, not its bytes. When an event is looked for is the engine's: :mod:`ppcdbg.engine.common.debug_events`.
"""

from __future__ import annotations

from ppcdbg.cpu import msr as M
from ppcdbg.isa import slots
from ppcdbg.isa.sprs import SLOT

DBCR0, DBSR = SLOT["DBCR0"], SLOT["DBSR"]
DAC_EVENTS = M.DBCR0_DAC1R | M.DBCR0_DAC1W | M.DBCR0_DAC2R | M.DBCR0_DAC2W
IAC_EVENTS = M.DBCR0_IAC1 | M.DBCR0_IAC2
EVENTS = (
    DAC_EVENTS | IAC_EVENTS | M.DBCR0_IC | M.DBCR0_BT | M.DBCR0_IRPT | M.DBCR0_TIE | M.DBCR0_RET
    | M.DBCR0_CIRPT | M.DBCR0_CRET
)  # fmt: skip
"""DBCR0 bits that enable an event; DBSR has them at the same places."""

_IAC1, _IAC2, _DAC1, _DAC2, _DBCR1, _DBCR2 = (SLOT[n] for n in ("IAC1", "IAC2", "DAC1", "DAC2", "DBCR1", "DBCR2"))
EXACT, BITS, INSIDE, OUTSIDE = range(4)
"""DBCR1[IAC12M], DBCR2[DAC12M] (III-E 8.5.1.2, 8.5.1.3)."""


def instruction_events(reg: memoryview[int], enabled: int, ea: int) -> int:
    """``reg`` is ``State.reg``. The IAC events of the instruction at ``ea``, of those that are ``enabled`` (DBCR0)."""
    msr = reg[slots.MSR]
    one, two = _matches(reg[_DBCR1], reg[_IAC1], reg[_IAC2], ea, msr, M.MSR_IS)
    return enabled & ((M.DBCR0_IAC1 if one else 0) | (M.DBCR0_IAC2 if two else 0))


def data_events(reg: memoryview[int], enabled: int, ea: int, *, write: bool) -> int:
    """The DAC events of an access at ``ea``, of those that are ``enabled`` (DBCR0)."""
    msr = reg[slots.MSR]
    one, two = _matches(reg[_DBCR2], reg[_DAC1], reg[_DAC2], ea, msr, M.MSR_DS)
    first, second = (M.DBCR0_DAC1W, M.DBCR0_DAC2W) if write else (M.DBCR0_DAC1R, M.DBCR0_DAC2R)
    return enabled & ((first if one else 0) | (second if two else 0))


def _matches(control: int, first: int, second: int, ea: int, msr: int, space: int) -> tuple[bool, bool]:
    """Whether each of a pair of address compares matches; outside of exact mode they match together."""
    mode = control >> 22 & 3
    if mode == EXACT:
        one, two = ea == first, ea == second
    elif mode == BITS:
        one = two = (ea ^ first) & second == 0
    else:
        one = two = (first <= ea < second) is (mode == INSIDE)
    return one and _applies(control >> 28, msr, space), two and _applies(control >> 24, msr, space)


def _applies(fields: int, msr: int, space: int) -> bool:
    """US, ER of one compare in the low four bits: 10 and 11 ask for MSR[PR] (for the space bit) of 0 and 1.

    US of 01 is reserved and ER of 01, real addresses, unimplemented: nothing matches.
    """
    return all(
        field == 0 or (field != 1 and (field == 3) is bool(msr & bit))
        for field, bit in ((fields >> 2 & 3, M.MSR_PR), (fields & 3, space))
    )


def recorded(reg: memoryview[int], events: int, msr: int) -> None:
    """Put events into DBSR; with MSR[DE]=0 they are imprecise (e500 RM 8.4)."""
    reg[DBSR] |= events if msr & M.MSR_DE else events | M.DBSR_IDE
