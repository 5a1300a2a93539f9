"""The 23 interrupt priorities of booke KVM: number, class, what allows each, what it saves (facts 4.1).

A priority's number is its bit in ``pending_exceptions`` and its index into the vcpu's vector offsets. Nothing here
changes state; :mod:`ppcdbg.kvm.booke` queues and delivers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ppcdbg.cpu.msr import MSR_CE, MSR_DE, MSR_EE, MSR_ME

(DATA_STORAGE, INST_STORAGE, ALIGNMENT, PROGRAM, FP_UNAVAIL, SPE_UNAVAIL, SPE_FP_DATA, SPE_FP_ROUND, SYSCALL,
 AP_UNAVAIL, DTLB_MISS, ITLB_MISS, MACHINE_CHECK, DEBUG, CRITICAL, WATCHDOG, EXTERNAL, FIT, DECREMENTER,
 PERFORMANCE_MONITOR, EXTERNAL_LEVEL, DBELL, DBELL_CRIT) = range(23)  # fmt: skip
MAX = 23
IRQMASK_EE = 0x003F0000
IRQMASK_CE = 0x0040C000


class IntClass(Enum):
    """Which save/restore pair a delivery uses."""

    NONCRIT = "SRR"
    CRIT = "CSRR"
    MC = "MCSRR"
    DBG = "DSRR"


@dataclass(frozen=True)
class IrqPrio:
    """One priority. ``enable`` is the MSR bit that must be set (0: always allowed, None: has no delivery at all);
    ``keeps`` are the MSR bits that survive; ``level``: stays pending when delivered."""

    number: int
    name: str
    cls: IntClass
    enable: int | None
    keeps: int
    esr: bool = False
    dear: bool = False
    level: bool = False


_BASE = MSR_CE | MSR_ME | MSR_DE


def _sync(number: int, name: str, esr: bool = False, dear: bool = False) -> IrqPrio:
    return IrqPrio(number, name, IntClass.NONCRIT, 0, _BASE, esr, dear)


def irqprios(hv: bool) -> tuple[IrqPrio, ...]:
    """The table of an HV build (e500mc: AltiVec names, a debug class of its own) or a PR build (e500v2)."""
    n, c = IntClass.NONCRIT, IntClass.CRIT
    return (
        _sync(DATA_STORAGE, "DATA_STORAGE", True, True),
        _sync(INST_STORAGE, "INST_STORAGE", True),
        _sync(ALIGNMENT, "ALIGNMENT", True, True),
        _sync(PROGRAM, "PROGRAM", True),
        _sync(FP_UNAVAIL, "FP_UNAVAIL"),
        _sync(SPE_UNAVAIL, "ALTIVEC_UNAVAIL" if hv else "SPE_UNAVAIL"),
        _sync(SPE_FP_DATA, "ALTIVEC_ASSIST" if hv else "SPE_FP_DATA"),
        _sync(SPE_FP_ROUND, "SPE_FP_ROUND"),
        _sync(SYSCALL, "SYSCALL"),
        _sync(AP_UNAVAIL, "AP_UNAVAIL"),
        _sync(DTLB_MISS, "DTLB_MISS", True, True),
        _sync(ITLB_MISS, "ITLB_MISS"),
        IrqPrio(MACHINE_CHECK, "MACHINE_CHECK", IntClass.MC, MSR_ME, 0),
        IrqPrio(DEBUG, "DEBUG", IntClass.DBG if hv else c, MSR_DE, MSR_ME),
        IrqPrio(CRITICAL, "CRITICAL", c, MSR_CE, MSR_ME),
        IrqPrio(WATCHDOG, "WATCHDOG", c, MSR_CE, MSR_ME),
        IrqPrio(EXTERNAL, "EXTERNAL", n, MSR_EE, _BASE),
        IrqPrio(FIT, "FIT", n, MSR_EE, _BASE, level=True),
        IrqPrio(DECREMENTER, "DECREMENTER", n, MSR_EE, _BASE, level=True),
        IrqPrio(PERFORMANCE_MONITOR, "PERFORMANCE_MONITOR", n, None, _BASE),
        IrqPrio(EXTERNAL_LEVEL, "EXTERNAL_LEVEL", n, MSR_EE, _BASE, level=True),
        IrqPrio(DBELL, "DBELL", n, MSR_EE, _BASE),
        IrqPrio(DBELL_CRIT, "DBELL_CRIT", c, MSR_CE, MSR_ME),
    )


IVOR_PRIO: dict[int, int] = {
    0: CRITICAL, 1: MACHINE_CHECK, 2: DATA_STORAGE, 3: INST_STORAGE, 4: EXTERNAL, 5: ALIGNMENT, 6: PROGRAM,
    7: FP_UNAVAIL, 8: SYSCALL, 9: AP_UNAVAIL, 10: DECREMENTER, 11: FIT, 12: WATCHDOG, 13: DTLB_MISS, 14: ITLB_MISS,
    15: DEBUG, 32: SPE_UNAVAIL, 33: SPE_FP_DATA, 34: SPE_FP_ROUND, 35: PERFORMANCE_MONITOR, 36: DBELL, 37: DBELL_CRIT,
}  # fmt: skip
"""Which priority's vector offset an IVOR register holds."""
