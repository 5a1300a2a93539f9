"""Try an interrupt at every instruction boundary of a guest's critical sections, and say what becomes of each.

The guest runs to --from. The sites are then every place that enters a paravirtual critical section up to --until, each
once, or the stretches that --range and --positions name. At every boundary of a site each source interrupts, alone and
with --pairs in pairs, and the schedule is followed until the interrupt is delivered and its handler has returned, or
until it is proved that it never will be. Failures are printed with a line each that --replay takes.

  ppcdbg race window                                the bundled guest whose sections lose interrupts
  ppcdbg race window --deferral single-step         the same with a remedy
  ppcdbg race window --remedies                     all of them in one table, with what each costs
  ppcdbg race window --deferral notify --cooperate  a remedy on a guest that does what it asks
  ppcdbg race window --replay external@96           one schedule, told step by step
  ppcdbg race vmlinux --from start_kernel --until 20M --sites 5 --jobs 2
  ppcdbg race vmlinux --from free_initmem --patched --html races.html
  ppcdbg race --world-switch                        the hypervisor's own way in and out of a guest, in all variants
  ppcdbg race --world-switch --replay ivpr:critical@entry.42
  ppcdbg race --world-switch --variant linux-pr --pairs --jobs 2

The status is 1 when a condition is broken: %s.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from ppcdbg.cli import race_kept, race_replay, race_vcpus, world_switch
from ppcdbg.cli.guests import add_options, description
from ppcdbg.cli.race_places import REACH, room_of, sites_of, start_of, symbols_of
from ppcdbg.cli.run import Interruption
from ppcdbg.errors import UsageError

if TYPE_CHECKING:
    from ppcdbg.debugger.symbols import SymbolTable
    from ppcdbg.explore.remedies import Find, Remedy
    from ppcdbg.explore.report import Report
    from ppcdbg.explore.search import Asked, Search
    from ppcdbg.explore.sites import Site
    from ppcdbg.explore.strategies import Plan
    from ppcdbg.explore.task import Task
    from ppcdbg.explore.workers import Workers
    from ppcdbg.machine.description import MachineDescription


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of ``race``."""
    parser.description = str(parser.description).replace(
        "%s", "never-inside, intact, gives-back, never-twice, never-lost, told, bounded-delay"
    )
    parser.description += "\n" + race_vcpus.ABOUT
    add_options(parser)
    world_switch.configure(parser)
    where = parser.add_argument_group("where").add_argument
    where("--from", dest="start", metavar="PLACE", default="0", help="position, symbol or 0xADDRESS to begin at")
    where("--until", metavar="POSITION", help=f"look for sites up to here (default: {REACH:,} instructions on)")
    where("--sites", metavar="N", type=int, help="only the first N sections that are found")
    where("--patched", action="store_true",
          help="every branch that the guest has patched; one that it does not pass by itself it is put at")  # fmt: skip
    where("--range", metavar="A..B", action="append", default=[], help="from symbol or 0xADDRESS A until B is passed")
    where("--positions", metavar="P..Q", action="append", default=[], help="a stretch by positions")
    what = parser.add_argument_group("what").add_argument
    what("--sources", metavar="NAME,...", help="default external,decrementer; `--sources list` names them all")
    what("--pairs", metavar="SPAN", type=int, nargs="?", const=4, default=0,
         help="two sources, up to SPAN boundaries apart (default 4)")  # fmt: skip
    what("--random", metavar="N", type=int, default=0, help="N schedules of each site, drawn, in place of all")
    what("--seed", metavar="N", type=int, default=1, help="of --random (default 1)")
    what("--replay", metavar="LINE", help="one schedule: SOURCE@POSITION or SOURCE@0xADDRESS#TIME, joined by +")
    what("--remedies", action="store_true", help="every --deferral policy on the same schedules, in one table")
    what("--cooperate", action="store_true",
         help="give the guest's sections the instruction that --deferral nop-exit or notify asks of it")  # fmt: skip
    what("--room", metavar="PLACE", default="kvm_tmp", help="where its code has zero words for that (default kvm_tmp)")
    what("--record", metavar="FILE",
         help="with --replay: the run up to its verdict as a session file; of several cores, or of the world switch,"
         " the schedule, which `race FILE` replays")  # fmt: skip
    judge = parser.add_argument_group("judged by").add_argument
    judge("--patience", metavar="N", type=int, default=0, help="instructions that a deliverable interrupt may wait")
    judge("--delay", metavar="N", type=int, default=64, help="instructions that an enabled one may wait in all")
    judge("--steps", metavar="N", type=int, default=4_000,
          help="when to give a schedule up; 25 times as many while it is masked or a handler runs")  # fmt: skip
    judge("--condition", metavar="MODULE:CLASS", action="append", default=[], help="an invariant of your own")
    race_vcpus.add_options(parser)
    parser.add_argument("--jobs", metavar="N", type=int, default=1, help="processes; the result is the same")
    parser.add_argument("--dask", metavar="ADDRESS", help="a Dask cluster's scheduler, such as tcp://host:8786")
    parser.add_argument("--json", metavar="FILE", help="write the report as data; - is stdout, in place of the text")
    parser.add_argument("--html", metavar="FILE", help="write the report as one HTML file that needs nothing else")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress on stderr")


