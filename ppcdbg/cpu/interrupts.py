"""The interrupts of Book E: numbers, classes, and what each saves (facts 1.8; Power ISA III-E 7).

A number is the IVOR's, which is also the number by which Linux KVM knows an exit. Delivery itself is
:mod:`ppcdbg.cpu.core`'s; what decides between several pending ones is ``ASYNC_ORDER``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

(CRITICAL, MACHINE_CHECK, DATA_STORAGE, INST_STORAGE, EXTERNAL, ALIGNMENT, PROGRAM, FP_UNAVAIL, SYSCALL, AP_UNAVAIL,
 DECREMENTER, FIT, WATCHDOG, DTLB_MISS, ITLB_MISS, DEBUG) = range(16)  # fmt: skip
SPE_UNAVAIL, SPE_FP_DATA, SPE_FP_ROUND, PERFORMANCE_MONITOR, DOORBELL, DOORBELL_CRITICAL = range(32, 38)
GUEST_DBELL, GUEST_DBELL_CRIT, HV_SYSCALL, HV_PRIV, LRAT_ERROR = range(38, 43)


class Class(Enum):
    """Save/restore pair of an interrupt."""

    BASE = ("SRR0", "SRR1")
    CRITICAL = ("CSRR0", "CSRR1")
    DEBUG = ("DSRR0", "DSRR1")
    MACHINE_CHECK = ("MCSRR0", "MCSRR1")
    GUEST = ("GSRR0", "GSRR1")


@dataclass(frozen=True)
class Vector:
    """One interrupt: ``number`` is the IVOR, ``sets_esr``/``sets_dear`` what else it writes."""

    number: int
    name: str
    cls: Class
    sets_esr: bool = False
    sets_dear: bool = False


VECTORS: dict[int, Vector] = {
    v.number: v
    for v in (
        Vector(CRITICAL, "CRITICAL", Class.CRITICAL),
        Vector(MACHINE_CHECK, "MACHINE_CHECK", Class.MACHINE_CHECK),
        Vector(DATA_STORAGE, "DATA_STORAGE", Class.BASE, True, True),
        Vector(INST_STORAGE, "INST_STORAGE", Class.BASE, True),
        Vector(EXTERNAL, "EXTERNAL", Class.BASE),
        Vector(ALIGNMENT, "ALIGNMENT", Class.BASE, True, True),
        Vector(PROGRAM, "PROGRAM", Class.BASE, True),
        Vector(FP_UNAVAIL, "FP_UNAVAIL", Class.BASE),
        Vector(SYSCALL, "SYSCALL", Class.BASE),
        Vector(AP_UNAVAIL, "AP_UNAVAIL", Class.BASE),
        Vector(DECREMENTER, "DECREMENTER", Class.BASE),
        Vector(FIT, "FIT", Class.BASE),
        Vector(WATCHDOG, "WATCHDOG", Class.CRITICAL),
        Vector(DTLB_MISS, "DTLB_MISS", Class.BASE, True, True),
        Vector(ITLB_MISS, "ITLB_MISS", Class.BASE),
        Vector(DEBUG, "DEBUG", Class.DEBUG),
        Vector(SPE_UNAVAIL, "SPE_UNAVAIL", Class.BASE, True),
        Vector(SPE_FP_DATA, "SPE_FP_DATA", Class.BASE, True),
        Vector(SPE_FP_ROUND, "SPE_FP_ROUND", Class.BASE, True),
        Vector(PERFORMANCE_MONITOR, "PERFORMANCE_MONITOR", Class.BASE),
        Vector(DOORBELL, "DOORBELL", Class.BASE),
        Vector(DOORBELL_CRITICAL, "DOORBELL_CRITICAL", Class.CRITICAL),
        Vector(GUEST_DBELL, "GUEST_DBELL", Class.GUEST),
        Vector(GUEST_DBELL_CRIT, "GUEST_DBELL_CRIT", Class.CRITICAL),
        Vector(HV_SYSCALL, "HV_SYSCALL", Class.BASE),
        Vector(HV_PRIV, "HV_PRIV", Class.BASE),
        Vector(LRAT_ERROR, "LRAT_ERROR", Class.BASE, True, True),
    )
}


class GuestInterrupt(Exception):
    """A synchronous interrupt that the instruction at hand causes; nothing of the instruction has happened.

    ``vf``: a DSI raised by a TLB entry's VF bit, which goes to the hypervisor whatever EPCR says. ``completed``: the
    instruction has happened and retires (sc); the address saved is the next one's.
    """

    __slots__ = ("completed", "dear", "esr", "mcsr", "vector", "vf")

    def __init__(
        self, vector: int, esr: int = 0, dear: int = 0, vf: bool = False, mcsr: int = 0, completed: bool = False
    ) -> None:
        super().__init__(vector)
        self.vector = vector
        self.esr = esr
        self.dear = dear
        self.vf = vf
        self.mcsr = mcsr
        self.completed = completed
