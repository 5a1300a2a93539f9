"""``ppcdbg race --world-switch``: the explorer on the hypervisor's world switch; it needs no guest."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ppcdbg.errors import UsageError

if TYPE_CHECKING:
    from ppcdbg.explore.scheduled import Scheduled
    from ppcdbg.explore.switch_jobs import Wanted


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of its own."""
    add = parser.add_argument_group("another subject").add_argument
    add("--world-switch", action="store_true",
        help="in place of a guest: the hypervisor's entry and exit, with each event before each instruction; "
        "--replay takes VARIANT[/EXIT]:EVENT@STEP[+EVENT@+N], --sources the events")  # fmt: skip
    add("--variant", metavar="NAME", action="append", default=[],
        help="only this order of the switch, with its map (may be repeated; `--variant list` names them)")  # fmt: skip
    add("--exit", metavar="NAME", action="append", default=[],
        help="what makes the guest leave: default data-miss; all; `--exit list` names them")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Search, print, and return the status."""
    from ppcdbg.cli.run import Interruption
    from ppcdbg.cli.status import Status
    from ppcdbg.explore.switch_events import EVENTS
    from ppcdbg.kvm.switch.variants import VARIANTS
    from ppcdbg.kvm.switch.ways import WAYS

    if options.guest is not None:
        raise UsageError(f"--world-switch brings a machine of its own; it takes no guest, such as {options.guest}")
    for option, least in (("pairs", 0), ("jobs", 1)):
        if getattr(options, option) < least:
            raise UsageError(f"option --{option} is {getattr(options, option)}; it must be at least {least}")
    if options.variant == ["list"]:
        print("\n".join(f"{v.name:<17}{v.about}" for v in VARIANTS))
        return Status.OK
    if options.exit == ["list"]:
        print("\n".join(f"{w.name:<15}{w.about}" for w in WAYS))
        return Status.OK
    if options.sources == "list":
        print("\n".join(f"{e.name:<18}{e.about}" for e in EVENTS))
        return Status.OK
    if options.replay is not None:
        return replay(options)
    if options.record is not None:
        raise UsageError("option --record belongs to --replay LINE")
    with Interruption() as interruption:
        return _search(options, interruption.wanted)


def _search(options: argparse.Namespace, asked: Callable[[], bool]) -> int:
    from ppcdbg.cli.run import write_file, write_json
    from ppcdbg.cli.status import Status
    from ppcdbg.explore import switch_report
    from ppcdbg.explore.switch_jobs import searched
    from ppcdbg.views import world_switch as views
    from ppcdbg.views.spans import to_text

    wanted = _wanted(options)

    def progress(done: int, parts: int, name: str) -> None:
        _progress(options, f"race: {done} of {parts} parts, {name}")

    found = searched(wanted, options.jobs, progress, asked)
    _progress(options, "")
    if options.json:
        head = {"schema": switch_report.SCHEMA, "schema_version": switch_report.SCHEMA_VERSION}
        about = [{"name": e.name, "about": e.about} for e in wanted.events]
        write_json({**head, "events": about, "variants": [switch_report.data(r) for r in found]}, options.json)
    if options.html:
        from ppcdbg.cli.race_replay import replayed_by
        from ppcdbg.views.race_pages import of_switches

        write_file(options.html, "".join(of_switches(found, replayed_by(options))))
    if options.json != "-" and found:
        print(to_text(views.found(found, _width(), bool(options.variant))))
    if asked():
        print(f"ppcdbg: interrupted: {len(found)} of {len(wanted.subjects)} are searched", file=sys.stderr)
        return Status.INTERRUPTED
    return Status.FINDING if any(r.failures for r in found) else Status.OK


def _wanted(options: argparse.Namespace) -> Wanted:
    from ppcdbg.explore.switch_events import EVENTS, event
    from ppcdbg.explore.switch_jobs import Wanted
    from ppcdbg.kvm.switch.variants import VARIANTS, variant
    from ppcdbg.kvm.switch.ways import WAYS, way

    events = [event(name) for name in options.sources.split(",")] if options.sources else EVENTS
    chosen = [variant(name) for name in options.variant] or VARIANTS
    outs = WAYS if options.exit == ["all"] else [way(name) for name in options.exit] or [WAYS[0]]
    subjects = tuple((one, out) for one in chosen for out in outs)
    return Wanted(subjects, tuple(events), options.pairs or None, options.engine or "auto")


def replay(options: argparse.Namespace, kept: Scheduled | None = None) -> int:
    """Carry out one line, print what became of it, and return the status. ``kept``: what a file says of it."""
    from ppcdbg.cli import race_kept
    from ppcdbg.cli.run import write_json
    from ppcdbg.cli.status import Status
    from ppcdbg.debugger.world_switch import WorldSwitch
    from ppcdbg.explore.scheduled import WORLD_SWITCH, Scheduled, write
    from ppcdbg.views import world_switch as views
    from ppcdbg.views.data import plain
    from ppcdbg.views.spans import to_text

    told = WorldSwitch(options.engine or "auto").replay(options.replay)
    if options.json:
        write_json(plain(told), options.json)
    if options.json != "-":
        print(to_text(views.outcome(told.step, told.found, told.verdict, _width())))
    found = Scheduled(WORLD_SWITCH, options.replay, told.verdict.condition, told.verdict.reason, told.state)
    if options.record is not None:
        write(Path(options.record), found)
    if kept is not None and (differs := race_kept.held(kept, found)) is not None:
        return differs
    return Status.FINDING if told.verdict.condition else Status.OK


def _width() -> int:
    return max(80, min(shutil.get_terminal_size((120, 40)).columns, 160))


def _progress(options: argparse.Namespace, text: str) -> None:
    if sys.stderr.isatty() and not options.quiet:
        print(f"\r{text:<60}", end="" if text else "\r", file=sys.stderr, flush=True)
