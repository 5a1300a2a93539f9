"""A session as lines of text for other tools: CSV and JSON lines of its exits, and what ftrace gives of KVM.

CSV and JSON lines come from the log in the file. ftrace's lines are made by a replay, because a trace has events that
no log keeps; their formats are the kernel's (``kvm.trace``; facts 10), their times the machine's clock. Not text:
:mod:`ppcdbg.session.perfetto`; for people: ``views.report``.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from ppcdbg.cpu.timers import TIMEBASE_HZ
from ppcdbg.errors import UsageError
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.kvm.trace import exit_name
from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.system import Limits
from ppcdbg.session.columns import EXIT_COLUMNS, INTERRUPT_COLUMNS
from ppcdbg.session.ftrace import TraceLine, line_of
from ppcdbg.session.importing import events, imported
from ppcdbg.session.store import Store
from ppcdbg.session.systems import open_system

SLICE = 200_000
"""Instructions between two batches of lines."""
ROWS = 500
"""Rows of a log between two looks at who waits."""
Progress = Callable[[int, int], None]
"""Called now and then with the position reached and the last one; what it raises ends the export."""
TASK, PID, INTERRUPTS_OFF, PLAIN = "ppcdbg", 1, "d....", "....."


def unheard(position: int, last: int) -> None:
    """Where nobody waits."""


def kernel_name(store: Store) -> str:
    """What the recorded guest's file was called."""
    facts = imported(store)
    if facts is not None:
        return str(facts.get("file", "trace"))
    found = store.rows("SELECT name FROM image WHERE role = 'kernel'")
    return str(found[0][0]) if found else "guest"


def rows(store: Store) -> tuple[tuple[str, ...], Iterator[tuple[Any, ...]]]:
    """Names and rows of the longest log: exits under KVM, interrupts of a bare machine, each with its kind's name."""
    kind, names = ("exit", EXIT_COLUMNS) if store.count("exit") else ("interrupt", INTERRUPT_COLUMNS)
    at = names.index("vector")
    return ("number", "name", *names), (
        (number, exit_name(row[at]), *row) for number, row in enumerate(store.log(kind))
    )  # fmt: skip


def _told(store: Store, progress: Progress) -> tuple[tuple[str, ...], Iterator[tuple[Any, ...]]]:
    """As ``rows``, and ``progress`` hears of every so many."""
    names, found = rows(store)
    at = names.index("position")
    last = store.reached().position if imported(store) is None else 0  # a trace tells no positions

    def heard() -> Iterator[tuple[Any, ...]]:
        for row in found:
            if row[0] % ROWS == 0:
                progress(row[at], last)
            yield row

    return names, heard()


def csv_lines(store: Store, machine: MachineDescription, progress: Progress = unheard) -> Iterator[str]:
    """A line of names, then a line a row."""
    names, found = _told(store, progress)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    for row in chain((names,), found):
        writer.writerow(row)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def json_lines(store: Store, machine: MachineDescription, progress: Progress = unheard) -> Iterator[str]:
    """An object a row."""
    names, found = _told(store, progress)
    for row in found:
        yield json.dumps(dict(zip(names, row, strict=True))) + "\n"


def ftrace_lines(store: Store, machine: MachineDescription, progress: Progress = unheard) -> Iterator[str]:
    """What the kernel's trace buffer would have shown. Raises UsageError for a session of the bare machine."""
    if imported(store) is not None:
        yield "# tracer: nop\n#\n"
        yield from map(line_of, events(store))
        return
    system = open_system(machine)
    if not isinstance(system, KvmSystem):
        raise UsageError(f"session {store.path} is of a bare machine, which has no KVM to trace")
    lines: list[str] = []
    v, last = system.kvm, store.reached().position

    def event(name: str, args: tuple[int, ...]) -> None:
        flags = INTERRUPTS_OFF if name == "kvm_exit" else PLAIN
        time = v.core.now * 1_000 // (TIMEBASE_HZ // 1_000_000)
        lines.append(line_of(TraceLine(time, 0, PID, TASK, flags, name, "", args, v.hv)))

    v.trace = event
    yield "# tracer: nop\n#\n"
    while system.ended is None and system.position < last:
        system.run(Limits(min(system.position + SLICE, last)))
        progress(system.position, last)
        yield from lines
        lines.clear()
    yield from lines


FORMATS: dict[str, Callable[[Store, MachineDescription, Progress], Iterator[str]]] = {
    "csv": csv_lines, "jsonl": json_lines, "ftrace": ftrace_lines,
}  # fmt: skip
