"""The special-purpose registers: number, name, privilege, cores, and what kind of storage stands behind each.

Numbers are those of Power ISA III-E and the e500 manuals (facts 1.5). A register is *plain* when reading and writing
touch nothing but its slot; the others are carried out by ``cpu.core``. Guest names (GS=1) are in ``GUEST_ALIAS``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from functools import cache

from ppcdbg.isa.insn import BOTH, E500MC, E500V2
from ppcdbg.isa.slots import CTR, LR, SPR


class Access(Enum):
    """Who may use one direction of an SPR."""

    USER = auto()
    SUPERVISOR = auto()
    HYPERVISOR = auto()
    NONE = auto()  # no such direction: an illegal instruction


@dataclass(frozen=True)
class Spr:
    """One register. ``plain``: no side effect in either direction. ``mask``: bits that can be written."""

    name: str
    number: int
    read: Access
    write: Access
    cores: frozenset[str]
    plain: bool
    slot: int
    mask: int = 0xFFFFFFFF

    def on(self, core: str) -> bool:
        return core in self.cores


U, S, H, N = Access.USER, Access.SUPERVISOR, Access.HYPERVISOR, Access.NONE
V2 = frozenset({E500V2})
MC = frozenset({E500MC})
PLAIN, ACTS = True, False

_ROWS: tuple[tuple[str, int, Access, Access, frozenset[str], bool, int], ...] = (
    ("XER", 1, U, U, BOTH, ACTS, 0xE000007F),
    ("LR", 8, U, U, BOTH, PLAIN, 0xFFFFFFFF),
    ("CTR", 9, U, U, BOTH, PLAIN, 0xFFFFFFFF),
    ("DEC", 22, H, H, BOTH, ACTS, 0xFFFFFFFF),
    ("SRR0", 26, S, S, BOTH, PLAIN, 0xFFFFFFFC),
    ("SRR1", 27, S, S, BOTH, PLAIN, 0xFFFFFFFF),
    ("PID", 48, S, S, BOTH, ACTS, 0xFF),
    ("DECAR", 54, N, H, BOTH, PLAIN, 0xFFFFFFFF),
    ("CSRR0", 58, H, H, BOTH, PLAIN, 0xFFFFFFFC),
    ("CSRR1", 59, H, H, BOTH, PLAIN, 0xFFFFFFFF),
    ("DEAR", 61, S, S, BOTH, PLAIN, 0xFFFFFFFF),
    ("ESR", 62, S, S, BOTH, PLAIN, 0xFFFFFFFF),
    ("IVPR", 63, H, H, BOTH, PLAIN, 0xFFFF0000),
    ("USPRG0", 256, U, U, BOTH, PLAIN, 0xFFFFFFFF),
    ("SPRG3R", 259, U, N, BOTH, ACTS, 0xFFFFFFFF),
    ("SPRG4R", 260, U, N, BOTH, ACTS, 0xFFFFFFFF),
    ("SPRG5R", 261, U, N, BOTH, ACTS, 0xFFFFFFFF),
    ("SPRG6R", 262, U, N, BOTH, ACTS, 0xFFFFFFFF),
    ("SPRG7R", 263, U, N, BOTH, ACTS, 0xFFFFFFFF),
    ("TBRL", 268, U, N, BOTH, ACTS, 0xFFFFFFFF),
    ("TBRU", 269, U, N, BOTH, ACTS, 0xFFFFFFFF),
    ("SPRG0", 272, S, S, BOTH, PLAIN, 0xFFFFFFFF),
    ("SPRG1", 273, S, S, BOTH, PLAIN, 0xFFFFFFFF),
    ("SPRG2", 274, S, S, BOTH, PLAIN, 0xFFFFFFFF),
    ("SPRG3", 275, S, S, BOTH, PLAIN, 0xFFFFFFFF),
    ("SPRG4", 276, S, S, BOTH, PLAIN, 0xFFFFFFFF),
    ("SPRG5", 277, S, S, BOTH, PLAIN, 0xFFFFFFFF),
    ("SPRG6", 278, S, S, BOTH, PLAIN, 0xFFFFFFFF),
    ("SPRG7", 279, S, S, BOTH, PLAIN, 0xFFFFFFFF),
    ("TBWL", 284, N, H, BOTH, ACTS, 0xFFFFFFFF),
    ("TBWU", 285, N, H, BOTH, ACTS, 0xFFFFFFFF),
    ("PIR", 286, S, H, BOTH, PLAIN, 0xFFFFFFFF),
    ("PVR", 287, S, N, BOTH, PLAIN, 0),
    ("DBSR", 304, H, H, BOTH, ACTS, 0xFFFFFFFF),
    ("EPCR", 307, H, H, MC, ACTS, 0xFFE00000),
    ("DBCR0", 308, H, H, BOTH, ACTS, 0xFFFFFFFF),
    ("DBCR1", 309, H, H, BOTH, PLAIN, 0xFFFFFFFF),
    ("DBCR2", 310, H, H, BOTH, PLAIN, 0xFFFFFFFF),
    ("MSRP", 311, H, H, MC, PLAIN, 0x04000204),
    ("IAC1", 312, H, H, BOTH, PLAIN, 0xFFFFFFFC),
    ("IAC2", 313, H, H, BOTH, PLAIN, 0xFFFFFFFC),
    ("DAC1", 316, H, H, BOTH, PLAIN, 0xFFFFFFFF),
    ("DAC2", 317, H, H, BOTH, PLAIN, 0xFFFFFFFF),
    ("TSR", 336, H, H, BOTH, ACTS, 0xFFFFFFFF),
    ("LPID", 338, H, H, MC, ACTS, 0x3F),
    ("MAS5", 339, H, H, MC, PLAIN, 0x8000003F),
    ("TCR", 340, H, H, BOTH, ACTS, 0xFFFFFFFF),
    ("MAS8", 341, H, H, MC, PLAIN, 0xC000003F),
    ("GSPRG0", 368, H, H, MC, PLAIN, 0xFFFFFFFF),
    ("GSPRG1", 369, H, H, MC, PLAIN, 0xFFFFFFFF),
    ("GSPRG2", 370, H, H, MC, PLAIN, 0xFFFFFFFF),
    ("GSPRG3", 371, H, H, MC, PLAIN, 0xFFFFFFFF),
    ("GSRR0", 378, H, H, MC, PLAIN, 0xFFFFFFFC),
    ("GSRR1", 379, H, H, MC, PLAIN, 0xFFFFFFFF),
    ("GEPR", 380, H, H, MC, PLAIN, 0xFFFF),
    ("GDEAR", 381, H, H, MC, PLAIN, 0xFFFFFFFF),
    ("GPIR", 382, H, H, MC, PLAIN, 0xFFFFFFFF),
    ("GESR", 383, H, H, MC, PLAIN, 0xFFFFFFFF),
    *((f"IVOR{n}", 400 + n, H, H, BOTH, PLAIN, 0xFFF0) for n in range(16)),
    ("IVOR38", 432, H, H, MC, PLAIN, 0xFFF0),
    ("IVOR39", 433, H, H, MC, PLAIN, 0xFFF0),
    ("IVOR40", 434, H, H, MC, PLAIN, 0xFFF0),
    ("IVOR41", 435, H, H, MC, PLAIN, 0xFFF0),
    ("GIVOR2", 440, H, H, MC, PLAIN, 0xFFF0),
    ("GIVOR3", 441, H, H, MC, PLAIN, 0xFFF0),
    ("GIVOR4", 442, H, H, MC, PLAIN, 0xFFF0),
    ("GIVOR8", 443, H, H, MC, PLAIN, 0xFFF0),
    ("GIVOR13", 444, H, H, MC, PLAIN, 0xFFF0),
    ("GIVOR14", 445, H, H, MC, PLAIN, 0xFFF0),
    ("GIVPR", 447, H, H, MC, PLAIN, 0xFFFF0000),
    ("SPEFSCR", 512, U, U, V2, PLAIN, 0xFFFFFFFF),
    ("BBEAR", 513, U, U, V2, PLAIN, 0xFFFFFFFF),
    ("BBTAR", 514, U, U, V2, PLAIN, 0xFFFFFFFF),
    ("L1CFG0", 515, U, N, BOTH, PLAIN, 0),
    ("L1CFG1", 516, U, N, BOTH, PLAIN, 0),
    ("ATBL", 526, U, N, BOTH, ACTS, 0xFFFFFFFF),
    ("ATBU", 527, U, N, BOTH, ACTS, 0xFFFFFFFF),
    ("IVOR32", 528, H, H, V2, PLAIN, 0xFFF0),
    ("IVOR33", 529, H, H, V2, PLAIN, 0xFFF0),
    ("IVOR34", 530, H, H, V2, PLAIN, 0xFFF0),
    ("IVOR35", 531, H, H, BOTH, PLAIN, 0xFFF0),
    ("IVOR36", 532, H, H, MC, PLAIN, 0xFFF0),
    ("IVOR37", 533, H, H, MC, PLAIN, 0xFFF0),
    ("MCARU", 569, H, N, BOTH, PLAIN, 0),
    ("MCSRR0", 570, H, H, BOTH, PLAIN, 0xFFFFFFFC),
    ("MCSRR1", 571, H, H, BOTH, PLAIN, 0xFFFFFFFF),
    ("MCSR", 572, H, H, BOTH, ACTS, 0xFFFFFFFF),
    ("MCAR", 573, H, N, BOTH, PLAIN, 0),
    ("DSRR0", 574, H, H, MC, PLAIN, 0xFFFFFFFC),
    ("DSRR1", 575, H, H, MC, PLAIN, 0xFFFFFFFF),
    ("SPRG8", 604, H, H, BOTH, PLAIN, 0xFFFFFFFF),
    ("SPRG9", 605, S, S, BOTH, PLAIN, 0xFFFFFFFF),
    ("MAS0", 624, S, S, BOTH, PLAIN, 0x3FFF0FFF),
    ("MAS1", 625, S, S, BOTH, PLAIN, 0xFFFF1F80),
    ("MAS2", 626, S, S, BOTH, PLAIN, 0xFFFFF07F),
    ("MAS3", 627, S, S, BOTH, PLAIN, 0xFFFFF3FF),
    ("MAS4", 628, S, S, BOTH, PLAIN, 0xFFFFFFFF),
    ("MAS6", 630, S, S, BOTH, PLAIN, 0xFFFFFFFF),
    ("PID1", 633, S, S, V2, ACTS, 0xFF),
    ("PID2", 634, S, S, V2, ACTS, 0xFF),
    ("TLB0CFG", 688, H, N, BOTH, PLAIN, 0),
    ("TLB1CFG", 689, H, N, BOTH, PLAIN, 0),
    ("CDCSR0", 696, S, S, MC, PLAIN, 0xFFFFFFFF),
    ("EPR", 702, S, N, BOTH, PLAIN, 0),
    ("MAS7", 944, S, S, BOTH, PLAIN, 0xF),
    ("EPLC", 947, S, S, MC, ACTS, 0xE0FF3FFF),
    ("EPSC", 948, S, S, MC, ACTS, 0xE0FF3FFF),
    ("L1FINV1", 959, H, H, MC, PLAIN, 0xFFFFFFFF),
    ("DEVENT", 975, U, U, MC, PLAIN, 0xFFFFFFFF),
    ("NSPD", 983, U, U, MC, PLAIN, 0xFFFFFFFF),
    ("NSPC", 984, S, S, MC, PLAIN, 0xFFFFFFFF),
    ("HID0", 1008, H, H, BOTH, PLAIN, 0xFFFFFFFF),
    ("HID1", 1009, H, H, BOTH, PLAIN, 0xFFFFFFFF),
    ("L1CSR0", 1010, H, H, BOTH, ACTS, 0xFFFFFFFF),
    ("L1CSR1", 1011, H, H, BOTH, ACTS, 0xFFFFFFFF),
    ("MMUCSR0", 1012, H, H, BOTH, ACTS, 0xFFFFFFFF),
    ("BUCSR", 1013, H, H, BOTH, ACTS, 0xFFFFFFFF),
    ("MMUCFG", 1015, H, N, BOTH, PLAIN, 0),
    ("L1CSR2", 606, H, H, MC, PLAIN, 0xFFFFFFFF),
    ("L2CFG0", 519, U, N, MC, PLAIN, 0),
    ("L2CSR0", 1017, H, H, MC, ACTS, 0xFFFFFFFF),
    ("L2CSR1", 1018, H, H, MC, PLAIN, 0xFFFFFFFF),
    ("SVR", 1023, S, N, BOTH, PLAIN, 0),
)


def _build() -> tuple[Spr, ...]:
    own = {"LR": LR, "CTR": CTR}
    return tuple(
        Spr(name, number, read, write, cores, plain, own.get(name, SPR + i), mask)
        for i, (name, number, read, write, cores, plain, mask) in enumerate(_ROWS)
    )


SPRS: tuple[Spr, ...] = _build()
BY_NAME: dict[str, Spr] = {s.name: s for s in SPRS}
SLOT: dict[str, int] = {s.name: s.slot for s in SPRS}

# Guest names while MSR[GS]=1 and MSR[PR]=0 (facts 1.6); SPRG3R is also used at MSR[PR]=1.
GUEST_ALIAS: dict[str, str] = {
    "SRR0": "GSRR0",
    "SRR1": "GSRR1",
    "SPRG0": "GSPRG0",
    "SPRG1": "GSPRG1",
    "SPRG2": "GSPRG2",
    "SPRG3": "GSPRG3",
    "DEAR": "GDEAR",
    "ESR": "GESR",
    "EPR": "GEPR",
    "PIR": "GPIR",
}


@cache
def sprs_of(core: str) -> dict[int, Spr]:
    """The SPRs that a core model has, by number."""
    return {s.number: s for s in SPRS if s.on(core)}
