"""Every SPR that both sides have, written with ones, zeros and a pattern and read back, by guest instructions."""

from __future__ import annotations

from ppcdbg.isa.sprs import Access, sprs_of
from tests.differential.asm import encode
from tests.differential.compare import Comparison
from tests.differential.peers import PC
from tests.differential.world import CODE

PATTERNS = (0xFFFFFFFF, 0, 0xA5A5A5A5)
ACTING = frozenset({
    "DBCR0", "DBSR", "DEC", "TCR", "TSR", "TBWL", "TBWU", "TBRL", "TBRU", "ATBL", "ATBU", "IVPR", "MMUCSR0", "L1CSR0",
    "L1CSR1", "L2CSR0", "BUCSR", "PID", "PID1", "PID2", "XER",
})  # fmt: skip
"""What they do is tested elsewhere; here they would change the world."""

NOT_WRITTEN = frozenset({"PIR"})
"""In QEMU a write to PIR goes to SPR 1023, which is SVR here."""

ABSENT = frozenset({
    "EPCR", "LPID", "MSRP", "MAS5", "MAS8", "GSPRG0", "GSPRG1", "GSPRG2", "GSPRG3", "GSRR0", "GSRR1", "GEPR", "GDEAR",
    "GPIR", "GESR", "GIVOR2", "GIVOR3", "GIVOR4", "GIVOR8", "GIVOR13", "GIVOR14", "GIVPR", "MCARU", "CDCSR0", "L1FINV1",
    "DEVENT", "NSPD", "NSPC", "L1CSR2", "L2CFG0", "L2CSR1",
})  # fmt: skip
"""Not in QEMU: moves are no-ops there (facts/qemu.md)."""

OWN_BITS = {
    "MCSR": (0, "writing clears bits on the cores; plain storage in QEMU"),
    "MMUCFG": (0, "0 in QEMU"),
    "TLB1CFG": (0xFFF0FFFF, "QEMU says MAXSIZE 0xC, the cores 0xB (facts 2.2)"),
    "L1CFG0": (0xFE7FFFFF, "QEMU says a CBSIZE of 2 on e500mc, which is not defined"),
    "L1CFG1": (0xFE7FFFFF, "as L1CFG0"),
    "EPLC": (0xC00000FF, "QEMU has neither EGS nor ELPID, and eight bits of EPID"),
    "EPSC": (0xC00000FF, "as EPLC"),
}
"""Bits that can be compared, where it is not all that the core implements, and why."""


def test_sprs_hold_what_they_hold_in_qemu(comparison: Comparison, core_name: str) -> None:
    wrong: list[str] = []
    compared = 0
    for spr in sprs_of(core_name).values():
        if spr.name in ACTING | ABSENT or spr.read is Access.NONE:
            continue
        compared += 1
        mask = OWN_BITS.get(spr.name, (spr.mask or 0xFFFFFFFF,))[0]
        for pattern in PATTERNS:
            if spr.write is not Access.NONE and spr.name not in NOT_WRITTEN:
                _run(comparison, encode("mtspr", SPR=spr.number, RS=3), pattern)
            ours, theirs = _run(comparison, encode("mfspr", RT=5, SPR=spr.number), 0)
            if (ours ^ theirs) & mask:
                wrong.append(f"{spr.name} after {pattern:#x}: ours {ours:#x}, QEMU {theirs:#x}")
    assert not wrong, "\n".join(wrong)
    assert compared > 50


def _run(comparison: Comparison, word: int, value: int) -> tuple[int, int]:
    """r5 of both sides after one word that finds ``value`` in r3."""
    general = [0] * 38
    general[3], general[5], general[PC], general[PC + 1] = value, 0xABCDABCD, CODE, 0x1000
    comparison.ours.write_memory(CODE, word.to_bytes(4, "big"))
    comparison.theirs.write_memory(CODE, word.to_bytes(4, "big"))
    a, b = comparison.ours.step(tuple(general), {}), comparison.theirs.step(tuple(general), {})
    assert a[PC] == b[PC] == CODE + 4
    return a[5], b[5]
