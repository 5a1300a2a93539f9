"""A little world for random programs: every kind of page, vectors that step over what faulted, and two cores in it."""

from __future__ import annotations

import random
from collections.abc import Callable

from ppcdbg.cpu.core import Core
from ppcdbg.cpu.models import CORES
from ppcdbg.engine.api import Engine
from ppcdbg.isa import slots
from ppcdbg.isa.insn import Insn
from ppcdbg.isa.sprs import sprs_of
from ppcdbg.isa.table import TABLE
from tests.cpu.rig import ALL, VECTORS, PlainBus, asm, spr_field

RAM = 1 << 18
CODE = 0x10000
CODE_PAGES = 3
WINDOW = 0x400000  # effective addresses of pages of all kinds
USER_READ, USER_ALL, KERNEL = 0x02, 0x3F, 0x15
WINDOW_PAGES = (
    # real page, MAS3 permissions, MAS2 attributes, TID, TS
    (0x20000, ALL, 0, 0, 0),
    (0x21000, ALL, 0, 0, 0),
    (0x22000, USER_READ | 1, 0, 0, 0),  # read only
    (0x23000, KERNEL, 0, 0, 0),
    (0x24000, ALL, 1, 0, 0),  # little-endian
    (0x25000, ALL, 0x18, 0, 0),  # caching inhibited: dcbz faults
    (PlainBus.DEVICE, ALL, 0x0A, 0, 0),
    (CODE, ALL, 0, 0, 0),  # the program itself, by another name
    (0x26000, ALL, 0, 5, 0),  # only for PID 5
    (0x27000, ALL, 0, 0, 1),  # only for the other address space
    (0x3F000, ALL, 0, 0, 0),  # the last page of RAM
    (0x80000, ALL, 0, 0, 0),  # real addresses at which nothing answers
)
BORING = {"rfci", "rfdi", "rfmci", "wait"}
UNWISE_SPRS = {"TCR", "DBCR0", "LPID", "EPCR", "MSRP", "DBSR", "IVPR", "DEC", "DECAR", "MCSR"}
MSR_MASK = 0xB036  # EE PR FP ME IS DS RI


def words_of(core: str, rng: random.Random, count: int) -> list[int]:
    """Random instructions of a core, any operands; branches stay near."""
    known = [i for i in TABLE if core in i.cores and i.name not in BORING]
    return [_word(core, rng, rng.choice(known)) for _ in range(count)]


def _word(core: str, rng: random.Random, insn: Insn) -> int:
    raw = {}
    for field in insn.form.fields:
        width = field.last - field.first + 1
        raw[field.name] = rng.getrandbits(width)
        if field.name in ("BD", "LI"):
            raw[field.name] = rng.randrange(-40, 40) & (1 << width) - 1
        elif field.name == "AA":
            raw[field.name] = 0
        elif field.name == "SPR" and rng.random() < 0.9:
            choices = [s.number for s in sprs_of(core).values() if s.name not in UNWISE_SPRS]
            raw[field.name] = spr_field(rng.choice(choices))
        elif field.name == "D":
            raw[field.name] = (
                rng.choice((0, 4, 8, 0xFFC, 0xFFE, 0xFFFF, 0xF000, rng.getrandbits(16))) & (1 << width) - 1
            )
    return insn.form.encode(**raw)


def handler(core: str, guest: bool) -> list[int]:
    """Step over what was interrupted and go back; r31 is lost."""
    number = 378 if guest else 26
    return [
        asm("mfspr", RT=31, SPR=spr_field(number)),
        asm("addi", RT=31, RA0=31, SI=4),
        asm("mtspr", RS=31, SPR=spr_field(number)),
        asm("rfgi" if guest else "rfi"),
    ]


def returning(pair: int, back: str) -> list[int]:
    """The same for another save/restore pair."""
    return [
        asm("mfspr", RT=31, SPR=spr_field(pair)),
        asm("addi", RT=31, RA0=31, SI=4),
        asm("mtspr", RS=31, SPR=spr_field(pair)),
        asm(back),
    ]


