"""Many random programs on all engines and on QEMU: what is compared, counted, shrunk and kept.

The reference and tier 0 go in step: at each interrupt, and at each return from one, their whole states are equal.
Tier 1 and QEMU run to the end, and their logs are compared; then all of ours once more, with interrupt lines that
rise at positions of chance.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from ppcdbg.cpu.state import State
from ppcdbg.engine.api import Why
from ppcdbg.isa import slots
from tests.differential.batch import generate
from tests.differential.batch.cases import Case
from tests.differential.batch.generate import Program
from tests.differential.batch.monitor import DONE, RECORD
from tests.differential.batch.peers import MOST, Hang, Memory, OwnMonitor, QemuMonitor
from tests.differential.batch.records import Difference, fields_of, first_difference
from tests.differential.world import vector_address, vector_numbers

BATCH = 8
LINES: tuple[Callable[[OwnMonitor, bool], None], ...] = (
    lambda peer, level: peer.core.set_external(level),
    lambda peer, level: peer.core.set_critical(level),
)


@dataclass
class Figures:
    """``instructions``: random ones, carried out; the monitor's own are not counted."""

    programs: int = 0
    instructions: int = 0
    records: int = 0
    interrupts: Counter[int] = field(default_factory=Counter)
    lines: int = 0
    """Interrupt lines that rose at a position of chance."""

    def text(self, core: str, seed: str, peers: str) -> str:
        kinds = len(self.interrupts)
        return (f"{core}: {self.instructions:,} random instructions in {self.programs:,} programs, {self.records:,} "
                f"states of {kinds} kinds of interrupt compared, {self.lines:,} lines raised anywhere; "
                f"seed {seed}; {peers}")  # fmt: skip


