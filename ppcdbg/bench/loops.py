"""Rows loop-a, loop-b, loop-c: the speed of hot code, as the slope between two lengths of the same run.

A loop guest is one image whose repetition count is patched; the longer run is the shorter one continued. Both ends of
the interval lie in it: ours is timed from the position at which the shorter run would end up to the end of the longer,
in one process; QEMU, which cannot be asked, runs both and the shorter's time is subtracted. Start-up and what was
compiled early drop out on both sides; what is compiled later counts. The number of instructions is our own count of
retired ones, and the checksum on the console must be the same everywhere. The reference engine gets an interval of the
same run that it can reach in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ppcdbg.bench import qemu, systems
from ppcdbg.bench.clock import timed
from ppcdbg.bench.guests import LOOP_CPU, LOOP_MEMORY, LOOPS, loop_image
from ppcdbg.bench.results import Ask, Better, NotRun
from ppcdbg.bench.row import Row, Subject
from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.machine import Machine
from ppcdbg.machine.system import StopKind

FOREVER = 1 << 62
PLAIN, COUNTED = "qemu", "qemu -icount"


@dataclass(frozen=True)
class Lengths:
    """Instructions to measure over: before the interval, and in it; for the reference engine and for all others."""

    lead: int = 300_000_000
    span: int = 2_000_000_000
    reference_lead: int = 100_000
    reference_span: int = 1_000_000


@dataclass(frozen=True)
class Interval:
    """Two repetition counts, the positions at which their runs end, and what they print."""

    short: int
    long: int
    start: int
    end: int
    short_output: bytes
    long_output: bytes


class Loop:
    """One loop guest. ``folder`` takes the patched images; ``counter`` is the engine that counts."""

    def __init__(self, loop: str, lengths: Lengths, folder: Path, timeout: float, counter: str) -> None:
        self.loop = loop
        self.lengths = lengths
        self.folder = folder
        self.timeout = timeout
        self.counter = counter

    def image(self, repetitions: int) -> Path:
        """The file of the guest with that repetition count."""
        path = self.folder / f"bench-{self.loop}-{repetitions}.elf"
        if not path.exists():
            path.write_bytes(loop_image(self.loop, repetitions))
        return path

    def machine(self, engine: str, repetitions: int) -> Machine:
        description = MachineDescription(self.image(repetitions), LOOP_CPU, "none", LOOP_MEMORY)
        return systems.bare(description, engine)

    def whole(self, repetitions: int) -> tuple[int, bytes]:
        """Retired instructions of a whole run, and its output. The guest must come to its reset."""
        machine = self.machine(self.counter, repetitions)
        stop = machine.run(systems.limits(FOREVER))
        assert stop.kind is StopKind.RESET, f"{self.loop} ended with {stop}"
        return stop.position, bytes(machine.board.console.output)

    @cached_property
    def interval(self) -> Interval:
        """Repetition counts for the wanted lengths, counted exactly."""
        one, two = self.whole(1)[0], self.whole(2)[0]
        short = max(1, self.lengths.lead // (two - one))
        long = short + max(1, self.lengths.span // (two - one))
        start, short_output = self.whole(short)
        end, long_output = self.whole(long)
        return Interval(short, long, start, end, short_output, long_output)

    def warm(self) -> None:
        """Count, and fill the caches of the host."""
        if self.counter != systems.REFERENCE:
            self.whole(self.interval.short)

    def ours(self, engine: str) -> Mapping[str, float]:
        """Millions of instructions a second over the interval."""
        systems.factory(engine)
        interval = self.interval
        machine = self.machine(engine, interval.long)
        machine.run(systems.limits(interval.start))
        seconds, stop = timed(lambda: machine.run(systems.limits(FOREVER)))
        assert stop.kind is StopKind.RESET and stop.position == interval.end, f"{engine} ended with {stop}"
        output = bytes(machine.board.console.output)
        assert output == interval.long_output, f"{engine} printed {output!r}, not {interval.long_output!r}"
        return {engine: (interval.end - interval.start) / seconds / 1e6}

    def reference(self) -> Mapping[str, float]:
        """The same for the reference engine, over its own interval."""
        lead, span = self.lengths.reference_lead, self.lengths.reference_span
        machine = self.machine(systems.REFERENCE, 1 << 31)
        machine.run(systems.limits(lead))
        seconds, stop = timed(lambda: machine.run(systems.limits(lead + span)))
        assert stop.kind is StopKind.LIMIT and stop.position == lead + span, f"reference ended with {stop}"
        return {systems.REFERENCE: span / seconds / 1e6}

    def peer(self, name: str, options: tuple[str, ...]) -> Mapping[str, float]:
        """QEMU's speed: the longer run's seconds less the shorter's."""
        qemu.program()
        if self.counter == systems.REFERENCE:
            raise NotRun("its instructions can only be counted with the llvm engine")
        interval = self.interval
        short = qemu.run(qemu.loop(self.image(interval.short), options), self.timeout)
        long = qemu.run(qemu.loop(self.image(interval.long), options), self.timeout)
        for done, output in ((short, interval.short_output), (long, interval.long_output)):
            if done.output != output:
                raise NotRun(f"QEMU printed {done.output!r}, ppcdbg {output!r}")
        if long.seconds <= short.seconds:
            raise NotRun("QEMU's longer run was no longer than its shorter; use --instructions")
        return {name: (interval.end - interval.start) / (long.seconds - short.seconds) / 1e6}

    def row(self) -> Row:
        """The row of this loop, with what is asked of it."""
        return Row(
            name=f"loop-{self.loop}",
            title=f"hot loop {self.loop}: {LOOPS[self.loop]}",
            unit="M insns/s",
            better=Better.HIGHER,
            subjects=(
                Subject(systems.LLVM, lambda: self.ours(systems.LLVM)),
                Subject(PLAIN, lambda: self.peer(PLAIN, ()), peer=True),
                Subject(systems.TIER0, lambda: self.ours(systems.TIER0)),
                Subject(COUNTED, lambda: self.peer(COUNTED, qemu.ICOUNT), peer=True),
                Subject(systems.REFERENCE, self.reference),
            ),
            asks=(
                Ask(systems.LLVM, 1.5, COUNTED),
                Ask(systems.LLVM, 1.0, PLAIN),
                Ask(systems.TIER0, 0.5, COUNTED),
            ),
            warm=self.warm,
        )


def rows(lengths: Lengths, folder: Path, timeout: float) -> tuple[Row, ...]:
    """A row a loop."""
    counter = systems.fastest()
    return tuple(Loop(loop, lengths, folder, timeout, counter).row() for loop in LOOPS)