class World:
    """One core with an engine, the program loaded, registers random by the seed."""

    def __init__(self, cpu: str, make: Callable[[Core], Engine], seed: str) -> None:
        rng = random.Random(seed)
        self.bus = PlainBus(RAM)
        self.core = core = Core(CORES[cpu], self.bus)
        self.engine = make(core)
        self.put(CODE, words_of(cpu, rng, 1024 * CODE_PAGES))
        core.write_spr("IVPR", 0)
        own = {
            0: (58, "rfci"),
            12: (58, "rfci"),
            1: (570, "rfmci"),
            15: (574, "rfdi") if cpu == "e500mc" else (58, "rfci"),
        }
        for n in (*range(16), *range(32, 42)):
            self.put(VECTORS + 0x100 * n, returning(*own[n]) if n in own else handler(cpu, False))
            core.state.set_spr(f"IVOR{n}", VECTORS + 0x100 * n)
        core.tlb.write(512, 0x80000000 | 8 << 7, 0, ALL, 0, 0)
        core.tlb.write(513, 0x80001000 | 8 << 7, 0, ALL, 0, 0)
        for i, (real, perms, attributes, tid, ts) in enumerate(WINDOW_PAGES):
            page = WINDOW + i * 0x1000
            index = (page >> 12 & 127) * 4 + rng.randrange(4)
            core.tlb.write(index, 0x80000000 | tid << 16 | ts << 12 | 2 << 7, page | attributes,
                           real & 0xFFFFF000 | perms, real >> 32, 0)  # fmt: skip
        self.shuffle(rng)
        core.state.pc = CODE
        core.set_msr(rng.getrandbits(32) & MSR_MASK & core.model.msr_mask | 0x1000)
        core.write_spr("PID", rng.choice((0, 5)))
        self.engine.translations_changed()

    def put(self, address: int, words: list[int]) -> None:
        for i, word in enumerate(words):
            self.bus.ram[address + 4 * i : address + 4 * i + 4] = word.to_bytes(4, "big")

    def shuffle(self, rng: random.Random) -> None:
        """New register values, most of them addresses in the window or small numbers."""
        gpr, fpr = self.core.state.gpr, self.core.state.fpr
        for i in range(32):
            page = WINDOW + rng.randrange(len(WINDOW_PAGES) + 1) * 0x1000
            gpr[i] = rng.choice(
                (page + rng.randrange(0x1000), page + 0xFFC, page, rng.getrandbits(32), rng.getrandbits(5))
            )
            fpr[i] = rng.getrandbits(64)
        self.core.state.cr_word = rng.getrandbits(32)
        self.core.state.xer = rng.getrandbits(32)
        self.core.state.reg[slots.CTR] = rng.choice((1, 2, 9, rng.getrandbits(32)))
        self.core.state.reg[slots.LR] = CODE + rng.randrange(1024 * CODE_PAGES) * 4

    def restart(self, rng: random.Random) -> None:
        """Somewhere else in the program, in a context where it can go on."""
        self.shuffle(rng)
        self.core.state.pc = CODE + rng.randrange(1024 * CODE_PAGES) * 4
        self.core.set_msr(rng.getrandbits(32) & MSR_MASK & self.core.model.msr_mask | 0x1000)
        self.engine.translations_changed()

    def differences(self, other: World) -> list[str]:
        """What of the state differs; the engines' scratch slot aside."""
        found = []
        for kind in ("reg", "fpr", "counters", "tlb"):
            mine, theirs = getattr(self.core.state, kind), getattr(other.core.state, kind)
            if mine != theirs:
                found += [
                    f"{kind}[{i}]: {x:#x} / {y:#x}"
                    for i, (x, y) in enumerate(zip(mine, theirs))
                    if x != y and (kind, i) != ("reg", slots.EA)
                ]
        if self.bus.ram != other.bus.ram:
            at = next(i for i in range(RAM) if self.bus.ram[i] != other.bus.ram[i])
            found.append(f"RAM at {at:#x}: {self.bus.ram[at]:#x} / {other.bus.ram[at]:#x}")
        return found
