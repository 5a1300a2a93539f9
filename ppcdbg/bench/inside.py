"""Rows measured inside this process: single steps, exits by kind, saving and restoring a machine.

step      one ``Engine.run`` an instruction and a look at pc and one register after each, in the middle of hot loop a;
          beside it the same through ``System.run``, with what a front end pays. QEMU: its gdb port, one packet a step.
exits     a guest under KVM, every exit recorded. For each kind the time from the engine's return with an exit until
          it is entered again, where Python handles it; the figure is how many of them a second that would be. ``whole
          run`` is all exits by the wall time of a run to the guest's end as users have it, guest instructions included.
snapshot  state block, RAM and devices copied out and back, whole, no page tracking.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ppcdbg.bench import gdbpeer, systems
from ppcdbg.bench.clock import now, timed
from ppcdbg.bench.guests import LINUX_APPEND, LINUX_MEMORY, LOOP_CPU, LOOP_MEMORY, linux
from ppcdbg.bench.results import Ask, Better, NotRun
from ppcdbg.bench.row import Row, Subject
from ppcdbg.bench.snapshot import restore, save
from ppcdbg.cpu.core import Core
from ppcdbg.engine.api import Engine, EngineStop, Stops, Why
from ppcdbg.kvm.trace import exit_name
from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.machine import Machine

NOTHING = Stops()
LEAD = 50_000
"""Instructions before what is measured begins: past the start-up."""


@dataclass(frozen=True)
class Amounts:
    """How much is measured: steps of an engine and of QEMU, exits of a run, instructions that make RAM dirty."""

    steps: int = 200_000
    peer_steps: int = 5_000
    exits: int = 100_000


def loop_machine(image: Path, engine: str) -> Machine:
    """A loop guest past its start-up."""
    description = MachineDescription(image, LOOP_CPU, "none", LOOP_MEMORY)
    machine = systems.bare(description, engine)
    machine.run(systems.limits(LEAD))
    return machine


def engine_steps(image: Path, engine: str, steps: int) -> float:
    """Single steps a second of an engine, pc and r3 read after each."""
    machine = loop_machine(image, engine)
    state, run = machine.core.state, machine.engine.run

    def step() -> int:
        seen = 0
        position = machine.position
        for target in range(position + 1, position + steps + 1):
            run(target, NOTHING)
            seen ^= state.pc ^ state.gpr[3]
        return seen

    seconds, _ = timed(step)
    assert machine.position == LEAD + steps, f"{engine} is at {machine.position}, not at {LEAD + steps}"
    return steps / seconds


def system_steps(image: Path, engine: str, steps: int) -> float:
    """The same through the run loop of the machine."""
    machine = loop_machine(image, engine)

    def step() -> None:
        for target in range(LEAD + 1, LEAD + steps + 1):
            machine.run(systems.limits(target))

    seconds, _ = timed(step)
    assert machine.position == LEAD + steps, f"{engine} is at {machine.position}, not at {LEAD + steps}"
    return steps / seconds


def step_row(image: Path, amounts: Amounts) -> Row:
    """In-process single steps."""

    def of_engine(engine: str) -> Mapping[str, float]:
        return {engine: engine_steps(image, engine, amounts.steps)}

    def of_system(engine: str) -> Mapping[str, float]:
        return {f"{engine}, System.run": system_steps(image, engine, amounts.steps // 4)}

    def peer() -> Mapping[str, float]:
        return {"qemu, gdb port": gdbpeer.steps_per_second(image, amounts.peer_steps)}

    return Row(
        name="step",
        title="in-process single step, state visible to Python after each",
        unit="steps/s",
        better=Better.HIGHER,
        subjects=(
            Subject(systems.LLVM, lambda: of_engine(systems.LLVM)),
            Subject("llvm, System.run", lambda: of_system(systems.LLVM)),
            Subject("qemu, gdb port", peer, peer=True),
            Subject(systems.REFERENCE, lambda: of_engine(systems.REFERENCE)),
            Subject("reference, System.run", lambda: of_system(systems.REFERENCE)),
        ),
        asks=(Ask(systems.LLVM, 1_000_000.0),),
    )


class ExitClock:
    """An engine that runs another and notes how long its caller takes over each kind of exit."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.name = engine.name
        self.slice = engine.slice
        self.core: Core = engine.core
        self.counts: Counter[int] = Counter()
        self.seconds: defaultdict[int, float] = defaultdict(float)
        self._vector = -1
        self._left = 0.0

    def run(self, limit: int, stops: Stops) -> EngineStop:
        if self._vector >= 0:
            self.seconds[self._vector] += now() - self._left
            self.counts[self._vector] += 1
        stop = self.engine.run(limit, stops)
        self._vector = stop.vector if stop.why is Why.EXIT else -1
        self._left = now()
        return stop

    def code_changed(self, address: int, length: int) -> None:
        self.engine.code_changed(address, length)

    def restored(self, translations: bool = True) -> None:
        self.engine.restored(translations)

    def written(self) -> list[int]:
        return self.engine.written()

    def take_written(self) -> list[int]:
        return self.engine.take_written()

    def translations_changed(self) -> None:
        self.engine.translations_changed()

    def rest(self) -> None:
        self.engine.rest()


