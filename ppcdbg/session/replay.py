"""Replay a session and hold it to its recording: the same hashes at the same moments, the same exits, the same console.

Where they part, the first position and the first field are found: the run of another engine that does what was recorded
is halved against this one. Without such a run the logs say what happened first that should not have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest

from ppcdbg.cpu.interrupts import VECTORS
from ppcdbg.engine.choose import compiles
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.input import Moment
from ppcdbg.machine.system import System
from ppcdbg.session.columns import EXIT_COLUMNS, INTERRUPT_COLUMNS
from ppcdbg.session.differ import Asked, Difference, Run, first_difference, parting
from ppcdbg.session.interrupts import Interrupts
from ppcdbg.session.keeping import Keeper
from ppcdbg.session.store import Mark, Store
from ppcdbg.session.systems import open_system

Progress = Callable[[int, int], None]
"""Called with the position reached and the last one there is."""
Build = Callable[[MachineDescription], System]
WITNESSES = ("reference", "llvm")


@dataclass(frozen=True)
class Divergence:
    """Replay is right up to ``agreed`` and wrong by ``position``. ``exact``: it is wrong exactly from there on."""

    agreed: int
    position: int
    exact: bool
    difference: Difference

    def __str__(self) -> str:
        where = f"at position {self.position:,}" if self.exact else f"after {self.agreed:,} and by {self.position:,}"
        return f"the replay differs {where}: {self.difference}"


@dataclass(frozen=True)
class Verified:
    """What was compared, up to ``position``. ``complete``: as far as was asked for, by default to the end."""

    position: int
    marks: int
    exits: int
    console: int
    complete: bool
    divergence: Divergence | None = None
    interrupts: int = 0


class Heard(Run):
    """A replay of which the interrupts are written down that a bare machine takes, as a recorder does."""

    def __init__(self, system: System) -> None:
        super().__init__(system)
        self.taken: Interrupts | None = None
        if not isinstance(system, KvmSystem):
            self.taken = system.core.observer = Interrupts(system.core.observer)


def verify(
    store: Store,
    machine: MachineDescription,
    *,
    until: int | None = None,
    progress: Progress | None = None,
    asked: Asked | None = None,
    build: Build = open_system,
    keeper: Keeper | None = None,
) -> Verified:
    """Replay a session on the engine of ``machine`` and compare. ``asked`` ends it early, ``until`` at the last state
    of the recording that lies no further than this position; ``keeper`` puts checkpoints in meanwhile."""
    marks = [mark for mark in store.marks() if until is None or mark.moment.position <= until]
    reached = store.reached()
    if until is not None and until < reached.position:
        reached = marks[-1].moment if marks else Moment(0)
    run = Heard(build(machine))
    if keeper is not None:
        keeper.begin(run)
    found = _verify(store, machine, run, marks, reached, progress, asked, keeper)
    if keeper is not None:
        keeper.finish(differs=found.divergence is not None)
    return found


def _verify(
    store: Store, machine: MachineDescription, run: Heard, marks: list[Mark], reached: Moment,
    progress: Progress | None, asked: Asked | None, keeper: Keeper | None,
) -> Verified:  # fmt: skip
    last = reached.position
    for number, mark in enumerate(marks):
        before = marks[number - 1] if number else None
        arrived = run.to(mark.moment, asked)
        if asked is not None and asked():
            return _verified(store, run, number, None, complete=False)
        if not arrived or run.hash() != mark.hash:
            apart = _divergence(store, machine, run, before, mark, arrived, asked)
            return _verified(store, run, number, apart, complete=False)
        run.keep()
        if keeper is not None:
            keeper.agreed(mark)
        if progress is not None:
            progress(mark.moment.position, last)
    found = _rest(store, run, reached, asked)
    if asked is not None and asked():
        return _verified(store, run, len(marks), None, complete=False)
    return _verified(store, run, len(marks), found, complete=found is None)


def _rest(store: Store, run: Heard, reached: Moment, asked: Asked | None) -> Divergence | None:
    """What was recorded behind the last hash, by a recorder that was killed or had no more room."""
    agreed = run.system.position
    arrived = run.to(reached, asked)
    found = _logs(store, run, reached)
    if found is None and not arrived:
        what = Difference("where the guest stands", str(reached), str(run.system.moment()))
        found = Divergence(agreed, max(reached.position, run.system.position), False, what)
    return found


def _verified(store: Store, run: Heard, marks: int, found: Divergence | None, *, complete: bool) -> Verified:
    system = run.system
    output = system.board.console.output
    taken = 0 if run.taken is None else len(run.taken.rows)
    return Verified(system.position, marks, system.steps, len(output), complete, found, taken)


# --- where they part -----------------------------------------------------------------------------------------------
def _divergence(
    store: Store, machine: MachineDescription, run: Heard, before: Mark | None, mark: Mark, arrived: bool,
    asked: Asked | None,
) -> Divergence:  # fmt: skip
    """Name the first position and field, by a witness where there is one."""
    agreed = before.moment if before is not None else Moment(0)
    for name in WITNESSES:
        if name == machine.engine or name == "llvm" and not compiles():
            continue
        witness = Run(open_system(replace(machine, engine=name)))
        if before is not None and not witness.to(agreed, asked):
            continue
        witness.keep()
        if not witness.to(mark.moment, asked) or witness.hash() != mark.hash:
            continue
        position = parting(witness, run, agreed.position, max(mark.moment.position, agreed.position + 1), asked)
        difference = first_difference(witness, run)
        if difference is not None:
            return Divergence(position - 1, position, True, difference)
    found = _logs(store, run, mark.moment)
    if found is not None:
        return replace(found, agreed=min(agreed.position, found.position))
    if not arrived:
        here = run.system.moment()
        what = Difference("where the guest stands", str(mark.moment), str(here))
        return Divergence(agreed.position, max(mark.moment.position, here.position), False, what)
    parts = run.hash().differing(mark.hash)
    return Divergence(
        agreed.position, mark.moment.position, False,
        Difference(f"the state of {' and '.join(parts)}", "another", "one that no engine here makes of this input"),
    )  # fmt: skip


def _logs(store: Store, run: Heard, upto: Moment) -> Divergence | None:
    """The first entry of a log that differs, among those that lie before a moment."""
    found = (_exits(store, run.system, upto), _interrupts(store, run.taken, upto), _console(store, run.system, upto))
    return min((each for each in found if each is not None), key=lambda each: each.position, default=None)


def _interrupts(store: Store, taken: Interrupts | None, upto: Moment) -> Divergence | None:
    if taken is None:
        return None
    at = INTERRUPT_COLUMNS.index("position")
    for number, (was, now) in enumerate(zip_longest(store.log("interrupt"), taken.rows)):
        position = min(row[at] for row in (was, now) if row is not None)
        if position >= upto.position:
            return None
        if was is None or now is None:
            words = ["none" if row is None else _value("vector", row[0]) for row in (was, now)]
            return Divergence(position, position, False, Difference(f"interrupt {number}", *words))
        for name, a, b in zip(INTERRUPT_COLUMNS, was, now, strict=True):
            if a != b:
                words = [_value(name, value) for value in (a, b)]
                return Divergence(position, position, False, Difference(f"{name} of interrupt {number}", *words))
    return None


def _value(name: str, value: int) -> str:
    """A field of an interrupt as it is told."""
    if name == "vector" and value in VECTORS:
        return VECTORS[value].name
    return f"{value:,}" if name == "position" else f"{value:#x}"


def _exits(store: Store, system: System, upto: Moment) -> Divergence | None:
    if not isinstance(system, KvmSystem):
        return None
    mine: Iterator[tuple[int, ...]] = ((*row[:8], *row[-3:]) for row in system.kvm.exits.rows(0))
    for number, (was, now) in enumerate(zip_longest(store.log("exit"), mine)):
        if number >= upto.steps:
            return None
        if was is None or now is None:
            position = (was or now or (upto.position,))[0]
            words = ("none", "one") if was is None else ("one", "none")
            return Divergence(position, position, False, Difference(f"exit {number}", *words))
        for name, a, b in zip(EXIT_COLUMNS, was, now, strict=True):
            if a != b % (1 << 64):
                difference = Difference(f"{name} of exit {number}", f"{a:#x}", f"{b:#x}")
                return Divergence(min(was[0], now[0]), was[0], False, difference)
    return None


def _console(store: Store, system: System, upto: Moment) -> Divergence | None:
    console = system.board.console
    mine = zip(console.output, console.positions, strict=True)
    for number, (was, now) in enumerate(zip_longest(store.log("console0"), mine)):
        if was is not None and was[1] >= upto.position or now is not None and now[1] >= upto.position:
            return None
        if was != now:
            position = min(each[1] for each in (was, now) if each is not None)
            words = [f"{bytes([each[0]])!r} at {each[1]:,}" if each else "nothing" for each in (was, now)]
            return Divergence(position, position, False, Difference(f"console byte {number}", *words))
    return None
