"""The modelled host beneath a guest, as tables: what its kernel printed, what it has and does at an exit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.cpu.timers import TIMEBASE_HZ
from ppcdbg.debugger.model import vcpu_of
from ppcdbg.debugger.past_events import LOOKED_AT
from ppcdbg.debugger.results import Table
from ppcdbg.errors import UsageError
from ppcdbg.kvm.fetch import overwrites
from ppcdbg.kvm.host_side import RESCHEDULES, saved, steps
from ppcdbg.kvm.printk import BURST, INTERVAL_S, LEVELS

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger
    from ppcdbg.kvm.records import ExitRecord
    from ppcdbg.kvm.vcpu import Vcpu


def hosted(debugger: Debugger) -> Vcpu:
    """The vcpu that a host of this guest's has. Raises UsageError for the bare machine."""
    found = vcpu_of(debugger.system)
    if found is None:
        raise UsageError("the bare machine has no host beneath it; start the guest with --hv kvm")
    return found


def log_table(debugger: Debugger, count: int | None = None) -> Table:
    """The last lines of the log, with a note on what its rate limit held back."""
    log = hosted(debugger).host_log
    last = list(log.lines)[-count:] if count else list(log.lines) if count is None else []
    rows = tuple((f"{line.tick / TIMEBASE_HZ:.6f}", LEVELS[line.level], line.text) for line in last)
    notes = [f"{log.overwritten:,} lines before these were overwritten"] if log.overwritten else []
    for name, limit in sorted(log.limits.items()):
        if limit.held:
            notes.append(
                f"{name}: {limit.held:,} of {limit.total:,} events held back, {limit.missed:,} of them since its last"
                f" line ({BURST} in {INTERVAL_S} s go through)"
            )
    return Table("host log", ("time", "level", "text"), rows, tuple(notes))


def side_tables(debugger: Debugger, number: int) -> tuple[Table, Table]:
    """Of one exit: the registers that the host has, and what it does until it enters again."""
    vcpu, log = hosted(debugger), debugger.exits
    if not 0 <= number < len(log):
        raise UsageError(f"there is no exit {number}; exits 0 to {len(log) - 1} were taken")
    record = log[number]
    before = log[number - 1] if number else None

    def earlier(key: str) -> ExitRecord | None:
        near = range(number - 1, max(-1, number - 1 - LOOKED_AT), -1)
        return next((log[n] for n in near if key in log[n].captured), None)

    has: list[tuple[str | int, ...]] = []
    for each in saved(record, vcpu.hv, earlier, overwrites(vcpu)):
        has.append((each.name, each.value or "-", "yes" if each.valid else "no", each.why))
    order = tuple((n, step.does, step.here or "-") for n, step in enumerate(steps(record, vcpu.hv, before), 1))
    title = f"exit {number} ({record.name})"
    return (
        Table(f"what the host has at {title}", ("register", "value", "valid", "why"), tuple(has)),
        Table(f"what it does at {title}", ("step", "function", "here"), order, (RESCHEDULES,)),
    )