def run(options: argparse.Namespace) -> int:
    """Search, print, and return the status."""
    if options.world_switch:
        return world_switch.run(options)
    if (kept := race_kept.kept_in(options)) is not None:
        return race_kept.run(options, kept)
    from ppcdbg.cli.status import Status
    from ppcdbg.explore import sources

    if options.sources == "list":
        print("\n".join(f"{s.name:<18}{s.about}" for s in sources.table()) + "\nirq:N             a line of the MPIC")
        return Status.OK
    machine = description(options)
    symbols = symbols_of(options, machine)
    race_vcpus.check(options)
    with Interruption() as interruption:
        if options.vcpus != 1:
            return race_vcpus.run(options, machine, symbols, _progress(options), interruption.wanted)
        return _run(options, machine, symbols, interruption.wanted)


def _run(options: argparse.Namespace, machine: MachineDescription, symbols: SymbolTable, asked: Asked) -> int:
    from ppcdbg.explore.conditions import Bounds
    from ppcdbg.explore.task import Task, begin

    bounds = Bounds(options.patience, options.delay, options.steps)
    start = start_of(options, machine, symbols, bounds, asked)
    search = begin(machine, start, bounds, tuple(options.condition), (), asked)
    task = Task(machine, start, _plan(options, search), bounds, tuple(options.condition))
    if options.remedies:
        return _remedies(options, task, lambda of: sites_of(options, machine, of, symbols), symbols, asked)
    if options.cooperate:
        task, search = _cooperate(options, task, search, symbols)
    if options.replay is not None:
        return race_replay.replay(options, task, search, symbols)
    if options.record is not None:
        raise UsageError("option --record belongs to --replay LINE")
    sites = sites_of(options, machine, search, symbols)
    return _search(options, task, search, sites, symbols)


def _search(
    options: argparse.Namespace, task: Task, search: Search, sites: Iterable[Site], symbols: SymbolTable
) -> int:  # fmt: skip
    from ppcdbg.cli.run import write_json
    from ppcdbg.cli.status import Status
    from ppcdbg.explore.distribute import explored
    from ppcdbg.explore.report import SCHEMA, SCHEMA_VERSION, data

    found = explored(task, search, sites, _workers(options, task, search), _progress(options))
    if not found.complete:
        text = f"interrupted: {found.explored} of the {len(found.sites)} sites that were found are explored"
        print(f"ppcdbg: {text}", file=sys.stderr)
    if options.json:
        head = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, "deferral": task.machine.deferral}
        write_json({**head, **data(found)}, options.json)
    if options.html:
        _html(options, task, found, symbols, ())
    if options.json != "-":
        _print(found, symbols, task.machine.cpu)
    if not found.complete:
        return Status.INTERRUPTED
    return Status.FINDING if found.failures or found.spoiled else Status.OK


