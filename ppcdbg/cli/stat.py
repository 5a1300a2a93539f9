"""Run a guest and show its exit statistics, with the flags of kvm_stat: live, once at the end, as a log, or as CSV.

  ppcdbg stat vmlinux                          a table, renewed every second; Ctrl-C ends
  ppcdbg stat vmlinux -1                       run to the end, print once
  ppcdbg stat vmlinux -c --every 10M           CSV, one row every ten million instructions: the same on every machine
  ppcdbg stat vmlinux -l -f 'kvm_exit'         a log of these fields
  ppcdbg stat vmlinux --timing                 how long exits took, as the file timing of KVM's debugfs has it
  ppcdbg stat -f help                          the fields

What is counted per time is counted per million instructions: time is the guest's. Unlike kvm_stat on PowerPC this shows
exits by reason, and says at the end of a table where the most frequent ones come from.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from ppcdbg.errors import InputError, UsageError
from ppcdbg.session.pace import steady

if TYPE_CHECKING:
    from ppcdbg.debugger.kvmstat import KvmStat, Sample
    from ppcdbg.kvm.vcpu import Vcpu
    from ppcdbg.machine.description import MachineDescription
    from ppcdbg.machine.system import Stop, System

SCHEMA, SCHEMA_VERSION = "ppcdbg-stat", 1
LOOK = 2_000_000
"""Instructions between two looks at the clock."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of ``stat``."""
    from ppcdbg.cli.guests import add_options

    add_options(parser)
    group = parser.add_argument_group("statistics")
    add = group.add_argument
    form = group.add_mutually_exclusive_group()
    form.add_argument("-1", "--once", "--batch", action="store_true", dest="once", help="print once, at the end")
    form.add_argument("-l", "--log", action="store_true", help="a line for each sample")
    form.add_argument("-c", "--csv", action="store_true", help="the same as CSV")
    form.add_argument("--timing", action="store_true", help="at the end, what CONFIG_KVM_EXIT_TIMING measured, as the"
                      " kernel prints it")  # fmt: skip
    form.add_argument("--json", metavar="FILE", help="all samples as data; - is stdout")
    add("-L", "--log-to-file", metavar="FILE", help="write the log or CSV to a file")
    add("-s", "--set-delay", metavar="SECONDS", type=float, default=1.0, help="between samples (default 1)")
    add("--every", metavar="N", help="instructions between samples, in place of seconds; k, M, G are decimal")
    add("-f", "--fields", metavar="REGEX", default="", help="fields to show; help lists them")
    add("-z", "--skip-zero-records", action="store_true", help="omit samples in which nothing happened")
    add("-d", "--debugfs", action="store_true", help="the kernel's counters only")
    add("-t", "--tracepoints", action="store_true", help="kvm_exit by reason only")


def run(options: argparse.Namespace) -> int:
    """Run the guest, show, and return how it ended."""
    from ppcdbg.cli.guests import description
    from ppcdbg.cli.run import FOREVER, make_system
    from ppcdbg.cli.status import of_stop
    from ppcdbg.debugger.kvmstat import KvmStat
    from ppcdbg.machine.description import parse_count

    if not 0.1 <= options.set_delay <= 3600:
        raise UsageError(f"option -s is {options.set_delay}; it must be between 0.1 and 3600 seconds")
    every = None if options.every is None else parse_count(options.every, ("option --every", UsageError))
    if every is not None and every < 1:
        raise UsageError(f"option --every is {options.every}; it must be at least one instruction")
    if options.log_to_file and not (options.log or options.csv):
        raise UsageError("option -L needs -l or -c, which say in what form")
    machine = description(options)
    system = make_system(machine)
    kvm = getattr(system, "kvm", None)
    if kvm is None:
        raise UsageError("stat shows what KVM counts, and under --hv none there is none")
    both = options.debugfs == options.tracepoints
    chosen = (both or options.debugfs, both or options.tracepoints)
    if options.fields in ("help", "?"):
        print("\n".join(KvmStat(kvm, counters=chosen[0], events=chosen[1]).names))
        return 0
    stat = KvmStat(kvm, options.fields, counters=chosen[0], events=chosen[1])
    last = FOREVER if machine.max_insns is None else machine.max_insns
    with _form(options, stat, kvm) as show:
        stop = sampled(system, last, every, options.set_delay, lambda: show(stat.sample()))
        show.close(stat.sample())
    if isinstance(show, Batch | Table) and not options.fields:
        tell_most(system, machine)
    return of_stop(stop.kind)


def tell_most(system: System, machine: MachineDescription) -> None:
    """Below a table for people, and on stderr: which exit is most frequent, from which function it comes, and why."""
    from ppcdbg.debugger.debugger import Debugger
    from ppcdbg.machine.guests import symbol_file
    from ppcdbg.views.profile import hottest
    from ppcdbg.views.spans import to_text, wrap

    debugger = Debugger(system, symbol_file(machine))
    if len(debugger.exits):
        width = shutil.get_terminal_size().columns
        print(to_text(wrap(hottest(debugger.profiler.hottest()), width)), file=sys.stderr)