def exit_rates(description: MachineDescription, engine: str, exits: int) -> Mapping[str, float]:
    """Exits a second over a run to the guest's end, and by kind over a run of at most so many exits in which Python
    handles each, against the clock. The number of each kind is in its name.
    """
    limits = systems.limits(1 << 62, exits)
    plain = systems.under_kvm(description, engine, native=True)
    seconds, _ = timed(lambda: plain.run(systems.limits(1 << 62)))
    system = systems.under_kvm(description, engine)
    clock = ExitClock(system.engine)
    system.engine = clock
    system.run(limits)
    total = sum(clock.counts.values())
    if not total:
        raise NotRun("the guest made no exits")
    rates = {"whole run": len(plain.kvm.exits) / seconds, f"all x {total}": total / sum(clock.seconds.values())}
    for vector, count in clock.counts.most_common():
        rates[f"{exit_name(vector)} x {count}"] = count / clock.seconds[vector]
    return rates


def exits_row(name: str, title: str, description: MachineDescription | None, amounts: Amounts, reason: str) -> Row:
    """Exits of one guest; ``description`` None is a guest that is not there, for ``reason``."""

    def measure() -> Mapping[str, float]:
        if description is None:
            raise NotRun(reason)
        return exit_rates(description, systems.fastest(), amounts.exits)

    title = f"exits a second: a whole run, and by kind where Python handles each: {title}, {systems.fastest()} engine"
    return Row(name, title, "exits/s", Better.HIGHER, (Subject("whole run", measure),))


def snapshot_row(image: Path) -> Row:
    """A full copy of a machine and back."""

    def measure() -> Mapping[str, float]:
        machine = loop_machine(image, systems.fastest())
        saving, kept = timed(lambda: save(machine))
        machine.run(systems.limits(2 * LEAD))
        restoring, _ = timed(lambda: restore(machine, kept))
        assert machine.position == LEAD, f"restored to {machine.position}, not to {LEAD}"
        return {"save": saving * 1e3, "restore": restoring * 1e3}

    title = f"snapshot and restore: state block, {LOOP_MEMORY >> 20} MiB of RAM, devices"
    return Row("snapshot", title, "ms", Better.LOWER, (Subject("save", measure),))


def rows(image: Path, demo: Path, folder: Path | None, amounts: Amounts) -> tuple[Row, ...]:
    """The rows measured inside; ``image`` is hot loop a with repetitions enough."""
    reason, boot = "", None
    try:
        guest = linux("e500v2", folder)
        boot = MachineDescription(
            guest.kernel, guest.cpu, memory=LINUX_MEMORY, initrd=guest.initrd, append=LINUX_APPEND
        )
    except NotRun as error:
        reason = str(error)
    return (
        step_row(image, amounts),
        exits_row("exits-demo", "the demo guest", MachineDescription(demo), amounts, ""),
        exits_row("exits-linux", f"Linux e500v2, {amounts.exits:,} exits at most", boot, amounts, reason),
        snapshot_row(image),
    )
