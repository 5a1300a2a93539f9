"""The host family: what the modelled host's kernel prints, and what becomes of guests that are hard on it.

What runs guests of its own leaves the one at hand where it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.cpu.timers import TIMEBASE_HZ
from ppcdbg.debugger.commands.command import Command
from ppcdbg.debugger.host import hosted, log_table, side_tables
from ppcdbg.debugger.model import timing_table
from ppcdbg.debugger.results import Note, Table
from ppcdbg.errors import UsageError
from ppcdbg.machine.input import InputKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ppcdbg.debugger.debugger import Debugger

Row = dict[str, str | int | None]


def host_log(debugger: Debugger, argument: str) -> Table:
    """The lines so far, or the last N."""
    return log_table(debugger, debugger.evaluate(argument).number if argument.strip() else None)


def host_side(debugger: Debugger, argument: str) -> tuple[Table, Table]:
    """Of one exit by its number, or of the last."""
    hosted(debugger)
    if not debugger.exits:
        raise UsageError("there has been no exit yet")
    number = debugger.evaluate(argument).number if argument.strip() else len(debugger.exits) - 1
    return side_tables(debugger, number)


def timing(debugger: Debugger, argument: str) -> Table:
    """In ticks; ``us`` in microseconds and with the rows of types that never came, as the kernel's file has them."""
    vcpu = hosted(debugger)
    if argument.strip() not in ("", "us"):
        raise UsageError(f"info timing takes us or nothing, not {argument.strip()!r}")
    if argument.strip():
        once = vcpu.quirks.sum_squared_divided_once
        lines = [line.split("\t") for line in vcpu.timing.text(TIMEBASE_HZ // 1_000_000, once).splitlines()]
        rows: list[tuple[str | int, ...]] = [(name.strip(), *map(int, cells)) for name, *cells in lines[1:]]
        return Table("timing (us)", tuple(lines[0]), tuple(rows), ("as /sys/kernel/debug/kvm/VM/vcpu0/timing has it",))
    return timing_table(vcpu)


def clear_timing(debugger: Debugger, argument: str) -> Note:
    """As somebody who writes c to the kernel's file; that is input of the run."""
    hosted(debugger)
    if argument.strip() not in ("c", "clear"):
        raise UsageError("timing takes clear, as the kernel's file takes a c; info timing shows what was measured")
    debugger.writer.put(InputKind.KVM, name="clear-timing")
    debugger.writer.apply()
    return Note("the exit times begin anew; the exit that is under way is not booked")


def failure_policies(debugger: Debugger, argument: str) -> Table:
    from ppcdbg.explore.failures import notes, rows

    return _table("failure policies", rows(_cores(argument)), notes())


def fetch_hazard(debugger: Debugger, argument: str) -> Table:
    from ppcdbg.explore.fetch_hazard import notes, rows

    return _table("fetch hazard", rows(), notes())


def machine_checks(debugger: Debugger, argument: str) -> Table:
    from ppcdbg.explore.machine_checks import notes, rows

    return _table("machine checks", rows(_cores(argument)), notes())


def _cores(argument: str) -> tuple[str, ...]:
    known = ("e500v2", "e500mc")
    if argument.strip() not in ("", *known):
        raise UsageError(f"there is no core {argument.strip()!r}; {' and '.join(known)} can be named")
    return (argument.strip(),) if argument.strip() else known


def _table(title: str, found: Sequence[Row], notes: Sequence[str]) -> Table:
    cells = tuple(tuple("-" if cell is None else cell for cell in row.values()) for row in found)
    return Table(title, tuple(found[0]), cells, tuple(notes))


def _core_names(debugger: Debugger, argument: str) -> list[str]:
    return ["e500v2", "e500mc"]


COMMANDS: tuple[Command, ...] = (
    Command(
        "info host-log",
        host_log,
        "info host-log [LINES]",
        "What the host's kernel printed, and how much of it its rate limit held back.",
        "info host-log",
        "host",
        ("dmesg",),
    ),
    Command(
        "info host-side",
        host_side,
        "info host-side [EXIT]",
        "Which registers the host has at an exit, which are stale, and what it does until it enters again, in order.",
        "info host-side 42",
        "host",
    ),
    Command(
        "info timing",
        timing,
        "info timing [us]",
        "How long the exits took by the kernel's types (CONFIG_KVM_EXIT_TIMING); us: as its debugfs file prints it.",
        "info timing",
        "host",
        (),
        lambda debugger, argument: ["us"],
    ),
    Command(
        "timing",
        clear_timing,
        "timing clear",
        "Let the exit times begin anew, as a c that is written to the kernel's file.",
        "timing clear",
        "host",
        (),
        lambda debugger, argument: ["clear"],
    ),
    Command(
        "info failure-policies",
        failure_policies,
        "info failure-policies [CORE]",
        "A guest that asks for what KVM cannot emulate, under each policy: what it, userspace and the log see.",
        "info failure-policies e500mc",
        "host",
        (),
        _core_names,
    ),
    Command(
        "info fetch-hazard",
        fetch_hazard,
        "info fetch-hazard",
        "A guest that executes from a page which may not be read, under each way in which KVM reads instructions.",
        "info fetch-hazard",
        "host",
    ),
    Command(
        "info machine-checks",
        machine_checks,
        "info machine-checks [CORE]",
        "Who handles a machine check, by where the core was: host, KVM or guest; and what becomes of the guest.",
        "info machine-checks e500mc",
        "host",
        (),
        _core_names,
    ),
)
