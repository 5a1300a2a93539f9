"""Programs that loop, call and store, so that regions are worth compiling; they fault only where a test wants it."""

from __future__ import annotations

import random

from ppcdbg.isa.insn import Insn
from ppcdbg.isa.table import by_name
from tests.cpu.rig import asm
from tests.engine.world import CODE, WINDOW, World

START = CODE + 0xF40  # the first loop lies across a page boundary
FUNCTION = CODE + 0x2000
PATCHED = CODE + 0x2008  # an instruction of the function that the program itself rewrites
ALIAS = FUNCTION  # effective and real address are the same there
ALU = (
    *("addi", "addis", "addic", "addic.", "subfic", "mulli", "add", "addc", "adde", "addze", "addme", "subf", "subfc"),
    *("subfe", "neg", "mullw", "mulhw", "mulhwu", "divw", "divwu", "isel", "ori", "xori", "andi.", "andis.", "and"),
    *("andc", "or", "orc", "xor", "nand", "nor", "eqv", "cntlzw", "extsb", "extsh", "rlwinm", "rlwnm", "rlwimi", "slw"),
    *("srw", "sraw", "srawi", "cmpi", "cmp", "cmpli", "cmpl", "crand", "cror", "crxor", "crnand", "creqv", "crandc"),
    *("mcrf", "mfcr", "mtcrf"),
)
STORAGE = (
    *(
        "lbz",
        "lhz",
        "lha",
        "lwz",
        "lbzu",
        "lwzu",
        "lhbrx",
        "lwbrx",
        "lwzx",
        "stb",
        "sth",
        "stw",
        "stbu",
        "stwu",
        "stwx",
    ),
    *("sthbrx", "lmw", "stmw", "lwarx", "stwcx.", "dcbz"),
)
BASES = range(20, 28)
"""Registers that hold addresses in the window; nothing else is written to them."""


def _alu(rng: random.Random) -> int:
    return _with(rng, by_name(rng.choice(ALU)), {})


def _storage(rng: random.Random) -> int:
    insn = by_name(rng.choice(STORAGE))
    fixed = {"D": rng.choice((0, 4, 8, 64, 0x7C, rng.randrange(256)))}
    base = "RA0" if "RA0" in insn.form.by_name else "RA"
    fixed[base] = rng.choice(BASES)
    if insn.name.endswith("u"):
        fixed["D"] = rng.choice((1, 4, 0xFFFC))
    if insn.name in ("lmw", "stmw"):
        fixed |= {"RT": 29, "RS": 29, "D": rng.choice((0, 4))}
    return _with(rng, insn, fixed)


def _with(rng: random.Random, insn: Insn, fixed: dict[str, int]) -> int:
    """Random operands, results in r0..r15."""
    raw = {}
    for field in insn.form.fields:
        value = rng.getrandbits(field.last - field.first + 1)
        if field.name in ("RT", "RS", "RA", "RB", "RA0"):
            value &= 15
        raw[field.name] = fixed.get(field.name, value)
    return insn.form.encode(**raw)


def _body(rng: random.Random, count: int) -> list[int]:
    words = []
    for _ in range(count):
        words.append(_storage(rng) if rng.random() < 0.3 else _alu(rng))
        if rng.random() < 0.15:  # a forward branch over the next instruction
            words += [asm("bc", BO=rng.choice((4, 12)), BI=rng.randrange(32), BD=2), _alu(rng)]
    return words


def program(rng: random.Random) -> list[int]:
    """Loops one after the other, some with calls, and back to the start for ever."""
    words: list[int] = []
    for number in range(3):
        words += [asm("addi", RT=16, RA0=0, SI=rng.randrange(2, 40)), asm("mtspr", SPR=9 << 5, RS=16)]
        top = len(words)
        words += _body(rng, rng.randrange(3, 25))
        if number != 1:
            at = START + 4 * len(words)
            words.append(asm("b", LI=(FUNCTION - at >> 2) & 0xFFFFFF, LK=1))
        if number == 2:
            words.append(asm("stw", RS=28, RA0=19, D=PATCHED & 0xFFF))
        words.append(asm("bc", BO=16, BI=0, BD=top - len(words) & 0x3FFF))
    words.append(asm("b", LI=-len(words) & 0xFFFFFF))
    return words


def load(world: World, seed: str) -> None:
    """Put a program into a world and stand at its start."""
    rng = random.Random(seed)
    world.put(START, program(rng))
    world.put(FUNCTION, [*_body(rng, 2)[:2], asm("ori", RS=0, RA=0, UI=0), *_body(rng, 4), asm("bclr", BO=20, BI=0)])
    world.engine.code_changed(CODE, 0x3000)
    world.core.set_msr(0x1000)
    world.core.write_spr("PID", 0)
    refresh(world, rng, tame=True)
    world.core.state.pc = START


def refresh(world: World, rng: random.Random, *, tame: bool) -> None:
    """New addresses and a new word for the patch; tame ones never leave pages that are plain RAM."""
    gpr = world.core.state.gpr
    for register in BASES:
        page = WINDOW + rng.choice((0, 1, 0, 1, 10)) * 0x1000 if tame else WINDOW + rng.randrange(12) * 0x1000
        gpr[register] = page + rng.choice((0x100, 0x200, 0xF00, 0xFFC if not tame else 0x300, 0x404))
    gpr[19] = ALIAS if not tame else WINDOW
    gpr[28] = asm("addi", RT=rng.randrange(16), RA0=rng.randrange(16), SI=rng.getrandbits(16))
