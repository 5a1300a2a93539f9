"""Random instructions under debug events, as ``Step`` values, and where QEMU 7.2's events are not the silicon's.

QEMU has instruction complete and branch taken only (target/ppc/translate.c, hreg_compute_hflags); the others are held
to the manuals' sentences in tests/cpu/test_debug.py.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from ppcdbg.cpu.msr import DBCR0_BT, DBCR0_IC, DBCR0_IDM, MSR_DE
from tests.differential.generate import Generator, Step
from tests.differential.peers import MSR
from tests.differential.plans import Group, chapter
from tests.differential.world import CODE

CLEAN = dict.fromkeys(("dbsr", "csrr0", "csrr1", "dsrr0", "dsrr1", "srr0", "srr1", "esr", "dear"), 0)
WEIGHTS = {Group.INTEGER: 3.0, Group.MEMORY: 2.0, Group.CONTROL: 3.0, Group.SYSTEM: 2.0}
RETURNS = {"rfi": "srr1", "rfci": "csrr1", "rfdi": "dsrr1", "rfmci": "mcsrr1"}


class DebugSteps:
    """Steps for one core from one source of chance."""

    def __init__(self, core: str, rng: random.Random) -> None:
        self.rng = rng
        self.generator = Generator(core, rng, WEIGHTS)

    def steps(self, count: int) -> Iterator[Step]:
        """Each is an instruction at ``CODE`` with DBCR0 as it may be, mostly with MSR[DE]."""
        rng, generator = self.rng, self.generator
        for _ in range(count):
            insn = generator.pick()
            word = generator.word(insn, CODE)
            step = generator.prepare(insn, word, generator.start(1, False).general, 0)
            general = list(step.general)
            general[MSR] |= MSR_DE if rng.random() < 0.8 else 0
            dbcr0 = DBCR0_IDM | rng.choice((0, DBCR0_IC, DBCR0_IC, DBCR0_BT, DBCR0_BT, DBCR0_IC | DBCR0_BT))
            others = {**CLEAN, **step.others, "dbcr0": dbcr0}
            if insn.name in RETURNS and rng.random() < 0.5:
                others[RETURNS[insn.name]] |= MSR_DE
            if insn.name == "mtmsr" and rng.random() < 0.5:
                general[word >> 21 & 31] |= MSR_DE
            yield replace(step, general=tuple(general), others=others, watch=(*step.watch, "dbsr", "csrr0", "csrr1"))


@dataclass(frozen=True)
class DebugDeviation:
    """``applies(step)``: QEMU does not do there what the silicon does."""

    name: str
    reason: str
    applies: Callable[[Step], bool]


def _events(step: Step, bit: int) -> bool:
    return bool(step.general[MSR] & MSR_DE and step.others["dbcr0"] & bit)


def _leaves_off(step: Step) -> bool:
    """Whether the instruction switches MSR[DE] off."""
    name = step.insn.name
    if name == "mtmsr":
        return not step.general[step.word >> 21 & 31] & MSR_DE
    return name in RETURNS and not step.others[RETURNS[name]] & MSR_DE


DEVIATIONS = (
    DebugDeviation(
        "branch taken",
        "The event comes before the branch (e500 RM 8.4.4); in QEMU behind it, and behind branches that are not taken.",
        lambda step: _events(step, DBCR0_BT) and chapter(step.insn) == "branch" and step.insn.name != "sc",
    ),
    DebugDeviation(
        "DE switched off",
        "The event of the instruction that does it waits for DE (e500 RM 8.4.7); QEMU interrupts at once.",
        lambda step: _events(step, DBCR0_IC) and _leaves_off(step),
    ),
    DebugDeviation(
        "sc is complete",
        "sc completes and then interrupts (e500 RM 8.4.5); in QEMU it counts as interrupted.",
        lambda step: _events(step, DBCR0_IC) and step.insn.name == "sc",
    ),
)
