"""RAM between pages that nobody may touch, and guests that try everything at its edges. Run as a process of its own:

    python -m tests.hostile.guarded [--planted]

ends with 0 where generated code never left RAM, and by SIGSEGV where it did. ``--planted`` says that RAM is a page
longer than it is, which an access to that page must not survive: so the pages do what they are for.
"""

from __future__ import annotations

import ctypes
import mmap
import random
import sys

from ppcdbg.engine.api import Stops, Why
from ppcdbg.engine.reference.engine import ReferenceEngine
from ppcdbg.isa import slots
from ppcdbg.isa.table import TABLE
from tests.cpu.rig import ALL, PlainBus, asm
from tests.engine import test_against_reference as against
from tests.engine import world as worlds
from tests.engine.looping import load, refresh
from tests.engine.world import RAM, WINDOW, WINDOW_PAGES, World

ROOM = 8 << 30
"""Bytes on each side of RAM: an access that is wrong by any 32-bit offset ends there."""
MAP_NORESERVE = 0x4000
PAGE = 4096
LAST, BEYOND = 0x500000, 0x501000
"""Effective addresses of the last page of RAM and of the one behind it; ``FIRST`` is that of real address 0."""
BEFORE, FIRST = 0x50F000, 0x510000
PLANTED = "--planted" in sys.argv


def guarded(size: int) -> memoryview:
    """``size`` bytes of memory in the midst of what may not be touched."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE
    base = libc.mmap(None, 2 * ROOM + size, 0, flags, -1, 0)
    assert base not in (None, ctypes.c_void_p(-1).value), "the host has no room"
    usable = size - PAGE if PLANTED else size
    protection = mmap.PROT_READ | mmap.PROT_WRITE
    assert not libc.mprotect(ctypes.c_void_p(base + ROOM), ctypes.c_size_t(usable), protection)
    return memoryview((ctypes.c_ubyte * size).from_address(base + ROOM)).cast("B")


class GuardedBus(PlainBus):
    def __init__(self, size: int) -> None:
        super().__init__(PAGE)
        self.ram = guarded(size)


def accesses() -> list[str]:
    """Every instruction with an effective address of RA0 and RB, or RA0 and D."""
    found = [i for i in TABLE if {"RA0", "RB"} <= i.form.by_name.keys() or {"RA0", "D"} <= i.form.by_name.keys()]
    return [i.name for i in found if i.name not in ("addi", "addis", "isel", "tlbivax", "tlbsx", "tlbilx")]


def edges(cpu: str, make: object, rng: random.Random) -> int:
    """Each access at each place of the edges, once by itself and then in a loop; the number of accesses."""
    it = World(cpu, make, f"{cpu}.edges")  # type: ignore[arg-type]
    core = it.core
    top = len(it.bus.ram) - PAGE
    for i, (ea, real) in enumerate(((LAST, top), (BEYOND, top + PAGE), (BEFORE, 0xFFFFFF000), (FIRST, 0))):
        core.tlb.write(520 + i, 0x80000000 | 2 << 7, ea, real & 0xFFFFF000 | ALL, real >> 32, 0)
    it.engine.translations_changed()
    count = 0
    places = [edge + offset for edge in (BEYOND, FIRST) for offset in (*range(-16, 9), -64, -33, 31, 64)]
    for name in accesses():
        insn = next(i for i in TABLE if i.name == name)
        if cpu not in insn.cores:
            continue
        base = 0x12000 + 4 * rng.randrange(64)
        word = _word(insn, rng)
        # r5 counts, r6 walks over the places: word, next place, back.
        it.put(base, [word, asm("lwzu", RT=6, RA=7, D=4), asm("bc", BO=16, BI=0, BD=-2 & 0x3FFF), asm("b", LI=0)])
        table = 0x8800
        it.put(table, places * 2)
        it.engine.code_changed(base, 64)
        core.set_msr(0x1000 | (0x2000 if core.model.name == "e500mc" else 0x02000000))
        core.write_spr("PID", 0)
        state = core.state
        state.gpr[6], state.gpr[7] = places[0], table
        state.reg[slots.CTR], state.pc = 2 * len(places) - 1, base
        for _ in range(40 * len(places)):
            stop = it.engine.run(core.retired + rng.choice((1, 3, 50)), Stops())
            if stop.why is Why.CHECKSTOP or state.pc == base + 12:
                break
            if not base <= state.pc < base + 12 and it.bus.ram[state.pc : state.pc + 4] == b"\0\0\0\0":
                break
        count += len(places)
    return count


def _word(insn: object, rng: random.Random) -> int:
    form = insn.form  # type: ignore[attr-defined]
    raw = {}
    for f in form.fields:
        value = rng.getrandbits(f.last - f.first + 1)
        if f.name in ("RT", "RS"):
            value = rng.choice((29, 30)) if insn.name in ("lmw", "stmw") else 10  # type: ignore[attr-defined]
        raw[f.name] = {"RA0": 6, "RB": 9, "D": 0, "UD": 0, "OD": 0}.get(f.name, value)
    return int(form.encode(**raw))


def main() -> None:
    worlds.PlainBus = GuardedBus  # type: ignore[misc]
    against.ROUNDS = 100
    rng = random.Random("guarded")
    total = 0
    for cpu in ("e500mc", "e500v2"):
        for make in (against.tier0, against.eager):
            total += edges(cpu, make, rng)
            against.run_both(cpu, make, f"{cpu}.guarded", lambda r: r.randrange(1, 900))
            seed = f"{cpu}.guarded.loops"
            pair = World(cpu, ReferenceEngine, seed), World(cpu, make, seed)
            for it in pair:
                load(it, seed)
            for turn in range(40):
                if turn % 8 == 0:
                    again = str(rng.random())
                    for it in pair:
                        refresh(it, random.Random(again), tame=turn % 16 == 0)
                against.compare(pair, rng.randrange(1, 2500), f"turn {turn}")
    print(f"{total:,} accesses at the edges of RAM, and {RAM >> 10} KiB of random programs among {len(WINDOW_PAGES)} "
          f"kinds of page at {WINDOW:#x}")  # fmt: skip


if __name__ == "__main__":
    main()
