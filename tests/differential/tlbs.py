"""Random use of the TLB: entries written, read, searched, invalidated and loaded through, as ``Step`` values.

Every slot owns a piece of the address space, so that no two entries ever match together: what a multiple hit does is up
to the implementation. The world's own entries are never touched.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from ppcdbg.cpu.msr import MSR_DS, MSR_ME, MSR_PR
from ppcdbg.isa.table import by_name
from tests.differential import values
from tests.differential.asm import encode
from tests.differential.generate import Step, at
from tests.differential.peers import General
from tests.differential.world import CODE, WINDOW_PA

TLB0_BASE, TLB1_BASE, SLOT_SIZE = 0x40040000, 0x50000000, 0x01000000
PIDS = (0, 1, 2, 0xFF)
MAS_NAMES = ("mas0", "mas1", "mas2", "mas3", "mas6", "mas7")


@dataclass(frozen=True)
class Slot:
    """``index`` numbers the slots of one TLB; ``way`` is ESEL."""

    tlbsel: int
    index: int
    way: int
    space: int

    @property
    def base(self) -> int:
        return TLB1_BASE + self.index * SLOT_SIZE if self.tlbsel else TLB0_BASE + self.index * 4096

    @property
    def span(self) -> int:
        return SLOT_SIZE if self.tlbsel else 4096


SLOTS = (
    *(Slot(0, i, (i * 7 + space * 2) % 4, space) for i in range(12) for space in (0, 1)),
    *(Slot(1, i, 2 + i, i % 2) for i in range(10)),
)


class TlbSteps:
    """Steps for one core from one source of chance."""

    def __init__(self, core: str, rng: random.Random) -> None:
        self.core = core
        self.rng = rng
        self.tids: dict[Slot, int] = {}
        """TID of the entry last written in each slot."""

    def steps(self, count: int) -> Iterator[Step]:
        kinds = [self.write] * 4 + [self.read] * 2 + [self.search] * 3 + [self.load] * 5
        kinds += [self.invalidate, self.set_pid]
        if self.core == "e500mc":
            kinds.append(self.invalidate_local)
        yield self.set_pid()
        for _ in range(count):
            yield self.rng.choice(kinds)()

    def _step(
        self, name: str, gpr: dict[int, int], others: dict[str, int], msr: int = MSR_ME, **fields: int | str
    ) -> Step:
        general: General = tuple(gpr.get(i, 0) for i in range(32)) + (0, 0, 0, 0, 0, 0)
        return Step(by_name(name), encode(name, **fields), at(general, CODE, msr), others, watch=MAS_NAMES)

    def _slot(self) -> Slot:
        return self.rng.choice(SLOTS)

    def _address(self, slot: Slot) -> int:
        return slot.base + self.rng.choice((0, slot.span - 4, self.rng.randrange(slot.span) & ~3, 0x2000 % slot.span))

    def write(self) -> Step:
        rng, slot = self.rng, self._slot()
        tsize = rng.choice((2, 4, 6, 8, 10, 12)) if slot.tlbsel else 2
        page = WINDOW_PA[rng.randrange(2)] + rng.randrange(7) * 4096
        self.tids[slot] = tid = rng.choice(PIDS)
        mas1 = (rng.random() < 0.85) << 31 | tid << 16 | slot.space << 12 | tsize << 7
        if slot.tlbsel:
            mas1 |= rng.getrandbits(1) << 30
        others = {
            "mas0": slot.tlbsel << 28 | slot.way << 16,
            "mas1": mas1,
            "mas2": slot.base | rng.choice((0, 0, 0x02, 0x04, 0x06, 0x10)),
            "mas3": page & -(1024 << tsize) & 0xFFFFF000 | rng.getrandbits(10),
            "mas7": 0,
        }
        return self._step("tlbwe", {}, others)

    def read(self) -> Step:
        slot = self._slot()
        others = {"mas0": slot.tlbsel << 28 | slot.way << 16, "mas1": 0, "mas2": slot.base, "mas3": 0, "mas7": 0}
        return self._step("tlbre", {}, others)

    def search(self) -> Step:
        rng = self.rng
        mas4 = rng.getrandbits(5) | 2 << 7 | rng.choice((0, 0, 1, 2 if self.core == "e500v2" else 0)) << 16
        others = {"mas4": mas4, "mas6": rng.choice(PIDS) << 16 | rng.getrandbits(1), "mas1": 0xC0000000, "mas2": 0}
        return self._step("tlbsx", {3: self._address(self._slot())}, others, RA0=0, RB=3)

    def load(self) -> Step:
        rng, slot = self.rng, self._slot()
        space = slot.space if rng.random() < 0.8 else 1 - slot.space
        msr = MSR_ME | (MSR_DS if space else 0) | (MSR_PR if rng.random() < 0.3 else 0)
        mas4 = rng.getrandbits(5) | rng.choice((2, 4)) << 7
        gpr = {3: self._address(slot), 5: values.word(rng)}
        if rng.random() < 0.3:
            return self._step("stb", gpr, {"mas4": mas4}, msr, RS=5, RA0=3, D=0)
        return self._step("lwz", gpr, {"mas4": mas4}, msr, RT=5, RA0=3, D=0)

    def invalidate(self) -> Step:
        slot = self._slot()
        return self._step("tlbivax", {3: slot.base | slot.tlbsel << 3}, {}, RA0=0, RB=3)

    def invalidate_local(self) -> Step:
        """T=1 by PID, T=3 by address. QEMU's T=3 (and KVM's) also takes entries of TID 0 and of any TS: left out."""
        rng, slot = self.rng, self._slot()
        tid = self.tids.get(slot, 0)
        if tid == 0 or not slot.tlbsel:  # the slots of TLB0 come in pairs that differ in TS only
            mas6 = rng.choice(PIDS[1:]) << 16
            return self._step("tlbilx", {3: slot.base}, {"mas6": mas6}, T=1, RA0=0, RB=3)
        mas6 = rng.choice((tid, tid, tid ^ 3)) << 16 | slot.space
        return self._step("tlbilx", {3: self._address(slot)}, {"mas6": mas6}, T=3, RA0=0, RB=3)

    def set_pid(self) -> Step:
        """By an instruction: written through a debugger PID has no effect."""
        return self._step("mtspr", {3: self.rng.choice(PIDS[1:])}, {}, SPR="PID", RS=3)
