"""``ppcdbg race --replay LINE``: one schedule told step by step, and kept as a session file."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ppcdbg.cli.race_places import REACH
from ppcdbg.errors import UsageError

if TYPE_CHECKING:
    from ppcdbg.debugger.symbols import SymbolTable
    from ppcdbg.explore.outcome import Outcome
    from ppcdbg.explore.search import Search
    from ppcdbg.explore.sites import Site
    from ppcdbg.explore.task import Task


def replayed_by(options: argparse.Namespace) -> str:
    """The command line without what only says where its results go, as a failure's line is replayed by."""
    from shlex import join

    words, skip = [], False
    for word in options.command_line:
        name = word.split("=")[0]
        if not skip and name not in ("--html", "--json", "--remedies", "-q", "--quiet", "--jobs", "--dask"):
            words.append(word)
        skip = not skip and name in ("--html", "--json", "--jobs", "--dask") and "=" not in word
    return join(["ppcdbg", *words])


def replay(options: argparse.Namespace, task: Task, search: Search, symbols: SymbolTable) -> int:
    """Carry out --replay, print what became of it, and return the status."""
    from ppcdbg.cli.run import write_json
    from ppcdbg.cli.status import Status
    from ppcdbg.explore.report import outcome_data
    from ppcdbg.explore.schedule import parse, put_at
    from ppcdbg.explore.sites import Site, passage
    from ppcdbg.views import races
    from ppcdbg.views.spans import to_text

    def place(pc: int, time: int) -> int:
        search.rewind()
        return passage(search.system, pc, time, search.start + REACH)

    site = None
    line = options.replay
    if (put := put_at(line)) is not None:
        line = put[2]
        site = Site(put[0], search.start, search.start, True, *put[:2])
    schedule = parse(line, search.hv, place)
    if schedule[0].position < search.start:
        raise UsageError(f"{schedule[0]} lies before the start of the search, {search.start}; give an earlier --from")
    outcome, boundaries = search.replay(schedule, site)
    verdict = search.verdict(outcome)
    if options.record is not None:
        _record(options.record, task, outcome, site)
    if options.json:
        write_json({"verdict": verdict.word, "condition": verdict.condition, "reason": verdict.reason,
                    **outcome_data(outcome)}, options.json)  # fmt: skip
    if options.json != "-":
        core = search.system.core.model.name
        print(to_text(races.outcome(outcome, verdict, boundaries, symbols.name, core)))
    return Status.FINDING if verdict.condition else Status.OK


def _record(name: str, task: Task, outcome: Outcome, site: Site | None) -> None:
    """The guest from its first instruction to where the verdict was clear, with the interrupts in its input."""
    from ppcdbg.explore.sources import inject
    from ppcdbg.explore.task import make
    from ppcdbg.kvm.run import KvmSystem
    from ppcdbg.machine.system import Limits
    from ppcdbg.session.machines import write_machine
    from ppcdbg.session.recorder import Recorder
    from ppcdbg.session.store import Store
    from ppcdbg.session.systems import open_system
    from ppcdbg.session.writes import Threaded

    system = open_system(task.machine)
    assert isinstance(system, KvmSystem)
    store = Store.new(Path(name))
    try:
        write_machine(store, task.machine)
        recorder = Recorder(system, Threaded(store))
        if task.changes or site is not None:
            system.run(Limits(task.start))
        make(system, task.changes)
        if site is not None:
            site.put(system)
        for event, fate in zip(outcome.schedule, outcome.fates):
            inject(system, event.source, event.position)
            if event.source.release is not None and fate.delivered is not None:
                gone = replace(event.source, value=event.source.release)
                inject(system, gone, fate.delivered + 1)
        system.run(Limits(outcome.position))
        recorder.finish()
    finally:
        store.close()