def _cooperate(
    options: argparse.Namespace, task: Task, search: Search, symbols: SymbolTable
) -> tuple[Task, Search]:  # fmt: skip
    """The same on a guest that does what --deferral asks of one."""
    from ppcdbg.explore.cooperate import asks
    from ppcdbg.explore.remedies import cooperating
    from ppcdbg.kvm.deferral import POLICIES

    policy = next(p for p in POLICIES if p.name == task.machine.deferral)
    if not asks(policy):
        names = ", ".join(p.name for p in POLICIES if asks(p))
        raise UsageError(f"--deferral {policy.name} asks nothing of a guest; --cooperate is for {names}")
    moved, made = cooperating(
        task, policy, [*sites_of(options, task.machine, search, symbols)], room_of(options, symbols)
    )
    if not made.about:
        raise UsageError(f"the guest cannot be made to cooperate: {made.why}")
    return moved, moved.begin(search.asked)


def _html(
    options: argparse.Namespace, task: Task, found: Report, symbols: SymbolTable, remedies: Sequence[Remedy]
) -> None:  # fmt: skip
    from ppcdbg.views.race_html import Told, pieces

    machine = task.machine
    guest = options.guest or machine.kernel.name
    told = Told(guest, machine.cpu, machine.deferral, race_replay.replayed_by(options), symbols.name)
    from ppcdbg.cli.run import write_file

    write_file(options.html, "".join(pieces(found, told, remedies)))


def _workers(options: argparse.Namespace, task: Task, search: Search) -> Workers | None:
    """Who shares the work: a Dask cluster, or processes of this host; None: nobody."""
    if options.jobs == 1 and options.dask is None:
        return None
    from ppcdbg.explore.workers import processes

    if options.dask is None:
        return processes(task, search, options.jobs)
    from ppcdbg.explore.farm import Farm
    from ppcdbg.explore.wire import task_bytes
    from ppcdbg.scratch import scratch

    with scratch("race") as folder:
        return Farm(task_bytes(task, folder), options.dask)


def _print(found: Report, symbols: SymbolTable, core: str) -> None:
    from ppcdbg.views import races
    from ppcdbg.views.spans import to_text

    rows = [
        *races.title(found),
        races.counted(found),
        (),
        *races.heat_map(found, symbols.name),
        *races.windows(found, symbols.name, core),
    ]
    failures = races.failures(found)
    if failures:
        rows += [(), *failures]
    print(to_text(rows))


def _remedies(
    options: argparse.Namespace, task: Task, find: Find, symbols: SymbolTable, asked: Asked
) -> int:  # fmt: skip
    from ppcdbg.cli.run import write_json
    from ppcdbg.cli.status import Status
    from ppcdbg.explore.remedies import Means, data, remedies
    from ppcdbg.explore.report import SCHEMA, SCHEMA_VERSION
    from ppcdbg.views import race_remedies
    from ppcdbg.views.spans import to_text

    means = Means(find, room_of(options, symbols), lambda *each: _workers(options, *each), _progress(options), asked)
    found = [*remedies(task, means)]
    if options.json:
        head = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, "complete": not asked()}
        write_json({**head, "remedies": [data(r) for r in found]}, options.json)
    if options.html and found:
        _html(options, task, found[0].report, symbols, found)
    if options.json != "-":
        print(to_text(race_remedies.table(found, task.plan.sources)))
    if asked():
        print(f"ppcdbg: interrupted: {len(found)} policies are judged", file=sys.stderr)
        return Status.INTERRUPTED
    return Status.FINDING if any(r.report.failures for r in found) else Status.OK


def _plan(options: argparse.Namespace, search: Search) -> Plan:
    from ppcdbg.explore.sources import source
    from ppcdbg.explore.strategies import Plan

    names = (options.sources or "external,decrementer").split(",")
    for name in names:
        source(name, search.hv)
    for option, least in (("pairs", 0), ("random", 0), ("jobs", 1), ("patience", 0), ("delay", 0), ("steps", 1)):
        if getattr(options, option) < least:
            raise UsageError(f"option --{option} is {getattr(options, option)}; it must be at least {least}")
    return Plan(tuple(dict.fromkeys(names)), options.pairs, options.random, options.seed)


def _progress(options: argparse.Namespace) -> Callable[[int, int], None]:
    shown = sys.stderr.isatty() and not options.quiet

    def progress(done: int, total: int) -> None:
        if shown:
            text = f"race: {done} of {total} units" if total else ""
            print(f"\r{text:<40}", end="" if total else "\r", file=sys.stderr, flush=True)

    return progress
