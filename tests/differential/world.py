"""The little world that both sides run in: what is mapped where, and the program that builds it.

Everything is set up by guest instructions, on our side and on the peer's alike, because a register written through a
debugger has no side effects there. Addresses below 0x8000 can be reached with RA0 = 0 and a displacement, and by
absolute branches.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.differential.asm import encode, load_immediate, set_spr

SETUP = 0x1000  # where the tiny ELF is entered, and where the setup program stands
CODE, CODE_END = 0x2000, 0x4000
LOW_DATA, LOW_DATA_END = 0x4000, 0x8000  # for RA0 = 0 with a displacement
VECTORS = 0x10000
VECTOR_STRIDE = 0x40
RAM_SIZE = 0x400000

WINDOW = 0xC0200000  # effective; pages 0..5 below, then nothing mapped
WINDOW_PAGES = 7
WINDOW_PA = {0: 0x200000, 1: 0x300000}  # by address space: MSR[DS]
REGIONS = (
    (LOW_DATA, LOW_DATA_END - LOW_DATA),
    (WINDOW_PA[0], WINDOW_PAGES * 4096),
    (WINDOW_PA[1], WINDOW_PAGES * 4096),
)
"""Real memory that the random code may change: (address, length)."""

UX, SX, UW, SW, UR, SR = 0x20, 0x10, 8, 4, 2, 1
ALL = UX | SX | UW | SW | UR | SR
PAGE_RIGHTS = (ALL, ALL, ALL, UW | SW | UR | SR, UR | SR, SW | SR, UW | UR)
"""Rights of the window's pages: most plain, one read-only, one for the supervisor, one for the user."""


def vector_numbers(core: str) -> tuple[int, ...]:
    """The IVORs that both QEMU and the core have, CE and DSRR aside."""
    return (*range(16), *range(32, 36)) if core == "e500v2" else (*range(16), *range(35, 38))


def vector_address(number: int) -> int:
    return VECTORS + number * VECTOR_STRIDE


@dataclass(frozen=True)
class Mapping:
    """One TLB entry; ``esel`` is the way in TLB0 or the index in TLB1."""

    tlbsel: int
    esel: int
    ea: int
    pa: int
    tsize: int
    ts: int
    rights: int


def mappings() -> Iterator[Mapping]:
    yield Mapping(1, 0, 0, 0, 8, 0, ALL)
    yield Mapping(1, 1, 0, 0, 8, 1, ALL)
    for ts, pa in WINDOW_PA.items():
        for page, rights in enumerate(PAGE_RIGHTS):
            yield Mapping(0, ts, WINDOW + page * 4096, pa + page * 4096, 2, ts, rights)


def _write_entry(entry: Mapping) -> list[int]:
    return [
        *set_spr("MAS0", entry.tlbsel << 28 | entry.esel << 16),
        *set_spr("MAS1", 0x80000000 | 0x40000000 * entry.tlbsel | entry.ts << 12 | entry.tsize << 7),
        *set_spr("MAS2", entry.ea),
        *set_spr("MAS3", entry.pa | entry.rights),
        *set_spr("MAS7", 0),
        encode("tlbwe"),
        encode("isync"),
    ]


def setup_program(core: str) -> list[int]:
    """Vectors, then the mappings (TLB1[0], which maps the program itself, is rewritten in place)."""
    program = [*set_spr("IVPR", VECTORS)]
    for number in vector_numbers(core):
        program += set_spr(f"IVOR{number}", number * VECTOR_STRIDE)
    program += set_spr("HID0", 0x80)  # ENMAS7: tlbre and tlbsx give MAS7 on e500v2 too
    for entry in mappings():
        program += _write_entry(entry)
    return [*program, *load_immediate(3, 0), encode("isync")]
