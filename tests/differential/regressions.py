"""Bugs that the differential tests found, by name: a case, and what the book says of it.

Run without QEMU on every engine. A value is hexadecimal; what is not named may be anything.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Regression:
    """``after`` names registers (QEMU's spelling) and their values after the case of ``line``."""

    name: str
    line: str
    after: str


REGRESSIONS = (
    Regression(
        "an external-PID TLB miss takes EAS and EPID of EPLC, not MSR[DS] and PID",
        "e500mc 7d29d0be r9=40000000 pc=00002000 msr=00001010 eplc=00000005",  # lbepx r9,r9,r26
        "pc=00010340 dear=40000000 esr=00000040 mas1=80050000 mas6=00050000",
    ),
    Regression(
        "an external-PID store's miss takes EPSC's",
        "e500mc 7d29d1be r9=40000000 pc=00002000 msr=00001000 eplc=00000005 epsc=40000007",  # stbepx r9,r9,r26
        "pc=00010340 dear=40000000 esr=00800040 mas1=80071000 mas6=00070001",
    ),
    Regression(
        "DEAR of an external-PID store across a page is the first byte that faults",
        "e500mc 7d2e45be r8=00000400 r14=c0205bfd pc=00002000 msr=00003000",  # stfdepx f9,r14,r8
        "pc=00010080 dear=c0206000 esr=00800040",
    ),
    Regression(
        "an external-PID load across a page meets the fault of its first page first",
        "e500mc 7c467cbe r6=c0206ffa pc=00002000 msr=00003000",  # lfdepx f2,r6,r15
        "pc=00010080 dear=c0206ffa esr=00000040",
    ),
    Regression(
        "tlbsx without a hit leaves MAS2[EPN]",
        "e500v2 7c001f24 r3=40041123 pc=00002000 msr=00001000 mas2=12345000 mas4=0000011a mas6=00070001",
        "pc=00002004 mas1=00071100 mas2=1234501a",
    ),
)
