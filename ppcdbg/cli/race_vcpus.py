"""``ppcdbg race GUEST --vcpus N``: guests of several cores, whose interleavings are the schedules."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ppcdbg.errors import UsageError

if TYPE_CHECKING:
    from ppcdbg.debugger.symbols import SymbolTable
    from ppcdbg.explore.interleavings import Interleavings, Plan, Report
    from ppcdbg.explore.scheduled import Scheduled
    from ppcdbg.explore.together import Rules
    from ppcdbg.explore.vcpus import Vcpus
    from ppcdbg.machine.description import MachineDescription

MOST = 4
STATES = 200_000
FAILURES = 12
TOLD = 5
"""Failures that an HTML file tells in columns."""
ABOUT = """\
With --vcpus 2 the schedule is the order in which two cores retire their instructions, over one memory and board; the
second comes from the spin table. With --hv kvm each is a vCPU of one guest, whose messages KVM emulates. All
interleavings are tried, those with the fewest switches first, each state once. Memory is sequentially consistent:
reorderings that hardware may do are not tried, so a missing barrier is not found. A guest says by symbols what must
hold: `exclusive`..`exclusive_end`, NAME beside NAME_expected, `done`.

  ppcdbg race brokenlock --vcpus 2                  two cores in one critical section
  ppcdbg race lostwakeup --vcpus 2                  a doorbell that wakes nobody
  ppcdbg race brokenlock --vcpus 2 --replay 1@35+0@50
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of ``race --vcpus``."""
    add = parser.add_argument_group("several cores (--vcpus)").add_argument
    add("--vcpus", metavar="N", type=int, default=1, help=f"2 to {MOST}: what races are the cores with each other")
    add("--switches", metavar="N", type=int, help="interleavings with at most N switches (default: all)")
    add("--states", metavar="N", type=int, default=STATES, help=f"stop after so many states (default {STATES:,})")
    add("--no-prune", action="store_true", help="try a switch before every instruction, also those nobody can notice")
    add("--exclusive", metavar="A..B", action="append", default=[], help="a section for one core at a time")
    add("--final", metavar="SYMBOL=N", action="append", default=[], help="what a word must be in the end")


def check(options: argparse.Namespace) -> None:
    """Refuse what belongs to the other kind of race. Raises UsageError."""
    own: dict[str, object] = {"switches": None, "states": STATES, "no_prune": False, "exclusive": [], "final": []}
    others: dict[str, object] = {
        "start": "0", "until": None, "sites": None, "patched": False, "range": [], "positions": [], "sources": None,
        "pairs": 0, "remedies": False, "condition": [], "jobs": 1, "dask": None,
    }  # fmt: skip
    foreign, only = (own, "with") if options.vcpus == 1 else (others, "without")
    for name, usual in foreign.items():
        if getattr(options, name, usual) != usual:
            option = {"start": "from"}.get(name, name.replace("_", "-"))
            raise UsageError(f"option --{option} makes sense {only} --vcpus only")


def run(
    options: argparse.Namespace, machine: MachineDescription, symbols: SymbolTable,
    progress: Callable[[int, int], None], asked: Callable[[], bool],
) -> int:  # fmt: skip
    """Search or replay, print, and return the status. ``asked``: whether the user wants it to end."""
    from ppcdbg.cli.run import write_json
    from ppcdbg.cli.status import Status
    from ppcdbg.explore.interleavings_data import data
    from ppcdbg.views import interleavings as view
    from ppcdbg.views.spans import to_text

    if options.replay is not None:
        return replay(options, machine, symbols)
    if options.record is not None:
        raise UsageError("option --record belongs to --replay LINE")
    search, rules = _begin(options, machine, symbols)
    plan = _plan(options)
    found = search.search(plan, progress, asked)
    progress(0, 0)
    if options.json:
        status = "finding" if found.failures else "ok" if found.decided else "limit"
        write_json({"status": status, **data(found)}, options.json)
    if options.html:
        _html(options, found, search, rules, symbols, machine.cpu)
    if options.json != "-":
        rows = [*view.title(found), *view.rules(rules, symbols.name)]
        if found.failures:
            _, tale = search.tell(found.failures[0].switches, plan.steps)
            rows += [(), *view.failures(found.failures, FAILURES), ()]
            rows += view.table(tale, options.vcpus, symbols.name, machine.cpu)
            rows += view.verdict(found.failures[0].broken)
        else:
            rows += view.clean(found)
        print(to_text(rows))
    if asked():
        return Status.INTERRUPTED
    if found.failures:
        return Status.FINDING
    return Status.OK if found.decided else Status.LIMIT


def _html(
    options: argparse.Namespace, found: Report, search: Interleavings, rules: Rules, symbols: SymbolTable, core: str
) -> None:  # fmt: skip
    from ppcdbg.cli.race_replay import replayed_by
    from ppcdbg.cli.run import write_file
    from ppcdbg.views.race_pages import of_vcpus

    tales = [(f, search.tell(f.switches, options.steps)[1]) for f in found.failures[:TOLD]]
    file = of_vcpus(found, rules, tales, options.guest or "guest", core, replayed_by(options), symbols.name)
    write_file(options.html, "".join(file))


def _begin(
    options: argparse.Namespace, machine: MachineDescription, symbols: SymbolTable
) -> tuple[Interleavings, Rules]:  # fmt: skip
    from ppcdbg.explore.interleavings import Interleavings
    from ppcdbg.explore.together import rules_of

    if not 1 < options.vcpus <= MOST:
        raise UsageError(f"option --vcpus is {options.vcpus}; it must be from 2 to {MOST}, or be left out")
    vcpus = _vcpus(machine, options.vcpus)
    addresses = {name: at for name in symbols.names() if (at := symbols.address(name)) is not None}
    rules = rules_of(addresses, vcpus.cluster.board.bus.ram, options.final, options.exclusive)
    return Interleavings(vcpus, rules), rules


def _vcpus(machine: MachineDescription, count: int) -> Vcpus:
    """The cores of a guest at its first instruction."""
    if machine.hv == "none":
        from ppcdbg.explore.vcpus import Vcpus
        from ppcdbg.machine.cluster import build_cluster

        return Vcpus(build_cluster(machine, count)[0])
    from ppcdbg.explore.vcpus_kvm import KvmVcpus
    from ppcdbg.kvm.cluster import KvmCluster

    return KvmVcpus(KvmCluster(machine, count))


def _plan(options: argparse.Namespace) -> Plan:
    from ppcdbg.explore.interleavings import Plan

    for option, least in (("switches", 0), ("states", 1), ("steps", 1), ("random", 0)):
        value = getattr(options, option)
        if value is not None and value < least:
            raise UsageError(f"option --{option} is {value}; it must be at least {least}")
    return Plan(options.switches, options.steps, options.states, options.random, options.seed, not options.no_prune)


def replay(
    options: argparse.Namespace, machine: MachineDescription, symbols: SymbolTable, kept: Scheduled | None = None
) -> int:  # fmt: skip
    """Carry out one line, tell it in columns, and return the status. ``kept``: what a file says of it."""
    from ppcdbg.cli import race_kept
    from ppcdbg.cli.run import write_json
    from ppcdbg.cli.status import Status
    from ppcdbg.explore.interleaving import parse
    from ppcdbg.explore.interleavings_data import tale_data
    from ppcdbg.explore.scheduled import VCPUS, Scheduled, state_hash, write
    from ppcdbg.views import interleavings as view
    from ppcdbg.views.spans import to_text

    search, _ = _begin(options, machine, symbols)
    plan = _plan(options)
    switches = parse(options.replay, options.vcpus)
    broken, tale = search.tell(switches, plan.steps)
    if options.json:
        write_json(tale_data(switches, broken, tale), options.json)
    if options.json != "-":
        print(to_text([*view.table(tale, options.vcpus, symbols.name, machine.cpu), *view.verdict(broken)]))
    cluster = search.vcpus.cluster
    found = Scheduled(
        VCPUS, options.replay, "" if broken is None else broken.condition, "" if broken is None else broken.reason,
        state_hash((core.state for core in cluster.cores), cluster.board.bus.ram), options.vcpus, plan.steps,
        (*options.final,), (*options.exclusive,),
    )  # fmt: skip
    if options.record is not None:
        write(Path(options.record), found, machine)
    if kept is not None and (differs := race_kept.held(kept, found)) is not None:
        return differs
    return Status.OK if broken is None else Status.FINDING