def sampled(system: System, last: int, every: int | None, delay: float, look: Callable[[], None]) -> Stop:
    """Run on, and have a look every so often."""
    from ppcdbg.cli.run import Interruption
    from ppcdbg.machine.system import Limits, StopKind

    clock = steady()
    with Interruption() as interruption:
        due = clock() + delay

        def wanted() -> bool:
            """Also where the guest is so slow that the next look would come late."""
            return interruption.asked or every is None and clock() >= due

        while True:
            target = system.position + (every or LOOK)
            target = min(target - target % every if every else target, last)
            stop = system.run(Limits(target, interrupted=wanted))
            early = stop.kind is StopKind.INTERRUPTED and not interruption.asked
            if stop.kind is not StopKind.LIMIT and not early or system.position >= last:
                return stop
            if every is None and clock() < due:
                continue
            due = clock() + delay
            look()


class Form:
    """What is done with a sample, and with the last one."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.skip_zero = options.skip_zero_records

    def __call__(self, sample: Sample) -> None:
        """One in between: nothing, but for those that show it."""

    def close(self, sample: Sample) -> None:
        """The last one."""


class Batch(Form):
    """-1: once, at the end."""

    def close(self, sample: Sample) -> None:
        from ppcdbg.views.kvmstat import batch

        print("\n".join(batch(sample, self.skip_zero)))


class Timing(Form):
    """--timing: the kernel's file, at the end."""

    def __init__(self, options: argparse.Namespace, kvm: Vcpu) -> None:
        super().__init__(options)
        self._kvm = kvm

    def close(self, sample: Sample) -> None:
        from ppcdbg.cpu.timers import TIMEBASE_HZ

        once = self._kvm.quirks.sum_squared_divided_once
        print(self._kvm.timing.text(TIMEBASE_HZ // 1_000_000, once), end="")


class Log(Form):
    """-l, -c: a row for each sample."""

    def __init__(self, options: argparse.Namespace, names: tuple[str, ...], out: TextIO) -> None:
        super().__init__(options)
        self.names, self.csv, self.out, self.rows = names, options.csv, out, 0

    def __call__(self, sample: Sample) -> None:
        from ppcdbg.views.kvmstat import BANNER_EVERY, banner, log_row

        if self.skip_zero and not any(c.delta for c in sample.counts):
            return
        if not self.rows or not self.csv and self.rows % BANNER_EVERY == 0:
            print(banner(self.names, self.csv), file=self.out)
        print(log_row(sample, self.names, self.csv), file=self.out, flush=True)
        self.rows += 1

    close = __call__


class Table(Form):
    """The live table on a terminal, which it renews; anywhere else once, at the end."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self.live, self.before = sys.stdout.isatty(), 0

    def __call__(self, sample: Sample) -> None:
        if self.live:
            self._show(sample, shutil.get_terminal_size().lines - 1)

    def close(self, sample: Sample) -> None:
        self._show(sample, 0)

    def _show(self, sample: Sample, height: int) -> None:
        from ppcdbg.views.kvmstat import table
        from ppcdbg.views.spans import to_text

        rows = table(sample, sample.position - self.before, shutil.get_terminal_size().columns, height)
        print("\x1b[H\x1b[2J" * self.live + to_text(rows), flush=True)
        self.before = sample.position


class Data(Form):
    """--json: all samples in one object."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self.name = options.json
        self.samples: list[dict[str, Any]] = []

    def __call__(self, sample: Sample) -> None:
        if not self.skip_zero or any(c.delta for c in sample.counts):
            counts = {c.name: {"total": c.total, "delta": c.delta} for c in sample.counts}
            self.samples.append({"position": sample.position, "ticks": sample.ticks, "counts": counts})

    def close(self, sample: Sample) -> None:
        from ppcdbg.cli.run import write_json

        self(sample)
        head: dict[str, Any] = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, "status": "ok"}
        write_json({**head, "samples": self.samples}, self.name)


@contextmanager
def _form(options: argparse.Namespace, stat: KvmStat, kvm: Vcpu) -> Iterator[Form]:
    if options.timing:
        yield Timing(options, kvm)
    elif options.once:
        yield Batch(options)
    elif options.json:
        yield Data(options)
    elif options.log_to_file:
        try:
            with open(options.log_to_file, "w", encoding="utf-8") as out:
                yield Log(options, stat.names, out)
        except OSError as error:
            raise InputError(f"cannot write {options.log_to_file}: {error.strerror or error}") from None
    elif options.log or options.csv:
        yield Log(options, stat.names, sys.stdout)
    else:
        yield Table(options)
