"""Guests that mean harm, in words: each goes on for ever."""

from __future__ import annotations

from collections.abc import Callable

from tests.cpu.rig import asm, spr_field

ENTRY, HANDLERS, CHECKED = 0x1000, 0x4000, 0x4100
UART, CCSR = 0x4500, 0xE0000000
"""The effective addresses at which the guests map the board's devices (real 0xFE0000000)."""


def number(register: int, value: int) -> list[int]:
    return [asm("addis", RT=register, RA0=0, SIS=value >> 16), asm("ori", RS=register, RA=register, UI=value & 0xFFFF)]


def spr(register: int, value: int) -> list[int]:
    return [*number(3, value), asm("mtspr", RS=3, SPR=spr_field(register))]


def back(words: list[int]) -> list[int]:
    """A loop of them."""
    return [*words, asm("b", LI=-len(words) & 0xFFFFFF)]


def vectors() -> list[int]:
    """All interrupts at ``HANDLERS``, machine checks at ``CHECKED``; MSR[ME] is on."""
    words = spr(63, 0)
    for n in range(16):
        words += spr(400 + n, CHECKED if n == 1 else HANDLERS)
    return [*words, *number(3, 0x1000), asm("mtmsr", RS=3)]


STEP_OVER = [
    asm("mfspr", RT=31, SPR=spr_field(26)),
    asm("addi", RT=31, RA0=31, SI=4),
    asm("mtspr", RS=31, SPR=spr_field(26)),
    asm("rfi"),
]
AFTER_CHECK = [
    asm("mfspr", RT=31, SPR=spr_field(570)),
    asm("addi", RT=31, RA0=31, SI=4),
    asm("mtspr", RS=31, SPR=spr_field(570)),
    asm("mfspr", RT=31, SPR=spr_field(572)),
    asm("mtspr", RS=31, SPR=spr_field(572)),
    asm("rfmci"),
]


def map_devices() -> list[int]:
    """TLB1[1]: 1 MiB of devices."""
    words = []
    for register, value in ((624, 0x10010000), (625, 0xC0000500), (626, CCSR | 0xA), (627, 0xE0000015), (944, 0xF)):
        words += spr(register, value)
    return [*words, asm("tlbwe"), asm("isync")]


def misses() -> list[int]:
    """Touch one page after the other, none of which is mapped."""
    loop = [asm("addis", RT=4, RA0=4, SIS=1), asm("oris", RS=4, RA=5, UIS=0x4000), asm("lwz", RT=6, RA0=5, D=0)]
    return [*vectors(), *back(loop)]


def storm() -> list[int]:
    """Loads and stores of every width all over the devices."""
    loop = [asm("addi", RT=4, RA0=4, SI=4), asm("rlwinm", RS=4, RA=4, SH=0, MASK=13 << 5 | 31)]
    for name, register in (("lwzx", "RT"), ("stwx", "RS"), ("lbzx", "RT"), ("sthx", "RS")):
        loop.append(asm(name, **{register: 6}, RA0=7, RB=4))
    return [*vectors(), *map_devices(), *number(7, CCSR), *back(loop)]


def flood() -> list[int]:
    """One character after the other."""
    loop = [asm("stb", RS=6, RA0=7, D=0), asm("addi", RT=6, RA0=6, SI=1)]
    return [*vectors(), *map_devices(), *number(7, CCSR + UART), *back(loop)]


def rewriting() -> list[int]:
    """Change the next instruction, run it, and change it again."""
    loop = [
        asm("addi", RT=6, RA0=6, SI=1),
        asm("rlwimi", RS=6, RA=8, SH=0, MASK=16 << 5 | 31),
        asm("stw", RS=8, RA0=9, D=0),
        asm("icbi", RA0=0, RB=9),
        asm("isync"),
    ]
    begin = [*vectors(), *number(8, asm("addi", RT=5, RA0=0, SI=0))]
    where = ENTRY + 4 * (len(begin) + 2 + len(loop))
    return [*begin, *number(9, where), *back([*loop, 0])]


def wild() -> list[int]:
    """Jump anywhere; the handlers come back to the loop."""
    loop = [
        asm("mulli", RT=6, RA=6, SI=25173),
        asm("addi", RT=6, RA0=6, SI=13849),
        asm("mtspr", RS=6, SPR=spr_field(9)),
        asm("bcctr", BO=20, BI=0, LK=1),
    ]
    return [*vectors(), *number(30, ENTRY + 4 * (len(vectors()) + 2)), *back(loop)]


RETURN_TO_LOOP = [asm("mtspr", RS=30, SPR=spr_field(26)), asm("rfi")]

GUESTS: dict[str, tuple[Callable[[], list[int]], list[int]]] = {
    "endless TLB misses": (misses, STEP_OVER),
    "device register storm": (storm, STEP_OVER),
    "console flood": (flood, STEP_OVER),
    "code that rewrites itself": (rewriting, STEP_OVER),
    "wild jumps": (wild, RETURN_TO_LOOP),
}


def image(name: str) -> bytes:
    """From real address ``ENTRY`` on."""
    program, handler = GUESTS[name]
    words = program()
    gap = [0] * ((HANDLERS - ENTRY) // 4 - len(words))
    between = [0] * ((CHECKED - HANDLERS) // 4 - len(handler))
    return b"".join(w.to_bytes(4, "big") for w in [*words, *gap, *handler, *between, *AFTER_CHECK])
