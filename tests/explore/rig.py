"""Searches for the tests of this room: of the guest whose sections lose interrupts, and of any other system."""

from __future__ import annotations

import os
import zlib
from dataclasses import replace
from pathlib import Path

from ppcdbg.cpu.plain import Saved
from ppcdbg.explore.conditions import Bounds
from ppcdbg.explore.report import Report, report
from ppcdbg.explore.search import Search
from ppcdbg.explore.sites import Site, sections
from ppcdbg.explore.strategies import Plan, units
from ppcdbg.explore.task import begin
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.description import MachineDescription, describe
from ppcdbg.machine.guests import guest_file

WINDOW = guest_file("window", os.environ)
SOURCES = ("external", "level", "decrementer", "watchdog")


def machine(engine: str = "auto", deferral: str = "stock", guest: Path = WINDOW) -> MachineDescription:
    return replace(describe(guest), engine=engine, deferral=deferral)


def search(
    engine: str = "auto", deferral: str = "stock", bounds: Bounds | None = None, guest: Path = WINDOW
) -> Search:  # fmt: skip
    """The guest at its first instruction."""
    return begin(machine(engine, deferral, guest), 0, bounds or Bounds())


def sites(searching: Search, until: int = 2_000) -> list[Site]:
    searching.rewind()
    found = [*sections(searching.system, until, None)]
    searching.rewind()
    return found


def explored(searching: Search, plan: Plan, found: list[Site] | None = None) -> Report:
    """Everything of a plan, in this process."""
    where = sites(searching) if found is None else found
    results = [searching.unit(plan, unit, where[unit.site]) for unit in units(plan, len(where))]
    return report(plan, searching.bounds, searching.start, where, results)


def words(found: Report, source: str) -> list[list[str]]:
    """The verdicts on single interrupts of a source: for each site, one a boundary."""
    return [["" if v is None else v.word for v in site.verdicts[source]] for site in found.sites]


def whole(system: KvmSystem) -> tuple[Saved, int, bytes, object]:
    """All of a system, by the means of a snapshot and not of a point."""
    return system.save(), zlib.crc32(system.board.bus.ram), bytes(system.board.console.output), system.kvm.exits.rows(0)
