"""``ppcdbg race --world-switch``: the explorer on the hypervisor's world switch; it needs no guest."""

from __future__ import annotations

import argparse
import shutil
import sys
from typing import TYPE_CHECKING

from ppcdbg.errors import UsageError

if TYPE_CHECKING:
    from ppcdbg.explore.switch import SwitchReport
    from ppcdbg.explore.switch_events import SwitchEvent
    from ppcdbg.kvm.switch.variants import Variant
    from ppcdbg.kvm.switch.ways import Way


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of its own."""
    add = parser.add_argument_group("another subject").add_argument
    add("--world-switch", action="store_true",
        help="in place of a guest: the hypervisor's entry and exit, with each event before each instruction; "
        "--replay takes VARIANT[/EXIT]:EVENT@STEP, --sources the events")  # fmt: skip
    add("--variant", metavar="NAME", action="append", default=[],
        help="only this order of the switch, with its map (may be repeated; `--variant list` names them)")  # fmt: skip
    add("--exit", metavar="NAME", action="append", default=[],
        help="what makes the guest leave: default data-miss; all; `--exit list` names them")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Search, print, and return the status."""
    from ppcdbg.cli.run import write_json
    from ppcdbg.cli.status import Status
    from ppcdbg.explore import switch_report
    from ppcdbg.explore.switch_events import EVENTS, event
    from ppcdbg.kvm.switch.variants import VARIANTS, variant
    from ppcdbg.kvm.switch.ways import WAYS, way
    from ppcdbg.views import world_switch as views
    from ppcdbg.views.spans import to_text

    if options.guest is not None:
        raise UsageError(f"--world-switch brings a machine of its own; it takes no guest, such as {options.guest}")
    if options.jobs != 1:
        raise UsageError(f"option --jobs is {options.jobs}; a world switch is searched in one process")
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
        return _replay(options)
    events = [event(name) for name in options.sources.split(",")] if options.sources else list(EVENTS)
    chosen = [variant(name) for name in options.variant] or list(VARIANTS)
    outs = list(WAYS) if options.exit == ["all"] else [way(name) for name in options.exit] or [WAYS[0]]
    pieces = [(one, out) for one in chosen for out in outs]
    found = [_searched(*piece, options, f"{i + 1} of {len(pieces)}", events) for i, piece in enumerate(pieces)]
    _progress(options, "")
    if options.json:
        head = {"schema": switch_report.SCHEMA, "schema_version": switch_report.SCHEMA_VERSION}
        about = [{"name": e.name, "about": e.about} for e in events]
        write_json({**head, "events": about, "variants": [switch_report.data(r) for r in found]}, options.json)
    if options.html:
        from ppcdbg.cli.race_replay import replayed_by
        from ppcdbg.cli.run import write_file
        from ppcdbg.views.race_pages import of_switches

        write_file(options.html, "".join(of_switches(found, replayed_by(options))))
    if options.json != "-":
        rows = views.found(found, _width(), bool(options.variant))
        print(to_text(rows))
    return Status.FINDING if any(r.failures for r in found) else Status.OK


def _searched(
    one: Variant, out: Way, options: argparse.Namespace, number: str, events: list[SwitchEvent]
) -> SwitchReport:
    from ppcdbg.explore.switch import SwitchSearch, subject

    _progress(options, f"race: {number}, {subject(one, out)}")
    return SwitchSearch(one, out, engine=options.engine or "auto").search(events)


def _replay(options: argparse.Namespace) -> int:
    from ppcdbg.cli.run import write_json
    from ppcdbg.cli.status import Status
    from ppcdbg.debugger.world_switch import WorldSwitch
    from ppcdbg.views import world_switch as views
    from ppcdbg.views.data import plain
    from ppcdbg.views.spans import to_text

    told = WorldSwitch(options.engine or "auto").replay(options.replay)
    if options.json:
        write_json(plain(told), options.json)
    if options.json != "-":
        print(to_text(views.outcome(told.step, told.found, told.verdict, _width())))
    return Status.FINDING if told.verdict.condition else Status.OK


def _width() -> int:
    return max(80, min(shutil.get_terminal_size((120, 40)).columns, 160))


def _progress(options: argparse.Namespace, text: str) -> None:
    if sys.stderr.isatty() and not options.quiet:
        print(f"\r{text:<60}", end="" if text else "\r", file=sys.stderr, flush=True)
