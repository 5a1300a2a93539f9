"""An imported trace where a guest is looked at: a machine that stands still, with the exit log and counts of the trace.

Registers, memory and TLBs of a machine that nobody has are empty, and it does not run.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ppcdbg.errors import InputError
from ppcdbg.kvm import codes
from ppcdbg.kvm.blocks import EMULATED, QUEUED
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.system import Stop, StopKind, System
from ppcdbg.session.ftrace import TraceLine
from ppcdbg.session.importing import events, exit_row, imported
from ppcdbg.session.store import Store

STANDS = "this is a trace of a real host: its exits can be looked at, and there is no guest to run"
MEMORY = 64 << 20
_EMPTY = bytes(4)


def viewer(store: Store, folder: Path) -> MachineDescription:
    """The machine for an imported session. ``folder``: for what stands for a guest image."""
    facts = imported(store) or {}
    kernel = folder / "trace"
    kernel.write_bytes(_EMPTY)
    cpu = "e500mc" if facts.get("hv") else "e500v2"
    return MachineDescription(kernel=kernel, cpu=cpu, memory=MEMORY, load=0, session=store.path)


def needs_a_machine(path: Path) -> None:
    """Raise InputError for an imported session: what is asked of it would have to run."""
    store = Store.open(path)
    try:
        if imported(store) is not None:
            raise InputError(f"{path} is a trace of a real host, with no guest to run; look at it by repl or session")
    finally:
        store.close()


def show(system: System, store: Store) -> None:
    """Give a new system the log of an imported session, and let it stand."""
    assert isinstance(system, KvmSystem)
    v = system.kvm
    for number in range(32):
        v.gpr[number] = 0  # a loader's
    rows = [*_exits(events(store))]
    v.exits.become(0, rows)
    for row in rows:
        if row[2] < len(v.counts):
            v.counts[row[2]] += 1
        for priority in row[9]:
            v.queue_counts[priority] += 1
        for did in row[8]:
            if did[0] == EMULATED and did[2] == codes.EMULATE_DONE:
                v.count_emulated(did[1])
    system.ended = Stop(StopKind.POWEROFF, 0, 0, STANDS)


def _exits(found: Iterator[TraceLine]) -> Iterator[tuple[Any, ...]]:
    """Rows of the exit log: each exit with what its process did until the next."""
    rows: list[list[Any]] = []
    current: dict[int, list[Any]] = {}
    for number, event in enumerate(found):
        if event.args is None:
            continue
        if event.name == "kvm_exit":
            row = exit_row(number, event)
            if row is not None:
                begun: list[Any] = [*row[:8], [], [], None, *row[8:]]
                current[event.pid] = begun
                rows.append(begun)
        elif event.pid in current:
            _note(current[event.pid], event)
    return ((*row[:8], tuple(row[8]), tuple(row[9]), *row[10:]) for row in rows)


def _note(row: list[Any], event: TraceLine) -> None:
    """What an event says of the exit before it."""
    assert event.args is not None
    if event.name == "kvm_ppc_instr":
        word, _, result = event.args
        if result < len(codes.EMULATE_NAMES):
            row[8].append((EMULATED, word & 0xFFFFFFFF, result, None))
    elif event.name == "kvm_booke_queue_irqprio":
        row[8].append((QUEUED, event.args[1]))
        row[9].append(event.args[1])
    elif event.name == "kvm_userspace_exit":
        row[11] = codes.RESUME_FLAG_HOST