class Campaign:
    """All peers of one core."""

    def __init__(self, core: str, qemu: QemuMonitor | None, tier1: bool = True) -> None:
        self.core = core
        self.reference = OwnMonitor(core, "reference")
        self.tier0 = OwnMonitor(core, "tier 0")
        self.tier1 = OwnMonitor(core, "tier 1") if tier1 else None
        self.qemu = qemu
        self.figures = Figures()
        made = self.reference.monitor
        self._in = frozenset({*(vector_address(n) for n in vector_numbers(core)), DONE})
        self._out = frozenset({*made.returns, DONE})

    @property
    def peers(self) -> str:
        return ", ".join(p.name for p in (self.reference, *self._others()))

    def _others(self) -> list[Memory]:
        return [p for p in (self.tier0, self.tier1, self.qemu) if p is not None]

    def run(self, seed: str, wanted: int, together: int = BATCH, most: int = 4) -> list[Difference]:
        """Programs of a seed until ``wanted`` random instructions were carried out, or ``most`` differ."""
        name = generate.names(self.core, seed)
        found: list[Difference] = []
        number = 0
        while self.figures.instructions < wanted and len(found) < most:
            programs = [generate.program(name(number + i)) for i in range(together)]
            found += self.batch(programs)
            number += together
        return found

    def batch(self, programs: list[Program]) -> list[Difference]:
        """Run programs on all peers; the first difference of each peer."""
        for peer in (self.reference, *self._others()):
            peer.begin(programs)
        found = self._in_step(programs)
        logs = [self.reference.log(i) for i in range(len(programs))]
        for peer in self._others():
            if peer is not self.tier0:
                peer.finish()
            found += self._compared(programs, logs, peer)
        if not found and not self.reference.sound():
            raise Hang(f"one of {programs[0].name} and those after it writes over the monitor")
        self._count(logs)
        return found or self._with_lines(programs)

    def _count(self, logs: list[bytes]) -> None:
        figures = self.figures
        figures.programs += len(logs)
        for log in logs:
            figures.records += len(log) // RECORD
            figures.interrupts.update(int.from_bytes(log[a : a + 4], "big") for a in range(0, len(log), RECORD))

    def _in_step(self, programs: list[Program]) -> list[Difference]:
        """The reference and tier 0 from interrupt to return and on to the next interrupt, with equal states."""
        one, two = self.reference, self.tier0
        inside = True  # of the monitor
        start = one.core.retired
        limit = start + MOST
        while True:
            stops = self._out if inside else self._in
            before = one.core.retired
            whys = one.run(stops, limit), two.run(stops, limit)
            if not inside:
                self.figures.instructions += one.core.retired - before
            if whys[0] is not whys[1] or not same(one.core.state, two.core.state):
                at = one.core.state.pc, two.core.state.pc
                fields = {"state": (one.core.retired, two.core.retired)}
                names = programs[0].name + "..." + programs[-1].name
                return [Difference(names, 0, (0, 0), at, fields, (one.name, two.name))]
            if whys[0] is not Why.BREAKPOINT:
                raise Hang(f"{programs[0].name}...: no end after {MOST:,} instructions, at {one.core.state.pc:#x}")
            if one.core.state.pc == DONE:
                return []
            if inside:  # the return itself
                one.run(frozenset(), one.core.retired + 1)
                two.run(frozenset(), two.core.retired + 1)
                inside = one.core.state.pc in self._in
            else:
                inside = True

    def _compared(self, programs: list[Program], logs: list[bytes], peer: Memory) -> list[Difference]:
        reference = self.reference
        exact = isinstance(peer, OwnMonitor)
        names = reference.name, peer.name
        for i, program in enumerate(programs):
            difference = first_difference(self.core, program.name, logs[i], peer.log(i), names, exact=exact)
            if difference:
                return [difference]
        if reference.regions() != peer.regions():
            return [Difference(programs[-1].name, 0, (0, 0), (0, 0), {"memory at the end": (0, 1)}, names)]
        if isinstance(peer, OwnMonitor) and not same(reference.core.state, peer.core.state):
            return [Difference(programs[-1].name, 0, (0, 0), (0, 0), {"state at the end": (0, 1)}, names)]
        return []

    def _with_lines(self, programs: list[Program]) -> list[Difference]:
        """The same programs once more, with interrupt lines that rise anywhere and fall again. Between a `mtspr SRR0`
        and its `rfi` an interrupt is one too many: such a program may never end, and is compared where it is then."""
        ours = self._ours()
        plan = list(lines_of(programs[0].name))
        limit = plan[-1][0] + 1_000_000
        for peer in ours:
            peer.begin(programs)
            start = peer.core.retired
            for position, line, level in plan:
                if peer.run(limit=start + position) is Why.BREAKPOINT:
                    break
                LINES[line](peer, level)
            for set_line in LINES:
                set_line(peer, False)
            if peer.core.state.pc != DONE:
                peer.run(limit=start + limit)
        self.figures.lines += sum(level for _, _, level in plan)
        one = self.reference
        found = [
            Difference(programs[0].name, 0, (0, 0), (one.core.state.pc, peer.core.state.pc), {"lines": (0, 1)}, names)
            for peer, names in ((p, (one.name, p.name)) for p in ours[1:])
            if not same(one.core.state, peer.core.state) or one.ram != peer.ram
        ]
        if found or not one.sound():
            self._renew()
        return found

    def _ours(self) -> list[OwnMonitor]:
        return [p for p in (self.reference, self.tier0, self.tier1) if p is not None]

    def _renew(self) -> None:
        """Ours begin again: a program has got at the monitor."""
        self.reference, self.tier0 = (OwnMonitor(self.core, name) for name in ("reference", "tier 0"))
        self.tier1 = self.tier1 and OwnMonitor(self.core, "tier 1")

    # --- one program ----------------------------------------------------------------------------------------------
    def alone(self, program: Program) -> Difference | None:
        """The first difference of one program by itself, any peer's; none of one that does not end."""
        try:
            return self._alone(program)
        except Hang:
            return None

    def _alone(self, program: Program) -> Difference | None:
        self.reference.begin([program])
        self.reference.finish()
        logs = [self.reference.log(0)]
        for peer in self._others():
            peer.begin([program])
            peer.finish()
            if found := self._compared([program], logs, peer):
                return found[0]
        return None

    def case(self, program: Program, about: str) -> Case:
        """The program as small as it still differs, and what was seen."""
        small = shrunk(program, lambda p: self.alone(p) is not None)
        difference = self.alone(small)
        assert difference is not None
        log = self.reference.log(0)
        record = fields_of(self.core, log[difference.record * RECORD :]) if log else {}
        right = {n: theirs for n, (_, theirs) in difference.fields.items() if n in record}
        return Case(about, small, difference.record, right)


def same(one: State, two: State) -> bool:
    """Equal but for what engines scribble."""
    one.reg[slots.EA] = two.reg[slots.EA] = 0
    return one.block == two.block


def lines_of(name: str) -> Iterator[tuple[int, int, bool]]:
    """(instructions after the start, line, level), in order."""
    rng = random.Random(name + "/lines")
    position = 0
    for _ in range(40):
        position += rng.randrange(1, 20_000)
        line = rng.randrange(len(LINES))
        yield position, line, True
        position += rng.randrange(1, 400)
        yield position, line, False


def shrunk(program: Program, fails: Callable[[Program], bool]) -> Program:
    """``program`` with as many words as possible made no-ops, and registers zero, that still fails."""
    nop = 0x60000000
    size = len(program.words) - 1
    while size:
        for start in range(0, len(program.words) - 1, size):
            part = program.words[start : start + size]
            if all(word == nop for word in part):
                continue
            words = (*program.words[:start], *[nop] * min(size, len(program.words) - 1 - start))
            smaller = replace(program, words=(*words, *program.words[len(words) :]))
            if fails(smaller):
                program = smaller
        size //= 2
    for name, value in program.state.items():
        if value and name not in ("r1", "msr"):
            smaller = replace(program, state={**program.state, name: 0})
            if fails(smaller):
                program = smaller
    return program


def keep(case: Case, folder: Path) -> Path:
    """Write a case under the next number."""
    numbers = [int(p.stem.split("-")[0]) for p in folder.glob("[0-9]*.txt")]
    path = folder / f"{max(numbers, default=0) + 1:04}.txt"
    path.write_text(case.text())
    return path
